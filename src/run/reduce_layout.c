/* Axes and arrays of the groups of a results file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reduction.h"
#include "weylmc/base/memory.h"

/* ---- axes -------------------------------------------------------------------------------- */

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

static wmc_status add_model_axis(wmc_group *group, wmc_layout *l, size_t k)
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

static wmc_status add_chain_axis(wmc_group *group, wmc_layout *l)
{
  double *points = WMC_ARRAY(double, l->plan->chains);
  if (points == NULL) return wmc_no_memory();
  for (size_t c = 0; c < l->plan->chains; c++) points[c] = (double)c;
  l->chain =
      wmc_group_add_axis(group, "chain", "1", "independent chain", l->plan->chains, points, NULL);
  wmc_free(points);
  return l->chain >= 0 ? WMC_OK : wmc_no_memory();
}

wmc_status wmc_layout_add_axes(wmc_group *group, const wmc_plan *plan, bool chains, wmc_layout *l)
{
  const wmc_deck *deck = plan->deck;
  *l = (wmc_layout){.plan = plan, .sweeps = deck->axes, .chain = -1};
  for (size_t a = 0; a < deck->axes; a++) WMC_TRY(add_sweep_axis(group, plan, &deck->axis[a]));
  if (chains) WMC_TRY(add_chain_axis(group, l));
  for (size_t k = 0; plan->model->axes[k].name != NULL && k < WMC_MODEL_AXES; k++)
    WMC_TRY(add_model_axis(group, l, k));
  for (size_t a = 0; a < deck->axes; a++)
    for (size_t k = 0; deck->axis[a].fields > 1 && k < deck->axis[a].fields; k++)
      WMC_TRY(add_tied_field(group, plan, &deck->axis[a], a, k));
  return WMC_OK;
}

/* ---- arrays ------------------------------------------------------------------------------ */

wmc_status wmc_layout_add_array(wmc_group *group, const wmc_layout *l, const wmc_observable *o,
                                const char *suffix, const char *unit, const char *text,
                                double **out)
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

wmc_extents wmc_layout_extents(const wmc_layout *l, const wmc_observable *o, size_t task)
{
  wmc_extents x = {.entries = 1, .block = 1};
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

size_t wmc_extents_position(const wmc_extents *x, size_t e)
{
  size_t position = 0, stride = 1;
  for (size_t k = WMC_OBSERVABLE_AXES; k-- > 0;) {
    position += e % x->own[k] * stride;
    e /= x->own[k];
    stride *= x->padded[k];
  }
  return position;
}
