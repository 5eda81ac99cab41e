/** @file reduction.h  Inside reduce: where numbers go in the groups of a results file, and what is
 * derived from averages. The test is that of reduce.h.
 */
#pragma once
#include "weylmc/run/reduce.h"
#include "weylmc/statistics/accumulator.h"
#include "weylmc/statistics/estimate.h"

/** Indices of a group's axes: those of the sweep are 0, 1, ..., then perhaps `chain`, then the
 * model's. `longest` is the task in which a model axis has its full length. */
typedef struct wmc_layout {
  const wmc_plan *plan;
  size_t sweeps;
  long chain;                 /**< index in the group, -1 if none */
  long model[WMC_MODEL_AXES]; /**< -1 if empty everywhere */
  size_t longest[WMC_MODEL_AXES];
} wmc_layout;

/** Add the axes to an empty group, with `chains` that of chains, and the numbers of tied sweeps. */
wmc_status wmc_layout_add_axes(wmc_group *group, const wmc_plan *plan, bool chains,
                               wmc_layout *layout);
/** The numbers of a new array (arrays themselves may move when another is added), or NULL with
 * WMC_OK if one of the observable's axes is empty everywhere. */
wmc_status wmc_layout_add_array(wmc_group *group, const wmc_layout *layout,
                                const wmc_observable *observable, const char *suffix,
                                const char *unit, const char *text, double **out);

/** Lengths of an observable's axes: in one task, and padded to the longest of all tasks. */
typedef struct wmc_extents {
  size_t own[WMC_OBSERVABLE_AXES], padded[WMC_OBSERVABLE_AXES];
  size_t entries, block; /**< their products */
} wmc_extents;
wmc_extents wmc_layout_extents(const wmc_layout *layout, const wmc_observable *observable,
                               size_t task);
/** Position in the padded block of entry `e` of the task's own row-major entries. */
size_t wmc_extents_position(const wmc_extents *extents, size_t e);

/** The chains of one task. */
typedef struct wmc_task_chains {
  wmc_accumulator **accumulator; /**< NULL where the chain has no draws */
  size_t chains;
} wmc_task_chains;

/** A derived quantity has the same axes, name and texts as an observable. */
wmc_observable wmc_derived_observable(const wmc_derived *derived);
size_t wmc_derived_count(const wmc_model *model);
/** Entries of all derived quantities of a task. */
size_t wmc_derived_entries(const wmc_plan *plan, size_t task);

/** Entries of a task's measurement whose bias is estimated: the first ones. */
size_t wmc_biases_count(const wmc_plan *plan, size_t task);
/** `bias` of all entries of a task's measurement, 0 where none is known, and errors with it. */
void wmc_biases_allow(const wmc_plan *plan, size_t task, wmc_estimate *all, double *bias);

/** Estimates of all derived quantities of a task, with errors by noise, by what their methods may
 * be off by, and by the biases of means. */
wmc_status wmc_derived_estimate(const wmc_plan *plan, size_t task, const wmc_task_chains *chains,
                                const double *bias, size_t entries, wmc_estimate *out);
