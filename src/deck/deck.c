#include "weylmc/deck/deck.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "weylmc/base/memory.h"

const wmc_field wmc_deck_fields[] = {
    [WMC_DECK_TITLE] = {"title", WMC_STRING, .standard = "", .free = true, .unit = "",
                        .text = "one line that says what the run is for"},
    [WMC_DECK_MODEL] = {"model", WMC_STRING, .minimum = 1, .maximum = DBL_MAX, .required = true,
                        .unit = "",
                        .text = "a row of the table of models; `weylmc explain` lists them"},
    [WMC_DECK_SEED] = {"seed", WMC_INT, .minimum = 0, .maximum = WMC_SEED_MAX, .required = true,
                       .unit = "", .text = "fixes all random numbers of the run"},
    [WMC_DECK_CHAINS] = {"chains", WMC_INT, .minimum = 1, .maximum = 1e6, .standard = "16",
                         .unit = "1", .text = "independent chains for every point of the sweep"},
    [WMC_DECK_OUTPUT] = {"output", WMC_STRING, .minimum = 1, .maximum = 4000, .free = true,
                         .unit = "",
                         .text = "results file; by default the deck's name with .h5 in the "
                                 "current directory"},
    {0},
};

const wmc_field wmc_run_fields[] = {
    [WMC_RUN_THERMALISE] = {"thermalise", WMC_INT, .minimum = 0, .maximum = DBL_MAX,
                            .standard = "1000", .unit = "1",
                            .text = "steps of a chain that are dropped before the first draw"},
    [WMC_RUN_DRAWS] = {"draws", WMC_INT, .minimum = 1, .maximum = DBL_MAX, .standard = "1000",
                       .free = true, .unit = "1", .text = "measurements of every chain"},
    [WMC_RUN_STRIDE] = {"stride", WMC_INT, .minimum = 1, .maximum = DBL_MAX, .standard = "1",
                        .unit = "1", .text = "steps between two draws"},
    [WMC_RUN_CHECKPOINT] = {"checkpoint", WMC_TIME, .minimum = 1, .maximum = DBL_MAX,
                            .standard = "10 min", .free = true, .unit = "s",
                            .text = "time between checkpoints"},
    {0},
};

wmc_source wmc_deck_source(const wmc_deck *deck)
{
  return (wmc_source){deck->path, deck->marks->n_set, (const char *const *)deck->marks->set};
}

/* ---- life of a deck --------------------------------------------------------------------- */

static void values_free(wmc_value *values, size_t n)
{
  for (size_t k = 0; values != NULL && k < n; k++) wmc_value_free(&values[k]);
}

static void sweep_free(wmc_sweep *axis)
{
  values_free(axis->values, axis->fields * axis->length);
  wmc_free(axis->values);
  wmc_free(axis->field);
  wmc_free(axis->name);
}

static void marks_free(struct wmc_deck_marks *marks)
{
  if (marks == NULL) return;
  for (size_t k = 0; k < marks->n_set; k++) wmc_free(marks->set[k]);
  wmc_free(marks->set);
  wmc_free(marks->parameters);
  wmc_free(marks);
}

void wmc_deck_destroy(wmc_deck *deck)
{
  if (deck == NULL) return;
  values_free(deck->general, WMC_DECK_KEYS);
  values_free(deck->run, WMC_RUN_KEYS);
  if (deck->model != NULL) values_free(deck->parameters, wmc_field_count(deck->model->fields));
  wmc_free(deck->parameters);
  for (size_t a = 0; a < deck->axes; a++) sweep_free(&deck->axis[a]);
  marks_free(deck->marks);
  wmc_free(deck->path);
  wmc_free(deck->directory);
  wmc_free(deck->text);
  wmc_free(deck);
}

static char *copy_bytes(const char *bytes, size_t n)
{
  char *copy = wmc_alloc(n + 1, 1);
  if (copy != NULL && n > 0) memcpy(copy, bytes, n);
  return copy;
}

static char *directory_of(const char *path)
{
  const char *slash = strrchr(path, '/');
  if (slash == NULL) return wmc_text_copy(".");
  return copy_bytes(path, slash == path ? 1 : (size_t)(slash - path));
}

static struct wmc_deck_marks *marks_create(size_t n_set, const char *const *set)
{
  struct wmc_deck_marks *marks = WMC_NEW(struct wmc_deck_marks);
  if (marks == NULL) return NULL;
  marks->set = WMC_ARRAY(char *, n_set);
  for (; marks->set != NULL && marks->n_set < n_set; marks->n_set++) {
    marks->set[marks->n_set] = wmc_text_copy(set[marks->n_set]);
    if (marks->set[marks->n_set] == NULL) break;
  }
  if (marks->n_set == n_set && marks->set != NULL) return marks;
  marks_free(marks);
  return NULL;
}

static wmc_deck *deck_create(const char *name, const char *bytes, size_t n, size_t n_set,
                             const char *const *set)
{
  wmc_deck *deck = WMC_NEW(wmc_deck);
  if (deck == NULL) return NULL;
  deck->path = wmc_text_copy(name);
  deck->directory = directory_of(name);
  deck->text = copy_bytes(bytes, n);
  deck->marks = marks_create(n_set, set);
  if (deck->path && deck->directory && deck->text && deck->marks) return deck;
  wmc_deck_destroy(deck);
  return NULL;
}

/* ---- checking --------------------------------------------------------------------------- */

/* The mapping of a section: a member of the root, or nothing where only defaults are meant. */
static const wmc_node *section_node(wmc_checker *c, wmc_section *s, const wmc_node *root)
{
  const wmc_node *node = wmc_node_member(root, s->name);
  s->mark = node ? node->key_mark : root->mark;
  if (node == NULL || wmc_node_empty(node)) return NULL;
  if (node->kind == WMC_NODE_MAPPING) return node;
  wmc_text found = {0};
  wmc_node_describe(node, &found);
  wmc_problems_add(c->problems, node->mark,
                   "%s: expected a mapping of lines 'key: value', found %s", s->name,
                   wmc_text_string(&found));
  wmc_text_free(&found);
  return NULL;
}

static const wmc_model *find_model(const wmc_model *const *models, const char *name)
{
  while (*models != NULL && strcmp((*models)->name, name) != 0) models++;
  return *models;
}

static void unknown_model(wmc_checker *c, const wmc_model *const *models, const wmc_node *node)
{
  enum { SHOWN = 64 };
  const char *names[SHOWN];
  size_t n = 0;
  wmc_text list = {0}, found = {0};
  for (; models[n] != NULL && n < SHOWN; n++) {
    names[n] = models[n]->name;
    wmc_text_append(&list, "%s%s", n > 0 ? ", " : "", names[n]);
  }
  const char *nearest = wmc_text_nearest(node->text, names, n);
  wmc_text_append_quoted(&found, node->text);
  wmc_problems_add(c->problems, node->mark, "model: expected one of %s, found %s%s%s%s",
                   wmc_text_string(&list), wmc_text_string(&found),
                   nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
  wmc_text_free(&list);
  wmc_text_free(&found);
}

/* Before anything else is checked, so that advice can speak of the model's parameters; a model
 * that is missing or no text is left to the check of the top level. */
static void choose_model(wmc_checker *c, const wmc_model *const *models, const wmc_node *root)
{
  wmc_deck *deck = c->deck;
  struct wmc_deck_marks *marks = deck->marks;
  const wmc_node *node = wmc_node_member(root, "model");
  if (node == NULL || node->kind != WMC_NODE_SCALAR || *node->text == '\0') return;
  const wmc_model *model = find_model(models, node->text);
  if (model == NULL) {
    unknown_model(c, models, node);
    return;
  }
  size_t n = wmc_field_count(model->fields);
  deck->model = model;
  deck->parameters = WMC_ARRAY(wmc_value, n);
  marks->parameters = WMC_ARRAY(wmc_place, n);
  if (deck->parameters == NULL || marks->parameters == NULL) {
    deck->model = NULL;
    c->problems->no_memory = true;
    return;
  }
  marks->section[WMC_SECTION_PARAMETERS] = (wmc_section){
      "parameters", model->fields, n, deck->parameters, marks->parameters, root->mark};
}

/* Where every draw is a new sample there is nothing to thermalise and nothing to skip. */
static void settle_independent(wmc_checker *c)
{
  wmc_deck *deck = c->deck;
  static const struct {
    int key;
    const char *value;
  } fixed[] = {{WMC_RUN_THERMALISE, "0"}, {WMC_RUN_STRIDE, "1"}};
  if (deck->model == NULL || !deck->model->independent) return;
  for (size_t k = 0; k < 2; k++) {
    int key = fixed[k].key;
    wmc_text why = {0};
    if (deck->run[key].given)
      wmc_field_problem(c, &deck->marks->section[WMC_SECTION_RUN], wmc_run_fields[key].name,
                        deck->marks->run[key].mark,
                        "not allowed: every draw of model %s is a new independent sample; leave "
                        "this key out",
                        deck->model->name);
    wmc_field_read(&wmc_run_fields[key], fixed[k].value, &deck->run[key], &why);
    wmc_text_free(&why);
  }
}

/* "decks/relu.yaml" -> "relu.h5" */
static void default_output(wmc_checker *c)
{
  const char *path = c->deck->path, *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
  size_t n = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
  wmc_value *output = &c->deck->general[WMC_DECK_OUTPUT];
  if (output->given) return;
  wmc_text text = {0};
  wmc_text_append(&text, "%.*s.h5", (int)n, name);
  output->string = text.failed ? NULL : wmc_text_copy(wmc_text_string(&text));
  output->present = output->string != NULL;
  if (!output->present) c->problems->no_memory = true;
  wmc_text_free(&text);
}

static void check_deck(wmc_checker *c, const wmc_model *const *models, const wmc_node *root)
{
  wmc_deck *deck = c->deck;
  struct wmc_deck_marks *marks = deck->marks;
  wmc_section *s = marks->section;
  s[WMC_SECTION_TOP] =
      (wmc_section){"", wmc_deck_fields, WMC_DECK_KEYS, deck->general, marks->top, root->mark};
  s[WMC_SECTION_RUN] =
      (wmc_section){"run", wmc_run_fields, WMC_RUN_KEYS, deck->run, marks->run, root->mark};
  choose_model(c, models, root);
  wmc_check_section(c, &s[WMC_SECTION_TOP], root);
  wmc_check_section(c, &s[WMC_SECTION_RUN], section_node(c, &s[WMC_SECTION_RUN], root));
  settle_independent(c);
  default_output(c);
  if (deck->model == NULL) return;
  const wmc_node *parameters = section_node(c, &s[WMC_SECTION_PARAMETERS], root);
  wmc_check_section(c, &s[WMC_SECTION_PARAMETERS], parameters);
  if (c->problems->count == 0) wmc_sweep_check(c);
  if (c->problems->count > 0) return;
  wmc_check_needs(c);
  if (deck->model->check != NULL) wmc_check_model(c);
}

/* ---- reading ---------------------------------------------------------------------------- */

static wmc_status apply_overrides(const wmc_source *source, wmc_node *root)
{
  wmc_problems problems = {.count = 0};
  for (size_t k = 0; k < source->n_set; k++)
    wmc_tree_override(root, source->set[k], k + 1, &problems);
  wmc_status status = wmc_problems_raise(&problems, WMC_USAGE, source);
  wmc_problems_free(&problems);
  return status;
}

static wmc_status fill_deck(wmc_deck *deck, size_t n, const wmc_model *const *models, bool resolved)
{
  wmc_problems problems = {.count = 0};
  wmc_checker checker = {deck, &problems, resolved};
  wmc_source source = wmc_deck_source(deck);
  wmc_node *root = wmc_tree_read(deck->text, n, 0, &problems);
  wmc_status status = root ? apply_overrides(&source, root) : WMC_OK;
  if (root != NULL && status == WMC_OK) check_deck(&checker, models, root);
  if (status == WMC_OK) status = wmc_problems_raise(&problems, WMC_DATA, &source);
  wmc_node_destroy(root);
  wmc_problems_free(&problems);
  return status;
}

static wmc_status parse(const wmc_model *const *models, const char *name, const char *bytes,
                        size_t n, size_t n_set, const char *const *set, bool resolved,
                        wmc_deck **deck)
{
  *deck = NULL;
  if (n > WMC_DECK_BYTES_MAX) {
    char most[WMC_TEXT_SHORT];
    return wmc_raise(WMC_DATA, "%s: larger than %s, the most for a deck; is this the right file?",
                     name, wmc_text_bytes(most, WMC_DECK_BYTES_MAX));
  }
  wmc_deck *made = deck_create(name, bytes, n, n_set, set);
  if (made == NULL) return wmc_no_memory();
  wmc_status status = fill_deck(made, n, models, resolved);
  if (status == WMC_OK)
    *deck = made;
  else
    wmc_deck_destroy(made);
  return status;
}

wmc_status wmc_deck_parse_with(const wmc_model *const *models, const char *name, const char *bytes,
                               size_t n, size_t n_set, const char *const *set, wmc_deck **deck)
{
  return parse(models, name, bytes, n, n_set, set, false, deck);
}

wmc_status wmc_deck_parse_resolved(const char *name, const char *bytes, size_t n, wmc_deck **deck)
{
  return parse(wmc_models, name, bytes, n, 0, NULL, true, deck);
}

wmc_status wmc_deck_parse(const char *name, const char *bytes, size_t n, size_t n_set,
                          const char *const *set, wmc_deck **deck)
{
  return wmc_deck_parse_with(wmc_models, name, bytes, n, n_set, set, deck);
}

static wmc_status unreadable(const char *path)
{
  return wmc_raise(WMC_DATA, "%s: cannot read the deck: %s", path, strerror(errno));
}

wmc_status wmc_deck_read(const char *path, size_t n_set, const char *const *set, wmc_deck **deck)
{
  *deck = NULL;
  FILE *file = fopen(path, "rb");
  if (file == NULL) return unreadable(path);
  size_t room = WMC_DECK_BYTES_MAX + 1; /* one byte too many is enough to refuse it */
  char *bytes = wmc_alloc(room, 1);
  size_t n = bytes ? fread(bytes, 1, room, file) : 0;
  wmc_status status = bytes == NULL ? wmc_no_memory() : ferror(file) ? unreadable(path) : WMC_OK;
  if (status == WMC_OK) status = wmc_deck_parse(path, bytes, n, n_set, set, deck);
  wmc_free(bytes);
  fclose(file);
  return status;
}
