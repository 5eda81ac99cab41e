/** @file hyperbolic.h  The gap of a linear chain of width 2 at finite depth.
 *
 * x = lambda_1 - lambda_2 is the distance that a random walk with uniform rotations has gone on the
 * hyperbolic plane. Spherical transforms of such walks multiply, so with m(p) the mean of the
 * conical function P_{-1/2+ip}(cosh x) after one layer the density after L layers is
 *
 *   sinh x int_0^inf m(p)^L P_{-1/2+ip}(cosh x) p tanh(pi p) dp.
 *
 * Source: docs/theory/jacobian.md, eqs. (20)-(22); Helgason, Groups and Geometric Analysis.
 * Checked by tests/check/jacobian_exact.c (infinite depth, by the heat kernel) and
 * tests/statistical/jacobian.c (draws). Allocates; some 10 ms.
 */
#pragma once

/** Means of x and x^2 after `layers` layers I + s G, G gaussian, s2 = s^2. NaN where the quadrature
 * does not reach (rounding is amplified by e^{x/2}; few layers need short waves): total time
 * s2 layers outside [0.05, 3] or s2 > 0.12; or when memory is exhausted. Errors are below 1e-6. */
void wmc_hyperbolic_gap(double s2, double layers, double *mean, double *square);

/** Means of x and of x^2 at infinite depth after the total time tau, from the heat kernel (docs/
 * theory/jacobian.md, section 6). Relative error below 1e-12. NaN outside 1e-6 <= tau <= 100.
 * Allocate nothing; a millisecond. Checked by tests/check/chamber.c. */
double wmc_hyperbolic_gap_limit(double tau);
double wmc_hyperbolic_gap_square_limit(double tau);
