#include "tree.h"

#include <string.h>
#include <yaml.h>

#include "weylmc/base/memory.h"

enum { DEEPEST = 16, KEYS_MAX = 256 };

/* ---- text or not ------------------------------------------------------------------------ */

/* Bytes of the UTF-8 character at `p` with n bytes left, 0 if it is none. */
static size_t utf8_length(const unsigned char *p, size_t n)
{
  static const struct {
    unsigned char mask, lead;
    unsigned long least;
  } forms[] = {{0x80, 0, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
  for (size_t k = 0; k < 4; k++) {
    if ((p[0] & forms[k].mask) != forms[k].lead) continue;
    if (k + 1 > n) return 0;
    unsigned long code = p[0] & (unsigned char)~forms[k].mask;
    for (size_t i = 1; i <= k; i++) {
      if ((p[i] & 0xC0) != 0x80) return 0;
      code = code << 6 | (p[i] & 0x3F);
    }
    bool surrogate = code >= 0xD800 && code < 0xE000;
    return code < forms[k].least || code > 0x10FFFF || surrogate ? 0 : k + 1;
  }
  return 0;
}

/* Characters that YAML does not take as they are. */
static bool unprintable(const unsigned char *p, size_t length)
{
  if (length == 1) return (*p < 32 && *p != '\t' && *p != '\n' && *p != '\r') || *p == 127;
  if (length == 2) return p[0] == 0xC2 && p[1] < 0xA0 && p[1] != 0x85;
  if (length == 3)
    return p[0] == 0xEF && ((p[1] == 0xBF && p[2] >= 0xBE) || !memcmp(p + 1, "\xBB\xBF", 2));
  return false;
}

static bool is_text(const char *bytes, size_t n, wmc_mark mark, wmc_problems *problems)
{
  const unsigned char *p = (const unsigned char *)bytes, *end = p + n;
  while (p < end) {
    size_t length = utf8_length(p, (size_t)(end - p));
    if (length == 0 || unprintable(p, length)) {
      wmc_problems_add(problems, mark,
                       "found byte 0x%02x, which is not text: a deck is a YAML file in UTF-8; is "
                       "this the right file?",
                       *p);
      return false;
    }
    mark.column++;
    if (*p == '\n') {
      mark.line++;
      mark.column = 1;
    }
    p += length;
  }
  return true;
}

/* ---- nodes ------------------------------------------------------------------------------ */

void wmc_node_destroy(wmc_node *node)
{
  if (node == NULL) return;
  for (wmc_node *child = node->first, *next; child != NULL; child = next) {
    next = child->next;
    wmc_node_destroy(child);
  }
  wmc_free(node->key);
  wmc_free(node->text);
  wmc_free(node);
}

wmc_node *wmc_node_member(const wmc_node *mapping, const char *key)
{
  for (wmc_node *child = mapping->first; child != NULL; child = child->next)
    if (child->key != NULL && strcmp(child->key, key) == 0) return child;
  return NULL;
}

bool wmc_node_empty(const wmc_node *node)
{
  return node->kind == WMC_NODE_SCALAR && node->plain && *node->text == '\0';
}

void wmc_node_describe(const wmc_node *node, wmc_text *out)
{
  if (wmc_node_empty(node))
    wmc_text_append(out, "nothing");
  else if (node->kind == WMC_NODE_SCALAR)
    wmc_text_append_quoted(out, node->text);
  else if (node->kind == WMC_NODE_LIST)
    wmc_text_append(out, node->count > 0 ? "a list" : "an empty list");
  else
    wmc_text_append(out, "a mapping");
}

/* ---- events ----------------------------------------------------------------------------- */

typedef struct reader {
  yaml_parser_t parser;
  yaml_event_t event; /* the current one */
  size_t set;
  wmc_problems *problems;
} reader;

static wmc_mark mark_of(const reader *r, yaml_mark_t mark)
{
  if (r->set > 0) return (wmc_mark){.set = r->set};
  return (wmc_mark){.line = mark.line + 1, .column = mark.column + 1};
}

static wmc_mark here(const reader *r) { return mark_of(r, r->event.start_mark); }

static void syntax_problem(reader *r)
{
  const yaml_parser_t *parser = &r->parser;
  if (parser->error == YAML_MEMORY_ERROR) {
    r->problems->no_memory = true;
    return;
  }
  const char *problem = parser->problem ? parser->problem : "unreadable";
  bool tab = strstr(problem, "cannot start any token") || strstr(problem, "tab");
  wmc_text context = {0};
  if (parser->context != NULL && r->set == 0)
    wmc_text_append(&context, " %s (line %zu)", parser->context, parser->context_mark.line + 1);
  wmc_problems_add(r->problems, mark_of(r, parser->problem_mark), "not valid YAML: %s%s%s", problem,
                   wmc_text_string(&context),
                   tab ? "; indent with blanks, not tabs, and quote values that start with @, ` "
                         "or %"
                       : "");
  wmc_text_free(&context);
}

/* Make the next event the current one. */
static bool advance(reader *r)
{
  yaml_event_delete(&r->event);
  if (yaml_parser_parse(&r->parser, &r->event)) return true;
  syntax_problem(r);
  return false;
}

/* Anchors and tags would make a deck mean something else than what it says. */
static void refuse_decorations(reader *r)
{
  const yaml_event_t *event = &r->event;
  const yaml_char_t *anchor = NULL, *tag = NULL;
  if (event->type == YAML_SCALAR_EVENT)
    anchor = event->data.scalar.anchor, tag = event->data.scalar.tag;
  if (event->type == YAML_SEQUENCE_START_EVENT)
    anchor = event->data.sequence_start.anchor, tag = event->data.sequence_start.tag;
  if (event->type == YAML_MAPPING_START_EVENT)
    anchor = event->data.mapping_start.anchor, tag = event->data.mapping_start.tag;
  if (anchor != NULL)
    wmc_problems_add(r->problems, here(r),
                     "anchor &%.40s: decks have no anchors; write the value where it is used",
                     (const char *)anchor);
  if (tag != NULL)
    wmc_problems_add(r->problems, here(r), "tag %.40s: decks have no tags; leave it out",
                     (const char *)tag);
}

/* ---- the tree --------------------------------------------------------------------------- */

static wmc_node *read_node(reader *r, int depth);

static wmc_node *node_create(reader *r, wmc_node_kind kind)
{
  wmc_node *node = WMC_NEW(wmc_node);
  if (node == NULL) {
    r->problems->no_memory = true;
    return NULL;
  }
  node->kind = kind;
  node->mark = here(r);
  return node;
}

static void append(wmc_node *parent, wmc_node *child)
{
  *(parent->last ? &parent->last->next : &parent->first) = child;
  parent->last = child;
  parent->count++;
}

/* Escapes such as "\n" can bring in what the bytes of the file did not have. */
static bool one_line(const char *text, size_t n)
{
  for (size_t k = 0; k < n; k++)
    if ((unsigned char)text[k] < 32 || text[k] == 127) return false;
  static const char *const breaks[] = {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"};
  for (size_t k = 0; k < 3; k++)
    if (strstr(text, breaks[k]) != NULL) return false;
  return true;
}

static char *copy_scalar(reader *r)
{
  const char *text = (const char *)r->event.data.scalar.value;
  bool good = one_line(text, r->event.data.scalar.length);
  if (!good)
    wmc_problems_add(r->problems, here(r),
                     "found a line break or control character: keys and values are one line each");
  char *copy = wmc_text_copy(good ? text : "");
  if (copy == NULL) r->problems->no_memory = true;
  return copy;
}

static wmc_node *read_scalar(reader *r)
{
  wmc_node *node = node_create(r, WMC_NODE_SCALAR);
  if (node == NULL) return NULL;
  node->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  node->text = copy_scalar(r);
  if (node->text != NULL) return node;
  wmc_node_destroy(node);
  return NULL;
}

static wmc_node *read_list(reader *r, int depth)
{
  wmc_node *list = node_create(r, WMC_NODE_LIST);
  while (list != NULL && advance(r)) {
    if (r->event.type == YAML_SEQUENCE_END_EVENT) return list;
    wmc_node *entry = read_node(r, depth + 1);
    if (entry == NULL) break;
    append(list, entry);
  }
  wmc_node_destroy(list);
  return NULL;
}

static void append_member(reader *r, wmc_node *mapping, wmc_node *value)
{
  const wmc_node *twin = wmc_node_member(mapping, value->key);
  if (twin == NULL) {
    append(mapping, value);
    return;
  }
  wmc_text key = {0};
  wmc_text_append_quoted(&key, value->key);
  wmc_problems_add(r->problems, value->key_mark,
                   "%s stands here for the second time; first on line %zu; keep one",
                   wmc_text_string(&key), twin->key_mark.line);
  wmc_text_free(&key);
  wmc_node_destroy(value);
}

/* The current event starts a key; read it and its value. */
static bool read_member(reader *r, wmc_node *mapping, int depth)
{
  wmc_node *key = read_node(r, depth + 1), *value = NULL;
  if (key == NULL) return false;
  if (advance(r)) value = read_node(r, depth + 1);
  if (value != NULL && key->kind == WMC_NODE_SCALAR) {
    value->key = key->text;
    value->key_mark = key->mark;
    key->text = NULL;
    append_member(r, mapping, value);
  } else if (value != NULL) {
    wmc_problems_add(r->problems, key->mark,
                     "found a key that is a list or a mapping; keys are "
                     "names");
    wmc_node_destroy(value);
  }
  wmc_node_destroy(key);
  return value != NULL;
}

static wmc_node *read_mapping(reader *r, int depth)
{
  wmc_node *mapping = node_create(r, WMC_NODE_MAPPING);
  while (mapping != NULL && advance(r)) {
    if (r->event.type == YAML_MAPPING_END_EVENT) return mapping;
    if (mapping->count == KEYS_MAX) {
      wmc_problems_add(r->problems, here(r), "found more than %d keys; is this a deck?", KEYS_MAX);
      break;
    }
    if (!read_member(r, mapping, depth)) break;
  }
  wmc_node_destroy(mapping);
  return NULL;
}

/* The current event starts a node. */
static wmc_node *read_node(reader *r, int depth)
{
  if (depth > DEEPEST) {
    wmc_problems_add(r->problems, here(r), "nested deeper than %d levels; is a bracket missing?",
                     DEEPEST);
    return NULL;
  }
  refuse_decorations(r);
  switch (r->event.type) {
  case YAML_SCALAR_EVENT:
    return read_scalar(r);
  case YAML_SEQUENCE_START_EVENT:
    return read_list(r, depth);
  case YAML_MAPPING_START_EVENT:
    return read_mapping(r, depth);
  default:
    break;
  }
  wmc_problems_add(r->problems, here(r),
                   "alias *%.40s: decks have no aliases; write the value where it is used",
                   (const char *)r->event.data.alias.anchor);
  return NULL;
}

/* ---- the document ----------------------------------------------------------------------- */

static const wmc_mark start = {.line = 1, .column = 1};

static void empty_problem(reader *r)
{
  wmc_problems_add(r->problems, r->set ? (wmc_mark){.set = r->set} : start,
                   r->set
                       ? "no value after '='"
                       : "the deck is empty; it needs at least 'model', 'seed' and 'parameters'");
}

/* The one document of the stream; the current event starts it. */
static wmc_node *read_document(reader *r)
{
  if (!advance(r)) return NULL;
  wmc_node *root = read_node(r, 0);
  if (root == NULL || !advance(r) || !advance(r)) {
    wmc_node_destroy(root);
    return NULL;
  }
  if (r->event.type != YAML_STREAM_END_EVENT)
    wmc_problems_add(r->problems, here(r), "a second document starts here; a deck is one document");
  return root;
}

static wmc_node *read_stream(reader *r)
{
  if (!advance(r) || !advance(r)) return NULL; /* start of stream, start of document */
  if (r->event.type == YAML_STREAM_END_EVENT) {
    empty_problem(r);
    return NULL;
  }
  return read_document(r);
}

/* A deck is a mapping; an override may be anything but nothing. */
static bool good_root(reader *r, const wmc_node *root)
{
  if (wmc_node_empty(root)) {
    empty_problem(r);
    return false;
  }
  if (r->set > 0 || root->kind == WMC_NODE_MAPPING) return true;
  wmc_text found = {0};
  wmc_node_describe(root, &found);
  wmc_problems_add(r->problems, root->mark,
                   "a deck is a mapping of lines 'key: value', found %s; is this the right file?",
                   wmc_text_string(&found));
  wmc_text_free(&found);
  return false;
}

wmc_node *wmc_tree_read(const char *bytes, size_t n, size_t set, wmc_problems *problems)
{
  if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) { /* byte order mark */
    bytes += 3;
    n -= 3;
  }
  reader r = {.set = set, .problems = problems};
  if (!is_text(bytes, n, set ? (wmc_mark){.set = set} : start, problems)) return NULL;
  if (!yaml_parser_initialize(&r.parser)) {
    problems->no_memory = true;
    return NULL;
  }
  yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, n);
  wmc_node *root = read_stream(&r);
  if (root != NULL && !good_root(&r, root)) {
    wmc_node_destroy(root);
    root = NULL;
  }
  yaml_event_delete(&r.event);
  yaml_parser_delete(&r.parser);
  return root;
}
