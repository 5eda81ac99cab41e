/** @file extended.h  Dense kernels for numbers of twice the precision of a double.
 *
 * A number is high + low, the sum of two doubles that do not overlap: 106 bits, the range of a
 * double. Matrices are column-major with leading dimension equal to the number of rows; complex
 * ones are arrays of pairs of real and imaginary part. Relative errors below are in units of
 * 2^-100.
 *
 * Products: with sigma = 1.5 2^q above all partial sums, s = fma(a, b, c), z = s - c is exact as
 * long as c >= sigma/2 is the running sum, and fma(a, b, -z) is what s lost: five operations a
 * term. (Rump, Ogita and Oishi, Accurate floating-point summation, SIAM J. Sci. Comput. 31, 189
 * (2008); Ogita, Rump and Oishi, Accurate sum and dot product, SIAM J. Sci. Comput. 26, 1955
 * (2005).) QR: modified Gram-Schmidt.
 * Checked by tests/check/extended.c against long mantissas; timed by tests/bench/jacobian.c.
 * Reentrant, allocates nothing. Bit-identical for the levels of simd.h that have fused
 * multiplication and addition (v3, v4).
 */
#pragma once
#include <stddef.h>

typedef struct wmc_extended {
  double *high, *low;
} wmc_extended;

/** C (m x n) = A (m x k) B (k x n); a.low may be NULL: A is of doubles. No argument may alias.
 * Entries of C have an error of a few k max|A| max|B|, whatever their own size.
 * @return k max|A| max|B|, which bounds all entries of C */
double wmc_extended_product(int m, int n, int k, const wmc_extended *a, const wmc_extended *b,
                            const wmc_extended *c);

/** In doubles. */
size_t wmc_extended_qr_scratch(int parts, int m, int n);
/** A (m x n numbers of `parts` reals, m >= n) = Q R with R_ii >= 0: Q overwrites A, R (n x n
 * numbers) is upper triangular with zeros below. The error of Q R is that of the columns of A; Q is
 * orthogonal up to the condition number of A with columns of norm 1. Where a column vanishes
 * exactly, so do R_jj, row j of R and column j of Q. Norms of columns must lie within 2^-500 and
 * 2^500. */
void wmc_extended_qr(int parts, int m, int n, const wmc_extended *a, const wmc_extended *r,
                     double *scratch);
