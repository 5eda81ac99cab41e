/* Parameters of the model `balanced`. */
#include "balanced_deck.h"

#include <float.h>
#include <math.h>

#include "network_deck.h"

enum { WIDTH_MAX = 512 };

static const char *const noises[] = {"isotropic", "horizontal", "kappa", NULL};
static const char *const energies[] = {"frobenius", "target", "regression", NULL};
static const char *const formulations[] = {"spectrum", "observable", NULL};
static const char *const numbers[] = {"real", "complex", NULL};
static const char *const schemes[] = {"euler", "metropolis", NULL};

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
    [DEPTH] = {.name = "depth",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = INFINITY,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "number of layers N; inf for the limit law, where one exists"},
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
              .maximum = DBL_MAX,
              .open_minimum = true,
              .standard = "1",
              .sweep = true,
              .unit = "1/energy",
              .text = "inverse temperature"},
    [NOISE] = {.name = "noise.kind",
               .type = WMC_CHOICE,
               .choices = noises,
               .standard = "isotropic",
               .sweep = true,
               .unit = "",
               .text = "noise in all directions alike, in horizontal ones only (those that move "
                       "X), or horizontal noise of kappa times the variance"},
    [KAPPA] = {.name = "noise.kappa",
               .type = WMC_REAL,
               .minimum = 0,
               .maximum = DBL_MAX,
               .open_minimum = true,
               .required = true,
               .sweep = true,
               .only = "noise.kind=kappa",
               .unit = "1",
               .text = "variance of horizontal over vertical noise"},
    [ENERGY] = {.name = "energy.kind",
                .type = WMC_CHOICE,
                .choices = energies,
                .standard = "frobenius",
                .sweep = true,
                .unit = "",
                .text = "|X|^2/2, |X - Phi|^2/2, or the mean of |X x - y|^2/2 over samples"},
    [DIAG] = {.name = "energy.diag",
              .type = WMC_REALS,
              .only = "energy.kind=target",
              .unit = "1",
              .text = "the d diagonal entries of a diagonal target Phi"},
    [MATRIX] = {.name = "energy.matrix",
                .type = WMC_MATRIX,
                .only = "energy.kind=target",
                .unit = "1",
                .text = "target Phi, d x d, as FILE:/DATASET"},
    [INPUTS] = {.name = "energy.inputs",
                .type = WMC_MATRIX,
                .required = true,
                .only = "energy.kind=regression",
                .unit = "1",
                .text = "inputs x, one sample a row, n x d, as FILE:/DATASET"},
    [LABELS] = {.name = "energy.labels",
                .type = WMC_MATRIX,
                .required = true,
                .only = "energy.kind=regression",
                .unit = "1",
                .text = "labels y, one sample a row, n x d, as FILE:/DATASET"},
    [FORMULATION] = {.name = "formulation",
                     .type = WMC_CHOICE,
                     .choices = formulations,
                     .standard = "spectrum",
                     .sweep = true,
                     .unit = "",
                     .text = "state: singular values alone (energies of sigma alone), or the "
                             "singular value decomposition of X (any energy)"},
    [SCHEME] = {.name = "scheme",
                .type = WMC_CHOICE,
                .choices = schemes,
                .standard = "metropolis",
                .sweep = true,
                .unit = "",
                .text = "Euler-Maruyama for the Langevin equation (biased by the step), or "
                        "Metropolis moves (exact law; not a dynamics)"},
    [STEP] = {.name = "step",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = DBL_MAX,
              .open_minimum = true,
              .standard = "0.002",
              .sweep = true,
              .unit = "time",
              .text = "time step of euler (scale it like 1/depth); relative size of the first "
                      "proposals of metropolis, tuned while thermalising"},
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

const wmc_integrator *const wmc_integrators[] = {&wmc_spectrum_euler, &wmc_spectrum_metropolis,
                                                 &wmc_observable_euler, &wmc_observable_metropolis,
                                                 NULL};

static const wmc_integrator *integrator_of(const wmc_value *parameters)
{
  return wmc_network_integrator(formulations[parameters[FORMULATION].integer],
                                schemes[parameters[SCHEME].integer]);
}

static wmc_energy_data data_of(const wmc_value *parameters)
{
  return (wmc_energy_data){.width = (int)parameters[WIDTH].integer,
                           .diag = parameters[DIAG].present ? parameters[DIAG].reals : NULL,
                           .target = parameters[MATRIX].present ? parameters[MATRIX].reals : NULL,
                           .samples = parameters[INPUTS].rows,
                           .inputs = parameters[INPUTS].reals,
                           .labels = parameters[LABELS].reals};
}

wmc_balanced_setup wmc_balanced_setup_of(const wmc_value *parameters)
{
  return (wmc_balanced_setup){.law = wmc_balanced_law(parameters),
                              .energy_kind = (int)parameters[ENERGY].integer,
                              .energy = data_of(parameters),
                              .integrator = integrator_of(parameters),
                              .step = parameters[STEP].real};
}
