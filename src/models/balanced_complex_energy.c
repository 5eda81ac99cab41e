/* What energies see of a complex X: V^* C V where C is no multiple of 1, X itself where entries are
 * masked; docs/theory/equivariant.md, eqs. (E5), (E16), (E17). */
#include <math.h>
#include <string.h>

#include "balanced_complex.h"

static double square(wmc_complex z) { return creal(z) * creal(z) + cimag(z) * cimag(z); }

double wmc_unitary_weight(const wmc_balanced *chain, int k)
{
  const wmc_complex *h = chain->unitary->h;
  return h ? creal(h[k * (chain->columns + 1)]) : chain->energy.quadratic[0];
}

/* X = U_r diag(sigma) V_r^* */
void wmc_unitary_matrix(const wmc_balanced *chain, const double *sigma, const wmc_complex *u,
                        const wmc_complex *v, wmc_complex *x)
{
  const int m = chain->rows, n = chain->columns;
  memset(x, 0, (size_t)(m * n) * sizeof *x);
  for (int j = 0; j < n; j++)
    for (int k = 0; k < chain->x.rank; k++) {
      const wmc_complex factor = sigma[k] * conj(v[k * n + j]);
      for (int i = 0; i < m; i++) x[j * m + i] += u[k * m + i] * factor;
    }
}

/* --- G, H and X ------------------------------------------------------------------------------ */

/* out = U^* Y V for Y and out m x n. */
static void into_frames(const wmc_balanced *chain, const wmc_complex *u, const wmc_complex *y,
                        const wmc_complex *v, wmc_complex *out, wmc_complex *right)
{
  const int m = chain->rows, n = chain->columns;
  memset(right, 0, (size_t)(m * n) * sizeof *right);
  for (int j = 0; j < n; j++)
    for (int l = 0; l < n; l++)
      for (int i = 0; i < m; i++) right[j * m + i] += y[l * m + i] * v[j * n + l];
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      wmc_complex sum = 0;
      for (int l = 0; l < m; l++) sum += conj(u[i * m + l]) * right[j * m + l];
      out[j * m + i] = sum;
    }
}

/* H = V^* C V with a real C */
static void project_weights(const wmc_balanced *chain)
{
  const wmc_unitary *f = chain->unitary;
  const int n = chain->columns;
  for (int j = 0; j < n; j++)
    for (int i = 0; i <= j; i++) {
      wmc_complex sum = 0;
      for (int l = 0; l < n; l++)
        for (int k = 0; k < n; k++)
          sum += conj(f->v[i * n + k]) * chain->energy.quadratic[l * n + k] * f->v[j * n + l];
      f->h[j * n + i] = sum;
      f->h[i * n + j] = conj(sum);
    }
}

void wmc_unitary_project(wmc_balanced *chain)
{
  const wmc_unitary *f = chain->unitary;
  into_frames(chain, f->u, f->linear, f->v, f->g, f->scratch);
  if (f->h) project_weights(chain);
  if (f->x) wmc_unitary_matrix(chain, chain->x.sigma, f->u, f->v, f->x);
  for (int k = 0; k < chain->x.rank; k++) f->tilt[k] = creal(f->g[k * (chain->rows + 1)]);
}

/* --- Forces ---------------------------------------------------------------------------------- */

void wmc_unitary_find_force(const wmc_balanced *chain, const double *sigma, const wmc_complex *u,
                            const wmc_complex *v, wmc_complex *force, wmc_complex *scratch)
{
  const wmc_energy *energy = &chain->energy;
  const int m = chain->rows, n = chain->columns;
  const double single = energy->plain ? energy->quadratic[0] : 0;
  wmc_complex *x = scratch, *gradient = x + m * n, *right = gradient + m * n;
  if (chain->blind) {
    memset(force, 0, (size_t)(m * n) * sizeof *force);
    for (int k = 0; k < chain->x.rank; k++) force[k * (m + 1)] = single * sigma[k];
    return;
  }
  wmc_unitary_matrix(chain, sigma, u, v, x);
  for (int k = 0; k < m * n; k++)
    gradient[k] = (single + energy->mask[k]) * x[k] - chain->unitary->linear[k];
  for (int j = 0; !energy->plain && j < n; j++)
    for (int l = 0; l < n; l++)
      for (int i = 0; i < m; i++)
        gradient[j * m + i] += energy->quadratic[j * n + l] * x[l * m + i];
  into_frames(chain, u, gradient, v, force, right);
}

/* --- Masks ----------------------------------------------------------------------------------- */

double wmc_unitary_mask_square(const wmc_balanced *chain)
{
  const wmc_unitary *f = chain->unitary;
  double sum = 0;
  for (int k = 0; f->x && k < chain->rows * chain->columns; k++)
    sum += chain->energy.mask[k] * square(f->x[k]);
  return sum;
}

wmc_line wmc_unitary_mask_line(const wmc_balanced *chain, int k)
{
  const wmc_unitary *f = chain->unitary;
  const int m = chain->rows, n = chain->columns;
  wmc_line line = {0, 0};
  for (int j = 0; f->x && j < n; j++)
    for (int i = 0; i < m; i++) {
      const wmc_complex along = f->u[k * m + i] * conj(f->v[k * n + j]);
      const double mask = chain->energy.mask[j * m + i];
      line.slope += mask * creal(conj(along) * f->x[j * m + i]);
      line.curvature += mask * square(along);
    }
  return line;
}

/* X' - X = [u_i u_j] K [v_i v_j]^*, columns as they are before a turn; columns that are not there
 * count as any others, since their entries of K are 0. */
typedef struct change {
  wmc_complex ii, ij, ji, jj; /* K */
  const wmc_complex *ui, *uj, *vi, *vj;
} change;

static change change_of(const wmc_balanced *chain, int i, int j)
{
  const wmc_unitary *f = chain->unitary;
  const int m = chain->rows, n = chain->columns;
  return (change){.ui = f->u + i * m,
                  .uj = f->u + (j < m ? j : i) * m,
                  .vi = f->v + i * n,
                  .vj = f->v + (j < n ? j : i) * n};
}

static change change_by_turn(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b)
{
  change k = change_of(chain, i, j);
  const double si = chain->x.sigma[i], sj = j < chain->x.rank ? chain->x.sigma[j] : 0;
  k.ii = si * a->c * b->c + sj * conj(a->s) * b->s - si;
  k.ij = si * a->c * conj(b->s) - sj * conj(a->s) * b->c;
  k.ji = si * a->s * b->c - sj * a->c * b->s;
  k.jj = si * a->s * conj(b->s) + sj * a->c * b->c - sj;
  return k;
}

static wmc_complex change_at(const change *k, int row, int column)
{
  const wmc_complex vi = conj(k->vi[column]), vj = conj(k->vj[column]);
  return k->ui[row] * (k->ii * vi + k->ij * vj) + k->uj[row] * (k->ji * vi + k->jj * vj);
}

static double mask_change(const wmc_balanced *chain, const change *k)
{
  const wmc_complex *x = chain->unitary->x;
  const int m = chain->rows;
  double sum = 0;
  for (int j = 0; j < chain->columns; j++)
    for (int i = 0; i < m; i++) {
      const double mask = chain->energy.mask[j * m + i];
      if (mask == 0) continue;
      const wmc_complex by = change_at(k, i, j);
      sum += mask * creal(conj(by) * (x[j * m + i] + 0.5 * by));
    }
  return sum;
}

static void add_change(const wmc_balanced *chain, const change *k)
{
  for (int j = 0; j < chain->columns; j++)
    for (int i = 0; i < chain->rows; i++)
      chain->unitary->x[j * chain->rows + i] += change_at(k, i, j);
}

double wmc_unitary_mask_turn(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b)
{
  if (chain->unitary->x == NULL) return 0;
  const change k = change_by_turn(chain, i, j, a, b);
  return mask_change(chain, &k);
}

void wmc_unitary_turn_matrix(wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b)
{
  if (chain->unitary->x == NULL) return;
  const change k = change_by_turn(chain, i, j, a, b);
  add_change(chain, &k);
}

double wmc_unitary_mask_shift(const wmc_balanced *chain, int k, wmc_complex shift)
{
  change by = change_of(chain, k, k);
  by.ii = shift;
  return chain->unitary->x ? mask_change(chain, &by) : 0;
}

void wmc_unitary_shift_matrix(wmc_balanced *chain, int k, wmc_complex shift)
{
  change by = change_of(chain, k, k);
  by.ii = shift;
  if (chain->unitary->x) add_change(chain, &by);
}
