/** @file provenance.h  Where results come from: everything volatile, kept apart from the physics.
 * Checked by tests/mpi and tests/restart: files are equal but for it.
 */
#pragma once
#include "weylmc/io/results.h"
#include "weylmc/run/plan.h"

/** One line about this start: date, host, ranks, batch job. Owned, NULL when memory is exhausted.
 */
char *wmc_provenance_start_line(int ranks);
/** Fill /provenance. */
wmc_status wmc_provenance_fill(const wmc_plan *plan, const wmc_ledger *ledger, int ranks,
                               wmc_results *results);
/** Program, compiler, libraries, kernels in use: for `weylmc --version`. */
void wmc_provenance_versions(wmc_text *out);
