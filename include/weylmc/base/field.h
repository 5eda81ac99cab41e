/** @file field.h  Fields: the description of one parameter, and its value.
 *
 * A model, and the deck itself, describes its parameters in a constant table of fields. The same
 * table drives deck checking, `weylmc explain`, the checkpoint, the attributes of the results file
 * and the manual. The value of field k of a table stands at index k of an array of wmc_value.
 *
 * Names have at most two parts, "beta" or "energy.diag". For a group such as `energy` or `noise`,
 * the field "<group>.kind" is a choice, and a deck may write the choice alone (`noise: isotropic`).
 * Checked by tests/unit/field.c and tests/unit/deck*.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/text.h"

typedef enum wmc_type {
  WMC_INT,    /**< value.integer; decks write 20000, 20_000 or 2e4, not 2.0; inf gives LONG_MAX */
  WMC_REAL,   /**< value.real */
  WMC_CHOICE, /**< value.integer is an index into field.choices */
  WMC_STRING, /**< value.string */
  WMC_TIME,   /**< seconds in value.real; decks write 90, "10 min", "1 h 30 min", "01:30:00" */
  WMC_REALS,  /**< value.reals, count >= 1 */
  WMC_MATRIX, /**< dataset of an HDF5 file, "FILE:/DATASET"; value.reals is rows x columns,
                   row-major, filled in when the plan is made; value.string the text */
  WMC_TYPES
} wmc_type;

typedef struct wmc_field {
  const char *name; /**< NULL ends a table */
  wmc_type type;
  const char *const *choices; /**< NULL-ended names, for WMC_CHOICE */
  /** Allowed range of numbers (each entry of WMC_REALS), or of the length of a WMC_STRING.
   * inf itself is allowed exactly when maximum is INFINITY (so `depth` may be a WMC_INT that takes
   * inf); where there is no limit but inf makes no sense write DBL_MAX. Both 0: any finite value.
   */
  double minimum, maximum;
  bool open_minimum;    /**< the minimum itself is not allowed */
  const char *standard; /**< default as a deck would write it; NULL: see `required` */
  bool required;        /**< must be given (where `only` allows it); otherwise absent is fine */
  bool sweep;           /**< may be {sweep: [...]} */
  bool free;            /**< may change when a run is resumed; not part of its identity */
  const char *only;     /**< "energy.kind=target|regression": the field is allowed only then;
                             giving it implies that kind if the kind itself is absent and
                             there is one alternative */
  /** What a given value needs to have an effect, else it is an error of the deck: parts joined by
   * ", " that must all be met, each of alternatives joined by " or ": "lags" (present),
   * "depth=inf", "norm=rms|layer", "bins!=0". A choice left at its default needs nothing. */
  const char *needs;
  const char *unit; /**< "1" for dimensionless, "" where meaningless */
  const char *text; /**< one line, no final dot */
} wmc_field;

typedef struct wmc_value {
  bool given;   /**< stood in the deck or on the command line */
  bool present; /**< has a value, given or default */
  long integer;
  double real;   /**< also set for WMC_INT */
  char *string;  /**< owned */
  double *reals; /**< owned */
  size_t count, rows, columns;
} wmc_value;

/** Number of fields before the end of the table. */
size_t wmc_field_count(const wmc_field *fields);
/** Index of the field of this name, or -1. */
int wmc_field_find(const wmc_field *fields, const char *name);
/** Read a scalar written as `text` into `value` and mark it present. For WMC_REALS the text is one
 * entry, which is appended, or all of them as "[1, 2]", which replace what was there. On failure
 * append to `why` a phrase "expected ..., found ..." and return false. The range and the choices
 * (nearest name) are checked. */
bool wmc_field_read(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why);
/** Append the value as a deck would write it. */
void wmc_field_print(const wmc_field *field, const wmc_value *value, wmc_text *out);
/** Append type and range for humans: "integer >= 1", "real in (0, 1]", "one of a, b". */
void wmc_field_print_range(const wmc_field *field, wmc_text *out);
/** Index of the field that the `only` of field k names, -1 if there is no condition. */
int wmc_field_condition(const wmc_field *fields, size_t k);
/** Whether field k is allowed by its `only` given the other values of the table. */
bool wmc_field_allowed(const wmc_field *fields, size_t k, const wmc_value *values);
/** The first part of the `needs` of field k that the values do not meet, its length in *n; NULL if
 * they meet all. */
const char *wmc_field_unmet(const wmc_field *fields, size_t k, const wmc_value *values, size_t *n);
/** Walk through the alternatives of such a part of n characters: each call moves *at (0 at first)
 * on and gives the index of the field that is meant, -1 at the end. */
int wmc_field_need(const wmc_field *fields, const char *part, size_t n, size_t *at);

/** What the value owns; the value itself is then zero. */
void wmc_value_free(wmc_value *value);
/** Deep copy; false when memory is exhausted. */
bool wmc_value_copy(wmc_value *to, const wmc_value *from);
