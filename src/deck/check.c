#include "check.h"

#include <string.h>

#include "weylmc/base/memory.h"

static const char *const section_names[WMC_SECTIONS] = {"", "run", "parameters"};

size_t wmc_group_length(const char *name)
{
  const char *dot = strchr(name, '.');
  return dot ? (size_t)(dot - name) : 0;
}

/* Whether the field belongs to the group of this name. */
static bool in_group(const wmc_field *field, const char *group)
{
  size_t n = wmc_group_length(field->name);
  return n > 0 && strlen(group) == n && strncmp(field->name, group, n) == 0;
}

static int find_group(const wmc_section *section, const char *group)
{
  for (size_t k = 0; k < section->count; k++)
    if (in_group(&section->fields[k], group)) return (int)k;
  return -1;
}

static int find_member(const wmc_section *section, const char *group, const char *key)
{
  for (size_t k = 0; k < section->count; k++)
    if (in_group(&section->fields[k], group) &&
        strcmp(section->fields[k].name + strlen(group) + 1, key) == 0)
      return (int)k;
  return -1;
}

static bool is_plain_field(const wmc_section *section, const char *key)
{
  return strchr(key, '.') == NULL && wmc_field_find(section->fields, key) >= 0;
}

/* ---- unknown keys ----------------------------------------------------------------------- */

enum { NAMES_MAX = 128 };
typedef struct names {
  char storage[NAMES_MAX][64];
  const char *list[NAMES_MAX];
  size_t count;
} names;

static void add_name(names *all, const char *name, size_t n)
{
  if (all->count == NAMES_MAX || n >= sizeof all->storage[0]) return;
  char *copy = all->storage[all->count];
  memcpy(copy, name, n);
  copy[n] = '\0';
  for (size_t k = 0; k < all->count; k++)
    if (strcmp(all->list[k], copy) == 0) return;
  all->list[all->count++] = copy;
}

/* Keys that may stand in the section (group NULL), or in a group of it. */
static void collect_names(const wmc_section *s, const char *group, names *all)
{
  all->count = 0;
  for (size_t k = 0; k < s->count; k++) {
    const char *name = s->fields[k].name;
    size_t n = wmc_group_length(name);
    if (group == NULL)
      add_name(all, name, n > 0 ? n : strlen(name));
    else if (in_group(&s->fields[k], group))
      add_name(all, name + n + 1, strlen(name + n + 1));
  }
  for (size_t k = 1; group == NULL && *s->name == '\0' && k < WMC_SECTIONS; k++)
    add_name(all, section_names[k], strlen(section_names[k]));
}

/* Advice for a key that is a good one elsewhere. */
static void advise_elsewhere(const wmc_checker *c, const wmc_section *s, const char *key,
                             wmc_text *out)
{
  const char *dot = strchr(key, '.');
  if (dot != NULL && wmc_field_find(s->fields, key) >= 0)
    wmc_text_append(out, "; write '%.*s: {%s: ...}'", (int)(dot - key), key, dot + 1);
  for (size_t k = 0; k < WMC_SECTIONS; k++) {
    const wmc_section *other = &c->deck->marks->section[k];
    if (other == s || other->fields == NULL) continue;
    if (!is_plain_field(other, key) && find_group(other, key) < 0) continue;
    if (*other->name != '\0')
      wmc_text_append(out, "; '%s' belongs under '%s'", key, other->name);
    else
      wmc_text_append(out, "; '%s' belongs at the top level", key);
  }
}

static void print_names(const names *all, wmc_text *out)
{
  for (size_t k = 0; k < all->count; k++)
    wmc_text_append(out, "%s%s", k > 0 ? ", " : "", all->list[k]);
}

static void unknown_key(wmc_checker *c, const wmc_section *s, const char *group,
                        const wmc_node *node)
{
  if (wmc_problems_full(c->problems)) {
    c->problems->dropped++;
    return;
  }
  names all;
  wmc_text advice = {0}, name = {0};
  collect_names(s, group, &all);
  const char *nearest = wmc_text_nearest(node->key, all.list, all.count);
  if (group == NULL) advise_elsewhere(c, s, node->key, &advice);
  if (advice.length == 0 && nearest != NULL)
    wmc_text_append(&advice, "; did you mean '%s'?", nearest);
  wmc_text_append(&name, "%s%s%.40s", group ? group : "", group ? "." : "", node->key);
  wmc_text allowed = {0};
  print_names(&all, &allowed);
  wmc_field_problem(c, s, wmc_text_string(&name), node->key_mark, "unknown key%s (allowed: %s)",
                    wmc_text_string(&advice), wmc_text_string(&allowed));
  wmc_text_free(&advice);
  wmc_text_free(&name);
  wmc_text_free(&allowed);
}

/* ---- members of a section --------------------------------------------------------------- */

static void take_field(wmc_checker *c, wmc_section *s, size_t k, const wmc_node *node)
{
  wmc_place *place = &s->places[k];
  place->mark = node->key_mark;
  place->located = true;
  place->order = ++c->deck->marks->appeared;
  s->values[k].given = true;
  bool sweep = wmc_sweep_is(node);
  place->bad =
      !(sweep ? wmc_sweep_take(c, s, k, node) : wmc_field_take(c, s, k, node, &s->values[k]));
  place->swept = sweep && !place->bad;
}

/* `noise: isotropic` and `noise: {sweep: [...]}` speak of the group's kind. */
static void take_kind(wmc_checker *c, wmc_section *s, const wmc_node *node)
{
  int kind = find_member(s, node->key, "kind");
  if (kind >= 0 && !wmc_node_empty(node)) {
    take_field(c, s, (size_t)kind, node);
    return;
  }
  names all;
  collect_names(s, node->key, &all);
  wmc_text allowed = {0}, found = {0};
  print_names(&all, &allowed);
  wmc_node_describe(node, &found);
  wmc_field_problem(c, s, node->key, node->mark, "expected a mapping with some of %s; found %s",
                    wmc_text_string(&allowed), wmc_text_string(&found));
  wmc_text_free(&allowed);
  wmc_text_free(&found);
}

static void take_group(wmc_checker *c, wmc_section *s, const wmc_node *node)
{
  for (size_t k = 0; k < s->count; k++) {
    if (!in_group(&s->fields[k], node->key)) continue;
    s->places[k].mark = node->key_mark;
    s->places[k].located = true;
  }
  if (node->kind != WMC_NODE_MAPPING || wmc_sweep_is(node)) {
    take_kind(c, s, node);
    return;
  }
  for (const wmc_node *child = node->first; child != NULL; child = child->next) {
    int k = find_member(s, node->key, child->key);
    if (k >= 0)
      take_field(c, s, (size_t)k, child);
    else
      unknown_key(c, s, node->key, child);
  }
}

static bool is_section(const wmc_section *s, const char *key)
{
  for (size_t k = 1; *s->name == '\0' && k < WMC_SECTIONS; k++)
    if (strcmp(key, section_names[k]) == 0) return true;
  return false;
}

static void take_member(wmc_checker *c, wmc_section *s, const wmc_node *node)
{
  if (is_section(s, node->key)) return;
  if (is_plain_field(s, node->key))
    take_field(c, s, (size_t)wmc_field_find(s->fields, node->key), node);
  else if (find_group(s, node->key) >= 0)
    take_group(c, s, node);
  else
    unknown_key(c, s, NULL, node);
}

/* ---- defaults and conditions ------------------------------------------------------------ */

/* Index of "<group>.kind" if the condition of field k is about it, else -1. */
static int kind_of(const wmc_section *s, size_t k)
{
  int other = wmc_field_condition(s->fields, k);
  size_t n = wmc_group_length(s->fields[k].name);
  if (other < 0 || n == 0 || strncmp(s->fields[k].name, s->fields[other].name, n + 1) != 0)
    return -1;
  return strcmp(s->fields[other].name + n, ".kind") == 0 ? other : -1;
}

/* `noise: {kappa: 0.25}` says which kind is meant if only one kind has a kappa. */
static void imply_kinds(wmc_section *s)
{
  for (size_t k = 0; k < s->count; k++) {
    int kind = s->values[k].given ? kind_of(s, k) : -1;
    if (kind < 0 || s->values[kind].given || strchr(s->fields[k].only, '|') != NULL) continue;
    wmc_text why = {0};
    if (wmc_field_read(&s->fields[kind], strchr(s->fields[k].only, '=') + 1, &s->values[kind],
                       &why)) {
      s->values[kind].given = true;
      s->places[kind].order = s->places[k].order;
    }
    wmc_text_free(&why);
  }
}

/* Whether field k is allowed in some task. */
static bool allowed_somewhere(const wmc_checker *c, wmc_section *s, size_t k)
{
  int other = wmc_field_condition(s->fields, k);
  if (other < 0 || !s->places[other].swept) return wmc_field_allowed(s->fields, k, s->values);
  size_t length = 0;
  const wmc_value *swept = wmc_sweep_values(c->deck, (size_t)other, &length);
  wmc_value first = s->values[other];
  bool allowed = false;
  for (size_t j = 0; j < length && !allowed; j++) {
    s->values[other] = swept[j];
    allowed = wmc_field_allowed(s->fields, k, s->values);
  }
  s->values[other] = first;
  return allowed;
}

/* "depth = 8", "bins = 0 (the default)", "lags is absent" */
static void describe_found(const wmc_section *s, size_t k, wmc_text *out)
{
  const wmc_value *value = &s->values[k];
  wmc_text_append(out, "%s ", s->fields[k].name);
  if (s->places[k].swept)
    wmc_text_append(out, "is swept over other values");
  else if (!value->present)
    wmc_text_append(out, "is absent");
  else {
    wmc_text_append(out, "= ");
    wmc_field_print(&s->fields[k], value, out);
    wmc_text_append(out, "%s", value->given ? "" : " (the default)");
  }
}

/* "depth = inf" of "depth=inf", "norm = rms or layer" of "norm=rms|layer" */
static void describe_condition(const char *condition, size_t n, wmc_text *out)
{
  for (const char *p = condition; p < condition + n; p++)
    if (*p == '|')
      wmc_text_append(out, " or ");
    else if (*p == '=')
      wmc_text_append(out, p[-1] == '!' ? "= " : " = ");
    else
      wmc_text_append(out, "%s%c", *p == '!' ? " " : "", *p);
}

static void not_allowed(wmc_checker *c, const wmc_section *s, size_t k)
{
  const char *only = s->fields[k].only;
  wmc_text found = {0}, allowed = {0};
  describe_condition(only, strlen(only), &allowed);
  describe_found(s, (size_t)wmc_field_condition(s->fields, k), &found);
  wmc_field_problem(c, s, s->fields[k].name, s->places[k].mark, "allowed only with %s; here %s",
                    wmc_text_string(&allowed), wmc_text_string(&found));
  wmc_text_free(&found);
  wmc_text_free(&allowed);
}

static void missing(wmc_checker *c, const wmc_section *s, size_t k)
{
  wmc_text range = {0};
  wmc_field_print_range(&s->fields[k], &range);
  wmc_field_problem(c, s, s->fields[k].name, s->places[k].located ? s->places[k].mark : s->mark,
                    "required, but missing: %s; give %s", s->fields[k].text,
                    wmc_text_string(&range));
  wmc_text_free(&range);
}

/* Field k after all given values are known: its default, or what is wrong with its absence. */
static void resolve_field(wmc_checker *c, wmc_section *s, size_t k)
{
  const wmc_field *field = &s->fields[k];
  int other = wmc_field_condition(s->fields, k);
  if (s->places[k].bad || (other >= 0 && s->places[other].bad)) return;
  bool allowed = allowed_somewhere(c, s, k);
  if (s->values[k].given && !allowed) not_allowed(c, s, k);
  if (s->values[k].given || !allowed) return;
  if (field->required) missing(c, s, k);
  if (field->standard == NULL) return;
  wmc_text why = {0};
  if (!wmc_field_read(field, field->standard, &s->values[k], &why))
    wmc_field_problem(c, s, field->name, s->mark, "wrong default in the table of fields: %s",
                      wmc_text_string(&why));
  wmc_text_free(&why);
}

void wmc_check_section(wmc_checker *c, wmc_section *s, const wmc_node *mapping)
{
  for (const wmc_node *node = mapping ? mapping->first : NULL; node != NULL; node = node->next)
    take_member(c, s, node);
  imply_kinds(s);
  for (size_t k = 0; k < s->count; k++) /* conditions are about unconditional fields */
    if (s->fields[k].only == NULL) resolve_field(c, s, k);
  for (size_t k = 0; k < s->count; k++)
    if (s->fields[k].only != NULL) resolve_field(c, s, k);
}

/* ---- keys without effect ---------------------------------------------------------------- */

/* Parts of `needs` that are not met in the last task looked at, for each field; fields with an
 * effect in some task have none. */
typedef struct unmet {
  const char *part;
  size_t length;
  bool met, wanted; /* in some task */
} unmet;

static void note_needs(const wmc_section *s, const wmc_value *values, unmet *of)
{
  for (size_t k = 0; k < s->count; k++) {
    if (s->fields[k].needs == NULL || !values[k].present || of[k].met) continue;
    of[k].wanted = true;
    of[k].part = wmc_field_unmet(s->fields, k, values, &of[k].length);
    of[k].met = of[k].part == NULL;
  }
}

static void no_effect(wmc_checker *c, const wmc_section *s, size_t k, const unmet *what)
{
  wmc_text needed = {0}, found = {0};
  size_t at = 0;
  describe_condition(what->part, what->length, &needed);
  for (int other; (other = wmc_field_need(s->fields, what->part, what->length, &at)) >= 0;) {
    wmc_text_append(&found, "%s", found.length > 0 ? ", " : "");
    describe_found(s, (size_t)other, &found);
  }
  wmc_field_problem(c, s, s->fields[k].name, s->places[k].mark,
                    "has no effect without %s; here %s; give what it needs, or leave this key out",
                    wmc_text_string(&needed), wmc_text_string(&found));
  wmc_text_free(&needed);
  wmc_text_free(&found);
}

void wmc_check_needs(wmc_checker *c)
{
  const wmc_deck *deck = c->deck;
  wmc_section *s = &deck->marks->section[WMC_SECTION_PARAMETERS];
  wmc_value *values = WMC_ARRAY(wmc_value, s->count);
  unmet *of = WMC_ARRAY(unmet, s->count);
  bool good = values != NULL && of != NULL;
  for (size_t task = 0; good && task < deck->tasks; task++) {
    good = wmc_deck_task(deck, task, values) == WMC_OK;
    if (good) note_needs(s, values, of);
    for (size_t k = 0; k < s->count; k++) wmc_value_free(&values[k]);
  }
  for (size_t k = 0; good && k < s->count; k++) {
    s->places[k].idle = of[k].wanted && !of[k].met;
    if (s->places[k].idle && s->values[k].given && !c->resolved) no_effect(c, s, k, &of[k]);
  }
  if (!good) c->problems->no_memory = true;
  wmc_free(values);
  wmc_free(of);
}

/* ---- the model's own checks ------------------------------------------------------------- */

enum { COMPLAINTS_MAX = 16 };
typedef struct complaint {
  int field;
  char *message;
  size_t task, times; /* where it was first heard, and in how many tasks */
} complaint;

typedef struct complaint_list {
  complaint item[COMPLAINTS_MAX];
  size_t count, task;
  bool no_memory;
} complaint_list;

/* The same complaint about several tasks is kept once. */
static void hear(void *sink, int field, const char *message)
{
  complaint_list *list = sink;
  for (size_t k = 0; k < list->count; k++)
    if (list->item[k].field == field && strcmp(list->item[k].message, message) == 0) {
      list->item[k].times++;
      return;
    }
  if (list->count == COMPLAINTS_MAX) return;
  char *copy = wmc_text_copy(message);
  if (copy == NULL)
    list->no_memory = true;
  else
    list->item[list->count++] = (complaint){field, copy, list->task, 1};
}

/* " (at depth = 3, beta = 1)" */
static void describe_task(const wmc_deck *deck, size_t task, wmc_text *out)
{
  size_t index[WMC_DECK_AXES];
  wmc_deck_task_index(deck, task, index);
  for (size_t a = 0; a < deck->axes; a++) {
    wmc_text_append(out, a > 0 ? ", " : " (at ");
    wmc_sweep_point_print(deck->model->fields, &deck->axis[a], index[a], out);
  }
  wmc_text_append(out, ")");
}

static void report(wmc_checker *c, const complaint *what)
{
  const wmc_section *s = &c->deck->marks->section[WMC_SECTION_PARAMETERS];
  bool known = what->field >= 0 && (size_t)what->field < s->count;
  const wmc_place *place = known ? &s->places[what->field] : NULL;
  wmc_text where = {0};
  if (what->times < c->deck->tasks) describe_task(c->deck, what->task, &where);
  wmc_problems_add(
      c->problems, place && place->located ? place->mark : s->mark, "parameters%s%s: %s%s",
      known ? "." : "", known ? s->fields[what->field].name : "",
      known ? wmc_text_after_name(what->message, s->fields[what->field].name) : what->message,
      wmc_text_string(&where));
  wmc_text_free(&where);
}

void wmc_check_model(wmc_checker *c)
{
  const wmc_deck *deck = c->deck;
  size_t n = wmc_field_count(deck->model->fields);
  complaint_list list = {.count = 0};
  wmc_complaints complaints = {hear, &list};
  wmc_value *values = WMC_ARRAY(wmc_value, n);
  list.no_memory = values == NULL;
  for (; list.task < deck->tasks && !list.no_memory; list.task++) {
    if (wmc_deck_task(deck, list.task, values) != WMC_OK) list.no_memory = true;
    if (!list.no_memory) deck->model->check(values, &complaints);
    for (size_t k = 0; k < n; k++) wmc_value_free(&values[k]);
  }
  for (size_t k = 0; k < list.count; k++) {
    report(c, &list.item[k]);
    wmc_free(list.item[k].message);
  }
  if (list.no_memory) c->problems->no_memory = true;
  wmc_free(values);
}
