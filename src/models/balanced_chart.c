/* X near a point, in coordinates that stay smooth where singular values meet or pass through 0.
 *
 * X = U_r S^N V_r^T with a symmetric matrix S in place of Lambda (S = log Sigma at infinite depth):
 * the same X has (U R, V R, R^T S R) for every rotation R. Where singular values are close, S
 * moves and the frames do not turn with its eigenvectors; where they are far apart, S stays
 * diagonal and the frames turn, so that small eigenvalues keep their relative accuracy. */
#include <math.h>
#include <string.h>

#include "balanced_complex.h"
#include "balanced_dynamics.h"

/* C (m x n) = A (m x k) B (k x n) */
static void multiply(int m, int n, int k, const double *a, const double *b, double *c)
{
  memset(c, 0, (size_t)(m * n) * sizeof *c);
  for (int j = 0; j < n; j++)
    for (int l = 0; l < k; l++) {
      const double factor = b[j * k + l], *column = a + l * m;
      if (factor == 0) continue;
      for (int i = 0; i < m; i++) c[j * m + i] += factor * column[i];
    }
}

static void transpose(int n, const double *a, double *out)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) out[i * n + j] = a[j * n + i];
}

/* A shift that makes S positive definite: its eigenvectors are then its singular vectors. */
static double shift_of(int r, int first, int size, const double *s)
{
  double shift = 0;
  for (int j = first; j < first + size; j++) {
    double least = s[j * r + j];
    for (int i = first; i < first + size; i++)
      if (i != j) least -= fabs(s[j * r + i]);
    shift = fmax(shift, -least);
  }
  return shift > 0 ? 1.001 * shift : 0;
}

/* The block of `size` at `first`, of more than one. */
static void decompose_block(int r, int first, int size, const double *s, double *lambda,
                            double *turn, double *scratch)
{
  double *y = scratch, *v = y + size * size, *values = v + size * size;
  const double shift = shift_of(r, first, size, s);
  for (int j = 0; j < size; j++)
    for (int i = 0; i < size; i++) {
      y[j * size + i] = s[(first + j) * r + first + i] + (i == j ? shift : 0);
      v[j * size + i] = i == j;
    }
  wmc_svd_jacobi(size, size, y, v, values, values + size);
  for (int j = 0; j < size; j++) {
    lambda[first + j] = values[j] - shift;
    for (int i = 0; i < size; i++) turn[(first + j) * r + first + i] = v[j * size + i];
  }
}

/* S = R diag(lambda) R^T, block by block. `scratch` as for wmc_balanced_velocity. */
static void eigen(int r, const int *cluster, const double *s, double *lambda, double *turn,
                  double *scratch)
{
  memset(turn, 0, (size_t)(r * r) * sizeof *turn);
  for (int first = 0, end; first < r; first = end) {
    for (end = first + 1; end < r && cluster[end] == first;) end++;
    if (end - first > 1) {
      decompose_block(r, first, end - first, s, lambda, turn, scratch);
      continue;
    }
    lambda[first] = s[first * (r + 1)];
    turn[first * (r + 1)] = 1;
  }
}

void wmc_balanced_clusters(const wmc_spectrum *x, double share, int *cluster)
{
  cluster[0] = 0;
  for (int k = 1; k < x->rank; k++) {
    const double gap = x->lambda[k - 1] - x->lambda[k];
    const bool close = gap < share * (isinf(x->depth) ? 1 : x->lambda[k - 1]);
    cluster[k] = close ? cluster[k - 1] : k;
  }
}

/* --- Velocity -------------------------------------------------------------------------------- */

typedef struct velocity {
  int r, m, n;
  double *turn, *lambda, *rate, *sigma;
  double *u, *v;     /* frames turned with the eigenvectors */
  double *force;     /* U^T E' V */
  double *core;      /* velocity of S in the eigenframe */
  double *a_u, *a_v; /* generators of turns there */
  double *rest;
} velocity;

size_t wmc_balanced_velocity_scratch(const wmc_shape *shape)
{
  const size_t r = (size_t)shape->rank, m = (size_t)shape->rows, n = (size_t)shape->columns;
  const size_t span = m > n ? m : n, svd = 2 * r * r + r + wmc_svd_scratch((int)r, (int)r);
  const size_t force = wmc_balanced_force_scratch(shape), square = 2 * span * span;
  const size_t rest = svd > force ? svd : force;
  if (shape->numbers == WMC_NUMBERS_COMPLEX) return wmc_unitary_velocity_scratch(shape);
  return 2 * r * r + 3 * r + 2 * (m * m + n * n) + m * n + (rest > square ? rest : square);
}

static velocity map_velocity(const wmc_balanced *chain, double *memory)
{
  velocity w = {.r = chain->x.rank, .m = chain->rows, .n = chain->columns};
  const int square = w.r * w.r, left = w.m * w.m, right = w.n * w.n;
  w.turn = memory;
  w.core = w.turn + square;
  w.lambda = w.core + square;
  w.rate = w.lambda + w.r;
  w.sigma = w.rate + w.r;
  w.u = w.sigma + w.r;
  w.a_u = w.u + left;
  w.v = w.a_u + left;
  w.a_v = w.v + right;
  w.force = w.a_v + right;
  w.rest = w.force + w.m * w.n;
  return w;
}

/* The first r columns of a frame turned by R; the others copied. */
static void turn_columns(int r, int side, const double *frame, const double *turn, double *out)
{
  multiply(side, r, r, frame, turn, out);
  memcpy(out + side * r, frame + side * r, (size_t)(side * (side - r)) * sizeof *out);
}

/* Pairs of the first r columns: S moves for those of one cluster, frames turn for others; (25). */
static void move_pair(const wmc_balanced *chain, const velocity *w, const int *cluster, int i,
                      int j)
{
  const int m = w->m, n = w->n, r = w->r;
  const double tiny = 1e-300, gap = w->lambda[i] - w->lambda[j];
  double sum = isinf(chain->x.depth) ? 2 : w->lambda[i] + w->lambda[j];
  sum = fabs(sum) > tiny ? sum : tiny;
  const double force_ij = w->force[j * m + i], force_ji = w->force[i * m + j];
  const double divided =
      wmc_balanced_divided(chain->x.depth, w->lambda[i], w->lambda[j], w->sigma[i], w->sigma[j]);
  const double other = 0.5 * divided / sum * (force_ij - force_ji);
  const double shift = -0.5 * (w->sigma[i] + w->sigma[j]) / sum * (force_ij + force_ji);
  const bool together = cluster[i] == cluster[j];
  const double same = together ? 0 : shift / gap;
  if (together) w->core[j * r + i] = w->core[i * r + j] = shift;
  w->a_u[i * m + j] = same + other;
  w->a_v[i * n + j] = same - other;
}

static void move_outer(const wmc_balanced *chain, const velocity *w)
{
  const int m = w->m, n = w->n, r = w->r;
  for (int i = 0; i < r && isfinite(chain->x.depth); i++) {
    const double rate = w->sigma[i] / (w->lambda[i] * w->lambda[i]);
    for (int j = r; j < m; j++) w->a_u[i * m + j] = -rate * w->force[i * m + j];
    for (int j = r; j < n; j++) w->a_v[i * n + j] = -rate * w->force[j * m + i];
  }
}

static void make_antisymmetric(int d, double *a)
{
  for (int i = 0; i < d; i++)
    for (int j = i + 1; j < d; j++) a[j * d + i] = -a[i * d + j];
}

/* out = frame generator R^T */
static void turn_back(int r, int side, const double *frame, const double *generator,
                      const double *turn, double *out, double *scratch)
{
  double *moved = scratch, *back = scratch + side * side;
  multiply(side, side, side, frame, generator, moved);
  transpose(r, turn, back);
  turn_columns(r, side, moved, back, out);
}

void wmc_balanced_velocity(const wmc_chart *chart, const double *y, double *dy)
{
  const wmc_balanced *chain = chart->chain;
  if (chain->unitary) {
    wmc_unitary_velocity(chart, y, dy);
    return;
  }
  const velocity w = map_velocity(chain, chart->scratch);
  const wmc_energy *energy = &chain->energy;
  const int r = w.r, m = w.m, n = w.n, square = r * r, left = m * m;
  const double *u = y + square, *v = u + left;
  const double inverse = 1 / wmc_shape_clock(&chain->law.shape);
  eigen(r, chart->cluster, y, w.lambda, w.turn, w.rest);
  wmc_balanced_sigma(r, chain->x.depth, w.lambda, w.sigma);
  turn_columns(r, m, u, w.turn, w.u);
  turn_columns(r, n, v, w.turn, w.v);
  memset(w.rate, 0, (size_t)r * sizeof *w.rate);
  if (chart->entropy)
    wmc_balanced_drift(chain, &chain->unit, chain->unit.outward, false, w.lambda, w.rate);
  if (!chain->blind) wmc_balanced_find_force(chain, w.sigma, w.u, w.v, w.force, w.rest);
  memset(w.core, 0, (size_t)square * sizeof *w.core);
  memset(w.a_u, 0, (size_t)left * sizeof *w.a_u);
  memset(w.a_v, 0, (size_t)(n * n) * sizeof *w.a_v);
  for (int i = 0; i < r; i++) {
    const double force = chain->blind ? energy->quadratic[0] * w.sigma[i] : w.force[i * (m + 1)];
    const double slope = wmc_balanced_slope(energy, chain->x.depth, w.lambda[i], w.sigma[i], force);
    w.core[i * (r + 1)] = w.rate[i] - inverse * slope;
    for (int j = i + 1; j < r && !chain->blind; j++) move_pair(chain, &w, chart->cluster, i, j);
  }
  if (!chain->blind) move_outer(chain, &w);
  make_antisymmetric(m, w.a_u);
  make_antisymmetric(n, w.a_v);
  turn_back(r, m, w.u, w.a_u, w.turn, dy + square, w.rest);
  turn_back(r, n, w.v, w.a_v, w.turn, dy + square + left, w.rest);
  /* R core R^T */
  multiply(r, r, r, w.turn, w.core, w.rest);
  transpose(r, w.turn, w.core);
  multiply(r, r, r, w.rest, w.core, dy);
}

/* --- Into the chart and out of it ------------------------------------------------------------ */

size_t wmc_balanced_chart_size(const wmc_shape *shape)
{
  const size_t r = (size_t)shape->rank, m = (size_t)shape->rows, n = (size_t)shape->columns;
  return (size_t)shape->numbers * (r * r + m * m + n * n);
}

void wmc_balanced_enter_chart(const wmc_balanced *chain, double *y)
{
  const int r = chain->x.rank;
  const size_t m = (size_t)chain->rows, n = (size_t)chain->columns;
  if (chain->unitary) {
    wmc_unitary_enter_chart(chain, y);
    return;
  }
  memset(y, 0, (size_t)(r * r) * sizeof *y);
  for (int k = 0; k < r; k++) y[k * (r + 1)] = chain->x.lambda[k];
  memcpy(y + r * r, chain->u, m * m * sizeof *y);
  memcpy(y + r * r + m * m, chain->v, n * n * sizeof *y);
}

void wmc_balanced_leave_chart(wmc_balanced *chain, const int *cluster, const double *y,
                              double *scratch)
{
  if (chain->unitary) {
    wmc_unitary_leave_chart(chain, cluster, y, scratch);
    return;
  }
  const velocity w = map_velocity(chain, scratch);
  const double *u = y + w.r * w.r, *v = u + w.m * w.m;
  eigen(w.r, cluster, y, w.lambda, w.turn, w.rest);
  turn_columns(w.r, w.m, u, w.turn, chain->u);
  turn_columns(w.r, w.n, v, w.turn, chain->v);
  wmc_balanced_adopt(chain, w.lambda);
  wmc_balanced_orthonormalise(chain);
}
