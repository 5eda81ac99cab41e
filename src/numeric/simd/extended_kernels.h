/** @file extended_kernels.h  Kernels of extended.h that are compiled once per instruction set. */
#pragma once
#include "simd_name.h"
#include "weylmc/numeric/extended.h"

/** See wmc_extended_product. */
typedef double wmc_extended_product_kernel(int m, int n, int k, const wmc_extended *a,
                                           const wmc_extended *b, const wmc_extended *c);
/** See wmc_extended_qr. */
typedef void wmc_extended_qr_kernel(int parts, int m, int n, const wmc_extended *a,
                                    const wmc_extended *r, double *scratch);

WMC_SIMD_DECLARE(wmc_extended_product_kernel, wmc_extended_product_tiled);
WMC_SIMD_DECLARE(wmc_extended_qr_kernel, wmc_extended_qr_rows);
