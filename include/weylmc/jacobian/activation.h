/** @file activation.h  The table of activation functions phi.
 *
 * Functions work on whole vectors, so that the choice costs one call a layer. At a kink (relu,
 * leaky_relu and abs at 0) the derivative is the one from the left, phi'(0) = phi'(0-).
 * An activation is positively homogeneous when phi(c x) = c phi(x) for c > 0, that is
 * phi(x) = x for x > 0 and alpha x for x < 0; then E phi'(z)^2 = (1 + alpha^2)/2 for every
 * symmetric z, which makes a two-layer block follow the linear diffusion (docs/theory/jacobian.md,
 * eq. (5)). Adding one: its two loops and a row in src/jacobian/activation.c. Checked by
 * tests/check/jacobian_block.c (derivatives against central differences).
 * Reentrant, allocates nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

typedef struct wmc_activation {
  const char *name, *text;
  /** value[i] = phi(x[i]), derivative[i] = phi'(x[i]); `slope` is used by leaky_relu only.
   * `value` may alias x. */
  void (*apply)(size_t n, double slope, const double *x, double *value, double *derivative);
  /** second[i] = phi''(x[i]), 0 at kinks; may alias x. NULL: 0 everywhere. */
  void (*curve)(size_t n, const double *x, double *second);
  bool homogeneous;
  bool odd;              /**< phi(-x) = -phi(x) whatever the slope */
  double negative_slope; /**< alpha if homogeneous; NaN: alpha is the parameter `slope` */
  double steepest;       /**< largest |phi'| over x, not counting `slope` */
} wmc_activation;

/** Table ended by a NULL name, and the names alone (NULL-ended) in the same order; the row of a
 * name, or NULL. */
extern const wmc_activation wmc_activations[];
extern const char *const wmc_activation_names[];
const wmc_activation *wmc_activation_find(const char *name);

/** alpha of a homogeneous activation, NaN for the others. */
double wmc_activation_negative_slope(const wmc_activation *activation, double slope);
/** Largest |phi'(x)| over all x. */
double wmc_activation_steepest(const wmc_activation *activation, double slope);
