/* The model residual_jacobian: observables and exact values against one network and closed forms.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "continues.h"
#include "weylmc/jacobian/exact.h"
#include "weylmc/numeric/special.h"

enum { SEED = 20261123 };

enum { FIELDS = 64 /* at most */, MEASURED = 512 };

/* Values as a deck would give them: "name=text" pairs over the defaults. */
static void read_parameters(const wmc_model *model, wmc_value *values, size_t n,
                            const char *const *settings)
{
  wmc_text why = {0};
  const size_t fields = wmc_field_count(model->fields);
  cr_assert_leq(fields, FIELDS);
  for (int pass = 0; pass < 3; pass++) /* conditions may depend on later fields */
    for (size_t k = 0; k < fields; k++)
      if (model->fields[k].standard && !values[k].present &&
          wmc_field_allowed(model->fields, k, values))
        cr_assert(wmc_field_read(&model->fields[k], model->fields[k].standard, &values[k], &why),
                  "%s", wmc_text_string(&why));
  for (size_t i = 0; i < n; i++) {
    char name[64];
    const char *equals = strchr(settings[i], '=');
    snprintf(name, sizeof name, "%.*s", (int)(equals - settings[i]), settings[i]);
    int k = wmc_field_find(model->fields, name);
    cr_assert_geq(k, 0, "%s", name);
    wmc_value_free(&values[k]);
    cr_assert(wmc_field_read(&model->fields[k], equals + 1, &values[k], &why), "%s",
              wmc_text_string(&why));
  }
}

#define PARAMETERS(model, values, ...)                                                             \
  do {                                                                                             \
    const char *const settings[] = {__VA_ARGS__};                                                  \
    read_parameters(model, values, sizeof settings / sizeof *settings, settings);                  \
  } while (0)

static const double *find(const wmc_model *model, const wmc_value *values, const double *measured,
                          const char *name)
{
  return measured + wmc_observable_first(model, name, values);
}

static void check_observables(const wmc_model *model, const wmc_value *values,
                              const double *measured, size_t d, size_t record)
{
#define AT(name) find(model, values, measured, name)[record]
  const double *lambda = find(model, values, measured, "log_singular_values") + record * d;
  double sum = 0, squares = 0, trace = 0, total = 0, entropy = 0, ratio = 0;
  for (size_t i = 0; i < d; i++) {
    sum += lambda[i];
    squares += lambda[i] * lambda[i];
    trace += exp(2 * lambda[i]);
    total += exp(lambda[i]);
  }
  for (size_t i = 0; i < d; i++) entropy -= exp(lambda[i]) / total * log(exp(lambda[i]) / total);
  for (size_t i = 1; i < d; i++) {
    double gap = find(model, values, measured, "gap")[record * (d - 1) + i - 1];
    cr_expect_eq(gap, lambda[i - 1] - lambda[i]);
    cr_expect_geq(gap, 0);
    if (i + 1 < d) {
      double next = lambda[i] - lambda[i + 1];
      ratio += fmin(gap / next, next / gap) / (double)(d - 2);
    }
  }
  cr_expect_float_eq(AT("log_singular_values_sum"), sum, 1e-13);
  cr_expect_float_eq(AT("log_det_metric"), 2 * sum, 1e-13);
  cr_expect_float_eq(AT("squared_sum"), squares, 1e-13);
  cr_expect_float_eq(AT("log_spectrum_variance"), squares / (double)d - sum * sum / (double)(d * d),
                     1e-13);
  cr_expect_float_eq(AT("trace_metric") / trace, 1, 1e-13);
  cr_expect_float_eq(AT("effective_rank"), exp(entropy), 1e-12);
  cr_expect_eq(AT("condition"), lambda[0] - lambda[d - 1]);
  if (d > 2) cr_expect_float_eq(AT("gap_ratio"), ratio, 1e-13);
  if (d < 3) cr_expect(isnan(AT("gap_ratio")));
  cr_expect_leq(AT("log_vector_growth"), lambda[0] + 1e-13);
  cr_expect_geq(AT("log_vector_growth"), lambda[d - 1] - 1e-13);
#undef AT
}

Test(jacobian_model, observables_follow_from_the_spectrum)
{
  const wmc_model *model = wmc_model_find("residual_jacobian");
  cr_assert_not_null(model);
  cr_assert(model->independent);
  for (int d = 1; d <= 5; d++) {
    wmc_value values[FIELDS] = {0};
    char width[32];
    snprintf(width, sizeof width, "width=%d", d);
    PARAMETERS(model, values, width, "depth=12", "block=two_layer", "activation=erf", "hidden=3",
               "record=[0.25, 1]");
    size_t n = wmc_model_measurement_size(model, values);
    double measured[MEASURED], again[MEASURED], packed[MEASURED];
    cr_assert_leq(n, MEASURED);
    cr_expect_eq(wmc_observable_size(model, model->observables, values), 2 * (size_t)d);
    void *chain, *copy;
    wmc_stream *stream = test_stream(SEED, d);
    cr_assert_eq(model->create(values, &chain), WMC_OK);
    cr_assert_eq(model->create(values, &copy), WMC_OK);
    model->start(chain, stream);
    for (int draw = 0; draw < 3; draw++) {
      cr_assert_eq(model->advance(chain, stream, 1, false), WMC_OK);
      model->measure(chain, measured);
      for (size_t record = 0; record < 2; record++)
        check_observables(model, values, measured, (size_t)d, record);
    }
    /* another chain that takes over the state and the stream goes on bit for bit */
    cr_assert_leq(model->state_size(chain), MEASURED);
    model->pack(chain, packed);
    model->unpack(copy, packed);
    model->measure(copy, again);
    cr_expect_arr_eq(again, measured, n * sizeof *again, "d=%d", d);
    test_continues(model, values, chain, stream, copy, 1, false);
    wmc_stream_destroy(stream);
    model->destroy(chain);
    model->destroy(copy);
    for (size_t k = 0; k < FIELDS; k++) wmc_value_free(&values[k]);
  }
}

static bool expect(const wmc_model *model, const char *name, const wmc_value *values, double *out)
{
  for (const wmc_observable *o = model->observables; o->name; o++)
    if (strcmp(o->name, name) == 0) return o->expected && o->expected(values, out);
  return false;
}

Test(jacobian_model, expected_values_where_they_are_exact)
{
  const wmc_model *model = wmc_model_find("residual_jacobian");
  double out[2], error;
  wmc_value values[FIELDS] = {0};
  PARAMETERS(model, values, "width=2", "depth=100", "record=[0.5, 1]");
  double one = wmc_exact_log_det(2, 0.01, &error), growth = wmc_exact_log_growth(2, 0.01);
  cr_assert(expect(model, "log_singular_values_sum", values, out));
  cr_expect_float_eq(out[0], 50 * one, 1e-14);
  cr_expect_float_eq(out[1], 100 * one, 1e-14);
  cr_assert(expect(model, "log_det_metric", values, out));
  cr_expect_float_eq(out[1], 200 * one, 1e-14);
  cr_assert(expect(model, "log_vector_growth", values, out));
  cr_expect_float_eq(out[1], 100 * growth, 1e-14);
  cr_assert(expect(model, "trace_metric", values, out));
  cr_expect(isnan(out[1]), "its draws are too widely spread");
  cr_assert(expect(model, "gap", values, out));
  /* E x_L is the limit at tau' = tau + 2 tau^2/L, where E x grows from 2.0371 by 1.26 per tau */
  cr_expect_lt(fabs(out[1] - 2.0371339784 - 1.26 * 0.02), 3e-3);
  PARAMETERS(model, values, "width=3");
  cr_expect_not(expect(model, "gap", values, out));

  /* a layer amplitude at which nearly singular layers count has no expected sum */
  PARAMETERS(model, values, "width=2", "depth=4");
  cr_expect_not(expect(model, "log_singular_values_sum", values, out));

  PARAMETERS(model, values, "width=2", "depth=100", "time=0.1", "weights=rademacher");
  cr_expect_not(expect(model, "log_singular_values_sum", values, out));
  cr_expect_not(expect(model, "log_vector_growth", values, out));
  cr_assert(expect(model, "trace_metric", values, out));
  cr_expect_float_eq(out[1], 2 * pow(1.002, 100), 1e-12);

  PARAMETERS(model, values, "block=two_layer", "activation=relu");
  cr_assert(expect(model, "trace_metric", values, out));
  cr_expect_float_eq(out[1], 2 * pow(1.001, 100), 1e-12);
  PARAMETERS(model, values, "width=3", "hidden=6");
  cr_expect_not(expect(model, "log_vector_growth", values, out), "sign weights");
  PARAMETERS(model, values, "weights=gaussian");
  cr_assert(expect(model, "log_vector_growth", values, out));
  one = wmc_exact_log_growth_mixed(3, 6, 0, 0.001, &error);
  cr_expect_float_eq(out[1], 100 * one, 1e-14);
  PARAMETERS(model, values, "activation=tanh");
  cr_expect_not(expect(model, "log_vector_growth", values, out));
  cr_expect_not(expect(model, "trace_metric", values, out));
  for (size_t k = 0; k < FIELDS; k++) wmc_value_free(&values[k]);
}

Test(jacobian_model, expected_values_of_the_other_architectures)
{
  const wmc_model *model = wmc_model_find("residual_jacobian");
  const double g1 = 0.5 * (log(2) + wmc_digamma(0.5)), g2 = 0.5 * (log(2) + wmc_digamma(1));
  double out[4], error;
  wmc_value values[FIELDS] = {0};
  PARAMETERS(model, values, "width=2", "depth=100", "block=plain", "activation=linear",
             "variance=3");
  cr_assert(expect(model, "log_singular_values_sum", values, out));
  cr_expect_float_eq(out[0], 100 * (g1 + g2 + log(3)), 1e-11);
  cr_assert(expect(model, "log_vector_growth", values, out));
  cr_expect_float_eq(out[0], 100 * (g2 + 0.5 * log(3)), 1e-11);
  PARAMETERS(model, values, "activation=leaky_relu", "slope=0.1");
  cr_assert(expect(model, "log_singular_values_sum", values, out));
  cr_expect_float_eq(out[0], 100 * (g1 + g2 + log(3) + log(0.1)), 1e-11);
  cr_expect_not(expect(model, "log_vector_growth", values, out));
  PARAMETERS(model, values, "activation=relu");
  cr_expect_not(expect(model, "log_singular_values_sum", values, out));
  PARAMETERS(model, values, "activation=abs", "weights=orthogonal");
  cr_assert(expect(model, "log_singular_values", values, out));
  cr_expect_float_eq(out[0], 50 * log(6), 1e-11);
  cr_expect_float_eq(out[1], 50 * log(6), 1e-11);

  PARAMETERS(model, values, "block=exponential", "weights=uniform", "variance=1");
  cr_assert(expect(model, "log_singular_values_sum", values, out));
  cr_expect_eq(out[0], 0);
  cr_expect_not(expect(model, "trace_metric", values, out));

  PARAMETERS(model, values, "block=linear", "weights=gaussian", "time=0.1", "keep=0.5");
  cr_assert(expect(model, "trace_metric", values, out));
  cr_expect_float_eq(out[0], 2 * pow(1 + 2 * 0.002, 100), 1e-12);
  cr_expect_not(expect(model, "log_singular_values_sum", values, out));
  PARAMETERS(model, values, "keep=1", "norm=rms");
  cr_expect_not(expect(model, "trace_metric", values, out));
  cr_expect_not(expect(model, "log_vector_growth", values, out));
  PARAMETERS(model, values, "norm=none", "weights=fractional", "hurst=0.8", "time=2");
  cr_assert(expect(model, "log_singular_values_sum", values, out));
  cr_expect_float_eq(out[0], 100 * wmc_exact_log_det(2, pow(0.02, 1.6), &error), 1e-13);
  cr_expect_not(expect(model, "trace_metric", values, out));
  for (size_t k = 0; k < FIELDS; k++) wmc_value_free(&values[k]);
}

/* What is decided beforehand is said: in the line for `weylmc check`, and among the results. */
Test(jacobian_model, precision_is_said)
{
  const wmc_model *model = wmc_model_find("residual_jacobian");
  const struct {
    const char *depth, *time, *precision, *word;
    double bits;
  } cases[] = {{"depth=1000", "time=1", "precision=auto", "precision double", 53},
               {"depth=1000", "time=200", "precision=auto", "precision extended", 106},
               {"depth=1000", "time=200", "precision=double", "precision double", 53},
               {"depth=1000", "time=1", "precision=extended", "precision extended", 106},
               {"depth=inf", "time=1", "precision=auto", NULL, 0}};
  wmc_value values[FIELDS] = {0};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    wmc_text note = {0};
    double bits = 0, error = 0, doubt = 0;
    PARAMETERS(model, values, "width=4", cases[k].depth, cases[k].time, cases[k].precision);
    model->note(values, &note);
    const wmc_derived *row = model->derived;
    while (strcmp(row->name, "precision_bits")) row++;
    cr_assert_eq(wmc_derived_size(model, row, values), cases[k].word ? 1 : 0);
    if (cases[k].word) {
      row[0].evaluate(values, NULL, &bits, &doubt);
      row[1].evaluate(values, NULL, &error, &doubt);
      cr_expect_eq(bits, cases[k].bits, "case %zu", k);
      cr_expect(error > 0 && (error < 1e-12 || bits == 53), "case %zu: %g", k, error);
      char two_digits[32];
      snprintf(two_digits, sizeof two_digits, "%.1e", error);
      cr_expect_eq(strtod(two_digits, NULL), error, "case %zu: %.15g", k, error);
      cr_expect_not_null(strstr(wmc_text_string(&note), cases[k].word), "case %zu", k);
    } else {
      cr_expect_eq(note.length, 0);
    }
    wmc_text_free(&note);
  }
  for (size_t k = 0; k < FIELDS; k++) wmc_value_free(&values[k]);
}

/* Lost values are -inf, counted, and left out of the conditional means. */
Test(jacobian_model, lost_rank_is_counted)
{
  enum { DIM = 4, DRAWS = 300 };
  const wmc_model *model = wmc_model_find("residual_jacobian");
  double measured[MEASURED], means[MEASURED] = {0}, sum[DIM] = {0}, growth = 0, derived[DIM + 1];
  double doubt[DIM + 1] = {0};
  int finite[DIM] = {0};
  wmc_value values[FIELDS] = {0};
  PARAMETERS(model, values, "width=4", "depth=3", "block=plain", "activation=relu");
  size_t n = wmc_model_measurement_size(model, values);
  void *chain;
  wmc_stream *stream = test_stream(SEED, 77);
  cr_assert_eq(model->create(values, &chain), WMC_OK);
  model->start(chain, stream);
  for (int draw = 0; draw < DRAWS; draw++) {
    cr_assert_eq(model->advance(chain, stream, 1, false), WMC_OK);
    model->measure(chain, measured);
    const double *lambda = find(model, values, measured, "log_singular_values");
    int lost = 0;
    for (int i = 0; i < DIM; i++) {
      bool there = lambda[i] > -INFINITY;
      lost += !there;
      finite[i] += there;
      sum[i] += there ? lambda[i] : 0;
    }
    cr_expect_eq(*find(model, values, measured, "rank_lost"), lost);
    cr_expect_eq(*find(model, values, measured, "log_singular_values_sum") > -INFINITY, lost == 0);
    double moved = *find(model, values, measured, "log_vector_growth");
    cr_expect_eq(moved > -INFINITY, lost < DIM);
    growth += lost < DIM ? moved : 0;
    cr_expect(isfinite(*find(model, values, measured, "trace_metric")));
    for (size_t i = 0; i < n; i++) means[i] += measured[i] / DRAWS;
  }
  cr_assert(finite[0] < DRAWS && finite[2] > 0, "the test needs both kinds");
  model->derived[0].evaluate(values, means, derived, doubt);
  for (int i = 0; i < DIM; i++) {
    if (finite[i] > 0)
      cr_expect_float_eq(derived[i], sum[i] / finite[i], 1e-12);
    else
      cr_expect_eq(derived[i], -INFINITY);
  }
  model->derived[1].evaluate(values, means, derived, doubt);
  cr_expect_float_eq(derived[0], growth / finite[0], 1e-12);
  PARAMETERS(model, values, "activation=tanh");
  cr_expect_lt(wmc_model_measurement_size(model, values), n, "nothing to count");
  model->destroy(chain);
  wmc_stream_destroy(stream);
  for (size_t k = 0; k < FIELDS; k++) wmc_value_free(&values[k]);
}

static void note(void *sink, int field, const char *message)
{
  wmc_text_append(sink, "%d: %s\n", field, message);
}

Test(jacobian_model, records_must_be_distinct_layers)
{
  const wmc_model *model = wmc_model_find("residual_jacobian");
  const struct {
    const char *record, *expected;
  } cases[] = {{"record=[0.25, 0.5, 1]", NULL},
               {"record=1", NULL},
               {"record=[0.5, 0.25]", "must increase"},
               {"record=[0.5, 0.5]", "must increase"},
               {"record=[0.01, 0.02]", "same layer 1"}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    wmc_value values[FIELDS] = {0};
    wmc_text found = {0};
    PARAMETERS(model, values, "width=2", "depth=10", cases[k].record);
    model->check(values, &(wmc_complaints){note, &found});
    if (cases[k].expected)
      cr_expect_not_null(strstr(wmc_text_string(&found), cases[k].expected), "%s",
                         wmc_text_string(&found));
    else
      cr_expect_str_empty(wmc_text_string(&found));
    wmc_text_free(&found);
    for (size_t i = 0; i < FIELDS; i++) wmc_value_free(&values[i]);
  }
}
