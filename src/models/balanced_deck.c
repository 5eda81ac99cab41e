/* Parameters of the model `balanced`. */
#include "balanced_deck.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "balanced_escape.h"
#include "network_deck.h"

enum { WIDTH_MAX = 512 };

static const char *const noises[] = {"isotropic", "horizontal", "kappa", "vertical", NULL};
static const char *const energies[] = {"frobenius", "target", "completion", "regression",
                                       "decay",     "sum",    NULL};
static const char *const formulations[] = {"spectrum", "observable", "parameters", NULL};
static const char *const numbers[] = {"real", "complex", NULL};
static const char *const entries[] = {"none", "all", NULL};
static const char *const schemes[] = {"euler", "metropolis", "heun", "flow", NULL};

const wmc_field wmc_balanced_fields[] = {
    [WIDTH] = {.name = "width",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = WIDTH_MAX,
               .sweep = true,
               .unit = "1",
               .text = "rows and columns d of a square product matrix X; or give widths"},
    [EXCESS] = {.name = "excess",
                .type = WMC_INT,
                .minimum = 0,
                .maximum = 100000,
                .standard = "0",
                .sweep = true,
                .needs = "width, depth!=1",
                .unit = "1",
                .text = "hidden excess m: with width, hidden layers have width d + m"},
    [WIDTHS] = {.name = "widths",
                .type = WMC_REALS,
                .minimum = 1,
                .maximum = 100000,
                .unit = "1",
                .text = "all widths d_0, ..., d_N, input first; or [d_0, h, d_N] at any depth with "
                        "all hidden widths h"},
    [RANK] = {.name = "rank",
              .type = WMC_INT,
              .minimum = 1,
              .maximum = WIDTH_MAX,
              .sweep = true,
              .unit = "1",
              .text = "rank r of X, kept by the dynamics; absent: the smallest width"},
    [DEPTH] = WMC_FIELD_DEPTH,
    [NUMBERS] = {.name = "field",
                 .type = WMC_CHOICE,
                 .choices = numbers,
                 .standard = "real",
                 .sweep = true,
                 .unit = "",
                 .text =
                     "numbers in the layers: real (orthogonal gauge group) or complex (unitary)"},
    [BETA] = {.name = "beta",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = INFINITY,
              .open_minimum = true,
              .standard = "1",
              .sweep = true,
              .unit = "1/energy",
              .text = "inverse temperature; inf for the gradient flow of the energy (scheme: "
                      "flow)"},
    [LADDER] = {.name = "ladder",
                .type = WMC_REALS,
                .minimum = 0,
                .maximum = DBL_MAX,
                .open_minimum = true,
                .unit = "1/energy",
                .text = "inverse temperatures, in order and beta among them, of replicas that "
                        "exchange states; absent: one replica, at beta"},
    [EXCHANGE] = {.name = "exchange",
                  .type = WMC_INT,
                  .minimum = 1,
                  .maximum = INFINITY,
                  .standard = "1",
                  .needs = "ladder",
                  .unit = "1",
                  .text = "steps between exchanges of neighbours of the ladder; inf: never"},
    [NOISE] = {.name = "noise.kind",
               .type = WMC_CHOICE,
               .choices = noises,
               .standard = "isotropic",
               .sweep = true,
               .unit = "",
               .text =
                   "noise in all directions alike, in horizontal ones only (those that move "
                   "X), horizontal noise of kappa times the variance, or noise in vertical ones "
                   "only: X follows the gradient flow of the free energy (scheme: flow, or euler "
                   "for the layers)"},
    [KAPPA] = WMC_FIELD_KAPPA,
    [ENERGY] = {.name = "energy.kind",
                .type = WMC_CHOICE,
                .choices = energies,
                .standard = "frobenius",
                .sweep = true,
                .unit = "",
                .text = "|X|^2/2, |X - Phi|^2/2, the same over observed entries, the mean of "
                        "|X x - y|^2/2 over samples, |W|^2/2 of the layers, or a sum of these"},
    [DIAG] = {.name = "energy.diag",
              .type = WMC_REALS,
              .only = "energy.kind=target|completion|sum",
              .unit = "1",
              .text = "diagonal entries of a diagonal target Phi; completion without a mask "
                      "observes the diagonal"},
    [MATRIX] = {.name = "energy.matrix",
                .type = WMC_MATRIX,
                .only = "energy.kind=target|completion|sum",
                .unit = "1",
                .text = "target Phi, d_N x d_0, as FILE:/DATASET"},
    [IMAGINARY] = {.name = "energy.imaginary",
                   .type = WMC_MATRIX,
                   .only = "energy.kind=target|completion|sum",
                   .unit = "1",
                   .text = "imaginary part of the target Phi of field: complex, d_N x d_0, as "
                           "FILE:/DATASET; absent: 0"},
    [INPUTS] = {.name = "energy.inputs",
                .type = WMC_MATRIX,
                .only = "energy.kind=regression|sum",
                .unit = "1",
                .text = "inputs x, one sample a row, n x d_0, as FILE:/DATASET"},
    [LABELS] = {.name = "energy.labels",
                .type = WMC_MATRIX,
                .only = "energy.kind=regression|sum",
                .unit = "1",
                .text = "labels y, one sample a row, n x d_N, as FILE:/DATASET"},
    [MASK] = {.name = "energy.mask",
              .type = WMC_MATRIX,
              .only = "energy.kind=completion|sum",
              .unit = "1",
              .text =
                  "1 where an entry of X is observed, 0 elsewhere, d_N x d_0, as FILE:/DATASET"},
    [FROBENIUS] = {.name = "energy.frobenius",
                   .type = WMC_REAL,
                   .minimum = 0,
                   .maximum = DBL_MAX,
                   .standard = "0",
                   .sweep = true,
                   .only = "energy.kind=sum",
                   .unit = "1",
                   .text = "coefficient of |X|^2/2 in a sum"},
    [TARGET] = {.name = "energy.target",
                .type = WMC_REAL,
                .minimum = 0,
                .maximum = DBL_MAX,
                .standard = "0",
                .sweep = true,
                .only = "energy.kind=sum",
                .unit = "1",
                .text = "coefficient of |X - Phi|^2/2 in a sum"},
    [COMPLETION] = {.name = "energy.completion",
                    .type = WMC_REAL,
                    .minimum = 0,
                    .maximum = DBL_MAX,
                    .standard = "0",
                    .sweep = true,
                    .only = "energy.kind=sum",
                    .unit = "1",
                    .text = "coefficient of the observed part of |X - Phi|^2/2 in a sum"},
    [REGRESSION] = {.name = "energy.regression",
                    .type = WMC_REAL,
                    .minimum = 0,
                    .maximum = DBL_MAX,
                    .standard = "0",
                    .sweep = true,
                    .only = "energy.kind=sum",
                    .unit = "1",
                    .text = "coefficient of the mean of |X x - y|^2/2 in a sum"},
    [DECAY] = {.name = "energy.decay",
               .type = WMC_REAL,
               .minimum = 0,
               .maximum = DBL_MAX,
               .sweep = true,
               .unit = "1",
               .text =
                   "coefficient of |W|^2/2, added to any energy; absent: 0, or 1 in kind decay"},
    [FORMULATION] = {.name = "formulation",
                     .type = WMC_CHOICE,
                     .choices = formulations,
                     .standard = "spectrum",
                     .sweep = true,
                     .unit = "",
                     .text = "state: singular values alone (energies of sigma alone), the "
                             "singular value decomposition of X, or all layers (any energy)"},
    [SCHEME] = {.name = "scheme",
                .type = WMC_CHOICE,
                .choices = schemes,
                .standard = "metropolis",
                .sweep = true,
                .unit = "",
                .text = "Metropolis moves (exact law; not a dynamics); for the Langevin equation "
                        "Euler-Maruyama or heun (biased by the step and by its square); flow, "
                        "without noise, with controlled error"},
    [STEP] = {.name = "step",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = DBL_MAX,
              .open_minimum = true,
              .standard = "0.002",
              .sweep = true,
              .unit = "time",
              .text = "time step of euler and heun (scale it like 1/depth); time between steps of "
                      "flow; relative size of the first proposals of metropolis, tuned while "
                      "thermalising"},
    [ENTRIES] = {.name = "entries",
                 .type = WMC_CHOICE,
                 .choices = entries,
                 .standard = "none",
                 .needs = "formulation=observable|parameters",
                 .unit = "",
                 .text = "whether the entries of X are averaged (observable matrix, and "
                         "matrix_imaginary): none or all; "
                         "formulations observable and parameters"},
    [BINS] = {.name = "bins",
              .type = WMC_INT,
              .minimum = 0,
              .maximum = 10000,
              .standard = "0",
              .unit = "1",
              .text = "bins of the histograms lambda_density and effective_rank_density; 0: none"},
    [LAMBDA_MAX] = {.name = "lambda_max",
                    .type = WMC_REAL,
                    .minimum = 0,
                    .maximum = DBL_MAX,
                    .open_minimum = true,
                    .standard = "1.5",
                    .needs = "bins!=0",
                    .unit = "1",
                    .text = "end of the histogram of the layers' singular values, which starts at "
                            "0; larger ones are not counted"},
    [RANK_MAX] = {.name = "rank_max",
                  .type = WMC_REAL,
                  .minimum = 1,
                  .maximum = DBL_MAX,
                  .open_minimum = true,
                  .standard = "2",
                  .needs = "bins!=0",
                  .unit = "1",
                  .text = "end of the histogram of the effective rank, which starts at 1; larger "
                          "ones are not counted"},
    [TOLERANCE] = {.name = "tolerance",
                   .type = WMC_REAL,
                   .minimum = 1e-13,
                   .maximum = 0.1,
                   .standard = "1e-8",
                   .sweep = true,
                   .only = "scheme=flow",
                   .unit = "1",
                   .text = "error of a step of flow relative to every layer singular value and, "
                           "for entries of frames, to 1"},
    [START] = {.name = "start",
               .type = WMC_REAL,
               .minimum = 0,
               .maximum = DBL_MAX,
               .open_minimum = true,
               .sweep = true,
               .unit = "1",
               .text = "every chain starts from a random X of its own with normal entries of this "
                       "standard deviation; absent: singular values at the scale of equilibrium"},
    [AGE] = {.name = "age",
             .type = WMC_REAL,
             .minimum = 0,
             .maximum = DBL_MAX,
             .standard = "0",
             .sweep = true,
             .unit = "time",
             .text = "time that passes before the first draw, in addition to thermalisation; sweep "
                     "it, with one draw, to measure dynamics against time"},
    [IMBALANCE] = {.name = "initial_imbalance",
                   .type = WMC_REAL,
                   .minimum = 0,
                   .maximum = 1,
                   .standard = "0",
                   .sweep = true,
                   .unit = "1",
                   .text = "start from a network this far from balance (observable imbalance), "
                           "moved there by random gauges; vertical noise of the layers then "
                           "follows its orbit and it is not returned to balance"},
    [FIELDS] = {.name = NULL}};

wmc_shape wmc_balanced_shape(const wmc_value *parameters)
{
  const wmc_value *rank = &parameters[RANK];
  wmc_shape shape = parameters[WIDTHS].present
                        ? wmc_network_widths(&parameters[WIDTHS], parameters[DEPTH].real)
                        : wmc_shape_square((int)parameters[WIDTH].integer,
                                           (int)parameters[EXCESS].integer, parameters[DEPTH].real);
  shape.numbers = parameters[NUMBERS].integer == 0 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX;
  shape.rank = rank->present ? (int)rank->integer : wmc_shape_rank_limit(&shape);
  return shape;
}

wmc_gibbs wmc_balanced_law(const wmc_value *parameters)
{
  const wmc_shape shape = wmc_balanced_shape(parameters);
  return wmc_network_law(&shape, parameters[BETA].real, parameters[NOISE].integer,
                         parameters[KAPPA].real);
}

const wmc_integrator *const wmc_integrators[] = {&wmc_spectrum_euler,
                                                 &wmc_spectrum_metropolis,
                                                 &wmc_observable_euler,
                                                 &wmc_observable_metropolis,
                                                 &wmc_complex_euler,
                                                 &wmc_complex_metropolis,
                                                 &wmc_spectrum_heun,
                                                 &wmc_spectrum_flow,
                                                 &wmc_observable_heun,
                                                 &wmc_observable_flow,
                                                 &wmc_complex_heun,
                                                 &wmc_complex_flow,
                                                 &wmc_parameters_euler,
                                                 &wmc_parameters_metropolis,
                                                 &wmc_complex_parameters_euler,
                                                 &wmc_complex_parameters_metropolis,
                                                 NULL};

static const wmc_integrator *integrator_of(const wmc_value *parameters)
{
  return wmc_network_integrator(formulations[parameters[FORMULATION].integer],
                                schemes[parameters[SCHEME].integer],
                                wmc_balanced_shape(parameters).numbers);
}

bool wmc_balanced_flows(const wmc_value *parameters)
{
  return strcmp(schemes[parameters[SCHEME].integer], "flow") == 0;
}

static void coefficients_of(const wmc_value *parameters, double out[WMC_ENERGY_TERMS])
{
  static const int fields[] = {[WMC_ENERGY_FROBENIUS] = FROBENIUS,
                               [WMC_ENERGY_TARGET] = TARGET,
                               [WMC_ENERGY_COMPLETION] = COMPLETION,
                               [WMC_ENERGY_REGRESSION] = REGRESSION,
                               [WMC_ENERGY_DECAY] = DECAY};
  const long kind = parameters[ENERGY].integer;
  for (int k = 0; k < WMC_ENERGY_TERMS; k++)
    out[k] = kind == ENERGY_SUM ? parameters[fields[k]].real : k == kind;
  if (parameters[DECAY].present) out[WMC_ENERGY_DECAY] = parameters[DECAY].real;
}

/* At depth inf decay w is w sum log sigma: alone it does not keep X from growing, and with others
 * it takes the power of the density near sigma = 0. */
static bool decay_ends_law(const wmc_value *parameters, const wmc_gibbs *law)
{
  double coefficient[WMC_ENERGY_TERMS], rest = 0;
  coefficients_of(parameters, coefficient);
  for (int k = 0; k < WMC_ENERGY_DECAY; k++) rest += coefficient[k];
  const double w = coefficient[WMC_ENERGY_DECAY], power = wmc_gibbs_power(law);
  if (w == 0 || !wmc_shape_is_infinite(&law->shape)) return false;
  return rest == 0 || (power > 0 && law->beta * w >= power * law->horizontal);
}

static wmc_energy_data data_of(const wmc_value *parameters)
{
  const wmc_shape shape = wmc_balanced_shape(parameters);
  wmc_energy_data data = {.rows = shape.rows,
                          .columns = shape.columns,
                          .diag = parameters[DIAG].present ? parameters[DIAG].reals : NULL,
                          .target = parameters[MATRIX].present ? parameters[MATRIX].reals : NULL,
                          .imaginary =
                              parameters[IMAGINARY].present ? parameters[IMAGINARY].reals : NULL,
                          .mask = parameters[MASK].present ? parameters[MASK].reals : NULL,
                          .samples = parameters[INPUTS].rows,
                          .inputs = parameters[INPUTS].reals,
                          .labels = parameters[LABELS].reals};
  coefficients_of(parameters, data.coefficient);
  return data;
}

/* Masks and inputs may leave directions flat along which the law escapes. */
static bool escapes(const wmc_value *parameters, const wmc_gibbs *law)
{
  const wmc_energy_data data = data_of(parameters);
  const bool completes = data.coefficient[WMC_ENERGY_COMPLETION] > 0,
             regresses = data.coefficient[WMC_ENERGY_REGRESSION] > 0;
  wmc_energy energy;
  if (!completes && !regresses) return false;
  if (wmc_energy_create(&data, &energy) != WMC_OK) return false;
  const wmc_escape way = wmc_balanced_escape(law, &energy);
  wmc_energy_free(&energy);
  return way.q > 0;
}

bool wmc_balanced_has_law(const wmc_value *parameters)
{
  const wmc_gibbs law = wmc_balanced_law(parameters);
  return !wmc_balanced_flows(parameters) && law.horizontal > 0 && parameters[AGE].real == 0 &&
         !decay_ends_law(parameters, &law) && !escapes(parameters, &law);
}

size_t wmc_balanced_rungs(const wmc_value *parameters)
{
  return parameters[LADDER].present ? parameters[LADDER].count : 0;
}

wmc_bins wmc_balanced_lambda_bins(const wmc_value *parameters)
{
  return (wmc_bins){
      .count = (size_t)parameters[BINS].integer, .low = 0, .high = parameters[LAMBDA_MAX].real};
}

wmc_bins wmc_balanced_rank_bins(const wmc_value *parameters)
{
  return (wmc_bins){
      .count = (size_t)parameters[BINS].integer, .low = 1, .high = parameters[RANK_MAX].real};
}

wmc_balanced_setup wmc_balanced_setup_of(const wmc_value *parameters)
{
  return (wmc_balanced_setup){.law = wmc_balanced_law(parameters),
                              .energy = data_of(parameters),
                              .integrator = integrator_of(parameters),
                              .step = parameters[STEP].real,
                              .ladder =
                                  parameters[LADDER].present ? parameters[LADDER].reals : NULL,
                              .rungs = parameters[LADDER].count,
                              .exchange = parameters[EXCHANGE].real,
                              .entries = parameters[ENTRIES].integer != 0,
                              .lambda_bins = wmc_balanced_lambda_bins(parameters),
                              .rank_bins = wmc_balanced_rank_bins(parameters),
                              .age = parameters[AGE].real,
                              .imbalance = parameters[IMBALANCE].real,
                              .tolerance = parameters[TOLERANCE].real,
                              .start = parameters[START].present ? parameters[START].real : 0};
}
