/** @file session.h  What a run finds on disk before it begins, and leaves there. Rank 0 only.
 * Checked by tests/faults and tests/restart.
 */
#pragma once
#include "weylmc/run/lock.h"
#include "weylmc/run/reduce.h"

typedef struct wmc_session {
  const wmc_plan *plan;
  wmc_ledger ledger;      /**< from the checkpoint, or fresh */
  wmc_expectations exact; /**< computed when results are first written */
  bool resumed;
  wmc_lock lock;
} wmc_session;

/** Take the lock, read the checkpoint or make a fresh ledger, check that output and checkpoint
 * belong to this plan. Notices are printed on standard error. On failure nothing needs to be
 * closed. */
wmc_status wmc_session_open(const wmc_plan *plan, wmc_session *session);
void wmc_session_close(wmc_session *session);
/** Write the checkpoint; its generation grows by one. */
wmc_status wmc_session_checkpoint(wmc_session *session);
/** Reduce and write the results file. `ranks` is for the provenance. */
wmc_status wmc_session_results(wmc_session *session, int ranks);
/** Whether every chain has all its draws (or failed). */
bool wmc_session_complete(const wmc_session *session);
/** Whether the results file on disk already holds these draws. */
bool wmc_session_results_current(const wmc_session *session);
