/* Parameters of the model `equivariant`, and checks that involve several of them. */
#include "equivariant.h"

enum { ORDER_MAX = 4096, CHANNELS_MAX = 512 };

static const char *const noises[] = {"isotropic", "horizontal", "kappa", NULL};
static const char *const energies[] = {"frobenius", "target", NULL};
static const char *const formulations[] = {"spectrum", "observable", NULL};
static const char *const schemes[] = {"euler", "metropolis", NULL};

const wmc_field wmc_equivariant_fields[] = {
    [ORDER] = {.name = "order",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = ORDER_MAX,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "sites n of the ring: the order of the cyclic group"},
    [CHANNELS] = {.name = "channels",
                  .type = WMC_INT,
                  .minimum = 1,
                  .maximum = CHANNELS_MAX,
                  .sweep = true,
                  .unit = "1",
                  .text = "channels c in and out; or give widths"},
    [EXCESS] = {.name = "excess",
                .type = WMC_INT,
                .minimum = 0,
                .maximum = 100000,
                .standard = "0",
                .sweep = true,
                .needs = "channels, depth!=1",
                .unit = "1",
                .text = "hidden excess m: with channels, hidden layers have c + m channels"},
    [WIDTHS] = {.name = "widths",
                .type = WMC_REALS,
                .minimum = 1,
                .maximum = 100000,
                .unit = "1",
                .text =
                    "channels of all layers c_0, ..., c_N, input first; or [c_0, h, c_N] at any "
                    "depth with all hidden layers of h channels"},
    [DEPTH] = WMC_FIELD_DEPTH,
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
    [KAPPA] = WMC_FIELD_KAPPA,
    [ENERGY] = {.name = "energy.kind",
                .type = WMC_CHOICE,
                .choices = energies,
                .standard = "frobenius",
                .sweep = true,
                .unit = "",
                .text = "half the sum of squares of the filters of X, or of their differences from "
                        "filters phi"},
    [FILTERS] = {.name = "energy.filters",
                 .type = WMC_MATRIX,
                 .required = true,
                 .only = "energy.kind=target",
                 .unit = "1",
                 .text = "filters phi(s), one a row for s = 0, ..., n-1, each c_N x c_0 with the "
                         "numbers of a row after one another, as FILE:/DATASET"},
    [FORMULATION] = {.name = "formulation",
                     .type = WMC_CHOICE,
                     .choices = formulations,
                     .standard = "spectrum",
                     .sweep = true,
                     .unit = "",
                     .text = "state of every mode: singular values alone, or the singular value "
                             "decomposition, which a target needs"},
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

int wmc_equivariant_order(const wmc_value *parameters) { return (int)parameters[ORDER].integer; }

static wmc_shape shape_of(const wmc_value *parameters)
{
  const double depth = parameters[DEPTH].real;
  wmc_shape shape = parameters[WIDTHS].present
                        ? wmc_network_widths(&parameters[WIDTHS], depth)
                        : wmc_shape_square((int)parameters[CHANNELS].integer,
                                           (int)parameters[EXCESS].integer, depth);
  shape.numbers = WMC_NUMBERS_REAL;
  shape.rank = wmc_shape_rank_limit(&shape);
  return shape;
}

wmc_gibbs wmc_equivariant_law(const wmc_value *parameters)
{
  const wmc_shape shape = shape_of(parameters);
  return wmc_network_law(&shape, parameters[BETA].real, parameters[NOISE].integer,
                         parameters[KAPPA].real);
}

const wmc_integrator *wmc_equivariant_integrator(const wmc_value *parameters, wmc_numbers numbers)
{
  return wmc_network_integrator(formulations[parameters[FORMULATION].integer],
                                schemes[parameters[SCHEME].integer], numbers);
}

static bool check_channels(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_value *channels = &parameters[CHANNELS], *widths = &parameters[WIDTHS];
  if (channels->present == widths->present) {
    wmc_complain(complaints, widths->present ? WIDTHS : CHANNELS,
                 "%s of channels and widths found: give one, channels: c for a square product or "
                 "widths: [c_0, ..., c_N]",
                 widths->present ? "both" : "neither");
    return false;
  }
  if (!widths->present) return true;
  return wmc_network_check_widths(widths, WIDTHS, parameters[DEPTH].real, complaints);
}

static void check_filters(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_value *filters = &parameters[FILTERS];
  const wmc_shape shape = shape_of(parameters);
  const int order = wmc_equivariant_order(parameters), entries = shape.rows * shape.columns;
  if (parameters[FORMULATION].integer == 0)
    wmc_complain(
        complaints, FORMULATION,
        "energy target depends on more than the singular values of X, formulation spectrum "
        "has nothing else: use formulation: observable");
  if (!filters->reals || ((int)filters->rows == order && (int)filters->columns == entries)) return;
  wmc_complain(complaints, FILTERS,
               "%zu x %zu matrix found, %d x %d expected: a row for each of %d sites, %d x %d "
               "numbers in it; change order, channels or the dataset",
               filters->rows, filters->columns, order, entries, order, shape.rows, shape.columns);
}

void wmc_equivariant_check(const wmc_value *parameters, const wmc_complaints *complaints)
{
  if (!check_channels(parameters, complaints)) return;
  const wmc_gibbs law = wmc_equivariant_law(parameters);
  wmc_network_check_limit(&law, DEPTH, complaints);
  if (parameters[ENERGY].integer == WMC_EQUIVARIANT_TARGET) check_filters(parameters, complaints);
}
