/* Complex X near a point in coordinates X = U_r S^N V_r^* with a Hermitian matrix S, as
 * balanced_chart.c for real X; docs/theory/equivariant.md, eqs. (E7), (E19). Arrays of the chart
 * hold S, U and V as pairs of numbers. */
#include <math.h>
#include <string.h>

#include "balanced_complex.h"
#include "balanced_dynamics.h"

/* C (m x n) = A (m x k) B (k x n) */
static void multiply(int m, int n, int k, const wmc_complex *a, const wmc_complex *b,
                     wmc_complex *c)
{
  memset(c, 0, (size_t)(m * n) * sizeof *c);
  for (int j = 0; j < n; j++)
    for (int l = 0; l < k; l++) {
      const wmc_complex factor = b[j * k + l], *column = a + l * m;
      if (factor == 0) continue;
      for (int i = 0; i < m; i++) c[j * m + i] += factor * column[i];
    }
}

/* out = a^* */
static void adjoint(int n, const wmc_complex *a, wmc_complex *out)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) out[i * n + j] = conj(a[j * n + i]);
}

static double square(wmc_complex z) { return creal(z) * creal(z) + cimag(z) * cimag(z); }

/* --- Eigenvalues ----------------------------------------------------------------------------- */

/* Jacobi's rotation that makes the entry (p, q) of a Hermitian matrix 0. */
static void annihilate(int n, int p, int q, wmc_complex *a, wmc_complex *turn, int rows)
{
  const wmc_complex apq = a[q * n + p];
  const double size = cabs(apq), gap = creal(a[q * (n + 1)] - a[p * (n + 1)]);
  const double x = gap / (2 * size), t = (x < 0 ? -1 : 1) / (fabs(x) + sqrt(1 + x * x));
  const double c = 1 / sqrt(1 + t * t);
  const wmc_complex s = -t * c * conj(apq) / size;
  const wmc_unitary_turn columns = {c, s};
  wmc_unitary_turn_columns(n, &columns, a + p * n, a + q * n);
  for (int k = 0; k < n; k++) {
    const wmc_complex first = a[k * n + p], second = a[k * n + q];
    a[k * n + p] = c * first + conj(s) * second;
    a[k * n + q] = c * second - s * first;
  }
  wmc_unitary_turn_columns(rows, &columns, turn + p * rows, turn + q * rows);
}

/* A = T diag T^*, A destroyed; T, whose columns have `rows` entries, turns along. */
static void decompose(int n, wmc_complex *a, wmc_complex *turn, int rows)
{
  enum { SWEEPS = 40 };
  for (int sweep = 0; sweep < SWEEPS; sweep++) {
    double outside = 0, all = 0;
    for (int j = 0; j < n; j++)
      for (int i = 0; i < n; i++) {
        all += square(a[j * n + i]);
        if (i != j) outside += square(a[j * n + i]);
      }
    if (!(outside > 1e-32 * all)) return;
    for (int q = 1; q < n; q++)
      for (int p = 0; p < q; p++)
        if (square(a[q * n + p]) > 1e-36 * all) annihilate(n, p, q, a, turn, rows);
  }
}

/* S = R diag(lambda) R^*, block by block. `work` holds r^2. */
static void find_eigen(int r, const int *cluster, const wmc_complex *s, double *lambda,
                       wmc_complex *turn, wmc_complex *work)
{
  memset(turn, 0, (size_t)(r * r) * sizeof *turn);
  for (int k = 0; k < r; k++) turn[k * (r + 1)] = 1;
  for (int first = 0, end; first < r; first = end) {
    for (end = first + 1; end < r && cluster[end] == first;) end++;
    const int size = end - first;
    for (int j = 0; j < size; j++)
      for (int i = 0; i < size; i++) work[j * size + i] = s[(first + j) * r + first + i];
    /* rows outside the block are 0 in these columns and stay so */
    decompose(size, work, turn + first * r, r);
    for (int k = 0; k < size; k++) lambda[first + k] = creal(work[k * (size + 1)]);
  }
}

/* --- Velocity -------------------------------------------------------------------------------- */

typedef struct velocity {
  int r, m, n;
  double *lambda, *rate, *sigma;
  wmc_complex *turn, *core;       /* eigenvectors of S; its velocity among them */
  wmc_complex *u, *v, *a_u, *a_v; /* frames turned with them, and generators of turns */
  wmc_complex *force, *rest;      /* U^* E' V */
} velocity;

size_t wmc_unitary_velocity_scratch(const wmc_shape *shape)
{
  const size_t r = (size_t)shape->rank, m = (size_t)shape->rows, n = (size_t)shape->columns;
  const size_t span = m > n ? m : n, rest = 3 * span * span;
  return 3 * r + 2 * (2 * r * r + 2 * (m * m + n * n) + m * n + rest);
}

static velocity map_velocity(const wmc_balanced *chain, double *memory)
{
  velocity w = {.r = chain->x.rank, .m = chain->rows, .n = chain->columns};
  const int left = w.m * w.m, right = w.n * w.n;
  w.lambda = memory;
  w.rate = w.lambda + w.r;
  w.sigma = w.rate + w.r;
  w.turn = (wmc_complex *)(w.sigma + w.r);
  w.core = w.turn + w.r * w.r;
  w.u = w.core + w.r * w.r;
  w.a_u = w.u + left;
  w.v = w.a_u + left;
  w.a_v = w.v + right;
  w.force = w.a_v + right;
  w.rest = w.force + w.m * w.n;
  return w;
}

/* The first r columns of a frame turned by R; the others copied. */
static void turn_columns(int r, int side, const wmc_complex *frame, const wmc_complex *turn,
                         wmc_complex *out)
{
  multiply(side, r, r, frame, turn, out);
  memcpy(out + side * r, frame + side * r, (size_t)(side * (side - r)) * sizeof *out);
}

/* Pairs of the first r columns: S moves for those of one cluster, frames turn for others. */
static void move_pair(const wmc_balanced *chain, const velocity *w, const int *cluster, int i,
                      int j)
{
  const int m = w->m, n = w->n, r = w->r;
  const double tiny = 1e-300, gap = w->lambda[i] - w->lambda[j];
  double sum = isinf(chain->x.depth) ? 2 : w->lambda[i] + w->lambda[j];
  sum = fabs(sum) > tiny ? sum : tiny;
  const wmc_complex upper = conj(w->force[j * m + i]), lower = w->force[i * m + j];
  const double divided =
      wmc_balanced_divided(chain->x.depth, w->lambda[i], w->lambda[j], w->sigma[i], w->sigma[j]);
  const wmc_complex other = 0.5 * divided / sum * (upper - lower);
  const wmc_complex shift = -0.5 * (w->sigma[i] + w->sigma[j]) / sum * (upper + lower);
  const bool together = cluster[i] == cluster[j];
  const wmc_complex same = together ? 0 : shift / gap;
  if (together) {
    w->core[i * r + j] = shift;
    w->core[j * r + i] = conj(shift);
  }
  w->a_u[i * m + j] = same + other;
  w->a_v[i * n + j] = same - other;
}

/* Relative phases, half in each frame; and columns that X does not see, which stand still at
 * infinite depth. */
static void move_phases(const wmc_balanced *chain, const velocity *w)
{
  const int m = w->m, n = w->n, r = w->r;
  const bool infinite = isinf(chain->x.depth);
  for (int i = 0; i < r; i++) {
    const double rate = w->sigma[i] / (infinite ? 1 : w->lambda[i] * w->lambda[i]);
    const double clock = infinite ? 1 : chain->x.depth;
    const wmc_complex half = -0.5 * I * clock * rate * cimag(w->force[i * (m + 1)]);
    w->a_u[i * (m + 1)] = half;
    w->a_v[i * (n + 1)] = -half;
    for (int j = r; j < m && !infinite; j++) w->a_u[i * m + j] = -rate * w->force[i * m + j];
    for (int j = r; j < n && !infinite; j++) w->a_v[i * n + j] = -rate * conj(w->force[j * m + i]);
  }
}

static void make_antihermitian(int d, wmc_complex *a)
{
  for (int i = 0; i < d; i++)
    for (int j = i + 1; j < d; j++) a[j * d + i] = -conj(a[i * d + j]);
}

/* out = frame generator R^* */
static void turn_back(int r, int side, const wmc_complex *frame, const wmc_complex *generator,
                      const wmc_complex *turn, wmc_complex *out, wmc_complex *scratch)
{
  wmc_complex *moved = scratch, *back = scratch + side * side;
  multiply(side, side, side, frame, generator, moved);
  adjoint(r, turn, back);
  turn_columns(r, side, moved, back, out);
}

/* Velocities of the entries of S in the eigenframe and of both frames. */
static void find_motion(const wmc_chart *chart, const velocity *w)
{
  const wmc_balanced *chain = chart->chain;
  const wmc_energy *energy = &chain->energy;
  const int r = w->r, m = w->m;
  const double inverse = 1 / wmc_shape_clock(&chain->law.shape);
  memset(w->core, 0, (size_t)(r * r) * sizeof *w->core);
  memset(w->a_u, 0, (size_t)(m * m) * sizeof *w->a_u);
  memset(w->a_v, 0, (size_t)(w->n * w->n) * sizeof *w->a_v);
  for (int i = 0; i < r; i++) {
    const double force = creal(w->force[i * (m + 1)]);
    const double slope =
        wmc_balanced_slope(energy, chain->x.depth, w->lambda[i], w->sigma[i], force);
    w->core[i * (r + 1)] = w->rate[i] - inverse * slope;
    for (int j = i + 1; j < r && !chain->blind; j++) move_pair(chain, w, chart->cluster, i, j);
  }
  if (!chain->blind) move_phases(chain, w);
  make_antihermitian(m, w->a_u);
  make_antihermitian(w->n, w->a_v);
}

void wmc_unitary_velocity(const wmc_chart *chart, const double *y, double *dy)
{
  const wmc_balanced *chain = chart->chain;
  const velocity w = map_velocity(chain, chart->scratch);
  const int r = w.r, m = w.m, n = w.n;
  const wmc_complex *s = (const wmc_complex *)y, *u = s + r * r, *v = u + m * m;
  wmc_complex *ds = (wmc_complex *)dy, *du = ds + r * r, *dv = du + m * m;
  find_eigen(r, chart->cluster, s, w.lambda, w.turn, w.rest);
  wmc_balanced_sigma(r, chain->x.depth, w.lambda, w.sigma);
  turn_columns(r, m, u, w.turn, w.u);
  turn_columns(r, n, v, w.turn, w.v);
  memset(w.rate, 0, (size_t)r * sizeof *w.rate);
  if (chart->entropy)
    wmc_balanced_drift(chain, &chain->unit, chain->unit.outward, false, w.lambda, w.rate);
  wmc_unitary_find_force(chain, w.sigma, w.u, w.v, w.force, w.rest);
  find_motion(chart, &w);
  turn_back(r, m, w.u, w.a_u, w.turn, du, w.rest);
  turn_back(r, n, w.v, w.a_v, w.turn, dv, w.rest);
  /* R core R^* */
  multiply(r, r, r, w.turn, w.core, w.rest);
  adjoint(r, w.turn, w.core);
  multiply(r, r, r, w.rest, w.core, ds);
}

/* --- Into the chart and out of it ------------------------------------------------------------ */

void wmc_unitary_enter_chart(const wmc_balanced *chain, double *y)
{
  const int r = chain->x.rank;
  const size_t m = (size_t)chain->rows, n = (size_t)chain->columns;
  wmc_complex *s = (wmc_complex *)y;
  memset(s, 0, (size_t)(r * r) * sizeof *s);
  for (int k = 0; k < r; k++) s[k * (r + 1)] = chain->x.lambda[k];
  memcpy(s + r * r, chain->unitary->u, m * m * sizeof *s);
  memcpy(s + r * r + m * m, chain->unitary->v, n * n * sizeof *s);
}

void wmc_unitary_leave_chart(wmc_balanced *chain, const int *cluster, const double *y,
                             double *scratch)
{
  const velocity w = map_velocity(chain, scratch);
  const wmc_complex *s = (const wmc_complex *)y, *u = s + w.r * w.r, *v = u + w.m * w.m;
  find_eigen(w.r, cluster, s, w.lambda, w.turn, w.rest);
  turn_columns(w.r, w.m, u, w.turn, chain->unitary->u);
  turn_columns(w.r, w.n, v, w.turn, chain->unitary->v);
  wmc_balanced_adopt(chain, w.lambda);
  wmc_unitary_orthonormalise(chain);
}

/* --- Noise of heun --------------------------------------------------------------------------- */

void wmc_unitary_move_hermitian(wmc_balanced *chain, wmc_stream *stream, const int *cluster,
                                double *y, double *noise, double *scratch)
{
  const int r = chain->x.rank;
  wmc_complex *s = (wmc_complex *)y;
  wmc_stream_normals(stream, (size_t)(r * r), sqrt(chain->full.variance), noise);
  wmc_unitary_enter_chart(chain, y);
  for (int j = 0; j < r; j++) {
    s[j * (r + 1)] += *noise++;
    for (int i = 0; i < j; i++, noise += 2) {
      s[j * r + i] = sqrt(0.5) * (noise[0] + I * noise[1]);
      s[i * r + j] = conj(s[j * r + i]);
    }
  }
  wmc_unitary_leave_chart(chain, cluster, y, scratch);
}

/* Columns i and j of a frame turn by a complex angle. */
static void turn(int side, wmc_complex angle, int i, int j, wmc_complex *frame)
{
  const double size = cabs(angle);
  if (size == 0) return;
  const wmc_unitary_turn columns = {cos(size), sin(size) / size * angle};
  wmc_unitary_turn_columns(side, &columns, frame + i * side, frame + j * side);
}

static void turn_pairs(wmc_balanced *chain, const double *noise, const double *gap,
                       const double *ratio, bool backwards)
{
  const int r = chain->x.rank, pairs = r * (r - 1) / 2;
  for (int k = 0, i = 0, j = 1; k < pairs; k++) {
    double spread[2];
    const int at = backwards ? pairs - 1 - k : k;
    if (backwards && k == 0) i = r - 2, j = r - 1;
    const double *xi = noise + 4 * at;
    wmc_balanced_turn_spreads(chain, i, j, gap[at], ratio[at], spread);
    const wmc_complex same = spread[0] * (xi[0] + I * xi[1]);
    const wmc_complex other = spread[1] * (xi[2] + I * xi[3]);
    turn(chain->rows, same + other, i, j, chain->unitary->u);
    turn(chain->columns, same - other, i, j, chain->unitary->v);
    if (backwards && --j == i) i--, j = r - 1;
    if (!backwards && ++j == r) i++, j = i + 1;
  }
}

static void turn_outer(wmc_balanced *chain, int side, const double *noise, bool backwards,
                       wmc_complex *frame)
{
  const int r = chain->x.rank, others = side - r, turns = r * others;
  for (int k = 0; k < turns && isfinite(chain->x.depth); k++) {
    const int at = backwards ? turns - 1 - k : k, i = at / others, j = r + at % others;
    const wmc_complex xi = noise[2 * at] + I * noise[2 * at + 1];
    turn(side, sqrt(2.0) / chain->x.lambda[i] * xi, i, j, frame);
  }
}

/* The relative phase of columns k by 2 (h clock dt / (2 beta))^{1/2} / lambda, all of it in U. */
static void turn_phases(wmc_balanced *chain, const double *noise)
{
  const int m = chain->rows;
  const double clock = wmc_shape_clock(&chain->law.shape);
  for (int k = 0; k < chain->x.rank; k++) {
    const double lambda = isinf(chain->x.depth) ? 1 : chain->x.lambda[k];
    const wmc_complex phase = cexp(I * sqrt(2 * clock) / lambda * noise[k]);
    for (int i = 0; i < m; i++) chain->unitary->u[k * m + i] *= phase;
  }
}

void wmc_unitary_move_frames(wmc_balanced *chain, wmc_stream *stream, double *noise, double *gap,
                             double *ratio, bool backwards)
{
  const int r = chain->x.rank, m = chain->rows, n = chain->columns;
  const int pairs = 2 * r * (r - 1), outer_u = 2 * r * (m - r), outer_v = 2 * r * (n - r);
  double *outer = noise + pairs, *phases = outer + outer_u + outer_v;
  wmc_stream_normals(stream, (size_t)(pairs + outer_u + outer_v + r), chain->angle, noise);
  wmc_balanced_find_ratios(&chain->x, gap, ratio);
  if (backwards) turn_phases(chain, phases);
  if (!backwards) turn_pairs(chain, noise, gap, ratio, false);
  turn_outer(chain, m, outer, backwards, chain->unitary->u);
  turn_outer(chain, n, outer + outer_u, backwards, chain->unitary->v);
  if (backwards) turn_pairs(chain, noise, gap, ratio, true);
  if (!backwards) turn_phases(chain, phases);
}
