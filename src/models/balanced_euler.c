/* Euler-Maruyama in singular values and frames; eqs. (12), (20), (25). */
#include <math.h>
#include <string.h>

#include "balanced_dynamics.h"

/* Repulsion of pairs and from 0 goes by its own flow, the rest by its derivative; eqs. (12), (20).
 */
void wmc_balanced_euler_lambda(wmc_balanced *chain, wmc_stream *stream, const double *force,
                               int stride)
{
  const wmc_spectrum *x = &chain->x;
  const bool infinite = isinf(x->depth);
  const double c = chain->energy.quadratic[0], decay = chain->energy.decay;
  const wmc_rates rates = chain->full;
  const wmc_points *p = chain->points;
  wmc_stream_normals(stream, (size_t)x->rank, sqrt(rates.variance), p->next);
  wmc_balanced_sum_pairs(x, rates.repulsion, p);
  for (int k = 0; k < x->rank; k++) {
    const double lambda = x->lambda[k], sigma = x->sigma[k];
    const double n = infinite ? 1 : x->depth / lambda; /* d log sigma / d lambda */
    const double slope = sigma * (force ? force[k * stride] : c * sigma);
    const double own = infinite ? decay : x->depth * decay * lambda;
    const double out = infinite ? rates.outward : wmc_balanced_outflow(lambda, rates.outward);
    const double drift = n * (rates.entropy * p->slope[k] - rates.time * slope) - rates.time * own;
    p->next[k] += lambda + p->shift[k] + drift + out;
  }
  wmc_balanced_adopt(chain, p->next);
}

static void step_spectrum(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  wmc_balanced_euler_lambda(chain, stream, NULL, 0);
}

/* --- Frames ---------------------------------------------------------------------------------- */

/* Turns of pairs of the first r columns, both frames alike; then of these columns with those that X
 * does not see, in U and in V. */
typedef struct turns {
  int pairs, outer_u, outer_v;   /* numbers of them */
  double *gap, *ratio;           /* of lambda2 and sigma, a pair */
  double *u, *v;                 /* angles: pairs, then outer ones */
  double *c_u, *s_u, *c_v, *s_v; /* their cosines and sines */
  double *noise, *force, *scratch;
} turns;

size_t wmc_balanced_euler_size(const wmc_shape *shape)
{
  const size_t r = (size_t)shape->rank, m = (size_t)shape->rows, n = (size_t)shape->columns;
  const size_t pairs = r * (r - 1) / 2, most = pairs + r * ((m > n ? m : n) - r);
  return 2 * pairs + 6 * most + 2 * pairs + r * (m + n - 2 * r) + m * n +
         wmc_balanced_force_scratch(shape);
}

static turns map_turns(const wmc_balanced *chain)
{
  const int r = chain->x.rank, m = chain->rows, n = chain->columns, pairs = r * (r - 1) / 2;
  const int most = pairs + r * (chain->span - r), outer = r * (m + n - 2 * r);
  double *a = wmc_balanced_frames_memory(chain);
  turns t = {.pairs = pairs, .outer_u = r * (m - r), .outer_v = r * (n - r)};
  double **parts[] = {&t.u, &t.v, &t.c_u, &t.s_u, &t.c_v, &t.s_v};
  for (int k = 0; k < 6; k++, a += most) *parts[k] = a;
  t.gap = a;
  t.ratio = t.gap + pairs;
  t.noise = t.ratio + pairs;
  t.force = t.noise + 2 * pairs + outer;
  t.scratch = t.force + m * n;
  return t;
}

/* Drift of (25): at fixed sigma, the step times what lowers E. */
static void add_drift(const wmc_balanced *chain, const turns *t)
{
  const wmc_spectrum *x = &chain->x;
  const int m = chain->rows;
  const double tiny = 1e-300, half = 0.5 * chain->step, *gap = t->gap;
  double *u = t->u, *v = t->v;
  for (int i = 0; i < x->rank; i++)
    for (int j = i + 1; j < x->rank; j++, gap++) {
      const double share = half / fmax(*gap, tiny), si = x->sigma[i], sj = x->sigma[j];
      const double force_ij = t->force[j * m + i], force_ji = t->force[i * m + j];
      const double same = -share * (si + sj) * (force_ij + force_ji);
      const double other = share * (si - sj) * (force_ij - force_ji);
      *u++ += same + other;
      *v++ += same - other;
    }
}

/* Column i of a frame with the columns r, r + 1, ...: F at `first + i along + k across`. At
 * infinite depth they stand still. */
static void find_outer(const wmc_balanced *chain, int side, const double *first, int along,
                       int across, const double *noise, double *angle)
{
  const wmc_spectrum *x = &chain->x;
  for (int i = 0; i < x->rank; i++) {
    const double inverse = isinf(x->depth) ? 0 : 1 / x->lambda[i];
    const double time = chain->step * x->sigma[i] * inverse * inverse;
    for (int k = 0; k < side - x->rank; k++) {
      *angle = sqrt(2.0) * inverse * *noise++;
      if (!chain->blind) *angle -= time * first[i * along + k * across];
      angle++;
    }
  }
}

static void turn_outer(int rank, int side, const double *c, const double *s, double *frame)
{
  const int others = side - rank;
  for (int i = 0; i < rank && others > 0; i++, c += others, s += others)
    wmc_rotate_columns(side, others, c, s, frame + i * side, frame + rank * side);
}

static void step_outer(wmc_balanced *chain, const turns *t)
{
  const int r = chain->x.rank, m = chain->rows, n = chain->columns, p = t->pairs;
  const double *noise = t->noise + 2 * p;
  const int most = t->outer_u > t->outer_v ? t->outer_u : t->outer_v;
  if (most == 0) return;
  memset(t->u + p, 0, (size_t)most * sizeof(double));
  memset(t->v + p, 0, (size_t)most * sizeof(double));
  find_outer(chain, m, t->force + r, m, 1, noise, t->u + p);
  find_outer(chain, n, t->force + r * m, 1, m, noise + t->outer_u, t->v + p);
  wmc_pairs_turns(most, t->u + p, t->v + p, t->c_u + p, t->s_u + p, t->c_v + p, t->s_v + p);
  turn_outer(r, m, t->c_u + p, t->s_u + p, chain->u);
  turn_outer(r, n, t->c_v + p, t->s_v + p, chain->v);
}

/* Angles enter as 2 atan(angle/2), equal up to the cube, and bounded. */
static void step_frames(wmc_balanced *chain, wmc_stream *stream, const turns *t)
{
  const int r = chain->x.rank, p = t->pairs;
  const size_t normals = (size_t)(2 * p + t->outer_u + t->outer_v);
  wmc_stream_normals(stream, normals, chain->angle, t->noise);
  wmc_balanced_find_ratios(&chain->x, t->gap, t->ratio);
  wmc_pairs_angles(p, t->gap, t->ratio, t->noise, t->noise + p, t->u, t->v);
  if (!chain->blind) add_drift(chain, t);
  wmc_pairs_turns(p, t->u, t->v, t->c_u, t->s_u, t->c_v, t->s_v);
  if (p == 1 && normals == 2) {
    const double a[] = {*t->c_u, *t->s_u}, b[] = {*t->c_v, *t->s_v};
    wmc_balanced_turn(2, a, chain->u, chain->u + 2);
    wmc_balanced_turn(2, b, chain->v, chain->v + 2);
    return;
  }
  if (chain->rows == chain->columns) {
    wmc_rotate_pairs_of_both(chain->rows, r, t->c_u, t->s_u, chain->u, t->c_v, t->s_v, chain->v);
  } else {
    wmc_rotate_pairs(chain->rows, r, t->c_u, t->s_u, chain->u);
    wmc_rotate_pairs(chain->columns, r, t->c_v, t->s_v, chain->v);
  }
  step_outer(chain, t);
}

static void step_observable(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  const turns t = map_turns(chain);
  if (!chain->blind)
    wmc_balanced_find_force(chain, chain->x.sigma, chain->u, chain->v, t.force, t.scratch);
  if (t.pairs + t.outer_u + t.outer_v > 0) step_frames(chain, stream, &t);
  wmc_balanced_euler_lambda(chain, stream, chain->blind ? NULL : t.force, chain->rows + 1);
  wmc_balanced_orthonormalise_if_due(chain);
}

const wmc_integrator wmc_spectrum_euler = {
    .formulation = "spectrum",
    .scheme = "euler",
    .text = "Euler-Maruyama for the layer singular values; biased by the step",
    .start = wmc_balanced_start_spectrum,
    .step = step_spectrum};

const wmc_integrator wmc_observable_euler = {
    .formulation = "observable",
    .scheme = "euler",
    .text = "Euler-Maruyama for singular values and frames; biased by the step",
    .frames = true,
    .start = wmc_balanced_start_matrix,
    .step = step_observable};
