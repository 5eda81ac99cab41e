/* Observables of the model `balanced`. */
#include <math.h>
#include <string.h>

#include "balanced_complex.h"
#include "balanced_deck.h"
#include "balanced_parameters.h"
#include "network_deck.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/numeric/vector.h"

static bool expected_virial(const wmc_value *parameters, double *out)
{
  wmc_gibbs law = wmc_balanced_law(parameters);
  if (!wmc_balanced_has_law(parameters)) return false;
  *out = wmc_gibbs_virial(&law);
  return true;
}

static bool expected_frobenius2(const wmc_value *parameters, double *out)
{
  return parameters[ENERGY].integer == WMC_ENERGY_FROBENIUS && parameters[DECAY].real == 0 &&
         expected_virial(parameters, out);
}

static bool expected_energy(const wmc_value *parameters, double *out)
{
  wmc_partition known;
  if (!wmc_balanced_partition(parameters, parameters[BETA].real, &known)) return false;
  *out = known.energy;
  return true;
}

static bool expected_parameter_norm2(const wmc_value *parameters, double *out)
{
  if (parameters[ENERGY].integer != WMC_ENERGY_DECAY || !expected_energy(parameters, out))
    return false;
  *out *= 2 / wmc_balanced_setup_of(parameters).energy.coefficient[WMC_ENERGY_DECAY];
  return true;
}

static bool expected_energy2(const wmc_value *parameters, double *out)
{
  wmc_partition known;
  if (!wmc_balanced_partition(parameters, parameters[BETA].real, &known)) return false;
  *out = known.variance + known.energy * known.energy;
  return true;
}

static bool expected_ladder_energy(const wmc_value *parameters, double *out)
{
  wmc_partition known = {.energy = NAN};
  for (size_t k = 0; k < wmc_balanced_rungs(parameters); k++) {
    if (!wmc_balanced_partition(parameters, parameters[LADDER].reals[k], &known)) return false;
    out[k] = known.energy;
  }
  return true;
}

static bool expected_log_abs_det(const wmc_value *parameters, double *out)
{
  const wmc_gibbs law = wmc_balanced_law(parameters);
  return wmc_balanced_has_law(parameters) && parameters[ENERGY].integer == WMC_ENERGY_FROBENIUS &&
         parameters[DECAY].real == 0 && wmc_gibbs_log_det(&law, out);
}

/* log|det X| has a limit if all d singular values have: excess, and noise that feels it */
static bool has_limit(const wmc_value *parameters)
{
  const wmc_gibbs law = wmc_balanced_law(parameters);
  return wmc_network_has_limit(&law);
}

static bool fibres_feel_noise(const wmc_value *parameters)
{
  return parameters[NOISE].integer != WMC_NOISE_HORIZONTAL;
}

enum {
  OBS_ENERGY,
  OBS_ENTROPY,
  OBS_FREE_ENERGY,
  OBS_FROBENIUS2,
  OBS_LOG_ABS_DET,
  OBS_SINGULAR_VALUES,
  OBS_LAYER_SINGULAR_VALUES,
  OBS_PARAMETER_NORM2,
  OBS_EFFECTIVE_RANK,
  OBS_PAIR_ENTROPY,
  OBS_REDUCED_ENTROPY,
  OBS_ACCEPTANCE,
  OBS_VIRIAL,
  OBS_TRACE_TARGET,
  OBS_IMBALANCE,
  OBS_ENERGY2,
  OBS_LAMBDA_DENSITY,
  OBS_RANK_DENSITY,
  OBS_MATRIX,
  OBS_IMAGINARY,
  OBS_LADDER_ENERGY,
  OBS_LADDER_ENERGY2,
  OBS_LADDER_FLOW,
  OBS_LADDER_ACCEPTANCE,
  OBS_LADDER_FORWARD,
  OBS_LADDER_BACKWARD,
  OBS_LADDER_OFFSET,
  OBS_LADDER_ROUND_TRIPS,
  OBSERVABLES
};

#define SCALAR .axis = {WMC_NO_AXIS, WMC_NO_AXIS}
#define ROW    .axis = {WMC_BALANCED_INDEX, WMC_NO_AXIS}
#define RUNG   .axis = {WMC_BALANCED_RUNG, WMC_NO_AXIS}
#define PAIR   .axis = {WMC_BALANCED_RUNG_PAIR, WMC_NO_AXIS}

const wmc_observable wmc_balanced_observables[] = {
    [OBS_ENERGY] = {.name = "energy",
                    .unit = "energy",
                    .text = "energy E",
                    SCALAR,
                    .expected = expected_energy},
    [OBS_ENTROPY] = {.name = "entropy",
                     .unit = "1",
                     .text = "Boltzmann entropy S(X): log volume of the networks with product X",
                     SCALAR,
                     .converges = wmc_network_never},
    [OBS_FREE_ENERGY] = {.name = "free_energy",
                         .unit = "energy",
                         .text = "free energy E - S / beta",
                         SCALAR,
                         .converges = wmc_network_never},
    [OBS_FROBENIUS2] = {.name = "frobenius2",
                        .unit = "1",
                        .text = "squared Frobenius norm |X|^2",
                        SCALAR,
                        .expected = expected_frobenius2},
    [OBS_LOG_ABS_DET] = {.name = "log_abs_det",
                         .unit = "1",
                         .text = "sum of log sigma: log|det X| of a square X of full rank",
                         SCALAR,
                         .expected = expected_log_abs_det,
                         .converges = has_limit},
    [OBS_SINGULAR_VALUES] = {.name = "singular_values",
                             .unit = "1",
                             .text = "singular values sigma of X",
                             ROW},
    [OBS_LAYER_SINGULAR_VALUES] = {.name = "layer_singular_values",
                                   .unit = "1",
                                   .text = "singular values lambda = sigma^(1/N) of every layer",
                                   ROW},
    [OBS_PARAMETER_NORM2] = {.name = "parameter_norm2",
                             .unit = "1",
                             .text = "squared norm |W|^2 of all layers, N sum lambda^2 (depth inf: "
                                     "2 sum log sigma, what is left after subtracting N r)",
                             SCALAR,
                             .expected = expected_parameter_norm2,
                             .converges = wmc_network_never},
    [OBS_EFFECTIVE_RANK] = {.name = "effective_rank",
                            .unit = "1",
                            .text = "exp of the Shannon entropy of sigma / sum sigma",
                            SCALAR},
    [OBS_PAIR_ENTROPY] = {.name = "pair_entropy",
                          .unit = "1",
                          .text =
                              "1/2 sum over pairs of log[(sigma_i^2 - sigma_j^2) / "
                              "(lambda_i^2 - lambda_j^2)]; complex: the whole sum, plus 1/2 sum "
                              "of log(N sigma^(2-2/N))",
                          SCALAR,
                          .converges = wmc_network_never},
    [OBS_REDUCED_ENTROPY] = {.name = "reduced_entropy",
                             .unit = "1",
                             .text = "entropy without its constant and its log N term c log N: c = "
                                     "r(r-1)/4, or (r-1)(r-2)/4 without hidden excess; complex: "
                                     "r^2/2",
                             SCALAR,
                             .converges = fibres_feel_noise},
    [OBS_ACCEPTANCE] = {.name = "acceptance",
                        .tuning = true,
                        .unit = "1",
                        .text = "accepted share of the moves since the last draw (euler: 1)",
                        SCALAR,
                        .converges = wmc_network_never},
    [OBS_VIRIAL] = {.name = "virial",
                    .unit = "energy",
                    .text = "<X, E'(X)>, the change of E along the scale of X; its mean is "
                            "known for every energy",
                    SCALAR,
                    .expected = expected_virial},
    [OBS_TRACE_TARGET] = {.name = "trace_target",
                          .unit = "1",
                          .text = "tr(X^T Phi), or its real part; 0 without a target",
                          SCALAR},
    [OBS_IMBALANCE] = {.name = "imbalance",
                       .unit = "1",
                       .text = "largest entry of W_{p+1}^T W_{p+1} - W_p W_p^T over |W|^2 / N; 0 "
                               "where layers are not the state",
                       SCALAR,
                       .converges = wmc_network_never},
    [OBS_ENERGY2] = {.name = "energy2",
                     .unit = "energy^2",
                     .text = "squared energy E(X)^2",
                     SCALAR,
                     .expected = expected_energy2},
    [OBS_LAMBDA_DENSITY] = {.name = "lambda_density",
                            .unit = "1",
                            .text = "probability density of each singular value of the layers",
                            .axis = {WMC_BALANCED_INDEX, WMC_BALANCED_LAMBDA_BIN, WMC_NO_AXIS},
                            .converges = wmc_network_never},
    [OBS_RANK_DENSITY] = {.name = "effective_rank_density",
                          .unit = "1",
                          .text = "probability density of the effective rank",
                          .axis = {WMC_BALANCED_RANK_BIN, WMC_NO_AXIS},
                          .converges = wmc_network_never},
    [OBS_MATRIX] = {.name = "matrix",
                    .unit = "1",
                    .text = "entries of X, or their real parts, with entries: all (formulation "
                            "spectrum: none)",
                    .axis = {WMC_BALANCED_ROW, WMC_BALANCED_COLUMN, WMC_NO_AXIS}},
    [OBS_IMAGINARY] = {.name = "matrix_imaginary",
                       .unit = "1",
                       .text = "imaginary parts of the entries of complex X, with entries: all",
                       .axis = {WMC_BALANCED_IMAGINARY_ROW, WMC_BALANCED_IMAGINARY_COLUMN,
                                WMC_NO_AXIS}},
    [OBS_LADDER_ENERGY] = {.name = "ladder_energy",
                           .unit = "energy",
                           .text = "energy at every rung of the ladder",
                           RUNG,
                           .expected = expected_ladder_energy},
    [OBS_LADDER_ENERGY2] = {.name = "ladder_energy2",
                            .unit = "energy^2",
                            .text = "squared energy at every rung of the ladder",
                            RUNG},
    [OBS_LADDER_FLOW] = {.name = "ladder_flow",
                         .unit = "1",
                         .text = "1 if the state at this rung visited the first end of the ladder "
                                 "after the last end, -1 if before, 0 if it has not met an end; "
                                 "a straight line from 1 to -1 is best",
                         RUNG,
                         .converges = wmc_network_never},
    [OBS_LADDER_ACCEPTANCE] = {.name = "ladder_acceptance",
                               .unit = "1",
                               .text = "probability to exchange the states of neighbouring rungs",
                               PAIR},
    [OBS_LADDER_FORWARD] = {.name = "ladder_forward",
                            .tuning = true,
                            .unit = "1",
                            .text = "exp((C - A)/2) / (1 + exp(D + C)) at the first rung of the "
                                    "pair, D its energy times the difference in beta/h, A "
                                    "ladder_offset, C tuned",
                            PAIR,
                            .converges = wmc_network_never},
    [OBS_LADDER_BACKWARD] = {.name = "ladder_backward",
                             .tuning = true,
                             .unit = "1",
                             .text = "exp((A - C)/2) / (1 + exp(-D - C)) at the second rung of "
                                     "the pair: forward over backward is the quotient of Z over "
                                     "exp(A)",
                             PAIR,
                             .converges = wmc_network_never},
    [OBS_LADDER_OFFSET] = {.name = "ladder_offset",
                           .tuning = true,
                           .unit = "1",
                           .text = "constant A near the difference of log Z between the rungs of "
                                   "the pair",
                           PAIR,
                           .converges = wmc_network_never},
    [OBS_LADDER_ROUND_TRIPS] = {.name = "ladder_round_trips",
                                .unit = "1",
                                .text = "states that came back to the first rung from the last "
                                        "one since the last draw (no ladder: undefined)",
                                SCALAR,
                                .converges = wmc_network_never},
    [OBSERVABLES] = {.name = NULL}};

static double effective_rank(const wmc_spectrum *x)
{
  double sum = 0, information = 0;
  for (int k = 0; k < x->rank; k++) sum += exp(x->log_sigma[k] - x->log_sigma[0]);
  for (int k = 0; k < x->rank; k++) {
    double log_share = x->log_sigma[k] - x->log_sigma[0] - log(sum);
    information -= exp(log_share) * log_share;
  }
  return exp(information);
}

double wmc_balanced_acceptance(wmc_balanced *chain)
{
  double proposed = chain->counts[WMC_COUNT_PROPOSED], accepted = chain->counts[WMC_COUNT_ACCEPTED];
  chain->counts[WMC_COUNT_PROPOSED] = chain->counts[WMC_COUNT_ACCEPTED] = 0;
  return proposed > 0 ? accepted / proposed : 1;
}

double wmc_balanced_trace_target(const wmc_balanced *chain)
{
  const int m = chain->rows, n = chain->columns;
  double sum = 0;
  if (!chain->energy.aimed) return 0;
  if (chain->unitary) return wmc_unitary_trace_target(chain);
  for (int k = 0; chain->u && k < chain->x.rank; k++)
    for (int j = 0; j < n; j++) {
      const double factor = chain->x.sigma[k] * chain->v[k * n + j];
      for (int i = 0; i < m; i++)
        sum += factor * chain->u[k * m + i] * chain->energy.target[j * m + i];
    }
  return sum;
}

static void measure_entropies(const wmc_balanced *chain, double values[OBSERVABLES])
{
  const wmc_shape *shape = &chain->law.shape;
  values[OBS_PAIR_ENTROPY] = wmc_entropy_pairs(shape, chain->x.log_sigma);
  values[OBS_ENTROPY] = wmc_entropy(shape, chain->x.log_sigma);
  values[OBS_REDUCED_ENTROPY] = wmc_entropy_reduced(shape, chain->x.log_sigma);
  values[OBS_FREE_ENERGY] = values[OBS_ENERGY] - values[OBS_ENTROPY] / chain->law.beta;
}

/* The histograms; returns what is behind them. */
static double *measure_densities(const wmc_balanced *chain, double rank, double *out)
{
  const wmc_spectrum *x = &chain->x;
  const wmc_bins *bins = &chain->lambda_bins;
  for (int i = 0; i < x->rank; i++, out += bins->count)
    wmc_bins_draw(bins, isinf(x->depth) ? 1 : x->lambda[i], out);
  wmc_bins_draw(&chain->rank_bins, rank, out);
  return out + chain->rank_bins.count;
}

/* By rows what stands at every `stride`-th place of m x n columns; returns what is behind it. */
static double *measure_entries(const wmc_balanced *chain, int stride, const double *x, double *out)
{
  const int m = chain->rows, n = chain->columns;
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) *out++ = x[stride * (j * m + i)];
  return out;
}

/* X, or its real parts and then its imaginary ones. */
static double *measure_matrix(const wmc_balanced *chain, double *out)
{
  const wmc_unitary *frames = chain->unitary;
  if (!chain->entries || !(chain->u || frames)) return out;
  if (frames) {
    const double *x = (double *)frames->scratch;
    wmc_unitary_matrix(chain, chain->x.sigma, frames->u, frames->v, frames->scratch);
    return measure_entries(chain, 2, x + 1, measure_entries(chain, 2, x, out));
  }
  wmc_balanced_matrix(chain, chain->work);
  return measure_entries(chain, 1, chain->work, out);
}

/* The last observables of the table, from LADDER_ENERGY on. */
static void measure_ladder(wmc_ladder *ladder, double *out)
{
  if (ladder == NULL) {
    *out = NAN;
    return;
  }
  const size_t n = wmc_ladder_rungs(ladder), pairs = n - 1;
  double *rows = out + 3 * n;
  wmc_ladder_measure(ladder, &(wmc_ladder_draw){.energy = out,
                                                .energy2 = out + n,
                                                .flow = out + 2 * n,
                                                .acceptance = rows,
                                                .forward = rows + pairs,
                                                .backward = rows + 2 * pairs,
                                                .offset = rows + 3 * pairs,
                                                .round_trips = rows + 4 * pairs});
}

void wmc_balanced_measure(wmc_balanced *chain, double *out)
{
  const wmc_spectrum *x = &chain->x;
  double values[OBSERVABLES] = {[OBS_ENERGY] = wmc_balanced_energy(chain),
                                [OBS_FROBENIUS2] = wmc_sum(x->rank, x->sigma2),
                                [OBS_LOG_ABS_DET] = wmc_sum(x->rank, x->log_sigma),
                                [OBS_PARAMETER_NORM2] = wmc_shape_clock(&chain->law.shape) *
                                                        wmc_sum(x->rank, x->lambda2),
                                [OBS_EFFECTIVE_RANK] = effective_rank(x),
                                [OBS_ACCEPTANCE] = wmc_balanced_acceptance(chain),
                                [OBS_VIRIAL] = wmc_balanced_virial(chain),
                                [OBS_TRACE_TARGET] = wmc_balanced_trace_target(chain)};
  if (chain->upstairs)
    wmc_upstairs_measure(chain->upstairs, &values[OBS_IMBALANCE], &values[OBS_PARAMETER_NORM2]);
  values[OBS_ENERGY2] = values[OBS_ENERGY] * values[OBS_ENERGY];
  measure_entropies(chain, values);
  for (int k = 0; k < OBS_LAMBDA_DENSITY; k++) {
    const bool row = k == OBS_SINGULAR_VALUES || k == OBS_LAYER_SINGULAR_VALUES;
    const double *from = k == OBS_SINGULAR_VALUES ? x->sigma : x->lambda;
    if (row) memcpy(out, from, (size_t)x->rank * sizeof *out);
    if (!row) *out = values[k];
    for (int i = 0; k == OBS_LAYER_SINGULAR_VALUES && isinf(x->depth) && i < x->rank; i++)
      out[i] = 1;
    out += row ? x->rank : 1;
  }
  out = measure_densities(chain, values[OBS_EFFECTIVE_RANK], out);
  measure_ladder(chain->ladder, measure_matrix(chain, out));
}
