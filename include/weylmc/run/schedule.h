/** @file schedule.h  Who runs which chain for how long in the next epoch.
 *
 * Time is cut into epochs of about a second. At the start of each, rank 0 hands records out; at the
 * end it has them back in the ledger, so that progress, checkpoints, the deadline and an even load
 * are all matters of rank 0 between two epochs. Chains that are behind go first, so all points of a
 * sweep become visible early and all chains end together. The schedule depends on measured times;
 * results do not depend on the schedule.
 * Checked by tests/unit/worker.c: every chain ends, no rank idles while work is left.
 */
#pragma once
#include "weylmc/run/worker.h"

typedef struct wmc_share {
  size_t task, chain;
  int rank;
  double steps; /**< at most so many steps in this epoch */
} wmc_share;

typedef struct wmc_schedule {
  wmc_share *share; /**< sorted by rank, then task, then chain */
  size_t shares;
  double remaining; /**< core seconds of work left, all chains */
  double total;     /**< core seconds of the whole run */
} wmc_schedule;

/** Shares of one epoch of `seconds` on `ranks` ranks. `schedule->share` must be zeroed or from an
 * earlier call; free with wmc_schedule_free. No shares means that all chains are complete. */
wmc_status wmc_schedule_epoch(const wmc_plan *plan, const wmc_ledger *ledger,
                              const double *seconds_per_step, int ranks, double seconds,
                              wmc_schedule *schedule);
void wmc_schedule_free(wmc_schedule *schedule);
