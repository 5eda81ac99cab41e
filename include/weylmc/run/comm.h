/** @file comm.h  What ranks say to each other, beside the records of chains. All collective.
 * Checked by tests/mpi and tests/faults, which run the program on several ranks.
 */
#pragma once
#include <mpi.h>
#include <stddef.h>

#include "weylmc/base/status.h"

/** The worst status over the ranks, the same answer everywhere. If rank 0 has no message of its
 * own, it receives that of the lowest rank with the worst status; the others' messages are dropped.
 */
wmc_status wmc_agree(MPI_Comm comm, wmc_status mine);
/** Send n bytes, known only to rank 0, to all: on the others *bytes is allocated (wmc_free) and *n
 * set. The bytes are followed by a NUL that is not counted. */
wmc_status wmc_broadcast(MPI_Comm comm, void **bytes, size_t *n);
int wmc_rank(MPI_Comm comm);
int wmc_ranks(MPI_Comm comm);
