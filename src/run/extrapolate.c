#include "weylmc/run/extrapolate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/deck/deck.h"
#include "weylmc/statistics/fit.h"

/* ---- what is fitted --------------------------------------------------------------------- */

/* The sweep seen from its depth axis: outer axes, depth, inner axes; all row-major. */
typedef struct sweep_shape {
  size_t depth_axis, outer, depths, inner, chains;
} sweep_shape;

typedef struct extrapolation {
  const wmc_extrapolation *request;
  const wmc_deck *deck;
  const wmc_group *estimates, *chains;
  wmc_group *fits;
  sweep_shape shape;
  double *depth, *depth_used, *value, *error, *chain_value; /* points; chain_value x chains */
  double freedom; /* the least of the errors that are used */
  size_t fitted;
} extrapolation;

/* The arrays that an observable is fitted from; derived quantities have no means of chains, files
 * of earlier versions no degrees of freedom. */
typedef struct source {
  const wmc_array *mean, *error, *freedom, *chains;
} source;

static int depth_field(const wmc_deck *deck)
{
  const char *name = deck->model->fit_parameter;
  return name ? wmc_field_find(deck->model->fields, name) : -1;
}

/* The values of the depth along its axis, or NULL if the deck does not sweep it. */
static const wmc_value *find_depths(const wmc_deck *deck, sweep_shape *shape)
{
  int field = depth_field(deck);
  const wmc_value *values = NULL;
  *shape = (sweep_shape){.outer = 1, .inner = 1, .depths = 1};
  for (size_t a = 0; a < deck->axes; a++) {
    const wmc_sweep *s = &deck->axis[a];
    bool here = false;
    for (size_t k = 0; k < s->fields; k++)
      if (s->field[k] == field) {
        here = true;
        values = s->values + k * s->length;
        shape->depth_axis = a;
        shape->depths = s->length;
      }
    if (!here) *(values ? &shape->inner : &shape->outer) *= s->length;
  }
  return values;
}

static size_t task_of(const sweep_shape *s, size_t outer, size_t depth, size_t inner)
{
  return (outer * s->depths + depth) * s->inner + inner;
}

/* Entries of the observable in one task. */
static size_t own_size(const extrapolation *x, const wmc_array *array)
{
  return wmc_array_size(x->estimates, array) / (x->shape.outer * x->shape.depths * x->shape.inner);
}

/* Points that can be fitted, for one entry `e` of the observable at (outer, inner). */
static size_t collect_points(extrapolation *x, const source *from, size_t outer, size_t inner,
                             size_t e)
{
  const sweep_shape *s = &x->shape;
  const wmc_array *mean = from->mean, *error = from->error, *chains = from->chains;
  size_t own = own_size(x, mean), n = 0;
  x->freedom = chains != NULL && s->chains >= 2 ? (double)s->chains - 1 : INFINITY;
  for (size_t i = 0; i < s->depths; i++) {
    size_t task = task_of(s, outer, i, inner), at = task * own + e;
    bool inside = isfinite(x->depth[i]) && x->depth[i] >= x->request->least &&
                  x->depth[i] <= x->request->most;
    bool usable = isfinite(mean->data[at]) && error->data[at] > 0 && isfinite(error->data[at]);
    if (!inside || !usable) continue;
    x->depth_used[n] = x->depth[i];
    x->value[n] = mean->data[at];
    x->error[n] = error->data[at];
    if (from->freedom != NULL) x->freedom = fmin(x->freedom, from->freedom->data[at]);
    for (size_t c = 0; chains != NULL && c < s->chains; c++)
      x->chain_value[n * s->chains + c] = chains->data[(task * s->chains + c) * own + e];
    n++;
  }
  return n;
}

/* ---- what is stored --------------------------------------------------------------------- */

static double get_limit(const wmc_fit *f) { return f->value[0]; }
static double get_limit_error(const wmc_fit *f) { return f->error[0]; }
static double get_coefficient(const wmc_fit *f) { return f->value[1]; }
static double get_coefficient_error(const wmc_fit *f) { return f->error[1]; }
static double get_exponent(const wmc_fit *f)
{
  return f->form->exponent ? f->value[f->form->parameters - 1] : f->form->term[1].power;
}
static double get_chi2(const wmc_fit *f) { return f->chi_squared; }
static double get_dropped(const wmc_fit *f) { return f->dropped; }
static double get_freedom(const wmc_fit *f) { return f->freedom; }
static double get_p_value(const wmc_fit *f) { return f->p_value; }
static double get_reach(const wmc_fit *f) { return f->reach; }
static double get_share(const wmc_fit *f) { return f->share; }
static double get_aicc(const wmc_fit *f) { return f->aicc; }
static double get_probability(const wmc_fit *f) { return f->probability; }
static double get_quality(const wmc_fit *f) { return f->quality; }
static double get_spread(const wmc_fit *f) { return f->spread; }
static const char *get_form(const wmc_fit *f) { return f->form->name; }
static const char *get_rival(const wmc_fit *f) { return f->rival ? f->rival->name : ""; }

/* A NULL unit is the observable's own; exactly one of `number` and `name` is set. */
static const struct column {
  const char *suffix, *unit, *text;
  double (*number)(const wmc_fit *);
  const char *(*name)(const wmc_fit *);
} columns[] = {
    {"_limit", NULL, "limit at infinite depth of ", get_limit, NULL},
    {"_limit_error", NULL, "error of the limit of ", get_limit_error, NULL},
    {"_coefficient", NULL, "coefficient of the first correction to ", get_coefficient, NULL},
    {"_coefficient_error", NULL, "error of the coefficient of ", get_coefficient_error, NULL},
    {"_exponent", "1", "power of 1/depth in the first correction to ", get_exponent, NULL},
    {"_chi2", "1", "chi squared of the fit of ", get_chi2, NULL},
    {"_freedom", "1", "degrees of freedom of the fit of ", get_freedom, NULL},
    {"_dropped", "1", "shallowest depths left out of the fit of ", get_dropped, NULL},
    {"_p_value", "1", "probability of a larger chi squared, fit of ", get_p_value, NULL},
    {"_reach", "1", "way from the deepest value to the limit, in errors, of ", get_reach, NULL},
    {"_share", "1", "the same over the way that the depths cover, of ", get_share, NULL},
    {"_aicc", "1", "corrected Akaike criterion of the fit of ", get_aicc, NULL},
    {"_probability", "1", "probability of the form of ", get_probability, NULL},
    {"_quality", "1",
     "0: good, 1: undecided, the errors cover both forms, 2: no form fits, 3: untested, "
     "4: far from all data, 5: perhaps slower than 1/depth; fit of ",
     get_quality, NULL},
    {"_spread", NULL, "limit by the rival minus limit by the form, each alone, of ", get_spread,
     NULL},
    {"_form", "", "form fitted to ", NULL, get_form},
    {"_rival", "", "form that the data do not exclude, fit of ", NULL, get_rival},
};

enum { FIT_COLUMNS = sizeof columns / sizeof columns[0] };

/* Numbers and strings of the arrays of one observable (arrays themselves may move). */
typedef struct fit_arrays {
  double *direct, *direct_error; /* found at infinite depth itself; NULL if that was not run */
  double *freedom;               /* of the error of the limit */
  double *number[FIT_COLUMNS];
  char **name[FIT_COLUMNS];
} fit_arrays;

static bool copy_axis(wmc_group *to, const wmc_group *from, size_t axis)
{
  const wmc_axis_data *a = &from->axis[axis];
  return wmc_group_add_axis(to, a->name, a->unit, a->text, a->length, a->coordinates,
                            (const char *const *)a->labels) >= 0;
}

/* All axes but depth, in the same order: axis k of `estimates` is k, or k - 1 behind depth. */
static wmc_status copy_axes(extrapolation *x)
{
  for (size_t a = 0; a < x->estimates->axes; a++)
    if (a != x->shape.depth_axis && !copy_axis(x->fits, x->estimates, a)) return wmc_no_memory();
  return WMC_OK;
}

static wmc_array *add_array(extrapolation *x, const wmc_array *mean, const struct column *c,
                            size_t n, const size_t *axis)
{
  wmc_text name = {0}, text = {0};
  wmc_text_append(&name, "%s%s", mean->name, c->suffix);
  wmc_text_append(&text, "%s%s", c->text, mean->name);
  wmc_array *array =
      wmc_group_add_array(x->fits, wmc_text_string(&name), c->unit ? c->unit : mean->unit,
                          wmc_text_string(&text), n, axis, c->name != NULL);
  wmc_text_free(&name);
  wmc_text_free(&text);
  size_t size = array != NULL ? wmc_array_size(x->fits, array) : 0;
  for (size_t i = 0; array != NULL && array->data != NULL && i < size; i++) array->data[i] = NAN;
  return array;
}

/* Place of infinite depth on its axis; the number of depths if it is not there. */
static size_t infinite_depth(const extrapolation *x)
{
  size_t i = 0;
  while (i < x->shape.depths && isfinite(x->depth[i])) i++;
  return i;
}

static wmc_status add_direct(extrapolation *x, const wmc_array *mean, size_t n, const size_t *axis,
                             fit_arrays *out)
{
  static const struct column value = {"_direct", NULL, "found at infinite depth itself: ", NULL,
                                      NULL},
                             error = {"_direct_error", NULL,
                                      "error of what was found at infinite depth itself: ", NULL,
                                      NULL};
  if (infinite_depth(x) == x->shape.depths) return WMC_OK;
  wmc_array *array = add_array(x, mean, &value, n, axis);
  if (array == NULL) return wmc_no_memory();
  out->direct = array->data;
  array = add_array(x, mean, &error, n, axis);
  if (array == NULL) return wmc_no_memory();
  out->direct_error = array->data;
  return WMC_OK;
}

static wmc_status add_columns(extrapolation *x, const wmc_array *mean, fit_arrays *out)
{
  size_t axis[WMC_ARRAY_AXES], n = 0;
  for (size_t k = 0; k < mean->axes; k++)
    if (mean->axis[k] != x->shape.depth_axis)
      axis[n++] = mean->axis[k] - (mean->axis[k] > x->shape.depth_axis);
  for (size_t k = 0; k < FIT_COLUMNS; k++) {
    wmc_array *array = add_array(x, mean, &columns[k], n, axis);
    if (array == NULL) return wmc_no_memory();
    out->number[k] = array->data;
    out->name[k] = array->strings;
  }
  static const struct column freedom = {
      "_limit_freedom", "1", "least degrees of freedom of errors that enter the limit of ", NULL,
      NULL};
  wmc_array *array = add_array(x, mean, &freedom, n, axis);
  if (array == NULL) return wmc_no_memory();
  out->freedom = array->data;
  return add_direct(x, mean, n, axis, out);
}

static wmc_status store_fit(const fit_arrays *out, size_t at, const wmc_fit *fit)
{
  for (size_t k = 0; k < FIT_COLUMNS; k++) {
    if (columns[k].number != NULL) {
      out->number[k][at] = columns[k].number(fit);
      continue;
    }
    wmc_free(out->name[k][at]);
    out->name[k][at] = wmc_text_copy(columns[k].name(fit));
    if (out->name[k][at] == NULL) return wmc_no_memory();
  }
  return WMC_OK;
}

/* ---- forms ------------------------------------------------------------------------------ */

enum { FORMS_MAX = 16 };

static wmc_status unknown_name(const char *what, const char *name, const char *const *names,
                               size_t n)
{
  const char *nearest = wmc_text_nearest(name, names, n);
  wmc_text list = {0};
  for (size_t k = 0; k < n; k++) wmc_text_append(&list, "%s%s", k ? ", " : "", names[k]);
  wmc_status status = wmc_raise(WMC_USAGE, "there is no %s '%s'%s%s%s; there are: %s", what, name,
                                nearest ? ", did you mean '" : "", nearest ? nearest : "",
                                nearest ? "'?" : "", wmc_text_string(&list));
  wmc_text_free(&list);
  return status;
}

static wmc_status check_form(const char *name)
{
  const char *names[FORMS_MAX];
  size_t n = 0;
  for (const wmc_form *f = wmc_forms; f->name != NULL && n < FORMS_MAX; f++) names[n++] = f->name;
  return name == NULL || wmc_form_find(name) ? WMC_OK : unknown_name("form", name, names, n);
}

/* ---- fitting ---------------------------------------------------------------------------- */

/* Fit one entry. An entry with too few points, or with numbers that least squares cannot cope with
 * (a chain that ran away), is not an error of the whole: it stays NaN. */
static wmc_status fit_entry(extrapolation *x, size_t points, bool chains, const wmc_form *form,
                            const fit_arrays *out, size_t at)
{
  const wmc_fit_data data = {.points = points,
                             .depth = x->depth_used,
                             .value = x->value,
                             .error = x->error,
                             .chains = chains && x->shape.chains >= 2 ? x->shape.chains : 0,
                             .chain_value = x->chain_value};
  if (points < 2) return WMC_OK;
  wmc_fit fit;
  wmc_status status = form != NULL ? wmc_fit_form(&data, form, &fit) : wmc_fit_choose(&data, &fit);
  if (status != WMC_OK) {
    wmc_message_clear();
    return WMC_OK;
  }
  x->fitted++;
  out->freedom[at] = x->freedom;
  return store_fit(out, at, &fit);
}

/* What was asked for, or what the model knows; NULL: the data choose. */
static const wmc_form *form_at(const extrapolation *x, const wmc_value *parameters)
{
  const wmc_model *model = x->deck->model;
  const char *name = x->request->form;
  if (name == NULL && model->series != NULL) name = model->series(parameters);
  return name != NULL ? wmc_form_find(name) : NULL;
}

/* All entries of the observable at one point of the other sweep axes. */
static wmc_status fit_point(extrapolation *x, const wmc_observable *o, const source *from,
                            const wmc_value *parameters, size_t outer, size_t inner,
                            const fit_arrays *out)
{
  size_t own = own_size(x, from->mean);
  if (o->converges != NULL && !o->converges(parameters)) return WMC_OK;
  size_t direct = infinite_depth(x);
  const wmc_form *form = form_at(x, parameters);
  for (size_t e = 0; e < own; e++) {
    size_t at = (outer * x->shape.inner + inner) * own + e;
    if (direct < x->shape.depths) {
      size_t there = task_of(&x->shape, outer, direct, inner) * own + e;
      out->direct[at] = from->mean->data[there];
      out->direct_error[at] = from->error->data[there];
    }
    size_t points = collect_points(x, from, outer, inner, e);
    WMC_TRY(fit_entry(x, points, from->chains != NULL, form, out, at));
  }
  return WMC_OK;
}

/* `sampled`: there are means of chains. */
static wmc_status fit_observable(extrapolation *x, const wmc_observable *o, bool sampled,
                                 wmc_value *parameters)
{
  const sweep_shape *s = &x->shape;
  const source from = {
      wmc_group_array(x->estimates, o->name), wmc_group_sibling(x->estimates, o->name, "_error"),
      wmc_group_sibling(x->estimates, o->name, "_freedom"), wmc_group_array(x->chains, o->name)};
  fit_arrays out = {0};
  if (from.mean == NULL || from.error == NULL || (from.chains == NULL && sampled)) return WMC_OK;
  WMC_TRY(add_columns(x, from.mean, &out));
  for (size_t k = 0; k < s->outer * s->inner; k++) {
    WMC_TRY(wmc_deck_task(x->deck, task_of(s, k / s->inner, 0, k % s->inner), parameters));
    wmc_status status = fit_point(x, o, &from, parameters, k / s->inner, k % s->inner, &out);
    size_t fields = wmc_field_count(x->deck->model->fields);
    for (size_t f = 0; f < fields; f++) wmc_value_free(&parameters[f]);
    WMC_TRY(status);
  }
  return WMC_OK;
}

static wmc_status fit_derived(extrapolation *x, wmc_value *parameters)
{
  const char *wish = x->request->observable;
  for (const wmc_derived *d = x->deck->model->derived; d != NULL && d->name != NULL; d++) {
    const wmc_observable o = {.name = d->name, .converges = d->converges};
    if (d->converges != NULL && (wish == NULL || strcmp(wish, d->name) == 0))
      WMC_TRY(fit_observable(x, &o, false, parameters));
  }
  return WMC_OK;
}

static wmc_status check_observable(const extrapolation *x)
{
  enum { MOST = 256 };
  const char *names[MOST];
  size_t n = 0;
  const char *wish = x->request->observable;
  for (const wmc_observable *o = x->deck->model->observables; o->name && n < MOST; o++) {
    if (wish == NULL || strcmp(wish, o->name) == 0) return WMC_OK;
    names[n++] = o->name;
  }
  for (const wmc_derived *d = x->deck->model->derived; d && d->name && n < MOST; d++) {
    if (strcmp(wish, d->name) == 0 && d->converges != NULL) return WMC_OK;
    if (d->converges != NULL) names[n++] = d->name;
  }
  return unknown_name("observable", wish, names, n);
}

static wmc_status fit_observables(extrapolation *x)
{
  WMC_TRY(check_form(x->request->form));
  WMC_TRY(check_observable(x));
  WMC_TRY(copy_axes(x));
  wmc_value *parameters = WMC_ARRAY(wmc_value, wmc_field_count(x->deck->model->fields));
  wmc_status status = parameters ? WMC_OK : wmc_no_memory();
  const char *wish = x->request->observable;
  for (const wmc_observable *o = x->deck->model->observables; status == WMC_OK && o->name; o++)
    if (wish == NULL || strcmp(wish, o->name) == 0) status = fit_observable(x, o, true, parameters);
  if (status == WMC_OK) status = fit_derived(x, parameters);
  wmc_free(parameters);
  if (status == WMC_OK && x->fitted == 0)
    status =
        wmc_raise(WMC_DATA, "nothing could be fitted: no observable asked for has a finite limit, "
                            "and errors at two or more depths in the range asked for");
  return status;
}

/* ---- set-up ----------------------------------------------------------------------------- */

static wmc_status create_scratch(extrapolation *x, const wmc_value *depths)
{
  size_t n = x->shape.depths;
  x->shape.chains = 0;
  for (size_t a = 0; a < x->chains->axes; a++)
    if (strcmp(x->chains->axis[a].name, "chain") == 0) x->shape.chains = x->chains->axis[a].length;
  x->depth = WMC_ARRAY(double, n);
  x->depth_used = WMC_ARRAY(double, n);
  x->value = WMC_ARRAY(double, n);
  x->error = WMC_ARRAY(double, n);
  x->chain_value = WMC_ARRAY(double, n *(x->shape.chains + 1));
  if (!x->depth || !x->depth_used || !x->value || !x->error || !x->chain_value)
    return wmc_no_memory();
  for (size_t i = 0; i < n; i++) x->depth[i] = depths[i].real;
  return WMC_OK;
}

static void free_scratch(extrapolation *x)
{
  wmc_free(x->depth);
  wmc_free(x->depth_used);
  wmc_free(x->value);
  wmc_free(x->error);
  wmc_free(x->chain_value);
}

static wmc_status extrapolate(wmc_results *results, const wmc_deck *deck,
                              const wmc_extrapolation *request)
{
  extrapolation x = {.request = request, .deck = deck};
  const wmc_value *depths = find_depths(deck, &x.shape);
  if (depths == NULL || x.shape.depths < 2)
    return wmc_raise(WMC_DATA,
                     "there is nothing to extrapolate: this run has one %s; sweep it in the deck, "
                     "for example %s: {sweep: [4, 8, 16, 32]}",
                     deck->model->fit_parameter, deck->model->fit_parameter);
  wmc_results_remove_group(results, "fits");
  if (wmc_results_add_group(results, "fits") == NULL) return wmc_no_memory();
  x.fits = wmc_results_group(results, "fits");
  x.estimates = wmc_results_group(results, "estimates");
  x.chains = wmc_results_group(results, "chains");
  if (x.estimates == NULL || x.chains == NULL)
    return wmc_raise(WMC_DATA, "this file has no group 'estimates' or 'chains'");
  wmc_status status = create_scratch(&x, depths);
  if (status == WMC_OK) status = fit_observables(&x);
  free_scratch(&x);
  return status;
}

wmc_status wmc_extrapolate(wmc_results *results, const wmc_extrapolation *request)
{
  const char *text = wmc_results_note(results, "resolved");
  if (text == NULL) return wmc_raise(WMC_DATA, "this results file holds no deck");
  wmc_deck *deck = NULL;
  WMC_TRY(wmc_deck_parse_resolved("the deck in this file", text, strlen(text), &deck));
  wmc_status status = extrapolate(results, deck, request);
  wmc_deck_destroy(deck);
  return status;
}
