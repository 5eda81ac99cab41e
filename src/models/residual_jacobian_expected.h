/** @file residual_jacobian_expected.h  Inside the exact expectations of the model
 * `residual_jacobian`: what decides whether one is known, and laws of one layer or of the limit.
 * Equations: docs/theory/jacobian.md. Checked by tests/statistical/jacobian*.c through the values
 * that the model states.
 */
#pragma once
#include "residual_jacobian_moments.h"
#include "weylmc/jacobian/chamber.h"

/** Relative variance beyond which the mean of tr g is carried by draws that are never seen. */
#define WMC_KNOWN_WIDEST 2.0

/** What decides whether an expectation is known. */
typedef struct wmc_known {
  wmc_block_options o;
  const wmc_block *block;
  double s2;    /**< variance of the entries of J - I */
  double alpha; /**< negative slope of a homogeneous activation, 1 without activation */
  bool bare;    /**< neither normalisation nor dropout */
  bool linear;  /**< the law of the linear chain */
  bool gaussian, fresh, orthogonal;
} wmc_known;

/** Of these parameters. */
wmc_known wmc_known_of(const wmc_value *p);
/** The limit, if the depth is inf. */
bool wmc_known_limit(const wmc_value *p, wmc_chamber_options *limit);
/** A product of layers without an identity. */
bool wmc_known_plain(const wmc_known *t);
/** All singular values of a layer are the same number, e^{*each}. */
bool wmc_known_conformal(const wmc_known *t, double *each);
/** `one` at every layer; false if it is not known. */
bool wmc_known_add_up(const wmc_value *p, double one, double *out);
/** `rate` times sigma^2 t at every record. */
bool wmc_known_in_time(const wmc_value *p, const wmc_chamber_options *limit, double rate,
                       double *out);
/** E log|sigma z|, z with `count` gaussian components of mean square 1, real or complex. */
double wmc_known_log_norm(int count, int beta, double variance);
/** E log|det| of one layer, all modes; NaN if unknown. */
double wmc_known_log_det(const wmc_known *t);
/** E log|M u| of one layer; NaN where the expectation is not known to all digits. A complex number
 * is two real ones of half the variance. */
double wmc_known_growth(const wmc_known *t);
/** E of the gap of complex numbers at width 2 in the limit: the density is that of x sinh(x)
 * e^{-x^2/(2 tau)}. */
double wmc_known_complex_gap(double tau);
/** Relative variance of tr g: eq. (11) in the limit. */
double wmc_known_trace_spread(double d, double beta, double tau);
