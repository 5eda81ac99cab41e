#include "weylmc/jacobian/activation.h"

#include <math.h>
#include <string.h>

#define TWO_OVER_ROOT_PI 1.12837916709551257390

static void apply_linear(size_t n, double slope, const double *x, double *value, double *derivative)
{
  (void)slope;
  for (size_t i = 0; i < n; i++) {
    value[i] = x[i];
    derivative[i] = 1;
  }
}

static void apply_leaky_relu(size_t n, double slope, const double *x, double *value,
                             double *derivative)
{
  for (size_t i = 0; i < n; i++) {
    derivative[i] = x[i] > 0 ? 1 : slope;
    value[i] = derivative[i] * x[i];
  }
}

static void apply_relu(size_t n, double slope, const double *x, double *value, double *derivative)
{
  (void)slope;
  apply_leaky_relu(n, 0, x, value, derivative);
}

static void apply_erf(size_t n, double slope, const double *x, double *value, double *derivative)
{
  (void)slope;
  for (size_t i = 0; i < n; i++) {
    derivative[i] = TWO_OVER_ROOT_PI * exp(-x[i] * x[i]);
    value[i] = erf(x[i]);
  }
}

static void apply_tanh(size_t n, double slope, const double *x, double *value, double *derivative)
{
  (void)slope;
  for (size_t i = 0; i < n; i++) {
    /* 1 - tanh^2 would lose the tails */
    double e = exp(-fabs(x[i])), sech = 2 * e / (1 + e * e);
    derivative[i] = sech * sech;
    value[i] = tanh(x[i]);
  }
}

/* name, text, homogeneous, negative slope, steepest */
#define ACTIVATIONS(ROW)                                                                           \
  ROW(linear, "phi(x) = x", true, 1, 1)                                                            \
  ROW(relu, "phi(x) = max(x, 0)", true, 0, 1)                                                      \
  ROW(leaky_relu, "phi(x) = x for x > 0, slope x otherwise", true, NAN, 1)                         \
  ROW(erf, "error function", false, NAN, TWO_OVER_ROOT_PI)                                         \
  ROW(tanh, "hyperbolic tangent", false, NAN, 1)

#define TABLE_ROW(name, text, ...) {#name, text, apply_##name, __VA_ARGS__},
const wmc_activation wmc_activations[] = {ACTIVATIONS(TABLE_ROW){0}};
#define NAME_ROW(name, ...) #name,
const char *const wmc_activation_names[] = {ACTIVATIONS(NAME_ROW) NULL};

const wmc_activation *wmc_activation_find(const char *name)
{
  const wmc_activation *a = wmc_activations;
  while (a->name && strcmp(a->name, name) != 0) a++;
  return a->name ? a : NULL;
}

double wmc_activation_negative_slope(const wmc_activation *activation, double slope)
{
  if (!activation->homogeneous) return NAN;
  return isnan(activation->negative_slope) ? slope : activation->negative_slope;
}

double wmc_activation_steepest(const wmc_activation *activation, double slope)
{
  double alpha = wmc_activation_negative_slope(activation, slope);
  return isnan(alpha) ? activation->steepest : fmax(activation->steepest, fabs(alpha));
}
