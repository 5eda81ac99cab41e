/* Householder QR on rows.
 *
 * The matrix is copied row by row, padded to whole vectors, so that for the reflector of column j
 * both x^T A (whose entry j is |x|^2: the norm comes for free) and the update A -= v w^T run along
 * rows and need no sum within a vector. The update for one reflector and the sums for the next
 * share one pass over the rows. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dense_kernels.h"
#include "dense_transpose.h"
#include "dense_vector.h"

/* Vectors of a row that one pass holds in registers, with as many sums. */
#if defined(__AVX512F__)
enum { PANEL = 8 };
#else
enum { PANEL = 4 };
#endif

/* Squared norms of columns between these are safe: neither they nor their products with unit
 * roundoff leave the range of normal numbers. */
static const double LEAST = 1e-250, MOST = 1e250;

typedef struct rows {
  int m, n, width;       /* m rows of `width` doubles, n of them in use */
  double *a;             /* the rows: first A, then R, then Q */
  double *v;             /* n reflectors of length m: H_j = 1 - tau_j v v^T on entries j..m-1 */
  double *tau, *sign;    /* n */
  double *weight, *sums; /* width: w and the sums for the next w */
} rows;

/** What a pass does to rows begin..m-1, in `vectors` vectors from column `from`:
 *   a_i -= v_i weight,  sums = sum_i x_i a_i.
 * With `lead` >= 0, x_i is the updated entry `lead` of the row, and is stored in x. */
typedef struct pass {
  int begin, from, lead;
  const double *v;
  double *x;
} pass;

INLINE void pass_panel(const rows *w, const pass *p, int from, int vectors, bool leads)
{
  vec weight[PANEL], sums[PANEL];
  for (int k = 0; k < vectors; k++) {
    weight[k] = load(w->weight + from + k * LANES);
    sums[k] = (vec){0};
  }
  for (int i = p->begin; i < w->m; i++) {
    double *row = w->a + (ptrdiff_t)i * w->width;
    vec v = all(p->v[i]), a[PANEL];
    for (int k = 0; k < vectors; k++) {
      a[k] = multiply_add(-v, weight[k], load(row + from + k * LANES));
      store(row + from + k * LANES, a[k]);
    }
    if (leads) p->x[i] = row[p->lead];
    vec x = all(p->x[i]);
    for (int k = 0; k < vectors; k++) sums[k] = multiply_add(x, a[k], sums[k]);
  }
  for (int k = 0; k < vectors; k++) store(w->sums + from + k * LANES, sums[k]);
}

/** The same with the number of vectors known to the compiler. */
INLINE void pass_some(const rows *w, const pass *p, int from, int vectors, bool leads)
{
  switch (vectors) {
  case 1:
    pass_panel(w, p, from, 1, leads);
    break;
  case 2:
    pass_panel(w, p, from, 2, leads);
    break;
  case 3:
    pass_panel(w, p, from, 3, leads);
    break;
#if defined(__AVX512F__)
  case 4:
    pass_panel(w, p, from, 4, leads);
    break;
  case 5:
    pass_panel(w, p, from, 5, leads);
    break;
  case 6:
    pass_panel(w, p, from, 6, leads);
    break;
  case 7:
    pass_panel(w, p, from, 7, leads);
    break;
#endif
  default:
    pass_panel(w, p, from, PANEL, leads);
    break;
  }
}

static void pass_rows(const rows *w, const pass *p)
{
  int from = p->from, vectors = (w->width - from) / LANES;
  int first = vectors < PANEL ? vectors : PANEL;
  if (p->lead >= 0)
    pass_some(w, p, from, first, true);
  else
    pass_some(w, p, from, first, false);
  for (int done = first; done < vectors; done += PANEL) {
    int left = vectors - done < PANEL ? vectors - done : PANEL;
    pass_some(w, p, from + done * LANES, left, false);
  }
}

INLINE int vector_of(int column) { return column / LANES * LANES; }

static bool is_zero(int n, const double *x)
{
  for (int i = 0; i < n; i++)
    if (x[i] != 0) return false;
  return true;
}

/** weight = tau (x^T A - r a_j): that of H_j, v = x - r e_j, from the sums x^T A. Returns false
 * when |x|^2 is out of the safe range though x is not 0. */
static bool find_reflector(const rows *w, int j)
{
  const double *row = w->a + (ptrdiff_t)j * w->width;
  double square = w->sums[j], x = row[j], *v = w->v + (ptrdiff_t)j * w->m;
  if (!(square > LEAST && square < MOST) && !is_zero(w->m - j, v + j)) return false;
  double r = x > 0 ? -sqrt(square) : sqrt(square);
  w->tau[j] = square > 0 ? 1 / (square - r * x) : 0;
  w->sign[j] = r < 0 ? -1 : 1;
  v[j] = x - r;
  for (int k = vector_of(j); k < w->width; k += LANES)
    store(w->weight + k, w->tau[j] * (load(w->sums + k) - r * load(row + k)));
  return true;
}

/** Upper triangle of `a` <- R up to the signs of its rows; v, tau, sign <- the reflectors. */
static bool factor(const rows *w)
{
  for (int k = 0; k < w->width; k += LANES) store(w->weight + k, (vec){0});
  for (int i = 0; i < w->m; i++) w->v[i] = 0;
  pass first = {.begin = 0, .from = 0, .lead = 0, .v = w->v, .x = w->v};
  pass_rows(w, &first);
  for (int j = 0; j < w->n; j++) {
    double *v = w->v + (ptrdiff_t)j * w->m, *row = w->a + (ptrdiff_t)j * w->width;
    if (!find_reflector(w, j)) return false;
    for (int k = vector_of(j); k < w->width; k += LANES)
      store(row + k, multiply_add(-all(v[j]), load(w->weight + k), load(row + k)));
    if (j + 1 == w->n) break;
    pass next = {j + 1, vector_of(j), j + 1, v, v + w->m};
    pass_rows(w, &next);
  }
  return true;
}

/** a <- H_0 ... H_{n-1} (the first n columns of 1), from the last reflector to the first. */
static void form_q(const rows *w)
{
  for (ptrdiff_t k = 0; k < (ptrdiff_t)w->m * w->width; k += LANES) store(w->a + k, (vec){0});
  for (int k = 0; k < w->width; k += LANES) store(w->sums + k, (vec){0});
  for (int j = w->n - 1; j >= 0; j--) {
    double *v = w->v + (ptrdiff_t)j * w->m, *row = w->a + (ptrdiff_t)j * w->width;
    int from = vector_of(j);
    /* row j is still that of the unit matrix */
    w->sums[j] = v[j];
    for (int k = from; k < w->width; k += LANES)
      store(w->weight + k, w->tau[j] * load(w->sums + k));
    row[j] = 1;
    pass next = {j, j > 0 ? vector_of(j - 1) : from, -1, v, j > 0 ? v - w->m : v};
    if (next.from < from) store(w->weight + next.from, (vec){0});
    pass_rows(w, &next);
  }
}

static void copy_in(const rows *w, const double *a)
{
  transpose(w->m, w->n, a, w->m, w->a, w->width);
  for (int i = 0; i < w->m; i++)
    for (int j = w->n; j < w->width; j++) w->a[j + (ptrdiff_t)i * w->width] = 0;
}

/** The signs of rows make R_ii >= 0. */
static void copy_r(const rows *w, double *r)
{
  for (int i = 0; i < w->n; i++) {
    double *row = w->a + (ptrdiff_t)i * w->width;
    for (int j = 0; j < i; j++) row[j] = 0;
    for (int k = vector_of(i); k < w->width; k += LANES) store(row + k, w->sign[i] * load(row + k));
  }
  transpose(w->n, w->n, w->a, w->width, r, w->n);
}

static void copy_q(const rows *w, double *q)
{
  for (int i = 0; i < w->m; i++)
    for (int k = 0; k < w->width; k += LANES) {
      double *entry = w->a + k + (ptrdiff_t)i * w->width;
      store(entry, load(entry) * load(w->sign + k));
    }
  transpose(w->n, w->m, w->a, w->width, q, w->m);
}

/* --- any scaling: by columns, with norms that cannot overflow -----------------------------------
 */

static double dot(int n, const double *x, const double *y)
{
  double sum = 0;
  for (int i = 0; i < n; i++) sum += x[i] * y[i];
  return sum;
}

static void subtract(int n, double factor, const double *restrict x, double *restrict y)
{
  for (int i = 0; i < n; i++) y[i] -= factor * x[i];
}

/** Power of two whose square brings the largest |x| near 1: the power itself cannot overflow. */
static double half_scale(int n, const double *x)
{
  double largest = 0;
  for (int i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
  return largest > 0 && largest <= DBL_MAX ? ldexp(1.0, -ilogb(largest) / 2) : 1;
}

/** Vector v, |v|^2 = 2, in place of x with (1 - v v^T) x = r e_1; returns r, |r| = |x|, whose sign
 * is opposite to that of x_1. */
static double reflector(int n, double *x)
{
  double scale = half_scale(n, x);
  for (int i = 0; i < n; i++) x[i] = x[i] * scale * scale;
  double norm = sqrt(dot(n, x, x));
  if (norm == 0) {
    x[0] = sqrt(2.0);
    return 0;
  }
  double r = x[0] > 0 ? -norm : norm, factor = 1 / sqrt(norm * fabs(x[0] - r));
  x[0] -= r;
  for (int i = 0; i < n; i++) x[i] *= factor;
  return r / scale / scale;
}

static void factor_any_scale(int m, int n, double *a, double *r, double *diagonal)
{
  for (int j = 0; j < n; j++) {
    double *v = a + j + (ptrdiff_t)j * m;
    diagonal[j] = reflector(m - j, v);
    for (int l = j + 1; l < n; l++) {
      double *column = a + j + (ptrdiff_t)l * m;
      subtract(m - j, dot(m - j, v, column), v, column);
    }
  }
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) {
      double entry = i < j ? a[i + (ptrdiff_t)j * m] : i == j ? diagonal[j] : 0;
      r[i + (ptrdiff_t)j * n] = diagonal[i] < 0 ? -entry : entry;
    }
}

static void form_q_any_scale(int m, int n, double *a, const double *diagonal)
{
  for (int j = n - 1; j >= 0; j--) {
    double *v = a + j + (ptrdiff_t)j * m, first = v[0];
    for (int l = j + 1; l < n; l++) {
      double *column = a + j + (ptrdiff_t)l * m;
      column[0] = 0;
      subtract(m - j, dot(m - j, v, column), v, column);
    }
    for (int i = 0; i < m - j; i++) v[i] *= -first;
    v[0] += 1;
    for (int i = 0; i < j; i++) a[i + (ptrdiff_t)j * m] = 0;
  }
  for (int j = 0; j < n; j++)
    if (diagonal[j] < 0)
      for (int i = 0; i < m; i++) a[i + (ptrdiff_t)j * m] = -a[i + (ptrdiff_t)j * m];
}

void WMC_SIMD_NAME(wmc_qr_householder)(int m, int n, double *a, double *r, bool q, double *scratch)
{
  rows w = {.m = m, .n = n, .width = (n + LANES - 1) / LANES * LANES};
  w.a = (double *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  w.weight = w.a + (ptrdiff_t)m * w.width;
  w.sums = w.weight + w.width;
  w.tau = w.sums + w.width;
  w.sign = w.tau + w.width;
  w.v = w.sign + w.width;
  copy_in(&w, a);
  for (int k = n; k < w.width; k++) w.sign[k] = 1;
  if (!factor(&w)) {
    factor_any_scale(m, n, a, r, w.tau);
    if (q) form_q_any_scale(m, n, a, w.tau);
    return;
  }
  copy_r(&w, r);
  if (!q) return;
  form_q(&w);
  copy_q(&w, a);
}
