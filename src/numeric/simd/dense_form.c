/* Transposes, and the real form of complex numbers nearest to a matrix: see dense.h. */
#include "chain_matrix.h"
#include "dense_kernels.h"

void WMC_SIMD_NAME(wmc_transpose_all)(int m, int n, const double *a, double *out)
{
  if (m == 4 && n == 4)
    turn(4, a, out);
  else if (m == 8 && n == 8)
    turn(8, a, out);
  else
    transpose(m, n, a, m, out, n);
}

/* The nearest pair z, i z to a column and another one times `sign`: the mean of the first and
 * -i times the second. How far entries of the first move, as those of the second do. */
INLINE vec nearest(vec sign, vec *column, vec *turned)
{
  vec even;
  for (int l = 0; l < LANES; l += 2) even[l] = 1, even[l + 1] = -1;
  const vec before = *column;
  *column = multiply_add(0.5 * even * sign, pairs_swapped(*turned), 0.5 * before);
  *turned = pairs_swapped(even * *column);
  return absolute(before - *column);
}

INLINE vec all_nearest(int rows, int columns, const double *signs, double *x)
{
  vec most = {0};
  for (int j = 0; j < columns; j += 2, x += 2 * (size_t)rows) {
    const vec sign = all(signs ? signs[j / 2] : 1);
    double *second = x + rows;
    int i = 0;
    for (; i + LANES <= rows; i += LANES) {
      vec column = load(x + i), turned = load(second + i);
      most = larger(nearest(sign, &column, &turned), most);
      store(x + i, column);
      store(second + i, turned);
    }
    if (i == rows) continue;
    vec column = part_load(x + i, rows - i), turned = part_load(second + i, rows - i);
    most = larger(nearest(sign, &column, &turned), most);
    part_store(x + i, column, rows - i);
    part_store(second + i, turned, rows - i);
  }
  return most;
}

double WMC_SIMD_NAME(wmc_form_nearest)(int rows, int columns, int count, size_t distance,
                                       const double *signs, double *x)
{
  vec most = {0};
  for (int k = 0; k < count; k++, x += distance)
    most = larger(rows == 8 && columns == 8 ? all_nearest(8, 8, signs, x)
                                            : all_nearest(rows, columns, signs, x),
                  most);
  return largest_in(most);
}
