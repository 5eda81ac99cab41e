/* The scheme heun, of weak order 2: noise and drifts in a symmetric composition. */
#include <math.h>
#include <string.h>

#include "balanced_complex.h"
#include "balanced_dynamics.h"

/* Half a step of the noise. */
static void make_noise(wmc_balanced *chain, wmc_stream *stream, const wmc_rates *half, double *next)
{
  wmc_stream_normals(stream, (size_t)chain->x.rank, sqrt(half->variance), next);
  for (int k = 0; k < chain->x.rank; k++) next[k] += chain->x.lambda[k];
  wmc_balanced_adopt(chain, next);
}

/* Rate at which the gradient flow of the energy relaxes, at most: (2 N - 1) sigma^(2-2/N) times the
 * curvature of E (2 sigma^2 at infinite depth), and decay. */
static double rate_of_energy(const wmc_balanced *chain)
{
  const wmc_spectrum *x = &chain->x;
  const bool infinite = isinf(x->depth);
  const double lambda2 = infinite ? 1 : x->lambda2[0], factor = infinite ? 2 : 2 * x->depth - 1;
  return factor * chain->curvature * x->sigma2[0] / lambda2 + (infinite ? 0 : chain->energy.decay);
}

/* The same for the entropy, which pushes all but the last lambda away from 0. */
static double rate_of_entropy(const wmc_balanced *chain)
{
  const wmc_spectrum *x = &chain->x;
  const int last = x->rank - 2;
  if (x->rank < 2 || isinf(x->depth)) return x->rank * chain->unit.entropy;
  return x->rank * chain->unit.entropy * x->depth / x->lambda2[last];
}

/* Parts of a time in which drifts change by a few percent: chosen from the present state alone, so
 * that averages keep their order. */
static int parts_of(wmc_balanced *chain, double time, double rate)
{
  enum { MOST = 10000 };
  const double few = 0.2, parts = ceil(time * rate / few);
  if (parts <= MOST) return parts > 1 ? (int)parts : 1;
  chain->trouble =
      wmc_raise(WMC_FAILURE,
                "%s, %s heun at depth %g: drifts change %.3g times within a step, largest "
                "singular value %.3g, smallest of the layers %.3g: step %g is too large or the "
                "state is not finite; reduce the step, or use scheme: metropolis",
                chain->name, chain->integrator->formulation, chain->x.depth, time * rate,
                chain->x.sigma[0], chain->x.lambda[chain->x.rank - 1], chain->step);
  return 0;
}

/* Half a step of the drift that is smooth where singular values meet, by Heun's rule. */
static void make_drift(wmc_balanced *chain, const wmc_points *p)
{
  const int r = chain->x.rank;
  const double rate = rate_of_energy(chain) + rate_of_entropy(chain);
  const int parts = parts_of(chain, 0.5 * chain->step, rate);
  const wmc_rates part = wmc_balanced_rates(chain, 0.5 * chain->step / fmax(parts, 1));
  double *first = p->next, *middle = p->lambda, *second = p->shift;
  for (int at = 0; at < parts; at++) {
    wmc_balanced_drift(chain, &part, 0, true, chain->x.lambda, first);
    for (int k = 0; k < r; k++) middle[k] = chain->x.lambda[k] + first[k];
    wmc_balanced_drift(chain, &part, 0, true, middle, second);
    for (int k = 0; k < r; k++) first[k] = chain->x.lambda[k] + 0.5 * (first[k] + second[k]);
    wmc_balanced_adopt(chain, first);
  }
}

/* Repulsion of singular values among themselves and from 0. */
static void repel(wmc_balanced *chain, const wmc_rates *full, const wmc_points *p)
{
  const int r = chain->x.rank;
  for (int k = 0; k < r; k++) p->next[k] = chain->x.lambda[k];
  if (!wmc_balanced_repel(full, isinf(chain->x.depth), r, p->next, p->rest))
    chain->trouble =
        wmc_raise(WMC_FAILURE,
                  "%s, %s heun at depth %g: Newton's method for the repulsion of singular "
                  "values does not converge; step %g is too large or the state is not finite: "
                  "reduce the step, or use scheme: metropolis",
                  chain->name, chain->integrator->formulation, chain->x.depth, chain->step);
  else
    wmc_balanced_adopt(chain, p->next);
}

static void step_spectrum(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  const wmc_points *p = chain->points;
  make_drift(chain, p);
  if (chain->trouble == WMC_OK) {
    make_noise(chain, stream, &chain->half, p->next);
    repel(chain, &chain->full, p);
  }
  if (chain->trouble != WMC_OK) return;
  make_noise(chain, stream, &chain->half, p->next);
  make_drift(chain, p);
}

/* --- With frames ----------------------------------------------------------------------------- */

typedef struct memory {
  int *cluster; /* all 0: one cluster */
  double *y, *next, *slope;
  double *scratch; /* of a chart */
  double *noise;   /* normals of one part */
  double *gap, *ratio;
} memory;

static size_t noise_size(const wmc_shape *shape)
{
  const size_t r = (size_t)shape->rank, outer = (size_t)(shape->rows + shape->columns) - 2 * r;
  return (size_t)shape->numbers * (r * (r + 1) + r * outer);
}

size_t wmc_balanced_heun_size(const wmc_shape *shape)
{
  const size_t r = (size_t)shape->rank;
  return r + 3 * wmc_balanced_chart_size(shape) + wmc_balanced_velocity_scratch(shape) +
         noise_size(shape) + r * (r - 1);
}

static memory map_memory(const wmc_balanced *chain)
{
  const size_t r = (size_t)chain->x.rank, size = wmc_balanced_chart_size(&chain->law.shape);
  double *next = wmc_balanced_frames_memory(chain);
  memory w = {.cluster = (int *)next};
  double **parts[] = {&w.y, &w.next, &w.slope};
  next += r;
  for (int k = 0; k < 3; k++, next += size) *parts[k] = next;
  w.scratch = next;
  w.noise = w.scratch + wmc_balanced_velocity_scratch(&chain->law.shape);
  w.gap = w.noise + noise_size(&chain->law.shape);
  w.ratio = w.gap + r * (r - 1) / 2;
  memset(w.cluster, 0, r * sizeof *w.cluster);
  return w;
}

/* Brownian motion of the symmetric matrix S: noise of lambda, the repulsion 1/(lambda_i - lambda_j)
 * and turns of both frames together, exactly. */
static void move_symmetric(wmc_balanced *chain, wmc_stream *stream, const memory *w)
{
  const int r = chain->x.rank;
  const double spread = sqrt(chain->full.variance), *noise = w->noise;
  if (chain->unitary) {
    wmc_unitary_move_hermitian(chain, stream, w->cluster, w->y, w->noise, w->scratch);
    return;
  }
  wmc_stream_normals(stream, (size_t)(r * (r + 1) / 2), spread, w->noise);
  wmc_balanced_enter_chart(chain, w->y);
  for (int j = 0; j < r; j++) {
    w->y[j * (r + 1)] += *noise++;
    for (int i = 0; i < j; i++) w->y[j * r + i] = w->y[i * r + j] = sqrt(0.5) * *noise++;
  }
  wmc_balanced_leave_chart(chain, w->cluster, w->y, w->scratch);
}

/* Drifts of lambda that no frame sees: from 0, and by the mirror images of the others. */
static void add_mirrors(const wmc_balanced *chain, double repulsion, const double *lambda,
                        double *drift)
{
  const int r = chain->x.rank;
  for (int i = 0; i < r && isfinite(chain->x.depth); i++)
    for (int j = 0; j < i; j++) {
      const double away = 0.5 * repulsion / (lambda[i] + lambda[j]);
      drift[i] += away;
      drift[j] += away;
    }
}

static void move_outward(const wmc_balanced *chain, double outward, double *lambda)
{
  for (int k = 0; k < chain->x.rank; k++)
    lambda[k] =
        isinf(chain->x.depth) ? lambda[k] + outward : sqrt(lambda[k] * lambda[k] + 2 * outward);
}

static void move_lambda(wmc_balanced *chain)
{
  const wmc_points *p = chain->points;
  const int r = chain->x.rank;
  double *lambda = p->rest, *first = p->next, *middle = p->lambda, *second = lambda + r;
  const double rate = rate_of_entropy(chain) + (chain->blind ? rate_of_energy(chain) : 0);
  const int parts = parts_of(chain, chain->step, rate);
  const wmc_rates part = wmc_balanced_rates(chain, chain->step / fmax(parts, 1));
  memcpy(lambda, chain->x.lambda, (size_t)r * sizeof *lambda);
  for (int at = 0; at < parts; at++) {
    move_outward(chain, 0.5 * part.outward, lambda);
    wmc_balanced_drift(chain, &part, 0, chain->blind, lambda, first);
    add_mirrors(chain, part.repulsion, lambda, first);
    for (int k = 0; k < r; k++) middle[k] = lambda[k] + first[k];
    wmc_balanced_drift(chain, &part, 0, chain->blind, middle, second);
    add_mirrors(chain, part.repulsion, middle, second);
    for (int k = 0; k < r; k++) lambda[k] += 0.5 * (first[k] + second[k]);
    move_outward(chain, 0.5 * part.outward, lambda);
  }
  memcpy(first, lambda, (size_t)r * sizeof *first);
  wmc_balanced_adopt(chain, first);
}

/* Midpoint rule along the gradient of the energy. */
static void descend(wmc_balanced *chain, const memory *w)
{
  const size_t size = wmc_balanced_chart_size(&chain->law.shape);
  const wmc_chart chart = {.chain = chain, .cluster = w->cluster, .scratch = w->scratch};
  if (chain->blind) return;
  const int parts = parts_of(chain, chain->step, rate_of_energy(chain));
  const double time = chain->step / fmax(parts, 1);
  wmc_balanced_enter_chart(chain, w->y);
  for (int at = 0; at < parts; at++) {
    wmc_balanced_velocity(&chart, w->y, w->slope);
    for (size_t k = 0; k < size; k++) w->next[k] = w->y[k] + 0.5 * time * w->slope[k];
    wmc_balanced_velocity(&chart, w->next, w->slope);
    for (size_t k = 0; k < size; k++) w->y[k] += time * w->slope[k];
  }
  wmc_balanced_leave_chart(chain, w->cluster, w->y, w->scratch);
}

static void turn(int side, double angle, int i, int j, double *frame)
{
  const double rotation[] = {cos(angle), sin(angle)};
  wmc_balanced_turn(side, rotation, frame + i * side, frame + j * side);
}

/* All turns at fixed lambda that move_symmetric leaves, one after another, or in opposite order. */
static void turn_pairs(wmc_balanced *chain, const memory *w, bool backwards)
{
  const int r = chain->x.rank, pairs = r * (r - 1) / 2;
  for (int k = 0, i = 0, j = 1; k < pairs; k++) {
    double spread[2];
    const int at = backwards ? pairs - 1 - k : k;
    if (backwards && k == 0) i = r - 2, j = r - 1;
    wmc_balanced_turn_spreads(chain, i, j, w->gap[at], w->ratio[at], spread);
    const double same = spread[0] * w->noise[2 * at], other = spread[1] * w->noise[2 * at + 1];
    turn(chain->rows, same + other, i, j, chain->u);
    turn(chain->columns, same - other, i, j, chain->v);
    if (backwards && --j == i) i--, j = r - 1;
    if (!backwards && ++j == r) i++, j = i + 1;
  }
}

static void turn_outer(wmc_balanced *chain, int side, const double *noise, bool backwards,
                       double *frame)
{
  const int r = chain->x.rank, others = side - r, turns = r * others;
  for (int k = 0; k < turns && isfinite(chain->x.depth); k++) {
    const int at = backwards ? turns - 1 - k : k, i = at / others, j = r + at % others;
    turn(side, sqrt(2.0) / chain->x.lambda[i] * noise[at], i, j, frame);
  }
}

static void move_frames(wmc_balanced *chain, wmc_stream *stream, const memory *w, bool backwards)
{
  const int r = chain->x.rank, m = chain->rows, n = chain->columns;
  const int pairs = r * (r - 1), outer_u = r * (m - r), outer_v = r * (n - r);
  if (chain->unitary) {
    wmc_unitary_move_frames(chain, stream, w->noise, w->gap, w->ratio, backwards);
    return;
  }
  wmc_stream_normals(stream, (size_t)(pairs + outer_u + outer_v), chain->angle, w->noise);
  wmc_balanced_find_ratios(&chain->x, w->gap, w->ratio);
  if (!backwards) turn_pairs(chain, w, false);
  turn_outer(chain, m, w->noise + pairs, backwards, chain->u);
  turn_outer(chain, n, w->noise + pairs + outer_u, backwards, chain->v);
  if (backwards) turn_pairs(chain, w, true);
}

/* The parts in one order or in the other, by the toss of a coin: on average of order 2. */
static void step_observable(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  const memory w = map_memory(chain);
  const bool backwards = wmc_stream_uniform(stream) < 0.5;
  if (backwards) {
    descend(chain, &w);
    move_lambda(chain);
    move_frames(chain, stream, &w, true);
    move_symmetric(chain, stream, &w);
    return;
  }
  move_symmetric(chain, stream, &w);
  move_frames(chain, stream, &w, false);
  move_lambda(chain);
  descend(chain, &w);
}

const wmc_integrator wmc_spectrum_heun = {
    .formulation = "spectrum",
    .scheme = "heun",
    .text = "Langevin dynamics of the layer singular values, of weak order 2: noise, Heun's rule "
            "for the smooth drift and implicit midpoints for the repulsion in a symmetric "
            "composition; biased by the square of the step",
    .start = wmc_balanced_start_spectrum,
    .step = step_spectrum};

const wmc_integrator wmc_observable_heun = {
    .formulation = "observable",
    .scheme = "heun",
    .text = "Langevin dynamics of singular values and frames, of weak order 2: Brownian motion of "
            "symmetric matrices, turns of columns and drifts in random order; biased by the square "
            "of the step",
    .frames = true,
    .start = wmc_balanced_start_matrix,
    .step = step_observable};

const wmc_integrator wmc_complex_heun = {
    .formulation = "observable",
    .scheme = "heun",
    .text = "complex numbers: Langevin dynamics of singular values and frames, of weak order 2; "
            "biased by the square of the step",
    .unitary = true,
    .start = wmc_unitary_start,
    .step = step_observable};
