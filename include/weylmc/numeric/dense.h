/** @file dense.h  Small dense kernels: product, QR, one-sided Jacobi SVD, least squares.
 *
 * All matrices are column-major with leading dimension equal to the number of rows. Kernels
 * allocate nothing; scratch sizes are stated in doubles. Arguments may not alias unless said.
 * Checked by tests/check/dense.c: against definitions, on random matrices biased to hard cases.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"

/** Planned product C (m x n) = A (m x k) B (k x n); dispatches to code for this CPU at run time.
 * Create it once, apply it often, also from threads. */
typedef struct wmc_product wmc_product;
/** Who multiplies; BEST is what tests/bench/dense.c found fastest at this width, of what is built
 * in (libxsmm needs x86-64 with AVX2). */
typedef enum wmc_product_backend {
  WMC_PRODUCT_BEST,
  WMC_PRODUCT_OWN,
  WMC_PRODUCT_LIBXSMM,
  WMC_PRODUCT_OPENBLAS
} wmc_product_backend;

wmc_status wmc_product_create(wmc_product **product, int m, int n, int k);
/** The same by one backend; WMC_FAILURE with a message where it cannot be had. */
wmc_status wmc_product_create_by(wmc_product **product, wmc_product_backend backend, int m, int n,
                                 int k);
void wmc_product_destroy(wmc_product *product);
const char *wmc_product_backend_name(const wmc_product *product);

/** C = A B. C is not read before it is written. The bits do not depend on where A, B and C lie;
 * the speed does: fastest when m is a multiple of 8 and A and C begin at a cache line (wmc_alloc
 * does), or, for m = 4, at a multiple of 32 bytes. B is read entry by entry: its alignment is
 * free. A chain M' = (I + N) M adds 1 to the diagonal of N and multiplies: no copy of M, no
 * beta = 1 product; M and M' change places. */
void wmc_product_apply(const wmc_product *product, const double *a, const double *b, double *c);

/** Complex matrices are arrays of pairs of real and imaginary part. Real (2m x 2n) form of a
 * complex m x n matrix: every entry a + ib becomes the block (a, -b; b, a). The even columns 0, 2,
 * ... are the complex matrix itself, so a complex product A B is the real product of the form of A
 * with B as it stands: a wmc_product of 2m x n = (2m x 2k)(2k x n). The form of a product, a QR
 * factorisation with R_ii > 0 or an inverse is that of the forms; singular values come twice. */
void wmc_complex_form(int m, int n, const double *a, double *out);
/** `count` matrices x (rows x columns, both even), the next one at this distance, <- the nearest
 * ones of that form, where column 2k + 1 is taken times signs[k], +-1 (NULL: 1). Returns how far an
 * entry moves. Checked by tests/check/realform.c. */
double wmc_complex_form_nearest(int rows, int columns, int count, size_t distance,
                                const double *signs, double *x);

/** out (n x m) = a^T for a of m x n. */
void wmc_transpose(int m, int n, const double *a, double *out);

size_t wmc_qr_scratch(int m, int n);
/** A (m x n, m >= n) = Q R with R_ii >= 0: Q (m x n) overwrites A, R (n x n) is upper triangular
 * with zeros below. Householder, for any scaling and rank; where R_jj = 0 column j of Q is some
 * unit vector orthogonal to the others. */
void wmc_qr(int m, int n, double *a, double *r, double *scratch);
/** R alone, in half the time: A is destroyed. */
void wmc_qr_triangle(int m, int n, double *a, double *r, double *scratch);

size_t wmc_complex_qr_scratch(int m, int n);
/** wmc_qr of a complex matrix, pairs of real and imaginary part: Q^* Q = 1, R_ii >= 0 is real. */
void wmc_complex_qr(int m, int n, double *a, double *r, double *scratch);

/** T <- U T for upper triangular d x d matrices with zeros below: of reals, or of pairs of real and
 * imaginary part (parts = 2). */
void wmc_multiply_triangles(int parts, int d, const double *u, double *t);

size_t wmc_svd_scratch(int m, int n);
/** One-sided Jacobi: Y (m x n, m >= n) = U diag(s) V^T with s decreasing.
 * On return the columns of `y` are U diag(s) (not normalised, so tiny s keep their relative
 * accuracy): for Y = B D, D any diagonal matrix, the relative errors of s are about eps times the
 * condition number of B, as long as no column, rotated or not, is below e^-305 of the largest;
 * smaller ones are left unrotated. Columns nearly orthogonal, or sorted by norm, save sweeps: of a
 * dense matrix of condition > 1e5 factorise first and hand over R^T.
 * @param[in,out] v  n x n, or NULL. In: any orthogonal V0 (identity, or the V of a nearby matrix
 * when `y` already is A V0); out: V0 times the rotations, columns sorted with s. Rounding adds
 * about eps to |V^T V - 1| a call: a chain that hands V on must restore it by wmc_qr now and then.
 * @param[out] s     n norms of the columns, decreasing; the same bits with and without v
 * @return sweeps used, 0 if the columns of y were orthogonal already; 60 if that did not suffice.
 * If y is not finite, s is NaN and y and v are as they were. */
int wmc_svd_jacobi(int m, int n, double *y, double *v, double *s, double *scratch);

size_t wmc_singular_values_scratch(int n);
/** Singular values alone of the n x n matrix `a` (destroyed), decreasing, by bidiagonalisation:
 * from n = 24 on faster than Jacobi rotations, but with an error of eps times the largest for all.
 * Returns false if `a` is not finite. */
bool wmc_singular_values(int n, double *a, double *s, double *scratch);
size_t wmc_complex_singular_values_scratch(int n);
/** The same for a complex matrix, pairs of real and imaginary part. */
bool wmc_complex_singular_values(int n, double *a, double *s, double *scratch);

/** Rotations one after another: (x, y_k) <- (c_k x + s_k y_k, c_k y_k - s_k x) for k = 0..n-1,
 * where x has m entries and y_k is column k of the m x n matrix y. */
void wmc_rotate_columns(int m, int n, const double *c, const double *s, double *x, double *y);

/** All pairs i < j of the first n of the m-row columns of a: (a_i, a_j) turns by entry k of c and
 * s, k counting (0,1), (0,2), ..., (1,2), ... */
void wmc_rotate_pairs(int m, int n, const double *c, const double *s, double *a);
/** The same for two matrices of one size, a and b, faster than one after the other. */
void wmc_rotate_pairs_of_both(int m, int n, const double *c_a, const double *s_a, double *a,
                              const double *c_b, const double *s_b, double *b);

/** Linear least squares min |A x - b| for A (m x n, m >= n) of full rank; A and b are destroyed.
 * @param[out] x    n    @param[out] cov  n x n, (A^T A)^{-1}; may be NULL
 * @return WMC_FAILURE (message) if A has not full rank to working precision. Allocates: not for
 * kernels. */
wmc_status wmc_least_squares(int m, int n, double *a, double *b, double *x, double *cov);

/** Eigenvalues (ascending) and vectors of the symmetric n x n matrix a (overwritten by vectors). */
wmc_status wmc_symmetric_eigen(int n, double *a, double *w);

size_t wmc_hermitian_scratch(int n);
/** Eigenvalues alone (ascending) of a symmetric, or Hermitian n x n matrix whose lower triangle is
 * in `a` (destroyed); complex entries are pairs of real and imaginary part. `scratch` for both:
 * wmc_hermitian_scratch(n). Returns false if they cannot be had: `a` is not finite. */
bool wmc_symmetric_eigenvalues(int n, double *a, double *w, double *scratch);
bool wmc_hermitian_eigenvalues(int n, double *a, double *w, double *scratch);

/** For provenance: name of the BLAS kernel in use ("Zen", "SkylakeX", ...), and versions and
 * targets of all libraries that multiply. */
const char *wmc_blas_kernel(void);
const char *wmc_blas_description(void);
/** One BLAS thread a rank; call once at start. Lets OpenBLAS take its buffer of 128 MB of address
 * space: at a later call, where a limit refuses it, OpenBLAS would try forever. WMC_FAILURE
 * (message) if there is no room for it. */
wmc_status wmc_blas_start(void);
