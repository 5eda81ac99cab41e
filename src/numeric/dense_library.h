/** @file dense_library.h  The library behind wmc_product, for wmc_blas_description. */
#pragma once

/** "libxsmm 1.17 for clx", or "no libxsmm". */
const char *wmc_product_library(void);
