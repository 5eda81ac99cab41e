/* From what a pilot measured to levels, weights and numbers of samples. Equations: docs/theory/
 * jacobian.md, section 11. */
#include <math.h>
#include <string.h>

#include "residual_jacobian_levels.h"

static const double MOST_SAMPLES = 1e6;
/* Pairs from which the bias at depth inf is seen. */
enum { TO_SEE_BIAS = 2 };

/* ---- shares -------------------------------------------------------------------------------- */

static double square(double x) { return x * x; }

/* Variance times work of the levels first..last, shared out in the best way. */
static double effort(const wmc_level_plan *plan, size_t first, size_t last,
                     const wmc_level_pilot *t)
{
  double sum = sqrt(t->single * t->work_single[first]);
  for (size_t l = first + 1; l <= last; l++)
    sum += plan->weight[l] * sqrt(plan->variance[l] * t->work_pair[l]);
  return square(sum);
}

/* Among 0..most. */
static size_t best_first(const wmc_level_plan *plan, size_t most, const wmc_level_pilot *t)
{
  size_t best = most;
  double least = INFINITY;
  for (size_t first = 0; first <= most; first++) {
    double now = effort(plan, first, (size_t)plan->last, t);
    if (now < least) {
      least = now;
      best = first;
    }
  }
  return best;
}

/* n_l proportional to |W_l| sqrt(V_l/C_l), the smallest 1. */
static void set_samples(wmc_level_plan *plan, const wmc_level_pilot *t)
{
  const bool pairs = plan->coupling == WMC_COUPLING_PAIRS;
  const size_t first = (size_t)plan->first, last = (size_t)plan->last;
  double wish[WMC_LEVELS_MOST], most = 0, least = INFINITY;
  for (size_t l = first; l <= last; l++) {
    bool alone = l == first || !pairs;
    double variance = alone ? t->single : plan->variance[l];
    wish[l] =
        fabs(plan->weight[l]) * sqrt(variance / (alone ? t->work_single[l] : t->work_pair[l]));
    most = fmax(most, wish[l]);
  }
  for (size_t l = first; l <= last; l++) {
    wish[l] = fmax(wish[l], most / MOST_SAMPLES);
    least = fmin(least, wish[l]);
  }
  for (size_t l = 0; l < WMC_LEVELS_MOST; l++) {
    bool used = l >= first && l <= last;
    plan->samples[l] = !used ? 0 : most > 0 ? round(wish[l] / least) : 1;
    if (!used) plan->weight[l] = 0;
  }
}

void wmc_levels_share(wmc_level_plan *plan, const wmc_level_pilot *t, size_t pairs)
{
  const size_t most = (size_t)plan->last - pairs;
  plan->first = (double)best_first(plan, most, t);
  plan->coupling = plan->first < plan->last ? WMC_COUPLING_PAIRS : WMC_COUPLING_NONE;
  set_samples(plan, t);
}

/* ---- plans ---------------------------------------------------------------------------------- */

/* Of E(L) = E + b/L + c/L^2, from differences D_l = -b/L_l - 3 c/L_l^2: sizes, with errors added.
 */
typedef struct expansion {
  double b, c;
} expansion;

static expansion expand(const wmc_value *p, const wmc_level_pilot *t)
{
  double bb = 0, bc = 0, cc = 0, by = 0, cy = 0;
  for (size_t l = 1; l < t->levels; l++) {
    double h = 1.0 / wmc_levels_depth(p, l), weight = 1 / fmax(square(t->error[l]), 1e-300);
    double x = -h, z = -3 * h * h;
    bb += weight * x * x;
    bc += weight * x * z;
    cc += weight * z * z;
    by += weight * x * t->mean[l];
    cy += weight * z * t->mean[l];
  }
  const double determinant = bb * cc - bc * bc;
  return (expansion){.b = fabs(cc * by - bc * cy) / determinant + sqrt(cc / determinant),
                     .c = fabs(bb * cy - bc * by) / determinant + sqrt(bb / determinant)};
}

/* What the sum is off by where level `last` is the finest: with W = 2 -2c/L^2; for steps, whose b
 * is 0 where all is smooth, with W = 4/3 (2/3) b/L. */
static double bias_left(const wmc_value *p, const expansion *e, size_t last)
{
  const double h = 1.0 / wmc_levels_depth(p, last);
  return wmc_levels_steps(p) ? 2.0 / 3 * e->b * h : 2 * e->c * h * h;
}

static size_t choose_last(const wmc_value *p, const expansion *e)
{
  size_t last = TO_SEE_BIAS;
  while (last + 1 < wmc_levels_count(p) && bias_left(p, e, last) > p[LEVELS_BIAS].real) last++;
  return last;
}

/* Weights that extrapolate four depths from `first` on: exact for 1, 1/L and 1/L^2, of least
 * squares: Lagrange's of the three finest, plus a multiple of the divided difference c of all. The
 * bias is what a term in 1/L^3, whose coefficient is that difference, adds to the sum. */
static void extrapolate(const wmc_value *p, wmc_level_plan *plan)
{
  double h[WMC_LEVELS_FITTED], w[WMC_LEVELS_FITTED] = {0}, c[WMC_LEVELS_FITTED], wc = 0, cc = 0;
  double effect = 0;
  const size_t first = (size_t)plan->first;
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) h[k] = 1.0 / wmc_levels_depth(p, first + k);
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) {
    w[k] = k > 0;
    c[k] = 1;
    for (size_t m = 0; m < WMC_LEVELS_FITTED; m++) {
      if (m == k) continue;
      if (m > 0) w[k] *= h[m] / (h[m] - h[k]);
      c[k] /= h[k] - h[m];
    }
    wc += w[k] * c[k];
    cc += c[k] * c[k];
  }
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) {
    plan->weight[first + k] = w[k] - wc / cc * c[k];
    effect += plan->weight[first + k] * h[k] * h[k] * h[k];
  }
  for (size_t k = 0; k < WMC_LEVELS_FITTED; k++) plan->bias[first + k] = effect * c[k];
}

/* |bias| of four extrapolated depths and its error, from the differences that a pilot of pairs
 * measured: sum_l b_l E m_l = sum_l (sum_{k >= l} b_k) D_l, as the b_l add up to 0. */
static double foresee(const wmc_level_plan *plan, const wmc_level_pilot *t)
{
  double bias = 0, error = 0, rest = 0;
  const size_t first = (size_t)plan->first, last = (size_t)plan->last;
  if (last >= t->levels) return NAN;
  for (size_t l = last; l > first; l--) {
    rest += plan->bias[l];
    bias += rest * t->mean[l];
    error += square(rest * t->error[l]);
  }
  return fabs(bias) + sqrt(error);
}

static void plan_fit(const wmc_value *p, const wmc_level_pilot *t, size_t first,
                     wmc_level_plan *plan)
{
  plan->coupling = WMC_COUPLING_INDEPENDENT;
  plan->first = (double)first;
  plan->last = plan->first + WMC_LEVELS_FITTED - 1;
  extrapolate(p, plan);
  plan->promise = foresee(plan, t);
  set_samples(plan, t);
}

/* Extrapolation by the last difference, and its bias by the model E + b/L + c/L^2 from the last two
 * differences. */
typedef struct extrapolation {
  double weight, before_last, last;
} extrapolation;

static const extrapolation richardson = {2, 1.0 / 3, -2.0 / 3},
                           of_steps = {4.0 / 3, 1.0 / 3, -4.0 / 3};

/* Pairs up to `last`; with an extrapolation at least those that show the bias. */
static void plan_pairs(const wmc_level_pilot *t, size_t last, const extrapolation *e,
                       wmc_level_plan *plan)
{
  for (size_t l = 0; l < WMC_LEVELS_MOST; l++) plan->weight[l] = l <= last ? 1 : 0;
  plan->last = (double)last;
  if (e) {
    plan->weight[last] = e->weight;
    plan->bias[last - 1] = e->before_last;
    plan->bias[last] = e->last;
  }
  wmc_levels_share(plan, t, e ? TO_SEE_BIAS : 0);
}

/* Variance times work. */
static double plan_effort(const wmc_level_plan *plan, const wmc_level_pilot *t)
{
  double variance = 0, work = 0;
  for (size_t l = (size_t)plan->first; l <= (size_t)plan->last; l++) {
    const bool paired = plan->coupling == WMC_COUPLING_PAIRS && (double)l > plan->first;
    variance += square(plan->weight[l]) * (paired ? t->variance[l] : t->single) / plan->samples[l];
    work += plan->samples[l] * (paired ? t->work_pair[l] : t->work_single[l]);
  }
  return variance * work;
}

/* The coarsest four depths whose bias is seen to be small enough; where that is not seen, without
 * the coarsest of all if there is another. */
static void best_fit(const wmc_value *p, const wmc_level_pilot *t, wmc_level_plan *plan)
{
  const wmc_level_plan blank = *plan;
  for (size_t first = 0; first + WMC_LEVELS_FITTED <= wmc_levels_count(p); first++) {
    *plan = blank;
    plan_fit(p, t, first, plan);
    if (plan->promise <= p[LEVELS_BIAS].real) return;
  }
  *plan = blank;
  plan_fit(p, t, wmc_levels_count(p) > WMC_LEVELS_FITTED ? 1 : 0, plan);
}

/* The plan whose bias is small enough, as far as the pilot knows; of two the cheaper; where there
 * is none, the one with the smaller bias. */
static bool is_better(const wmc_level_plan *a, const wmc_level_plan *b, const wmc_level_pilot *t,
                      double most)
{
  const bool a_small = a->promise <= most, b_small = b->promise <= most;
  if (a_small != b_small) return a_small;
  if (a_small) return plan_effort(a, t) < plan_effort(b, t);
  return !(a->promise >= b->promise);
}

/* Depth inf: independent depths, or pairs where their variance decays. */
static void plan_limit(const wmc_value *p, const wmc_level_pilot *t, wmc_level_plan *plan)
{
  const bool decays = t->levels > 2 && t->variance[t->levels - 1] < 0.5 * t->variance[1];
  wmc_level_plan pairs = *plan;
  best_fit(p, t, plan);
  if (!decays) return;
  const expansion e = expand(p, t);
  const size_t last = choose_last(p, &e);
  plan_pairs(t, last, wmc_levels_steps(p) ? &of_steps : &richardson, &pairs);
  pairs.promise = bias_left(p, &e, last);
  if (is_better(&pairs, plan, t, p[LEVELS_BIAS].real)) *plan = pairs;
}

void wmc_levels_make_plan(const wmc_value *p, const wmc_level_pilot *t, wmc_level_plan *plan)
{
  *plan = (wmc_level_plan){.known = 1};
  memcpy(plan->variance, t->variance, sizeof plan->variance);
  if (wmc_jacobian_infinite(p))
    plan_limit(p, t, plan);
  else
    plan_pairs(t, wmc_levels_count(p) - 1, NULL, plan);
}
