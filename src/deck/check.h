/** @file check.h  What the parts of src/deck share: sections of a deck and where their keys stand.
 *
 * A section is a table of fields with their values: the top level, `run`, `parameters`.
 */
#pragma once
#include "tree.h"
#include "weylmc/deck/deck.h"

/** Where one field stands in the deck. */
typedef struct wmc_place {
  wmc_mark mark; /**< of the key; of its group if the field itself is absent */
  bool located;  /**< the mark is set */
  bool bad;      /**< a value was given, but is wrong */
  bool swept;    /**< values are in an axis */
  bool idle;     /**< has no effect in any task: what it needs is not there */
  size_t order;  /**< of appearance in the deck, from 1; 0 if it does not appear */
} wmc_place;

typedef struct wmc_section {
  const char *name; /**< "", "run", "parameters" */
  const wmc_field *fields;
  size_t count;
  wmc_value *values;
  wmc_place *places;
  wmc_mark mark;
} wmc_section;

enum { WMC_SECTION_TOP, WMC_SECTION_RUN, WMC_SECTION_PARAMETERS, WMC_SECTIONS };

struct wmc_deck_marks {
  wmc_section section[WMC_SECTIONS];
  wmc_place top[WMC_DECK_KEYS], run[WMC_RUN_KEYS], *parameters;
  size_t n_set;
  char **set;      /**< copies of the overrides */
  size_t appeared; /**< fields seen so far */
};

typedef struct wmc_checker {
  wmc_deck *deck;
  wmc_problems *problems;
  bool resolved; /**< everything was written out, whether it has an effect or not */
} wmc_checker;

wmc_source wmc_deck_source(const wmc_deck *deck);
/** Add a problem "SECTION.NAME: message". */
void wmc_field_problem(wmc_checker *checker, const wmc_section *section, const char *name,
                       wmc_mark mark, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/** Read a node that is not a sweep into `value`; false after adding problems. */
bool wmc_field_take(wmc_checker *checker, const wmc_section *section, size_t k,
                    const wmc_node *node, wmc_value *value);
/** Read {sweep: [...], zip: name} into an axis of the deck. */
bool wmc_sweep_take(wmc_checker *checker, wmc_section *section, size_t k, const wmc_node *node);
bool wmc_sweep_is(const wmc_node *node);
/** Count the tasks of a deck without problems; too many, or two equal ones, are a problem. */
void wmc_sweep_check(wmc_checker *checker);
/** Append "width = 2, depth = 3": point j of an axis. */
void wmc_sweep_point_print(const wmc_field *fields, const wmc_sweep *axis, size_t j, wmc_text *out);
/** Values of field k on its axis, and how many; NULL if it is not swept. */
const wmc_value *wmc_sweep_values(const wmc_deck *deck, size_t k, size_t *length);
/** Check a section; the members of `mapping` (may be NULL) named like a section are left alone. */
void wmc_check_section(wmc_checker *checker, wmc_section *section, const wmc_node *mapping);
/** Given keys that have no effect in any task are problems, defaults that have none are marked. */
void wmc_check_needs(wmc_checker *checker);
/** What involves several keys: the model's own checks at every task. */
void wmc_check_model(wmc_checker *checker);
/** "energy" of "energy.diag": length of the group's name, 0 without group. */
size_t wmc_group_length(const char *name);
