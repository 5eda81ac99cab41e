/* The frames U and V of a chain, and what the energy sees in them; eq. (17). */
#include <math.h>
#include <string.h>

#include "balanced.h"

enum { FRESH_STEPS = 64 }; /* rounding in frames grows to about 1e-14 between refreshments */

static void transpose(int d, const double *a, double *out)
{
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++) out[i * d + j] = a[j * d + i];
}

void wmc_balanced_conjugate(const wmc_balanced *chain, const double *a, const double *m,
                            const double *b, double *out, double *scratch)
{
  const int d = chain->x.rank;
  double *left = scratch, *right = scratch + d * d;
  transpose(d, a, left);
  wmc_product_apply(chain->product, m, b, right);
  wmc_product_apply(chain->product, left, right, out);
}

/* G and H from the frames; constant where the energy does not need them */
static void project_energy(wmc_balanced *chain)
{
  const wmc_energy *energy = &chain->energy;
  if (!energy->centred)
    wmc_balanced_conjugate(chain, chain->u, energy->linear, chain->v, chain->g, chain->work);
  if (!energy->plain)
    wmc_balanced_conjugate(chain, chain->v, energy->quadratic, chain->v, chain->h, chain->work);
}

void wmc_balanced_refresh(wmc_balanced *chain)
{
  const int d = chain->x.rank;
  double *r = chain->work, *scratch = r + d * d;
  wmc_qr(d, d, chain->u, r, scratch);
  wmc_qr(d, d, chain->v, r, scratch);
  project_energy(chain);
  chain->counts[WMC_COUNT_FRESH] = 0;
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
static bool start_frame(wmc_balanced *chain, double *frame, wmc_stream *stream)
{
  const int d = chain->x.rank;
  double *r = chain->work;
  wmc_stream_normals(stream, (size_t)(d * d), 1, frame);
  memcpy(r, frame, (size_t)(d * d) * sizeof *r);
  bool negative = wmc_balanced_is_negative(d, r);
  wmc_qr(d, d, frame, r, r + d * d);
  return negative;
}

void wmc_balanced_start_frames(wmc_balanced *chain, wmc_stream *stream)
{
  const int d = chain->x.rank;
  bool negative = start_frame(chain, chain->u, stream);
  negative ^= start_frame(chain, chain->v, stream);
  for (int i = 0; negative && i < d; i++) chain->u[i] = -chain->u[i];
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      chain->g[j * d + i] = 0;
      chain->h[j * d + i] = i == j;
    }
  project_energy(chain);
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

/* The same for rows i, j of a d x d matrix. */
static void turn_rows(int d, const double r[2], int i, int j, double *m)
{
  for (int k = 0; k < d; k++, m += d) {
    double t = r[0] * m[i] + r[1] * m[j];
    m[j] = r[0] * m[j] - r[1] * m[i];
    m[i] = t;
  }
}

void wmc_balanced_turn_energy(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2])
{
  const int d = chain->x.rank;
  if (!chain->energy.centred) {
    turn_rows(d, a, i, j, chain->g);
    wmc_balanced_turn(d, b, chain->g + i * d, chain->g + j * d);
  }
  if (!chain->energy.plain) {
    turn_rows(d, b, i, j, chain->h);
    wmc_balanced_turn(d, b, chain->h + i * d, chain->h + j * d);
  }
}

void wmc_balanced_turn_frames(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2])
{
  const int d = chain->x.rank;
  wmc_balanced_turn(d, a, chain->u + i * d, chain->u + j * d);
  wmc_balanced_turn(d, b, chain->v + i * d, chain->v + j * d);
  wmc_balanced_turn_energy(chain, i, j, a, b);
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

void wmc_balanced_decompose(int d, double *y, double *v, double *s, double *scratch)
{
  for (int k = 0; k < d * d; k++) v[k] = k % (d + 1) == 0;
  if (d == 2)
    decompose_two(y, v, s);
  else
    wmc_svd_jacobi(d, d, y, v, s, scratch);
  for (int k = 0; k < d; k++)
    for (int i = 0; i < d; i++) y[k * d + i] /= s[k];
}

/* frame <- frame P */
static void follow(const wmc_balanced *chain, double *frame, const double *p, double *scratch)
{
  const size_t bytes = (size_t)(chain->x.rank * chain->x.rank) * sizeof *frame;
  wmc_product_apply(chain->product, frame, p, scratch);
  memcpy(frame, scratch, bytes);
}

void wmc_balanced_settle(wmc_balanced *chain, const double *p, const double *q, double *scratch)
{
  const int d = chain->x.rank, square = d * d;
  const size_t bytes = (size_t)square * sizeof *scratch;
  follow(chain, chain->u, p, scratch);
  follow(chain, chain->v, q, scratch);
  if (!chain->energy.centred) {
    wmc_balanced_conjugate(chain, p, chain->g, q, scratch, scratch + square);
    memcpy(chain->g, scratch, bytes);
  }
  if (!chain->energy.plain) {
    wmc_balanced_conjugate(chain, q, chain->h, q, scratch, scratch + square);
    memcpy(chain->h, scratch, bytes);
  }
}
