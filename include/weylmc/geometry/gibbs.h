/** @file gibbs.h  Equilibrium of the Riemannian Langevin equation of the deep linear network.
 *
 * Noise of variance 2 h / beta in horizontal directions (those that move X) and 2 v / beta in
 * vertical ones (along the fibre of networks with the same X) has the stationary law
 *   exp(-(beta/h) E + (v/h) S) dvol_g   on matrices X, h > 0,
 * where dvol_g = N^{d/2} prod_{i<j} (lambda_i^2 - lambda_j^2) dlambda dU dV. Isotropic noise is
 * v = h = 1, horizontal noise v = 0, h = 1, kappa noise v = 1, h = kappa.
 * Sources: Menon, arXiv:2411.09004; Menon & Yu, arXiv:2509.09088; Menon, Stromme & Vacher,
 * arXiv:2602.12257; docs/theory/balanced.md, eqs. (10)-(15).
 * Checked by tests/check/balanced_geometry.c (density, gradient and moves against definitions) and
 * tests/statistical/balanced.c (averages against quadrature).  Reentrant; allocates nothing.
 */
#pragma once
#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"

typedef struct wmc_gibbs {
  wmc_shape shape;
  double beta;       /**< inverse temperature, > 0 */
  double vertical;   /**< v >= 0 */
  double horizontal; /**< h > 0 */
} wmc_gibbs;

/** Log of the density in lambda (with respect to dlambda) at energy `energy`, up to a constant that
 * depends on neither lambda nor the energy. -infinity where two lambda are equal. */
double wmc_gibbs_log_density(const wmc_gibbs *law, const wmc_spectrum *spectrum, double energy);
/** Log of the density of the law at E = 0 with respect to dX, entry by entry, up to a constant:
 * (v/h - 2) pair entropy + (K v/h - N + 1) sum log lambda. Eq. (22). */
double wmc_gibbs_log_volume(const wmc_gibbs *law, const wmc_spectrum *spectrum);
/** Gradient in lambda of the log density at distinct lambda. `force` is dE/dlambda, or NULL for E =
 * 0. */
void wmc_gibbs_gradient(const wmc_gibbs *law, const wmc_spectrum *spectrum, const double *force,
                        double *gradient);
/** Change of the log density at E = 0 when lambda_k of a sorted spectrum becomes `lambda`, which
 * must stand strictly between its neighbours; O(width). `log_sigma` is N log lambda, `sigma` its
 * exponential. */
double wmc_gibbs_move(const wmc_gibbs *law, const wmc_spectrum *spectrum, int k, double lambda,
                      double log_sigma, double sigma);
/** The power P with which the law, E = 0, scales: mass of {t X : X in B} = t^P mass of B.
 * P = [dim_h + (v/h)(dim M - dim_h)] / N. */
double wmc_gibbs_scaling(const wmc_gibbs *law);
/** E <X, E'(X)> = (h/beta) P, whatever the energy. */
double wmc_gibbs_virial(const wmc_gibbs *law);
