/* The decks of inputs/jacobian, and what the model refuses. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "support.h"
#include "weylmc/deck/deck.h"
#include "weylmc/jacobian/block.h"

#define FOLDER WMC_SOURCE_ROOT "/inputs/jacobian"

static void use(bool *used, size_t most, long k)
{
  if (k >= 0 && (size_t)k < most) used[k] = true;
}

/* Marks blocks, activations and laws that any task of the deck uses, and makes one chain of each.
 */
static void visit(const wmc_deck *deck, bool *blocks, bool *activations, bool *laws)
{
  const wmc_field *fields = deck->model->fields;
  size_t n = wmc_field_count(fields);
  int block = wmc_field_find(fields, "block"), law = wmc_field_find(fields, "weights"),
      activation = wmc_field_find(fields, "activation");
  for (size_t t = 0; t < deck->tasks; t++) {
    wmc_value *values = calloc(n, sizeof *values);
    cr_assert_eq(wmc_deck_task(deck, t, values), WMC_OK);
    use(blocks, 32, values[block].integer);
    use(laws, 32, values[law].integer);
    if (values[activation].present) use(activations, 32, values[activation].integer);
    void *chain;
    cr_expect_eq(deck->model->create(values, &chain), WMC_OK, "%s task %zu", deck->path, t);
    deck->model->destroy(chain);
    for (size_t k = 0; k < n; k++) wmc_value_free(&values[k]);
    free(values);
  }
}

Test(jacobian_decks, every_architecture_has_a_deck)
{
  bool blocks[32] = {false}, activations[32] = {false}, laws[32] = {false};
  DIR *folder = opendir(FOLDER);
  cr_assert_not_null(folder);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strstr(entry->d_name, ".yaml") == NULL) continue;
    char path[1024];
    wmc_deck *deck = NULL;
    snprintf(path, sizeof path, FOLDER "/%s", entry->d_name);
    cr_expect_eq(wmc_deck_read(path, 0, NULL, &deck), WMC_OK, "%s", wmc_message());
    if (deck == NULL) continue;
    cr_expect_str_eq(deck->model->name, "residual_jacobian");
    visit(deck, blocks, activations, laws);
    wmc_deck_destroy(deck);
  }
  closedir(folder);
  for (int k = 0; wmc_blocks[k]; k++) cr_expect(blocks[k], "no deck for %s", wmc_block_names[k]);
  for (int k = 0; wmc_activation_names[k]; k++)
    cr_expect(activations[k], "no deck for %s", wmc_activation_names[k]);
  for (int k = 0; wmc_weight_law_names[k]; k++)
    cr_expect(laws[k], "no deck for %s", wmc_weight_law_names[k]);
}

Test(jacobian_decks, combinations_without_a_limit_are_refused)
{
  const struct {
    const char *lines, *complaint; /* NULL: good */
  } cases[] = {
      {"block: outer, activation: relu", "activation: block outer diverges"},
      {"block: outer", "activation: block outer diverges"},
      {"block: outer, activation: gelu", "activation: block outer diverges"},
      {"block: outer, activation: sin", NULL},
      {"block: outer, activation: leaky_relu, slope: 1", NULL},
      {"block: inside, activation: abs", "activation: block inside diverges"},
      {"block: inside, activation: gelu", NULL},
      {"block: two_layer, weights: fractional", "products of fractional weights"},
      {"block: one_layer, weights: fractional", NULL},
      {"block: plain, weights: smooth", "only residual blocks"},
      {"block: plain, weights: rademacher", "may be singular"},
      {"block: plain, time: 2", "time"},
      {"block: plain, norm: rms", "norm"},
      {"block: rotation, keep: 0.5", "keep"},
      {"block: linear, activation: relu", "activation"},
      {"block: linear, keep: 0", "keep"},
      {"block: linear, hurst: 0.6", "hurst"},
      {"block: linear, weights: fractional, hurst: 0.4", "hurst"},
      {"block: linear, weights: fractional, depth: 1e8", "GB"},
      {"block: linear, input_norm2: 3",
       "input_norm2: has no effect without activation = erf or sin or tanh or gelu or norm = rms "
       "or layer"},
      {"block: linear, norm: rms, input_norm2: 3", NULL},
      {"block: linear, norm: layer, width: 1", "at least 2"},
      {"bins: 2", "bins: 2 bins show nothing"},
      {"bins: 4, lambda_min: 2, lambda_max: 1", "not above lambda_min"},
      {"block: plain, activation: relu, log_metric: yes", "keep their rank"},
      {"depth: inf, log_metric: yes", "log_euclidean_mean"},
      {"bins: 4, covariance: yes, log_metric: yes", NULL},
      {"lags: [0.25]", NULL},
      {"lags: [0.25, 0.5]", "no room"},
      {"lags: [0.25, 0.3]", "no multiple"},
      {"lags: [0.3]", "whole number"},
      {"lags: [0.125, 0.0625], depth: 64", "increasing"},
      {"lags: [0.125], window: [0.3, 1]", "window: 0.3 of depth 16"},
      {"lags: [0.125], window: [0.5], depth: 64", "at least 2 and at most 2 increasing numbers"},
      {"lags: [0.125], gaps: [2, 1], depth: 64", "do not increase"},
      {"lags: [0.125], width: 1, depth: 64", "width of at least 2"},
      {"lags: [1.0e-300, 0.125], depth: inf", "at most 100000 are allowed"},
      {"lags: [0.125], window: [0.5], depth: inf, block: one_layer", "at least 2"},
      {"gaps: [1, 2]", "gaps: has no effect without lags"},
      {"depth: inf, precision: extended", "precision: has no effect without depth != inf"},
      {"depth: inf, precision: auto", NULL},
      {"depth: {sweep: [8, inf]}, precision: extended", NULL},
      {"depth: inf, precision: extended, weights: smooth", NULL},
      {"depth: inf, precision: extended, norm: rms", NULL},
      {"depth: inf, precision: double, block: one_layer", NULL},
      {"depth: inf, precision: double, multilevel: limit", NULL},
      {"depth: inf, variance: 1.0e12", "parameters.time: resolution times width"},
      {"depth: 3000000000", "too deep"},
      {"time: 1.0e-300", "numbers are rounded"},
      {"time: 1.0e-12", NULL},
      {"lags: [0.125], block: plain, depth: 64", "no diffusion"},
      {"lags: [0.125], depth: 64, group: 3", "with a group"},
      {"lags: [0.125], depth: 64, multilevel: {kind: depth, coarsest: 16}", "path of one network"},
      {"lags: [0.125], depth: inf", NULL},
      {"diffusivity: yes", NULL},
      {"diffusivity: yes, depth: inf", "Q_ii is known"},
      {"diffusivity: yes, block: rotation", "Q_ii is known"},
      {"block: linear, field: complex", NULL},
      {"block: two_layer, activation: linear, field: complex, keep: 0.5", NULL},
      {"block: rotation, field: complex", NULL},
      {"block: plain, activation: linear, field: complex, weights: uniform", NULL},
      {"block: exponential, field: complex, weights: smooth", NULL},
      {"block: two_layer, field: complex", "activation: relu is not linear"},
      {"block: plain, activation: abs, group: 3", "activation: abs is not linear"},
      {"block: one_layer, field: complex", "field: complex numbers want linear layers"},
      {"block: inside, activation: linear, group: 2", "group: Fourier modes want linear layers"},
      {"block: linear, norm: rms, field: complex", "norm: the Jacobian of a normalisation"},
      {"block: linear, norm: rms, group: 8", "mixes Fourier modes"},
      {"block: linear, keep: 0.5, group: 8", "masks do not commute"},
      {"block: linear, field: complex, group: 8", "independent complex chains"},
      {"block: linear, group: 8", NULL},
      {"block: two_layer, activation: linear, group: 8, hidden: 3", NULL},
      {"block: linear, group: 2048", "at most 4096"},
      {"multilevel: depth, depth: 64", NULL},
      {"multilevel: depth, depth: 96", "a power of two"},
      {"multilevel: {kind: depth, coarsest: 12}, depth: 96", NULL},
      {"multilevel: depth, depth: inf", NULL},
      {"multilevel: depth, depth: inf, field: complex", NULL},
      {"multilevel: limit, depth: inf, field: complex, block: exponential", NULL},
      {"multilevel: limit, depth: inf, group: 6", NULL},
      {"multilevel: {kind: depth, finest: 64}, depth: inf", "at least 8 times"},
      {"multilevel: limit, depth: 64", "infinite depth"},
      {"multilevel: limit, depth: inf", NULL},
      {"multilevel: limit, depth: inf, time: 100", "use at least"},
      {"multilevel: {kind: depth, coarsest: 100}, depth: inf, time: 100", NULL},
      {"multilevel: limit, depth: inf, block: one_layer", NULL},
      {"multilevel: limit, depth: inf, block: inside, activation: gelu", "explodes"},
      {"multilevel: limit, depth: inf, record: [0.3, 1]", "not the end of a layer"},
      {"multilevel: depth, depth: 64, record: [0.3, 1]", NULL},
      {"multilevel: depth, depth: inf, block: one_layer", NULL},
      {"multilevel: depth, depth: 64, block: plain", "no limit to go to"},
      {"multilevel: depth, depth: 64, exponent: 1", "powers of 1/depth"},
      {"multilevel: depth, depth: inf, norm: rms", "at least width 5"},
      {"multilevel: depth, depth: inf, norm: layer, width: 5", "at least width 6"},
      {"multilevel: depth, depth: inf, norm: layer, width: 6", NULL},
      {"multilevel: depth, depth: 64, norm: rms", NULL},
      {"multilevel: depth, depth: 64, weights: fractional", NULL},
      {"multilevel: depth, depth: inf, weights: fractional", "powers of 1/depth"},
      {"multilevel: depth, depth: 64, control: yes", NULL},
      {"multilevel: depth, depth: inf, block: one_layer, control: yes", "no exact mean"},
      {"multilevel: depth, depth: 64, lags: [0.25]",
       "lags: a draw of multilevel is a sum over networks of many depths"},
      {"multilevel: depth, depth: 64, diffusivity: yes", "leave it out, or use multilevel: none"},
      {"multilevel: depth, depth: 64, record: [0.5, 0.52, 1]", "same layer"},
      {"coarsest: 4", "coarsest"},
      {"control: yes", NULL},
      {"control: yes, depth: inf, field: complex", NULL},
      {"control: yes, depth: 128, block: two_layer, activation: relu", NULL},
      {"control: yes, block: two_layer, activation: tanh", "no exact mean"},
      {"control: yes, weights: rademacher", "no exact mean"},
      {"depth: inf, block: one_layer, activation: relu", NULL},
      {"depth: inf, block: one_layer, activation: gelu, norm: layer, weights: orthogonal", NULL},
      {"depth: inf, block: two_layer, activation: tanh", NULL},
      {"depth: inf, block: two_layer, activation: tanh, weights: uniform",
       "weights: gaussian only"},
      {"depth: inf, block: two_layer, activation: relu, weights: uniform, norm: rms", NULL},
      {"depth: inf, block: inside, activation: gelu", "explodes"},
      {"depth: inf, block: inside, activation: gelu, norm: rms", NULL},
      {"depth: inf, block: linear, norm: rms, width: 2", "use a greater width"},
      {"depth: inf, block: linear, norm: layer, width: 3", "use a greater width"},
      {"depth: inf, block: linear, norm: layer, record: [0.314159265358979, 1]",
       "fractions with few digits"},
      {"depth: inf, block: one_layer, weights: fractional", "give no diffusion"},
      {"depth: inf, block: one_layer, exponent: 0.6", "exponent 1/2"},
      {"depth: inf, block: plain", "no limit"},
      {"depth: inf, block: two_layer, activation: gelu, weights: smooth", NULL},
      {"depth: inf, weights: smooth, exponent: 0.5", "exponent 1"},
      {"depth: inf, weights: smooth, field: complex", "real numbers without a group"},
      {"depth: inf, block: one_layer, diffusivity: yes", NULL},
      {"depth: inf, block: one_layer, weights: smooth, diffusivity: yes", "weights are smooth"},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    char text[512];
    wmc_deck *deck = NULL;
    snprintf(text, sizeof text, "model: residual_jacobian\nseed: 1\nparameters: {%s%s%s}\n",
             strstr(cases[k].lines, "width:") ? "" : "width: 4, ",
             strstr(cases[k].lines, "depth:") ? "" : "depth: 16, ", cases[k].lines);
    wmc_message_clear();
    wmc_status status = wmc_deck_parse("d.yaml", text, strlen(text), 0, NULL, &deck);
    if (cases[k].complaint == NULL) {
      cr_expect_eq(status, WMC_OK, "%s: %s", cases[k].lines, wmc_message());
    } else {
      cr_expect_eq(status, WMC_DATA, "%s", cases[k].lines);
      cr_expect_not_null(strstr(wmc_message(), cases[k].complaint), "%s: %s", cases[k].lines,
                         wmc_message());
    }
    wmc_deck_destroy(deck);
  }
}

/* Half powers of 1/L where |x| is a Bessel process of dimension 3, logarithms where it is one of
 * dimension 4, and no fit at all at 2; elsewhere the data choose. */
Test(jacobian_decks, norms_say_how_the_limit_is_approached)
{
  const struct {
    const char *lines, *series;
    bool converges;
  } cases[] = {
      {"block: linear, norm: rms, width: 2", NULL, false},
      {"block: linear, norm: rms, width: 3", "half", true},
      {"block: linear, norm: rms, width: 4", "logarithmic", true},
      {"block: linear, norm: rms, width: 5", NULL, true},
      {"block: linear, norm: layer, width: 3", NULL, false},
      {"block: two_layer, activation: tanh, norm: layer, width: 4", "half", true},
      {"block: one_layer, norm: layer, width: 5", "logarithmic", true},
      {"block: one_layer, norm: layer, width: 6", NULL, true},
      {"block: linear, norm: layer, width: 4, weights: smooth", NULL, true},
      {"block: linear, norm: layer, width: 4, exponent: 1", NULL, true},
      {"block: linear, width: 3", NULL, true},
  };
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    char text[512];
    wmc_deck *deck = NULL;
    snprintf(text, sizeof text,
             "model: residual_jacobian\nseed: 1\nparameters: {depth: {sweep: [16, 32]}, %s}\n",
             cases[k].lines);
    cr_assert_eq(wmc_deck_parse("d.yaml", text, strlen(text), 0, NULL, &deck), WMC_OK, "%s",
                 wmc_message());
    const wmc_model *model = deck->model;
    const size_t n = wmc_field_count(model->fields);
    wmc_value *values = calloc(n, sizeof *values);
    cr_assert_eq(wmc_deck_task(deck, 0, values), WMC_OK);
    const char *series = model->series(values);
    cr_expect_eq(model->observables[0].converges(values), cases[k].converges, "%s", cases[k].lines);
    cr_expect((series == NULL) == (cases[k].series == NULL), "%s: %s", cases[k].lines, series);
    if (series && cases[k].series) cr_expect_str_eq(series, cases[k].series, "%s", cases[k].lines);
    for (size_t f = 0; f < n; f++) wmc_value_free(&values[f]);
    free(values);
    wmc_deck_destroy(deck);
  }
}
