#include <math.h>
#include <stdio.h>

#include "reduction.h"
#include "weylmc/base/memory.h"

/* ---- chains, as accumulators ------------------------------------------------------------- */

static void task_chains_free(wmc_task_chains *tc)
{
  for (size_t c = 0; tc->accumulator != NULL && c < tc->chains; c++)
    wmc_accumulator_destroy(tc->accumulator[c]);
  wmc_free(tc->accumulator);
  *tc = (wmc_task_chains){0};
}

static wmc_status task_chains_load(const wmc_plan *plan, const wmc_ledger *ledger, size_t task,
                                   wmc_task_chains *tc)
{
  *tc = (wmc_task_chains){.accumulator = WMC_ARRAY(wmc_accumulator *, plan->chains),
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

/* ---- estimates --------------------------------------------------------------------------- */

enum {
  COLUMN_MEAN,
  COLUMN_ERROR,
  COLUMN_DEVIATION,
  COLUMN_TAU,
  COLUMN_ESS,
  COLUMN_RHAT,
  COLUMN_QUALITY,
  COLUMN_FREEDOM,
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
    [COLUMN_QUALITY] =
        {"_quality", "1",
         "0 good, 1 chains short against tau, 2 chains apart, 3 too few draws, "
         "4 not finite, 5 mostly bias, 6 from fewer than 20 draws or batches: error of "},
    [COLUMN_FREEDOM] = {"_freedom", "1", "degrees of freedom of the error of "},
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

static wmc_status add_columns(wmc_group *group, const wmc_layout *l, const wmc_observable *o,
                              column_set set, double *out[COLUMNS])
{
  for (int k = 0; k < COLUMNS; k++) {
    out[k] = NULL;
    if (!has_column(&set, k)) continue;
    char text[256];
    snprintf(text, sizeof text, "%s%s", columns[k].text, k == COLUMN_MEAN ? o->text : o->name);
    WMC_TRY(wmc_layout_add_array(group, l, o, columns[k].suffix,
                                 columns[k].unit ? columns[k].unit : o->unit, text, &out[k]));
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
      [COLUMN_FREEDOM] = e->error > 0 ? e->freedom : NAN,
      [COLUMN_EXPECTED] = exact,
      [COLUMN_Z] = (e->mean - exact) / hypot(e->error, rounding_of(exact)),
      [COLUMN_BIAS] = bias,
  };
  for (int k = 0; k < COLUMNS; k++)
    if (out[k] != NULL) out[k][at] = values[k];
}

/* One observable of one task; `first` is its first component in the measurement. */
static void fill_estimates(const wmc_layout *l, const wmc_observable *o, size_t task, size_t first,
                           const wmc_estimate *all, const double *exact, const double *bias,
                           double *const out[COLUMNS])
{
  if (out[COLUMN_MEAN] == NULL) return;
  const wmc_extents x = wmc_layout_extents(l, o, task);
  for (size_t e = 0; e < x.entries; e++) {
    wmc_estimate estimate = all[first + e];
    if (o->tuning || o->biases) {
      estimate.rhat = estimate.ess = NAN;
      estimate.quality = WMC_ESTIMATE_GOOD;
    }
    fill_entry(out, task * x.block + wmc_extents_position(&x, e), &estimate, exact[first + e],
               bias[first + e]);
  }
}

static void fill_chains(const wmc_layout *l, const wmc_observable *o, size_t task, size_t first,
                        const wmc_task_chains *tc, double *out)
{
  if (out == NULL) return;
  const wmc_extents x = wmc_layout_extents(l, o, task);
  for (size_t c = 0; c < tc->chains; c++)
    for (size_t e = 0; tc->accumulator[c] != NULL && e < x.entries; e++)
      out[(task * tc->chains + c) * x.block + wmc_extents_position(&x, e)] =
          wmc_accumulator_mean(tc->accumulator[c], first + e);
}

/* One derived quantity of one task. */
static void fill_derived(const wmc_layout *l, const wmc_observable *o, size_t task,
                         const wmc_estimate *estimates, const double *exact,
                         double *const out[COLUMNS])
{
  if (out[COLUMN_MEAN] == NULL) return;
  const wmc_extents x = wmc_layout_extents(l, o, task);
  for (size_t e = 0; e < x.entries; e++)
    fill_entry(out, task * x.block + wmc_extents_position(&x, e), &estimates[e], exact[e], NAN);
}

/* ---- groups ------------------------------------------------------------------------------ */

/* Everything that is filled while the tasks are gone through once. */
typedef struct reduction {
  wmc_layout estimates, chains;
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
    if (first[t] < wmc_biases_count(plan, t)) return true;
  return false;
}

static wmc_status create_derived(const wmc_plan *plan, wmc_group *estimates, reduction *r)
{
  for (size_t k = 0; k < wmc_derived_count(plan->model); k++) {
    const wmc_observable o = wmc_derived_observable(&plan->model->derived[k]);
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
  WMC_TRY(wmc_layout_add_axes(estimates, plan, false, &r->estimates));
  WMC_TRY(wmc_layout_add_axes(chains, plan, true, &r->chains));
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
    WMC_TRY(wmc_layout_add_array(chains, &r->chains, &o[k], "", o[k].unit, o[k].text,
                                 &r->chain_means[k]));
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
  for (size_t k = 0; k < wmc_derived_count(plan->model); k++) {
    const wmc_observable o = wmc_derived_observable(&plan->model->derived[k]);
    fill_derived(&r->estimates, &o, task, estimates + first, exact + first, r->derived[k]);
    first += wmc_observable_size(plan->model, &o, plan->task[task].parameters);
  }
}

static void fill_task_observables(const wmc_plan *plan, size_t task, const wmc_task_chains *tc,
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
static wmc_status reduce_task(const wmc_plan *plan, size_t task, const wmc_task_chains *tc,
                              wmc_estimate *all, double *bias, reduction *r)
{
  const size_t measurement = plan->task[task].measurement,
               derived = wmc_derived_entries(plan, task);
  for (size_t e = 0; e < measurement; e++)
    wmc_estimate_chains((const wmc_accumulator *const *)tc->accumulator, tc->chains, e, &all[e]);
  wmc_biases_allow(plan, task, all, bias);
  fill_task_observables(plan, task, tc, all, bias, r);
  if (derived > 0 && r->samples[task] > 0) {
    WMC_TRY(wmc_derived_estimate(plan, task, tc, bias, derived, all + measurement));
    fill_task_derived(plan, task, all + measurement, r);
  }
  return warn_task(plan, task, all, measurement + derived, r);
}

static wmc_status fill_task(const wmc_plan *plan, const wmc_ledger *ledger, size_t task,
                            reduction *r)
{
  const size_t measurement = plan->task[task].measurement;
  wmc_task_chains tc = {0};
  wmc_estimate *all = wmc_alloc(measurement + wmc_derived_entries(plan, task), sizeof *all);
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

/* Runs that were stopped, or whose chains failed, are not taken for whole ones. */
static void warn_unfinished(const wmc_plan *plan, reduction *r)
{
  const double each = (double)plan->chains * (double)plan->draws;
  double done = 0;
  size_t complete = 0;
  for (size_t t = 0; t < plan->tasks; t++) {
    done += r->samples[t];
    complete += r->samples[t] >= each;
  }
  if (complete < plan->tasks)
    wmc_text_append(&r->warnings,
                    "not finished: %.0f of %.0f draws are here, %zu of %zu tasks are complete\n",
                    done, each * (double)plan->tasks, complete, plan->tasks);
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
  size_t n = count_observables(plan->model), derived = wmc_derived_count(plan->model);
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
  if (status == WMC_OK) {
    warn_unfinished(plan, &r);
    status = add_texts(plan, &r.warnings, results);
  }
  wmc_free(r.column);
  wmc_free(r.derived);
  wmc_free(r.chain_means);
  wmc_free(r.first);
  wmc_text_free(&r.warnings);
  if (status != WMC_OK) wmc_results_free(results);
  return status;
}
