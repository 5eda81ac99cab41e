#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "weylmc/statistics/estimate.h"
#include "weylmc/statistics/fit.h"

/* ---- reading the group ------------------------------------------------------------------ */

static bool is_observable(const wmc_group *group, const wmc_array *array)
{
  return array->data != NULL && wmc_group_sibling(group, array->name, "_error") != NULL;
}

/* The sweep axes are those of `samples`; an observable has these and then its own. */
static size_t sweep_axes(const wmc_group *group)
{
  const wmc_array *samples = wmc_group_array(group, "samples");
  return samples ? samples->axes : 0;
}

static size_t product_of_axes(const wmc_group *group, const wmc_array *array, size_t from,
                              size_t to)
{
  size_t n = 1;
  for (size_t k = from; k < to; k++) n *= group->axis[array->axis[k]].length;
  return n;
}

static void append_coordinate(const wmc_axis_data *axis, size_t k, wmc_text *out)
{
  char number[WMC_TEXT_SHORT];
  wmc_text_append(out, "%s",
                  axis->labels ? axis->labels[k] : wmc_text_double(number, axis->coordinates[k]));
}

/* Coordinates of the row-major entry `at` along axes [from, to) of the array. */
static void coordinate_cells(const wmc_group *group, const wmc_array *array, size_t from, size_t to,
                             size_t at, wmc_table *table)
{
  for (size_t k = from; k < to; k++) {
    const wmc_axis_data *axis = &group->axis[array->axis[k]];
    wmc_text text = {0};
    append_coordinate(axis, at / product_of_axes(group, array, k + 1, to) % axis->length, &text);
    wmc_table_cell(table, "%s", wmc_text_string(&text));
    wmc_text_free(&text);
  }
}

static void name_cells(const wmc_group *group, const wmc_array *array, size_t from, size_t to,
                       wmc_table *table)
{
  for (size_t k = from; k < to; k++) wmc_table_cell(table, "%s", group->axis[array->axis[k]].name);
}

/* NaN, which is padding or a mean that does not exist, as "-". A ? marks an error that is not to be
 * trusted (wmc_estimate_quality). */
static void value_cell(const wmc_array *value, const wmc_array *error, const wmc_array *quality,
                       size_t at, wmc_table *table)
{
  char text[WMC_TEXT_SHORT] = "-";
  const bool known = !isnan(value->data[at]);
  const bool doubt = known && quality != NULL && error->data[at] > 0 && quality->data[at] > 0;
  if (known) wmc_text_value(text, value->data[at], error ? error->data[at] : NAN);
  wmc_table_cell(table, "%s%s", text, doubt ? "?" : "");
}

static void number_cell(const wmc_array *array, size_t at, const char *format, wmc_table *table)
{
  char text[WMC_TEXT_SHORT] = "-";
  if (array != NULL && !isnan(array->data[at]))
    snprintf(text, sizeof text, format, array->data[at]);
  wmc_table_cell(table, "%s", text);
}

/* ---- warnings ---------------------------------------------------------------------------- */

/* Whether entry `e` of the observable is there in some point of the sweep. */
static bool has_entry(const wmc_group *group, const wmc_array *array, size_t entries, size_t e)
{
  size_t size = wmc_array_size(group, array);
  for (size_t at = e; at < size; at += entries)
    if (!isnan(array->data[at])) return true;
  return false;
}

/* Entries whose error is not to be trusted, by reason. */
typedef struct warnings {
  size_t count[WMC_ESTIMATE_QUALITIES];
  const char *example[WMC_ESTIMATE_QUALITIES];
} warnings;

static void find_warnings(const wmc_group *group, const wmc_array *array, warnings *found)
{
  const wmc_array *quality = wmc_group_sibling(group, array->name, "_quality");
  const size_t size = quality ? wmc_array_size(group, quality) : 0;
  const size_t entries = size / wmc_array_size(group, wmc_group_array(group, "samples"));
  for (size_t i = 0; i < size; i++) {
    const double q = quality->data[i];
    /* what is nowhere defined, such as the ratio of gaps at width 2, is no fault */
    if (!has_entry(group, array, entries, i % entries)) continue;
    if (!(q > WMC_ESTIMATE_GOOD && q < WMC_ESTIMATE_QUALITIES)) continue;
    if (found->count[(size_t)q]++ == 0) found->example[(size_t)q] = array->name;
  }
}

static void show_warnings(const warnings *found, wmc_text *out)
{
  bool any = false;
  for (size_t q = 0; q < WMC_ESTIMATE_QUALITIES; q++) {
    if (found->count[q] == 0) continue;
    wmc_text_append(out, "warning: %zu entries, e.g. of %s: %s\n", found->count[q],
                    found->example[q], wmc_estimate_quality_text((wmc_estimate_quality)q));
    any = true;
  }
  if (any) wmc_text_append(out, "?: an error that a warning is about\n");
}

/* ---- one observable --------------------------------------------------------------------- */

static const struct {
  const char *title, *suffix, *format;
} details[] = {{"deviation", "_deviation", "%.4g"},
               {"expected", "_expected", "%.10g"},
               {"z", "_z", "%.2f"},
               {"tau", "_tau", "%.3g"},
               {"ESS", "_ess", "%.4g"},
               {"R-hat", "_rhat", "%.4f"},
               {"bias", "_bias", "%.2g"}};

enum { DETAILS = sizeof details / sizeof details[0] };

/* The last one is there only where biases are estimated. */
static size_t count_details(const wmc_group *group, const wmc_array *array)
{
  const bool biased = wmc_group_sibling(group, array->name, details[DETAILS - 1].suffix) != NULL;
  return biased ? DETAILS : DETAILS - 1;
}

static void show_observable(const wmc_group *group, const wmc_array *array, wmc_text *out)
{
  const size_t size = wmc_array_size(group, array), columns = count_details(group, array);
  const wmc_array *error = wmc_group_sibling(group, array->name, "_error");
  wmc_table table = {.columns = array->axes + 1 + columns};
  name_cells(group, array, 0, array->axes, &table);
  wmc_table_cell(&table, "%s", array->name);
  for (size_t k = 0; k < columns; k++) wmc_table_cell(&table, "%s", details[k].title);
  for (size_t at = 0; at < size; at++) {
    if (isnan(array->data[at]) && isnan(error->data[at])) continue; /* padding */
    coordinate_cells(group, array, 0, array->axes, at, &table);
    value_cell(array, error, wmc_group_sibling(group, array->name, "_quality"), at, &table);
    for (size_t k = 0; k < columns; k++)
      number_cell(wmc_group_sibling(group, array->name, details[k].suffix), at, details[k].format,
                  &table);
  }
  wmc_text_append(out, "%s [%s]: %s\n", array->name, array->unit, array->text);
  wmc_table_print(&table, out);
  wmc_table_free(&table);
  warnings found = {{0}};
  find_warnings(group, array, &found);
  show_warnings(&found, out);
}

/* ---- all observables -------------------------------------------------------------------- */

enum { COLUMNS_MAX = 6, ENTRIES_MAX = 6 };

/* A column of the overview: one entry of one observable. */
typedef struct shown {
  const wmc_array *array;
  size_t entry, entries;
} shown;

static void title_cell(const wmc_group *group, const shown *s, size_t sweeps, wmc_table *table)
{
  wmc_text text = {0};
  wmc_text_append(&text, "%s", s->array->name);
  for (size_t k = sweeps; k < s->array->axes; k++) {
    const wmc_axis_data *axis = &group->axis[s->array->axis[k]];
    size_t behind = product_of_axes(group, s->array, k + 1, s->array->axes);
    wmc_text_append(&text, k == sweeps ? "[" : ",");
    append_coordinate(axis, s->entry / behind % axis->length, &text);
  }
  if (s->array->axes > sweeps) wmc_text_append(&text, "]");
  wmc_table_cell(table, "%s", wmc_text_string(&text));
  wmc_text_free(&text);
}

static void show_block(const wmc_group *group, const shown *columns, size_t n, wmc_text *out)
{
  const wmc_array *samples = wmc_group_array(group, "samples");
  size_t sweeps = samples->axes, points = wmc_array_size(group, samples);
  wmc_table table = {.columns = sweeps + n};
  name_cells(group, samples, 0, sweeps, &table);
  for (size_t k = 0; k < n; k++) title_cell(group, &columns[k], sweeps, &table);
  for (size_t p = 0; p < points; p++) {
    coordinate_cells(group, samples, 0, sweeps, p, &table);
    for (size_t k = 0; k < n; k++)
      value_cell(columns[k].array, wmc_group_sibling(group, columns[k].array->name, "_error"),
                 wmc_group_sibling(group, columns[k].array->name, "_quality"),
                 p * columns[k].entries + columns[k].entry, &table);
  }
  wmc_table_print(&table, out);
  wmc_table_free(&table);
  wmc_text_append(out, "\n");
}

static void show_all(const wmc_group *group, wmc_text *out)
{
  shown columns[COLUMNS_MAX];
  size_t n = 0, sweeps = sweep_axes(group), hidden = 0;
  for (size_t k = 0; k < group->arrays; k++) {
    const wmc_array *array = &group->array[k];
    if (!is_observable(group, array)) continue;
    size_t entries = product_of_axes(group, array, sweeps, array->axes);
    for (size_t e = 0; e < entries && e < ENTRIES_MAX; e++) {
      if (!has_entry(group, array, entries, e)) continue;
      columns[n++] = (shown){array, e, entries};
      if (n == COLUMNS_MAX) show_block(group, columns, n, out), n = 0;
    }
    hidden += entries > ENTRIES_MAX;
  }
  if (n > 0) show_block(group, columns, n, out);
  if (hidden > 0)
    wmc_text_append(
        out, "%zu observables have more entries than shown: weylmc show FILE OBSERVABLE\n", hidden);
}

/* ---- verdicts --------------------------------------------------------------------------- */

/* How far the exact values of an observable are from its estimates. */
typedef struct distance {
  double z, p;    /* largest |z|; least p-value */
  double quality; /* of the entry with that */
  size_t count;
} distance;

static distance find_distance(const wmc_group *group, const wmc_array *array, const wmc_array *z)
{
  const wmc_array *freedom = wmc_group_sibling(group, array->name, "_freedom"),
                  *quality = wmc_group_sibling(group, array->name, "_quality");
  const size_t size = wmc_array_size(group, z);
  distance worst = {.p = 1};
  for (size_t i = 0; i < size; i++) {
    if (!isfinite(z->data[i])) continue;
    const double k = freedom != NULL && freedom->data[i] > 0 ? freedom->data[i] : INFINITY;
    const double p = wmc_estimate_p_value(z->data[i], 1, k);
    worst.count++;
    worst.z = fmax(worst.z, fabs(z->data[i]));
    if (p >= worst.p) continue;
    worst.p = p;
    worst.quality = quality != NULL ? quality->data[i] : WMC_ESTIMATE_GOOD;
  }
  return worst;
}

static void show_checks(const wmc_group *group, wmc_text *out)
{
  const double limit = 6.3e-5; /* four standard deviations of a normal */
  for (size_t k = 0; k < group->arrays; k++) {
    const wmc_array *array = &group->array[k];
    const wmc_array *z =
        is_observable(group, array) ? wmc_group_sibling(group, array->name, "_z") : NULL;
    if (z == NULL) continue;
    const distance worst = find_distance(group, array, z);
    const bool doubtful = worst.quality > WMC_ESTIMATE_GOOD;
    const char *verdict = worst.p >= limit ? ""
                          : doubtful       ? "  <-- theory is missed, or the error: see warnings"
                                           : "  <-- the run disagrees with theory";
    if (worst.count > 0)
      wmc_text_append(out, "check %s: largest |z| of %zu exact values is %.2f%s\n", array->name,
                      worst.count, worst.z, verdict);
  }
}

static void show_convergence(const wmc_group *group, wmc_text *out)
{
  double worst = 0, least = INFINITY;
  const char *worst_name = "", *least_name = "";
  for (size_t k = 0; k < group->arrays; k++) {
    const wmc_array *array = &group->array[k];
    if (!is_observable(group, array)) continue;
    const wmc_array *rhat = wmc_group_sibling(group, array->name, "_rhat");
    const wmc_array *ess = wmc_group_sibling(group, array->name, "_ess");
    size_t size = wmc_array_size(group, array);
    for (size_t i = 0; i < size; i++) {
      if (rhat && rhat->data[i] > worst) worst = rhat->data[i], worst_name = array->name;
      if (ess && ess->data[i] < least) least = ess->data[i], least_name = array->name;
    }
  }
  bool spread = worst > 0, size_known = isfinite(least);
  if (spread)
    wmc_text_append(out, "largest R-hat %.4f (%s)%s", worst, worst_name,
                    worst > 1.01 ? "  <-- chains disagree: thermalise or draw more" : "");
  if (size_known)
    wmc_text_append(out, "%sleast ESS %.4g (%s)", spread ? "; " : "", least, least_name);
  if (spread || size_known) wmc_text_append(out, "\n");
}

static void show_quality(const wmc_group *group, wmc_text *out)
{
  warnings found = {{0}};
  for (size_t k = 0; k < group->arrays; k++)
    if (is_observable(group, &group->array[k])) find_warnings(group, &group->array[k], &found);
  show_warnings(&found, out);
}

void cli_show_warnings(const wmc_results *results, wmc_text *out)
{
  const char *line = wmc_results_note(results, "warnings");
  while (line != NULL && *line != '\0') {
    const size_t n = strcspn(line, "\n");
    wmc_text_append(out, "weylmc: WARNING: %.*s\n", (int)n, line);
    line += n + (line[n] == '\n');
  }
}

wmc_status cli_show_results(const wmc_results *results, const char *observable, wmc_text *out)
{
  const wmc_group *group = wmc_results_group(results, "estimates");
  if (group == NULL || wmc_group_array(group, "samples") == NULL)
    return wmc_raise(WMC_DATA, "this results file has no estimates");
  if (observable == NULL) {
    const char *title = wmc_results_note(results, "title"),
               *model = wmc_results_note(results, "model");
    wmc_text_append(out, "%s%s(%s)\n\n", title ? title : "", title && title[0] ? " " : "",
                    model ? model : "?");
    show_all(group, out);
    show_checks(group, out);
    show_convergence(group, out);
    show_quality(group, out);
    cli_show_warnings(results, out);
    return WMC_OK;
  }
  const wmc_array *array = wmc_group_array(group, observable);
  if (array != NULL && is_observable(group, array)) {
    show_observable(group, array, out);
    cli_show_warnings(results, out);
    return WMC_OK;
  }
  wmc_text list = {0};
  for (size_t k = 0; k < group->arrays; k++)
    if (is_observable(group, &group->array[k]))
      wmc_text_append(&list, "%s%s", list.length ? ", " : "", group->array[k].name);
  wmc_status status =
      wmc_raise(WMC_USAGE, "there is no observable '%s' in this file; there are: %s", observable,
                wmc_text_string(&list));
  wmc_text_free(&list);
  return status;
}

/* ---- fits ------------------------------------------------------------------------------- */

static void verdict_cell(const wmc_array *quality, size_t at, bool *met, wmc_table *table)
{
  const bool known =
      quality != NULL && quality->data[at] >= 0 && quality->data[at] < WMC_FIT_QUALITIES;
  const size_t k = known ? (size_t)quality->data[at] : 0;
  wmc_table_cell(table, "%s", known ? wmc_fit_quality_name((wmc_fit_quality)k) : "-");
  if (known) met[k] = true;
}

/* What the verdicts met in the table mean. */
static void explain_verdicts(const bool *met, wmc_text *out)
{
  for (int k = 0; k < WMC_FIT_QUALITIES; k++)
    if (met[k] && k != WMC_FIT_GOOD)
      wmc_text_append(out, "%s: %s\n", wmc_fit_quality_name((wmc_fit_quality)k),
                      wmc_fit_quality_text((wmc_fit_quality)k));
}

enum { DIRECT = 2 /* columns of what follows */ };

/* What was found at infinite depth itself, and how far the limit is from it in standard errors. */
static void direct_cells(const wmc_group *group, const char *name, size_t at, wmc_table *table)
{
  const wmc_array *direct = wmc_group_sibling(group, name, "_direct");
  const wmc_array *error = wmc_group_sibling(group, name, "_direct_error");
  if (direct == NULL || error == NULL) {
    for (int k = 0; k < DIRECT; k++) wmc_table_cell(table, "-");
    return;
  }
  double away = wmc_group_sibling(group, name, "_limit")->data[at] - direct->data[at];
  double both = hypot(wmc_group_sibling(group, name, "_limit_error")->data[at], error->data[at]);
  value_cell(direct, error, NULL, at, table);
  wmc_table_cell(table, "%+.2f", away / both);
}

/* Whether a limit rests on errors that are themselves little known. */
static bool rests_on_few(const wmc_group *group, const char *name, size_t at)
{
  const wmc_array *error = wmc_group_sibling(group, name, "_limit_error"),
                  *freedom = wmc_group_sibling(group, name, "_limit_freedom");
  return error != NULL && freedom != NULL && error->data[at] > 0 &&
         freedom->data[at] < WMC_STUDENT_STEADY;
}

/* A value of a fit with its error, marked where `few`. */
static void fitted_cell(const wmc_group *group, const char *name, const char *suffix, size_t at,
                        bool few, wmc_table *table)
{
  char error[WMC_TEXT_SHORT], text[WMC_TEXT_SHORT];
  snprintf(error, sizeof error, "%s_error", suffix);
  double value = wmc_group_sibling(group, name, suffix)->data[at];
  const bool known = !isnan(value);
  if (known) wmc_text_value(text, value, wmc_group_sibling(group, name, error)->data[at]);
  wmc_table_cell(table, "%s%s", known ? text : "-", known && few ? "?" : "");
}

/* `few`: set if a marked limit was met. */
static void fit_rows(const wmc_group *group, const wmc_array *limit, const char *name, bool direct,
                     bool *met, bool *few, wmc_table *table)
{
  const wmc_array *form = wmc_group_sibling(group, name, "_form");
  size_t size = wmc_array_size(group, limit);
  for (size_t at = 0; at < size; at++) {
    if (isnan(limit->data[at])) continue;
    wmc_text point = {0};
    for (size_t k = 0; k < limit->axes; k++) {
      const wmc_axis_data *axis = &group->axis[limit->axis[k]];
      size_t behind = product_of_axes(group, limit, k + 1, limit->axes);
      wmc_text_append(&point, "%s%s=", k ? " " : "", axis->name);
      append_coordinate(axis, at / behind % axis->length, &point);
    }
    wmc_table_cell(table, "%s", name);
    wmc_table_cell(table, "%s", wmc_text_string(&point));
    wmc_text_free(&point);
    const bool thin = rests_on_few(group, name, at);
    fitted_cell(group, name, "_limit", at, thin, table);
    fitted_cell(group, name, "_coefficient", at, thin, table);
    if (thin) *few = true;
    wmc_table_cell(table, "%s", form->strings[at]);
    number_cell(wmc_group_sibling(group, name, "_probability"), at, "%.3f", table);
    number_cell(wmc_group_sibling(group, name, "_exponent"), at, "%.3g", table);
    number_cell(wmc_group_sibling(group, name, "_chi2"), at, "%.3g", table);
    number_cell(wmc_group_sibling(group, name, "_freedom"), at, "%.0f", table);
    number_cell(wmc_group_sibling(group, name, "_p_value"), at, "%.3f", table);
    wmc_table_cell(table, "%s", wmc_group_sibling(group, name, "_rival")->strings[at]);
    number_cell(wmc_group_sibling(group, name, "_spread"), at, "%+.2g", table);
    verdict_cell(wmc_group_sibling(group, name, "_quality"), at, met, table);
    if (direct) direct_cells(group, name, at, table);
  }
}

static bool has_direct(const wmc_group *group)
{
  const char *const suffix = "_direct";
  for (size_t k = 0; k < group->arrays; k++) {
    const char *name = group->array[k].name;
    size_t n = strlen(name), m = strlen(suffix);
    if (n > m && strcmp(name + n - m, suffix) == 0) return true;
  }
  return false;
}

void cli_explain_few(wmc_text *out)
{
  wmc_text_append(
      out,
      "?: an error from fewer than %d independent batches or chains, which may be much too small\n",
      WMC_STUDENT_STEADY);
}

void cli_show_fits(const wmc_results *results, const char *observable, wmc_text *out)
{
  static const char *const header[] = {
      "observable", "point", "limit", "coefficient",  "form",    "probability", "power", "chi2",
      "dof",        "p",     "rival", "rival - form", "verdict", "direct",      "z"};
  const size_t all = sizeof header / sizeof header[0], suffix = strlen("_limit");
  const wmc_group *group = wmc_results_group(results, "fits");
  bool met[WMC_FIT_QUALITIES] = {false}, few = false;
  if (group == NULL) return;
  const bool direct = has_direct(group);
  const size_t columns = direct ? all : all - DIRECT;
  wmc_table table = {.columns = columns};
  for (size_t k = 0; k < columns; k++) wmc_table_cell(&table, "%s", header[k]);
  for (size_t k = 0; k < group->arrays; k++) {
    const wmc_array *array = &group->array[k];
    size_t n = strlen(array->name);
    if (n <= suffix || strcmp(array->name + n - suffix, "_limit") != 0) continue;
    char name[256];
    snprintf(name, sizeof name, "%.*s", (int)(n - suffix), array->name);
    if (observable == NULL || strcmp(observable, name) == 0)
      fit_rows(group, array, name, direct, met, &few, &table);
  }
  const bool empty = table.count == columns;
  if (!empty) {
    wmc_text_append(out, "%sextrapolation to infinite depth\n", out->length > 0 ? "\n" : "");
    wmc_table_print(&table, out);
    explain_verdicts(met, out);
    if (few) cli_explain_few(out);
  }
  wmc_table_free(&table);
}

wmc_status cli_show(const cli_arguments *a)
{
  wmc_results results = {0};
  WMC_TRY(wmc_results_read(a->operand[0], &results));
  wmc_text text = {0};
  const char *observable = a->operands > 1 ? a->operand[1] : NULL;
  wmc_status status = cli_show_results(&results, observable, &text);
  if (status == WMC_OK) cli_show_fits(&results, observable, &text);
  fputs(wmc_text_string(&text), stdout);
  wmc_text_free(&text);
  wmc_results_free(&results);
  return status;
}
