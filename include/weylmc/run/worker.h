/** @file worker.h  Running one chain for a while, from its record and back to it.
 *
 * A record is one chain's part of the ledger. A chain takes its steps from its own stream only, so
 * where, when and in how many pieces it runs leaves no trace in the record.
 * Checked by tests/unit/worker.c: any cutting into pieces gives the same bytes, and so does a draw
 * that was abandoned.
 */
#pragma once
#include "weylmc/run/plan.h"

/** One chain's part of a ledger; points into it. */
typedef struct wmc_record {
  int64_t *progress;
  double *state, *accumulator;
  unsigned char *stream;
} wmc_record;

wmc_record wmc_ledger_record(const wmc_ledger *ledger, size_t task, size_t chain);
/** Bytes of a record of this task, and copies to and from contiguous bytes. */
size_t wmc_record_bytes(const wmc_plan *plan, size_t task);
void wmc_record_pack(const wmc_plan *plan, size_t task, const wmc_record *record,
                     unsigned char *out);
void wmc_record_unpack(const wmc_plan *plan, size_t task, wmc_record *record,
                       const unsigned char *in);
/** Steps taken so far, thermalisation included. */
double wmc_record_steps(const wmc_plan *plan, const wmc_record *record);
bool wmc_record_complete(const wmc_plan *plan, const wmc_record *record);

/** What it takes to run chains: one of each, made anew when the task changes. */
typedef struct wmc_worker wmc_worker;

wmc_status wmc_worker_create(const wmc_plan *plan, wmc_worker **worker);
void wmc_worker_destroy(wmc_worker *worker);

/** Take at most `steps` more steps (rounded up to whole draws), but stop soon after wmc_clock()
 * passes `deadline` or a signal arrives. A draw that is not done soon after a signal is abandoned,
 * and the record is what it was before this call: a state, a stream and draws that belong together.
 * Fails with WMC_FAILURE (message) when the model does; the record is then marked as failed and
 * holds all draws before that, with the state and the stream that it came with. Any other failure
 * (memory, a record that cannot be unpacked) leaves the record as it was. */
wmc_status wmc_worker_run(wmc_worker *worker, size_t task, size_t chain, wmc_record *record,
                          double steps, double deadline);
