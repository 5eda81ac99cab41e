/* Where a chain records: the entries of `record`, and the points of a path. */
#include "residual_jacobian_points.h"

#include <math.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"

bool wmc_jacobian_has_path(const wmc_value *p) { return p[LAGS].count > 0; }

double wmc_jacobian_grid(const wmc_value *p)
{
  return p[LAGS].reals[0] / (double)p[SUBSTEPS].integer;
}

size_t wmc_jacobian_grid_points(const wmc_value *p)
{
  const double *window = p[WINDOW].reals;
  if (!wmc_jacobian_has_path(p) || p[WINDOW].count < 2) return 0;
  const double intervals =
      floor((window[1] - window[0]) / wmc_jacobian_grid(p) + WMC_GRID_ROUNDING);
  return 1 + (size_t)fmin(fmax(0, intervals), WMC_GRID_MOST);
}

static double path_fraction(const wmc_value *p, size_t k)
{
  return fmin(1, p[WINDOW].reals[0] + (double)k * wmc_jacobian_grid(p));
}

/* Two fractions that are the same point. */
static bool same_point(const wmc_value *p, double a, double b)
{
  if (wmc_jacobian_infinite(p)) return fabs(a - b) < WMC_GRID_ROUNDING;
  const int depth = (int)p[DEPTH].integer;
  return wmc_network_record_layer(a, depth) == wmc_network_record_layer(b, depth);
}

/* The union of two increasing lists; where entries of either went, if wanted. */
static size_t merge(const wmc_value *p, wmc_jacobian_points *out)
{
  const size_t records = p[RECORD].count, steps = wmc_jacobian_grid_points(p);
  size_t count = 0, r = 0, s = 0;
  while (r < records || s < steps) {
    const double record = r < records ? p[RECORD].reals[r] : INFINITY;
    const double step = s < steps ? path_fraction(p, s) : INFINITY;
    const bool both = r < records && s < steps && same_point(p, record, step);
    const bool take_record = both || record < step, take_step = both || !take_record;
    if (out) {
      out->fraction[count] = take_record ? record : step;
      if (take_record) out->record[r] = count;
      if (take_step) out->path[s] = count;
    }
    r += take_record;
    s += take_step;
    count++;
  }
  return count;
}

size_t wmc_jacobian_points_count(const wmc_value *p) { return merge(p, NULL); }

void wmc_jacobian_points_free(wmc_jacobian_points *points)
{
  wmc_free(points->fraction);
  wmc_free(points->record);
  wmc_free(points->path);
}

wmc_status wmc_jacobian_points_create(wmc_jacobian_points *points, const wmc_value *p)
{
  points->count = wmc_jacobian_points_count(p);
  points->fraction = WMC_ARRAY(double, points->count);
  points->record = WMC_ARRAY(size_t, p[RECORD].count);
  points->path = WMC_ARRAY(size_t, wmc_jacobian_grid_points(p) + 1);
  if (!points->fraction || !points->record || !points->path) return wmc_no_memory();
  merge(p, points);
  return WMC_OK;
}
