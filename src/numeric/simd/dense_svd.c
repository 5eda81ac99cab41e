/* One-sided Jacobi by rounds of disjoint pairs (a round-robin tournament of the columns).
 *
 * The columns of Y, each above its column of V, are copied into scratch, padded with zeros to whole
 * vectors and sorted by norm. In a round all n/2 pairs are independent, so the latencies of their
 * dot products, square roots and divisions overlap, and the angles are computed in vectors.
 * Rotations are those of Demmel & Veselic, SIAM J. Matrix Anal. Appl. 13 (1992) 1204: columns
 * scaled by any factors keep the relative accuracy of their singular values. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dense_kernels.h"
#include "dense_vector.h"

enum { MOST_SWEEPS = 60 };

/* Squared norm of a column that counts as zero: e^-318 of the largest. A column that depends on
 * others loses 16 digits a sweep until it comes here. */
static const double NOTHING = 0x1p-480;

typedef struct sweeper {
  int m, n;      /* rows of Y, columns */
  int height;    /* padded rows of Y */
  int stride;    /* and of V below it, if there is one */
  double *work;  /* n columns */
  double *norm2; /* n, kept up to date by the rotations */
  /* of the pairs of a round, n/2 each */
  double *large, *small, *dot, *cosine, *sine;
} sweeper;

INLINE int padded(int rows) { return (rows + LANES - 1) / LANES * LANES; }

/** Dot product of padded columns. */
INLINE double dot(int rows, const double *x, const double *y)
{
  vec even = load(x) * load(y), odd = {0};
  int i = LANES;
  for (; i + 2 * LANES <= rows; i += 2 * LANES) {
    odd += load(x + i) * load(y + i);
    even += load(x + i + LANES) * load(y + i + LANES);
  }
  if (i < rows) odd += load(x + i) * load(y + i);
  return sum_of(even + odd);
}

/** (x, y) <- (c x + s y, c y - s x) */
INLINE void rotate(int rows, double c, double s, double *x, double *y)
{
  vec cosine = all(c), sine = all(s);
  for (int i = 0; i < rows; i += LANES) {
    vec u = load(x + i), v = load(y + i);
    store(x + i, cosine * u + sine * v);
    store(y + i, cosine * v - sine * u);
  }
}

INLINE double *column(const sweeper *w, int j) { return w->work + (ptrdiff_t)j * w->stride; }

/** Columns p < q of pair k in a round of the tournament of `players` (even) columns. */
INLINE void pair_of(int players, int round, int k, int *p, int *q)
{
  int last = players - 1, i = round + k, j = round - k;
  if (i >= last) i -= last;
  if (j < 0) j += last;
  if (k == 0) j = last;
  *p = i < j ? i : j;
  *q = i < j ? j : i;
}

/** Angles of `pairs` pairs, 0 where the columns are orthogonal to working accuracy; the squared
 * norms become those after the rotation. Returns how many are not 0. */
static int find_angles(const sweeper *w, int pairs)
{
  const double sharpness = 1 / (DBL_EPSILON * sqrt((double)w->m));
  double *restrict large = w->large, *restrict small = w->small, *restrict dots = w->dot;
  double *restrict cosine = w->cosine, *restrict sine = w->sine;
  double count = 0;
  for (int k = 0; k < pairs; k++) {
    double a = large[k], b = small[k], g = dots[k] * sharpness;
    sine[k] = (g * g > a * b) & (fmin(a, b) > NOTHING) ? 1 : 0;
  }
  for (int k = 0; k < pairs; k++) count += sine[k];
  if (count == 0) return 0;
  for (int k = 0; k < pairs; k++) {
    double a = large[k], b = small[k], g = dots[k], d = a - b;
    double t = 2 * g / (fabs(d) + sqrt(d * d + 4 * g * g));
    t = d < 0 ? -t : t;
    t = sine[k] > 0 ? t : 0;
    cosine[k] = 1 / sqrt(1 + t * t);
    sine[k] = t * cosine[k];
    large[k] = a + t * g;
    small[k] = b - t * g;
  }
  return (int)count;
}

/** A norm that shrank much is wrong by cancellation in its update. */
INLINE void set_norm(const sweeper *w, int j, double norm2)
{
  bool lost = !(norm2 > 0.1 * w->norm2[j]);
  w->norm2[j] = lost ? dot(w->height, column(w, j), column(w, j)) : norm2;
}

/** Pairs of one round; returns how many were rotated. */
static int play_round(const sweeper *w, int round)
{
  int players = w->n + w->n % 2, first = w->n % 2, pairs = players / 2 - first, p, q;
  for (int k = 0; k < pairs; k++) {
    pair_of(players, round, k + first, &p, &q);
    w->large[k] = w->norm2[p];
    w->small[k] = w->norm2[q];
    w->dot[k] = dot(w->height, column(w, p), column(w, q));
  }
  int rotations = find_angles(w, pairs);
  for (int k = 0; k < pairs && rotations > 0; k++) {
    if (w->sine[k] == 0) continue;
    pair_of(players, round, k + first, &p, &q);
    rotate(w->stride, w->cosine[k], w->sine[k], column(w, p), column(w, q));
    set_norm(w, p, w->large[k]);
    set_norm(w, q, w->small[k]);
  }
  return rotations;
}

/** Sweep until no pair needs a rotation; returns the sweeps that rotated. */
static int sweep_all(const sweeper *w)
{
  int players = w->n + w->n % 2, sweep = 0;
  for (int rotations = 1; w->n > 1 && sweep < MOST_SWEEPS; sweep++) {
    rotations = 0;
    for (int j = 0; j < w->n; j++) w->norm2[j] = dot(w->height, column(w, j), column(w, j));
    for (int round = 0; round < players - 1; round++) rotations += play_round(w, round);
    if (rotations == 0) break;
  }
  return sweep;
}

/** Sum of squares of any m entries. */
INLINE double square(int m, const double *x)
{
  vec sum = {0};
  int i = 0;
  for (; i + LANES <= m; i += LANES) sum += load(x + i) * load(x + i);
  if (i < m) {
    vec last = part_load(x + i, m - i);
    sum += last * last;
  }
  return sum_of(sum);
}

/** rank[j] is the place of column j when sorted by decreasing norm; equal norms keep their order.
 */
static void rank_columns(int n, const double *norm2, double *rank)
{
  for (int j = 0; j < n; j++) {
    int before = 0;
    for (int l = 0; l < n; l++)
      before += (norm2[l] > norm2[j]) | ((norm2[l] == norm2[j]) & (l < j));
    rank[j] = before;
  }
}

/** Factor, a power of two, for which squared norms and their products neither overflow nor, for
 * columns above e^-318 of the largest, underflow; 1 where nothing is at risk. */
static double safe_scale(const sweeper *w, const double *y)
{
  double least = INFINITY, most = 0, largest = 0;
  for (int j = 0; j < w->n; j++) {
    least = fmin(least, w->norm2[j]);
    most = fmax(most, w->norm2[j]);
  }
  if (least > NOTHING && most < 0x1p480) return 1;
  for (int i = 0; i < w->m * w->n; i++) largest = fmax(largest, fabs(y[i]));
  if (!(largest > 0) || isinf(largest)) return 1;
  int exponent = 225 - ilogb(largest);
  return ldexp(1.0, exponent < 1000 ? exponent : 1000);
}

/** to (`rows` padded) <- scale * from (m entries) */
INLINE void copy_in(int m, int rows, double scale, const double *from, double *to)
{
  int i = 0;
  for (; i + LANES <= m; i += LANES) store(to + i, load(from + i) * scale);
  if (i < rows) store(to + i, part_load(from + i, m - i) * scale);
}

INLINE void copy_out(int m, double scale, const double *from, double *to)
{
  int i = 0;
  for (; i + LANES <= m; i += LANES) store(to + i, load(from + i) * scale);
  if (i < m) part_store(to + i, load(from + i) * scale, m - i);
}

static double gather(sweeper *w, const double *y, const double *v, double *rank)
{
  for (int j = 0; j < w->n; j++) w->norm2[j] = square(w->m, y + (ptrdiff_t)j * w->m);
  double scale = safe_scale(w, y);
  if (scale != 1)
    for (int j = 0; j < w->n; j++) {
      double *to = column(w, j);
      copy_in(w->m, w->height, scale, y + (ptrdiff_t)j * w->m, to);
      w->norm2[j] = dot(w->height, to, to);
    }
  rank_columns(w->n, w->norm2, rank);
  for (int j = 0; j < w->n; j++) {
    double *to = column(w, (int)rank[j]);
    copy_in(w->m, w->height, scale, y + (ptrdiff_t)j * w->m, to);
    if (v != NULL) copy_in(w->n, w->stride - w->height, 1, v + (ptrdiff_t)j * w->n, to + w->height);
  }
  return scale;
}

static void scatter(sweeper *w, double scale, double *y, double *v, double *s, double *rank)
{
  for (int j = 0; j < w->n; j++) w->norm2[j] = dot(w->height, column(w, j), column(w, j));
  rank_columns(w->n, w->norm2, rank);
  for (int j = 0; j < w->n; j++) {
    const double *from = column(w, j);
    int place = (int)rank[j];
    s[place] = sqrt(w->norm2[j]) / scale;
    copy_out(w->m, 1 / scale, from, y + (ptrdiff_t)place * w->m);
    if (v != NULL) copy_out(w->n, 1, from + w->height, v + (ptrdiff_t)place * w->n);
  }
}

int WMC_SIMD_NAME(wmc_svd_sweeps)(int m, int n, double *y, double *v, double *s, double *scratch)
{
  double *aligned = (double *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  int height = padded(m), vectors = padded(n);
  sweeper w = {.m = m, .n = n, .height = height, .stride = height + (v != NULL ? vectors : 0)};
  double *const parts[] = {aligned,
                           aligned + vectors,
                           aligned + 2 * vectors,
                           aligned + 3 * vectors,
                           aligned + 4 * vectors,
                           aligned + 5 * vectors,
                           aligned + 6 * vectors,
                           aligned + 7 * vectors};
  w.norm2 = parts[0], w.large = parts[1], w.small = parts[2], w.dot = parts[3];
  w.cosine = parts[4], w.sine = parts[5], w.work = parts[7];
  double scale = gather(&w, y, v, parts[6]);
  int sweeps = sweep_all(&w);
  scatter(&w, scale, y, v, s, parts[6]);
  return sweeps;
}
