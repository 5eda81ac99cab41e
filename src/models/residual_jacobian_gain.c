/* What the levels of a run turned out to be: functions of averages. Equations: docs/theory/
 * jacobian.md, section 11. */
#include <math.h>

#include "residual_jacobian_levels.h"

/* Averages of the observables of levels, in table order. */
typedef struct averages {
  size_t count, first, last; /* levels; those in use */
  const double *mean, *square, *samples, *weight, *work;
  wmc_coupling coupling;
} averages;

static averages averages_of(const wmc_value *p, const double *means)
{
  const size_t n = wmc_levels_count(p);
  const double *rows = wmc_jacobian_mean(p, means, "level_difference");
  averages a = {n, n, 0, rows, rows + n, rows + 2 * n, rows + 3 * n, rows + 4 * n, 0};
  if (n == 0) return a;
  a.coupling = (wmc_coupling)lround(rows[5 * n]);
  for (size_t l = n; l-- > 0;)
    if (a.samples[l] > 0) a.first = l;
  for (size_t l = 0; l < n; l++)
    if (a.samples[l] > 0) a.last = l;
  return a;
}

static double variance_of(const averages *a, size_t l)
{
  return a->samples[l] > 0 ? a->square[l] - a->mean[l] * a->mean[l] : NAN;
}

void wmc_levels_variance(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  for (size_t l = 0; l < a.count; l++) out[l] = variance_of(&a, l);
}

static double mean_size(const averages *a, size_t l) { return fabs(a->mean[l]); }

/* Minus the slope of log2 of something of the pairs against their level, by least squares; NaN
 * below two pairs. */
static double rate(const averages *a, double (*of)(const averages *, size_t))
{
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  if (a->coupling != WMC_COUPLING_PAIRS) return NAN;
  for (size_t l = a->first + 1; l <= a->last; l++) {
    double level = (double)l, value = log2(of(a, l));
    n += 1;
    x += level;
    y += value;
    xx += level * level;
    xy += level * value;
  }
  return n < 2 ? NAN : -(n * xy - x * y) / (n * xx - x * x);
}

void wmc_levels_variance_rate(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  if (a.count > 0) out[0] = rate(&a, variance_of);
}

void wmc_levels_mean_rate(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  if (a.count > 0) out[0] = rate(&a, mean_size);
}

/* Where the bias of lambda_1 at the last record, controlled if that is wanted, stands among all
 * biases. */
static size_t bias_entry(const wmc_value *p)
{
  const size_t last = p[RECORD].count - 1;
  if (wmc_control_wanted(p)) return wmc_jacobian_network_size(p) + last * (size_t)p[WIDTH].integer;
  return wmc_observable_first(&wmc_residual_jacobian, "log_singular_values", p) +
         last * wmc_jacobian_size(p);
}

/* At a finite depth the mean differs from that at infinite depth by b/L = -D_K. */
void wmc_levels_bias(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  (void)doubt;
  if (a.count == 0) return;
  if (wmc_levels_biases(p) > 0)
    out[0] = wmc_jacobian_mean(p, means, "remaining_biases")[bias_entry(p)];
  else
    out[0] = a.coupling == WMC_COUPLING_PAIRS ? -a.mean[a.last] : NAN;
}

static double square(double x) { return x * x; }

/* Variance times work of independent networks with the same mean: of the finest depth alone; with
 * Richardson's weight 2 E_K - E_{K-1}; or those that are extrapolated. */
static double independent_effort(const wmc_value *p, const averages *a)
{
  const bool pairs = a->coupling == WMC_COUPLING_PAIRS;
  double sum = 0;
  for (size_t l = a->first; l <= a->last; l++) {
    double weight = pairs ? a->weight[l] - (l < a->last ? a->weight[l + 1] : 0) : a->weight[l];
    sum += fabs(weight) * sqrt(wmc_levels_work(p, wmc_levels_depth(p, l), false));
  }
  return variance_of(a, a->first) * square(sum);
}

/* Variance times work: of independent networks, over that of the sum. */
void wmc_levels_gain(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const averages a = averages_of(p, means);
  double variance = 0, work = 0;
  (void)doubt;
  if (a.count == 0) return;
  for (size_t l = a.first; l <= a.last; l++) {
    variance += square(a.weight[l]) * variance_of(&a, l) / a.samples[l];
    work += a.samples[l] * a.work[l];
  }
  out[0] = independent_effort(p, &a) / (variance * work);
}

/* ---- warnings ------------------------------------------------------------------------------- */

/* A run at its end. */
typedef struct run {
  const wmc_value *p;
  double draws;
  averages a;
  const double *derived, *derived_errors;
  double bias, bias_error, asked; /* depth inf: remaining_bias, and multilevel.bias */
  bool foreseen;                  /* by the pilot, to be small enough */
} run;

static size_t derived_at(const wmc_value *p, const char *name)
{
  return wmc_derived_first(&wmc_residual_jacobian, name, p);
}

static run run_of(const wmc_value *p, double draws, const double *means, const double *errors)
{
  const size_t derived = wmc_model_measurement_size(&wmc_residual_jacobian, p),
               bias = derived_at(p, "remaining_bias");
  return (run){.p = p,
               .draws = draws,
               .a = averages_of(p, means),
               .derived = means + derived,
               .derived_errors = errors + derived,
               .bias = means[derived + bias],
               .bias_error = errors[derived + bias],
               .asked = p[LEVELS_BIAS].real,
               .foreseen = wmc_jacobian_mean(p, means, "bias_foreseen")[0] > 0};
}

/* Depth of the finest level, a power of two times the coarsest, that leaves as much as was asked
 * for if the bias falls with this power of the depth. */
static double depth_needed(const run *r, double power)
{
  const double now = wmc_levels_depth(r->p, r->a.last);
  return now * exp2(ceil(log2(fabs(r->bias) / r->asked) / power));
}

static void append_rate(const run *r, wmc_text *out)
{
  char value[WMC_TEXT_SHORT];
  const size_t at = derived_at(r->p, "mean_rate");
  if (isnan(r->derived[at])) return;
  wmc_text_append(out, "; measured power of the means of differences %s, in the end %s",
                  wmc_text_value(value, -r->derived[at], r->derived_errors[at]),
                  wmc_levels_steps(r->p) ? "-2 where phi is smooth" : "-1");
}

/* What would leave a smaller bias: of order 1/depth^2 after Richardson (of steps at least that,
 * where phi is smooth), or 1/depth^3 after four depths. */
static void append_remedy(const run *r, wmc_text *out)
{
  const double most = 1e8, coarsest = (double)r->p[LEVELS_COARSEST].integer;
  const bool pairs = r->a.coupling == WMC_COUPLING_PAIRS;
  const int power = pairs ? 2 : 3;
  const double depth = depth_needed(r, power), now = wmc_levels_depth(r->p, r->a.last);
  const double finest = r->p[LEVELS_FINEST].real;
  if (!(depth <= most)) {
    wmc_text_append(out, "no depth that can be afforded would do");
    return;
  }
  if (pairs && depth > finest)
    wmc_text_append(out, "set multilevel.finest: %.0f", depth);
  else if (pairs)
    wmc_text_append(out, "set multilevel.coarsest: %.0f", fmax(2 * coarsest, depth / 4));
  else
    wmc_text_append(out, "set multilevel.coarsest: %.0f and multilevel.finest: %.0f",
                    depth / now * coarsest, fmax(finest, 2 * depth));
  wmc_text_append(out, " (the bias falls like depth^-%d", power);
  append_rate(r, out);
  wmc_text_append(out, ")");
}

/* Where depth inf can be integrated itself, its steps are coupled, and need not be. */
static void append_direct(const run *r, wmc_text *out)
{
  wmc_block_options steps;
  const wmc_block *block;
  int field;
  const char *why;
  if (!wmc_jacobian_alone(r->p) && !wmc_jacobian_steps(r->p, &block, &steps, &field, &why)) return;
  if (r->a.coupling == WMC_COUPLING_INDEPENDENT && wmc_levels_of(r->p) == WMC_LEVELS_DEPTH)
    wmc_text_append(out, ", or multilevel.kind: limit, whose levels are coupled");
  wmc_text_append(out, ", or multilevel: none, which integrates depth inf itself");
}

/* Two standard errors, or four against a pilot that found the levels good enough. */
static void warn_of_bias(const run *r, wmc_text *out)
{
  char value[WMC_TEXT_SHORT];
  const double doubt = (r->foreseen ? 4 : 2) * r->bias_error;
  const bool missed = fabs(r->bias) - doubt > r->asked, kept = fabs(r->bias) + doubt <= r->asked;
  wmc_text_value(value, r->bias, r->bias_error);
  if (missed) {
    wmc_text_append(out,
                    "NOT CONVERGED in depth: E lambda_1 is off by about %s where multilevel.bias "
                    "allows %g (errors include it, columns bias); ",
                    value, r->asked);
    append_remedy(r, out);
    append_direct(r, out);
    return;
  }
  if (kept || r->foreseen) return;
  const double times = square(3 * r->bias_error / r->asked), often = 100;
  wmc_text_append(out,
                  "convergence in depth is not known: E lambda_1 may be off by %s where "
                  "multilevel.bias allows %g, and the pilot found no depths that keep to it; ",
                  value, r->asked);
  if (times < often) wmc_text_append(out, "draw about %.0f times as much to see it, ", ceil(times));
  if (isfinite(doubt))
    wmc_text_append(out, "set multilevel.bias: %.2g, which this run keeps to",
                    fabs(r->bias) + doubt);
  else
    wmc_text_append(out, "raise run.draws");
  wmc_text_append(out, "%s",
                  r->a.coupling == WMC_COUPLING_PAIRS ? ", or a larger multilevel.finest" : "");
  append_direct(r, out);
}

/* The error of the sum follows from the variances of the levels. */
static void warn_of_variances(const run *r, wmc_text *out)
{
  const double most = 0.5, least = 8; /* a jackknife of fewer draws knows nothing */
  const size_t at = derived_at(r->p, "level_variance");
  double variance = 0, error = 0;
  for (size_t l = r->a.first; l <= r->a.last; l++) {
    const double share = square(r->a.weight[l]) / r->a.samples[l];
    variance += share * r->derived[at + l];
    error += share * r->derived_errors[at + l];
  }
  if (r->draws >= least && error <= most * variance) return;
  wmc_text_append(out, "%s%.0f draws are too few to know the variances of the levels",
                  out->length > 0 ? "; " : "", r->draws);
  if (r->draws >= least && isfinite(error / variance))
    wmc_text_append(out, " (to %.0f%% together)", 100 * error / variance);
  wmc_text_append(out, ": errors are not to be trusted; raise run.draws");
}

void wmc_levels_warn(const wmc_value *p, double draws, const double *means, const double *errors,
                     wmc_text *out)
{
  if (wmc_levels_count(p) == 0) return;
  const run r = run_of(p, draws, means, errors);
  if (wmc_levels_biases(p) > 0) warn_of_bias(&r, out);
  warn_of_variances(&r, out);
}
