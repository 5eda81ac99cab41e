/** @file chain_kernels.h  Kernels of chain.h that are compiled once per instruction set. */
#pragma once
#include "simd_name.h"
#include "weylmc/numeric/chain.h"

typedef void wmc_chain_eliminate_kernel(int r, const wmc_chain_row *row, const double *ratio_before,
                                        const double *x_before, double *ratio, double *x);
typedef void wmc_chain_substitute_kernel(size_t n, const double *ratio, const double *x_after,
                                         double *x);
typedef double wmc_chain_subtract_kernel(size_t n, const double *a, const double *b, double *out);
typedef double wmc_chain_norm2_kernel(size_t n, const double *x);
typedef bool wmc_chain_balance_kernel(const wmc_chain *chain, const double *v, double *lambda,
                                      double *rotations, double *frames, long *products,
                                      double *scratch);
typedef void wmc_chain_tangent_kernel(int r, int n, size_t core, const wmc_chain_noise *noise,
                                      double *t, double *scratch);

WMC_SIMD_DECLARE(wmc_chain_eliminate_kernel, wmc_chain_eliminate_row);
WMC_SIMD_DECLARE(wmc_chain_substitute_kernel, wmc_chain_substitute_row);
WMC_SIMD_DECLARE(wmc_chain_subtract_kernel, wmc_chain_subtract_all);
WMC_SIMD_DECLARE(wmc_chain_norm2_kernel, wmc_chain_norm2_all);
WMC_SIMD_DECLARE(wmc_chain_balance_kernel, wmc_chain_balance_all);
WMC_SIMD_DECLARE(wmc_chain_tangent_kernel, wmc_chain_tangent_all);
