/* The frames U and V of a chain, and what the energy sees in them; eq. (17). */
#include <math.h>
#include <string.h>

#include "balanced.h"

enum { FRESH_STEPS = 64 };   /* rounding in frames grows to about 1e-14 between refreshments */
enum { TURNED_STEPS = 256 }; /* without G and H, which would drift apart from the frames */

/* out (n x m) = a^T, a m x n */
static void transpose(int m, int n, const double *a, double *out)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) out[i * n + j] = a[j * m + i];
}

void wmc_balanced_into_frames(const wmc_balanced *chain, const double *u, const double *m,
                              const double *v, double *out, double *scratch)
{
  double *left = scratch, *right = scratch + chain->rows * chain->rows;
  transpose(chain->rows, chain->rows, u, left);
  wmc_product_apply(chain->from_right, m, v, right);
  wmc_product_apply(chain->from_left, left, right, out);
}

/* out = V^T M V for M and out n x n. `scratch` holds 2 n^2. */
static void into_right_frame(const wmc_balanced *chain, const double *v, const double *m,
                             double *out, double *scratch)
{
  const int n = chain->columns;
  double *left = scratch, *right = scratch + n * n;
  transpose(n, n, v, left);
  wmc_product_apply(chain->in_columns, m, v, right);
  wmc_product_apply(chain->in_columns, left, right, out);
}

void wmc_balanced_out_of_frames(const wmc_balanced *chain, const double *y, double *x,
                                double *scratch)
{
  const int n = chain->columns;
  double *right = scratch, *half = scratch + n * n;
  transpose(n, n, chain->v, right);
  wmc_product_apply(chain->from_left, chain->u, y, half);
  wmc_product_apply(chain->from_right, half, right, x);
}

void wmc_balanced_matrix(const wmc_balanced *chain, double *x)
{
  const int m = chain->rows, n = chain->columns;
  memset(x, 0, (size_t)(m * n) * sizeof *x);
  for (int j = 0; j < n; j++)
    for (int k = 0; k < chain->x.rank; k++) {
      const double factor = chain->x.sigma[k] * chain->v[k * n + j], *u = chain->u + k * m;
      for (int i = 0; i < m; i++) x[j * m + i] += factor * u[i];
    }
}

void wmc_balanced_project(wmc_balanced *chain)
{
  const wmc_energy *energy = &chain->energy;
  if (!energy->centred)
    wmc_balanced_into_frames(chain, chain->u, energy->linear, chain->v, chain->g, chain->work);
  if (!energy->plain) into_right_frame(chain, chain->v, energy->quadratic, chain->h, chain->work);
  if (chain->matrix) wmc_balanced_matrix(chain, chain->matrix);
}

void wmc_balanced_orthonormalise(wmc_balanced *chain)
{
  double *r = chain->work, *scratch = r + chain->span * chain->span;
  wmc_qr(chain->rows, chain->rows, chain->u, r, scratch);
  wmc_qr(chain->columns, chain->columns, chain->v, r, scratch);
  chain->counts[WMC_COUNT_FRESH] = 0;
}

void wmc_balanced_orthonormalise_if_due(wmc_balanced *chain)
{
  chain->counts[WMC_COUNT_FRESH] += 1;
  if (chain->counts[WMC_COUNT_FRESH] >= TURNED_STEPS) wmc_balanced_orthonormalise(chain);
}

void wmc_balanced_refresh(wmc_balanced *chain)
{
  wmc_balanced_orthonormalise(chain);
  wmc_balanced_project(chain);
}

void wmc_balanced_refresh_if_due(wmc_balanced *chain)
{
  chain->counts[WMC_COUNT_FRESH] += 1;
  if (chain->counts[WMC_COUNT_FRESH] >= FRESH_STEPS) wmc_balanced_refresh(chain);
}

bool wmc_balanced_is_negative(int d, double *a)
{
  bool negative = false;
  for (int k = 0; k < d; k++) {
    int pivot = k;
    for (int i = k + 1; i < d; i++)
      if (fabs(a[k * d + i]) > fabs(a[k * d + pivot])) pivot = i;
    for (int j = k; j < d && pivot != k; j++) {
      double swap = a[j * d + k];
      a[j * d + k] = a[j * d + pivot];
      a[j * d + pivot] = swap;
    }
    negative ^= (pivot != k) ^ (a[k * d + k] < 0);
    for (int i = k + 1; i < d; i++) {
      double factor = a[k * d + i] / a[k * d + k];
      for (int j = k + 1; j < d; j++) a[j * d + i] -= factor * a[j * d + k];
    }
  }
  return negative;
}

/* Q of a Gaussian matrix whose R has a positive diagonal is Haar; det of the same sign. */
static bool start_frame(wmc_balanced *chain, int d, double *frame, wmc_stream *stream)
{
  double *r = chain->work;
  wmc_stream_normals(stream, (size_t)(d * d), 1, frame);
  memcpy(r, frame, (size_t)(d * d) * sizeof *r);
  bool negative = wmc_balanced_is_negative(d, r);
  wmc_qr(d, d, frame, r, r + d * d);
  return negative;
}

void wmc_balanced_start_frames(wmc_balanced *chain, wmc_stream *stream)
{
  const int m = chain->rows, n = chain->columns;
  bool negative = start_frame(chain, m, chain->u, stream);
  negative ^= start_frame(chain, n, chain->v, stream);
  const bool both_signs = chain->start > 0 && !chain->noisy;
  for (int i = 0; negative && !both_signs && i < m; i++) chain->u[i] = -chain->u[i];
  memset(chain->g, 0, (size_t)(m * n) * sizeof *chain->g);
  for (int k = 0; k < n * n; k++) chain->h[k] = k % (n + 1) == 0 ? chain->energy.quadratic[0] : 0;
  wmc_balanced_project(chain);
}

void wmc_balanced_turn(int n, const double r[2], double *restrict x, double *restrict y)
{
  const double c = r[0], s = r[1];
  for (int k = 0; k < n; k++) {
    double t = c * x[k] + s * y[k];
    y[k] = c * y[k] - s * x[k];
    x[k] = t;
  }
}

/* The same for rows i, j of an m x n matrix. */
static void turn_rows(int m, int n, const double r[2], int i, int j, double *a)
{
  for (int k = 0; k < n; k++, a += m) {
    double t = r[0] * a[i] + r[1] * a[j];
    a[j] = r[0] * a[j] - r[1] * a[i];
    a[i] = t;
  }
}

/* G and H after a turn of the frames. */
static void turn_energy(wmc_balanced *chain, int i, int j, const double a[2], const double b[2])
{
  const int m = chain->rows, n = chain->columns;
  if (!chain->energy.centred) {
    if (j < m) turn_rows(m, n, a, i, j, chain->g);
    if (j < n) wmc_balanced_turn(m, b, chain->g + i * m, chain->g + j * m);
  }
  if (!chain->energy.plain && j < n) {
    turn_rows(n, n, b, i, j, chain->h);
    wmc_balanced_turn(n, b, chain->h + i * n, chain->h + j * n);
  }
}

void wmc_balanced_turn_frames(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2])
{
  const int m = chain->rows, n = chain->columns;
  if (chain->matrix) wmc_balanced_turn_matrix(chain, i, j, a, b);
  if (j < m) wmc_balanced_turn(m, a, chain->u + i * m, chain->u + j * m);
  if (j < n) wmc_balanced_turn(n, b, chain->v + i * n, chain->v + j * n);
  turn_energy(chain, i, j, a, b);
}

/* One-sided Jacobi as wmc_svd_jacobi with V0 = 1, but for two columns: without its overhead. */
static void decompose_two(double *y, double *v, double *s)
{
  const double tiny = 0x1p-52;
  for (int sweep = 0; sweep < 4; sweep++) {
    double a = y[0] * y[0] + y[1] * y[1], b = y[2] * y[2] + y[3] * y[3];
    double g = y[0] * y[2] + y[1] * y[3], r[2];
    s[0] = sqrt(a);
    s[1] = sqrt(b);
    if (a >= b && !(fabs(g) > tiny * s[0] * s[1])) return;
    double half = 0.5 * (a - b), length = sqrt(half * half + g * g);
    /* the larger column comes first: tan of the angle is g / (half + length), in a stable form */
    double c2 = half / length, s2 = g / length;
    r[0] = sqrt(0.5 * (1 + fabs(c2)));
    r[1] = 0.5 * s2 / r[0];
    if (c2 < 0) {
      double swap = r[0];
      r[0] = fabs(r[1]);
      r[1] = g < 0 ? -swap : swap;
    }
    wmc_balanced_turn(2, r, y, y + 2);
    wmc_balanced_turn(2, r, v, v + 2);
  }
}

static void set_identity(int d, double *a)
{
  for (int k = 0; k < d * d; k++) a[k] = k % (d + 1) == 0;
}

/* The columns of y (m x n, m >= n) to length 1, and m - n more to make an orthogonal matrix.
 * Columns that vanish beside the first have no direction of their own. */
static void complete(int m, int n, double *y, const double *s, double *scratch)
{
  const double least = 1e-290 * fmax(s[0], 1);
  int known = 0;
  for (; known < n && s[known] > least; known++)
    for (int i = 0; i < m; i++) y[known * m + i] /= s[known];
  if (known == m) return;
  memset(y + m * known, 0, (size_t)(m * (m - known)) * sizeof *y);
  wmc_qr(m, m, y, scratch, scratch + m * m);
}

void wmc_balanced_decompose(int m, int n, double *p, double *q, double *s, double *scratch)
{
  double *tall = p, *square = q;
  if (m < n) {
    transpose(m, n, p, q);
    tall = q;
    square = p;
  }
  const int large = m < n ? n : m, small = m < n ? m : n;
  set_identity(small, square);
  if (large == 2 && small == 2)
    decompose_two(tall, square, s);
  else
    wmc_svd_jacobi(large, small, tall, square, s, scratch);
  complete(large, small, tall, s, scratch);
}

void wmc_balanced_settle(wmc_balanced *chain, const double *p, const double *q, double *scratch)
{
  const size_t m = (size_t)chain->rows, n = (size_t)chain->columns;
  double *rest = scratch + chain->span * chain->span;
  wmc_product_apply(chain->in_rows, chain->u, p, scratch);
  memcpy(chain->u, scratch, m * m * sizeof *scratch);
  wmc_product_apply(chain->in_columns, chain->v, q, scratch);
  memcpy(chain->v, scratch, n * n * sizeof *scratch);
  if (!chain->energy.centred) {
    wmc_balanced_into_frames(chain, p, chain->g, q, scratch, rest);
    memcpy(chain->g, scratch, m * n * sizeof *scratch);
  }
  if (!chain->energy.plain) {
    into_right_frame(chain, q, chain->h, scratch, rest);
    memcpy(chain->h, scratch, n * n * sizeof *scratch);
  }
  if (chain->matrix) wmc_balanced_matrix(chain, chain->matrix);
}
