/* What an energy with a mask adds: its share sum M_ij X_ij^2 / 2 is no function of diagonals in the
 * frame of X, so X itself is kept and every move costs O(rows columns); docs/theory/balanced.md,
 * section 5. */
#include "balanced.h"

double wmc_balanced_mask_square(const wmc_balanced *chain)
{
  double sum = 0;
  if (chain->matrix == NULL) return 0;
  for (int k = 0; k < chain->rows * chain->columns; k++)
    sum += chain->energy.mask[k] * chain->matrix[k] * chain->matrix[k];
  return sum;
}

wmc_line wmc_balanced_mask_line(const wmc_balanced *chain, int k)
{
  const int m = chain->rows, n = chain->columns;
  const double *u = chain->u + k * m, *v = chain->v + k * n;
  const double *mask = chain->energy.mask, *x = chain->matrix;
  wmc_line line = {0, 0};
  for (int j = 0; j < n; j++, mask += m, x += m) {
    double slope = 0, curvature = 0;
    for (int i = 0; i < m; i++) {
      slope += mask[i] * x[i] * u[i];
      curvature += mask[i] * u[i] * u[i];
    }
    line.slope += v[j] * slope;
    line.curvature += v[j] * v[j] * curvature;
  }
  return line;
}

void wmc_balanced_shift_matrix(wmc_balanced *chain, int k, double shift)
{
  const int m = chain->rows, n = chain->columns;
  for (int j = 0; j < n; j++) {
    const double factor = shift * chain->v[k * n + j];
    for (int i = 0; i < m; i++) chain->matrix[j * m + i] += factor * chain->u[k * m + i];
  }
}

/* Turning columns i and j adds [u_i u_j] K [v_i v_j]^T to X; columns that are not there count as
 * any others, since their entries of K are 0. */
typedef struct turned {
  double ii, ij, ji, jj; /* K */
  const double *ui, *uj, *vi, *vj;
} turned;

static turned turn_of(const wmc_balanced *chain, int i, int j, const double a[2], const double b[2])
{
  const int m = chain->rows, n = chain->columns;
  const double si = chain->x.sigma[i], sj = j < chain->x.rank ? chain->x.sigma[j] : 0;
  return (turned){.ii = si * a[0] * b[0] + sj * a[1] * b[1] - si,
                  .ij = si * a[0] * b[1] - sj * a[1] * b[0],
                  .ji = si * a[1] * b[0] - sj * a[0] * b[1],
                  .jj = si * a[1] * b[1] + sj * a[0] * b[0] - sj,
                  .ui = chain->u + i * m,
                  .uj = chain->u + (j < m ? j : i) * m,
                  .vi = chain->v + i * n,
                  .vj = chain->v + (j < n ? j : i) * n};
}

double wmc_balanced_mask_turn(const wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2])
{
  const turned t = turn_of(chain, i, j, a, b);
  const double *mask = chain->energy.mask, *x = chain->matrix;
  double sum = 0;
  for (int c = 0; c < chain->columns; c++, mask += chain->rows, x += chain->rows) {
    const double on_i = t.ii * t.vi[c] + t.ij * t.vj[c], on_j = t.ji * t.vi[c] + t.jj * t.vj[c];
    for (int k = 0; k < chain->rows; k++) {
      double change = on_i * t.ui[k] + on_j * t.uj[k];
      sum += mask[k] * change * (x[k] + 0.5 * change);
    }
  }
  return sum;
}

void wmc_balanced_turn_matrix(wmc_balanced *chain, int i, int j, const double a[2],
                              const double b[2])
{
  const turned t = turn_of(chain, i, j, a, b);
  double *x = chain->matrix;
  for (int c = 0; c < chain->columns; c++, x += chain->rows) {
    const double on_i = t.ii * t.vi[c] + t.ij * t.vj[c], on_j = t.ji * t.vi[c] + t.jj * t.vj[c];
    for (int k = 0; k < chain->rows; k++) x[k] += on_i * t.ui[k] + on_j * t.uj[k];
  }
}
