#include "weylmc/jacobian/activation.h"

#include <math.h>
#include <string.h>

#define TWO_OVER_ROOT_PI 1.12837916709551257390
/* Phi(sqrt 2) + sqrt 2 phi(sqrt 2): where gelu'' = (2 - x^2) phi(x) vanishes, rounded up */
#define STEEPEST_GELU 1.12890414518516

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

static void apply_abs(size_t n, double slope, const double *x, double *value, double *derivative)
{
  (void)slope;
  apply_leaky_relu(n, -1, x, value, derivative);
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

static void apply_sin(size_t n, double slope, const double *x, double *value, double *derivative)
{
  (void)slope;
  for (size_t i = 0; i < n; i++) {
    derivative[i] = cos(x[i]);
    value[i] = sin(x[i]);
  }
}

static void apply_gelu(size_t n, double slope, const double *x, double *value, double *derivative)
{
  const double root_half = 0.70710678118654752440, density = 0.5 * TWO_OVER_ROOT_PI * root_half;
  (void)slope;
  for (size_t i = 0; i < n; i++) {
    double below = 0.5 * erfc(-root_half * x[i]); /* P(z < x): erfc keeps the lower tail */
    derivative[i] = below + density * x[i] * exp(-0.5 * x[i] * x[i]);
    value[i] = x[i] * below;
  }
}

static void curve_erf(size_t n, const double *x, double *second)
{
  for (size_t i = 0; i < n; i++) second[i] = -2 * x[i] * (TWO_OVER_ROOT_PI * exp(-x[i] * x[i]));
}

static void curve_sin(size_t n, const double *x, double *second)
{
  for (size_t i = 0; i < n; i++) second[i] = -sin(x[i]);
}

static void curve_tanh(size_t n, const double *x, double *second)
{
  for (size_t i = 0; i < n; i++) {
    double e = exp(-fabs(x[i])), sech = 2 * e / (1 + e * e);
    second[i] = -2 * tanh(x[i]) * (sech * sech);
  }
}

static void curve_gelu(size_t n, const double *x, double *second)
{
  const double density = 0.5 * TWO_OVER_ROOT_PI * 0.70710678118654752440;
  for (size_t i = 0; i < n; i++)
    second[i] = (2 - x[i] * x[i]) * (density * exp(-0.5 * x[i] * x[i]));
}

/* name, text, second derivative, homogeneous, odd, negative slope, steepest */
#define ACTIVATIONS(ROW)                                                                           \
  ROW(linear, "phi(x) = x", NULL, true, true, 1, 1)                                                \
  ROW(relu, "phi(x) = max(x, 0)", NULL, true, false, 0, 1)                                         \
  ROW(leaky_relu, "phi(x) = x for x > 0, slope x otherwise", NULL, true, false, NAN, 1)            \
  ROW(abs, "phi(x) = |x|", NULL, true, false, -1, 1)                                               \
  ROW(erf, "error function", curve_erf, false, true, NAN, TWO_OVER_ROOT_PI)                        \
  ROW(sin, "phi(x) = sin x", curve_sin, false, true, NAN, 1)                                       \
  ROW(tanh, "hyperbolic tangent", curve_tanh, false, true, NAN, 1)                                 \
  ROW(gelu, "phi(x) = x P(z < x), z standard normal", curve_gelu, false, false, NAN, STEEPEST_GELU)

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
