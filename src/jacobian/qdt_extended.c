#include "qdt_extended.h"

#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/extended.h"

/* log2 of the largest entries of P Q whose products and squares are safe. */
enum { RANGE = 300 };
/* The exponent of a row of 0. */
static const long LOST = LONG_MIN;
static const double LOG_2 = 0.69314718055994530942;

struct wmc_qdt_extended {
  int d, parts, n;
  wmc_extended front, back; /* P Q, and the buffer of the next product */
  wmc_extended h;           /* T^* */
  wmc_extended upper;       /* R of a factorisation */
  wmc_extended right, left; /* Z; Z2, or X^* */
  wmc_extended wide;        /* n x n: real form of a left factor; complex only */
  long *power;              /* e; d */
  long *next, *last;        /* the same after one factorisation more, and two */
  double *scratch;
};

/* ---- making ------------------------------------------------------------------------------- */

static void free_extended(wmc_extended *x)
{
  wmc_free(x->high);
  wmc_free(x->low);
}

void wmc_qdt_extended_destroy(wmc_qdt_extended *x)
{
  if (!x) return;
  wmc_extended *all[] = {&x->front, &x->back, &x->h, &x->upper, &x->right, &x->left, &x->wide};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) free_extended(all[k]);
  wmc_free(x->power);
  wmc_free(x->next);
  wmc_free(x->last);
  wmc_free(x->scratch);
  wmc_free(x);
}

static wmc_status allocate(wmc_qdt_extended *x)
{
  const size_t size = (size_t)x->n * (size_t)x->d, wide = x->parts == 2 ? 2 * size : 0;
  const struct {
    wmc_extended *to;
    size_t size;
  } all[] = {{&x->front, size}, {&x->back, size}, {&x->h, size},   {&x->upper, size},
             {&x->right, size}, {&x->left, size}, {&x->wide, wide}};
  for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
    all[k].to->high = WMC_ARRAY(double, all[k].size);
    all[k].to->low = WMC_ARRAY(double, all[k].size);
    if (!all[k].to->high || !all[k].to->low) return wmc_no_memory();
  }
  x->power = WMC_ARRAY(long, x->d);
  x->next = WMC_ARRAY(long, x->d);
  x->last = WMC_ARRAY(long, x->d);
  x->scratch = WMC_ARRAY(double, wmc_extended_qr_scratch(x->parts, x->d, x->d));
  return x->power && x->next && x->last && x->scratch ? WMC_OK : wmc_no_memory();
}

wmc_status wmc_qdt_extended_create(wmc_qdt_extended **extended, int parts, int width)
{
  wmc_qdt_extended *x = WMC_NEW(wmc_qdt_extended);
  *extended = x;
  if (!x) return wmc_no_memory();
  x->d = width;
  x->parts = parts;
  x->n = parts * width;
  const wmc_status status = allocate(x);
  if (status == WMC_OK) {
    wmc_qdt_extended_start(x);
  } else {
    wmc_qdt_extended_destroy(x);
    *extended = NULL;
  }
  return status;
}

/* Where the number (i, j) of an n x d array stands. */
static size_t place(const wmc_qdt_extended *x, int i, int j)
{
  return (size_t)j * (size_t)x->n + (size_t)x->parts * (size_t)i;
}

static size_t bytes(const wmc_qdt_extended *x)
{
  return (size_t)x->n * (size_t)x->d * sizeof(double);
}

static void copy(const wmc_qdt_extended *x, const wmc_extended *from, const wmc_extended *to)
{
  memcpy(to->high, from->high, bytes(x));
  memcpy(to->low, from->low, bytes(x));
}

static void set_identity(const wmc_qdt_extended *x, const wmc_extended *a)
{
  memset(a->high, 0, bytes(x));
  memset(a->low, 0, bytes(x));
  for (int i = 0; i < x->d; i++) a->high[place(x, i, i)] = 1;
}

void wmc_qdt_extended_start(wmc_qdt_extended *x)
{
  set_identity(x, &x->front);
  set_identity(x, &x->h);
  memset(x->power, 0, (size_t)x->d * sizeof *x->power);
}

/* ---- layers ------------------------------------------------------------------------------- */

static void swap(wmc_extended *a, wmc_extended *b)
{
  const wmc_extended t = *a;
  *a = *b;
  *b = t;
}

/* C = A B; the bound that the product returns. */
static double multiply(const wmc_qdt_extended *x, const wmc_extended *a, const wmc_extended *b,
                       const wmc_extended *c)
{
  if (x->parts == 1) return wmc_extended_product(x->d, x->d, x->d, a, b, c);
  wmc_complex_form(x->d, x->d, a->high, x->wide.high);
  if (a->low) wmc_complex_form(x->d, x->d, a->low, x->wide.low);
  const wmc_extended form = {x->wide.high, a->low ? x->wide.low : NULL};
  return wmc_extended_product(x->n, x->d, x->n, &form, b, c);
}

bool wmc_qdt_extended_multiply(wmc_qdt_extended *x, const double *jacobian)
{
  const wmc_extended layer = {(double *)jacobian, NULL};
  const double bound = multiply(x, &layer, &x->front, &x->back);
  swap(&x->front, &x->back);
  return bound < ldexp(1, RANGE) && bound > ldexp(1, -RANGE);
}

/* ---- factorisation ------------------------------------------------------------------------ */

static void scale(const wmc_qdt_extended *x, const wmc_extended *a, long power)
{
  const double factor = ldexp(1, (int)power);
  for (size_t k = 0; k < bytes(x) / sizeof(double); k++) {
    a->high[k] *= factor;
    a->low[k] *= factor;
  }
}

/* The largest entry of the front to about 1. Returns the exponent that it had. */
static long normalise(const wmc_qdt_extended *x)
{
  double most = 0;
  int power;
  for (size_t k = 0; k < bytes(x) / sizeof(double); k++) most = fmax(most, fabs(x->front.high[k]));
  frexp(most, &power);
  if (most == 0 || !isfinite(most)) return 0;
  /* in two steps, because 2^-power may overflow */
  scale(x, &x->front, -power / 2);
  scale(x, &x->front, -power - -power / 2);
  return power;
}

static bool is_finite(const wmc_qdt_extended *x, const wmc_extended *a)
{
  double sum = 0;
  for (size_t k = 0; k < bytes(x) / sizeof(double); k++) sum += a->high[k];
  return isfinite(sum);
}

/* 2^(from - to), as far as that is a number. */
static double ratio(long from, long to)
{
  const long power = from - to;
  return ldexp(1, power > 1023 ? 1023 : power < -1100 ? -1100 : (int)power);
}

/* R D = D' X with D = diag(2^from), D' = diag(2^to) such that X_ii `mantissa`_i is in [1, 2); out
 * <- X^*. */
static void split_powers(const wmc_qdt_extended *x, const wmc_extended *r,
                         const wmc_extended *mantissa, int rank, const long *from, long *to,
                         const wmc_extended *out)
{
  memset(out->high, 0, bytes(x));
  memset(out->low, 0, bytes(x));
  for (int i = 0; i < x->d; i++) {
    double diagonal = r->high[place(x, i, i)];
    if (mantissa) diagonal *= mantissa->high[place(x, i, i)];
    const bool lost = i >= rank || from[i] == LOST || !(diagonal > 0);
    to[i] = lost ? LOST : from[i] + ilogb(diagonal);
    for (int k = i; k < x->d && !lost; k++) {
      const double factor = from[k] == LOST ? 0 : ratio(from[k], to[i]);
      const size_t entry = place(x, i, k), mirror = place(x, k, i);
      for (size_t part = 0; part < (size_t)x->parts; part++) {
        const double signed_factor = part == 1 ? -factor : factor;
        out->high[mirror + part] = signed_factor * r->high[entry + part];
        out->low[mirror + part] = signed_factor * r->low[entry + part];
      }
    }
  }
}

/* Columns of rows of T that are lost, or to be. */
static void clear_columns(const wmc_qdt_extended *x, int rank, const wmc_extended *a)
{
  for (int j = 0; j < x->d; j++)
    if (j >= rank || x->power[j] == LOST) {
      memset(a->high + place(x, 0, j), 0, (size_t)x->n * sizeof(double));
      memset(a->low + place(x, 0, j), 0, (size_t)x->n * sizeof(double));
    }
}

bool wmc_qdt_extended_factor(wmc_qdt_extended *x, int rank)
{
  if (!is_finite(x, &x->front)) return false;
  const long power = normalise(x);
  wmc_extended_qr(x->parts, x->d, x->d, &x->front, &x->upper, x->scratch);
  if (!is_finite(x, &x->upper)) return false;
  split_powers(x, &x->upper, &x->h, rank, x->power, x->next, &x->left);
  for (int i = 0; i < x->d; i++) x->power[i] = x->next[i] == LOST ? LOST : x->next[i] + power;
  clear_columns(x, rank, &x->front);
  /* T' = X T, starred */
  multiply(x, &x->h, &x->left, &x->back);
  swap(&x->h, &x->back);
  return is_finite(x, &x->h);
}

/* ---- what comes out ----------------------------------------------------------------------- */

static double log_of(long power) { return power == LOST ? -INFINITY : (double)power * LOG_2; }

double wmc_qdt_extended_growth(const wmc_qdt_extended *x)
{
  return log_of(x->power[0]) + log(x->h.high[0]);
}

/* M e_1 = Q (2^{e_1} T_11, 0, ...), M e_2 = Q (2^{e_1} T_12, 2^{e_2} T_22, 0, ...). */
double wmc_qdt_extended_log_cotangent(const wmc_qdt_extended *x)
{
  if (x->power[1] == LOST) return INFINITY;
  const double *along = x->h.high + place(x, 1, 0), across = x->h.high[place(x, 1, 1)];
  const double size = x->parts == 2 ? hypot(along[0], along[1]) : fabs(along[0]);
  return (double)(x->power[0] - x->power[1]) * LOG_2 + log(size / across);
}

void wmc_qdt_extended_reduce(wmc_qdt_extended *x, int rank, double *y, double *exponents)
{
  copy(x, &x->h, &x->right);
  clear_columns(x, rank, &x->right);
  wmc_extended_qr(x->parts, x->d, x->d, &x->right, &x->upper, x->scratch);
  split_powers(x, &x->upper, NULL, rank, x->power, x->next, &x->left);
  wmc_extended_qr(x->parts, x->d, x->d, &x->left, &x->upper, x->scratch);
  split_powers(x, &x->upper, NULL, rank, x->next, x->last, &x->back);
  memcpy(y, x->back.high, bytes(x));
  for (int i = 0; i < x->d; i++) exponents[i] = log_of(x->last[i]);
}

const double *wmc_qdt_extended_q(const wmc_qdt_extended *x) { return x->front.high; }
const double *wmc_qdt_extended_right(const wmc_qdt_extended *x) { return x->right.high; }
const double *wmc_qdt_extended_left(const wmc_qdt_extended *x) { return x->left.high; }
