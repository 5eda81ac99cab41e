#include "weylmc/geometry/energy.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/vector.h"

static double target_entry(const wmc_energy_data *data, int i, int j)
{
  if (data->target) return data->target[i * data->columns + j];
  return data->diag && i == j ? data->diag[i] : 0;
}

static double imaginary_entry(const wmc_energy_data *data, int i, int j)
{
  return data->imaginary ? data->imaginary[i * data->columns + j] : 0;
}

static double mask_entry(const wmc_energy_data *data, int i, int j)
{
  return data->mask ? data->mask[i * data->columns + j] : i == j;
}

static void add_frobenius(const wmc_energy_data *data, double weight, wmc_energy *energy)
{
  for (int i = 0; i < data->columns; i++) energy->quadratic[i * data->columns + i] += weight;
}

static void add_target(const wmc_energy_data *data, double weight, wmc_energy *energy)
{
  add_frobenius(data, weight, energy);
  for (int j = 0; j < data->columns; j++)
    for (int i = 0; i < data->rows; i++) {
      double phi = target_entry(data, i, j), psi = imaginary_entry(data, i, j);
      energy->linear[j * data->rows + i] += weight * phi;
      energy->linear_imaginary[j * data->rows + i] += weight * psi;
      energy->constant += 0.5 * weight * (phi * phi + psi * psi);
    }
}

static void add_completion(const wmc_energy_data *data, double weight, wmc_energy *energy)
{
  for (int j = 0; j < data->columns; j++)
    for (int i = 0; i < data->rows; i++) {
      const double seen = weight * mask_entry(data, i, j);
      const double phi = target_entry(data, i, j), psi = imaginary_entry(data, i, j);
      energy->mask[j * data->rows + i] += seen;
      energy->linear[j * data->rows + i] += seen * phi;
      energy->linear_imaginary[j * data->rows + i] += seen * psi;
      energy->constant += 0.5 * seen * (phi * phi + psi * psi);
    }
}

static void add_regression(const wmc_energy_data *data, double weight, wmc_energy *energy)
{
  const int n = data->columns, m = data->rows;
  const double each = weight / (double)data->samples;
  for (size_t k = 0; k < data->samples; k++) {
    const double *x = data->inputs + k * (size_t)n, *y = data->labels + k * (size_t)m;
    for (int j = 0; j < n; j++) {
      for (int i = 0; i < n; i++) energy->quadratic[j * n + i] += each * x[i] * x[j];
      for (int i = 0; i < m; i++) energy->linear[j * m + i] += each * y[i] * x[j];
    }
    for (int i = 0; i < m; i++) energy->constant += 0.5 * each * y[i] * y[i];
  }
}

static void add_decay(const wmc_energy_data *data, double weight, wmc_energy *energy)
{
  (void)data;
  energy->decay += weight;
}

const wmc_energy_kind wmc_energies[] = {
    {"frobenius", "|X|^2 / 2", true, add_frobenius},
    {"target", "|X - Phi|^2 / 2 for a given matrix Phi", false, add_target},
    {"completion", "sum over observed entries of (X - Phi)^2 / 2", false, add_completion},
    {"regression", "mean over samples of |X x - y|^2 / 2", false, add_regression},
    {"decay", "|W|^2 / 2 of the layers", true, add_decay},
    {NULL, NULL, false, NULL}};

/* Eigenvalues of C that count as positive. */
static double least_curvature(const wmc_energy *energy)
{
  return 1e-12 * energy->curvature[0][energy->columns - 1];
}

/* R = curvature^{-1/2} axes^T, X* = B R^T R, in the directions that C sees */
static void find_minimiser(wmc_energy *energy)
{
  const int n = energy->columns, m = energy->rows;
  const double *c = energy->curvature[0], least = least_curvature(energy);
  for (int k = 0; k < n; k++) {
    const double *e = energy->axes[0] + k * n;
    if (!(c[k] > least)) continue;
    for (int j = 0; j < n; j++) energy->spread[j * n + k] = e[j] / sqrt(c[k]);
    for (int i = 0; i < m; i++) {
      double along = 0;
      for (int j = 0; j < n; j++) along += energy->linear[j * m + i] * e[j];
      for (int j = 0; j < n; j++) energy->minimiser[j * m + i] += along / c[k] * e[j];
    }
  }
}

/* C and X* C X*^T = X* B^T by axes */
static wmc_status find_axes(wmc_energy *energy)
{
  const int n = energy->columns, m = energy->rows;
  double *left = energy->axes[1];
  memcpy(energy->axes[0], energy->quadratic, (size_t)n * (size_t)n * sizeof *left);
  WMC_TRY(wmc_symmetric_eigen(n, energy->axes[0], energy->curvature[0]));
  find_minimiser(energy);
  for (int j = 0; j < m; j++)
    for (int i = 0; i < m; i++)
      for (int k = 0; k < n; k++)
        left[j * m + i] += energy->minimiser[k * m + i] * energy->linear[k * m + j];
  return wmc_symmetric_eigen(m, left, energy->curvature[1]);
}

static void find_entrywise_minimiser(wmc_energy *energy)
{
  const double single = energy->quadratic[0];
  for (int k = 0; k < energy->rows * energy->columns; k++) {
    const double weight = single + energy->mask[k];
    energy->minimiser[k] = weight > 0 ? energy->linear[k] / weight : 0;
  }
}

/* What the terms left: products with what is zero, or a number, can be spared. */
static void find_structure(wmc_energy *energy)
{
  const int n = energy->columns, entries = energy->rows * n;
  energy->plain = energy->centred = true;
  for (int k = 0; k < n * n; k++)
    energy->plain &= energy->quadratic[k] == (k % (n + 1) == 0 ? energy->quadratic[0] : 0);
  for (int k = 0; k < entries; k++) {
    energy->centred &= energy->linear[k] == 0 && energy->linear_imaginary[k] == 0;
    energy->masked |= energy->mask[k] != 0;
  }
}

static wmc_status allocate(wmc_energy *energy)
{
  const size_t m = (size_t)energy->rows, n = (size_t)energy->columns;
  const struct {
    double **array;
    size_t size;
  } parts[] = {{&energy->quadratic, n * n},
               {&energy->linear, m * n},
               {&energy->mask, m * n},
               {&energy->target, m * n},
               {&energy->target_imaginary, m * n},
               {&energy->linear_imaginary, m * n},
               {&energy->minimiser, m * n},
               {&energy->spread, n * n},
               {&energy->axes[0], n * n},
               {&energy->axes[1], m * m},
               {&energy->curvature[0], n},
               {&energy->curvature[1], m}};
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
    if ((*parts[k].array = WMC_ARRAY(double, parts[k].size)) == NULL) return wmc_no_memory();
  return WMC_OK;
}

static void add_terms(const wmc_energy_data *data, wmc_energy *energy)
{
  for (int k = 0; k < WMC_ENERGY_TERMS; k++)
    if (data->coefficient[k] > 0) wmc_energies[k].add(data, data->coefficient[k], energy);
  for (int j = 0; j < data->columns; j++)
    for (int i = 0; i < data->rows; i++) {
      energy->target[j * data->rows + i] = target_entry(data, i, j);
      energy->target_imaginary[j * data->rows + i] = imaginary_entry(data, i, j);
      energy->aimed |= target_entry(data, i, j) != 0 || imaginary_entry(data, i, j) != 0;
    }
}

wmc_status wmc_energy_create(const wmc_energy_data *data, wmc_energy *energy)
{
  *energy = (wmc_energy){.rows = data->rows, .columns = data->columns};
  wmc_status status = allocate(energy);
  if (status == WMC_OK) {
    add_terms(data, energy);
    find_structure(energy);
    status = find_axes(energy);
    if (wmc_energy_is_entrywise(energy)) find_entrywise_minimiser(energy);
  }
  if (status != WMC_OK) wmc_energy_free(energy);
  return status;
}

void wmc_energy_free(wmc_energy *energy)
{
  wmc_free(energy->quadratic);
  wmc_free(energy->linear);
  wmc_free(energy->mask);
  wmc_free(energy->target);
  wmc_free(energy->target_imaginary);
  wmc_free(energy->linear_imaginary);
  wmc_free(energy->minimiser);
  wmc_free(energy->spread);
  for (int side = 0; side < 2; side++) {
    wmc_free(energy->axes[side]);
    wmc_free(energy->curvature[side]);
  }
  *energy = (wmc_energy){.rows = energy->rows, .columns = energy->columns};
}

/* tr(X C X^T) */
static double square_form(const wmc_energy *energy, const double *x)
{
  const int n = energy->columns, m = energy->rows;
  if (energy->plain) return energy->quadratic[0] * wmc_dot(m * n, x, x);
  double sum = 0;
  for (int j = 0; j < n; j++) {
    sum += energy->quadratic[j * n + j] * wmc_dot(m, x + j * m, x + j * m);
    for (int k = 0; k < j; k++)
      sum += 2 * energy->quadratic[j * n + k] * wmc_dot(m, x + j * m, x + k * m);
  }
  return sum;
}

double wmc_energy_value(const wmc_energy *energy, const double *x)
{
  const int entries = energy->rows * energy->columns;
  double twice = square_form(energy, x);
  for (int k = 0; energy->masked && k < entries; k++) twice += energy->mask[k] * x[k] * x[k];
  return 0.5 * twice - wmc_dot(entries, energy->linear, x) + energy->constant;
}

void wmc_energy_gradient(const wmc_energy *energy, const double *x, double *gradient)
{
  const int n = energy->columns, m = energy->rows;
  const double single = energy->plain ? energy->quadratic[0] : 0;
  for (int k = 0; k < m * n; k++)
    gradient[k] = (single + energy->mask[k]) * x[k] - energy->linear[k];
  for (int j = 0; !energy->plain && j < n; j++)
    for (int k = 0; k < n; k++) {
      const double c = energy->quadratic[j * n + k];
      for (int i = 0; i < m; i++) gradient[j * m + i] += c * x[k * m + i];
    }
}

/* What the imaginary part of X sees. */
static wmc_energy imaginary_part(const wmc_energy *energy)
{
  wmc_energy part = *energy;
  part.linear = energy->linear_imaginary;
  part.constant = 0;
  return part;
}

double wmc_energy_complex_value(const wmc_energy *energy, const double *re, const double *im)
{
  const wmc_energy part = imaginary_part(energy);
  return wmc_energy_value(energy, re) + wmc_energy_value(&part, im);
}

void wmc_energy_complex_gradient(const wmc_energy *energy, const double *re, const double *im,
                                 double *gradient_re, double *gradient_im)
{
  const wmc_energy part = imaginary_part(energy);
  wmc_energy_gradient(energy, re, gradient_re);
  wmc_energy_gradient(&part, im, gradient_im);
}

double wmc_energy_decay(const wmc_energy *energy, const wmc_spectrum *spectrum)
{
  const double clock = isinf(spectrum->depth) ? 1 : spectrum->depth;
  return 0.5 * energy->decay * clock * wmc_sum(spectrum->rank, spectrum->lambda2);
}

double wmc_energy_decay_virial(const wmc_energy *energy, const wmc_spectrum *spectrum)
{
  if (isinf(spectrum->depth)) return energy->decay * spectrum->rank;
  return energy->decay * wmc_sum(spectrum->rank, spectrum->lambda2);
}

bool wmc_energy_is_bi_invariant(const wmc_energy *energy)
{
  return energy->plain && energy->centred && !energy->masked;
}

int wmc_energy_rank(const wmc_energy *energy)
{
  int rank = 0;
  for (int k = 0; k < energy->columns; k++)
    rank += energy->curvature[0][k] > least_curvature(energy);
  return rank;
}

bool wmc_energy_is_entrywise(const wmc_energy *energy) { return energy->plain && energy->masked; }

bool wmc_energy_is_gaussian(const wmc_energy *energy)
{
  return !energy->masked && wmc_energy_rank(energy) == energy->columns;
}
