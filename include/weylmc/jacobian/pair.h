/** @file pair.h  Infinite depth where the spectrum does not move on its own: steps of the pair
 * (M, x) of the Jacobian and the vector that runs through the network.
 *
 * Rows of a layer are independent given x and equal in law, so that the limit L -> infinity of
 * every residual block with independent weights is, with a scalar k(x), a matrix R(x), and
 * independent Brownian motions B (a vector) and W (a matrix),
 *
 *   dx = k(x) dB + c 1 dt,       dM = (dB grad k(x)^T + dW R(x)) M,
 *
 * k^2 dt the variance of dx_i and C = grad k grad k^T + R^T R that of a row of dM M^{-1}. The first
 * part of dM is the derivative of the motion of x, the second leaves x alone.
 * A step takes one after the other, in random order:
 *
 *   x' = x + sqrt(h) p b + h Q delta + h c 1,   J_1 = dx'/dx,
 *   J_2 = 1 + A + A^2/2 + (h/2) [ sqrt(t) S - (1 + tr S/sqrt(t)) R^T R ],    t = tr R^T R,
 *   A = sqrt(h) G R,   S = G' R,   delta = (1/2) k grad k,   Q = b b^T - 1 + V,
 *   p = k + (k(x + sqrt(h) k n) + k(x - sqrt(h) k n) - 2 k)/4,
 *
 * b, G normal deviates; V antisymmetric, G' and n of random signs. S and V stand for Levy areas.
 * Means have an error of second order in h where k and R are smooth.
 * The blocks here are the steps: `depth` counts them and h = time/depth; they go wherever a block
 * goes (network.h). Source: docs/theory/jacobian.md, section 6.
 * Checked by tests/check/pair.c (J_1 against differences of `forward`, C against its definition,
 * averages) and tests/statistical/pair.c (order, exact laws, deep networks); bias and time by
 * tests/bench/pair.c.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/jacobian/block.h"

/** Steps of the pair for the limit of this block; NULL if it has none of the kind above. The
 * parameters of a step are, in this order, b (d) and G (d x d), standard normal deviates, then
 * d (d - 1)/2 + d^2 + d + 1 signs: V below the diagonal, G', n, and the order of the two parts. A
 * step twice as long driven by (b, G) = (b_1 + b_2, G_1 + G_2)/sqrt 2 is coupled to two steps. */
const wmc_block *wmc_pair_block(const wmc_block *block);

/** Steps for the whole time: the least number from resolution times 8 d v on, v a bound
 * of the variance of an entry of dM M^{-1} (with norm: at the start), that brings every record to
 * the end of a step; 0 if there is none. `options.depth` is not read. Behind a norm `layers`
 * divides steps further where |x| is smaller than at the start, in proportion to |x|^2. */
int wmc_pair_steps(const wmc_block_options *options, double resolution, size_t records,
                   const double *fractions);

/** The same for weights: smooth, where the limit is an ordinary differential equation,
 *
 *   dx/dt = b(N(x); W(t)),     dM/dt = b' DN M,     t the fraction of the depth,
 *
 * b the branch with s = sigma T (phi'(0) s W u for block inside): steps of the classical
 * Runge-Kutta scheme, of fourth order where phi is smooth. Dropout has no noise in this limit. The
 * parameters of a step are the weights at its beginning, middle and end. NULL: no such limit.
 * Checked by tests/check/pair.c. */
const wmc_block *wmc_neural_block(const wmc_block *block);
/** Resolution times 16 sigma T sqrt(d) sup|phi'| + 8 modes, or the next number that fits. */
int wmc_neural_steps(const wmc_block_options *options, double resolution, size_t records,
                     const double *fractions);

/** The least number of equal steps, at least `least`, that ends one at every fraction; 0 if there
 * is none among the next 10^5. */
int wmc_steps_to_records(double least, size_t records, const double *fractions);
