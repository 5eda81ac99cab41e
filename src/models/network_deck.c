/* Parameters, and checks of them, that models of deep linear networks share. */
#include "network_deck.h"

#include <string.h>

wmc_gibbs wmc_network_law(const wmc_shape *shape, double beta, long noise, double kappa)
{
  const struct {
    double vertical, horizontal;
  } strengths[] = {[WMC_NOISE_ISOTROPIC] = {1, 1},
                   [WMC_NOISE_HORIZONTAL] = {0, 1},
                   [WMC_NOISE_KAPPA] = {1, kappa},
                   [WMC_NOISE_VERTICAL] = {1, 0}};
  return (wmc_gibbs){.shape = *shape,
                     .beta = beta,
                     .vertical = strengths[noise].vertical,
                     .horizontal = strengths[noise].horizontal};
}

static bool holds(const wmc_integrator *row, wmc_numbers numbers)
{
  return numbers == WMC_NUMBERS_COMPLEX ? !row->frames : !row->unitary;
}

const wmc_integrator *wmc_network_integrator(const char *formulation, const char *scheme,
                                             wmc_numbers numbers)
{
  const wmc_integrator *const *row = wmc_integrators;
  while (*row && (!holds(*row, numbers) || strcmp((*row)->formulation, formulation) ||
                  strcmp((*row)->scheme, scheme)))
    row++;
  return *row;
}

/* Three numbers with another depth than two: the hidden one stands for all. */
static bool lists_all_widths(const wmc_value *widths, double depth)
{
  return widths->count != 3 || depth == 2;
}

wmc_shape wmc_network_widths(const wmc_value *widths, double depth)
{
  const double *list = widths->reals;
  const size_t last = widths->count - 1;
  return (wmc_shape){.depth = depth,
                     .columns = (int)list[0],
                     .rows = (int)list[last],
                     .hidden = (int)list[last > 1 ? 1 : 0],
                     .widths = lists_all_widths(widths, depth) ? list : NULL};
}

static bool whole_numbers(const wmc_value *value)
{
  for (size_t k = 0; k < value->count; k++)
    if (value->reals[k] != floor(value->reals[k])) return false;
  return true;
}

bool wmc_network_check_widths(const wmc_value *widths, int field, double depth,
                              const wmc_complaints *complaints)
{
  const bool whole = whole_numbers(widths);
  const bool fits = widths->count == 3 || (double)widths->count == depth + 1;
  if (!whole) wmc_complain(complaints, field, "widths are whole numbers; write 4, not 4.5");
  if (!fits)
    wmc_complain(complaints, field,
                 "%zu widths found, depth is %g: give depth + 1 widths d_0, ..., d_N, or three, "
                 "[d_0, hidden, d_N], for any depth",
                 widths->count, depth);
  return whole && fits;
}

bool wmc_network_has_limit(const wmc_gibbs *law)
{
  wmc_gibbs deep = *law;
  deep.shape.depth = INFINITY;
  return law->shape.widths == NULL && wmc_gibbs_exists(&deep);
}

bool wmc_network_never(const wmc_value *parameters)
{
  (void)parameters;
  return false;
}

void wmc_network_check_limit(const wmc_gibbs *law, int field, const wmc_complaints *complaints)
{
  if (wmc_gibbs_exists(law)) return;
  const char *why =
      law->vertical == 0
          ? "horizontal noise does not feel the volume of the fibres, so all "
            "singular values go to 0; use noise: isotropic or kappa"
          : "without hidden excess the smallest singular value of real numbers goes "
            "to 0 and the limit has rank r - 1; use excess >= 1 or hidden widths above "
            "the rank (complex numbers need none)";
  wmc_complain(complaints, field,
               "no Gibbs law exists at depth inf: %s, or sweep finite depths and extrapolate with "
               "`weylmc fit`",
               why);
}
