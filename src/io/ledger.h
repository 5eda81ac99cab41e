/** @file ledger.h  The ledger as the contents of an HDF5 file. Private to src/io. */
#pragma once
#include <hdf5.h>
#include <stdbool.h>

#include "weylmc/io/checkpoint.h"

/** Fill an empty file. On failure the cause is noted (h5.h). */
bool wmc_ledger_put(hid_t file, const wmc_ledger *ledger);
/** Read it back. On failure the cause is noted and the ledger is empty. */
bool wmc_ledger_get(hid_t file, wmc_ledger *ledger);
