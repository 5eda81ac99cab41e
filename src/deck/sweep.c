#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "weylmc/base/memory.h"

enum { TASKS_MAX = 100000 };
static const double streams_max = 2147483647; /* ids of chains are stream numbers */

bool wmc_sweep_is(const wmc_node *node)
{
  return node->kind == WMC_NODE_MAPPING && wmc_node_member(node, "sweep") != NULL;
}

const wmc_value *wmc_sweep_values(const wmc_deck *deck, size_t k, size_t *length)
{
  for (size_t a = 0; a < deck->axes; a++)
    for (size_t i = 0; i < deck->axis[a].fields; i++)
      if (deck->axis[a].field[i] == (int)k) {
        *length = deck->axis[a].length;
        return deck->axis[a].values + i * *length;
      }
  return NULL;
}

/* ---- axes ------------------------------------------------------------------------------- */

static void free_values(wmc_value *values, size_t n)
{
  for (size_t j = 0; values != NULL && j < n; j++) wmc_value_free(&values[j]);
  wmc_free(values);
}

static wmc_sweep *find_axis(wmc_deck *deck, const char *name)
{
  for (size_t a = 0; a < deck->axes; a++)
    if (deck->axis[a].fields > 0 && strcmp(deck->axis[a].name, name) == 0) return &deck->axis[a];
  return NULL;
}

/* Append a field and its values (consumed) to an axis; false when memory is exhausted. */
static bool extend_axis(wmc_sweep *axis, size_t k, wmc_value *values)
{
  size_t n = axis->fields, length = axis->length;
  int *field = WMC_ARRAY(int, n + 1);
  wmc_value *all = WMC_ARRAY(wmc_value, (n + 1) * length);
  if (field == NULL || all == NULL) {
    wmc_free(field);
    wmc_free(all);
    free_values(values, length);
    return false;
  }
  if (n > 0) memcpy(field, axis->field, n * sizeof *field);
  if (n > 0) memcpy(all, axis->values, n * length * sizeof *all);
  memcpy(all + n * length, values, length * sizeof *all);
  field[n] = (int)k;
  wmc_free(values);
  wmc_free(axis->field);
  wmc_free(axis->values);
  *axis = (wmc_sweep){axis->name, length, n + 1, field, all};
  return true;
}

/* A new axis without fields, or NULL after adding a problem. */
static wmc_sweep *open_axis(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *node,
                            const char *name, size_t length)
{
  wmc_deck *deck = c->deck;
  if (deck->axes == WMC_DECK_AXES) {
    wmc_field_problem(c, s, s->fields[k].name, node->mark,
                      "more than %d sweep axes; tie sweeps together with {sweep: [...], zip: NAME} "
                      "or use several decks",
                      WMC_DECK_AXES);
    return NULL;
  }
  char *copy = wmc_text_copy(name);
  if (copy == NULL) {
    c->problems->no_memory = true;
    return NULL;
  }
  deck->axis[deck->axes] = (wmc_sweep){.name = copy, .length = length};
  return &deck->axis[deck->axes++];
}

/* The axis for this sweep, whether new or that of a zip which other fields began. */
static wmc_sweep *choose_axis(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *node,
                              const char *zip, size_t length)
{
  wmc_sweep *axis = zip ? find_axis(c->deck, zip) : NULL;
  if (axis == NULL) return open_axis(c, s, k, node, zip ? zip : s->fields[k].name, length);
  if (axis->length == length) return axis;
  wmc_field_problem(c, s, s->fields[k].name, node->mark,
                    "%zu values, but zip '%s' began with %zu (%s); give equally many", length, zip,
                    axis->length, s->fields[axis->field[0]].name);
  return NULL;
}

/* ---- reading ---------------------------------------------------------------------------- */

/* Whether `name` is that of a field, a dot in the field's being a _ in files. */
static bool is_field(const wmc_field *fields, const char *name)
{
  for (const wmc_field *f = fields; f->name != NULL; f++) {
    size_t k = 0;
    while (name[k] != '\0' && (name[k] == f->name[k] || (name[k] == '_' && f->name[k] == '.'))) k++;
    if (name[k] == '\0' && f->name[k] == '\0') return true;
  }
  return false;
}

/* Whether `name` is `own`, or that of what stands beside it in the file: NAME_error. */
static bool stands_beside(const char *name, const char *own)
{
  size_t n = strlen(own);
  return strncmp(name, own, n) == 0 && (name[n] == '\0' || name[n] == '_');
}

/* Whether `name` is taken by an observable or a derived quantity. */
static bool is_estimate(const wmc_model *model, const char *name)
{
  for (const wmc_observable *o = model->observables; o != NULL && o->name != NULL; o++)
    if (stands_beside(name, o->name)) return true;
  for (const wmc_derived *d = model->derived; d != NULL && d->name != NULL; d++)
    if (stands_beside(name, d->name)) return true;
  return false;
}

/* Names that the results file of this model uses itself. */
static bool is_taken(const wmc_model *model, const char *name)
{
  if (strcmp(name, "samples") == 0 || strcmp(name, "chain") == 0) return true;
  for (const wmc_axis *a = model->axes; a != NULL && a->name != NULL; a++)
    if (strcmp(name, a->name) == 0) return true;
  return is_field(model->fields, name) || is_estimate(model, name);
}

/* A zip names an axis of the results file: letters, digits and _, and nobody else's name. */
static const char *zip_name(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *node,
                            bool *good)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  const wmc_node *zip = wmc_node_member(node, "zip");
  if (zip == NULL) return NULL;
  bool name = zip->kind == WMC_NODE_SCALAR && *zip->text != '\0' &&
              strspn(zip->text, letters) == strlen(zip->text) && strlen(zip->text) < 64;
  if (name && !is_taken(c->deck->model, zip->text)) return zip->text;
  wmc_field_problem(c, s, s->fields[k].name, zip->mark,
                    "the name after zip: must be letters, digits and _, and not that of a "
                    "parameter, an observable or an axis of results");
  *good = false;
  return NULL;
}

static bool good_keys(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *node)
{
  bool good = true;
  for (const wmc_node *child = node->first; child != NULL; child = child->next) {
    if (strcmp(child->key, "sweep") == 0 || strcmp(child->key, "zip") == 0) continue;
    wmc_field_problem(c, s, s->fields[k].name, child->key_mark,
                      "unknown key '%.40s' beside sweep; allowed are sweep, zip", child->key);
    good = false;
  }
  return good;
}

/* All values of the list; NULL after adding problems. */
static wmc_value *take_values(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *list)
{
  if (list->kind != WMC_NODE_LIST || list->count == 0 || list->count > TASKS_MAX) {
    wmc_field_problem(c, s, s->fields[k].name, list->mark,
                      "expected a list of 1 to %d values after sweep:, as in {sweep: [1, 2]}",
                      TASKS_MAX);
    return NULL;
  }
  wmc_value *values = WMC_ARRAY(wmc_value, list->count);
  if (values == NULL) {
    c->problems->no_memory = true;
    return NULL;
  }
  bool good = true;
  size_t n = 0;
  for (const wmc_node *node = list->first; node != NULL; node = node->next, n++) {
    if (!wmc_field_take(c, s, k, node, &values[n])) good = false;
    values[n].given = true;
  }
  if (good) return values;
  free_values(values, list->count);
  return NULL;
}

bool wmc_sweep_take(wmc_checker *c, wmc_section *s, size_t k, const wmc_node *node)
{
  if (!s->fields[k].sweep) {
    wmc_field_problem(c, s, s->fields[k].name, node->mark, "cannot be swept; give one value");
    return false;
  }
  const wmc_node *list = wmc_node_member(node, "sweep");
  bool good = good_keys(c, s, k, node);
  const char *zip = zip_name(c, s, k, node, &good);
  wmc_value *values = take_values(c, s, k, list);
  if (values == NULL) return false;
  wmc_sweep *axis = good ? choose_axis(c, s, k, node, zip, list->count) : NULL;
  if (axis == NULL) {
    free_values(values, list->count);
    return false;
  }
  good = wmc_value_copy(&s->values[k], &values[0]);
  if (!extend_axis(axis, k, values)) good = false;
  if (!good) c->problems->no_memory = true;
  return good;
}

/* ---- tasks ------------------------------------------------------------------------------ */

static int by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "width = 2, depth = 3": point j of an axis, owned; NULL when memory is exhausted */
static char *describe_point(const wmc_field *fields, const wmc_sweep *axis, size_t j)
{
  wmc_text out = {0};
  wmc_sweep_point_print(fields, axis, j, &out);
  char *copy = out.failed ? NULL : wmc_text_copy(wmc_text_string(&out));
  wmc_text_free(&out);
  return copy;
}

void wmc_sweep_point_print(const wmc_field *fields, const wmc_sweep *axis, size_t j, wmc_text *out)
{
  for (size_t i = 0; i < axis->fields; i++) {
    wmc_text_append(out, "%s%s = ", i > 0 ? ", " : "", fields[axis->field[i]].name);
    wmc_field_print(&fields[axis->field[i]], &axis->values[i * axis->length + j], out);
  }
}

/* Two equal points would be two tasks with one meaning. */
static void refuse_twins(wmc_checker *c, const wmc_section *s, const wmc_sweep *axis)
{
  char **points = WMC_ARRAY(char *, axis->length);
  bool good = points != NULL;
  for (size_t j = 0; j < axis->length && good; j++) {
    points[j] = describe_point(s->fields, axis, j);
    good = points[j] != NULL;
  }
  if (!good) c->problems->no_memory = true;
  if (good) qsort(points, axis->length, sizeof *points, by_text);
  for (size_t j = 1; j < axis->length && good; j++)
    if (strcmp(points[j], points[j - 1]) == 0)
      wmc_field_problem(c, s, s->fields[axis->field[0]].name, s->places[axis->field[0]].mark,
                        "%.80s stands twice in the sweep; keep one", points[j]);
  for (size_t j = 0; points != NULL && j < axis->length; j++) wmc_free(points[j]);
  wmc_free(points);
}

static void count_tasks(wmc_checker *c, const wmc_section *s)
{
  wmc_deck *deck = c->deck;
  double tasks = 1, chains = (double)deck->general[WMC_DECK_CHAINS].integer;
  for (size_t a = 0; a < deck->axes; a++) tasks *= (double)deck->axis[a].length;
  if (tasks > TASKS_MAX)
    wmc_problems_add(c->problems, s->mark,
                     "parameters: the sweeps make %.0f tasks; at most %d are allowed: use fewer "
                     "values, zip them, or use several decks",
                     tasks, TASKS_MAX);
  else if (tasks * chains >= streams_max)
    wmc_problems_add(c->problems, deck->marks->top[WMC_DECK_CHAINS].mark,
                     "chains: %.0f chains for each of %.0f tasks are 2^31 - 1 or more; use fewer",
                     chains, tasks);
  deck->tasks = (size_t)tasks;
}

void wmc_sweep_check(wmc_checker *c)
{
  const wmc_section *s = &c->deck->marks->section[WMC_SECTION_PARAMETERS];
  for (size_t a = 0; a < c->deck->axes; a++) refuse_twins(c, s, &c->deck->axis[a]);
  count_tasks(c, s);
}

void wmc_deck_task_index(const wmc_deck *deck, size_t task, size_t index[WMC_DECK_AXES])
{
  memset(index, 0, WMC_DECK_AXES * sizeof *index);
  for (size_t a = deck->axes; a-- > 0;) {
    index[a] = task % deck->axis[a].length;
    task /= deck->axis[a].length;
  }
}

static bool copy_point(const wmc_sweep *axis, size_t j, wmc_value *out)
{
  for (size_t i = 0; i < axis->fields; i++) {
    wmc_value *value = &out[axis->field[i]];
    wmc_value_free(value);
    if (!wmc_value_copy(value, &axis->values[i * axis->length + j])) return false;
  }
  return true;
}

wmc_status wmc_deck_task(const wmc_deck *deck, size_t task, wmc_value *out)
{
  const wmc_field *fields = deck->model->fields;
  size_t n = wmc_field_count(fields), index[WMC_DECK_AXES];
  memset(out, 0, n * sizeof *out);
  bool good = true;
  for (size_t k = 0; k < n && good; k++) good = wmc_value_copy(&out[k], &deck->parameters[k]);
  wmc_deck_task_index(deck, task, index);
  for (size_t a = 0; a < deck->axes && good; a++) good = copy_point(&deck->axis[a], index[a], out);
  for (size_t k = 0; k < n; k++) /* where a kind is swept, the other kinds' fields are absent */
    if (!good || !wmc_field_allowed(fields, k, out)) wmc_value_free(&out[k]);
  return good ? WMC_OK : wmc_no_memory();
}
