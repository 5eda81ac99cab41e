#include "weylmc/jacobian/chamber.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/vector.h"

struct wmc_chamber {
  wmc_chamber_options o;
  size_t d, records;
  double *time;    /* records */
  int *steps;      /* records: before each */
  double *lambda;  /* d, increasing */
  double *drift;   /* d */
  double *middle;  /* d: half-way point of a flow */
  double *matrix;  /* d x d, real or complex */
  double *product; /* d x d: Hermitian Brownian motion, `exact` only */
  double *normals; /* d^2 */
  double *scratch; /* of eigenvalues */
  double *values, *growth, *log_sine;
};

/* ---- making ------------------------------------------------------------------------------- */

int wmc_chamber_steps(const wmc_chamber_options *o, double from, double to)
{
  double steps = ceil(o->resolution * o->width * o->variance * o->time * (to - from));
  return o->exact ? 1 : (int)fmin(fmax(1, steps), 1e9);
}

void wmc_chamber_destroy(wmc_chamber *c)
{
  if (!c) return;
  double *arrays[] = {c->time,    c->lambda,  c->drift,  c->middle, c->matrix,  c->product,
                      c->normals, c->scratch, c->values, c->growth, c->log_sine};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_free(c->steps);
  wmc_free(c);
}

static wmc_status allocate(wmc_chamber *c)
{
  const size_t d = c->d, r = c->records, reals = (size_t)c->o.beta * d * d;
  const struct {
    double **array;
    size_t size;
  } wanted[] = {{&c->time, r},
                {&c->lambda, d},
                {&c->drift, d},
                {&c->middle, d},
                {&c->matrix, reals},
                {&c->product, reals},
                {&c->normals, d * d},
                {&c->values, r * d},
                {&c->growth, r},
                {&c->log_sine, r},
                {&c->scratch, wmc_hermitian_scratch((int)d)}};
  bool failed = !(c->steps = WMC_ARRAY(int, r));
  for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
    failed |= !(*wanted[k].array = WMC_ARRAY(double, wanted[k].size));
  return failed ? wmc_no_memory() : WMC_OK;
}

wmc_status wmc_chamber_create(wmc_chamber **chamber, const wmc_chamber_options *o, size_t records,
                              const double *fractions)
{
  assert(o->beta == 1 || o->beta == 2);
  assert(!o->exact || (o->beta == 2 && o->shift == 0));
  wmc_chamber *c = WMC_NEW(wmc_chamber);
  *chamber = c;
  if (!c) return wmc_no_memory();
  c->o = *o;
  c->d = (size_t)o->width;
  c->records = records;
  wmc_status status = allocate(c);
  if (status != WMC_OK) {
    wmc_chamber_destroy(c);
    *chamber = NULL;
    return status;
  }
  for (size_t k = 0; k < records; k++) {
    c->time[k] = fractions[k] * o->time;
    c->steps[k] = wmc_chamber_steps(o, k ? fractions[k - 1] : 0, fractions[k]);
  }
  return WMC_OK;
}

/* ---- the smooth part ------------------------------------------------------------------------ */

/* coth x - 1/x for x >= 0, to an absolute error of 1e-14. */
static double smooth_coth(double x)
{
  const double y = x * x;
  if (x > 0.2) return 1 + 2 / expm1(2 * x) - 1 / x;
  return x * (1.0 / 3 -
              y * (1.0 / 45 - y * (2.0 / 945 - y * (1.0 / 4725 - y * (2.0 / 93555 - y * 8.1e-6)))));
}

/* (sigma^2/2) sum_j L(lambda_i - lambda_j); increases with i, as lambda does. */
static void set_drift(const wmc_chamber *c, const double *lambda, double *drift)
{
  const double half = 0.5 * c->o.variance;
  memset(drift, 0, c->d * sizeof *drift);
  for (size_t i = 1; i < c->d; i++)
    for (size_t j = 0; j < i; j++) {
      double push = half * smooth_coth(lambda[i] - lambda[j]);
      drift[i] += push;
      drift[j] -= push;
    }
}

/* lambda' = drift for a time h, by the rule of the mid-point. The constant shift is added at the
 * end of a path. */
static void flow(wmc_chamber *c, double h)
{
  set_drift(c, c->lambda, c->drift);
  for (size_t i = 0; i < c->d; i++) c->middle[i] = c->lambda[i] + 0.5 * h * c->drift[i];
  set_drift(c, c->middle, c->drift);
  for (size_t i = 0; i < c->d; i++) c->lambda[i] += h * c->drift[i];
}

/* ---- the singular part ----------------------------------------------------------------------- */

/* Lower triangle of `matrix` += Gaussian symmetric or Hermitian matrix whose diagonal has the
 * variance v/beta and whose other entries have E|.|^2 = v/2. */
static void add_noise(wmc_chamber *c, wmc_stream *stream, double v, double *matrix)
{
  const size_t d = c->d, parts = (size_t)c->o.beta, others = parts * (d * (d - 1) / 2);
  const double *next = c->normals + d;
  const double diagonal = sqrt(v / c->o.beta), other = sqrt(0.5 * v / c->o.beta);
  wmc_stream_normals(stream, d + others, 1, c->normals);
  for (size_t j = 0; j < d; j++) {
    matrix[parts * j * (d + 1)] += diagonal * c->normals[j];
    double *column = matrix + parts * (j * d + j + 1);
    for (size_t i = 0; i < parts * (d - 1 - j); i++) column[i] += other * *next++;
  }
}

/* lambda <- eigenvalues of `matrix` (destroyed). */
static bool diagonalise(wmc_chamber *c)
{
  const int d = c->o.width;
  return c->o.beta == 1 ? wmc_symmetric_eigenvalues(d, c->matrix, c->lambda, c->scratch)
                        : wmc_hermitian_eigenvalues(d, c->matrix, c->lambda, c->scratch);
}

static size_t reals(const wmc_chamber *c) { return (size_t)c->o.beta * c->d * c->d; }

/* dlambda_i = (sigma/sqrt(beta)) dB_i + (sigma^2/2) sum_j dt/(lambda_i - lambda_j) for a time h. */
static bool repel(wmc_chamber *c, wmc_stream *stream, double h)
{
  memset(c->matrix, 0, reals(c) * sizeof *c->matrix);
  for (size_t i = 0; i < c->d; i++) c->matrix[(size_t)c->o.beta * i * (c->d + 1)] = c->lambda[i];
  add_noise(c, stream, c->o.variance * h, c->matrix);
  return diagonalise(c);
}

/* ---- a path --------------------------------------------------------------------------------- */

/* Half a flow, a matrix, half a flow, `steps` times; half flows that meet are one. */
static bool flow_first(wmc_chamber *c, wmc_stream *stream, int steps, double h)
{
  bool finite = true;
  flow(c, 0.5 * h);
  for (int k = 0; k < steps && finite && !wmc_signals_urgent(); k++) {
    finite = repel(c, stream, h);
    flow(c, k + 1 < steps ? h : 0.5 * h);
  }
  return finite;
}

/* The same with the two parts exchanged. */
static bool matrix_first(wmc_chamber *c, wmc_stream *stream, int steps, double h)
{
  bool finite = repel(c, stream, 0.5 * h);
  for (int k = 0; k < steps && finite && !wmc_signals_urgent(); k++) {
    flow(c, h);
    finite = repel(c, stream, k + 1 < steps ? h : 0.5 * h);
  }
  return finite;
}

/* Hermitian Brownian motion over the time h; its eigenvalues with the drift at the time t. */
static bool jump(wmc_chamber *c, wmc_stream *stream, double h, double t)
{
  add_noise(c, stream, c->o.variance * h, c->product);
  memcpy(c->matrix, c->product, reals(c) * sizeof *c->matrix);
  for (size_t i = 0; i < c->d; i++)
    c->matrix[2 * i * (c->d + 1)] += 0.5 * c->o.variance * t * ((double)c->d - 1 - 2 * (double)i);
  return diagonalise(c);
}

/* ---- two vectors ------------------------------------------------------------------------------
 */

static void to_unit(int d, int parts, double *x)
{
  double norm2[2];
  wmc_inner(parts, d, x, x, norm2);
  for (int i = 0; i < parts * d; i++) x[i] /= sqrt(norm2[0]);
}

/* |x_i y_j - x_j y_i|^2 */
static double minor2(size_t parts, const double *x, const double *y, size_t i, size_t j)
{
  if (parts == 1) return pow(x[i] * y[j] - x[j] * y[i], 2);
  const double *a = x + 2 * i, *b = y + 2 * j, *c = x + 2 * j, *d = y + 2 * i;
  double re = a[0] * b[0] - a[1] * b[1] - c[0] * d[0] + c[1] * d[1];
  double im = a[0] * b[1] + a[1] * b[0] - c[0] * d[1] - c[1] * d[0];
  return re * re + im * im;
}

/* The squared cosine of the angle between diag(e^lambda) x and diag(e^lambda) y, for orthonormal x
 * and y, without cancellation where lambda is near 0 and the angle near a right one. */
static double cosine2(const wmc_chamber *c, const double *lambda, const double *x, const double *y)
{
  const size_t parts = (size_t)c->o.beta;
  double re = 0, im = 0, lengths[2] = {0, 0};
  for (size_t i = 0; i < c->d; i++) {
    const double *a = x + parts * i, *b = y + parts * i;
    const double growth = 2 * (lambda[i] - lambda[0]), stretch = exp(growth), more = expm1(growth);
    re += more * (parts == 1 ? a[0] * b[0] : a[0] * b[0] + a[1] * b[1]);
    im += parts == 1 ? 0 : more * (a[0] * b[1] - a[1] * b[0]);
    lengths[0] += stretch * (parts == 1 ? a[0] * a[0] : a[0] * a[0] + a[1] * a[1]);
    lengths[1] += stretch * (parts == 1 ? b[0] * b[0] : b[0] * b[0] + b[1] * b[1]);
  }
  return (re * re + im * im) / (lengths[0] * lengths[1]);
}

/* log of the length of diag(e^lambda) x */
static double log_length(const wmc_chamber *c, const double *lambda, const double *x)
{
  const size_t parts = (size_t)c->o.beta;
  double sum = 0;
  for (size_t i = 0; i < parts * c->d; i++)
    sum += x[i] * x[i] * exp(2 * (lambda[i / parts] - lambda[0]));
  return lambda[0] + 0.5 * log(sum);
}

/* log of the area of diag(e^lambda) (x, y): Cauchy and Binet. */
static double log_area(const wmc_chamber *c, const double *lambda, const double *x, const double *y)
{
  double sum = 0;
  for (size_t i = 0; i < c->d; i++)
    for (size_t j = i + 1; j < c->d; j++)
      sum += minor2((size_t)c->o.beta, x, y, i, j) *
             exp(2 * (lambda[i] - lambda[0] + lambda[j] - lambda[1]));
  return lambda[0] + lambda[1] + 0.5 * log(sum);
}

/* Two columns of V^*, uniform and orthonormal; the matrix of the last step is used no more. */
static void follow(wmc_chamber *c, wmc_stream *stream, const double *lambda, double *growth,
                   double *log_sine)
{
  const int parts = c->o.beta, d = (int)c->d;
  const size_t n = (size_t)(parts * d);
  double *x = c->matrix, *y = c->matrix + n;
  wmc_stream_normals(stream, d > 1 ? 2 * n : n, 1, x);
  to_unit(d, parts, x);
  *growth = log_length(c, lambda, x);
  *log_sine = NAN;
  if (d == 1) return;
  wmc_take_out(parts, d, x, y);
  to_unit(d, parts, y);
  const double cosine = cosine2(c, lambda, x, y);
  *log_sine = cosine < 0.5
                  ? 0.5 * log1p(-cosine)
                  : fmin(0, log_area(c, lambda, x, y) - *growth - log_length(c, lambda, y));
}

bool wmc_chamber_draw(wmc_chamber *c, wmc_stream *stream)
{
  bool (*const integrate)(wmc_chamber *, wmc_stream *, int, double) =
      !c->o.exact && wmc_stream_uniform(stream) < 0.5 ? flow_first : matrix_first;
  double time = 0;
  memset(c->lambda, 0, c->d * sizeof *c->lambda);
  memset(c->product, 0, reals(c) * sizeof *c->product);
  for (size_t k = 0; k < c->records; k++) {
    double *values = c->values + k * c->d, span = c->time[k] - time;
    time = c->time[k];
    bool finite = c->o.exact ? jump(c, stream, span, time)
                             : integrate(c, stream, c->steps[k], span / c->steps[k]);
    if (wmc_signals_urgent()) return false;
    if (!finite || !isfinite(c->lambda[0] + c->lambda[c->d - 1])) {
      wmc_raise(WMC_FAILURE,
                "the diffusion of log-singular values left the range of numbers at "
                "time %g; use a smaller variance or time",
                time);
      return false;
    }
    for (size_t i = 0; i < c->d; i++)
      values[i] = c->lambda[c->d - 1 - i] + 0.5 * c->o.variance * c->o.shift * time;
    follow(c, stream, values, &c->growth[k], &c->log_sine[k]);
  }
  return true;
}

double *wmc_chamber_values(wmc_chamber *c) { return c->values; }

double *wmc_chamber_growth(wmc_chamber *c) { return c->growth; }

double *wmc_chamber_log_sine(wmc_chamber *c) { return c->log_sine; }
