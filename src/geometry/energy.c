#include "weylmc/geometry/energy.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

static void fill_identity(wmc_energy *energy)
{
  for (int i = 0; i < energy->width; i++) energy->quadratic[i * energy->width + i] = 1;
  energy->plain = true;
}

static void fill_frobenius(const wmc_energy_data *data, wmc_energy *energy)
{
  (void)data;
  fill_identity(energy);
  energy->centred = true;
}

static void fill_target(const wmc_energy_data *data, wmc_energy *energy)
{
  const int d = data->width;
  fill_identity(energy);
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      double phi = data->target ? data->target[i * d + j] : (i == j ? data->diag[i] : 0);
      energy->linear[j * d + i] = phi;
      energy->constant += 0.5 * phi * phi;
    }
}

static void fill_regression(const wmc_energy_data *data, wmc_energy *energy)
{
  const int d = data->width;
  const double weight = 1.0 / (double)data->samples;
  for (size_t k = 0; k < data->samples; k++) {
    const double *x = data->inputs + k * (size_t)d, *y = data->labels + k * (size_t)d;
    for (int j = 0; j < d; j++)
      for (int i = 0; i < d; i++) {
        energy->quadratic[j * d + i] += weight * x[i] * x[j];
        energy->linear[j * d + i] += weight * y[i] * x[j];
      }
    for (int i = 0; i < d; i++) energy->constant += 0.5 * weight * y[i] * y[i];
  }
}

const wmc_energy_kind wmc_energies[] = {
    {"frobenius", "|X|^2 / 2", true, fill_frobenius},
    {"target", "|X - Phi|^2 / 2 for a given matrix Phi", false, fill_target},
    {"regression", "mean over samples of |X x - y|^2 / 2", false, fill_regression},
    {NULL, NULL, false, NULL}};

/* R = curvature^{-1/2} axes^T, X* = B R^T R */
static void find_minimiser(wmc_energy *energy)
{
  const int d = energy->width;
  const double *e = energy->axes[0], *c = energy->curvature[0];
  for (int k = 0; k < d; k++)
    for (int j = 0; j < d; j++) energy->spread[j * d + k] = e[k * d + j] / sqrt(c[k]);
  for (int i = 0; i < d; i++)
    for (int k = 0; k < d; k++) {
      double along = 0;
      for (int j = 0; j < d; j++) along += energy->linear[j * d + i] * e[k * d + j];
      for (int j = 0; j < d; j++) energy->minimiser[j * d + i] += along / c[k] * e[k * d + j];
    }
}

/* C and X* C X*^T = X* B^T by axes */
static wmc_status find_axes(wmc_energy *energy)
{
  const int d = energy->width;
  double *left = energy->axes[1];
  memcpy(energy->axes[0], energy->quadratic, (size_t)d * (size_t)d * sizeof *left);
  WMC_TRY(wmc_symmetric_eigen(d, energy->axes[0], energy->curvature[0]));
  find_minimiser(energy);
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++)
      for (int k = 0; k < d; k++)
        left[j * d + i] += energy->minimiser[k * d + i] * energy->linear[k * d + j];
  return wmc_symmetric_eigen(d, left, energy->curvature[1]);
}

wmc_status wmc_energy_create(int kind, const wmc_energy_data *data, wmc_energy *energy)
{
  const size_t width = (size_t)data->width, entries = width * width;
  *energy = (wmc_energy){.width = data->width};
  double **arrays[] = {&energy->quadratic,    &energy->linear,      &energy->minimiser,
                       &energy->spread,       &energy->axes[0],     &energy->axes[1],
                       &energy->curvature[0], &energy->curvature[1]};
  wmc_status status = WMC_OK;
  for (size_t k = 0; k < sizeof arrays / sizeof arrays[0] && status == WMC_OK; k++) {
    *arrays[k] = WMC_ARRAY(double, entries);
    if (*arrays[k] == NULL) status = wmc_no_memory();
  }
  if (status == WMC_OK) {
    wmc_energies[kind].fill(data, energy);
    status = find_axes(energy);
  }
  if (status != WMC_OK) wmc_energy_free(energy);
  return status;
}

void wmc_energy_free(wmc_energy *energy)
{
  wmc_free(energy->quadratic);
  wmc_free(energy->linear);
  wmc_free(energy->minimiser);
  wmc_free(energy->spread);
  for (int side = 0; side < 2; side++) {
    wmc_free(energy->axes[side]);
    wmc_free(energy->curvature[side]);
  }
  *energy = (wmc_energy){.width = energy->width};
}

/* (X C)_ij */
static double product_entry(const wmc_energy *energy, const double *x, int i, int j)
{
  const int d = energy->width;
  if (energy->plain) return x[j * d + i];
  double sum = 0;
  for (int k = 0; k < d; k++) sum += x[k * d + i] * energy->quadratic[j * d + k];
  return sum;
}

double wmc_energy_value(const wmc_energy *energy, const double *x)
{
  const int d = energy->width;
  double sum = energy->constant;
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++)
      sum += x[j * d + i] * (0.5 * product_entry(energy, x, i, j) - energy->linear[j * d + i]);
  return sum;
}

void wmc_energy_gradient(const wmc_energy *energy, const double *x, double *gradient)
{
  const int d = energy->width;
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++)
      gradient[j * d + i] = product_entry(energy, x, i, j) - energy->linear[j * d + i];
}

int wmc_energy_rank(const wmc_energy *energy)
{
  const int d = energy->width;
  int rank = 0;
  for (int k = 0; k < d; k++) rank += energy->curvature[0][k] > 1e-12 * energy->curvature[0][d - 1];
  return rank;
}
