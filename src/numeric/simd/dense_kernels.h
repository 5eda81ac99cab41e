/** @file dense_kernels.h  Kernels of dense.h that are compiled once per instruction set. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "simd_name.h"

/** C (m x n) = A (m x k) B (k x n), column-major without padding; any alignment. */
typedef void wmc_product_kernel(int m, int n, int k, const double *a, const double *b, double *c);
/** The same for a size that the kernel knows. */
typedef void wmc_product_fixed(const double *a, const double *b, double *c);
/** See wmc_qr and wmc_complex_qr (with q), wmc_qr_triangle (without), and wmc_svd_jacobi. */
typedef void wmc_qr_kernel(int m, int n, double *a, double *r, bool q, double *scratch);
/** See wmc_multiply_triangles. */
typedef void wmc_triangles_kernel(int parts, int d, const double *u, double *t);
typedef int wmc_svd_kernel(int m, int n, double *y, double *v, double *s, double *scratch);
/** See wmc_rotate_columns. */
typedef void wmc_rotate_kernel(int m, int n, const double *c, const double *s, double *x,
                               double *y);
/** See wmc_rotate_pairs. */
typedef void wmc_rotate_pairs_kernel(int m, int n, const double *c, const double *s, double *a);
/** See wmc_rotate_pairs_of_both. */
typedef void wmc_rotate_both_kernel(int m, int n, const double *c_a, const double *s_a, double *a,
                                    const double *c_b, const double *s_b, double *b);
/** See wmc_transpose and wmc_complex_form_nearest. */
typedef void wmc_transpose_kernel(int m, int n, const double *a, double *out);
typedef double wmc_form_kernel(int rows, int columns, int count, size_t distance,
                               const double *signs, double *x);

WMC_SIMD_DECLARE(wmc_transpose_kernel, wmc_transpose_all);
WMC_SIMD_DECLARE(wmc_form_kernel, wmc_form_nearest);
WMC_SIMD_DECLARE(wmc_product_kernel, wmc_product_tiled);
WMC_SIMD_DECLARE(wmc_product_fixed, wmc_product_2);
WMC_SIMD_DECLARE(wmc_product_fixed, wmc_product_3);
WMC_SIMD_DECLARE(wmc_qr_kernel, wmc_qr_householder);
WMC_SIMD_DECLARE(wmc_qr_kernel, wmc_qr_unitary);
WMC_SIMD_DECLARE(wmc_triangles_kernel, wmc_triangles);
WMC_SIMD_DECLARE(wmc_svd_kernel, wmc_svd_sweeps);
WMC_SIMD_DECLARE(wmc_rotate_kernel, wmc_rotate_all);
WMC_SIMD_DECLARE(wmc_rotate_pairs_kernel, wmc_rotate_triangle);
WMC_SIMD_DECLARE(wmc_rotate_both_kernel, wmc_rotate_triangles);
