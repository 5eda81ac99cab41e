/** @file tree.h  A deck as a tree of nodes with marks, and the list of what is wrong with it.
 *
 * Inside src/deck only. The tree is what YAML says; what it means is the matter of check.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/base/text.h"

/** Where something stands: line and column (from 1) of the deck, or override number `set` (from 1)
 * of the command line. */
typedef struct wmc_mark {
  size_t set, line, column;
} wmc_mark;

/** What marks refer to. */
typedef struct wmc_source {
  const char *name; /**< of the deck */
  size_t n_set;
  const char *const *set;
} wmc_source;
/** Append "FILE:LINE:COLUMN" or "--set path=value". */
void wmc_mark_print(const wmc_source *source, wmc_mark mark, wmc_text *out);

typedef struct wmc_problem {
  wmc_mark mark;
  size_t order; /**< of discovery: the second key of the sort */
  char *text;
} wmc_problem;

enum { WMC_PROBLEMS_MAX = 40 };

/** Everything found wrong so far. */
typedef struct wmc_problems {
  wmc_problem item[WMC_PROBLEMS_MAX];
  size_t count, dropped;
  bool no_memory;
} wmc_problems;
void wmc_problems_add(wmc_problems *problems, wmc_mark mark, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/** Further problems would only be counted: expensive advice may be left out. */
bool wmc_problems_full(const wmc_problems *problems);
/** Raise one line per problem in the order of position; `code`, or WMC_OK if there is none. */
wmc_status wmc_problems_raise(wmc_problems *problems, wmc_status code, const wmc_source *source);
void wmc_problems_free(wmc_problems *problems);

typedef enum wmc_node_kind { WMC_NODE_SCALAR, WMC_NODE_LIST, WMC_NODE_MAPPING } wmc_node_kind;

typedef struct wmc_node {
  wmc_node_kind kind;
  wmc_mark mark;
  char *key; /**< of a member of a mapping */
  wmc_mark key_mark;
  char *text; /**< of a scalar */
  bool plain; /**< a scalar without quotes */
  struct wmc_node *first, *last, *next;
  size_t count;
} wmc_node;

/** Tree of a YAML document that is a mapping (or, for an override, anything); NULL after adding at
 * least one problem. Duplicate keys, anchors, aliases, tags, several documents, control characters
 * and deep nesting are problems. */
wmc_node *wmc_tree_read(const char *bytes, size_t n, size_t set, wmc_problems *problems);
/** Apply "path=value" as if it stood in the tree. Problems are the command line's fault. */
void wmc_tree_override(wmc_node *root, const char *text, size_t set, wmc_problems *problems);
/** Member of a mapping, or NULL. */
wmc_node *wmc_node_member(const wmc_node *mapping, const char *key);
/** "a list", "a mapping", "'text'", ... for messages. */
void wmc_node_describe(const wmc_node *node, wmc_text *out);
/** A scalar left empty: `key:` and nothing after the colon. */
bool wmc_node_empty(const wmc_node *node);
void wmc_node_destroy(wmc_node *node);
