#include "residual_jacobian_drift.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"

wmc_drift_plan wmc_jacobian_drift_plan(const wmc_value *p)
{
  wmc_drift_plan plan = {.width = (size_t)p[WIDTH].integer,
                         .points = wmc_jacobian_grid_points(p),
                         .step = wmc_jacobian_grid(p) * p[TIME].real,
                         .lags = p[LAGS].count,
                         .nodes = p[GAPS].count};
  for (size_t k = 0; k < plan.lags; k++)
    plan.lag[k] = (size_t)lround(p[LAGS].reals[k] / wmc_jacobian_grid(p));
  for (size_t k = 0; k < plan.nodes; k++) plan.node[k] = p[GAPS].reals[k];
  return plan;
}

/* ---- checks --------------------------------------------------------------------------------- */

static bool is_whole(double x)
{
  return fabs(x - round(x)) <= WMC_GRID_ROUNDING * fmax(1, fabs(x));
}

static bool increases(const wmc_value *value)
{
  for (size_t k = 1; k < value->count; k++)
    if (!(value->reals[k] > value->reals[k - 1])) return false;
  return true;
}

/* Lists as such, before anything is made of them. */
static bool check_lists(const wmc_value *p, const wmc_complaints *complaints)
{
  bool good = true;
  const struct {
    int field;
    size_t least, most;
  } lists[] = {{LAGS, 1, WMC_DRIFT_LAGS}, {WINDOW, 2, 2}, {GAPS, 0, WMC_DRIFT_NODES}};
  for (size_t k = 0; k < sizeof lists / sizeof *lists; k++) {
    const wmc_value *value = &p[lists[k].field];
    if (value->count >= lists[k].least && value->count <= lists[k].most && increases(value))
      continue;
    good = false;
    wmc_complain(complaints, lists[k].field,
                 "%s: at least %zu and at most %zu increasing numbers are wanted, found %zu%s",
                 wmc_jacobian_fields[lists[k].field].name, lists[k].least, lists[k].most,
                 value->count, increases(value) ? "" : " that do not increase");
  }
  return good;
}

static void check_layers(const wmc_value *p, const wmc_complaints *complaints)
{
  const double depth = p[DEPTH].real, between = wmc_jacobian_grid(p) * depth;
  if (between < 1 - WMC_GRID_ROUNDING || !is_whole(between))
    wmc_complain(complaints, LAGS,
                 "lags: the shortest, %g, over %ld substeps is %g layers of depth %g; it must be a "
                 "whole number: change the depth, the lag or substeps",
                 p[LAGS].reals[0], p[SUBSTEPS].integer, between, depth);
  if (!is_whole(p[WINDOW].reals[0] * depth))
    wmc_complain(complaints, WINDOW,
                 "window: %g of depth %g is no whole number of layers; use another beginning",
                 p[WINDOW].reals[0], depth);
}

/* Paths are kept whole, and their points counted by whole numbers. */
static bool check_size(const wmc_value *p, const wmc_complaints *complaints)
{
  const double points = (p[WINDOW].reals[1] - p[WINDOW].reals[0]) / wmc_jacobian_grid(p);
  if (points <= WMC_GRID_MOST) return true;
  wmc_complain(
      complaints, LAGS,
      "lags: the shortest, %g, over %ld substeps makes a path of %.3g points; at most %.0f "
      "are allowed: use a longer lag or fewer substeps",
      p[LAGS].reals[0], p[SUBSTEPS].integer, points, WMC_GRID_MOST);
  return false;
}

void wmc_jacobian_check_path(const wmc_value *p, const wmc_complaints *complaints)
{
  const wmc_block *block = wmc_jacobian_block(p);
  if (!wmc_jacobian_has_path(p)) return;
  if (p[WIDTH].integer < 2)
    wmc_complain(complaints, LAGS, "lags: drifts of gaps need a width of at least 2, found 1");
  if (block == &wmc_block_plain || block == &wmc_block_rotation)
    wmc_complain(complaints, LAGS,
                 "lags: the log-singular values of block %s are no diffusion along the depth; use "
                 "a residual block, or leave lags out",
                 block->name);
  if (p[GROUP].integer > 1)
    wmc_complain(complaints, LAGS,
                 "lags: with a group there are several chains in one network; estimate drifts of "
                 "field: real and complex without a group");
  if (!check_lists(p, complaints) || !check_size(p, complaints)) return;
  for (size_t k = 1; k < p[LAGS].count; k++)
    if (!is_whole(p[LAGS].reals[k] / wmc_jacobian_grid(p)))
      wmc_complain(complaints, LAGS,
                   "lags: %g is no multiple of %g, the shortest lag over substeps; use multiples",
                   p[LAGS].reals[k], wmc_jacobian_grid(p));
  const wmc_drift_plan plan = wmc_jacobian_drift_plan(p);
  if (plan.points < wmc_drift_points(&plan))
    wmc_complain(complaints, WINDOW,
                 "window: from %g to %g there is no room for the longest lag, %g, twice; use "
                 "shorter lags or a wider window",
                 p[WINDOW].reals[0], p[WINDOW].reals[1], p[LAGS].reals[p[LAGS].count - 1]);
  if (!wmc_jacobian_infinite(p)) check_layers(p, complaints);
}

/* ---- a path --------------------------------------------------------------------------------- */

wmc_status wmc_jacobian_path_create(wmc_jacobian_path *path, const wmc_value *p)
{
  *path = (wmc_jacobian_path){.plan = {.lags = 0}};
  if (!wmc_jacobian_has_path(p)) return WMC_OK;
  path->plan = wmc_jacobian_drift_plan(p);
  const size_t size = path->plan.points * path->plan.width;
  path->lambda = WMC_ARRAY(double, size);
  path->diffusivity = WMC_ARRAY(double, size);
  path->overlap = WMC_ARRAY(double, size);
  path->scratch = WMC_ARRAY(double, wmc_drift_scratch(&path->plan));
  return path->lambda && path->diffusivity && path->overlap && path->scratch ? WMC_OK
                                                                             : wmc_no_memory();
}

void wmc_jacobian_path_free(wmc_jacobian_path *path)
{
  double *arrays[] = {path->lambda, path->diffusivity, path->overlap, path->scratch};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
}

static const double *pick(const wmc_jacobian_path *path, const wmc_jacobian_points *points,
                          const double *from, double *to)
{
  const size_t d = path->plan.width;
  for (size_t k = 0; from && k < path->plan.points; k++)
    memcpy(to + k * d, from + points->path[k] * d, d * sizeof *to);
  return from ? to : NULL;
}

void wmc_jacobian_path_measure(wmc_jacobian_path *path, const wmc_jacobian_points *points,
                               const double *lambda, const double *diffusivity,
                               const double *overlap, double *out)
{
  if (path->plan.lags == 0) return;
  const wmc_drift_path picked = {pick(path, points, lambda, path->lambda),
                                 pick(path, points, diffusivity, path->diffusivity),
                                 pick(path, points, overlap, path->overlap)};
  wmc_drift_collect(&path->plan, &picked, out, path->scratch);
}

/* ---- axes ----------------------------------------------------------------------------------- */

size_t wmc_jacobian_path_length(const wmc_value *p) { return wmc_jacobian_has_path(p) ? 1 : 0; }

size_t wmc_jacobian_path_vectors_length(const wmc_value *p)
{
  return wmc_jacobian_alone(p) ? 0 : wmc_jacobian_path_length(p);
}

/* C of block.h, if it is known, is a multiple of 1 in these cases, and always the same. */
static bool has_constant_covariance(const wmc_value *p)
{
  const wmc_block *block = wmc_jacobian_block(p);
  const wmc_block_options o = wmc_jacobian_options(p);
  const double alpha = wmc_activation_negative_slope(o.activation, o.slope);
  if (!wmc_jacobian_has_covariance(p)) return true;
  if (o.norm != WMC_NORM_NONE) return false;
  if (block == &wmc_block_one_layer) return fabs(alpha) == 1;
  return (block != &wmc_block_two_layer && block != &wmc_block_outer) || !isnan(alpha);
}

size_t wmc_jacobian_path_covariance_length(const wmc_value *p)
{
  return has_constant_covariance(p) ? 0 : wmc_jacobian_path_vectors_length(p);
}

size_t wmc_jacobian_lag_length(const wmc_value *p) { return p[LAGS].count; }

size_t wmc_jacobian_path_index_length(const wmc_value *p)
{
  return wmc_jacobian_has_path(p) ? (size_t)p[WIDTH].integer : 0;
}

size_t wmc_jacobian_pair_gap_length(const wmc_value *p)
{
  return wmc_jacobian_has_path(p) ? p[GAPS].count : 0;
}

size_t wmc_jacobian_drift_sums_length(const wmc_value *p)
{
  if (!wmc_jacobian_has_path(p)) return 0;
  const wmc_drift_plan plan = wmc_jacobian_drift_plan(p);
  return wmc_drift_sums(&plan);
}

void wmc_jacobian_lag_coordinates(const wmc_value *p, double *out)
{
  memcpy(out, p[LAGS].reals, p[LAGS].count * sizeof *out);
}

void wmc_jacobian_pair_gap_coordinates(const wmc_value *p, double *out)
{
  memcpy(out, p[GAPS].reals, p[GAPS].count * sizeof *out);
}
