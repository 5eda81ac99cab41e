/** @file exact.h  Exact expectations of linear chains at finite depth.
 *
 * M = J_l ... J_1, J = I + s G with G gaussian d x d; s2 = s^2. Each is the value for one layer or
 * for l layers as stated; l layers add up because the law of G is invariant under rotations.
 * Sources: docs/theory/jacobian.md, eqs. (10)-(19).
 * Checked by tests/check/jacobian_exact.c against quadrature of the definitions, and by
 * tests/statistical/jacobian.c against draws. Reentrant, allocate nothing.
 */
#pragma once

/** E log|det J| = (1/2) E log|1 - s^2 chi^2_d| by its asymptotic series (eq. (13)).
 * @param[out] error  size of the smallest term, which bounds what the series cannot see:
 *                    exponentially small in 1/s^2; not small means: do not use */
double wmc_exact_log_det(int d, double s2, double *error);
/** E log|J u| = (1/2)[log 2 s^2 + E psi(d/2 + P)], |u| = 1, P Poisson of mean 1/(2 s^2) (eq. (15)).
 */
double wmc_exact_log_growth(int d, double s2);
/** Var log|J u| (eq. (16)). */
double wmc_exact_log_growth_variance(int d, double s2);
/** E log|J u| of a two-layer block of hidden width n whose homogeneous activation has the slope
 * alpha below 0: the mean of the former with s^2 -> s^2 K/n, by its asymptotic series (eq. (19)).
 * @param[out] error  as for wmc_exact_log_det */
double wmc_exact_log_growth_mixed(int d, int n, double alpha, double s2, double *error);
/** E tr M^T M = d (1 + d s^2)^l, for entries of any law with mean 0 and variance 1 (eq. (10)). */
double wmc_exact_trace_metric(int d, double s2, double layers);
/** Complex G: E log|det J|, to all digits at every s (eq. (C1)). The growth of a vector is
 * wmc_exact_log_growth(2 d, s^2 / 2), its variance and that of two-layer blocks with phi(x) = x
 * likewise (2 n hidden units); the mean of tr M^* M does not depend on the field. */
double wmc_exact_log_det_complex(int d, double s2);
/** Variance of tr M^T M over the square of its mean, gaussian G (eq. (11)). */
double wmc_exact_trace_metric_spread(int d, double s2, double layers);
/** The same for complex G (eq. (C2)). */
double wmc_exact_trace_metric_spread_complex(int d, double s2, double layers);
