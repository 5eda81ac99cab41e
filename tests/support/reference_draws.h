/** @file reference_draws.h  Moments of networks, and the table that holds them against exact
 * values: printed with WEYLMC_VERBOSE. */
#pragma once
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "blocks.h"
#include "support.h"

enum { REF_SEED = 20261130 };

/** A row of the table; 5 standard errors and `bias` are allowed. */
static inline void ref_row(const char *item, double exact, double found, double error, double bias)
{
  cr_expect(fabs(found - exact) < 5 * error + bias, "%s: %.8g, exact %.8g, error %.2g", item, found,
            exact, error);
  if (test_verbose())
    printf("%-44s %16.10g %14.7g +- %-8.2g %6.2f\n", item, exact, found, error,
           (found - exact) / error);
}

/** What is measured of a network. */
enum {
  WIDEST = 8,
  LAMBDA = 0,
  SUM = WIDEST,
  GROWTH,
  TRACE,
  TRACE2,
  MINORS,
  GAP,
  GAP2,
  COTH,
  SQUARES,
  RANK,
  NUMBERS
};

static inline void ref_collect(int d, const double *values, double growth, moments *out)
{
  double sum = 0, trace = 0, trace2 = 0, squares = 0;
  int rank = 0;
  for (int i = 0; i < d; i++) {
    if (i < WIDEST) add(&out[LAMBDA + i], values[i]);
    sum += values[i];
    squares += values[i] * values[i];
    trace += exp(2 * values[i]);
    trace2 += exp(4 * values[i]);
    rank += values[i] > -INFINITY;
  }
  double gap = values[0] - values[d - 1];
  const double numbers[] = {sum, growth,    trace,         trace2,  0.5 * (trace * trace - trace2),
                            gap, gap * gap, 1 / tanh(gap), squares, rank};
  for (int k = 0; k < NUMBERS - SUM; k++)
    if (k + SUM != GROWTH || rank > 0) add(&out[SUM + k], numbers[k]);
}

static inline wmc_block_options ref_options(int d, int depth, double time, const char *activation)
{
  wmc_block_options o = test_block_options(d, depth, activation);
  o.time = time;
  o.inner_variance = 1;
  return o;
}

static inline void ref_draw_networks(const wmc_block *block, const wmc_block_options *o, int draws,
                                     long id, moments m[NUMBERS])
{
  memset(m, 0, NUMBERS * sizeof *m);
  test_sample_networks(block, o, draws, REF_SEED, id, ref_collect, m);
}

static inline void ref_row_mean(const char *item, double exact, const moments *m, double bias)
{
  ref_row(item, exact, m->mean, standard_error(m), bias);
}

/* The error of a variance from the fourth moment of a nearly normal number; `kurtosis` is its
 * excess. */
static inline void ref_row_variance(const char *item, double exact, const moments *m,
                                    double kurtosis, double bias)
{
  ref_row(item, exact, variance(m), variance(m) * sqrt((2 + kurtosis) / m->count), bias);
}
