#include <string.h>

#include "tree.h"
#include "weylmc/base/memory.h"

/* `energy: target` is short for `energy: {kind: target}`, so that a part of it can be set. */
static bool make_mapping(wmc_node *node)
{
  if (node->kind == WMC_NODE_MAPPING) return true;
  wmc_node *kind = wmc_node_empty(node) ? NULL : WMC_NEW(wmc_node);
  char *key = kind ? wmc_text_copy("kind") : NULL;
  if (!wmc_node_empty(node) && key == NULL) {
    wmc_free(kind);
    return false;
  }
  if (kind != NULL) { /* a copy of the node under the new key */
    *kind = *node;
    kind->key = key;
    kind->key_mark = node->mark;
    kind->next = NULL;
  } else {
    wmc_free(node->text);
  }
  node->kind = WMC_NODE_MAPPING;
  node->text = NULL;
  node->first = node->last = kind;
  node->count = kind != NULL;
  return true;
}

/* Member `key` of the mapping, made (as an empty mapping) if it is absent; NULL without memory. */
static wmc_node *force_member(wmc_node *mapping, const char *key, size_t set)
{
  wmc_node *member = wmc_node_member(mapping, key);
  if (member != NULL) return member;
  member = WMC_NEW(wmc_node);
  char *copy = wmc_text_copy(key);
  if (member == NULL || copy == NULL) {
    wmc_free(member);
    wmc_free(copy);
    return NULL;
  }
  *member = (wmc_node){.kind = WMC_NODE_MAPPING, .mark = {.set = set}, .key = copy};
  *(mapping->last ? &mapping->last->next : &mapping->first) = member;
  mapping->last = member;
  mapping->count++;
  return member;
}

/* Replace what `node` holds by what `value` holds, which is consumed. */
static void replace(wmc_node *node, wmc_node *value, size_t set)
{
  wmc_node old = *node;
  *node = *value;
  node->key = old.key;
  node->key_mark = (wmc_mark){.set = set};
  node->next = old.next;
  *value = old;
  value->key = NULL;
  wmc_node_destroy(value);
}

/* Walk down "a.b.c" (of n characters) and put the value there. */
static bool put(wmc_node *node, const char *path, size_t n, wmc_node *value, size_t set)
{
  for (size_t from = 0; from <= n;) {
    char key[64];
    size_t length = strcspn(path + from, ".=");
    memcpy(key, path + from, length);
    key[length] = '\0';
    if (!make_mapping(node)) return false;
    node = force_member(node, key, set);
    if (node == NULL) return false;
    if (node->key_mark.line == 0) node->key_mark.set = set;
    from += length + 1;
  }
  replace(node, value, set);
  return true;
}

/* Between one and four names of at most 63 characters, separated by single dots. */
static bool good_path(const char *path, size_t n)
{
  int names = 1;
  for (size_t from = 0; from <= n; names++) {
    size_t length = strcspn(path + from, ".=");
    if (length == 0 || length > 63 || names > 4) return false;
    from += length + 1;
  }
  return true;
}

void wmc_tree_override(wmc_node *root, const char *text, size_t set, wmc_problems *problems)
{
  wmc_mark mark = {.set = set};
  const char *equals = strchr(text, '=');
  if (equals == NULL || !good_path(text, (size_t)(equals - text))) {
    wmc_problems_add(problems, mark,
                     "not of the form path=value; write for example --set parameters.beta=2");
    return;
  }
  wmc_node *value = wmc_tree_read(equals + 1, strlen(equals + 1), set, problems);
  if (value == NULL) return;
  if (!put(root, text, (size_t)(equals - text), value, set)) {
    wmc_node_destroy(value);
    problems->no_memory = true;
  }
}
