#include "weylmc/jacobian/qdt.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "qdt_extended.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/graded.h"
#include "weylmc/numeric/dense.h"

/* Width from which bidiagonalisation beats rotations on a matrix that is not graded. */
enum { BIDIAGONAL = 24, BIDIAGONAL_COMPLEX = 5 };
/* Layers between factorisations, in units of those of wmc_qdt_layers, at which the bulk edge in P
 * is at a spread of e^20: rounding of 2^-100 then costs 1e-21 in each log-singular value. */
enum { EXTENDED_LAYERS = 8 };

/* Matrices are d x d numbers of `parts` reals, so that a column has n = parts d of them. Where the
 * kernels of dense.h want real matrices, complex ones take their real form (wmc_complex_form). */
struct wmc_qdt {
  int d, parts, n;
  int limit;     /* layers that may be multiplied between factorisations */
  int pending;   /* layers in P */
  int rank;      /* limit of the rank of M */
  bool factored; /* Q, r, T are in use; otherwise M = P */
  bool singular;
  wmc_product *product;
  double *front, *back;     /* n x d: P Q, and the buffer of the next product */
  double *wide;             /* n x n: real form of a layer; complex only */
  double *t;                /* n x d, unit upper triangular */
  double *r, *low;          /* d exponents, and what rounding took from their sums */
  double *mantissa, *power; /* e^r as they were before a factorisation */
  double *upper;            /* n x d: R of a factorisation, scaled; n x n: rows of diag(e^r) T */
  double *turns;            /* n x n: rotations of the columns of `upper` */
  double *column;           /* n */
  double *sorted;           /* n singular values of `upper` */
  double *scratch;
  wmc_qdt_extended *extended; /* not NULL: it holds P Q, e^r and T */
};

void wmc_qdt_destroy(wmc_qdt *s)
{
  if (!s) return;
  wmc_product_destroy(s->product);
  wmc_free(s->front);
  wmc_free(s->back);
  wmc_free(s->wide);
  wmc_free(s->t);
  wmc_free(s->r);
  wmc_free(s->low);
  wmc_free(s->mantissa);
  wmc_free(s->power);
  wmc_free(s->upper);
  wmc_free(s->turns);
  wmc_free(s->column);
  wmc_free(s->sorted);
  wmc_free(s->scratch);
  wmc_qdt_extended_destroy(s->extended);
  wmc_free(s);
}

static wmc_status allocate(wmc_qdt *s)
{
  const int n = s->n;
  const size_t size = (size_t)n * (size_t)s->d, real_size = (size_t)n * (size_t)n;
  const size_t sizes[] = {wmc_qr_scratch(s->d, s->d),
                          wmc_complex_qr_scratch(s->d, s->d),
                          wmc_svd_scratch(n, n),
                          wmc_singular_values_scratch(n),
                          wmc_complex_singular_values_scratch(s->d),
                          wmc_graded_scratch(n)};
  size_t scratch = 0;
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    if (sizes[k] > scratch) scratch = sizes[k];
  double **squares[] = {&s->front, &s->back, &s->t};
  double **vectors[] = {&s->r, &s->low, &s->mantissa, &s->power, &s->column, &s->sorted};
  bool failed = false;
  for (size_t k = 0; k < sizeof squares / sizeof *squares; k++)
    failed |= !(*squares[k] = WMC_ARRAY(double, size));
  for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
    failed |= !(*vectors[k] = WMC_ARRAY(double, n));
  failed |= !(s->upper = WMC_ARRAY(double, real_size));
  failed |= !(s->turns = WMC_ARRAY(double, real_size));
  if (s->parts == 2) failed |= !(s->wide = WMC_ARRAY(double, real_size));
  failed |= !(s->scratch = WMC_ARRAY(double, scratch));
  return failed ? wmc_no_memory() : wmc_product_create(&s->product, n, s->d, n);
}

static wmc_status create(wmc_qdt **qdt, int parts, int width, int layers)
{
  wmc_qdt *s = WMC_NEW(wmc_qdt);
  *qdt = s;
  if (!s) return wmc_no_memory();
  s->d = width;
  s->parts = parts;
  s->n = parts * width;
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

wmc_status wmc_qdt_create(wmc_qdt **qdt, int width, int layers)
{
  return create(qdt, 1, width, layers);
}

wmc_status wmc_qdt_create_complex(wmc_qdt **qdt, int width, int layers)
{
  return create(qdt, 2, width, layers);
}

wmc_status wmc_qdt_extend(wmc_qdt *s)
{
  s->limit = s->limit < INT_MAX / EXTENDED_LAYERS ? EXTENDED_LAYERS * s->limit : INT_MAX;
  WMC_TRY(wmc_qdt_extended_create(&s->extended, s->parts, s->d));
  wmc_qdt_start(s);
  return WMC_OK;
}

/* Where the number (i, j) of an n x d array stands. */
static size_t place(const wmc_qdt *s, size_t i, size_t j)
{
  return j * (size_t)s->n + (size_t)s->parts * i;
}

static void set_identity(const wmc_qdt *s, double *a)
{
  memset(a, 0, (size_t)s->n * (size_t)s->d * sizeof *a);
  for (size_t i = 0; i < (size_t)s->d; i++) a[place(s, i, i)] = 1;
}

void wmc_qdt_start(wmc_qdt *s)
{
  s->pending = 0;
  s->rank = s->d;
  s->factored = s->singular = false;
  set_identity(s, s->front);
  if (s->extended) wmc_qdt_extended_start(s->extended);
}

static void swap(double **a, double **b)
{
  double *t = *a;
  *a = *b;
  *b = t;
}

/* The left factor of a product, and all of it where a kernel wants a real matrix. */
static const double *real_form(const wmc_qdt *s, const double *a)
{
  if (s->parts == 1) return a;
  wmc_complex_form(s->d, s->d, a, s->wide);
  return s->wide;
}

static void multiply_once(wmc_qdt *s, const double *jacobian)
{
  if (s->pending == 1 && !s->factored) {
    memcpy(s->front, jacobian, (size_t)s->n * (size_t)s->d * sizeof *jacobian);
  } else {
    wmc_product_apply(s->product, real_form(s, jacobian), s->front, s->back);
    swap(&s->front, &s->back);
  }
}

void wmc_qdt_multiply(wmc_qdt *s, size_t count, const double *jacobians)
{
  const size_t size = (size_t)s->n * (size_t)s->d;
  for (size_t l = 0; l < count; l++, jacobians += size) {
    if (s->pending == s->limit) wmc_qdt_factor(s);
    s->pending++;
    if (!s->extended)
      multiply_once(s, jacobians);
    else if (!wmc_qdt_extended_multiply(s->extended, jacobians))
      wmc_qdt_factor(s);
  }
}

void wmc_qdt_limit_rank(wmc_qdt *s, int rank)
{
  if (rank < s->rank) s->rank = rank;
}

/* r_i += log R_ii without loss: 10^5 roundings of numbers near 300 would cost a digit. */
static void add_to_exponent(wmc_qdt *s, size_t i, double by)
{
  double sum = s->r[i] + by, taken = sum - s->r[i];
  double lost = (s->r[i] - (sum - taken)) + (by - taken);
  s->r[i] = sum;
  if (isfinite(lost)) s->low[i] += lost;
}

/* e^{r_j} = mantissa_j 2^{power_j}: quotients of these then take no exponential, and lose nothing
 * to the rounding of large r. */
static void split_exponents(wmc_qdt *s)
{
  const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
  for (int j = 0; j < s->d; j++) {
    const bool lost = s->r[j] == -INFINITY;
    const double power = lost ? 0 : rint(s->r[j] / ln2_high);
    s->power[j] = power;
    s->mantissa[j] = lost ? 0 : exp((s->r[j] - power * ln2_high) - power * ln2_low + s->low[j]);
  }
}

/* 2^k for an integer k, 0 where it underflows. */
static double power_of_two(double k)
{
  const double bounded = k < -1023 ? -1023 : k > 1023 ? 1023 : k;
  const uint64_t bits = (uint64_t)(int64_t)(bounded + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return power;
}

/* R_ij <- (R_ij / R_ii) e^{r_j - r_i} with the old r; then r_i += log R_ii. Rows of vanishing R_ii,
 * or beyond the rank, become those of the identity, with r_i = -inf. */
static void scale_rows(wmc_qdt *s)
{
  const size_t d = (size_t)s->d, parts = (size_t)s->parts;
  double *weight = s->column;
  split_exponents(s);
  for (size_t i = 0; i < d; i++) {
    double *diagonal = s->upper + place(s, i, i);
    if (!isfinite(*diagonal)) s->singular = true;
    const bool lost = i >= (size_t)s->rank || !(*diagonal > 0) || s->r[i] == -INFINITY;
    weight[i] = lost ? 0 : 1 / (*diagonal * s->mantissa[i]);
    add_to_exponent(s, i, lost ? -INFINITY : log(*diagonal));
    *diagonal = 1;
  }
  for (size_t j = 1; j < d; j++) {
    double *entry = s->upper + place(s, 0, j);
    for (size_t i = 0; i < j; i++, entry += parts) {
      const double factor = weight[i] * s->mantissa[j] * power_of_two(s->power[j] - s->power[i]);
      for (size_t part = 0; part < parts; part++) entry[part] *= factor;
    }
  }
}

/* P Q = Q' R: Q' in front, R in upper. */
static void factorise(wmc_qdt *s)
{
  (s->parts == 1 ? wmc_qr : wmc_complex_qr)(s->d, s->d, s->front, s->upper, s->scratch);
}

static void factor(wmc_qdt *s)
{
  if (!s->factored) {
    set_identity(s, s->t);
    memset(s->r, 0, (size_t)s->d * sizeof(double));
    memset(s->low, 0, (size_t)s->d * sizeof(double));
  }
  factorise(s);
  scale_rows(s);
  wmc_multiply_triangles(s->parts, s->d, s->upper, s->t);
}

void wmc_qdt_factor(wmc_qdt *s)
{
  if (s->pending == 0) return;
  if (!s->extended)
    factor(s);
  else if (!wmc_qdt_extended_factor(s->extended, s->rank))
    s->singular = true;
  s->factored = true;
  s->pending = 0;
}

/* upper <- the matrix `a` as the kernels want it. */
static void set_upper(wmc_qdt *s, const double *a)
{
  if (s->parts == 1)
    memcpy(s->upper, a, (size_t)s->n * (size_t)s->n * sizeof *a);
  else
    wmc_complex_form(s->d, s->d, a, s->upper);
}

/* values <- log of the n numbers in `sorted`, which come twice if complex. */
static void take_logs(const wmc_qdt *s, double *values)
{
  const int parts = s->parts;
  for (int i = 0; i < s->d; i++) {
    double first = log(s->sorted[parts * i]);
    values[i] = parts == 1 ? first : 0.5 * (first + log(s->sorted[2 * i + 1]));
  }
}

/* Log-singular values of the matrix whose columns are `upper` with the exponents `values`. */
static bool graded_values(wmc_qdt *s, double *values, double *turns)
{
  for (int i = 0; i < s->n; i++) s->sorted[i] = values[i / s->parts];
  if (!(turns ? wmc_graded_singular_vectors(s->n, s->upper, s->sorted, turns, s->scratch)
              : wmc_graded_singular_values(s->n, s->upper, s->sorted, s->scratch)))
    return false;
  for (int i = 0; i < s->d; i++)
    values[i] = 0.5 * (s->sorted[s->parts * i] + s->sorted[s->parts * (i + 1) - 1]);
  return true;
}

/* The columns of back, with the exponents `values`, are the rows of diag(e^r) T. */
static void set_rows(wmc_qdt *s, double *values)
{
  const size_t d = (size_t)s->d;
  for (size_t i = 0; i < d; i++) {
    const double scale = exp(s->low[i]);
    values[i] = i < (size_t)s->rank ? s->r[i] : -INFINITY;
    for (size_t k = 0; k < d; k++)
      for (size_t part = 0; part < (size_t)s->parts; part++)
        s->back[place(s, k, i) + part] = k < i ? 0 : scale * s->t[place(s, i, k) + part];
  }
}

/* Singular values of Q diag(e^r) T: the columns to be rotated are the rows of T, or what is left of
 * them after factorisations in extended precision. `turns`, the identity or NULL, is multiplied by
 * the rotations; `upper` is then left as rotated. */
static bool factored_values(wmc_qdt *s, double *values, double *growth, double *turns)
{
  wmc_qdt_factor(s);
  if (s->singular) return false;
  if (s->extended)
    wmc_qdt_extended_reduce(s->extended, s->rank, s->back, values);
  else
    set_rows(s, values);
  *growth = s->extended ? wmc_qdt_extended_growth(s->extended) : values[0];
  if (s->rank == 0) return true;
  set_upper(s, s->back);
  return graded_values(s, values, turns);
}

/* Without the real form. */
static bool complex_plain_values(wmc_qdt *s, double *values)
{
  memcpy(s->upper, s->front, (size_t)s->n * (size_t)s->d * sizeof(double));
  if (!wmc_complex_singular_values(s->d, s->upper, s->sorted, s->scratch)) return false;
  for (int i = 0; i < s->d; i++) values[i] = log(s->sorted[i]);
  return true;
}

/* The same for P alone, with its own columns. */
static bool plain_values(wmc_qdt *s, double *values, double *growth, double *turns)
{
  double norm2 = 0;
  for (int i = 0; i < s->n; i++) norm2 += s->front[i] * s->front[i];
  *growth = 0.5 * log(norm2);
  if (s->parts == 2 && s->d >= BIDIAGONAL_COMPLEX && !turns) return complex_plain_values(s, values);
  set_upper(s, s->front);
  if (s->n < BIDIAGONAL || turns)
    wmc_svd_jacobi(s->n, s->n, s->upper, turns, s->sorted, s->scratch);
  else if (!wmc_singular_values(s->n, s->upper, s->sorted, s->scratch))
    return false;
  take_logs(s, values);
  return true;
}

/* What is -inf has no place in the sum that tells whether M is finite. */
static bool accept(const wmc_qdt *s, double *values, double growth)
{
  double sum = s->rank > 0 ? growth : 0;
  for (int i = 0; i < s->rank; i++) sum += values[i];
  for (int i = s->rank; i < s->d; i++) values[i] = -INFINITY;
  return isfinite(sum);
}

static bool is_factored(const wmc_qdt *s) { return s->factored || s->extended || s->rank < s->d; }

bool wmc_qdt_values(wmc_qdt *s, double *values, double *growth)
{
  if (!(is_factored(s) ? factored_values : plain_values)(s, values, growth, NULL)) return false;
  return accept(s, values, *growth);
}

/* M e_1 = Q (e^{r_1}, 0, ...), M e_2 = Q (e^{r_1} T_12, e^{r_2}, 0, ...). */
static double log_cotangent(const wmc_qdt *s)
{
  const double *corner = s->t + place(s, 0, 1);
  const double along = s->parts == 2 ? hypot(corner[0], corner[1]) : fabs(corner[0]);
  if (s->r[1] == -INFINITY) return INFINITY;
  return s->r[0] - s->r[1] + (s->low[0] - s->low[1]) + log(along);
}

static double factored_log_sine(const wmc_qdt *s)
{
  if (s->rank < 2) return -INFINITY;
  const double x = s->extended ? wmc_qdt_extended_log_cotangent(s->extended) : log_cotangent(s);
  return x > 0 ? -x - 0.5 * log1p(exp(-2 * x)) : -0.5 * log1p(exp(2 * x));
}

double wmc_qdt_log_sine(const wmc_qdt *s)
{
  if (s->d == 1) return NAN;
  if (is_factored(s)) return factored_log_sine(s);
  const size_t n = (size_t)s->n;
  const double *x = s->front, *y = s->front + n;
  double a = 0, b = 0, re = 0, im = 0, rest = 0;
  for (size_t i = 0; i < n; i++) {
    a += x[i] * x[i];
    b += y[i] * y[i];
    re += x[i] * y[i];
    if (s->parts == 2) im += i % 2 ? -x[i] * y[i - 1] : x[i] * y[i + 1];
  }
  const double cosine2 = (re * re + im * im) / (a * b);
  if (cosine2 < 0.5) return 0.5 * log1p(-cosine2); /* exact also near a right angle */
  for (size_t i = 0; i < n; i++) {
    double turned = s->parts == 1 ? 0 : i % 2 ? im * x[i - 1] : -im * x[i + 1];
    rest += pow(y[i] - (re * x[i] + turned) / a, 2);
  }
  return 0.5 * fmin(0, log(rest / b));
}

/* Columns 0, parts, ... of the real n x n matrix `a`, made of norm 1 unless they are 0: the complex
 * vector behind each pair of real ones. */
static void copy_directions(const wmc_qdt *s, const double *a, double *out)
{
  const size_t n = (size_t)s->n;
  for (int j = 0; j < s->d; j++, a += (size_t)s->parts * n, out += n) {
    double norm2 = 0;
    for (size_t i = 0; i < n; i++) norm2 += a[i] * a[i];
    double factor = norm2 > 0 ? 1 / sqrt(norm2) : 0;
    for (size_t i = 0; i < n; i++) out[i] = factor * a[i];
  }
}

/* M = P = upper turns^*. */
static void plain_vectors(wmc_qdt *s, double *left, double *right)
{
  if (left) copy_directions(s, s->upper, left);
  if (right) copy_directions(s, s->turns, right);
}

static void conjugate(const wmc_qdt *s, double *a)
{
  const size_t reals = (size_t)s->n * (size_t)s->d;
  for (size_t i = 1; s->parts == 2 && i < reals; i += 2) a[i] = -a[i];
}

/* `out` = a `out` */
static void multiply_left(wmc_qdt *s, const double *a, double *out)
{
  memcpy(s->back, out, (size_t)s->n * (size_t)s->d * sizeof *out);
  wmc_product_apply(s->product, real_form(s, a), s->back, out);
}

/* M = Q Z2 (upper turns^*)^* Z^* (qdt_extended.h). */
static void extended_vectors(wmc_qdt *s, double *left, double *right)
{
  if (right) {
    copy_directions(s, s->upper, right);
    multiply_left(s, wmc_qdt_extended_right(s->extended), right);
  }
  if (!left) return;
  copy_directions(s, s->turns, left);
  multiply_left(s, wmc_qdt_extended_left(s->extended), left);
  multiply_left(s, wmc_qdt_extended_q(s->extended), left);
}

/* M = Q (upper turns^*)^T, without a star: the columns of `upper` are the rows as they are. */
static void factored_vectors(wmc_qdt *s, double *left, double *right)
{
  if (right) {
    copy_directions(s, s->upper, right);
    conjugate(s, right);
  }
  if (!left) return;
  copy_directions(s, s->turns, s->back);
  conjugate(s, s->back);
  wmc_product_apply(s->product, real_form(s, s->front), s->back, left);
}

bool wmc_qdt_vectors(wmc_qdt *s, double *values, double *growth, double *left, double *right)
{
  const size_t n = (size_t)s->n;
  const bool factored = is_factored(s);
  memset(s->turns, 0, n * n * sizeof *s->turns);
  for (size_t i = 0; i < n; i++) s->turns[i * (n + 1)] = 1;
  if (!(factored ? factored_values : plain_values)(s, values, growth, s->turns)) return false;
  (s->extended ? extended_vectors : factored ? factored_vectors : plain_vectors)(s, left, right);
  return accept(s, values, *growth);
}
