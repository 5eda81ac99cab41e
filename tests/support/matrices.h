/** @file matrices.h  Random matrices of tests of dense.h, column-major, and their products in long
 * double. Matrices are owned by the caller. */
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "weylmc/base/memory.h"

static uint64_t test_generator = 20260101;

/** Uniform on (0,1): splitmix64. */
static inline double test_uniform(void)
{
  uint64_t z = (test_generator += 0x9e3779b97f4a7c15u);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static inline double test_normal(void)
{
  return sqrt(-2 * log(test_uniform())) * cos(6.283185307179586 * test_uniform());
}

static inline double *test_random_matrix(int m, int n)
{
  double *a = WMC_ARRAY(double, m *n);
  for (int i = 0; i < m * n; i++) a[i] = test_normal();
  return a;
}

static inline double *test_copy_of_matrix(const double *a, int size)
{
  double *b = WMC_ARRAY(double, size);
  memcpy(b, a, (size_t)size * sizeof *b);
  return b;
}

/** sum_k A_ik B_kj (or A_ki B_kj when transposed) in long double. */
static inline long double test_entry_of_product(const double *a, const double *b, int i, int j,
                                                int k, int lda, bool transposed)
{
  long double sum = 0;
  for (int l = 0; l < k; l++)
    sum += (long double)(transposed ? a[l + i * lda] : a[i + l * lda]) * b[l + j * k];
  return sum;
}

static inline double test_largest(int size, const double *a)
{
  double most = 0;
  for (int i = 0; i < size; i++) most = fmax(most, fabs(a[i]));
  return most;
}

/** max |A^T A - 1| for the n columns of A. */
static inline double test_orthogonality_defect(int m, int n, const double *a)
{
  double most = 0;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++)
      most = fmax(most, fabs((double)(test_entry_of_product(a, a, i, j, m, m, true) - (i == j))));
  return most;
}
