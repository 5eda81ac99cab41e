/** @file dataset.h  Reading a matrix from an HDF5 file. Checked by tests/unit/dataset.c. */
#pragma once
#include <stddef.h>

#include "weylmc/base/status.h"

/** Read a one- or two-dimensional dataset of numbers as doubles, row-major (a vector has one
 * column). `where` is "FILE:/DATASET", FILE relative to `directory` unless absolute. WMC_DATA with
 * a message that lists the file's datasets when the name is wrong; NaN or infinity are refused with
 * their position. *data is owned by the caller (wmc_free). */
wmc_status wmc_dataset_read(const char *directory, const char *where, size_t *rows, size_t *columns,
                            double **data);
