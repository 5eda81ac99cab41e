#include "weylmc/jacobian/graded.h"

#include <float.h>
#include <math.h>

#include "weylmc/numeric/dense.h"

enum { SWEEPS_MAX = 60 };
/* Log-ratio up to which squares of graded columns are far from underflow. */
static const double PLAIN_RANGE = 250;
/* Entries of columns of norm 1 that do not change their last bit. */
static const double NEGLIGIBLE = 1e-20;
/* Log-ratio up to which bidiagonalisation is as accurate as is wanted, and width from which it is
 * faster than rotations. */
static const double FLAT_RANGE = 4.6;
enum { BIDIAGONAL = 24 };
/* Columns from which one factorisation before the rotations saves time, and from which two do. */
enum { FEW = 5, MANY = 40 };

/* Columns y_j e^{r_j + gain_j}. What factorisations and rotations add goes to gain_j, so that a
 * large r_j is rounded once, in the end. */
typedef struct graded {
  int m, n; /* rows and columns */
  double *y, *r;
  double *v; /* d x d, turned with the columns of an y that was not factorised; or NULL */
  double *gain, *from, *to; /* columns are zero outside the rows [from, to) */
  double *scratch;
} graded;

static double *column(const graded *g, int j) { return g->y + (ptrdiff_t)j * g->m; }

static double log_ratio(const graded *g, int j, int i)
{
  return (g->r[j] - g->r[i]) + (g->gain[j] - g->gain[i]);
}

static void swap(double *a, double *b)
{
  double t = *a;
  *a = *b;
  *b = t;
}

static void swap_columns(const graded *g, int i, int j)
{
  swap(&g->r[i], &g->r[j]);
  swap(&g->gain[i], &g->gain[j]);
  for (int k = 0; k < g->m; k++) swap(column(g, i) + k, column(g, j) + k);
  for (int k = 0; g->v && k < g->m; k++)
    swap(g->v + (ptrdiff_t)i * g->m + k, g->v + (ptrdiff_t)j * g->m + k);
}

/* Columns of norm 1, in order of decreasing exponent; those that are 0 are left off, with an
 * exponent of -inf. */
static void normalise(graded *g)
{
  for (int j = 0; j < g->n; j++) {
    double norm2 = 0;
    for (int k = 0; k < g->m; k++) norm2 += column(g, j)[k] * column(g, j)[k];
    double factor = norm2 > 0 ? 1 / sqrt(norm2) : 0;
    if (norm2 > 0)
      g->gain[j] += 0.5 * log(norm2);
    else
      g->r[j] = -INFINITY;
    for (int k = 0; k < g->m; k++) column(g, j)[k] *= factor;
  }
  for (int i = 1; i < g->n; i++)
    for (int j = i; j > 0 && g->r[j] > -INFINITY && !(log_ratio(g, j, j - 1) <= 0); j--)
      swap_columns(g, j, j - 1);
  while (g->n > 0 && g->r[g->n - 1] == -INFINITY) g->n--;
}

/* ---- rotations ------------------------------------------------------------------------------ */

/* Columns i and j of v turn by the angle of this tangent. */
static void turn(const graded *g, int i, int j, double tangent, double cosine)
{
  double *first = g->v + (ptrdiff_t)i * g->m, *second = g->v + (ptrdiff_t)j * g->m;
  for (int k = 0; k < g->m; k++) {
    double x = first[k], z = second[k];
    first[k] = cosine * (x + tangent * z);
    second[k] = cosine * (z - tangent * x);
  }
}

/* Make columns i and j > i orthogonal. Returns the cosine that they had. */
static double rotate(const graded *g, int i, int j)
{
  double *big = column(g, i), *small = column(g, j), a = 0, b = 0, c = 0;
  int from = (int)fmax(g->from[i], g->from[j]), to = (int)fmin(g->to[i], g->to[j]);
  for (int k = from; k < to; k++) c += big[k] * small[k];
  if (c == 0) return 0;
  from = (int)fmin(g->from[i], g->from[j]), to = (int)fmax(g->to[i], g->to[j]);
  for (int k = from; k < to; k++) {
    a += big[k] * big[k];
    b += small[k] * small[k];
  }
  double cosine = fabs(c) / sqrt(a * b);
  if (!(cosine > DBL_EPSILON)) return cosine;
  double rho = exp(log_ratio(g, j, i)), rho2 = rho * rho, difference = a - rho2 * b;
  double root = sqrt(difference * difference + 4 * rho2 * c * c);
  /* the tangent of the angle is rho times this */
  double tangent = 2 * c / (difference + copysign(root, difference));
  double cosine_angle = 1 / sqrt(1 + rho2 * tangent * tangent);
  for (int k = from; k < to; k++) {
    double x = big[k], z = small[k];
    big[k] = cosine_angle * (x + rho2 * tangent * z);
    small[k] = cosine_angle * (z - tangent * x);
  }
  if (g->v) turn(g, i, j, rho * tangent, cosine_angle);
  g->from[i] = g->from[j] = from;
  g->to[i] = g->to[j] = to;
  return cosine;
}

/* Entries too small to matter become 0, which keeps columns of factorised matrices short. */
static void find_ends(const graded *g)
{
  for (int j = 0; j < g->n; j++) {
    int from = g->m, to = 0;
    for (int k = 0; k < g->m; k++) {
      if (fabs(column(g, j)[k]) < NEGLIGIBLE) {
        column(g, j)[k] = 0;
        continue;
      }
      if (from == g->m) from = k;
      to = k + 1;
    }
    g->from[j] = from;
    g->to[j] = to;
  }
}

static double sweep(const graded *g)
{
  double worst = 0;
  for (int i = 0; i < g->n; i++)
    for (int j = i + 1; j < g->n; j++) {
      double cosine = rotate(g, i, j);
      if (!(cosine <= worst)) worst = cosine;
    }
  return worst;
}

static bool rotate_wide(graded *g)
{
  const double tolerance = DBL_EPSILON * sqrt(g->n);
  for (int s = 0; s < SWEEPS_MAX; s++) {
    find_ends(g);
    double worst = sweep(g);
    normalise(g);
    if (worst <= tolerance) return true;
  }
  return false;
}

/* The exponents fit into the columns, which are n x n. */
static bool rotate_narrow(graded *g)
{
  const int n = g->n;
  const bool flat = !g->v && n >= BIDIAGONAL && -log_ratio(g, n - 1, 0) < FLAT_RANGE;
  double *s = g->scratch, *rest = g->scratch + n;
  for (int j = n - 1; j >= 0; j--) {
    const double scale = exp(log_ratio(g, j, 0));
    for (int k = 0; k < n; k++) column(g, j)[k] *= scale;
  }
  if (flat && !wmc_singular_values(n, g->y, s, rest)) return false;
  if (!flat) wmc_svd_jacobi(n, n, g->y, g->v, s, rest);
  for (int j = n - 1; j >= 0; j--) {
    g->r[j] = g->r[0];
    g->gain[j] = g->gain[0] + log(s[j]);
  }
  return true;
}

static bool rotate_all(graded *g)
{
  /* wmc_svd_jacobi takes a v of n x n only */
  const bool narrow = g->m == g->n && -log_ratio(g, g->n - 1, 0) < PLAIN_RANGE;
  return (narrow ? rotate_narrow : rotate_wide)(g);
}

/* ---- factorisations ------------------------------------------------------------------------- */

/* Y diag(e^r) = Q R diag(e^r) has the singular values of the transpose of R diag(e^r), whose
 * columns are the rows of R: y <- these, n x n, lower triangular. */
static void factorise(graded *g)
{
  const int n = g->n;
  double *upper = g->scratch, *rest = g->scratch + (ptrdiff_t)n * n;
  wmc_qr_triangle(g->m, n, g->y, upper, rest);
  g->m = n;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      column(g, i)[j] = j < i ? 0 : upper[(ptrdiff_t)j * n + i] * exp(log_ratio(g, j, i));
}

static bool is_finite(int d, const double *y, const double *r)
{
  double sum = 0;
  for (ptrdiff_t k = 0; k < (ptrdiff_t)d * d; k++) sum += y[k];
  for (int k = 0; k < d; k++) sum += r[k] > -INFINITY ? r[k] : 0;
  return isfinite(sum);
}

size_t wmc_graded_scratch(int d)
{
  const size_t n = (size_t)d;
  const size_t sizes[] = {n * n + wmc_qr_scratch(d, d), n + wmc_svd_scratch(d, d),
                          n + wmc_singular_values_scratch(d)};
  size_t most = 0;
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
    if (sizes[k] > most) most = sizes[k];
  return 3 * n + most;
}

static graded begin(int d, double *y, double *r, double *v, double *scratch)
{
  graded g = {.m = d, .n = d, .y = y, .r = r, .v = v, .gain = scratch};
  g.from = g.gain + d;
  g.to = g.from + d;
  g.scratch = g.to + d;
  for (int j = 0; j < d; j++) g.gain[j] = 0;
  normalise(&g);
  return g;
}

static bool finish(graded *g, int d)
{
  if (g->n > 0 && !rotate_all(g)) return false;
  for (int j = 0; j < d; j++) g->r[j] += g->gain[j];
  return true;
}

bool wmc_graded_singular_values(int d, double *y, double *r, double *scratch)
{
  if (!is_finite(d, y, r)) return false;
  graded g = begin(d, y, r, NULL, scratch);
  const int wanted = g.n < FEW ? 0 : g.n < MANY ? 1 : 2;
  for (int done = 0; g.n > 0 && (done < wanted || g.m > g.n); done++) {
    factorise(&g);
    normalise(&g);
  }
  return finish(&g, d);
}

bool wmc_graded_singular_vectors(int d, double *y, double *r, double *v, double *scratch)
{
  if (!is_finite(d, y, r)) return false;
  graded g = begin(d, y, r, v, scratch);
  return finish(&g, d);
}
