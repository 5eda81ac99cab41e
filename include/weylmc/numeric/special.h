/** @file special.h  Special functions. Checked by tests/check/special.c against recurrences,
 * integrals and series; reentrant, allocate nothing.
 */
#pragma once

/** psi(x) = Gamma'(x)/Gamma(x), x > 0. Relative or absolute error below 1e-14. */
double wmc_digamma(double x);
/** psi'(x), x > 0. Relative error below 1e-14. */
double wmc_trigamma(double x);
/** log |Gamma(x)| without the global sign of lgamma. */
double wmc_log_gamma(double x);
/** log(sinh(x)/x), even, no overflow or cancellation; 0 at 0. */
double wmc_log_sinhc(double x);
/** coth(x) - 1/x, odd, no cancellation near 0; 0 at 0. */
double wmc_langevin_function(double x);
/** E_1(x) = integral of e^{-t}/t from x on, x > 0; relative error below 1e-14, 0 where it
 * underflows. */
double wmc_exponential_integral(double x);
/** P(chi^2_k > x), k > 0; relative error below 1e-12. 1 for x <= 0. */
double wmc_chi_squared_tail(double x, double k);
/** Two-sided p-value of a standard normal. */
double wmc_normal_two_sided(double z);
/** Two-sided p-value of Student's t with k > 0 degrees of freedom, not necessarily whole; INFINITY:
 * of a normal. Relative error below 1e-11 + 1e-15 k. */
double wmc_student_two_sided(double t, double k);
/** E f(P), P Poisson of mean mu >= 0, f smooth (an argument like d/2 + P is made in f); to 1e-14 of
 * E |f(P)|. About 20 sqrt(mu) + 25 evaluations. */
double wmc_poisson_mean(double mu, double (*f)(double x, void *data), void *data);
/** exp(-|x|) I_0(x) and exp(-|x|) I_1(x), modified Bessel functions; relative error below 1e-13. */
void wmc_bessel_scaled(double x, double *i0, double *i1);
