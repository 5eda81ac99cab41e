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
 * difference of its singular values phi, of which the last has the sign of det Phi. */
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
  t.phi[0] = d == 1 ? p[0] : 0.5 * (t.plus + t.minus);
  t.phi[1] = d == 1 ? 0 : 0.5 * (t.plus - t.minus);
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

/* size (1 - cos(angle)) weighed by its exp(-cold ...), angles uniform: with c = I_1/I_0 at
 * x = cold size, mean 1 - c and variance dc/dx = 1 - c/x - c^2, by series where these cancel. */
typedef struct turn {
  double log_mass, mean, variance;
} turn;

static turn turned(double cold, double size)
{
  const double far = 500, x = cold * size;
  double i0, i1, mean, variance;
  wmc_bessel_scaled(x, &i0, &i1);
  if (x < far) {
    mean = 1 - i1 / i0;
    variance = x > 0 ? 1 - i1 / i0 / x - i1 / i0 * (i1 / i0) : 0.5;
  } else {
    double y = 1 / x;
    mean = y * (1.0 / 2 + y * (1.0 / 8 + y * (1.0 / 8 + y * 25.0 / 128)));
    variance = y * y * (1.0 / 2 + y * (1.0 / 4 + y * (3.0 / 8 + y * 25.0 / 32)));
  }
  return (turn){log(i0), size * mean, size * size * variance};
}

/* Energy and weight exp(-cold E) averaged over frames at fixed sigma, the last one signed. */
static moments frames_average(const target *t, int d, double cold, const double *sigma)
{
  double least = 0; /* energy in the frames of Phi */
  for (int k = 0; k < d; k++) least += 0.5 * (sigma[k] - t->phi[k]) * (sigma[k] - t->phi[k]);
  moments m = {-cold * least, least, least * least};
  if (!t->given || d == 1) return m;
  turn a = turned(cold, 0.5 * (sigma[0] + sigma[1]) * t->plus);
  turn b = turned(cold, 0.5 * (sigma[0] - sigma[1]) * t->minus);
  m.log_mass += a.log_mass + b.log_mass;
  m.mean += a.mean + b.mean;
  m.square = m.mean * m.mean + a.variance + b.variance;
  return m;
}

/* One trapezoidal rule in log sigma_1, and one in u, the logarithm of D = log(sigma_1/sigma_2). The
 * law at E = 0 is homogeneous: it has weight scaling * log sigma_1 + a function of D, at most
 * `highest`. */
typedef struct grid {
  double low, step, gap_low, gap_step, scaling, highest;
  long points, gaps;
} grid;

/* Log of the weight of the law at E = 0 at one point, Jacobian of the variables within. */
static double log_weight(const wmc_gibbs *law, const grid *g, double log_sigma, double u)
{
  const int r = law->shape.rank;
  double memory[2] = {log_sigma, log_sigma - exp(u)};
  const wmc_spectrum x = {.rank = r, .depth = law->shape.depth, .log_sigma = memory};
  double weight = log(g->step) + (r == 2 ? log(g->gap_step) + u : 0);
  for (int k = 0; k < r && !wmc_shape_is_infinite(&law->shape); k++)
    weight += memory[k] / law->shape.depth - log(law->shape.depth);
  return weight + wmc_gibbs_log_density(law, &x, 0);
}

/* The largest weight at log sigma_1 = 0, up to what lies between the points looked at. */
static double highest_weight(const wmc_gibbs *law, const grid *g)
{
  const double coarse = 0.1, between = 1, high = g->gap_low + g->gap_step * (double)g->gaps;
  double most = log_weight(law, g, 0, g->gap_low);
  for (double u = g->gap_low; law->shape.rank == 2 && u < high; u += coarse)
    most = fmax(most, log_weight(law, g, 0, u));
  return most + between;
}

static bool grid_of(const wmc_gibbs *law, const target *t, grid *g)
{
  const double cold = coldness(law), far = 42, sharpness = sqrt(cold * t->square);
  const double power = wmc_gibbs_power(law), clock = wmc_shape_clock(&law->shape);
  double decay = (wmc_shape_is_infinite(&law->shape) ? power : power + 1) / clock;
  g->scaling = wmc_gibbs_scaling(law);
  g->low = 0.5 * log(g->scaling / cold) - far / g->scaling;
  g->step = fmin(0.1, 0.35 / (1 + sharpness));
  double high = log(fabs(t->phi[0]) + sqrt((2 * far + 4 * g->scaling) / cold));
  g->points = (long)((high - g->low) / g->step) + 2;
  g->gap_low = -log(1 + sharpness) - 0.5 * far;
  /* of D near its mean, which log sigma_2 spreads */
  double warm = 1 / sqrt(cold), least = fabs(t->phi[1]), spread = warm / (warm + least);
  double mean = log((fabs(t->phi[0]) + warm) / (least + warm));
  g->gap_step = fmin(0.08, 0.25 * spread / mean);
  g->gaps = law->shape.rank == 1 ? 1 : (long)((log(far / decay) - g->gap_low) / g->gap_step);
  g->highest = highest_weight(law, g);
  return sharpness < 1e4;
}

/* The integrand with the moments of E within. */
static moments integrand(const wmc_gibbs *law, const target *t, const grid *g, double log_sigma,
                         double u)
{
  const int r = law->shape.rank;
  double sigma[2] = {exp(log_sigma), exp(log_sigma - exp(u))};
  moments m = frames_average(t, r, coldness(law), sigma);
  if (t->given && wmc_gibbs_flips(law)) {
    sigma[r - 1] = -sigma[r - 1];
    m = added(m, frames_average(t, r, coldness(law), sigma));
    m.log_mass -= LOG_2;
  }
  m.log_mass += log_weight(law, g, log_sigma, u);
  return m;
}

/* Points [first, last) in u whose sigma_2 = sigma_1 e^-D is within `reach` of phi_2. */
static void window(const grid *g, double log_sigma, double phi, double reach, long *first,
                   long *last)
{
  double least = log_sigma - log(phi + reach);
  double most = phi > reach ? log_sigma - log(phi - reach) : INFINITY;
  double from = least > 0 ? (log(least) - g->gap_low) / g->gap_step : 0;
  double to = most > 0 ? (log(most) - g->gap_low) / g->gap_step + 2 : 0;
  *first = (long)fmin(fmax(from, 0), (double)g->gaps);
  *last = (long)fmin(fmax(to, 0), (double)g->gaps);
}

/* One row of the grid. By von Neumann's inequality |X - Phi|^2 >= sum (sigma_k - phi_k)^2, so what
 * cannot reach exp(-45) of `best` is left out at once. */
static moments integrate_row(const wmc_gibbs *law, const target *t, const grid *g, long i,
                             double best)
{
  const double negligible = 45, cold = coldness(law), l = g->low + g->step * (double)i;
  const double off = exp(l) - fabs(t->phi[0]);
  moments row = {-INFINITY, 0, 0};
  double room = g->scaling * l + g->highest - 0.5 * cold * off * off - best + negligible;
  long first = 0, last = g->gaps;
  if (room < 0) return row;
  if (law->shape.rank == 2) window(g, l, fabs(t->phi[1]), sqrt(2 * room / cold), &first, &last);
  for (long j = first; j < last; j++)
    row = added(row, integrand(law, t, g, l, g->gap_low + g->gap_step * (double)j));
  return row;
}

static bool integrate(const wmc_gibbs *law, const target *t, wmc_partition *out)
{
  grid g;
  if (!grid_of(law, t, &g)) return false;
  moments all = {-INFINITY, 0, 0};
  /* rows near Phi first, so that the others know what is negligible */
  const double start = t->phi[0] != 0 ? (log(fabs(t->phi[0])) - g.low) / g.step : 0;
  const long middle = (long)fmin(fmax(start, 0), (double)g.points);
  for (long i = middle; i < g.points; i++)
    all = added(all, integrate_row(law, t, &g, i, all.log_mass));
  for (long i = middle - 1; i >= 0; i--)
    all = added(all, integrate_row(law, t, &g, i, all.log_mass));
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
