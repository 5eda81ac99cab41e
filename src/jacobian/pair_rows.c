/* k(x) and R(x) of each row: docs/theory/jacobian.md, section 6. */
#include <math.h>
#include <string.h>

#include "pair.h"

double wmc_pair_direction(const wmc_pair *p, const double *x, double *e)
{
  const size_t d = p->d;
  double mean = 0, square = 0;
  for (size_t i = 0; p->norm == WMC_NORM_LAYER && i < d; i++) mean += x[i] / (double)d;
  for (size_t i = 0; i < d; i++) {
    e[i] = x[i] - mean;
    square += e[i] * e[i];
  }
  const double length = sqrt(square);
  for (size_t i = 0; i < d; i++) e[i] /= length;
  return length;
}

static void fill(size_t n, double value, double *out)
{
  for (size_t i = 0; i < n; i++) out[i] = value;
}

/* ---- k and C depend on r = |x| --------------------------------------------------------------- */

/* phi'(0), and phi''(0), of a smooth activation. */
static double at_zero(const wmc_activation *activation, double *second)
{
  double zero = 0, value, slope;
  activation->apply(1, 0, &zero, &value, &slope);
  *second = 0;
  if (activation->curve) activation->curve(1, &zero, second);
  return slope;
}

/* k = scale r for blocks that are linear in the limit. */
static double linear_scale(const wmc_pair *p)
{
  const double alpha = wmc_activation_negative_slope(p->activation, p->slope);
  double second;
  if (p->averaged) return sqrt(p->variance * 0.5 * (1 + alpha * alpha));
  return sqrt(p->variance) * (isnan(alpha) ? at_zero(p->activation, &second) : 1);
}

static wmc_status prepare_radial(wmc_pair *p, const wmc_block_options *o)
{
  if (p->averaged && !p->activation->homogeneous)
    return wmc_averages_table_create(&p->table, p->activation, p->slope,
                                     o->inner_variance * o->input_norm2);
  p->scale = linear_scale(p);
  return WMC_OK;
}

typedef struct radial {
  double k, slope;           /* k(r), k'(r) */
  double tangential, radial; /* R = tangential (1 - e e^T) + radial e e^T */
} radial;

/* C = (variance) [a (1 - e e^T) + b e e^T] with a, b of eq. (5), and b contains k'^2. */
static radial radial_at(const wmc_pair *p, double r)
{
  wmc_averages a;
  if (!p->table) return (radial){p->scale * r, p->scale, p->scale, 0};
  wmc_averages_table_at(p->table, p->inner_variance * r * r, &a);
  const double root = sqrt(p->variance), size = sqrt(a.square), along = a.cross / size;
  return (radial){.k = root * size / sqrt(p->inner_variance),
                  .slope = root * along,
                  .tangential = root * sqrt(a.tangential),
                  .radial = root * sqrt(fmax(0, a.radial - along * along))};
}

static double radial_amplitude(wmc_pair *p, const double *x, double *gradient)
{
  const radial at = radial_at(p, wmc_pair_direction(p, x, gradient));
  for (size_t i = 0; i < p->d; i++) gradient[i] *= at.slope;
  return at.k;
}

/* (1/2) k k' along e as a difference quotient of k over the range of a step, and its derivative:
 * k'' is not needed. k is even. */
static void radial_bend(wmc_pair *p, const double *x, double *delta, double *derivative)
{
  const size_t d = p->d;
  const double r = wmc_pair_direction(p, x, delta);
  const radial at = radial_at(p, r);
  const double reach = p->root * at.k, stretch = p->root * at.slope, side = r < reach ? -1 : 1;
  const radial up = radial_at(p, r + reach), down = radial_at(p, fabs(r - reach));
  const double half = (up.k - down.k) / (4 * p->root), across = half / r,
               along =
                   (up.slope * (1 + stretch) - side * down.slope * (1 - stretch)) / (4 * p->root);
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++)
      derivative[j * d + i] = (along - across) * delta[i] * delta[j] + (i == j ? across : 0);
  for (size_t i = 0; i < d; i++) delta[i] *= half;
}

static void radial_remainder(wmc_pair *p, const double *x)
{
  const radial at = radial_at(p, wmc_pair_direction(p, x, p->rest.axis[0]));
  fill(p->d, at.tangential, p->rest.diagonal);
  p->rest.part[0] = 1 - at.radial / at.tangential;
}

const wmc_pair_row wmc_pair_radial = {.prepare = prepare_radial,
                                      .amplitude = radial_amplitude,
                                      .bend = radial_bend,
                                      .remainder = radial_remainder};

/* ---- the same behind a norm: k is constant ----------------------------------------------------
 */

static wmc_status prepare_steady(wmc_pair *p, const wmc_block_options *o)
{
  const double d = o->width;
  double second = 0;
  if (p->averaged) {
    wmc_averages a;
    wmc_averages_at(p->activation, p->slope, o->inner_variance * d, &a);
    p->steady = sqrt(p->variance * a.square / o->inner_variance);
    p->tangential = sqrt(p->variance * a.tangential);
  } else {
    p->tangential = linear_scale(p);
    p->steady = p->tangential * sqrt(d);
    if (!p->activation->homogeneous) at_zero(p->activation, &second);
    p->drift = 0.5 * second * o->variance * d; /* phi''(0) |u|^2/2 */
  }
  return WMC_OK;
}

static double steady_amplitude(wmc_pair *p, const double *x, double *gradient)
{
  (void)x;
  fill(p->d, 0, gradient);
  return p->steady;
}

/* R = (tangential sqrt(d)/r)(1 - e e^T), and without the mean. */
static void steady_remainder(wmc_pair *p, const double *x)
{
  const double r = wmc_pair_direction(p, x, p->rest.axis[0]), d = (double)p->d;
  fill(p->d, p->tangential * sqrt(d) / r, p->rest.diagonal);
}

const wmc_pair_row wmc_pair_steady = {
    .prepare = prepare_steady, .amplitude = steady_amplitude, .remainder = steady_remainder};

/* ---- one_layer: dx = sigma dW phi(u), u = N(x) ------------------------------------------------
 */

static wmc_status prepare_columns(wmc_pair *p, const wmc_block_options *o)
{
  (void)p;
  (void)o;
  return WMC_OK;
}

/* phi(u) in `values`, phi'(u) in `slopes`, e in `axis` with norm; returns the factor of
 * du = factor (1 - e e^T) dx. */
static double activate(wmc_pair *p, const double *x)
{
  const size_t d = p->d;
  const double root = sqrt((double)d);
  if (p->norm == WMC_NORM_NONE) {
    p->activation->apply(d, p->slope, x, p->values, p->slopes);
    return 1;
  }
  const double length = wmc_pair_direction(p, x, p->axis);
  for (size_t i = 0; i < d; i++) p->image[i] = root * p->axis[i];
  p->activation->apply(d, p->slope, p->image, p->values, p->slopes);
  return root / length;
}

static double dot(size_t n, const double *a, const double *b)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* g <- (1 - e e^T) g, and without the mean for norm layer. */
static void project(const wmc_pair *p, const double *e, double *g)
{
  const size_t d = p->d;
  if (p->norm == WMC_NORM_NONE) return;
  const double along = dot(d, e, g);
  for (size_t i = 0; i < d; i++) g[i] -= along * e[i];
  if (p->norm != WMC_NORM_LAYER) return;
  double mean = 0;
  for (size_t i = 0; i < d; i++) mean += g[i] / (double)d;
  for (size_t i = 0; i < d; i++) g[i] -= mean;
}

/* k = sigma |phi(u)|; where all of phi(u) is 0 nothing moves. */
static double columns_amplitude(wmc_pair *p, const double *x, double *gradient)
{
  const size_t d = p->d;
  const double factor = activate(p, x), size = sqrt(dot(d, p->values, p->values)),
               root = sqrt(p->variance);
  for (size_t i = 0; i < d; i++)
    gradient[i] = size > 0 ? root * factor * p->slopes[i] * (p->values[i] / size) : 0;
  project(p, p->axis, gradient);
  return root * size;
}

/* delta = grad k^2/4. With g and diag(w) the first two derivatives of k^2/4 in u, P = 1 - e e^T
 * (without the mean), and f = sqrt(d)/|x|: delta = f P g, and its derivative is
 * f^2 [ P diag(w) P - (e (P g)^T + (P g) e^T + (e . g) P)/sqrt(d) ]. */
static void columns_bend(wmc_pair *p, const double *x, double *delta, double *derivative)
{
  const size_t d = p->d;
  const double factor = activate(p, x), half = 0.5 * p->variance;
  const double *at = x;
  if (p->norm != WMC_NORM_NONE) at = p->image;
  if (p->activation->curve)
    p->activation->curve(d, at, p->curves);
  else
    fill(d, 0, p->curves);
  memset(derivative, 0, d * d * sizeof *derivative);
  for (size_t i = 0; i < d; i++) {
    delta[i] = half * p->values[i] * p->slopes[i];
    derivative[i * (d + 1)] = half * (p->slopes[i] * p->slopes[i] + p->values[i] * p->curves[i]);
  }
  if (p->norm == WMC_NORM_NONE) return;
  const double along = dot(d, p->axis, delta), root = sqrt((double)d);
  project(p, p->axis, delta);
  for (size_t i = 0; i < d; i++) derivative[i * (d + 1)] -= along / root;
  for (int side = 0; side < 2; side++) { /* P from both sides: columns, transpose, columns */
    for (size_t j = 0; j < d; j++) project(p, p->axis, derivative + j * d);
    for (size_t j = 1; j < d; j++)
      for (size_t i = 0; i < j; i++) {
        double t = derivative[j * d + i];
        derivative[j * d + i] = derivative[i * d + j];
        derivative[i * d + j] = t;
      }
  }
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++) {
      double turn = (p->axis[i] * delta[j] + delta[i] * p->axis[j]) / root;
      derivative[j * d + i] = factor * factor * (derivative[j * d + i] - turn);
    }
  for (size_t i = 0; i < d; i++) delta[i] *= factor;
}

/* R = (1 - f f^T) D DN with f = phi(u)/|phi(u)|. */
static void columns_remainder(wmc_pair *p, const double *x)
{
  const size_t d = p->d;
  const double factor = activate(p, x), size = sqrt(dot(d, p->values, p->values)),
               root = sqrt(p->variance);
  for (size_t i = 0; i < d; i++) {
    p->rest.front[i] = size > 0 ? p->values[i] / size : 0;
    p->rest.diagonal[i] = root * factor * p->slopes[i];
    p->rest.axis[0][i] = p->axis[i];
  }
}

const wmc_pair_row wmc_pair_columns = {.prepare = prepare_columns,
                                       .amplitude = columns_amplitude,
                                       .bend = columns_bend,
                                       .remainder = columns_remainder};
