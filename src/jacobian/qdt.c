#include "weylmc/jacobian/qdt.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/graded.h"
#include "weylmc/numeric/dense.h"

/* Width from which bidiagonalisation beats rotations on a matrix that is not graded. */
enum { BIDIAGONAL = 24 };
/* Log-ratio up to which squares of graded columns are far from underflow. */
static const double PLAIN_RANGE = 100;

struct wmc_qdt {
  int d, limit;  /* layers that may be multiplied between factorisations */
  int pending;   /* layers in P */
  int rank;      /* limit of the rank of M */
  bool factored; /* Q, r, T are in use; otherwise M = P */
  bool singular;
  wmc_product *product;
  double *front, *back; /* d x d: P Q, and the buffer of the next product */
  double *t;            /* d x d, unit upper triangular */
  double *r;            /* d exponents */
  double *upper;        /* d x d: R of a factorisation, scaled; then rows of diag(e^r) T */
  double *column, *sorted, *scratch;
};

int wmc_qdt_layers(int width, double s2)
{
  /* width * variance of the accumulated layers at which the bulk edge is e^{+-2.3} (eq. (9)) */
  const double time = 2;
  double layers = floor(time / (width * s2));
  return layers >= INT_MAX ? INT_MAX : layers > 1 ? (int)layers : 1;
}

void wmc_qdt_destroy(wmc_qdt *s)
{
  if (!s) return;
  wmc_product_destroy(s->product);
  wmc_free(s->front);
  wmc_free(s->back);
  wmc_free(s->t);
  wmc_free(s->r);
  wmc_free(s->upper);
  wmc_free(s->column);
  wmc_free(s->sorted);
  wmc_free(s->scratch);
  wmc_free(s);
}

static wmc_status allocate(wmc_qdt *s)
{
  int d = s->d;
  size_t size = (size_t)d * (size_t)d;
  const size_t sizes[] = {wmc_qr_scratch(d, d), wmc_svd_scratch(d, d),
                          wmc_singular_values_scratch(d)};
  size_t scratch = 0;
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    if (sizes[k] > scratch) scratch = sizes[k];
  double **squares[] = {&s->front, &s->back, &s->t, &s->upper};
  double **vectors[] = {&s->r, &s->column, &s->sorted};
  bool failed = false;
  for (size_t k = 0; k < sizeof squares / sizeof *squares; k++)
    failed |= !(*squares[k] = WMC_ARRAY(double, size));
  for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
    failed |= !(*vectors[k] = WMC_ARRAY(double, d));
  failed |= !(s->scratch = WMC_ARRAY(double, scratch));
  return failed ? wmc_no_memory() : wmc_product_create(&s->product, d, d, d);
}

wmc_status wmc_qdt_create(wmc_qdt **qdt, int width, int layers)
{
  wmc_qdt *s = WMC_NEW(wmc_qdt);
  *qdt = s;
  if (!s) return wmc_no_memory();
  s->d = width;
  s->limit = layers;
  wmc_status status = allocate(s);
  if (status == WMC_OK) {
    wmc_qdt_start(s);
  } else {
    wmc_qdt_destroy(s);
    *qdt = NULL;
  }
  return status;
}

static void set_identity(int d, double *a)
{
  size_t n = (size_t)d;
  memset(a, 0, n * n * sizeof *a);
  for (size_t i = 0; i < n; i++) a[i * (n + 1)] = 1;
}

void wmc_qdt_start(wmc_qdt *s)
{
  s->pending = 0;
  s->rank = s->d;
  s->factored = s->singular = false;
  set_identity(s->d, s->front);
}

static void swap(double **a, double **b)
{
  double *t = *a;
  *a = *b;
  *b = t;
}

void wmc_qdt_multiply(wmc_qdt *s, size_t count, const double *jacobians)
{
  size_t size = (size_t)s->d * (size_t)s->d;
  for (size_t l = 0; l < count; l++, jacobians += size) {
    if (s->pending == s->limit) wmc_qdt_factor(s);
    if (s->pending == 0 && !s->factored) {
      memcpy(s->front, jacobians, size * sizeof *jacobians);
    } else {
      wmc_product_apply(s->product, jacobians, s->front, s->back);
      swap(&s->front, &s->back);
    }
    s->pending++;
  }
}

void wmc_qdt_limit_rank(wmc_qdt *s, int rank)
{
  if (rank < s->rank) s->rank = rank;
}

/* R_ij <- (R_ij / R_ii) e^{r_j - r_i} with the old r; then r_i += log R_ii. Rows of vanishing R_ii,
 * or beyond the rank, become those of the identity, with r_i = -inf. */
static void scale_rows(wmc_qdt *s)
{
  size_t d = (size_t)s->d;
  for (size_t i = 0; i < d; i++) {
    double diagonal = s->upper[i * (d + 1)];
    if (!isfinite(diagonal)) s->singular = true;
    bool lost = i >= (size_t)s->rank || !(diagonal > 0) || s->r[i] == -INFINITY;
    if (lost) s->upper[i * (d + 1)] = 0;
    for (size_t j = i + 1; j < d; j++)
      s->upper[j * d + i] = lost ? 0 : s->upper[j * d + i] * (exp(s->r[j] - s->r[i]) / diagonal);
  }
  for (size_t i = 0; i < d; i++) {
    s->r[i] += log(s->upper[i * (d + 1)]);
    s->upper[i * (d + 1)] = 1;
  }
}

/* T <- upper T, both unit upper triangular. */
static void accumulate(wmc_qdt *s)
{
  size_t d = (size_t)s->d;
  for (size_t k = 0; k < d; k++) {
    double *t = s->t + k * d;
    memset(s->column, 0, d * sizeof(double));
    for (size_t j = 0; j <= k; j++)
      for (size_t i = 0; i <= j; i++) s->column[i] += s->upper[j * d + i] * t[j];
    memcpy(t, s->column, (k + 1) * sizeof(double));
  }
}

void wmc_qdt_factor(wmc_qdt *s)
{
  if (s->pending == 0) return;
  if (!s->factored) {
    set_identity(s->d, s->t);
    memset(s->r, 0, (size_t)s->d * sizeof(double));
  }
  wmc_qr(s->d, s->d, s->front, s->upper, s->scratch);
  scale_rows(s);
  accumulate(s);
  s->factored = true;
  s->pending = 0;
}

/* Singular values of Q diag(e^r) T: the columns to be rotated are the rows of T. As long as their
 * squares cannot underflow the exponents are put into the columns and the faster kernel serves. */
static bool factored_values(wmc_qdt *s, double *values, double *growth)
{
  size_t d = (size_t)s->d;
  wmc_qdt_factor(s);
  if (s->singular) return false;
  for (size_t i = 0; i < d; i++) values[i] = i < (size_t)s->rank ? s->r[i] : -INFINITY;
  *growth = values[0];
  if (s->rank == 0) return true;
  double top = values[0], bottom = values[0];
  for (size_t i = 1; i < (size_t)s->rank; i++) {
    top = fmax(top, values[i]);
    bottom = fmin(bottom, values[i]);
  }
  bool narrow = top - bottom < PLAIN_RANGE;
  for (size_t i = 0; i < d; i++) {
    double scale = i >= (size_t)s->rank ? 0 : narrow ? exp(values[i] - top) : 1;
    for (size_t k = 0; k < d; k++) s->upper[i * d + k] = k < i ? 0 : scale * s->t[k * d + i];
  }
  if (!narrow) return wmc_graded_singular_values(s->d, s->upper, values);
  wmc_svd_jacobi(s->d, s->d, s->upper, NULL, s->sorted, s->scratch);
  for (size_t i = 0; i < d; i++) values[i] = top + log(s->sorted[i]);
  return true;
}

static bool plain_values(wmc_qdt *s, double *values, double *growth)
{
  size_t d = (size_t)s->d;
  double norm2 = 0;
  for (size_t i = 0; i < d; i++) norm2 += s->front[i] * s->front[i];
  *growth = 0.5 * log(norm2);
  memcpy(s->upper, s->front, d * d * sizeof(double));
  if (d < BIDIAGONAL)
    wmc_svd_jacobi(s->d, s->d, s->upper, NULL, s->sorted, s->scratch);
  else if (!wmc_singular_values(s->d, s->upper, s->sorted, s->scratch))
    return false;
  for (size_t i = 0; i < d; i++) values[i] = log(s->sorted[i]);
  return true;
}

bool wmc_qdt_values(wmc_qdt *s, double *values, double *growth)
{
  bool factored = s->factored || s->rank < s->d;
  if (!(factored ? factored_values : plain_values)(s, values, growth)) return false;
  double sum = s->rank > 0 ? *growth : 0;
  for (int i = 0; i < s->rank; i++) sum += values[i];
  for (int i = s->rank; i < s->d; i++) values[i] = -INFINITY;
  return isfinite(sum);
}
