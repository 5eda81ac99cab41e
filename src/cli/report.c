#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "weylmc/base/memory.h"
#include "weylmc/models/model.h"
#include "weylmc/run/extrapolate.h"
#include "weylmc/statistics/estimate.h"
#include "weylmc/statistics/fit.h"
#include "weylmc/statistics/holm.h"

/* A claim is denied below this adjusted p-value. */
static const double LEVEL = 0.01;

enum { TESTS_MAX = 64 };

/* Where numbers are read: estimates themselves, or their limits at infinite depth. */
typedef struct source {
  const wmc_model *model;
  const wmc_group *estimates, *group;
  const char *value, *error, *freedom; /* suffixes */
  size_t axes, points;
  size_t axis[WMC_ARRAY_AXES]; /* of `estimates` */
} source;

typedef struct number {
  double value, error, freedom; /* INFINITY: not in the file */
} number;

/* ---- reading -------------------------------------------------------------------------------- */

/* The axes of the sweep, less depth where that is gone from the group. */
static void find_axes(source *s)
{
  const wmc_array *samples = wmc_group_array(s->estimates, "samples");
  s->points = 1;
  for (size_t k = 0; k < samples->axes; k++) {
    const wmc_axis_data *axis = &s->estimates->axis[samples->axis[k]];
    bool kept = s->group == s->estimates;
    for (size_t a = 0; a < s->group->axes; a++)
      kept |= strcmp(s->group->axis[a].name, axis->name) == 0;
    if (!kept) continue;
    s->axis[s->axes++] = samples->axis[k];
    s->points *= axis->length;
  }
}

/* The first entry at this point; NaN where there is none. */
static number read_number(const source *s, const char *name, size_t point)
{
  const wmc_array *value = wmc_group_sibling(s->group, name, s->value),
                  *error = wmc_group_sibling(s->group, name, s->error),
                  *freedom = wmc_group_sibling(s->group, name, s->freedom);
  if (value == NULL || error == NULL) return (number){NAN, NAN, NAN};
  const size_t at = point * (wmc_array_size(s->group, value) / s->points);
  return (number){value->data[at], error->data[at], freedom ? freedom->data[at] : INFINITY};
}

static wmc_status open_source(wmc_results *results, const wmc_extrapolation *request,
                              const wmc_model *model, source *s)
{
  *s = (source){.model = model, .value = "", .error = "_error", .freedom = "_freedom"};
  const wmc_status fitted = wmc_extrapolate(results, request);
  const bool limits = fitted == WMC_OK;
  if (fitted == WMC_USAGE) return fitted;
  wmc_message_clear(); /* one depth is no fault */
  if (limits)
    *s = (source){
        .model = model, .value = "_limit", .error = "_limit_error", .freedom = "_limit_freedom"};
  s->estimates = wmc_results_group(results, "estimates");
  if (s->estimates == NULL || wmc_group_array(s->estimates, "samples") == NULL)
    return wmc_raise(WMC_DATA, "this results file has no estimates");
  s->group = limits ? wmc_results_group(results, "fits") : s->estimates;
  find_axes(s);
  return WMC_OK;
}

/* ---- columns of the sweep ------------------------------------------------------------------- */

/* Arrays are called like fields, but for dots. */
static bool is_field(const wmc_model *model, const char *name)
{
  for (const wmc_field *f = model->fields; f->name != NULL; f++) {
    size_t k = 0;
    while (name[k] != '\0' && (name[k] == f->name[k] || (name[k] == '_' && f->name[k] == '.'))) k++;
    if (name[k] == '\0' && f->name[k] == '\0') return true;
  }
  return false;
}

/* Fields that are tied to an axis of the sweep are arrays on it. */
static bool is_tied(const source *s, const wmc_array *array, size_t axis)
{
  return array->axes == 1 && array->axis[0] == axis && is_field(s->model, array->name);
}

static void field_cells(const source *s, long point, wmc_table *table)
{
  size_t behind = s->points;
  for (size_t k = 0; k < s->axes; k++) {
    const wmc_axis_data *axis = &s->estimates->axis[s->axis[k]];
    behind /= axis->length;
    const size_t at = point < 0 ? 0 : (size_t)point / behind % axis->length;
    bool tied = false;
    for (size_t a = 0; a < s->estimates->arrays; a++) {
      const wmc_array *array = &s->estimates->array[a];
      char text[WMC_TEXT_SHORT];
      if (!is_tied(s, array, s->axis[k])) continue;
      tied = true;
      wmc_table_cell(table, "%s",
                     point < 0        ? array->name
                     : array->strings ? array->strings[at]
                                      : wmc_text_double(text, array->data[at]));
    }
    char text[WMC_TEXT_SHORT];
    if (!tied)
      wmc_table_cell(table, "%s",
                     point < 0      ? axis->name
                     : axis->labels ? axis->labels[at]
                                    : wmc_text_double(text, axis->coordinates[at]));
  }
}

static size_t count_fields(const source *s)
{
  wmc_table table = {.columns = 1};
  field_cells(s, -1, &table);
  const size_t n = table.count;
  wmc_table_free(&table);
  return n;
}

/* ---- verdicts ------------------------------------------------------------------------------- */

typedef struct verdict {
  size_t tests;
  double p; /* least adjusted p-value; NaN without tests */
  double z[TESTS_MAX], adjusted[TESTS_MAX];
} verdict;

static double p_value(const source *s, const char *test, size_t point, double *z)
{
  const number n = read_number(s, test, point);
  const bool known = isfinite(n.value) && n.error > 0;
  *z = known ? n.value / n.error : NAN;
  return known ? wmc_estimate_p_value(n.value, n.error, n.freedom) : NAN;
}

/* Verdicts on a claim at all points, adjusted for all its tests at all of them: `p` and `adjusted`
 * have room for TESTS_MAX a point. */
static void judge(const source *s, const wmc_claim *claim, double *p, double *adjusted,
                  verdict *out)
{
  size_t tests = 0;
  while (claim->tests[tests] != NULL && tests < TESTS_MAX) tests++;
  for (size_t i = 0; i < s->points; i++)
    for (size_t k = 0; k < tests; k++)
      p[i * tests + k] = p_value(s, claim->tests[k], i, &out[i].z[k]);
  wmc_holm(s->points * tests, p, adjusted);
  for (size_t i = 0; i < s->points; i++) {
    out[i].tests = tests;
    out[i].p = NAN;
    for (size_t k = 0; k < tests; k++) {
      out[i].adjusted[k] = adjusted[i * tests + k];
      out[i].p = fmin(out[i].p, out[i].adjusted[k]);
    }
  }
}

/* points x claims, for each claim all points together; NULL without memory. Owned by the caller. */
static verdict *judge_all(const source *s, const wmc_report *report, size_t claims)
{
  verdict *all = WMC_ARRAY(verdict, s->points * claims);
  double *p = WMC_ARRAY(double, s->points *TESTS_MAX);
  double *adjusted = WMC_ARRAY(double, s->points *TESTS_MAX);
  const bool room = all && p && adjusted;
  for (size_t c = 0; room && c < claims; c++)
    judge(s, &report->claims[c], p, adjusted, all + c * s->points);
  wmc_free(p);
  wmc_free(adjusted);
  if (room) return all;
  wmc_free(all);
  return NULL;
}

static void verdict_cell(const wmc_claim *claim, const verdict *v, wmc_table *table)
{
  if (isnan(v->p))
    wmc_table_cell(table, "not tested");
  else if (v->p >= LEVEL)
    wmc_table_cell(table, "%s: not rejected (p = %.2g)", claim->name, v->p);
  else if (v->p < 1e-99)
    wmc_table_cell(table, "%s (p < 1e-99)", claim->otherwise);
  else
    wmc_table_cell(table, "%s (p = %.1g)", claim->otherwise, v->p);
}

/* What speaks against a claim that is denied, the strongest evidence first. */
static void explain_verdict(const wmc_claim *claim, const verdict *v, wmc_text *out)
{
  double below = INFINITY;
  wmc_text_append(out, "  %s:", claim->otherwise);
  for (size_t n = 0; n < v->tests; n++) {
    size_t best = v->tests;
    for (size_t k = 0; k < v->tests; k++)
      if (v->adjusted[k] < LEVEL && fabs(v->z[k]) < below &&
          (best == v->tests || fabs(v->z[k]) > fabs(v->z[best])))
        best = k;
    if (best == v->tests) break;
    below = fabs(v->z[best]);
    wmc_text_append(out, "%s %s (%+.1f)", n ? "," : "", claim->tests[best], v->z[best]);
  }
  wmc_text_append(out, "\n");
}

/* ---- fits behind a line ------------------------------------------------------------------------
 */

/* The worst of the fits behind a line of limits. */
typedef struct worst_fit {
  wmc_fit_quality quality;
  double p, chi2; /* of the fit with the least p-value; chi^2 per degree of freedom */
} worst_fit;

/* From good to bad. */
static int badness(wmc_fit_quality quality)
{
  static const int order[WMC_FIT_QUALITIES] = {
      [WMC_FIT_GOOD] = 0, [WMC_FIT_UNDECIDED] = 1, [WMC_FIT_UNTESTED] = 2,
      [WMC_FIT_FAR] = 3,  [WMC_FIT_SLOW] = 4,      [WMC_FIT_POOR] = 5};
  return order[quality];
}

static void add_fit(const source *s, const char *name, size_t point, worst_fit *worst)
{
  const wmc_array *quality = wmc_group_sibling(s->group, name, "_quality"),
                  *p = wmc_group_sibling(s->group, name, "_p_value"),
                  *chi2 = wmc_group_sibling(s->group, name, "_chi2"),
                  *freedom = wmc_group_sibling(s->group, name, "_freedom");
  if (quality == NULL || p == NULL || chi2 == NULL || freedom == NULL) return;
  const size_t at = point * (wmc_array_size(s->group, quality) / s->points);
  const double q = quality->data[at];
  if (!(q >= 0 && q < WMC_FIT_QUALITIES)) return;
  if (badness((wmc_fit_quality)q) > badness(worst->quality)) worst->quality = (wmc_fit_quality)q;
  if (isnan(p->data[at]) || p->data[at] >= worst->p) return;
  worst->p = p->data[at];
  worst->chi2 = chi2->data[at] / freedom->data[at];
}

/* Of the numbers of the report and of all tests. */
static worst_fit find_worst(const source *s, const wmc_report *report, size_t point)
{
  worst_fit worst = {WMC_FIT_GOOD, INFINITY, NAN};
  for (size_t k = 0; report->numbers[k] != NULL; k++) add_fit(s, report->numbers[k], point, &worst);
  for (const wmc_claim *claim = report->claims; claim->name != NULL; claim++)
    for (size_t k = 0; claim->tests[k] != NULL; k++) add_fit(s, claim->tests[k], point, &worst);
  return worst;
}

static const char *const fit_columns[] = {"fit", "chi2/dof"};

static void fit_cells(const worst_fit *worst, wmc_table *table)
{
  wmc_table_cell(table, "%s", wmc_fit_quality_name(worst->quality));
  if (isinf(worst->p))
    wmc_table_cell(table, "-");
  else
    wmc_table_cell(table, "%.2g (p = %.2g)", worst->chi2, worst->p);
}

/* What the words that stand in the column of fits mean, and what to do. */
static void explain_fits(const source *s, const wmc_report *report, wmc_text *out)
{
  bool met[WMC_FIT_QUALITIES] = {false};
  for (size_t point = 0; point < s->points; point++)
    met[find_worst(s, report, point).quality] = true;
  for (int k = 0; k < WMC_FIT_QUALITIES; k++)
    if (met[k] && k != WMC_FIT_GOOD)
      wmc_text_append(out, "%s: %s\n", wmc_fit_quality_name((wmc_fit_quality)k),
                      wmc_fit_quality_text((wmc_fit_quality)k));
  wmc_text_append(out,
                  "fit: the worst of the fits behind a line, by number or test; chi2/dof: that "
                  "of the least p\n");
}

/* ---- the table ------------------------------------------------------------------------------ */

static size_t count_numbers(const wmc_report *report)
{
  size_t n = 0;
  while (report->numbers[n] != NULL) n++;
  return n;
}

static size_t count_claims(const wmc_report *report)
{
  size_t n = 0;
  while (report->claims[n].name != NULL) n++;
  return n;
}

/* Whether the error of a number is itself little known. */
static bool is_thin(number n) { return n.error > 0 && n.freedom < WMC_STUDENT_STEADY; }

static void number_cell(number n, wmc_table *table)
{
  char text[WMC_TEXT_SHORT];
  wmc_table_cell(table, "%s%s", isnan(n.value) ? "-" : wmc_text_value(text, n.value, n.error),
                 is_thin(n) ? "?" : "");
}

static void print_table(const source *s, const wmc_report *report, const verdict *verdicts,
                        wmc_text *out)
{
  const size_t numbers = count_numbers(report), claims = count_claims(report);
  const bool limits = s->group != s->estimates;
  wmc_table table = {.columns = count_fields(s) + numbers + claims + (limits ? 2 : 0)};
  field_cells(s, -1, &table);
  for (size_t k = 0; k < numbers; k++) wmc_table_cell(&table, "%s", report->numbers[k]);
  for (size_t k = 0; k < claims; k++) wmc_table_cell(&table, "%s?", report->claims[k].name);
  for (size_t k = 0; limits && k < 2; k++) wmc_table_cell(&table, "%s", fit_columns[k]);
  for (size_t point = 0; point < s->points; point++) {
    field_cells(s, (long)point, &table);
    for (size_t k = 0; k < numbers; k++)
      number_cell(read_number(s, report->numbers[k], point), &table);
    for (size_t k = 0; k < claims; k++)
      verdict_cell(&report->claims[k], &verdicts[k * s->points + point], &table);
    const worst_fit worst = find_worst(s, report, point);
    if (limits) fit_cells(&worst, &table);
  }
  wmc_table_print(&table, out);
  wmc_table_free(&table);
}

static void print_evidence(const source *s, const wmc_report *report, const verdict *verdicts,
                           wmc_text *out)
{
  for (size_t point = 0; point < s->points; point++)
    for (size_t k = 0; report->claims[k].name != NULL; k++) {
      const verdict *v = &verdicts[k * s->points + point];
      if (!(v->p < LEVEL)) continue;
      wmc_table table = {.columns = count_fields(s)};
      wmc_text line = {0};
      field_cells(s, (long)point, &table);
      wmc_table_print(&table, &line);
      wmc_text_append(out, "%s", wmc_text_string(&line));
      explain_verdict(&report->claims[k], v, out);
      wmc_text_free(&line);
      wmc_table_free(&table);
    }
}

static bool has_thin(const source *s, const wmc_report *report)
{
  for (size_t point = 0; point < s->points; point++)
    for (size_t k = 0; report->numbers[k] != NULL; k++)
      if (is_thin(read_number(s, report->numbers[k], point))) return true;
  return false;
}

static void print_notes(const source *s, const wmc_report *report, wmc_text *out)
{
  const bool limits = s->group != s->estimates;
  wmc_text_append(out, "%s\n",
                  limits ? "numbers and tests are extrapolated to infinite depth"
                         : "numbers and tests are those of the depth in the deck: at a finite one "
                           "with what it adds to the limit (sweep depths to extrapolate)");
  if (limits) explain_fits(s, report, out);
  if (has_thin(s, report)) cli_explain_few(out);
  for (const wmc_claim *claim = report->claims; claim->name != NULL; claim++) {
    size_t tests = 0;
    while (claim->tests[tests] != NULL) tests++;
    wmc_text_append(out, "%s: %s (%zu tests, those that apply)\n", claim->name, claim->text, tests);
  }
  wmc_text_append(out,
                  "p: least p-value of the two-sided tests of a claim, adjusted for the number of "
                  "those of all lines (Holm); denied below %g; Student's t with the degrees of "
                  "freedom of each error\n"
                  "numbers behind tests: estimate over standard error\n",
                  LEVEL);
}

static bool has_numbers(const source *s, const wmc_report *report)
{
  for (size_t k = 0; report->numbers[k] != NULL; k++)
    if (wmc_group_array(s->estimates, report->numbers[k]) != NULL) return true;
  return false;
}

static wmc_status print_report(wmc_results *results, const wmc_extrapolation *request,
                               wmc_text *out)
{
  const char *name = wmc_results_note(results, "model");
  const wmc_model *model = name ? wmc_model_find(name) : NULL;
  source s;
  if (model == NULL || model->report == NULL)
    return wmc_raise(WMC_DATA, "model '%s' has no report; use weylmc show", name ? name : "?");
  WMC_TRY(open_source(results, request, model, &s));
  if (!has_numbers(&s, model->report))
    return wmc_raise(WMC_DATA, "nothing to report: this run has no %s; %s",
                     model->report->numbers[0], model->report->remedy);
  verdict *verdicts = judge_all(&s, model->report, count_claims(model->report));
  if (verdicts == NULL) return wmc_no_memory();
  print_table(&s, model->report, verdicts, out);
  wmc_text_append(out, "\n");
  print_evidence(&s, model->report, verdicts, out);
  wmc_free(verdicts);
  print_notes(&s, model->report, out);
  return WMC_OK;
}

wmc_status cli_report(const cli_arguments *a)
{
  wmc_results results = {0};
  wmc_extrapolation request;
  wmc_text text = {0};
  WMC_TRY(cli_extrapolation(a, &request));
  WMC_TRY(wmc_results_read(a->operand[0], &results));
  wmc_status status = print_report(&results, &request, &text);
  cli_show_warnings(&results, &text);
  fputs(wmc_text_string(&text), stdout);
  wmc_text_free(&text);
  wmc_results_free(&results);
  return status;
}
