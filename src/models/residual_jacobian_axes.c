/* The axes of model residual_jacobian. Those of what was not asked for have no entries. */
#include <string.h>

#include "residual_jacobian_drift.h"
#include "residual_jacobian_levels.h"
#include "residual_jacobian_spectrum.h"

static size_t record_length(const wmc_value *p) { return p[RECORD].count; }

static void record_coordinates(const wmc_value *p, double *out)
{
  memcpy(out, p[RECORD].reals, p[RECORD].count * sizeof *out);
}

static size_t gap_length(const wmc_value *p) { return wmc_jacobian_size(p) - 1; }

static size_t loss_length(const wmc_value *p) { return wmc_jacobian_loses_rank(p) ? 1 : 0; }

static size_t mode_length(const wmc_value *p)
{
  const wmc_split split = wmc_jacobian_options(p).split;
  return split.group > 1 ? (size_t)wmc_split_modes(&split) : 0;
}

static void mode_coordinates(const wmc_value *p, double *out)
{
  for (size_t k = 0; k < mode_length(p); k++) out[k] = (double)k;
}

static size_t channel_length(const wmc_value *p)
{
  return p[GROUP].integer > 1 ? (size_t)p[WIDTH].integer : 0;
}

static size_t loss_index_length(const wmc_value *p)
{
  return wmc_jacobian_loses_rank(p) ? wmc_jacobian_size(p) : 0;
}

static size_t rate_length(const wmc_value *p)
{
  return p[DIFFUSIVITY].integer == 1 ? (size_t)p[WIDTH].integer : 0;
}

static size_t control_length(const wmc_value *p)
{
  return wmc_control_wanted(p) ? wmc_jacobian_size(p) : 0;
}

static void level_coordinates(const wmc_value *p, double *out)
{
  for (size_t l = 0; l < wmc_levels_count(p); l++) out[l] = wmc_levels_depth(p, l);
}

static size_t levels_length(const wmc_value *p) { return wmc_levels_count(p) > 0 ? 1 : 0; }

static size_t precision_length(const wmc_value *p)
{
  const wmc_block *block;
  wmc_block_options options;
  return wmc_jacobian_multiplies(p, &block, &options) ? 1 : 0;
}

static size_t loss_gap_length(const wmc_value *p)
{
  return wmc_jacobian_loses_rank(p) ? gap_length(p) : 0;
}

bool wmc_jacobian_has_angle(const wmc_value *p)
{
  return p[WIDTH].integer > 1 && p[GROUP].integer == 1 && wmc_levels_count(p) == 0;
}

static size_t angle_length(const wmc_value *p) { return wmc_jacobian_has_angle(p) ? 1 : 0; }

static size_t covariance_length(const wmc_value *p)
{
  return wmc_jacobian_requested(p).covariance ? wmc_jacobian_size(p) : 0;
}

static size_t metric_length(const wmc_value *p)
{
  return wmc_jacobian_has_logarithm(p) ? wmc_jacobian_size(p) : 0;
}

static size_t bins_length(const wmc_value *p) { return wmc_jacobian_requested(p).values.count; }

static size_t ratio_bins_length(const wmc_value *p)
{
  return p[WIDTH].integer >= 3 ? bins_length(p) : 0;
}

static void lambda_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  wmc_bins_centres(&request.values, out);
}

static void gap_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  wmc_bins_centres(&request.gaps, out);
}

static void ratio_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  if (ratio_bins_length(p) > 0) wmc_bins_centres(&request.ratios, out);
}

static void spacing_bins(const wmc_value *p, double *out)
{
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  wmc_bins_centres(&request.spacings, out);
}

const wmc_axis wmc_jacobian_axes[] = {
    [AXIS_RECORD] = {"record", "1", "fraction of the depth", record_length, record_coordinates},
    [AXIS_INDEX] = {"index", "1", "index of the singular value, largest first", wmc_jacobian_size,
                    NULL},
    [AXIS_GAP] = {"gap_index", "1", "gap between singular values i and i + 1", gap_length, NULL},
    [AXIS_LOSS] = {"loss", "1", "of networks that may lose rank", loss_length, NULL},
    [AXIS_LOSS_INDEX] = {"loss_index", "1", "index of a singular value that may vanish",
                         loss_index_length, NULL},
    [AXIS_MODE] = {"mode", "1", "Fourier mode k of the group, k <= n/2", mode_length,
                   mode_coordinates},
    [AXIS_CHANNEL] = {"channel_index", "1", "index of a singular value within its mode",
                      channel_length, NULL},
    [AXIS_RATE] = {"rate_index", "1", "index of the singular value whose diffusivity is asked for",
                   rate_length, NULL},
    [AXIS_PATH] = {"path", "1", "of recorded paths", wmc_jacobian_path_length, NULL},
    [AXIS_PATH_VECTORS] = {"path_vectors", "1", "of recorded paths with singular vectors",
                           wmc_jacobian_path_vectors_length, NULL},
    [AXIS_PATH_COVARIANCE] = {"path_covariance", "1", "of recorded paths on which C varies",
                              wmc_jacobian_path_covariance_length, NULL},
    [AXIS_LAG] = {"lag", "1", "lag, a fraction of the depth", wmc_jacobian_lag_length,
                  wmc_jacobian_lag_coordinates},
    [AXIS_PATH_INDEX] = {"path_index", "1", "index of a singular value along a path",
                         wmc_jacobian_path_index_length, NULL},
    [AXIS_PATH_OTHER] = {"path_other", "1", "index of another one", wmc_jacobian_path_index_length,
                         NULL},
    [AXIS_PAIR_GAP] = {"pair_gap", "1", "gap between two values, a node of the pair function",
                       wmc_jacobian_pair_gap_length, wmc_jacobian_pair_gap_coordinates},
    [AXIS_SUM] = {"drift_sum", "1", "number of a sum along paths", wmc_jacobian_drift_sums_length,
                  NULL},
    [AXIS_CONTROL] = {"controlled_index", "1", "index of the singular value, largest first",
                      control_length, NULL},
    [AXIS_LEVEL] = {"level", "1", "depth of a level, of its finer network", wmc_levels_count,
                    level_coordinates},
    [AXIS_LEVELS] = {"multilevel", "1", "of the sum over levels", levels_length, NULL},
    [AXIS_BIAS] = {"measured", "1", "entry of the observables of networks, in their order",
                   wmc_levels_biases, NULL},
    [AXIS_LOSS_GAP] = {"loss_gap", "1", "gap between singular values that may vanish",
                       loss_gap_length, NULL},
    [AXIS_ANGLE] = {"angle", "1", "of chains in which two vectors are followed", angle_length,
                    NULL},
    [AXIS_ROW] = {"row", "1", "index of a singular value", covariance_length, NULL},
    [AXIS_COLUMN] = {"column", "1", "index of another one", covariance_length, NULL},
    [AXIS_PRECISION] = {"precision", "1", "of products of matrices", precision_length, NULL},
    [AXIS_METRIC_ROW] = {"metric_row", "1", "row of the metric", metric_length, NULL},
    [AXIS_METRIC_COLUMN] = {"metric_column", "1", "column of the metric", metric_length, NULL},
    [AXIS_LAMBDA_BIN] = {"lambda_bin", "1", "lambda, centre of a bin", bins_length, lambda_bins},
    [AXIS_GAP_BIN] = {"gap_bin", "1", "gap, centre of a bin", bins_length, gap_bins},
    [AXIS_RATIO_BIN] = {"ratio_bin", "1", "gap ratio, centre of a bin", ratio_bins_length,
                        ratio_bins},
    [AXIS_SPACING_BIN] = {"spacing_bin", "1", "gap over its mean, centre of a bin", bins_length,
                          spacing_bins},
    [AXES] = {.name = NULL},
};
