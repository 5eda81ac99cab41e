/** @file run.h  The run loop: resume or begin, epochs, checkpoints, results.
 *
 * The same call begins a run and continues it: if there is a checkpoint of the same physics beside
 * the output file it goes on from there. A checkpoint of other physics, or an output file of
 * another run, is an error that names what differs; nothing is overwritten. Raising `draws`
 * continues. Checked by tests/restart (kills at random times, other numbers of ranks) and
 * tests/faults.
 */
#pragma once
#include <mpi.h>

#include "weylmc/run/plan.h"

typedef struct wmc_run_options {
  double
      walltime; /**< stop cleanly before so many seconds since the start of the program; 0: never */
  double begin; /**< wmc_clock() at the start of the program */
} wmc_run_options;

/** Collective; the same status everywhere. WMC_OK: complete and written. WMC_AGAIN: stopped by a
 * signal or the time limit, checkpoint and provisional results written. WMC_FAILURE: some chains
 * failed; the others are complete and written. */
wmc_status wmc_run(MPI_Comm comm, const wmc_plan *plan, const wmc_run_options *options);
