/** @file deck.h  Input decks: read, check, resolve, print.
 *
 * A deck is a YAML mapping. Its top level, its `run` group and its `parameters` are described by
 * tables of fields (wmc_deck_fields, wmc_run_fields, the model's fields), so an unknown key, a
 * wrong type or a number out of range is an error at FILE:LINE:COLUMN with what is allowed and the
 * nearest valid name; all errors of a deck are reported at once. Duplicate keys, anchors, aliases
 * and several documents are errors. Any scalar parameter may be {sweep: [...]}, giving one axis;
 * sweeps with the same {sweep: [...], zip: NAME} form one axis together. Tasks are the points of
 * the product of the axes, last axis fastest, in the order in which axes first appear in the deck.
 * Checked by tests/unit/deck*.c and tests/fuzz/deck.c.  Docs: docs/deck.md.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/field.h"
#include "weylmc/base/status.h"
#include "weylmc/models/model.h"

enum { WMC_DECK_AXES = 4, WMC_DECK_BYTES_MAX = 1 << 20 };

/** Keys of the top level, in order. */
enum {
  WMC_DECK_TITLE,
  WMC_DECK_MODEL,
  WMC_DECK_SEED,
  WMC_DECK_CHAINS,
  WMC_DECK_OUTPUT,
  WMC_DECK_KEYS
};
extern const wmc_field wmc_deck_fields[];
/** Keys of `run`, in order. */
enum { WMC_RUN_THERMALISE, WMC_RUN_DRAWS, WMC_RUN_STRIDE, WMC_RUN_CHECKPOINT, WMC_RUN_KEYS };
extern const wmc_field wmc_run_fields[];

/** One sweep axis: `zip` fields vary together over `length` points. */
typedef struct wmc_sweep {
  char *name; /**< field name ("depth"), or the zip's name */
  size_t length;
  size_t fields;     /**< number of swept fields */
  int *field;        /**< their indices in model->fields */
  wmc_value *values; /**< fields x length */
} wmc_sweep;

typedef struct wmc_deck {
  char *path;      /**< as given; "<stdin>" never */
  char *directory; /**< where relative data files are looked up */
  char *text;      /**< verbatim */
  const wmc_model *model;
  wmc_value general[WMC_DECK_KEYS];
  wmc_value run[WMC_RUN_KEYS];
  wmc_value *parameters; /**< one per field of the model; of a swept field the first value */
  size_t axes;
  wmc_sweep axis[WMC_DECK_AXES];
  size_t tasks;
  struct wmc_deck_marks *marks; /**< where every key stands */
} wmc_deck;

/** Read and check a deck. `set` holds n_set overrides "path=value", e.g. "parameters.beta=2",
 * "run.draws=100", applied as if they stood in the deck. WMC_DATA with one message line per error;
 * WMC_USAGE for a malformed override. On failure *deck is NULL. */
wmc_status wmc_deck_read(const char *path, size_t n_set, const char *const *set, wmc_deck **deck);
/** The same from memory; `name` is used in messages. */
wmc_status wmc_deck_parse(const char *name, const char *bytes, size_t n, size_t n_set,
                          const char *const *set, wmc_deck **deck);
/** A deck printed by wmc_deck_print_resolved, perhaps by an earlier version: what stands in it need
 * not have an effect. */
wmc_status wmc_deck_parse_resolved(const char *name, const char *bytes, size_t n, wmc_deck **deck);
/** The same as wmc_deck_parse with another table of models, ended by NULL. */
wmc_status wmc_deck_parse_with(const wmc_model *const *models, const char *name, const char *bytes,
                               size_t n, size_t n_set, const char *const *set, wmc_deck **deck);
void wmc_deck_destroy(wmc_deck *deck);

/** Values of the task's parameters, deep copies into `out` (one per field; caller frees each). */
wmc_status wmc_deck_task(const wmc_deck *deck, size_t task, wmc_value *out);
/** Index along each axis of a task. */
void wmc_deck_task_index(const wmc_deck *deck, size_t task, size_t index[WMC_DECK_AXES]);
/** "FILE:LINE:COLUMN: parameters.energy.diag" for messages; the model's parameter `field`. */
void wmc_deck_where(const wmc_deck *deck, int field, wmc_text *out);
/** The deck with every default written out and marked; reads back as the same deck. */
void wmc_deck_print_resolved(const wmc_deck *deck, wmc_text *out);
/** Lines "key = value" of everything a result depends on, without the free fields (draws, output,
 * checkpoint, title); equal exactly when a run may be resumed. Swept values are listed. */
void wmc_deck_print_identity(const wmc_deck *deck, wmc_text *out);
