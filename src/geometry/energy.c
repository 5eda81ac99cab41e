#include "weylmc/geometry/energy.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"

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

wmc_status wmc_energy_create(int kind, const wmc_energy_data *data, wmc_energy *energy)
{
  size_t entries = (size_t)data->width * (size_t)data->width;
  *energy = (wmc_energy){.width = data->width};
  energy->quadratic = WMC_ARRAY(double, entries);
  energy->linear = WMC_ARRAY(double, entries);
  if (energy->quadratic == NULL || energy->linear == NULL) {
    wmc_energy_free(energy);
    return wmc_no_memory();
  }
  wmc_energies[kind].fill(data, energy);
  return WMC_OK;
}

void wmc_energy_free(wmc_energy *energy)
{
  wmc_free(energy->quadratic);
  wmc_free(energy->linear);
  energy->quadratic = energy->linear = NULL;
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

/* Cholesky with diagonal pivoting stops at the rank. */
int wmc_energy_rank(const wmc_energy *energy, double *scratch)
{
  const int d = energy->width;
  double *a = scratch, top = 0;
  memcpy(a, energy->quadratic, (size_t)d * (size_t)d * sizeof *a);
  for (int i = 0; i < d; i++) top = fmax(top, a[i * d + i]);
  for (int rank = 0; rank < d; rank++) {
    int pivot = 0;
    for (int i = 1; i < d; i++)
      if (a[i * d + i] > a[pivot * d + pivot]) pivot = i;
    double p = a[pivot * d + pivot];
    if (!(p > 1e-12 * top)) return rank;
    for (int j = 0; j < d; j++)
      for (int i = 0; i < d; i++)
        if (i != pivot && j != pivot) a[j * d + i] -= a[pivot * d + i] * a[pivot * d + j] / p;
    for (int i = 0; i < d; i++) a[pivot * d + i] = a[i * d + pivot] = 0;
  }
  return d;
}
