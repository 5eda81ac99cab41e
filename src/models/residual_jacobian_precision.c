/* Arithmetic of the product of the layers, and what it costs in digits. */
#include "residual_jacobian_levels.h"
#include "weylmc/jacobian/network.h"

bool wmc_jacobian_multiplies(const wmc_value *p, const wmc_block **block, wmc_block_options *o)
{
  const wmc_levels_kind kind = wmc_levels_of(p);
  int field;
  const char *why;
  *block = kind == WMC_LEVELS_LIMIT ? NULL : wmc_jacobian_block(p);
  *o = wmc_jacobian_options(p);
  if (kind != WMC_LEVELS_NONE) o->depth = wmc_levels_depth(p, wmc_levels_count(p) - 1);
  if (kind != WMC_LEVELS_NONE || !wmc_jacobian_infinite(p)) return true;
  return !wmc_jacobian_alone(p) && wmc_jacobian_steps(p, block, o, &field, &why);
}

void wmc_jacobian_note(const wmc_value *p, wmc_text *out)
{
  const wmc_block *block;
  wmc_block_options o;
  if (!wmc_jacobian_multiplies(p, &block, &o)) return;
  const bool extended = wmc_network_is_extended(block, &o);
  wmc_text_append(out, "precision %s: log-singular values to %.2g (%s: %.2g)",
                  wmc_precision_names[extended ? WMC_PRECISION_EXTENDED : WMC_PRECISION_DOUBLE],
                  wmc_network_error(block, &o, extended),
                  wmc_precision_names[extended ? WMC_PRECISION_DOUBLE : WMC_PRECISION_EXTENDED],
                  wmc_network_error(block, &o, !extended));
}
