/** @file graded.h  Singular values of a matrix whose columns carry exponents of their own.
 *
 * For Y = [y_1 e^{r_1}, ..., y_d e^{r_d}] with ordinary columns y_j and any real r_j: log-singular
 * values by one-sided Jacobi rotations. The rotation of columns i and j with r_i >= r_j and
 * rho = e^{r_j - r_i} needs only t/rho and rho^2, where t is the tangent of its angle, so rho may
 * underflow without harm (docs/theory/jacobian.md, eq. (25)).
 * Large matrices are factorised once or twice first, Y diag(e^r) = Q R diag(e^r): rows of R instead
 * of columns of Y need fewer rotations, and with exponents far apart hardly any.
 * Error about eps times the condition number of [y_j/|y_j|], whatever the r_j.
 * Checked by tests/check/jacobian_graded.c; timed by tests/bench/spectra.c. Reentrant, allocates
 * nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/** In doubles. */
size_t wmc_graded_scratch(int d);
/** @param[in,out] y  d x d column-major, destroyed
 * @param[in,out] r   d exponents, may be -inf; on return the log-singular values, decreasing (-inf
 * for 0)
 * @return false if 60 sweeps were not enough, or entries are not finite */
bool wmc_graded_singular_values(int d, double *y, double *r, double *scratch);
/** The same for Y = U diag(s) V^T: on return the columns of `y` are U times any factors (0 where s
 * is), and v (d x d, an orthogonal matrix before) is multiplied by V from the right. */
bool wmc_graded_singular_vectors(int d, double *y, double *r, double *v, double *scratch);
