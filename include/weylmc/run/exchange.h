/** @file exchange.h  One epoch: records go from rank 0 to the ranks, are run, and come back.
 *
 * Rank 0 holds the ledger and calls wmc_exchange_epoch; all others sit in wmc_exchange_serve until
 * rank 0 calls wmc_exchange_stop. A chain that fails is marked in its record and does not stop the
 * others; its message reaches rank 0. A rank without memory for the records ends the program: there
 * is nothing to go back to but the checkpoint. Checked by tests/mpi/ranks.py: the same bits on any
 * number of ranks.
 */
#pragma once
#include <mpi.h>

#include "weylmc/run/schedule.h"

/** What an epoch told rank 0 beside the records. */
typedef struct wmc_epoch_report {
  double *seconds, *steps; /**< per task, allocated by the caller, overwritten */
  int signal;              /**< signal that some rank has caught, or 0 */
  size_t failed;           /**< chains that failed in this epoch */
  char message[512];       /**< message of the rank that status is about, or of the first of them */
  wmc_status status;       /**< not OK: a rank could not go on at all */
} wmc_epoch_report;

/** Rank 0: run the shares of the schedule for about `seconds`, at most `limit` (signals.h) even in
 * the middle of draws; the ledger is brought up to date. */
void wmc_exchange_epoch(MPI_Comm comm, const wmc_plan *plan, wmc_worker *worker, wmc_ledger *ledger,
                        const wmc_schedule *schedule, double seconds, double limit,
                        wmc_epoch_report *report);
/** Rank 0: let the other ranks leave wmc_exchange_serve. */
void wmc_exchange_stop(MPI_Comm comm);
/** Other ranks: serve epochs until told to stop. */
void wmc_exchange_serve(MPI_Comm comm, const wmc_plan *plan, wmc_worker *worker);
