/* Householder QR on rows, of real and of complex matrices.
 *
 * The matrix is copied row by row, padded to whole vectors, so that for the reflector of column j
 * both x^* A (whose entry j is |x|^2: the norm comes for free) and the update A -= v w run along
 * rows and need no sum within a vector. The update for one reflector and the sums for the next
 * share one pass over the rows. A complex row is two: its real parts, then its imaginary parts;
 * `parts` is 1 or 2 and known to the compiler wherever time is spent. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "dense_kernels.h"
#include "dense_transpose.h"
#include "dense_vector.h"
#include "weylmc/numeric/vector.h"

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
  int m, n, width;       /* m rows of parts x `width` doubles, n numbers in use */
  double *a;             /* the rows: first A, then R, then Q */
  double *v;             /* n reflectors of length m: H_j = 1 - tau_j v v^* on entries j..m-1 */
  double *tau;           /* n */
  double *sign;          /* width: phases of R_jj before they are taken out */
  double *weight, *sums; /* width: w and the sums for the next w */
} rows;

/** What a pass does to rows begin..m-1, in `vectors` vectors from column `from`:
 *   a_i -= v_i weight,  sums = sum_i x_i^* a_i.
 * With `lead` >= 0, x_i is the updated entry `lead` of the row, and is stored in x. */
typedef struct pass {
  int begin, from, lead;
  const double *v;
  double *x;
} pass;

/** Numbers in a vector; `im` is unused where numbers are real. */
typedef struct numbers {
  vec re, im;
} numbers;

/** LANES numbers whose imaginary parts stand `apart` behind their real ones. */
INLINE numbers load_numbers(int parts, const double *x, int apart)
{
  return (numbers){load(x), parts == 2 ? load(x + apart) : (vec){0}};
}

INLINE void store_numbers(int parts, double *x, int apart, numbers z)
{
  store(x, z.re);
  if (parts == 2) store(x + apart, z.im);
}

/** One number in all lanes. */
INLINE numbers all_numbers(int parts, const double *x, int apart)
{
  return (numbers){all(x[0]), parts == 2 ? all(x[apart]) : (vec){0}};
}

/** c + a b, or c + a^* b */
INLINE numbers add_product(int parts, bool conjugate, numbers a, numbers b, numbers c)
{
  c.re = multiply_add(a.re, b.re, c.re);
  if (parts == 1) return c;
  const vec im = conjugate ? a.im : -a.im;
  c.re = multiply_add(im, b.im, c.re);
  c.im = multiply_add(a.re, b.im, c.im);
  c.im = multiply_add(-im, b.re, c.im);
  return c;
}

INLINE numbers negative(numbers z) { return (numbers){-z.re, -z.im}; }

INLINE double *row_of(int parts, const rows *w, int i)
{
  return w->a + (ptrdiff_t)i * parts * w->width;
}

INLINE double *reflector_of(int parts, const rows *w, int j)
{
  return w->v + (ptrdiff_t)j * parts * w->m;
}

INLINE void pass_panel(int parts, const rows *w, const pass *p, int from, int vectors, bool leads)
{
  numbers weight[PANEL], sums[PANEL];
  for (int k = 0; k < vectors; k++) {
    weight[k] = load_numbers(parts, w->weight + from + k * LANES, w->width);
    sums[k] = (numbers){{0}, {0}};
  }
  for (int i = p->begin; i < w->m; i++) {
    double *row = row_of(parts, w, i);
    const numbers v = negative(all_numbers(parts, p->v + i, w->m));
    numbers a[PANEL];
    for (int k = 0; k < vectors; k++) {
      double *at = row + from + k * LANES;
      a[k] = add_product(parts, false, v, weight[k], load_numbers(parts, at, w->width));
      store_numbers(parts, at, w->width, a[k]);
    }
    for (int part = 0; leads && part < parts; part++)
      p->x[i + part * w->m] = row[p->lead + part * w->width];
    const numbers x = all_numbers(parts, p->x + i, w->m);
    for (int k = 0; k < vectors; k++) sums[k] = add_product(parts, true, x, a[k], sums[k]);
  }
  for (int k = 0; k < vectors; k++)
    store_numbers(parts, w->sums + from + k * LANES, w->width, sums[k]);
}

/** The same with the number of vectors known to the compiler. */
INLINE void pass_some(int parts, const rows *w, const pass *p, int from, int vectors, bool leads)
{
  if (vectors >= PANEL / parts) {
    pass_panel(parts, w, p, from, PANEL / parts, leads);
    return;
  }
  switch (vectors) {
  case 1:
    pass_panel(parts, w, p, from, 1, leads);
    break;
  case 2:
    pass_panel(parts, w, p, from, 2, leads);
    break;
  case 3:
    pass_panel(parts, w, p, from, 3, leads);
    break;
#if defined(__AVX512F__)
  case 4:
    pass_panel(parts, w, p, from, 4, leads);
    break;
  case 5:
    pass_panel(parts, w, p, from, 5, leads);
    break;
  case 6:
    pass_panel(parts, w, p, from, 6, leads);
    break;
  case 7:
    pass_panel(parts, w, p, from, 7, leads);
    break;
#endif
  default:
    break;
  }
}

INLINE void pass_rows(int parts, const rows *w, const pass *p)
{
  const int from = p->from, vectors = (w->width - from) / LANES, most = PANEL / parts;
  const int first = vectors < most ? vectors : most;
  if (p->lead >= 0)
    pass_some(parts, w, p, from, first, true);
  else
    pass_some(parts, w, p, from, first, false);
  for (int done = first; done < vectors; done += most)
    pass_some(parts, w, p, from + done * LANES, vectors - done, false);
}

INLINE int vector_of(int column) { return column / LANES * LANES; }

static bool is_zero(int n, const double *x)
{
  for (int i = 0; i < n; i++)
    if (x[i] != 0) return false;
  return true;
}

/** phase <- x / |x|, or -1 where |x|^2 underflows: then x vanishes beside norms that are safe. */
INLINE double take_phase(int parts, const double *x, int apart, double phase[2])
{
  phase[0] = x[0] > 0 ? 1 : -1;
  phase[1] = 0;
  if (parts == 1) return x[0] > 0 ? x[0] : -x[0];
  const double square = x[0] * x[0] + x[apart] * x[apart], size = sqrt(square);
  phase[0] = square > 1e-290 ? x[0] / size : -1;
  phase[1] = square > 1e-290 ? x[apart] / size : 0;
  return size;
}

/** weight = tau (x^* A - r^* a_j): that of H_j, v = x - r e_j, from the sums x^* A. Returns false
 * when |x|^2 is out of the safe range though x is not 0. */
INLINE bool find_reflector(int parts, const rows *w, int j)
{
  const double *row = row_of(parts, w, j);
  const double square = w->sums[j], norm = sqrt(square);
  double *v = reflector_of(parts, w, j), phase[2], r[2];
  if (!(square > LEAST && square < MOST))
    for (int part = 0; part < parts; part++)
      if (!is_zero(w->m - j, v + part * w->m + j)) return false;
  const double size = take_phase(parts, row + j, w->width, phase);
  w->tau[j] = square > 0 ? 1 / (square + norm * size) : 0;
  for (int part = 0; part < parts; part++) {
    r[part] = -phase[part] * norm;
    w->sign[j + part * w->width] = -phase[part];
    v[j + part * w->m] = row[j + part * w->width] - r[part];
  }
  const numbers back = negative(all_numbers(parts, r, 1));
  for (int k = vector_of(j); k < w->width; k += LANES) {
    const numbers sums = load_numbers(parts, w->sums + k, w->width);
    numbers weight = add_product(parts, true, back, load_numbers(parts, row + k, w->width), sums);
    weight.re = w->tau[j] * weight.re;
    if (parts == 2) weight.im = w->tau[j] * weight.im;
    store_numbers(parts, w->weight + k, w->width, weight);
  }
  return true;
}

static void clear(double *x, ptrdiff_t n) { memset(x, 0, (size_t)n * sizeof *x); }

/** Upper triangle of `a` <- R up to the phases of its rows; v, tau, sign <- the reflectors. */
INLINE bool factor(int parts, const rows *w)
{
  clear(w->weight, parts * w->width);
  clear(w->v, parts * w->m);
  pass first = {.begin = 0, .from = 0, .lead = 0, .v = w->v, .x = w->v};
  pass_rows(parts, w, &first);
  for (int j = 0; j < w->n; j++) {
    double *v = reflector_of(parts, w, j), *row = row_of(parts, w, j);
    if (!find_reflector(parts, w, j)) return false;
    const numbers lead = negative(all_numbers(parts, v + j, w->m));
    for (int k = vector_of(j); k < w->width; k += LANES) {
      const numbers weight = load_numbers(parts, w->weight + k, w->width);
      const numbers old = load_numbers(parts, row + k, w->width);
      store_numbers(parts, row + k, w->width, add_product(parts, false, lead, weight, old));
    }
    if (j + 1 == w->n) break;
    pass next = {j + 1, vector_of(j), j + 1, v, v + parts * w->m};
    pass_rows(parts, w, &next);
  }
  return true;
}

/** a <- H_0 ... H_{n-1} (the first n columns of 1), from the last reflector to the first. */
INLINE void form_q(int parts, const rows *w)
{
  clear(w->a, (ptrdiff_t)parts * w->m * w->width);
  clear(w->sums, parts * w->width);
  for (int j = w->n - 1; j >= 0; j--) {
    double *v = reflector_of(parts, w, j), *row = row_of(parts, w, j);
    int from = vector_of(j);
    /* row j is still that of the unit matrix */
    w->sums[j] = v[j];
    if (parts == 2) w->sums[w->width + j] = -v[w->m + j];
    for (int part = 0; part < parts; part++)
      for (int k = from + part * w->width; k < (part + 1) * w->width; k += LANES)
        store(w->weight + k, w->tau[j] * load(w->sums + k));
    row[j] = 1;
    pass next = {j, j > 0 ? vector_of(j - 1) : from, -1, v, j > 0 ? v - parts * w->m : v};
    for (int part = 0; next.from < from && part < parts; part++)
      store(w->weight + next.from + part * w->width, (vec){0});
    pass_rows(parts, w, &next);
  }
}

INLINE void copy_in(int parts, const rows *w, const double *a)
{
  const int reals = parts * w->m;
  transpose(reals, w->n, a, reals, w->a, w->width);
  for (int i = 0; i < reals; i++)
    for (int j = w->n; j < w->width; j++) w->a[j + (ptrdiff_t)i * w->width] = 0;
}

/** The phases of rows make R_ii >= 0. */
INLINE void copy_r(int parts, const rows *w, double *r)
{
  for (int i = 0; i < w->n; i++) {
    double *row = row_of(parts, w, i);
    const numbers sign = all_numbers(parts, w->sign + i, w->width), zero = {{0}, {0}};
    for (int part = 0; part < parts; part++) clear(row + part * w->width, i);
    for (int k = vector_of(i); k < w->width; k += LANES) {
      const numbers entry = load_numbers(parts, row + k, w->width);
      store_numbers(parts, row + k, w->width, add_product(parts, true, sign, entry, zero));
    }
    if (parts == 2) row[w->width + i] = 0;
  }
  transpose(w->n, parts * w->n, w->a, w->width, r, parts * w->n);
}

INLINE void copy_q(int parts, const rows *w, double *q)
{
  for (int i = 0; i < w->m; i++)
    for (int k = 0; k < w->width; k += LANES) {
      double *entry = row_of(parts, w, i) + k;
      const numbers sign = load_numbers(parts, w->sign + k, w->width), zero = {{0}, {0}};
      const numbers old = load_numbers(parts, entry, w->width);
      store_numbers(parts, entry, w->width, add_product(parts, false, sign, old, zero));
    }
  transpose(w->n, parts * w->m, w->a, w->width, q, parts * w->m);
}

/* --- any scaling: by columns, with norms that cannot overflow; numbers as pairs -----------------
 */

/** x <- factor x */
static void turn(int parts, const double *factor, double *x)
{
  const double re = x[0];
  x[0] = factor[0] * re - (parts == 2 ? factor[1] * x[1] : 0);
  if (parts == 2) x[1] = factor[0] * x[1] + factor[1] * re;
}

/** Power of two whose square brings the largest |x| near 1: the power itself cannot overflow. */
static double half_scale(int n, const double *x)
{
  double largest = 0;
  for (int i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
  return largest > 0 && largest <= DBL_MAX ? ldexp(1.0, -ilogb(largest) / 2) : 1;
}

/** Vector v, |v|^2 = 2, in place of x with (1 - v v^*) x = r e_1; returns |r| = |x|, and in `sign`
 * the phase of r, which is opposite to that of x_1. */
static double reflector(int parts, int n, double *x, double *sign)
{
  double scale = half_scale(parts * n, x), square[2];
  for (int i = 0; i < parts * n; i++) x[i] = x[i] * scale * scale;
  wmc_inner(parts, n, x, x, square);
  const double norm = sqrt(square[0]);
  sign[0] = 1;
  if (parts == 2) sign[1] = 0;
  if (norm == 0) {
    x[0] = sqrt(2.0);
    return 0;
  }
  double phase[2];
  const double size = take_phase(parts, x, 1, phase), factor = 1 / sqrt(norm * (size + norm));
  for (int part = 0; part < parts; part++) {
    sign[part] = -phase[part];
    x[part] += phase[part] * norm;
  }
  for (int i = 0; i < parts * n; i++) x[i] *= factor;
  return norm / scale / scale;
}

/** sign: parts x n */
static void factor_any_scale(int parts, int m, int n, double *a, double *r, double *norms,
                             double *sign)
{
  for (int j = 0; j < n; j++) {
    double *v = a + parts * (j + (ptrdiff_t)j * m);
    norms[j] = reflector(parts, m - j, v, sign + parts * j);
    for (int l = j + 1; l < n; l++)
      wmc_take_out(parts, m - j, v, a + parts * (j + (ptrdiff_t)l * m));
  }
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) {
      double *entry = r + parts * (i + (ptrdiff_t)j * n);
      const double back[2] = {sign[parts * i], parts == 2 ? -sign[parts * i + 1] : 0};
      clear(entry, parts);
      if (i == j) entry[0] = norms[j];
      if (i >= j) continue;
      memcpy(entry, a + parts * (i + (ptrdiff_t)j * m), (size_t)parts * sizeof *entry);
      turn(parts, back, entry);
    }
}

static void form_q_any_scale(int parts, int m, int n, double *a, const double *sign)
{
  for (int j = n - 1; j >= 0; j--) {
    double *v = a + parts * (j + (ptrdiff_t)j * m);
    const double minus_first[2] = {-v[0], parts == 2 ? v[1] : 0};
    for (int l = j + 1; l < n; l++) {
      double *column = a + parts * (j + (ptrdiff_t)l * m);
      clear(column, parts);
      wmc_take_out(parts, m - j, v, column);
    }
    for (int i = 0; i < m - j; i++) turn(parts, minus_first, v + parts * i);
    v[0] += 1;
    clear(a + parts * (ptrdiff_t)j * m, parts * j);
  }
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) turn(parts, sign + parts * j, a + parts * (i + (ptrdiff_t)j * m));
}

INLINE void householder(int parts, int m, int n, double *a, double *r, bool q, double *scratch)
{
  rows w = {.m = m, .n = n, .width = (n + LANES - 1) / LANES * LANES};
  w.a = (double *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  w.weight = w.a + (ptrdiff_t)parts * m * w.width;
  w.sums = w.weight + parts * w.width;
  w.sign = w.sums + parts * w.width;
  w.tau = w.sign + parts * w.width;
  w.v = w.tau + w.width;
  copy_in(parts, &w, a);
  clear(w.sign, parts * w.width);
  if (!factor(parts, &w)) {
    factor_any_scale(parts, m, n, a, r, w.tau, w.sign);
    if (q) form_q_any_scale(parts, m, n, a, w.sign);
    return;
  }
  copy_r(parts, &w, r);
  if (!q) return;
  form_q(parts, &w);
  copy_q(parts, &w, a);
}

void WMC_SIMD_NAME(wmc_qr_householder)(int m, int n, double *a, double *r, bool q, double *scratch)
{
  householder(1, m, n, a, r, q, scratch);
}

void WMC_SIMD_NAME(wmc_qr_unitary)(int m, int n, double *a, double *r, bool q, double *scratch)
{
  householder(2, m, n, a, r, q, scratch);
}
