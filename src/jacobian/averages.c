#include "averages.h"

#include <math.h>

#include "weylmc/base/memory.h"

enum { CHUNK = 64, STEPS = 16, QUANTITIES = 4 };
static const double ONE_OVER_ROOT_TWO_PI = 0.39894228040143267794;

/* ---- quadrature ----------------------------------------------------------------------------- */

static void of_homogeneous(double alpha, double q, wmc_averages *out)
{
  const double mean = 0.5 * (1 + alpha * alpha);
  *out = (wmc_averages){
      .square = q * mean, .tangential = mean, .radial = mean, .cross = sqrt(q) * mean};
}

/* Adds `count` nodes z with their weights. */
static void add_nodes(const wmc_activation *activation, double slope, double root, size_t count,
                      const double *z, const double *weight, wmc_averages *out)
{
  double argument[CHUNK], value[CHUNK], derivative[CHUNK];
  for (size_t k = 0; k < count; k++) argument[k] = root * z[k];
  activation->apply(count, slope, argument, value, derivative);
  for (size_t k = 0; k < count; k++) {
    out->square += weight[k] * value[k] * value[k];
    out->tangential += weight[k] * derivative[k] * derivative[k];
    out->radial += weight[k] * derivative[k] * derivative[k] * z[k] * z[k];
    out->cross += weight[k] * value[k] * derivative[k] * z[k];
  }
}

void wmc_averages_at(const wmc_activation *activation, double slope, double q, wmc_averages *out)
{
  const double widest = 9, step = 1.0 / STEPS; /* e^{-81/2} is left out */
  const double alpha = wmc_activation_negative_slope(activation, slope);
  if (activation->homogeneous) {
    of_homogeneous(alpha, q, out);
    return;
  }
  const double root = sqrt(q), c = fmin(1, 1 / root);
  const long nodes = (long)ceil(asinh(widest / c) * STEPS);
  double z[CHUNK], weight[CHUNK];
  size_t waiting = 0;
  *out = (wmc_averages){0};
  for (long k = -nodes; k <= nodes; k++) {
    const double s = step * (double)k;
    z[waiting] = c * sinh(s);
    weight[waiting] =
        step * ONE_OVER_ROOT_TWO_PI * c * cosh(s) * exp(-0.5 * z[waiting] * z[waiting]);
    if (++waiting < CHUNK && k < nodes) continue;
    add_nodes(activation, slope, root, waiting, z, weight, out);
    waiting = 0;
  }
}

/* ---- table ---------------------------------------------------------------------------------- */

/* Numbers that vary slowly with log q: log square, log tangential, and two ratios. */
enum { PER_UNIT = 32, REACH = 12, ROWS = 2 * REACH * PER_UNIT + 1 };

struct wmc_averages_table {
  const wmc_activation *activation;
  double slope, centre; /* centre: of log q */
  double rows[ROWS][QUANTITIES];
};

static void to_row(double q, const wmc_averages *a, double *row)
{
  row[0] = log(a->square);
  row[1] = log(a->tangential);
  row[2] = a->radial / a->tangential;
  row[3] = sqrt(q) * a->cross / a->square;
}

static void from_row(double q, const double *row, wmc_averages *a)
{
  a->square = exp(row[0]);
  a->tangential = exp(row[1]);
  a->radial = row[2] * a->tangential;
  a->cross = row[3] * a->square / sqrt(q);
}

wmc_status wmc_averages_table_create(wmc_averages_table **table, const wmc_activation *activation,
                                     double slope, double centre)
{
  wmc_averages_table *t = WMC_NEW(wmc_averages_table);
  *table = t;
  if (!t) return wmc_no_memory();
  t->activation = activation;
  t->slope = slope;
  t->centre = log(centre);
  for (int k = 0; k < ROWS; k++) {
    const double q = exp(t->centre + (double)k / PER_UNIT - REACH);
    wmc_averages a;
    wmc_averages_at(activation, slope, q, &a);
    to_row(q, &a, t->rows[k]);
  }
  return WMC_OK;
}

void wmc_averages_table_destroy(wmc_averages_table *table) { wmc_free(table); }

void wmc_averages_table_at(const wmc_averages_table *t, double q, wmc_averages *out)
{
  const double at = (log(q) - t->centre + REACH) * PER_UNIT;
  if (!(at >= 1 && at < ROWS - 2)) {
    wmc_averages_at(t->activation, t->slope, q, out);
    return;
  }
  const int first = (int)at - 1;
  const double x = at - first; /* from 1 to 2 among the nodes 0 1 2 3 */
  const double weight[4] = {-(x - 1) * (x - 2) * (x - 3) / 6, x * (x - 2) * (x - 3) / 2,
                            -x * (x - 1) * (x - 3) / 2, x * (x - 1) * (x - 2) / 6};
  double row[QUANTITIES] = {0};
  for (int k = 0; k < 4; k++)
    for (int i = 0; i < QUANTITIES; i++) row[i] += weight[k] * t->rows[first + k][i];
  from_row(q, row, out);
}
