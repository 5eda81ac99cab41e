/** @file partition.h  Partition functions of the deep linear network, where they are known.
 *
 * Z = integral of exp(-(beta/h) E + (v/h) S) dvol_g over the matrices X of rank r that the law
 * visits (with real square X of full rank: det X > 0, or both signs if wmc_gibbs_flips), so that
 * isotropic noise has Z = integral of exp(-beta E) over the balanced networks themselves. From it
 *   <E> = -h d log Z / d beta,   Var E = h^2 d^2 log Z / d beta^2,   F = -log Z / beta.
 * Z is a product of the frames' volume (wmc_partition_log_frames) and of the integral over
 * lambda_1 > ... > lambda_r of the density of gibbs.h, averaged over the frames and over the signs
 * of det X that are visited; `log_z` below is the logarithm of the second one.
 *
 * For E = |X|^2/2 and every shape Z ~ (beta/h)^(-P/2), P = wmc_gibbs_scaling. The integral itself:
 *   complex numbers, v = h: Muttalib-Borodin-Laguerre, with t = 1/N, y = sigma^2, c = (power + 1) /
 *     (2 N) - 1 and det[Gamma(c + 1 + j + t k)] = prod Gamma(c + 1 + t k) t^k k!,
 *     Z = (2N)^-r (2h/beta)^{r (c + 1) + (1 + t) r (r-1)/2} prod_{k<r} t^k k! Gamma(c + 1 + k t);
 *   N = 1 or v = 2h: prod (y_i - y_j)^b for pairs, Selberg's integral,
 *     Z = (2N)^-r (2h/beta)^{r (c + 1) + b r (r-1)/2}
 *         prod_{k<r} Gamma(1 + (k+1) b/2) Gamma(c + 1 + k b/2) / Gamma(1 + b/2) / r!;
 *   rank 1: a Gamma function;  rank 2: a double integral, done here by the trapezoidal rule.
 * For E = |X - Phi|^2/2 and real X of 1 x 1 or 2 x 2 the average over frames is a product of two
 * Bessel functions I_0, and the integral is done likewise.
 * Sources: K. A. Muttalib, J. Phys. A 28 (1995) L159; A. Borodin, Nucl. Phys. B 536 (1998) 704;
 * docs/theory/balanced.md, eqs. (40)-(45). Checked by tests/check/partition.c (quadrature by other
 * rules, Gaussian integrals at N = 1, derivatives) and tests/statistical/thermodynamics.c.
 * Reentrant; allocates nothing.
 */
#pragma once
#include <stdbool.h>

#include "weylmc/geometry/gibbs.h"

typedef struct wmc_partition {
  double log_z;    /**< of the integral over lambda; NaN where only the other two are known */
  double energy;   /**< <E> */
  double variance; /**< Var E */
} wmc_partition;

/** E = |X|^2/2 for target NULL, else |X - Phi|^2/2 with Phi row-major, rows x columns. False if the
 * energy's moments are not known either: a target beyond 2 x 2, or one so sharp (beta |Phi|^2/h
 * above 1e8) that the grid would be too fine. Rank 2 takes 1 to 50 ms. */
bool wmc_partition_function(const wmc_gibbs *law, const double *target, wmc_partition *out);
/** log Z - log_z at finite depth, NaN at infinite depth; does not depend on beta. */
double wmc_partition_log_frames(const wmc_gibbs *law);
