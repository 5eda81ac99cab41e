/** @file spherical.h  Mean growth of a vector of uniform direction.
 *
 * For M with log-singular values lambda, u uniform on the unit sphere and psi the digamma function,
 *
 *   E_u log|M u| = (1/2) [ psi(1) - psi(beta d/2)
 *                          + int (1 + e^x)^{-1} - prod_i (1 + e^{x + 2 lambda_i})^{-beta/2} dx ]
 *
 * over all x, because E log Q = int_0^inf (e^{-t} - E e^{-tQ}) dt/t for Q > 0, here with Q a sum of
 * gamma variables. Where the law of M is invariant under rotations from the right, the mean of this
 * over M is E log|M e_1|, which is known exactly for several chains: a control variate that follows
 * lambda_1 closely. The trapezoidal rule converges exponentially (the integrand is analytic for
 * |Im x| < pi): steps of 1/2 leave 1e-9 at width 200, less below.
 * Source: docs/theory/jacobian.md, section 11. Checked by tests/check/spherical.c (width 2 in
 * closed form, quadrature over the sphere). Reentrant, allocates nothing.
 */
#pragma once

/** beta = 1 real, 2 complex; lambda decreasing, lambda_1 finite; scratch: d numbers. Absolute error
 * below 1e-8. */
double wmc_spherical_growth(int d, int beta, const double *lambda, double *scratch);
