#include "weylmc/jacobian/split.h"

static bool has_group(const wmc_split *s) { return s->group > 1; }

bool wmc_split_is_trivial(const wmc_split *s) { return !s->is_complex && !has_group(s); }

int wmc_split_modes(const wmc_split *s) { return has_group(s) ? s->group / 2 + 1 : 1; }

int wmc_split_parts(const wmc_split *s, int k)
{
  if (has_group(s)) return k == 0 || 2 * k == s->group ? 1 : 2;
  return s->is_complex ? 2 : 1;
}

int wmc_split_reals(const wmc_split *s) { return has_group(s) ? s->group : wmc_split_parts(s, 0); }

int wmc_split_repeats(const wmc_split *s, int k)
{
  return has_group(s) ? wmc_split_parts(s, k) : 1;
}

double wmc_split_work(const wmc_split *s)
{
  double work = 0;
  for (int k = 0; k < wmc_split_modes(s); k++) work += wmc_split_parts(s, k) == 2 ? 4 : 1;
  return work;
}
