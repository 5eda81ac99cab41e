/** @file checkpoint.h  Checkpoints: the ledger of all chains, in HDF5.
 *
 * The ledger is everything a run needs to go on: for each task and chain its progress, its packed
 * state, stream and accumulator. It does not know about ranks.
 * A run with output NAME.h5 keeps NAME.checkpoint.h5 and, one generation older,
 * NAME.checkpoint.old.h5. A file is composed in memory (as much again as the ledger takes), written
 * to NAME.checkpoint.h5.partial and fsynced; then the current file, if it is whole, is renamed to
 * the old one, the partial one to the current one, and the folder fsynced. A file ends with a mark
 * that holds a checksum over all its bytes. Reading takes the newest file that is whole, and says
 * so when that is not the current one. Layout: docs/files.md. Checked by tests/unit/checkpoint.c
 * (every bit comes back; flipped, cut, missing, both bad; full disk; killed while writing) and
 * tests/restart.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weylmc/base/status.h"
#include "weylmc/base/text.h"

/** Columns of ledger progress. */
enum { WMC_PROGRESS_THERMALISED, WMC_PROGRESS_DRAWS, WMC_PROGRESS_FAILED, WMC_PROGRESS_COLUMNS };

typedef struct wmc_ledger_task {
  size_t chains, state_size, accumulator_size, stream_size; /**< doubles, doubles, bytes a chain */
  int64_t *progress;                                        /**< chains x WMC_PROGRESS_COLUMNS */
  double *state;                                            /**< chains x state_size */
  double *accumulators;                                     /**< chains x accumulator_size */
  unsigned char *streams;                                   /**< chains x stream_size */
} wmc_ledger_task;

typedef struct wmc_ledger {
  size_t tasks;
  wmc_ledger_task *task;
  char *identity;      /**< wmc_deck_print_identity */
  int64_t generation;  /**< counts checkpoints of this run */
  double core_seconds; /**< spent so far by all ranks */
  char *history;       /**< lines about each start: date, host, job id, ranks */
} wmc_ledger;

/** Allocate the arrays of a task whose four sizes are set. */
wmc_status wmc_ledger_task_create(wmc_ledger_task *task);
void wmc_ledger_free(wmc_ledger *ledger);
/** Bytes of the ledger, in memory and (nearly) on disk. */
double wmc_ledger_bytes(const wmc_ledger *ledger);

/** Names of the two generations for an output file (owned, wmc_free). */
char *wmc_checkpoint_path(const char *output, bool old);
/** WMC_OUTPUT if the file cannot be created, WMC_IO if writing fails; both generations are then
 * untouched. */
wmc_status wmc_checkpoint_write(const char *output, const wmc_ledger *ledger);
/** *found is false, and the ledger empty, if there is no checkpoint at all. WMC_IO if there are
 * files but none is whole. `notice` (may be NULL) receives a line when not the current file was
 * taken. */
wmc_status wmc_checkpoint_read(const char *output, wmc_ledger *ledger, bool *found,
                               wmc_text *notice);
