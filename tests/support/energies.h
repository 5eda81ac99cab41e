/** @file energies.h  Random data for each kind of energy of the model balanced. */
#pragma once
#include "parameters.h"
#include "streams.h"
#include "weylmc/geometry/energy.h"

enum { TEST_LONG = 5 /* most rows and columns */, TEST_SAMPLES = 11 };

static inline void test_give_normals(const test_parameters *deck, const char *name, int rows,
                                     int columns, wmc_stream *s)
{
  double data[TEST_SAMPLES * TEST_LONG];
  wmc_stream_normals(s, (size_t)(rows * columns), 1, data);
  test_give_matrix(deck, name, (size_t)rows, (size_t)columns, data);
}

static inline void test_give_mask(const test_parameters *deck, int rows, int columns, wmc_stream *s)
{
  double mask[TEST_LONG * TEST_LONG];
  for (int k = 0; k < rows * columns; k++) mask[k] = k == 0 || wmc_stream_uniform(s) < 0.5;
  test_give_matrix(deck, "energy.mask", (size_t)rows, (size_t)columns, mask);
}

/** The sum of all comes after the terms. */
enum { TEST_SUM = WMC_ENERGY_TERMS, TEST_ENERGIES };

static inline void test_give_energy(const test_parameters *deck, int kind, int rows, int columns,
                                    wmc_stream *s)
{
  const char *const names[] = {"energy.frobenius", "energy.target", "energy.completion",
                               "energy.regression", "energy.decay"};
  test_give(deck, "energy.kind", kind == TEST_SUM ? "sum" : wmc_energies[kind].name);
  for (int k = 0; kind == TEST_SUM && k < WMC_ENERGY_TERMS; k++)
    test_give_number(deck, names[k], 0.2 + 0.1 * k);
  if (kind == WMC_ENERGY_TARGET || kind == WMC_ENERGY_COMPLETION || kind == TEST_SUM)
    test_give_normals(deck, "energy.matrix", rows, columns, s);
  if (kind == WMC_ENERGY_COMPLETION || kind == TEST_SUM) test_give_mask(deck, rows, columns, s);
  if (kind == WMC_ENERGY_REGRESSION || kind == TEST_SUM) {
    test_give_normals(deck, "energy.inputs", TEST_SAMPLES, columns, s);
    test_give_normals(deck, "energy.labels", TEST_SAMPLES, rows, s);
  }
}
