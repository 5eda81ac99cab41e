#include "residual_jacobian_control.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/spherical.h"

/* Sums over the pilot at one record. */
typedef struct sums {
  double n, x[WMC_CONTROLS], xx[WMC_CONTROLS][WMC_CONTROLS];
} sums;

struct wmc_control {
  size_t width, records;
  int beta;
  bool infinite;
  double *sum, *growth;         /* records: exact means; sum is NaN where unknown */
  double *coefficient;          /* records x width x WMC_CONTROLS */
  double *y, *mirror, *scratch; /* width */
  sums *sums;                   /* records */
  double *sum_y, *sum_xy;       /* records x width, and x WMC_CONTROLS */
};

bool wmc_control_wanted(const wmc_value *p) { return p[CONTROL].integer == 1; }

static bool exact_growth(const wmc_value *p, double *out)
{
  if (!wmc_jacobian_expected_growth(p, out)) return false;
  for (size_t k = 0; k < p[RECORD].count; k++)
    if (isnan(out[k])) return false;
  return true;
}

/* At depth inf only the diffusion of the spectrum alone has the symmetry. */
static bool symmetric(const wmc_value *p)
{
  wmc_chamber_options limit;
  int field;
  const char *why;
  return !wmc_jacobian_infinite(p) || wmc_jacobian_limit(p, &limit, &field, &why);
}

void wmc_control_check(const wmc_value *p, const wmc_complaints *complaints)
{
  double *growth = WMC_ARRAY(double, p[RECORD].count);
  const wmc_split split = wmc_jacobian_options(p).split;
  if (wmc_control_wanted(p) && growth &&
      (wmc_split_modes(&split) > 1 || !symmetric(p) || wmc_jacobian_loses_rank(p) ||
       !exact_growth(p, growth)))
    wmc_complain(complaints, CONTROL,
                 "control: no exact mean is known of log|M u| here, which is what the control "
                 "variate needs; use control: no, or gaussian weights in linear or, at greater "
                 "depth, homogeneous two-layer blocks, or depth: inf, without a group");
  wmc_free(growth);
}

/* ---- making ------------------------------------------------------------------------------- */

void wmc_control_destroy(wmc_control *c)
{
  if (!c) return;
  double *arrays[] = {c->sum,    c->growth,  c->coefficient, c->y,
                      c->mirror, c->scratch, c->sum_y,       c->sum_xy};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_free(c->sums);
  wmc_free(c);
}

static wmc_status allocate(wmc_control *c)
{
  const size_t d = c->width, r = c->records;
  const struct {
    double **array;
    size_t size;
  } wanted[] = {{&c->sum, r},       {&c->growth, r},
                {&c->y, d},         {&c->mirror, d},
                {&c->scratch, d},   {&c->coefficient, r * d * WMC_CONTROLS},
                {&c->sum_y, r * d}, {&c->sum_xy, r * d * WMC_CONTROLS}};
  bool failed = !(c->sums = WMC_ARRAY(sums, r));
  for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++)
    failed |= !(*wanted[k].array = WMC_ARRAY(double, wanted[k].size));
  return failed ? wmc_no_memory() : WMC_OK;
}

wmc_status wmc_control_create(const wmc_value *p, wmc_control **control)
{
  wmc_control *c = WMC_NEW(wmc_control);
  *control = c;
  if (!c) return wmc_no_memory();
  c->width = (size_t)p[WIDTH].integer;
  c->records = p[RECORD].count;
  c->beta = p[NUMBERS].integer == 1 ? 2 : 1;
  c->infinite = wmc_jacobian_infinite(p);
  wmc_status status = allocate(c);
  if (status != WMC_OK) {
    wmc_control_destroy(c);
    *control = NULL;
    return status;
  }
  if (!wmc_jacobian_expected_sum(p, c->sum))
    for (size_t k = 0; k < c->records; k++) c->sum[k] = NAN;
  (void)exact_growth(p, c->growth);
  return WMC_OK;
}

double *wmc_control_coefficients(wmc_control *c) { return c->coefficient; }

size_t wmc_control_size(const wmc_control *c) { return c->records * c->width * WMC_CONTROLS; }

/* ---- controls of one spectrum ---------------------------------------------------------------- */

static double growth_of(wmc_control *c, const double *values)
{
  return wmc_spherical_growth((int)c->width, c->beta, values, c->scratch);
}

/* Depth inf: y, and the one control less its mean. */
static void mirror(wmc_control *c, size_t k, const double *values, double *x)
{
  const size_t d = c->width;
  const double centre = c->sum[k] / (double)d;
  for (size_t i = 0; i < d; i++) {
    c->mirror[i] = -values[d - 1 - i];
    c->y[i] = centre + 0.5 * (values[i] + c->mirror[i]);
  }
  x[0] = 0.5 * (growth_of(c, values) + growth_of(c, c->mirror)) - (c->growth[k] - centre);
  x[1] = 0;
}

static void look(wmc_control *c, size_t k, const double *values, double *x)
{
  double sum = 0;
  if (c->infinite) {
    mirror(c, k, values, x);
    return;
  }
  memcpy(c->y, values, c->width * sizeof *values);
  for (size_t i = 0; i < c->width; i++) sum += values[i];
  x[0] = growth_of(c, values) - c->growth[k];
  x[1] = isnan(c->sum[k]) ? 0 : sum - c->sum[k];
}

void wmc_control_measure(wmc_control *c, const double *values, double *out)
{
  double x[WMC_CONTROLS];
  const double *coefficient = c->coefficient;
  for (size_t k = 0; k < c->records; k++, values += c->width, out += c->width) {
    look(c, k, values, x);
    for (size_t i = 0; i < c->width; i++, coefficient += WMC_CONTROLS)
      out[i] = c->y[i] - coefficient[0] * x[0] - coefficient[1] * x[1];
  }
}

/* ---- regression ------------------------------------------------------------------------------ */

void wmc_control_observe(wmc_control *c, const double *values)
{
  double x[WMC_CONTROLS], *sum_y = c->sum_y, *sum_xy = c->sum_xy;
  for (size_t k = 0; k < c->records; k++, values += c->width) {
    sums *s = &c->sums[k];
    look(c, k, values, x);
    s->n += 1;
    for (size_t a = 0; a < WMC_CONTROLS; a++) {
      s->x[a] += x[a];
      for (size_t b = 0; b < WMC_CONTROLS; b++) s->xx[a][b] += x[a] * x[b];
    }
    for (size_t i = 0; i < c->width; i++, sum_xy += WMC_CONTROLS) {
      *sum_y++ += c->y[i];
      for (size_t a = 0; a < WMC_CONTROLS; a++) sum_xy[a] += c->y[i] * x[a];
    }
  }
}

static double covariance(double n, double ab, double a, double b) { return ab - a * b / n; }

/* Slopes on x_0, and on what x_0 leaves of x_1; a control that does not vary has none. */
static void solve(const sums *s, double y, const double *xy, double *coefficient)
{
  const double tiny = 1e-10;
  double c00 = covariance(s->n, s->xx[0][0], s->x[0], s->x[0]);
  double c01 = covariance(s->n, s->xx[0][1], s->x[0], s->x[1]);
  double c11 = covariance(s->n, s->xx[1][1], s->x[1], s->x[1]);
  double c0y = covariance(s->n, xy[0], s->x[0], y), c1y = covariance(s->n, xy[1], s->x[1], y);
  double slope = c00 > 0 ? c01 / c00 : 0, rest = c11 - slope * c01;
  coefficient[1] = rest > tiny * c11 ? (c1y - slope * c0y) / rest : 0;
  coefficient[0] = c00 > 0 ? (c0y - coefficient[1] * c01) / c00 : 0;
}

void wmc_control_solve(wmc_control *c)
{
  for (size_t k = 0; k < c->records; k++)
    for (size_t i = 0; i < c->width; i++) {
      size_t at = k * c->width + i;
      solve(&c->sums[k], c->sum_y[at], c->sum_xy + at * WMC_CONTROLS,
            c->coefficient + at * WMC_CONTROLS);
    }
}
