/* Tridiagonal systems along a chain of matrices: the solution against the rows that define it. */
#include "weylmc/numeric/chain.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "weylmc/numeric/random.h"

enum { R = 13, ROWS = 9 };

Test(chain, solution_satisfies_its_rows)
{
  static double y[ROWS][R * R], x[ROWS][R * R], ratio[ROWS][R * R], zeros[R * R];
  double u[ROWS][R], l[ROWS + 1][R], m[ROWS + 1][R];
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, 17, 0), WMC_OK);
  for (int r = 1; r <= R; r++) {
    const size_t n = (size_t)(r * r);
    for (int p = 0; p <= ROWS; p++)
      for (int i = 0; i < r; i++) {
        l[p][i] = wmc_stream_uniform(stream);
        m[p][i] = wmc_stream_uniform(stream);
        if (p < ROWS) u[p][i] = 2 + wmc_stream_uniform(stream);
      }
    for (int p = 0; p < ROWS; p++) {
      wmc_stream_normals(stream, n, 1, y[p]);
      memcpy(x[p], y[p], sizeof y[p]);
      const wmc_chain_row row = {u[p], l[p], m[p], l[p + 1], m[p + 1]};
      wmc_chain_eliminate(r, &row, p > 0 ? ratio[p - 1] : zeros, p > 0 ? x[p - 1] : zeros, ratio[p],
                          x[p]);
    }
    for (int p = ROWS - 2; p >= 0; p--) wmc_chain_substitute(n, ratio[p], x[p + 1], x[p]);
    for (int p = 0; p < ROWS; p++)
      for (int k = 0; k < r * r; k++) {
        const int i = k % r, j = k / r;
        double left = (u[p][i] + u[p][j]) * x[p][k];
        if (p > 0) left -= (l[p][i] * m[p][j] + l[p][j] * m[p][i]) * x[p - 1][k];
        if (p + 1 < ROWS)
          left -= (l[p + 1][i] * m[p + 1][j] + l[p + 1][j] * m[p + 1][i]) * x[p + 1][k];
        cr_expect_lt(fabs(left - y[p][k]), 1e-13 * (1 + fabs(y[p][k])), "r=%d", r);
      }
  }
  wmc_stream_destroy(stream);
}

Test(chain, differences_and_squares)
{
  double a[70], b[70], out[70];
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, 18, 0), WMC_OK);
  for (size_t n = 1; n <= 70; n++) {
    double largest = 0, sum = 0;
    wmc_stream_normals(stream, n, 1, a);
    wmc_stream_normals(stream, n, 1, b);
    const double found = wmc_chain_subtract(n, a, b, out);
    for (size_t k = 0; k < n; k++) {
      cr_expect_eq(out[k], a[k] - b[k]);
      largest = fmax(largest, fabs(a[k] - b[k]));
      sum += a[k] * a[k];
    }
    cr_expect_eq(found, largest);
    cr_expect_lt(fabs(wmc_chain_norm2(n, a) - sum), 1e-13 * sum);
  }
  wmc_stream_destroy(stream);
}
