/** @file results.h  Results files: named arrays on named axes, in HDF5.
 *
 * A results file is a list of groups; a group holds axes (dimension scales with real coordinates)
 * and arrays on these axes. `run` writes /estimates and /chains, `fit` adds /fits. The same struct
 * is written and read, and reading back what was written loses nothing. Everything volatile is in
 * /provenance; the rest of two equal runs compares bit for bit (wmc_results_compare).
 * Layout for xarray (netcdf4 and h5netcdf engines), ncdump, h5py, Octave and R: docs/files.md.
 * Checked by tests/unit/results.c and tests/readers. What a wmc_results holds is owned by it and
 * freed by wmc_results_free; pointers into it are borrowed.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/base/text.h"

enum { WMC_ARRAY_AXES = 8, WMC_SCHEMA_MAJOR = 1, WMC_SCHEMA_MINOR = 0 };

typedef struct wmc_axis_data {
  char *name, *unit, *text;
  size_t length;
  double *coordinates;
  char **labels; /**< coordinates that are names (a swept choice); NULL for numbers */
} wmc_axis_data;

typedef struct wmc_array {
  char *name, *unit, *text;
  size_t axes;
  size_t axis[WMC_ARRAY_AXES]; /**< indices into the group's axes, slowest first */
  double *data;                /**< row-major; NULL if strings */
  char **strings;              /**< row-major; NULL if data */
} wmc_array;

typedef struct wmc_group {
  char *name;
  size_t axes, arrays;
  wmc_axis_data *axis;
  wmc_array *array;
} wmc_group;

/** A named text: deck, resolved deck, identity, or an entry of /provenance. */
typedef struct wmc_note {
  char *name, *text;
} wmc_note;

typedef struct wmc_results {
  size_t groups, notes, provenances;
  wmc_group *group;
  wmc_note
      *note; /**< under /deck: "verbatim", "resolved", "identity"; under "/": "title", "model" */
  wmc_note *provenance; /**< under /provenance; bytes that are not UTF-8 are written as "?" */
} wmc_results;

void wmc_results_free(wmc_results *results);
/** The group, array or note of this name, or NULL. */
wmc_group *wmc_results_group(const wmc_results *results, const char *name);
wmc_array *wmc_group_array(const wmc_group *group, const char *name);
/** The array called `name` followed by `suffix`, or NULL. */
wmc_array *wmc_group_sibling(const wmc_group *group, const char *name, const char *suffix);
/** Entries, the product of the lengths of its axes. */
size_t wmc_array_size(const wmc_group *group, const wmc_array *array);
const char *wmc_results_note(const wmc_results *results, const char *name);

/* Building. Each returns NULL when memory is exhausted. Names and texts are copied; new data are
 * NaN, new strings NULL, which stands for "" (after reading no string is NULL). Adding a group may
 * move the others, adding an array the arrays of its group; their data stay where they are. */
wmc_group *wmc_results_add_group(wmc_results *results, const char *name);
void wmc_results_remove_group(wmc_results *results, const char *name);
/** Index of the new axis, or -1. With `labels` the coordinates are 0, 1, ...; `labels` may be NULL,
 * `coordinates` too (again 0, 1, ...). Names of axes and arrays of a group must differ. */
long wmc_group_add_axis(wmc_group *group, const char *name, const char *unit, const char *text,
                        size_t length, const double *coordinates, const char *const *labels);
wmc_array *wmc_group_add_array(wmc_group *group, const char *name, const char *unit,
                               const char *text, size_t axes, const size_t *axis, bool strings);
wmc_status wmc_results_set_note(wmc_results *results, const char *name, const char *text);
wmc_status wmc_results_set_provenance(wmc_results *results, const char *name, const char *text);

/** Write atomically: temporary name in the same folder, flush, fsync, rename, fsync of the folder.
 * WMC_OUTPUT if it cannot be created, WMC_IO if writing fails; the old file is then untouched. */
wmc_status wmc_results_write(const char *path, const wmc_results *results);
/** WMC_DATA if it is missing, damaged, or not a results file of a schema this program reads;
 * *results is then empty. */
wmc_status wmc_results_read(const char *path, wmc_results *results);
/** Name and version of the HDF5 library, for provenance. */
const char *wmc_results_library(void);
/** Compare two HDF5 files object by object, bit by bit, except under /provenance; differences are
 * appended to `report`, one a line, at most 20. *equal is the verdict. */
wmc_status wmc_results_compare(const char *a, const char *b, bool *equal, wmc_text *report);
