/* The axes of the model `balanced`. Those of what was not asked for have no entries. */
#include <string.h>

#include "balanced_deck.h"

static size_t index_length(const wmc_value *parameters)
{
  return (size_t)wmc_balanced_shape(parameters).rank;
}

static size_t lambda_bin_length(const wmc_value *parameters)
{
  return wmc_balanced_lambda_bins(parameters).count;
}

static void lambda_bin_coordinates(const wmc_value *parameters, double *out)
{
  const wmc_bins bins = wmc_balanced_lambda_bins(parameters);
  wmc_bins_centres(&bins, out);
}

static size_t rank_bin_length(const wmc_value *parameters)
{
  return wmc_balanced_rank_bins(parameters).count;
}

static void rank_bin_coordinates(const wmc_value *parameters, double *out)
{
  const wmc_bins bins = wmc_balanced_rank_bins(parameters);
  wmc_bins_centres(&bins, out);
}

static void rung_coordinates(const wmc_value *parameters, double *out)
{
  memcpy(out, parameters[LADDER].reals, wmc_balanced_rungs(parameters) * sizeof *out);
}

static size_t pair_length(const wmc_value *parameters)
{
  const size_t rungs = wmc_balanced_rungs(parameters);
  return rungs > 0 ? rungs - 1 : 0;
}

static void pair_coordinates(const wmc_value *parameters, double *out)
{
  memcpy(out, parameters[LADDER].reals, pair_length(parameters) * sizeof *out);
}

/* Entries of X, if asked for, where the state has frames. */
static bool has_entries(const wmc_value *parameters)
{
  if (parameters[ENTRIES].integer == 0) return false;
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  return setup.integrator != NULL && (setup.integrator->frames || setup.integrator->unitary);
}

static bool has_imaginary_entries(const wmc_value *parameters)
{
  return has_entries(parameters) && wmc_balanced_shape(parameters).numbers == WMC_NUMBERS_COMPLEX;
}

static size_t row_length(const wmc_value *parameters)
{
  return has_entries(parameters) ? (size_t)wmc_balanced_shape(parameters).rows : 0;
}

static size_t column_length(const wmc_value *parameters)
{
  return has_entries(parameters) ? (size_t)wmc_balanced_shape(parameters).columns : 0;
}

static size_t imaginary_row_length(const wmc_value *parameters)
{
  return has_imaginary_entries(parameters) ? row_length(parameters) : 0;
}

static size_t imaginary_column_length(const wmc_value *parameters)
{
  return has_imaginary_entries(parameters) ? column_length(parameters) : 0;
}

const wmc_axis wmc_balanced_axes[] = {
    [WMC_BALANCED_INDEX] = {.name = "index",
                            .unit = "1",
                            .text = "index of the singular value, largest first",
                            .length = index_length,
                            .coordinates = NULL},
    [WMC_BALANCED_RUNG] = {.name = "rung",
                           .unit = "1/energy",
                           .text = "inverse temperature of a rung of the ladder",
                           .length = wmc_balanced_rungs,
                           .coordinates = rung_coordinates},
    [WMC_BALANCED_RUNG_PAIR] = {.name = "rung_pair",
                                .unit = "1/energy",
                                .text = "neighbouring rungs: inverse temperature of the first",
                                .length = pair_length,
                                .coordinates = pair_coordinates},
    [WMC_BALANCED_LAMBDA_BIN] = {.name = "lambda_bin",
                                 .unit = "1",
                                 .text = "singular value of the layers, centre of the bin",
                                 .length = lambda_bin_length,
                                 .coordinates = lambda_bin_coordinates},
    [WMC_BALANCED_RANK_BIN] = {.name = "rank_bin",
                               .unit = "1",
                               .text = "effective rank, centre of the bin",
                               .length = rank_bin_length,
                               .coordinates = rank_bin_coordinates},
    [WMC_BALANCED_ROW] =
        {.name = "row", .unit = "1", .text = "row of X", .length = row_length, .coordinates = NULL},
    [WMC_BALANCED_COLUMN] = {.name = "column",
                             .unit = "1",
                             .text = "column of X",
                             .length = column_length,
                             .coordinates = NULL},
    [WMC_BALANCED_IMAGINARY_ROW] = {.name = "imaginary_row",
                                    .unit = "1",
                                    .text = "row of complex X",
                                    .length = imaginary_row_length,
                                    .coordinates = NULL},
    [WMC_BALANCED_IMAGINARY_COLUMN] = {.name = "imaginary_column",
                                       .unit = "1",
                                       .text = "column of complex X",
                                       .length = imaginary_column_length,
                                       .coordinates = NULL},
    {.name = NULL}};
