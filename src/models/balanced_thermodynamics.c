/* Heat capacity and differences of log Z from averages. Equations (40)-(48) of
 * docs/theory/balanced.md. */
#include <math.h>
#include <string.h>

#include "balanced_deck.h"

static const double *mean_of(const wmc_value *parameters, const double *means, const char *name)
{
  return means + wmc_observable_first(&wmc_model_balanced, name, parameters);
}

/* The one term that the energy consists of, or WMC_ENERGY_TERMS if there are several. */
static int only_term(const wmc_energy_data *energy)
{
  int found = WMC_ENERGY_TERMS;
  for (int k = 0; k < WMC_ENERGY_TERMS; k++) {
    if (energy->coefficient[k] == 0) continue;
    if (found != WMC_ENERGY_TERMS) return WMC_ENERGY_TERMS;
    found = k;
  }
  return found;
}

/* Energies homogeneous in X, of degree k: <E> is the virial over k, and Z ~ beta^-P/k. Decay has
 * degree 2/N; at depth inf it has none. 0: another energy. */
static double degree_of(const wmc_balanced_setup *setup)
{
  const int term = only_term(&setup->energy);
  if (term == WMC_ENERGY_FROBENIUS) return 2;
  return term == WMC_ENERGY_DECAY ? 2 / setup->law.shape.depth : 0;
}

/* w |X - Phi|^2/2 is |X - Phi|^2/2 at w times the inverse temperature. */
static bool partition_of_target(const wmc_balanced_setup *setup, double beta, wmc_partition *out)
{
  const wmc_energy_data *energy = &setup->energy;
  const double w = energy->coefficient[WMC_ENERGY_TARGET];
  const int rank = setup->law.shape.rank;
  wmc_gibbs law = setup->law;
  double target[4] = {0};
  if (rank > 2 || law.shape.rows != rank || law.shape.columns != rank) return false;
  for (int k = 0; energy->diag != NULL && k < rank; k++) target[k * (rank + 1)] = energy->diag[k];
  law.beta = w * beta;
  if (!wmc_partition_function(&law, energy->diag != NULL ? target : energy->target, out))
    return false;
  out->energy *= w;
  out->variance *= w * w;
  return true;
}

bool wmc_balanced_partition(const wmc_value *parameters, double beta, wmc_partition *out)
{
  if (!wmc_balanced_has_law(parameters)) return false;
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  const double degree = degree_of(&setup);
  wmc_gibbs law = setup.law;
  law.beta = beta;
  if (degree > 0) {
    out->energy = wmc_gibbs_virial(&law) / degree;
    out->variance = out->energy * law.horizontal / beta;
    out->log_z = -wmc_gibbs_scaling(&law) / degree * log(beta);
    return true;
  }
  return only_term(&setup.energy) == WMC_ENERGY_TARGET && partition_of_target(&setup, beta, out);
}

/* --- Heat capacity --------------------------------------------------------------------------- */

/* C = (beta/h)^2 Var E = -(beta^2/h) d<E>/d beta; without noise in X there is none */
static double capacity(double cold, double energy, double energy2)
{
  return isfinite(cold) ? cold * cold * (energy2 - energy * energy) : NAN;
}

static void heat_capacity(const wmc_value *parameters, const double *means, double *out,
                          double *doubt)
{
  const wmc_gibbs law = wmc_balanced_law(parameters);
  (void)doubt;
  *out = capacity(law.beta / law.horizontal, *mean_of(parameters, means, "energy"),
                  *mean_of(parameters, means, "energy2"));
}

static bool expected_capacity_at(const wmc_value *parameters, double beta, double *out)
{
  const double cold = beta / wmc_balanced_law(parameters).horizontal;
  wmc_partition known;
  if (!wmc_balanced_partition(parameters, beta, &known)) return false;
  *out = cold * cold * known.variance;
  return true;
}

static bool expected_heat_capacity(const wmc_value *parameters, double *out)
{
  return expected_capacity_at(parameters, wmc_balanced_law(parameters).beta, out);
}

static void ladder_heat_capacity(const wmc_value *parameters, const double *means, double *out,
                                 double *doubt)
{
  const double *energy = mean_of(parameters, means, "ladder_energy");
  const double *energy2 = mean_of(parameters, means, "ladder_energy2");
  const double h = wmc_balanced_law(parameters).horizontal;
  (void)doubt;
  for (size_t k = 0; k < wmc_balanced_rungs(parameters); k++)
    out[k] = capacity(parameters[LADDER].reals[k] / h, energy[k], energy2[k]);
}

static bool expected_ladder_heat_capacity(const wmc_value *parameters, double *out)
{
  for (size_t k = 0; k < wmc_balanced_rungs(parameters); k++)
    if (!expected_capacity_at(parameters, parameters[LADDER].reals[k], &out[k])) return false;
  return true;
}

/* --- Differences of log Z -------------------------------------------------------------------- */

/* The rung at beta, to which differences refer. */
static size_t reference(const wmc_value *parameters)
{
  const double beta = wmc_balanced_law(parameters).beta;
  size_t k = 0;
  while (k + 1 < wmc_balanced_rungs(parameters) && parameters[LADDER].reals[k] != beta) k++;
  return k;
}

/* What log Z / d log beta = -g and its slope are at one rung, less the energy `floor`. */
typedef struct slope {
  double x, g, dg; /* log beta, beta (E - floor)/h, its derivative */
} slope;

static slope slope_at(const wmc_value *parameters, const double *means, size_t k, double floor)
{
  const double beta = parameters[LADDER].reals[k], h = wmc_balanced_law(parameters).horizontal;
  const double e = mean_of(parameters, means, "ladder_energy")[k];
  const double e2 = mean_of(parameters, means, "ladder_energy2")[k];
  double g = beta / h * (e - floor);
  return (slope){log(beta), g, g - capacity(beta / h, e, e2)};
}

/* Integral of the cubic that has the values and slopes of both ends. */
static double hermite(const slope *a, const slope *b)
{
  double step = b->x - a->x;
  return 0.5 * step * (a->g + b->g) + step * step / 12 * (a->dg - b->dg);
}

/* The energy E - h C / beta that is left for beta -> infinity if the heat capacity of the coldest
 * rung stays: with it taken out, g is flat at both ends of the scale of temperatures. What is taken
 * out is put back exactly, so a poor guess costs accuracy of the quadrature only. */
static double energy_floor(const wmc_value *parameters, const double *means)
{
  const size_t n = wmc_balanced_rungs(parameters);
  const double *beta = parameters[LADDER].reals;
  const size_t cold = beta[n - 1] > beta[0] ? n - 1 : 0;
  return slope_at(parameters, means, cold, 0).dg * wmc_balanced_law(parameters).horizontal /
         beta[cold];
}

/* Where the rungs k - 1, k, k + 1 exist: from what leaving out the middle one changes. Errors are
 * of fifth order in the step, so the finer rule is off by a fifteenth of that if steps are small;
 * three times as much covers steps of a factor of four in beta. */
static double middle_matters(const wmc_value *parameters, const double *means, size_t k,
                             double floor)
{
  slope s[3];
  for (size_t i = 0; i < 3; i++) s[i] = slope_at(parameters, means, k - 1 + i, floor);
  return fabs(hermite(&s[0], &s[2]) - hermite(&s[0], &s[1]) - hermite(&s[1], &s[2])) / 5;
}

/* The same integral in the variable beta in place of log beta: with two rungs there is nothing else
 * to compare with. */
static double variable_matters(const slope *a, const slope *b)
{
  slope s[2] = {*a, *b};
  for (int i = 0; i < 2; i++) {
    double beta = exp(s[i].x);
    s[i] = (slope){beta, s[i].g / beta, (s[i].dg - s[i].g) / (beta * beta)};
  }
  return fabs(hermite(a, b) - hermite(&s[0], &s[1]));
}

/* How far off the integral from rung k to k + 1 may be: the most that a middle rung matters there
 * or one further on, since a single one may matter little by accident. */
static double doubt_of(const wmc_value *parameters, const double *means, size_t k, double floor)
{
  const size_t n = wmc_balanced_rungs(parameters), last = k + 3 < n ? k + 2 : n - 2;
  double most = 0;
  for (size_t m = k > 2 ? k - 1 : 1; m <= last; m++)
    most = fmax(most, middle_matters(parameters, means, m, floor));
  return most;
}

/* log Z(beta_{k+1}) - log Z(beta_k), and how far off the quadrature may be. */
static double integrate(const wmc_value *parameters, const double *means, size_t k, double *doubt)
{
  const double floor = energy_floor(parameters, means), *beta = parameters[LADDER].reals;
  const double h = wmc_balanced_law(parameters).horizontal;
  slope a = slope_at(parameters, means, k, floor), b = slope_at(parameters, means, k + 1, floor);
  *doubt = wmc_balanced_rungs(parameters) == 2 ? variable_matters(&a, &b)
                                               : doubt_of(parameters, means, k, floor);
  return -hermite(&a, &b) - floor * (beta[k + 1] - beta[k]) / h;
}

static double overlap(const wmc_value *parameters, const double *means, size_t k, double *doubt)
{
  const double *forward = mean_of(parameters, means, "ladder_forward");
  const double *backward = mean_of(parameters, means, "ladder_backward");
  *doubt = 0;
  return log(forward[k] / backward[k]) + mean_of(parameters, means, "ladder_offset")[k];
}

/* Sums of steps from the reference outwards, to both sides. */
static void accumulate(const wmc_value *parameters, const double *means,
                       double (*step)(const wmc_value *, const double *, size_t, double *),
                       double *out, double *doubt)
{
  const size_t at = reference(parameters);
  double own;
  out[at] = 0;
  for (size_t k = at; k + 1 < wmc_balanced_rungs(parameters); k++) {
    out[k + 1] = out[k] + step(parameters, means, k, &own);
    doubt[k + 1] = doubt[k] + own;
  }
  for (size_t k = at; k > 0; k--) {
    out[k - 1] = out[k] - step(parameters, means, k - 1, &own);
    doubt[k - 1] = doubt[k] + own;
  }
}

static void log_partition(const wmc_value *parameters, const double *means, double *out,
                          double *doubt)
{
  accumulate(parameters, means, integrate, out, doubt);
}

static void log_partition_overlap(const wmc_value *parameters, const double *means, double *out,
                                  double *doubt)
{
  accumulate(parameters, means, overlap, out, doubt);
}

static bool expected_log_partition(const wmc_value *parameters, double *out)
{
  const double *beta = parameters[LADDER].reals;
  const size_t n = wmc_balanced_rungs(parameters), at = reference(parameters);
  wmc_partition known;
  for (size_t k = 0; k < n; k++) {
    if (!wmc_balanced_partition(parameters, beta[k], &known)) return false;
    out[k] = known.log_z;
  }
  for (size_t k = 0; k < n; k++)
    if (k != at) out[k] -= out[at];
  if (n > 0) out[at] = 0;
  return true;
}

/* --- Table ----------------------------------------------------------------------------------- */

#define RUNG .axis = {WMC_BALANCED_RUNG, WMC_NO_AXIS}

const wmc_derived wmc_balanced_derived[] = {
    {.name = "heat_capacity",
     .unit = "1",
     .text = "heat capacity (beta/h)^2 Var E",
     .axis = {WMC_NO_AXIS, WMC_NO_AXIS},
     .evaluate = heat_capacity,
     .expected = expected_heat_capacity},
    {.name = "ladder_heat_capacity",
     .unit = "1",
     .text = "heat capacity (beta/h)^2 Var E at every rung of the ladder",
     RUNG,
     .evaluate = ladder_heat_capacity,
     .expected = expected_ladder_heat_capacity},
    {.name = "log_partition",
     .unit = "1",
     .text = "log Z(rung) - log Z(beta), Z = integral of exp(-(beta/h) E + (v/h) S), by "
             "thermodynamic integration; free energy F = -log Z / beta",
     RUNG,
     .evaluate = log_partition,
     .expected = expected_log_partition},
    {.name = "log_partition_overlap",
     .unit = "1",
     .text = "log Z(rung) - log Z(beta) from the overlap of neighbouring rungs (Bennett)",
     RUNG,
     .evaluate = log_partition_overlap,
     .expected = expected_log_partition},
    {.name = NULL}};
