#include "weylmc/geometry/partition.h"

#include <math.h>
#include <stddef.h>

#include "weylmc/geometry/entropy.h"
#include "weylmc/numeric/special.h"

static const double LOG_2 = 0.69314718055994530942;
static const double LOG_2_PI = 1.8378770664093454836;

static double coldness(const wmc_gibbs *law) { return law->beta / law->horizontal; }

/* --- Closed forms ---------------------------------------------------------------------------- */

/* The density of one y = sigma^2, apart from pairs, is y^c exp(-beta y / 2h) / (2N); log(2N) and
 * c + 1. */
static double log_jacobian(const wmc_gibbs *law)
{
  return LOG_2 + log(wmc_shape_clock(&law->shape));
}

static double exponent(const wmc_gibbs *law)
{
  double power = wmc_gibbs_power(law), clock = wmc_shape_clock(&law->shape);
  return (wmc_shape_is_infinite(&law->shape) ? power : power + 1) / (2 * clock);
}

static double log_z_of_rank_one(const wmc_gibbs *law)
{
  double q = exponent(law);
  return wmc_log_gamma(q) + q * log(2 / coldness(law)) - log_jacobian(law);
}

/* At infinite depth t -> 0, with (y_i^t - y_j^t)/t for the second factor of pairs. */
static double log_z_biorthogonal(const wmc_gibbs *law)
{
  const int r = law->shape.rank;
  const bool infinite = wmc_shape_is_infinite(&law->shape);
  const double t = infinite ? 0 : 1 / law->shape.depth, pairs = 0.5 * r * (r - 1.0);
  double q = exponent(law), sum = -r * log_jacobian(law);
  for (int k = 0; k < r; k++)
    sum += wmc_log_gamma(k + 1) + wmc_log_gamma(q + k * t) + (infinite ? 0 : k * log(t));
  return sum + (r * q + (1 + t) * pairs) * log(2 / coldness(law));
}

/* Selberg's integral: the density of y has prod (y_i - y_j)^b for pairs, because N = 1 or v = 2h.
 */
static double log_z_of_selberg(const wmc_gibbs *law)
{
  const int r = law->shape.rank;
  const double half = 0.5 * (double)law->shape.numbers, q = exponent(law);
  double sum = -r * log_jacobian(law) - wmc_log_gamma(r + 1);
  for (int k = 0; k < r; k++)
    sum +=
        wmc_log_gamma(1 + (k + 1) * half) - wmc_log_gamma(1 + half) + wmc_log_gamma(q + k * half);
  return sum + (r * q + half * r * (r - 1)) * log(2 / coldness(law));
}

double wmc_partition_log_frames(const wmc_gibbs *law)
{
  const wmc_shape *s = &law->shape;
  if (wmc_shape_is_infinite(s)) return NAN;
  const double r = s->rank, b = s->numbers, share = law->vertical / law->horizontal;
  const bool real = s->numbers == WMC_NUMBERS_REAL;
  const bool square = s->rows == s->rank && s->columns == s->rank;
  double frames = wmc_log_volume_stiefel(s->numbers, s->rows, s->rank) +
                  wmc_log_volume_stiefel(s->numbers, s->columns, s->rank) -
                  0.5 * b * r * (r - 1) * LOG_2;
  double phases = r * (real ? LOG_2 : LOG_2_PI); /* common to both frames: the same X */
  double radii = real ? 0.5 * r * log(s->depth) : 0;
  double fibre = wmc_entropy_constant(s) + 0.5 * (b - 1) * r * log(s->depth);
  double sheet = real && square && !wmc_gibbs_flips(law) ? LOG_2 : 0;
  return frames - phases + radii - sheet + share * fibre;
}

/* --- Quadrature ------------------------------------------------------------------------------ */

/* Phi in parts that commute and anticommute with rotations, whose sizes are the sum and the
 * difference of its (signed) singular values; phi are those, unsigned. */
typedef struct target {
  bool given;
  double plus, minus, phi[2], square;
} target;

static target target_of(int d, const double *p)
{
  target t = {.given = p != NULL};
  if (p == NULL) return t;
  t.plus = d == 1 ? p[0] : hypot(p[0] + p[3], p[2] - p[1]);
  t.minus = d == 1 ? 0 : hypot(p[0] - p[3], p[1] + p[2]);
  t.phi[0] = d == 1 ? fabs(p[0]) : 0.5 * (t.plus + t.minus);
  t.phi[1] = d == 1 ? 0 : 0.5 * fabs(t.plus - t.minus);
  t.square = t.phi[0] * t.phi[0] + t.phi[1] * t.phi[1];
  return t;
}

/* Mean, second moment and log weight of something; weights of two are added. */
typedef struct moments {
  double log_mass, mean, square;
} moments;

static moments added(moments a, moments b)
{
  if (b.log_mass == -INFINITY) return a;
  if (a.log_mass == -INFINITY) return b;
  double top = fmax(a.log_mass, b.log_mass), x = exp(a.log_mass - top), y = exp(b.log_mass - top);
  return (moments){top + log(x + y), (x * a.mean + y * b.mean) / (x + y),
                   (x * a.square + y * b.square) / (x + y)};
}

/* size cos(angle) weighed by exp(cold size cos(angle)), angles uniform: I_1/I_0. */
static moments turned(double cold, double size)
{
  double i0, i1, x = cold * fabs(size);
  wmc_bessel_scaled(x, &i0, &i1);
  double mean = fabs(size) * i1 / i0;
  return (moments){x + log(i0), mean, size * size - (x > 0 ? mean / cold : 0.5 * size * size)};
}

/* Energy and weight exp(-cold E) averaged over frames at fixed sigma, the last one signed. */
static moments frames_average(const target *t, int d, double cold, const double *sigma)
{
  double square = 0.5 * t->square;
  for (int k = 0; k < d; k++) square += 0.5 * sigma[k] * sigma[k];
  moments m = {-cold * square, square, square * square};
  if (!t->given) return m;
  double mean = sigma[0] * t->plus, spread = 0;
  m.log_mass += cold * mean;
  if (d == 2) {
    moments a = turned(cold, 0.5 * (sigma[0] + sigma[1]) * t->plus);
    moments b = turned(cold, 0.5 * (sigma[0] - sigma[1]) * t->minus);
    mean = a.mean + b.mean;
    spread = a.square - a.mean * a.mean + b.square - b.mean * b.mean;
    m.log_mass = -cold * square + a.log_mass + b.log_mass;
  }
  m.mean = square - mean;
  m.square = m.mean * m.mean + spread;
  return m;
}

/* One trapezoidal rule in log sigma_1, and one in the logarithm of log(sigma_1/sigma_2). */
typedef struct grid {
  double low, step, gap_low, gap_step;
  long points, gaps;
} grid;

static bool grid_of(const wmc_gibbs *law, const target *t, grid *out)
{
  const double cold = coldness(law), scaling = wmc_gibbs_scaling(law), far = 42;
  const double power = wmc_gibbs_power(law), clock = wmc_shape_clock(&law->shape);
  double sharpness = sqrt(cold * t->square), step = 0.35 / (1 + sharpness);
  double high = log(t->phi[0] + sqrt((2 * far + 4 * scaling) / cold));
  double decay = (wmc_shape_is_infinite(&law->shape) ? power : power + 1) / clock;
  out->low = 0.5 * log(scaling / cold) - far / scaling;
  out->step = fmin(0.1, step);
  out->points = (long)((high - out->low) / out->step) + 2;
  out->gap_low = log(fmin(1, 1 / (1 + sharpness))) - 0.5 * far;
  out->gap_step = fmin(0.08, step);
  out->gaps = law->shape.rank == 1 ? 1 : (long)((log(far / decay) - out->gap_low) / out->gap_step);
  return sharpness * sharpness < 1e5 && (double)out->points * (double)out->gaps < 5e7;
}

/* The integrand with the Jacobian of the grid's variables, E moments within. `best` is the largest
 * weight so far: what is below exp(-45) of it is left out. */
static moments integrand(const wmc_gibbs *law, const target *t, const grid *g, long i, long j,
                         double best)
{
  const int r = law->shape.rank;
  const double cold = coldness(law), nothing = -INFINITY;
  double memory[2], sigma[2], gap = exp(g->gap_low + g->gap_step * (double)j), bound = 0;
  const wmc_spectrum x = {.rank = r, .depth = law->shape.depth, .log_sigma = memory};
  memory[0] = g->low + g->step * (double)i;
  memory[1] = memory[0] - gap;
  double weight = log(g->step) + (r == 2 ? log(g->gap_step) + log(gap) : 0);
  for (int k = 0; k < r; k++) {
    sigma[k] = exp(memory[k]);
    bound -= 0.5 * cold * (sigma[k] - t->phi[k]) * (sigma[k] - t->phi[k]);
    if (!wmc_shape_is_infinite(&law->shape))
      weight += memory[k] / law->shape.depth - log(law->shape.depth);
  }
  weight += wmc_gibbs_log_density(law, &x, 0);
  if (weight + bound < best - 45) return (moments){nothing, 0, 0};
  moments m = frames_average(t, r, cold, sigma);
  if (t->given && wmc_gibbs_flips(law)) {
    sigma[r - 1] = -sigma[r - 1];
    m = added(m, frames_average(t, r, cold, sigma));
    m.log_mass -= LOG_2;
  }
  m.log_mass += weight;
  return m;
}

static bool integrate(const wmc_gibbs *law, const target *t, wmc_partition *out)
{
  grid g;
  if (!grid_of(law, t, &g)) return false;
  moments all = {-INFINITY, 0, 0};
  for (long i = 0; i < g.points; i++) {
    moments row = {-INFINITY, 0, 0};
    for (long j = 0; j < g.gaps; j++)
      row = added(row, integrand(law, t, &g, i, j, fmax(row.log_mass, all.log_mass)));
    all = added(all, row);
  }
  *out = (wmc_partition){all.log_mass, all.mean, all.square - all.mean * all.mean};
  return true;
}

/* --- What is known --------------------------------------------------------------------------- */

static bool partition_of_frobenius(const wmc_gibbs *law, wmc_partition *out)
{
  const wmc_shape *s = &law->shape;
  const double half = 0.5 * wmc_gibbs_scaling(law), cold = coldness(law);
  const target none = {.given = false};
  out->log_z = NAN;
  if (s->rank == 1)
    out->log_z = log_z_of_rank_one(law);
  else if (s->depth == 1 || law->vertical == 2 * law->horizontal)
    out->log_z = log_z_of_selberg(law);
  else if (s->numbers == WMC_NUMBERS_COMPLEX && law->vertical == law->horizontal)
    out->log_z = log_z_biorthogonal(law);
  else if (s->rank == 2)
    integrate(law, &none, out);
  out->energy = half / cold;
  out->variance = half / (cold * cold);
  return true;
}

bool wmc_partition_function(const wmc_gibbs *law, const double *matrix, wmc_partition *out)
{
  const wmc_shape *s = &law->shape;
  if (!wmc_gibbs_exists(law)) return false;
  if (matrix == NULL) return partition_of_frobenius(law, out);
  if (s->numbers != WMC_NUMBERS_REAL || s->rank > 2) return false;
  if (s->rows != s->rank || s->columns != s->rank) return false;
  target t = target_of(s->rank, matrix);
  return integrate(law, &t, out);
}
