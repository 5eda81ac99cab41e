/** @file pairs_kernels.h  Kernels of pairs.h that are compiled once per instruction set. */
#pragma once
#include "simd_name.h"
#include "weylmc/numeric/pairs.h"

typedef int wmc_pairs_sum_kernel(const wmc_pairs *pairs, double *shift, double *slope);
typedef void wmc_pairs_power_kernel(int n, const double *x, double power, double *out);
typedef void wmc_pairs_turns_kernel(int n, const double *a, const double *b, double *cos_a,
                                    double *sin_a, double *cos_b, double *sin_b);
typedef void wmc_pairs_angles_kernel(int n, const double *gap, const double *ratio,
                                     const double *noise, const double *other, double *p,
                                     double *o);

WMC_SIMD_DECLARE(wmc_pairs_sum_kernel, wmc_pairs_sum_all);
WMC_SIMD_DECLARE(wmc_pairs_power_kernel, wmc_pairs_power_all);
WMC_SIMD_DECLARE(wmc_pairs_turns_kernel, wmc_pairs_turns_all);
WMC_SIMD_DECLARE(wmc_pairs_angles_kernel, wmc_pairs_angles_all);
