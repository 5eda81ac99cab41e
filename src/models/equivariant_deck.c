/* Parameters of the model `equivariant`, and checks that involve several of them. */
#include "equivariant.h"

enum { ORDER_MAX = 4096, CHANNELS_MAX = 512 };

static const char *const noises[] = {"isotropic", "horizontal", "kappa", NULL};
static const char *const energies[] = {"frobenius", NULL};
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
    [BETA] = WMC_FIELD_BETA,
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
                .text = "half the sum of squares of the filters of X"},
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

const wmc_integrator *wmc_equivariant_integrator(const wmc_value *parameters)
{
  return wmc_network_integrator("spectrum", schemes[parameters[SCHEME].integer], WMC_NUMBERS_REAL);
}

/* Mode 0 is real; complex modes have a limit wherever real ones have. */
bool wmc_equivariant_has_limit(const wmc_value *parameters)
{
  wmc_gibbs law = wmc_equivariant_law(parameters);
  law.shape.depth = INFINITY;
  return law.shape.widths == NULL && wmc_gibbs_exists(&law);
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
  if (parameters[EXCESS].given)
    wmc_complain(complaints, EXCESS,
                 "excess belongs to channels; with widths, write the hidden channels there");
  return wmc_network_check_widths(widths, WIDTHS, parameters[DEPTH].real, complaints);
}

void wmc_equivariant_check(const wmc_value *parameters, const wmc_complaints *complaints)
{
  if (!check_channels(parameters, complaints)) return;
  const wmc_gibbs law = wmc_equivariant_law(parameters);
  wmc_network_check_limit(&law, DEPTH, complaints);
}
