/** @file gibbs.h  Equilibrium of the Riemannian Langevin equation of the deep linear network.
 *
 * Noise of variance 2 h / beta in horizontal directions (those that move X) and 2 v / beta in
 * vertical ones (along the fibre of networks with the same X) has the stationary law
 *   exp(-(beta/h) E + (v/h) S) dvol_g   on matrices X, h > 0,
 * where dvol_g = prod_{i<j} (lambda_i^2 - lambda_j^2)^b prod lambda_i^{b K_h + b - 1} dlambda dU dV
 * up to a constant, b = 1 for real and 2 for complex numbers. Isotropic noise is v = h = 1,
 * horizontal noise v = 0, h = 1, kappa noise v = 1, h = kappa. The density in lambda is
 *   exp(-(beta/h) E) prod_{i<j} (lambda_i^2 - lambda_j^2)^b a_ij^{b v / (2 h)} prod lambda_i^P,
 *   P = b K_h + b - 1 + (v/h) [b (K - K_h) + (b - 1)(N - 1)].
 * At infinite depth lambda is log sigma (spectrum.h) and lambda^P is sigma^p, p = (v/h) [b (hidden
 * - rank) + b - 1]; a law exists only for p > 0 (wmc_gibbs_exists). Sources: Menon,
 * arXiv:2411.09004; Menon & Yu, arXiv:2509.09088; Menon, Stromme & Vacher, arXiv:2602.12257;
 * docs/theory/balanced.md, eqs. (10)-(15). Checked by tests/check/geometry_gibbs.c (density,
 * gradient and moves against definitions) and tests/statistical/balanced.c (averages against
 * quadrature).  Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>

#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"

typedef struct wmc_gibbs {
  wmc_shape shape;
  double beta;       /**< inverse temperature, > 0 */
  double vertical;   /**< v >= 0 */
  double horizontal; /**< h > 0 */
} wmc_gibbs;

/** Whether the law is normalisable near sigma = 0: always at finite depth. */
bool wmc_gibbs_exists(const wmc_gibbs *law);
/** Whether the law goes on smoothly through sigma_r = 0 to the other sign of det X: real numbers,
 * no excess at all, odd depth. Eq. (16). */
bool wmc_gibbs_flips(const wmc_gibbs *law);
/** Exponent P of lambda_i, or p of sigma_i at infinite depth. */
double wmc_gibbs_power(const wmc_gibbs *law);
/** Log of the density in lambda (with respect to dlambda) at energy `energy`, up to a constant that
 * depends on neither lambda nor the energy. -infinity where two lambda are equal. */
double wmc_gibbs_log_density(const wmc_gibbs *law, const wmc_spectrum *spectrum, double energy);
/** Log of the density of the law at E = 0 with respect to dX, entry by entry, up to a constant; the
 * rank must be full. Eq. (22). */
double wmc_gibbs_log_volume(const wmc_gibbs *law, const wmc_spectrum *spectrum);
/** Gradient in lambda of the log density at distinct lambda. `force` is dE/dlambda, or NULL for E =
 * 0. */
void wmc_gibbs_gradient(const wmc_gibbs *law, const wmc_spectrum *spectrum, const double *force,
                        double *gradient);
/** Change of the log density at E = 0 when lambda_k of a sorted spectrum becomes `lambda`, which
 * must stand strictly between its neighbours, less that of the power of lambda_k alone
 * (wmc_gibbs_power); O(rank). `log_sigma` is N log lambda (lambda itself at infinite depth),
 * `sigma` its exponential. */
double wmc_gibbs_move_pairs(const wmc_gibbs *law, const wmc_spectrum *spectrum, int k,
                            double lambda, double log_sigma, double sigma);
/** The power P with which the law, E = 0, scales: mass of {t X : X in B} = t^P mass of B.
 * P = [dim_h + (v/h)(dim M - dim_h)] / N, or its limit. */
double wmc_gibbs_scaling(const wmc_gibbs *law);
/** E <X, E'(X)> = (h/beta) P, whatever the energy; for h = 0 its value where the flow of the free
 * energy ends. */
double wmc_gibbs_virial(const wmc_gibbs *law);
/** Mean of sum_i log sigma_i (log|det X| of a square X) for E = |X|^2 / 2, where a closed form is
 * known; false elsewhere. With y = sigma^2 the law is
 *   prod_i y_i^c exp(-beta y_i / (2 h)) dy_i times the product over pairs of
 *   (y_i - y_j)^b at N = 1 or v = 2 h;  (y_i - y_j)(y_i^t - y_j^t), t = 1/N, if b = 2 and v = h
 * (Laguerre; Muttalib-Borodin). A factor prod y_i^s multiplies its mass by prod_{j < r}
 * Gamma(c + 1 + s + j t) / Gamma(c + 1 + j t), t = b/2 in the first case, so that the mean is
 *   1/2 sum_{j < r} [psi(c + 1 + j t) + log(2 h / beta)].
 * Rank 1 is known for every law. docs/theory/equivariant.md, eqs. (E3), (E4);
 * tests/statistical/complex.c. */
bool wmc_gibbs_log_det(const wmc_gibbs *law, double *mean);
