/* The table of forms, and their basis functions. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "fit_problem.h"

/* Coefficients after the limit: powers of 1/N, and which of them come with log N. */
#define INTEGERS                                                                                   \
  {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}, { 6, 0 }
#define HALVES                                                                                     \
  {1.5, 0}, { 2.5, 0 }
#define LOGS                                                                                       \
  {1.5, 1}, {2, 1}, {2.5, 1}, { 3, 1 }
#define SQUARED_LOGS(power)                                                                        \
  {power, 0}, {power, 1}, { power, 2 }

const wmc_form wmc_forms[] = {
    {.name = "linear",
     .formula = "a + b/N",
     .text = "leading correction of an analytic limit",
     .parameters = 2,
     .linear = 2,
     .term = {{0, 0}, {1, 0}}},
    {.name = "quadratic",
     .formula = "a + b/N + c/N^2",
     .text = "analytic limit, two corrections",
     .parameters = 3,
     .linear = 3,
     .term = {{0, 0}, {1, 0}, {2, 0}}},
    {.name = "cubic",
     .formula = "a + b/N + c/N^2 + d/N^3",
     .text = "analytic limit, three corrections",
     .parameters = 4,
     .linear = 4,
     .term = {{0, 0}, {1, 0}, {2, 0}, {3, 0}}},
    {.name = "root",
     .formula = "a + b/N + c N^-3/2",
     .text = "limit that loses one singular value of two",
     .parameters = 3,
     .linear = 3,
     .term = {{0, 0}, {1, 0}, {1.5, 0}}},
    {.name = "power",
     .formula = "a + b N^-p",
     .text = "one correction with an exponent of its own",
     .parameters = 3,
     .linear = 2,
     .exponent = true,
     .term = {{0, 0}, {NAN, 0}}},
    {.name = "analytic",
     .formula = "a + b/N + powers of 1/N",
     .text = "limit of full rank",
     .parameters = 2,
     .linear = 7,
     .kind = WMC_FORM_CANDIDATE,
     .term = {{0, 0}, INTEGERS}},
    {.name = "boundary",
     .formula = "a + b/N + powers of N^-1/2 and log N",
     .text = "limit where the smallest layer singular value reaches 0 (no hidden excess)",
     .parameters = 2,
     .linear = 13,
     .kind = WMC_FORM_CANDIDATE,
     .term = {{0, 0}, INTEGERS, HALVES, LOGS}},
    {.name = "half",
     .formula = "a + b N^-1/2 + powers of N^-1/2 and log N",
     .text = "limit of a chain with a normalisation that is singular in 3 dimensions",
     .parameters = 2,
     .linear = 13,
     .kind = WMC_FORM_SERIES,
     .term = {{0, 0}, SQUARED_LOGS(0.5), SQUARED_LOGS(1), SQUARED_LOGS(1.5), SQUARED_LOGS(2)}},
    {.name = "logarithmic",
     .formula = "a + b/N + powers of 1/N and log N",
     .text = "limit of a chain with a normalisation that is singular in 4 dimensions",
     .parameters = 2,
     .linear = 10,
     .kind = WMC_FORM_SERIES,
     .term = {{0, 0}, SQUARED_LOGS(1), SQUARED_LOGS(2), SQUARED_LOGS(3)}},
    {.name = NULL}};

const wmc_form *wmc_form_find(const char *name)
{
  for (const wmc_form *form = wmc_forms; form->name != NULL; form++)
    if (strcmp(form->name, name) == 0) return form;
  return NULL;
}

double wmc_form_term(const wmc_form *form, int j, double depth, double exponent)
{
  double power = isnan(form->term[j].power) ? exponent : form->term[j].power;
  double value = pow(depth, -power);
  return form->term[j].logarithms && !isinf(depth)
             ? value * pow(log(depth), form->term[j].logarithms)
             : value;
}

wmc_fit wmc_fit_blank(const wmc_form *form)
{
  wmc_fit fit = {.form = form, .probability = NAN, .aicc = NAN, .rival_limit = NAN, .spread = NAN};
  for (int j = 0; j < WMC_FIT_PARAMETERS; j++) fit.value[j] = fit.error[j] = NAN;
  return fit;
}

double wmc_fit_curve(const wmc_fit *fit, double depth)
{
  double sum = 0;
  const wmc_form *form = fit->form;
  assert(form->kind == WMC_FORM_SQUARES);
  for (int j = 0; j < form->linear; j++)
    sum += fit->value[j] * wmc_form_term(form, j, depth, fit->value[form->parameters - 1]);
  return sum;
}
