#include "weylmc/run/reduce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/statistics/accumulator.h"
#include "weylmc/statistics/estimate.h"
#include "weylmc/statistics/jackknife.h"

/* ---- axes ------------------------------------------------------------------------------- */

/* Indices of a group's axes: those of the sweep are 0, 1, ..., then perhaps `chain`, then the
 * model's. `longest` is the task in which a model axis has its full length. */
typedef struct layout {
  const wmc_plan *plan;
  size_t sweeps;
  long chain;                 /* index in the group, -1 if none */
  long model[WMC_MODEL_AXES]; /* -1 if empty everywhere */
  size_t longest[WMC_MODEL_AXES];
} layout;

static void axis_name(char out[WMC_TEXT_SHORT], const char *field)
{
  snprintf(out, WMC_TEXT_SHORT, "%s", field);
  for (char *c = out; *c; c++)
    if (*c == '.') *c = '_';
}

static bool is_number(const wmc_field *field)
{
  return field->type == WMC_INT || field->type == WMC_REAL || field->type == WMC_TIME;
}

/* Coordinates of one swept field: numbers, or the texts that a deck would write. */
typedef struct coordinates {
  double *numbers;
  char **labels;
  size_t n;
} coordinates;

static void coordinates_free(coordinates *c)
{
  for (size_t k = 0; c->labels != NULL && k < c->n; k++) wmc_free(c->labels[k]);
  wmc_free(c->labels);
  wmc_free(c->numbers);
}

static bool coordinates_fill(coordinates *c, const wmc_field *field, const wmc_value *values,
                             size_t n)
{
  *c = (coordinates){.n = n, .numbers = WMC_ARRAY(double, n)};
  if (!is_number(field)) c->labels = WMC_ARRAY(char *, n);
  bool good = c->numbers != NULL && (is_number(field) || c->labels != NULL);
  for (size_t k = 0; k < n && good; k++) {
    c->numbers[k] = is_number(field) ? values[k].real : (double)k;
    if (c->labels == NULL) continue;
    wmc_text text = {0};
    wmc_field_print(field, &values[k], &text);
    c->labels[k] = wmc_text_copy(wmc_text_string(&text));
    good = c->labels[k] != NULL;
    wmc_text_free(&text);
  }
  return good;
}

/* A sweep of one field is an axis with that field's values; fields tied together are an axis of
 * point numbers with an array for each field. */
static wmc_status add_sweep_axis(wmc_group *group, const wmc_plan *plan, const wmc_sweep *sweep)
{
  char name[WMC_TEXT_SHORT];
  axis_name(name, sweep->name);
  const wmc_field *field = &plan->model->fields[sweep->field[0]];
  coordinates c = {0};
  bool good = coordinates_fill(&c, field, sweep->values, sweep->length);
  bool tied = sweep->fields > 1;
  for (size_t k = 0; good && tied && k < sweep->length; k++) c.numbers[k] = (double)(k + 1);
  if (good)
    good = wmc_group_add_axis(group, name, tied ? "1" : field->unit,
                              tied ? "point of the tied sweep" : field->text, sweep->length,
                              c.numbers, tied ? NULL : (const char *const *)c.labels) >= 0;
  coordinates_free(&c);
  return good ? WMC_OK : wmc_no_memory();
}

static wmc_status add_tied_field(wmc_group *group, const wmc_plan *plan, const wmc_sweep *sweep,
                                 size_t axis, size_t k)
{
  const wmc_field *field = &plan->model->fields[sweep->field[k]];
  char name[WMC_TEXT_SHORT];
  axis_name(name, field->name);
  coordinates c = {0};
  bool good = coordinates_fill(&c, field, sweep->values + k * sweep->length, sweep->length);
  wmc_array *array = NULL;
  if (good)
    array = wmc_group_add_array(group, name, field->unit, field->text, 1, &axis, !is_number(field));
  for (size_t i = 0; array != NULL && i < sweep->length; i++) {
    if (c.labels == NULL) {
      array->data[i] = c.numbers[i];
    } else {
      wmc_free(array->strings[i]);
      array->strings[i] = wmc_text_copy(c.labels[i]);
    }
  }
  coordinates_free(&c);
  return array != NULL ? WMC_OK : wmc_no_memory();
}

static wmc_status add_model_axis(wmc_group *group, layout *l, size_t k)
{
  const wmc_plan *plan = l->plan;
  const wmc_axis *axis = &plan->model->axes[k];
  size_t longest = 0;
  for (size_t t = 0; t < plan->tasks; t++) {
    size_t n = axis->length(plan->task[t].parameters);
    if (n > longest) {
      longest = n;
      l->longest[k] = t;
    }
  }
  l->model[k] = -1;
  if (longest == 0) return WMC_OK;
  double *points = WMC_ARRAY(double, longest);
  if (points == NULL) return wmc_no_memory();
  for (size_t i = 0; i < longest; i++) points[i] = (double)(i + 1);
  if (axis->coordinates != NULL) axis->coordinates(plan->task[l->longest[k]].parameters, points);
  l->model[k] =
      wmc_group_add_axis(group, axis->name, axis->unit, axis->text, longest, points, NULL);
  wmc_free(points);
  return l->model[k] >= 0 ? WMC_OK : wmc_no_memory();
}

static wmc_status add_chain_axis(wmc_group *group, layout *l)
{
  double *points = WMC_ARRAY(double, l->plan->chains);
  if (points == NULL) return wmc_no_memory();
  for (size_t c = 0; c < l->plan->chains; c++) points[c] = (double)c;
  l->chain =
      wmc_group_add_axis(group, "chain", "1", "independent chain", l->plan->chains, points, NULL);
  wmc_free(points);
  return l->chain >= 0 ? WMC_OK : wmc_no_memory();
}

static wmc_status add_axes(wmc_group *group, const wmc_plan *plan, bool chains, layout *l)
{
  const wmc_deck *deck = plan->deck;
  *l = (layout){.plan = plan, .sweeps = deck->axes, .chain = -1};
  for (size_t a = 0; a < deck->axes; a++) WMC_TRY(add_sweep_axis(group, plan, &deck->axis[a]));
  if (chains) WMC_TRY(add_chain_axis(group, l));
  for (size_t k = 0; plan->model->axes[k].name != NULL && k < WMC_MODEL_AXES; k++)
    WMC_TRY(add_model_axis(group, l, k));
  for (size_t a = 0; a < deck->axes; a++)
    for (size_t k = 0; deck->axis[a].fields > 1 && k < deck->axis[a].fields; k++)
      WMC_TRY(add_tied_field(group, plan, &deck->axis[a], a, k));
  return WMC_OK;
}

/* ---- arrays ----------------------------------------------------------------------------- */

/* The numbers of a new array (arrays themselves may move when another is added), or NULL with OK if
 * one of the observable's axes is empty everywhere. */
static wmc_status add_array(wmc_group *group, const layout *l, const wmc_observable *o,
                            const char *suffix, const char *unit, const char *text, double **out)
{
  size_t axis[WMC_ARRAY_AXES], n = 0;
  *out = NULL;
  for (size_t a = 0; a < l->sweeps; a++) axis[n++] = a;
  if (l->chain >= 0) axis[n++] = (size_t)l->chain;
  for (size_t k = 0; k < wmc_axes_count(o->axis); k++) {
    if (l->model[o->axis[k]] < 0) return WMC_OK;
    axis[n++] = (size_t)l->model[o->axis[k]];
  }
  char name[2 * WMC_TEXT_SHORT];
  snprintf(name, sizeof name, "%s%s", o->name, suffix);
  wmc_array *array = wmc_group_add_array(group, name, unit, text, n, axis, false);
  if (array == NULL) return wmc_no_memory();
  size_t size = wmc_array_size(group, array);
  for (size_t i = 0; i < size; i++) array->data[i] = NAN;
  *out = array->data;
  return WMC_OK;
}

/* Lengths of an observable's axes: in one task, and padded to the longest of all tasks. */
typedef struct extents {
  size_t own[WMC_OBSERVABLE_AXES], padded[WMC_OBSERVABLE_AXES];
  size_t entries, block; /* their products */
} extents;

static extents extents_of(const layout *l, const wmc_observable *o, size_t task)
{
  extents x = {.entries = 1, .block = 1};
  const size_t n = wmc_axes_count(o->axis);
  for (size_t k = 0; k < WMC_OBSERVABLE_AXES; k++) {
    x.own[k] = x.padded[k] = 1;
    if (k >= n) continue;
    const wmc_axis *axis = &l->plan->model->axes[o->axis[k]];
    x.own[k] = axis->length(l->plan->task[task].parameters);
    x.padded[k] = axis->length(l->plan->task[l->longest[o->axis[k]]].parameters);
    x.entries *= x.own[k];
    x.block *= x.padded[k];
  }
  return x;
}

/* Position in the padded block of entry `e` of the task's own row-major entries. */
static size_t padded_position(const extents *x, size_t e)
{
  size_t position = 0, stride = 1;
  for (size_t k = WMC_OBSERVABLE_AXES; k-- > 0;) {
    position += e % x->own[k] * stride;
    e /= x->own[k];
    stride *= x->padded[k];
  }
  return position;
}

/* ---- chains, as accumulators ------------------------------------------------------------ */

typedef struct task_chains {
  wmc_accumulator **accumulator; /* NULL where the chain has no draws */
  size_t chains;
} task_chains;

static void task_chains_free(task_chains *tc)
{
  for (size_t c = 0; tc->accumulator != NULL && c < tc->chains; c++)
    wmc_accumulator_destroy(tc->accumulator[c]);
  wmc_free(tc->accumulator);
  *tc = (task_chains){0};
}

static wmc_status task_chains_load(const wmc_plan *plan, const wmc_ledger *ledger, size_t task,
                                   task_chains *tc)
{
  *tc = (task_chains){.accumulator = WMC_ARRAY(wmc_accumulator *, plan->chains),
                      .chains = plan->chains};
  if (tc->accumulator == NULL) return wmc_no_memory();
  const wmc_ledger_task *t = &ledger->task[task];
  for (size_t c = 0; c < plan->chains; c++) {
    if (t->progress[c * WMC_PROGRESS_COLUMNS + WMC_PROGRESS_DRAWS] == 0) continue;
    WMC_TRY(wmc_accumulator_create(&tc->accumulator[c], plan->task[task].measurement));
    WMC_TRY(wmc_accumulator_unpack(tc->accumulator[c], t->accumulators + c * t->accumulator_size));
  }
  return WMC_OK;
}

/* ---- exact values ----------------------------------------------------------------------- */

/* A derived quantity has the same axes, name and texts as an observable. */
static wmc_observable as_observable(const wmc_derived *d)
{
  return (wmc_observable){.name = d->name,
                          .unit = d->unit,
                          .text = d->text,
                          .axis = {d->axis[0], d->axis[1], d->axis[2]},
                          .expected = d->expected};
}

static size_t count_derived(const wmc_model *model)
{
  size_t n = 0;
  while (model->derived != NULL && model->derived[n].name != NULL) n++;
  return n;
}

static size_t derived_size(const wmc_plan *plan, size_t task)
{
  size_t size = 0;
  for (size_t k = 0; k < count_derived(plan->model); k++)
    size += wmc_derived_size(plan->model, &plan->model->derived[k], plan->task[task].parameters);
  return size;
}

/* Exact values of one quantity of `n` entries, NaN where unknown. */
static void expect_entries(const wmc_observable *o, const wmc_value *parameters, size_t n,
                           double *out)
{
  bool known = n > 0 && o->expected != NULL && o->expected(parameters, out);
  for (size_t e = 0; !known && e < n; e++) out[e] = NAN;
}

/* Observables, then derived quantities. */
static void expect_task(const wmc_plan *plan, size_t task, double *out)
{
  const wmc_model *model = plan->model;
  const wmc_value *parameters = plan->task[task].parameters;
  for (const wmc_observable *o = model->observables; o->name != NULL; o++) {
    size_t n = wmc_observable_size(model, o, parameters);
    expect_entries(o, parameters, n, out);
    out += n;
  }
  for (size_t k = 0; k < count_derived(model); k++) {
    const wmc_observable o = as_observable(&model->derived[k]);
    size_t n = wmc_observable_size(model, &o, parameters);
    expect_entries(&o, parameters, n, out);
    out += n;
  }
}

wmc_status wmc_expect(const wmc_plan *plan, wmc_expectations *exact)
{
  *exact = (wmc_expectations){.tasks = plan->tasks, .task = WMC_ARRAY(double *, plan->tasks)};
  if (exact->task == NULL) return wmc_no_memory();
  for (size_t t = 0; t < plan->tasks; t++) {
    exact->task[t] = WMC_ARRAY(double, plan->task[t].measurement + derived_size(plan, t));
    if (exact->task[t] == NULL) return wmc_no_memory();
    expect_task(plan, t, exact->task[t]);
  }
  return WMC_OK;
}

void wmc_expectations_free(wmc_expectations *exact)
{
  for (size_t t = 0; exact->task != NULL && t < exact->tasks; t++) wmc_free(exact->task[t]);
  wmc_free(exact->task);
  *exact = (wmc_expectations){0};
}

/* ---- estimates -------------------------------------------------------------------------- */

enum {
  COLUMN_MEAN,
  COLUMN_ERROR,
  COLUMN_DEVIATION,
  COLUMN_TAU,
  COLUMN_ESS,
  COLUMN_RHAT,
  COLUMN_QUALITY,
  COLUMN_EXPECTED,
  COLUMN_Z,
  COLUMN_BIAS,
  COLUMNS
};

/* A NULL unit is the observable's own. */
static const struct {
  const char *suffix, *unit, *text;
} columns[COLUMNS] = {
    [COLUMN_MEAN] = {"", NULL, ""},
    [COLUMN_ERROR] = {"_error", NULL, "standard error of "},
    [COLUMN_DEVIATION] = {"_deviation", NULL, "standard deviation of one sample of "},
    [COLUMN_TAU] = {"_tau", "draws", "integrated autocorrelation time of "},
    [COLUMN_ESS] = {"_ess", "1", "effective sample size of "},
    [COLUMN_RHAT] = {"_rhat", "1", "split R-hat of "},
    [COLUMN_QUALITY] = {"_quality", "1",
                        "0 good, 1 chains short against tau, 2 chains apart, 3 too few draws, "
                        "4 not finite, 5 mostly bias: error of "},
    [COLUMN_EXPECTED] = {"_expected", NULL, "exact value of "},
    [COLUMN_Z] = {"_z", "1", "(estimate - exact value) / standard error of "},
    [COLUMN_BIAS] = {"_bias", NULL, "what the standard error allows for a bias of "},
};

/* Whether the exact value of some entry, whose first is `first[t]` in task t, is known. */
static bool has_expected(const wmc_plan *plan, const wmc_expectations *exact,
                         const wmc_observable *o, const size_t *first)
{
  for (size_t t = 0; t < plan->tasks; t++) {
    size_t n = wmc_observable_size(plan->model, o, plan->task[t].parameters);
    for (size_t e = 0; e < n; e++)
      if (!isnan(exact->task[t][first[t] + e])) return true;
  }
  return false;
}

/* What is there beside the mean and its error. */
typedef struct column_set {
  bool samples; /* derived quantities have none of their own, and no columns about these */
  bool exact, bias;
} column_set;

static bool has_column(const column_set *set, int k)
{
  if (k >= COLUMN_DEVIATION && k <= COLUMN_RHAT) return set->samples;
  if (k == COLUMN_EXPECTED || k == COLUMN_Z) return set->exact;
  return k != COLUMN_BIAS || set->bias;
}

static wmc_status add_columns(wmc_group *group, const layout *l, const wmc_observable *o,
                              column_set set, double *out[COLUMNS])
{
  for (int k = 0; k < COLUMNS; k++) {
    out[k] = NULL;
    if (!has_column(&set, k)) continue;
    char text[256];
    snprintf(text, sizeof text, "%s%s", columns[k].text, k == COLUMN_MEAN ? o->text : o->name);
    WMC_TRY(add_array(group, l, o, columns[k].suffix, columns[k].unit ? columns[k].unit : o->unit,
                      text, &out[k]));
  }
  return WMC_OK;
}

/* What a quantity without any noise may be off by: null tests find rounding instead of 0. */
static double rounding_of(double exact) { return exact == 0 ? 1e-12 : 1e-13 * fabs(exact); }

static void fill_entry(double *const out[COLUMNS], size_t at, const wmc_estimate *e, double exact,
                       double bias)
{
  const double values[COLUMNS] = {
      [COLUMN_MEAN] = e->mean,
      [COLUMN_ERROR] = e->error,
      [COLUMN_DEVIATION] = e->deviation,
      [COLUMN_TAU] = e->tau,
      [COLUMN_ESS] = e->ess,
      [COLUMN_RHAT] = e->rhat,
      [COLUMN_QUALITY] = e->quality,
      [COLUMN_EXPECTED] = exact,
      [COLUMN_Z] = (e->mean - exact) / hypot(e->error, rounding_of(exact)),
      [COLUMN_BIAS] = bias,
  };
  for (int k = 0; k < COLUMNS; k++)
    if (out[k] != NULL) out[k][at] = values[k];
}

/* One observable of one task; `first` is its first component in the measurement. */
static void fill_estimates(const layout *l, const wmc_observable *o, size_t task, size_t first,
                           const wmc_estimate *all, const double *exact, const double *bias,
                           double *const out[COLUMNS])
{
  if (out[COLUMN_MEAN] == NULL) return;
  const extents x = extents_of(l, o, task);
  for (size_t e = 0; e < x.entries; e++) {
    wmc_estimate estimate = all[first + e];
    if (o->tuning || o->biases) {
      estimate.rhat = estimate.ess = NAN;
      estimate.quality = WMC_ESTIMATE_GOOD;
    }
    fill_entry(out, task * x.block + padded_position(&x, e), &estimate, exact[first + e],
               bias[first + e]);
  }
}

static void fill_chains(const layout *l, const wmc_observable *o, size_t task, size_t first,
                        const task_chains *tc, double *out)
{
  if (out == NULL) return;
  const extents x = extents_of(l, o, task);
  for (size_t c = 0; c < tc->chains; c++)
    for (size_t e = 0; tc->accumulator[c] != NULL && e < x.entries; e++)
      out[(task * tc->chains + c) * x.block + padded_position(&x, e)] =
          wmc_accumulator_mean(tc->accumulator[c], first + e);
}

/* ---- biases ----------------------------------------------------------------------------- */

/* The observable that lists the biases of the others; NULL: none. */
static const wmc_observable *find_biases(const wmc_model *model)
{
  const wmc_observable *o = model->observables;
  while (o->name != NULL && !o->biases) o++;
  return o->name != NULL ? o : NULL;
}

/* Entries of a task's measurement whose bias is estimated: the first ones. */
static size_t count_biases(const wmc_plan *plan, size_t task)
{
  const wmc_observable *o = find_biases(plan->model);
  return o ? wmc_observable_size(plan->model, o, plan->task[task].parameters) : 0;
}

/* What is left of a bias b beyond the noise of its own estimate: the root of an estimate of b^2. */
static double beyond_noise(const wmc_estimate *b)
{
  const double square = b->mean * b->mean - b->error * b->error;
  return square > 0 && isfinite(square) ? copysign(sqrt(square), b->mean) : 0;
}

/* `bias` of all entries of a task's measurement, 0 where none is known, and errors with it. */
static void allow_for_biases(const wmc_plan *plan, size_t task, wmc_estimate *all, double *bias)
{
  const size_t n = count_biases(plan, task);
  const size_t first = n > 0 ? wmc_observable_first(plan->model, find_biases(plan->model)->name,
                                                    plan->task[task].parameters)
                             : 0;
  for (size_t e = 0; e < plan->task[task].measurement; e++)
    bias[e] = e < n ? beyond_noise(&all[first + e]) : 0;
  for (size_t e = 0; e < n; e++) {
    if (fabs(bias[e]) > all[e].error && all[e].quality == WMC_ESTIMATE_GOOD)
      all[e].quality = WMC_ESTIMATE_BIASED;
    all[e].error = hypot(all[e].error, bias[e]);
  }
}

/* ---- derived quantities ----------------------------------------------------------------- */

/* What evaluates the derived quantities of a task. */
typedef struct derivation {
  const wmc_plan *plan;
  size_t task, entries;
  const double *bias;      /* of the means; NULL: none */
  double *shifted, *moved; /* means less their biases, and what is derived from these */
} derivation;

static void evaluate_all(const derivation *d, const double *means, double *out, double *doubt)
{
  const wmc_model *model = d->plan->model;
  const wmc_value *parameters = d->plan->task[d->task].parameters;
  for (size_t e = 0; e < d->entries; e++) doubt[e] = 0;
  for (size_t k = 0; k < count_derived(model); k++) {
    size_t n = wmc_derived_size(model, &model->derived[k], parameters);
    if (n > 0) model->derived[k].evaluate(parameters, means, out, doubt);
    out += n, doubt += n;
  }
}

/* All values, then what their methods, and the biases of means, may put them off by. */
static void evaluate_derived(void *data, const double *means, double *out)
{
  const derivation *d = data;
  double *doubt = out + d->entries;
  if (d->bias != NULL) {
    for (size_t k = 0; k < d->plan->task[d->task].measurement; k++)
      d->shifted[k] = means[k] - d->bias[k];
    evaluate_all(d, d->shifted, d->moved, doubt);
  }
  evaluate_all(d, means, out, doubt);
  for (size_t e = 0; d->bias != NULL && e < d->entries; e++)
    if (isfinite(out[e] - d->moved[e])) doubt[e] = hypot(doubt[e], out[e] - d->moved[e]);
}

/* Estimates of all derived quantities of a task, with both kinds of errors. */
static wmc_status estimate_derived(const wmc_plan *plan, size_t task, const task_chains *tc,
                                   const double *bias, size_t entries, wmc_estimate *out)
{
  derivation d = {.plan = plan, .task = task, .entries = entries};
  wmc_estimate *both = wmc_alloc(2 * entries, sizeof *both);
  if (count_biases(plan, task) > 0) {
    d.bias = bias;
    d.shifted = WMC_ARRAY(double, plan->task[task].measurement);
    d.moved = WMC_ARRAY(double, entries);
  }
  wmc_status status = WMC_OK;
  if (both == NULL || (d.bias && (d.shifted == NULL || d.moved == NULL))) status = wmc_no_memory();
  if (status == WMC_OK)
    status = wmc_jackknife((const wmc_accumulator *const *)tc->accumulator, tc->chains, 2 * entries,
                           evaluate_derived, &d, both);
  for (size_t e = 0; status == WMC_OK && e < entries; e++) {
    out[e] = both[e];
    out[e].error = hypot(both[e].error, both[entries + e].mean);
  }
  wmc_free(both);
  wmc_free(d.shifted);
  wmc_free(d.moved);
  return status;
}

/* One derived quantity of one task. */
static void fill_derived(const layout *l, const wmc_observable *o, size_t task,
                         const wmc_estimate *estimates, const double *exact,
                         double *const out[COLUMNS])
{
  if (out[COLUMN_MEAN] == NULL) return;
  const extents x = extents_of(l, o, task);
  for (size_t e = 0; e < x.entries; e++)
    fill_entry(out, task * x.block + padded_position(&x, e), &estimates[e], exact[e], NAN);
}

/* ---- groups ----------------------------------------------------------------------------- */

/* Everything that is filled while the tasks are gone through once. */
typedef struct reduction {
  layout estimates, chains;
  double *(*column)[COLUMNS];  /* per observable, NULL where there is no such array */
  double *(*derived)[COLUMNS]; /* per derived quantity */
  double **chain_means;
  double *samples;
  const wmc_expectations *exact;
  size_t *first; /* per task: first component of the observable whose arrays are being made */
  wmc_text warnings;
} reduction;

static size_t count_observables(const wmc_model *model)
{
  size_t n = 0;
  while (model->observables[n].name != NULL) n++;
  return n;
}

/* Whether the bias of an observable, whose first entry is `first[t]` in task t, is estimated. */
static bool has_biases(const wmc_plan *plan, const size_t *first)
{
  for (size_t t = 0; t < plan->tasks; t++)
    if (first[t] < count_biases(plan, t)) return true;
  return false;
}

static wmc_status create_derived(const wmc_plan *plan, wmc_group *estimates, reduction *r)
{
  for (size_t k = 0; k < count_derived(plan->model); k++) {
    const wmc_observable o = as_observable(&plan->model->derived[k]);
    const column_set set = {.exact = has_expected(plan, r->exact, &o, r->first)};
    WMC_TRY(add_columns(estimates, &r->estimates, &o, set, r->derived[k]));
    for (size_t t = 0; t < plan->tasks; t++)
      r->first[t] += wmc_observable_size(plan->model, &o, plan->task[t].parameters);
  }
  return WMC_OK;
}

static wmc_status create_arrays(const wmc_plan *plan, wmc_group *estimates, wmc_group *chains,
                                reduction *r)
{
  const wmc_observable *o = plan->model->observables;
  size_t sweep[WMC_DECK_AXES];
  WMC_TRY(add_axes(estimates, plan, false, &r->estimates));
  WMC_TRY(add_axes(chains, plan, true, &r->chains));
  for (size_t a = 0; a < plan->deck->axes; a++) sweep[a] = a;
  wmc_array *samples = wmc_group_add_array(estimates, "samples", "draws", "draws of all chains",
                                           plan->deck->axes, sweep, false);
  if (samples == NULL) return wmc_no_memory();
  r->samples = samples->data;
  for (size_t k = 0; o[k].name != NULL; k++) {
    const column_set set = {.samples = true,
                            .exact = has_expected(plan, r->exact, &o[k], r->first),
                            .bias = has_biases(plan, r->first)};
    WMC_TRY(add_columns(estimates, &r->estimates, &o[k], set, r->column[k]));
    WMC_TRY(add_array(chains, &r->chains, &o[k], "", o[k].unit, o[k].text, &r->chain_means[k]));
    for (size_t t = 0; t < plan->tasks; t++)
      r->first[t] += wmc_observable_size(plan->model, &o[k], plan->task[t].parameters);
  }
  return create_derived(plan, estimates, r);
}

static void fill_task_derived(const wmc_plan *plan, size_t task, const wmc_estimate *estimates,
                              reduction *r)
{
  const double *exact = r->exact->task[task] + plan->task[task].measurement;
  size_t first = 0;
  for (size_t k = 0; k < count_derived(plan->model); k++) {
    const wmc_observable o = as_observable(&plan->model->derived[k]);
    fill_derived(&r->estimates, &o, task, estimates + first, exact + first, r->derived[k]);
    first += wmc_observable_size(plan->model, &o, plan->task[task].parameters);
  }
}

static void fill_task_observables(const wmc_plan *plan, size_t task, const task_chains *tc,
                                  const wmc_estimate *all, const double *bias, reduction *r)
{
  size_t first = 0;
  for (size_t k = 0; plan->model->observables[k].name != NULL; k++) {
    const wmc_observable *o = &plan->model->observables[k];
    fill_estimates(&r->estimates, o, task, first, all, r->exact->task[task], bias, r->column[k]);
    fill_chains(&r->chains, o, task, first, tc, r->chain_means[k]);
    first += wmc_observable_size(plan->model, o, plan->task[task].parameters);
  }
}

/* "depth = inf, time = 10: " for a point of a sweep. */
static void append_point(const wmc_plan *plan, size_t task, wmc_text *out)
{
  const wmc_deck *deck = plan->deck;
  const char *between = "";
  for (size_t a = 0; a < deck->axes; a++)
    for (size_t k = 0; k < deck->axis[a].fields; k++, between = ", ") {
      const size_t field = (size_t)deck->axis[a].field[k];
      wmc_text_append(out, "%s%s = ", between, plan->model->fields[field].name);
      wmc_field_print(&plan->model->fields[field], &plan->task[task].parameters[field], out);
    }
  if (deck->axes > 0) wmc_text_append(out, ": ");
}

static wmc_status warn_task(const wmc_plan *plan, size_t task, const wmc_estimate *all,
                            size_t entries, reduction *r)
{
  if (plan->model->warn == NULL || r->samples[task] == 0) return WMC_OK;
  double *means = WMC_ARRAY(double, entries), *errors = WMC_ARRAY(double, entries);
  wmc_text found = {0};
  const bool room = means != NULL && errors != NULL;
  for (size_t e = 0; room && e < entries; e++) {
    means[e] = all[e].mean;
    errors[e] = all[e].error;
  }
  if (room) plan->model->warn(plan->task[task].parameters, r->samples[task], means, errors, &found);
  if (found.length > 0) {
    append_point(plan, task, &r->warnings);
    wmc_text_append(&r->warnings, "%s\n", wmc_text_string(&found));
  }
  wmc_text_free(&found);
  wmc_free(means);
  wmc_free(errors);
  return room ? WMC_OK : wmc_no_memory();
}

/* All estimates of a task, those of the measurement first, and where they go. */
static wmc_status reduce_task(const wmc_plan *plan, size_t task, const task_chains *tc,
                              wmc_estimate *all, double *bias, reduction *r)
{
  const size_t measurement = plan->task[task].measurement, derived = derived_size(plan, task);
  for (size_t e = 0; e < measurement; e++)
    wmc_estimate_chains((const wmc_accumulator *const *)tc->accumulator, tc->chains, e, &all[e]);
  allow_for_biases(plan, task, all, bias);
  fill_task_observables(plan, task, tc, all, bias, r);
  if (derived > 0 && r->samples[task] > 0) {
    WMC_TRY(estimate_derived(plan, task, tc, bias, derived, all + measurement));
    fill_task_derived(plan, task, all + measurement, r);
  }
  return warn_task(plan, task, all, measurement + derived, r);
}

static wmc_status fill_task(const wmc_plan *plan, const wmc_ledger *ledger, size_t task,
                            reduction *r)
{
  const size_t measurement = plan->task[task].measurement;
  task_chains tc = {0};
  wmc_estimate *all = wmc_alloc(measurement + derived_size(plan, task), sizeof *all);
  double *bias = WMC_ARRAY(double, measurement), samples = 0;
  wmc_status status = all != NULL && bias != NULL ? WMC_OK : wmc_no_memory();
  if (status == WMC_OK) status = task_chains_load(plan, ledger, task, &tc);
  for (size_t c = 0; status == WMC_OK && c < tc.chains; c++)
    if (tc.accumulator[c] != NULL) samples += (double)wmc_accumulator_count(tc.accumulator[c]);
  r->samples[task] = samples;
  if (status == WMC_OK) status = reduce_task(plan, task, &tc, all, bias, r);
  task_chains_free(&tc);
  wmc_free(all);
  wmc_free(bias);
  return status;
}

static wmc_status add_texts(const wmc_plan *plan, const wmc_text *warnings, wmc_results *results)
{
  wmc_text resolved = {0};
  wmc_deck_print_resolved(plan->deck, &resolved);
  const char *title = plan->deck->general[WMC_DECK_TITLE].string;
  const struct {
    const char *name, *text;
  } notes[] = {{"title", title ? title : ""},
               {"model", plan->model->name},
               {"fit_parameter", plan->model->fit_parameter ? plan->model->fit_parameter : ""},
               {"verbatim", plan->deck->text},
               {"resolved", wmc_text_string(&resolved)},
               {"identity", plan->identity}};
  wmc_status status = WMC_OK;
  for (size_t k = 0; status == WMC_OK && k < sizeof notes / sizeof notes[0]; k++)
    status = wmc_results_set_note(results, notes[k].name, notes[k].text);
  if (status == WMC_OK && warnings->length > 0)
    status = wmc_results_set_note(results, "warnings", wmc_text_string(warnings));
  wmc_text_free(&resolved);
  return status;
}

wmc_status wmc_reduce(const wmc_plan *plan, const wmc_expectations *exact, const wmc_ledger *ledger,
                      wmc_results *results)
{
  size_t n = count_observables(plan->model), derived = count_derived(plan->model);
  *results = (wmc_results){0};
  reduction r = {.exact = exact,
                 .first = WMC_ARRAY(size_t, plan->tasks),
                 .column = wmc_alloc(n, sizeof *r.column),
                 .derived = wmc_alloc(derived, sizeof *r.derived),
                 .chain_means = WMC_ARRAY(double *, n)};
  /* groups may move when one is added, so both are made before either is used */
  wmc_status status = WMC_OK;
  if (r.first == NULL || r.column == NULL || r.derived == NULL || r.chain_means == NULL ||
      wmc_results_add_group(results, "estimates") == NULL ||
      wmc_results_add_group(results, "chains") == NULL)
    status = wmc_no_memory();
  if (status == WMC_OK)
    status = create_arrays(plan, wmc_results_group(results, "estimates"),
                           wmc_results_group(results, "chains"), &r);
  for (size_t t = 0; status == WMC_OK && t < plan->tasks; t++)
    status = fill_task(plan, ledger, t, &r);
  if (status == WMC_OK) status = add_texts(plan, &r.warnings, results);
  wmc_free(r.column);
  wmc_free(r.derived);
  wmc_free(r.chain_means);
  wmc_free(r.first);
  wmc_text_free(&r.warnings);
  if (status != WMC_OK) wmc_results_free(results);
  return status;
}
