/* Drifts of singular values, for all schemes; eqs. (12), (20). */
#include <math.h>
#include <string.h>

#include "balanced_complex.h"
#include "balanced_dynamics.h"
#include "weylmc/base/memory.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/numeric/vector.h"

wmc_rates wmc_balanced_rates(const wmc_balanced *chain, double time)
{
  const wmc_gibbs *law = &chain->law;
  const wmc_shape *shape = &law->shape;
  const bool infinite = wmc_shape_is_infinite(shape);
  const double b = shape->numbers, t = time / wmc_shape_clock(shape);
  const double across = infinite ? 0 : b * wmc_shape_outer(shape) + b - 1;
  const double along = infinite ? b * wmc_shape_excess_share(shape) + b - 1
                                : b * wmc_shape_excess(shape) + (b - 1) * (shape->depth - 1);
  const double h = law->horizontal / law->beta, v = law->vertical / law->beta;
  return (wmc_rates){.time = t,
                     .variance = 2 * h * t,
                     .repulsion = 2 * b * h * t,
                     .outward = (h * across + v * along) * t,
                     .entropy = b * v * t};
}

size_t wmc_balanced_points_size(int rank)
{
  const size_t r = (size_t)rank, rest = r * (r + 6), stages = (WMC_ODE_STAGES + 1) * r;
  return 9 * (size_t)wmc_pairs_padded(rank) + wmc_spectrum_size(rank) + r +
         (rest > stages ? rest : stages);
}

wmc_points wmc_balanced_map_points(const wmc_balanced *chain)
{
  const int r = chain->x.rank, size = wmc_pairs_padded(r);
  double *m = chain->dynamics;
  return (wmc_points){.pairs = {.n = r,
                                .x = m,
                                .q = m + size,
                                .y = m + 2 * size,
                                .weight = m + 3 * size,
                                .mirrored = isfinite(chain->x.depth)},
                      .shift = m + 4 * size,
                      .slope = m + 5 * size,
                      .lambda = m + 6 * size,
                      .next = m + 7 * size,
                      .aid = m + 8 * size,
                      .sorted = wmc_spectrum_map(r, chain->x.depth, m + 9 * size),
                      .order = (int *)(m + 9 * size + wmc_spectrum_size(r)),
                      .rest = m + 9 * size + wmc_spectrum_size(r) + r};
}

/* Any pair i < j. */
static void add_pair(const wmc_spectrum *x, int i, int j, double w, const wmc_points *p)
{
  double apart = 0.5 * wmc_balanced_outflow(x->lambda[i] - x->lambda[j], w), slope_i, slope_j;
  double up = p->pairs.mirrored && w > 0 ? 0.5 * w / (x->lambda[i] + x->lambda[j]) : 0;
  x->log_sigma[i] = wmc_spectrum_log_sigma(x, x->lambda[i]);
  x->log_sigma[j] = wmc_spectrum_log_sigma(x, x->lambda[j]);
  wmc_entropy_pair_slopes(x, i, j, &slope_i, &slope_j);
  p->shift[i] += up + apart;
  p->shift[j] += up - apart;
  p->slope[i] += slope_i;
  p->slope[j] += slope_j;
}

/* Pairs that wmc_pairs_sum leaves out. */
static void add_close(const wmc_spectrum *x, int left, const wmc_points *p)
{
  for (int i = 0; i < x->rank && left > 0; i++)
    for (int j = i + 1; j < x->rank && left > 0; j++)
      if (!wmc_pairs_apart(&p->pairs, i, j)) {
        add_pair(x, i, j, p->pairs.strength, p);
        left--;
      }
}

/* Two points: without the overhead of eight. */
static void sum_two(const wmc_spectrum *x, double w, const wmc_points *p)
{
  const double *l = x->lambda, *y = x->sigma2, *q = x->lambda2;
  const double gap = l[0] - l[1], dy = y[0] - y[1], dq = q[0] - q[1];
  const double n = p->pairs.mirrored ? 1 / x->depth : 1;
  p->shift[0] = p->shift[1] = p->slope[0] = p->slope[1] = 0;
  if (!(dy > fmax(1e-3 * y[0], 1e-290) && dq > 1e-6 * fabs(l[0]))) {
    add_pair(x, 0, 1, w, p);
    return;
  }
  const double both = 1 / (dy * dq), fy = both * dq, fq = both * dy;
  const double apart = 0.5 * wmc_balanced_outflow(gap, w),
               up = p->pairs.mirrored ? 0.5 * w * gap * fq : 0;
  p->shift[0] = up + apart;
  p->shift[1] = up - apart;
  p->slope[0] = y[0] * fy - (p->pairs.mirrored ? q[0] : 1) * n * fq;
  p->slope[1] = (p->pairs.mirrored ? q[1] : 1) * n * fq - y[1] * fy;
}

void wmc_balanced_sum_pairs(const wmc_spectrum *x, double strength, const wmc_points *points)
{
  const size_t bytes = (size_t)x->rank * sizeof(double);
  if (x->rank == 2) {
    sum_two(x, strength, points);
    return;
  }
  wmc_points p = *points;
  p.pairs.strength = strength;
  memcpy(p.pairs.x, x->lambda, bytes);
  memcpy(p.pairs.q, x->lambda2, bytes);
  memcpy(p.pairs.y, x->sigma2, bytes);
  const double share = 1 / x->depth;
  for (int k = 0; k < x->rank; k++) p.pairs.weight[k] = isinf(x->depth) ? 1 : x->lambda2[k] * share;
  int left = wmc_pairs_sum(&p.pairs, p.shift, p.slope);
  if (left > 0) add_close(x, left, &p);
}

/* out = x^depth */
static void take_power(int r, const double *x, double depth, double *out)
{
  if (r > 2) {
    wmc_pairs_power(r, x, depth, out);
    return;
  }
  double a = x[0], b = x[r - 1], c = 1, d = 1;
  for (long left = (long)depth; left > 0; left /= 2) {
    if (left % 2 == 1) {
      c *= a;
      d *= b;
    }
    a *= a;
    b *= b;
  }
  out[0] = c;
  out[r - 1] = d;
}

void wmc_balanced_sigma(int rank, double depth, const double *lambda, double *sigma)
{
  if (isfinite(depth)) {
    take_power(rank, lambda, depth, sigma);
    return;
  }
  for (int k = 0; k < rank; k++) sigma[k] = exp(lambda[k]);
}

/* lambda -> lambda2, sigma, sigma2 of entries [0, rank), without transcendental functions at
 * finite depth; log_sigma is left as it is. */
static void set_lambda(const wmc_spectrum *x, const double *lambda)
{
  wmc_balanced_sigma(x->rank, x->depth, lambda, x->sigma);
  for (int k = 0; k < x->rank; k++) wmc_spectrum_set(x, k, lambda[k], x->log_sigma[k], x->sigma[k]);
}

void wmc_balanced_set_logs(const wmc_spectrum *x)
{
  for (int k = 0; k < x->rank; k++) x->log_sigma[k] = wmc_spectrum_log_sigma(x, x->lambda[k]);
}

static void swap(int n, double *x, double *y)
{
  for (int k = 0; k < n; k++) {
    double t = x[k];
    x[k] = y[k];
    y[k] = t;
  }
}

void wmc_balanced_adopt(wmc_balanced *chain, double *lambda)
{
  const int r = chain->x.rank, m = chain->rows, n = chain->columns;
  for (int k = 0; k < r && isfinite(chain->x.depth); k++) {
    if (lambda[k] < 0 && chain->flips && chain->u != NULL) wmc_balanced_flip_column(chain, k);
    if (lambda[k] < 0 && chain->unitary && fmod(chain->x.depth, 2) == 1)
      wmc_unitary_turn_phase(chain, k, -1);
    lambda[k] = fabs(lambda[k]);
  }
  for (int i = 1; i < r; i++)
    for (int k = i; k > 0 && lambda[k - 1] < lambda[k]; k--) {
      swap(1, lambda + k - 1, lambda + k);
      if (chain->unitary) wmc_unitary_swap_columns(chain, k);
      if (chain->u == NULL) continue;
      swap(m, chain->u + (k - 1) * m, chain->u + k * m);
      swap(n, chain->v + (k - 1) * n, chain->v + k * n);
    }
  set_lambda(&chain->x, lambda);
}

/* Places of |lambda| (lambda at infinite depth) in decreasing order. */
static void sort(int r, bool infinite, const double *lambda, int *order, double *sorted)
{
  for (int i = 0; i < r; i++) {
    const double size = infinite ? lambda[i] : fabs(lambda[i]);
    int k = i;
    for (; k > 0 && sorted[k - 1] < size; k--) {
      sorted[k] = sorted[k - 1];
      order[k] = order[k - 1];
    }
    sorted[k] = size;
    order[k] = i;
  }
}

double wmc_balanced_slope(const wmc_energy *energy, double depth, double lambda, double sigma,
                          double force)
{
  if (isinf(depth)) return sigma * force + energy->decay;
  return depth * (sigma * force / lambda + energy->decay * lambda);
}

/* dE/dlambda_k of an energy of sigma alone */
static double slope_at(const wmc_balanced *chain, const wmc_spectrum *x, int k)
{
  return wmc_balanced_slope(&chain->energy, x->depth, x->lambda[k], x->sigma[k],
                            chain->energy.quadratic[0] * x->sigma[k]);
}

void wmc_balanced_drift(const wmc_balanced *chain, const wmc_rates *rates, double outward,
                        bool energy, const double *lambda, double *drift)
{
  const wmc_points *p = chain->points;
  const wmc_spectrum *x = &p->sorted;
  const int r = x->rank;
  const bool infinite = isinf(x->depth);
  sort(r, infinite, lambda, p->order, p->aid);
  set_lambda(x, p->aid);
  if (rates->entropy > 0) wmc_balanced_sum_pairs(x, 0, p);
  for (int k = 0; k < r; k++) {
    const double inverse = infinite ? 1 : 1 / x->lambda[k], n = infinite ? 1 : x->depth;
    double sum = outward > 0 ? outward * inverse : 0;
    if (rates->entropy > 0) sum += rates->entropy * n * inverse * p->slope[k];
    if (energy) sum -= rates->time * slope_at(chain, x, k);
    drift[p->order[k]] = !infinite && lambda[p->order[k]] < 0 ? -sum : sum;
  }
}

double *wmc_balanced_frames_memory(const wmc_balanced *chain)
{
  return chain->dynamics + wmc_balanced_points_size(chain->x.rank);
}

size_t wmc_balanced_force_scratch(const wmc_shape *shape)
{
  const size_t m = (size_t)shape->rows, n = (size_t)shape->columns;
  return 3 * m * n + m * m + n * n;
}

static void find_matrix(const wmc_balanced *chain, const double *sigma, const double *u,
                        const double *v, double *x)
{
  const int m = chain->rows, n = chain->columns;
  memset(x, 0, (size_t)(m * n) * sizeof *x);
  for (int j = 0; j < n; j++)
    for (int k = 0; k < chain->x.rank; k++) {
      const double factor = sigma[k] * v[k * n + j], *column = u + k * m;
      for (int i = 0; i < m; i++) x[j * m + i] += factor * column[i];
    }
}

/* Without C and a mask beyond a multiple of X, E' is c X - B. */
void wmc_balanced_find_force(const wmc_balanced *chain, const double *sigma, const double *u,
                             const double *v, double *force, double *scratch)
{
  const int m = chain->rows, entries = m * chain->columns;
  double *gradient = scratch, *x = gradient + entries, *rest = x + entries;
  if (chain->energy.plain && !chain->energy.masked) {
    wmc_balanced_into_frames(chain, u, chain->energy.linear, v, force, rest);
    for (int k = 0; k < entries; k++) force[k] = -force[k];
    for (int k = 0; k < chain->x.rank; k++)
      force[k * (m + 1)] += chain->energy.quadratic[0] * sigma[k];
    return;
  }
  find_matrix(chain, sigma, u, v, x);
  wmc_energy_gradient(&chain->energy, x, gradient);
  wmc_balanced_into_frames(chain, u, gradient, v, force, rest);
}

/* --- Repulsion ------------------------------------------------------------------------------- */

typedef struct repulsion {
  bool infinite;
  int r;
  double pair, single; /* of half a step */
  const double *x;     /* where the step begins */
  double *h;           /* r x r: Hessian without the identity */
} repulsion;

/* minus the gradient of |z - x|^2/2 - sum of logarithms, and the Hessian */
static double find_residual(const repulsion *f, const double *z, double *residual)
{
  const int r = f->r;
  double most = 0;
  for (int i = 0; i < r; i++) {
    residual[i] = f->x[i] - z[i] + (f->infinite || f->single == 0 ? f->single : f->single / z[i]);
    f->h[i * r + i] = 1 + (f->infinite || f->single == 0 ? 0 : f->single / (z[i] * z[i]));
  }
  for (int i = 0; i < r; i++)
    for (int j = i + 1; j < r; j++) {
      const double near = 1 / (z[i] - z[j]), far = f->infinite ? 0 : 1 / (z[i] + z[j]);
      const double near2 = f->pair * near * near, far2 = f->pair * far * far;
      residual[i] += f->pair * (far + near);
      residual[j] += f->pair * (far - near);
      f->h[i * r + i] += near2 + far2;
      f->h[j * r + j] += near2 + far2;
      f->h[i * r + j] = f->h[j * r + i] = far2 - near2;
    }
  for (int i = 0; i < r; i++) most = fmax(most, fabs(residual[i]));
  return most;
}

/* H step = residual by conjugate gradients with the diagonal taken out; residual is destroyed.
 * `scratch` holds 3 r. */
static void solve(const repulsion *f, double *residual, double *step, double *scratch)
{
  const int r = f->r;
  double *along = scratch, *image = scratch + r, *scaled = scratch + 2 * r, old = 0, first = 0;
  for (int i = 0; i < r; i++) step[i] = along[i] = 0;
  for (int k = 0; k <= 2 * r; k++) {
    for (int i = 0; i < r; i++) scaled[i] = residual[i] / f->h[i * r + i];
    const double now = wmc_dot(r, residual, scaled);
    if (k == 0) first = now;
    if (!(now > 1e-26 * first)) return;
    for (int i = 0; i < r; i++) along[i] = scaled[i] + (k == 0 ? 0 : now / old) * along[i];
    for (int i = 0; i < r; i++) image[i] = wmc_dot(r, f->h + i * r, along);
    const double far = now / wmc_dot(r, along, image);
    for (int i = 0; i < r; i++) {
      step[i] += far * along[i];
      residual[i] -= far * image[i];
    }
    old = now;
  }
}

/* Whether z lies where all logarithms are finite. */
static bool inside(const repulsion *f, const double *z)
{
  const int last = f->r - 1;
  for (int k = 0; k < last; k++)
    if (!(z[k] > z[k + 1])) return false;
  if (f->infinite) return true;
  return f->single > 0 ? z[last] > 0 : last == 0 || z[last - 1] + z[last] > 0;
}

/* A point inside, at about the distance that the step makes. */
static void begin(const repulsion *f, double *z)
{
  const int r = f->r;
  const double apart = 0.5 * sqrt(f->pair);
  for (int k = r - 1; k >= 0; k--) {
    const double least = k < r - 1 ? z[k + 1] + apart : 0.5 * sqrt(f->single);
    z[k] = f->x[k];
    if ((k < r - 1 || !f->infinite) && z[k] < least) z[k] = least;
  }
}

bool wmc_balanced_repel(const wmc_rates *rates, bool infinite, int rank, double *lambda,
                        double *scratch)
{
  enum { STEPS = 100 };
  const repulsion f = {
      infinite, rank, 0.25 * rates->repulsion, 0.5 * rates->outward, lambda, scratch + 6 * rank};
  double *z = scratch, *next = z + rank, *residual = next + rank;
  const double scale = 1e-14 * (fabs(lambda[0]) + sqrt(f.pair + f.single));
  if (f.pair == 0 && f.single == 0) return true;
  begin(&f, z);
  for (int k = 0; k < STEPS; k++) {
    if (find_residual(&f, z, residual) <= scale * rank) {
      for (int i = 0; i < rank; i++) lambda[i] = 2 * z[i] - lambda[i];
      return true;
    }
    solve(&f, residual, next, residual + rank);
    /* the step alone, then the point: halved until it is inside */
    double *step = residual;
    memcpy(step, next, (size_t)rank * sizeof *step);
    double share = 1;
    do {
      for (int i = 0; i < rank; i++) next[i] = z[i] + share * step[i];
      share *= 0.5;
    } while (!inside(&f, next) && share > 1e-12);
    memcpy(z, next, (size_t)rank * sizeof *z);
  }
  return false;
}
