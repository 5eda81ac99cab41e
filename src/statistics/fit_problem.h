/** @file fit_problem.h  The points of a fit, checked, sorted and with their covariance factored:
 * what fit.c (one form, least squares) and fit_series.c (series and the choice) work on; the table
 * of forms is fit_forms.c.
 */
#pragma once
#include "weylmc/statistics/fit.h"

/** Points, deepest first. The shallowest are left out by lowering `points`: the leading block of
 * the factor remains. */
typedef struct wmc_fit_problem {
  size_t points, stride, chains; /**< `stride` points at first */
  double *depth, *value;
  double *factor; /**< stride x stride, row-major, lower: covariance = factor factor^T */
  double *chain;  /**< stride x chains: changes of the values in each jackknife sample */
  double *sample, *design, *target;
  size_t fewest; /**< chains at any depth */
} wmc_fit_problem;

/** `rows` and `columns`: room in design (rows x columns) and target (rows). WMC_DATA (message) if
 * the data cannot be used. */
wmc_status wmc_fit_problem_create(wmc_fit_problem *p, const wmc_fit_data *data, size_t rows,
                                  size_t columns);
void wmc_fit_problem_free(wmc_fit_problem *p);
/** v <- factor^-1 v and v <- factor^-T v, of length points. */
void wmc_fit_whiten(const wmc_fit_problem *p, double *v);
void wmc_fit_whiten_transposed(const wmc_fit_problem *p, double *v);
int wmc_fit_distinct_depths(const wmc_fit_problem *p);
/** Whether there are chains enough for jackknife errors. */
bool wmc_fit_has_chains(const wmc_fit_problem *p);
/** Value of term j of the form; `exponent` stands for the free one. */
double wmc_form_term(const wmc_form *form, int j, double depth, double exponent);
/** A fit of this form without any result. */
wmc_fit wmc_fit_blank(const wmc_form *form);
/** Set reach and share from the limit, and the quality where it was good but for them. */
void wmc_fit_judge_reach(const wmc_fit_problem *p, wmc_fit *fit);
/** WMC_DATA: the form needs more depths than there are. */
wmc_status wmc_fit_too_few(const wmc_fit_problem *p, const wmc_form *form);
/** Average over the named series, or over all (NULL), with their probabilities. */
wmc_status wmc_fit_series(wmc_fit_problem *p, const wmc_form *only, wmc_fit *fit);
/** Room that this needs in a problem. */
size_t wmc_fit_series_rows(size_t points);
