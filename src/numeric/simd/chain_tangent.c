/* Gaussian tangent vectors of a balanced chain: see wmc_chain_tangent in chain.h.
 *
 * With rho = min(l_i, l_j) / max(l_i, l_j) and t_p = 1 + rho^2 + ... + rho^{2(p-1)} the pivots of
 * the tridiagonal matrix of a pair are 2 max^2 t_{p+1} / t_p, so that nothing is divided along the
 * chain. */
#include <math.h>
#include <string.h>

#include "chain_kernels.h"
#include "chain_matrix.h"

INLINE int padded_pairs(int r) { return (r * (r - 1) / 2 + 7) / 8 * 8; }

/* l_i and l_j of all pairs, 1 and 0 behind them. */
INLINE void place_pairs(int r, const double *lambda, double *large, double *small)
{
  int k = 0;
  for (int j = 1; j < r; j++)
    for (int i = 0; i < j; i++, k++) {
      large[k] = lambda[i];
      small[k] = lambda[j];
    }
  for (; k < padded_pairs(r); k++) {
    large[k] = 1;
    small[k] = 0;
  }
}

INLINE void sum_powers(int r, int n, const double *lambda, double *sums)
{
  const int width = padded_pairs(r);
  double *large = sums + (ptrdiff_t)n * width, *small = large + width;
  place_pairs(r, lambda, large, small);
  for (int k = 0; k < width; k += LANES) {
    const vec rho = load(small + k) / load(large + k);
    vec sum = all(1);
    for (int p = 0; p < n; p++) {
      store(sums + (ptrdiff_t)p * width + k, sum);
      sum = multiply_add(rho * rho, sum, all(1));
    }
  }
}

/* --- Vertical part ---------------------------------------------------------------------------- */

/* a_p, p = 1 .. n - 1, rows of padded pairs, from contiguous rows of normals: a_p = t_p z_p,
 * z_p = normal / (2 max^2 t_p t_{p+1})^{1/2} + rho z_{p+1}. */
INLINE void solve_pairs(int r, int n, const double *lambda, const double *normals, double scale,
                        const double *sums, double *a, double *scratch)
{
  const int width = padded_pairs(r), pairs = r * (r - 1) / 2;
  double *large = scratch, *small = scratch + width;
  place_pairs(r, lambda, large, small);
  for (int k = 0; k < width; k += LANES) {
    const vec inverse = 1 / load(large + k);
    const vec ratio = load(small + k) * inverse, size = (scale * sqrt(0.5)) * inverse;
    vec after = {0};
    for (int p = n - 1; p >= 1; p--) {
      const vec t = load(sums + (ptrdiff_t)(p - 1) * width + k),
                next = load(sums + (ptrdiff_t)p * width + k);
      const vec normal = load(normals + (ptrdiff_t)(p - 1) * pairs + k);
      after = multiply_add(ratio, after, size * normal / root(t * next));
      store(a + (ptrdiff_t)(p - 1) * width + k, t * after);
    }
  }
}

/* out = the antisymmetric matrix of a row of pairs */
INLINE void expand(int r, const double *row, double *out)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512d pairs = _mm512_loadu_pd(row);
    const __m512i first = _mm512_set_epi64(4, 2, 0, 0, 3, 1, 0, 0);
    const __m512i last = _mm512_set_epi64(0, 5, 4, 3, 5, 0, 2, 1);
    const vec down = (vec)_mm512_maskz_permutexvar_pd(0xde, first, pairs);
    const vec up = (vec)_mm512_maskz_permutexvar_pd(0x7b, last, pairs);
    const vec signs = {0, -1, -1, -1, 1, 0, -1, -1}, others = {1, 1, 0, -1, 1, 1, 1, 0};
    store(out, down * signs);
    store(out + 8, up * others);
    return;
  }
  if (r == 8) {
    vec columns[8], rows[8];
    columns[0] = (vec){0};
    for (int j = 1; j < 8; j++) columns[j] = part_load(row + j * (j - 1) / 2, j);
    for (int j = 0; j < 8; j++) rows[j] = columns[j];
    transpose_block(rows);
    for (int j = 0; j < 8; j++) store(out + 8 * j, columns[j] - rows[j]);
    return;
  }
#endif
  for (int j = 0; j < r; j++) {
    out[j * (r + 1)] = 0;
    for (int i = 0; i < j; i++) {
      out[j * r + i] = row[j * (j - 1) / 2 + i];
      out[i * r + j] = -row[j * (j - 1) / 2 + i];
    }
  }
}

/* T_p = a_p Lambda - Lambda a_{p-1} */
INLINE void place_vertical(int r, int n, size_t core, const double *lambda, const double *a,
                           double *t, double *scratch)
{
  const int size = entries(r), width = padded_pairs(r);
  double *left = scratch, *right = left + core, *before = right + core, *here = before + core;
  place_vectors(r, lambda, left, right);
  memset(before, 0, (size_t)size * sizeof *before);
  for (int p = 0; p < n; p++, t += core) {
    if (p < n - 1)
      expand(r, a + (ptrdiff_t)p * width, here);
    else
      memset(here, 0, (size_t)size * sizeof *here);
    for (int k = 0; k < size; k += LANES)
      store(t + k, load(here + k) * load(right + k) - load(left + k) * load(before + k));
    double *old = before;
    before = here;
    here = old;
  }
}

/* --- Horizontal part -------------------------------------------------------------------------- */

/* T_p += H rho^{p-1} above and on the diagonal, T_{n+1-p} += H rho^{p-1} below it. */
INLINE void add_horizontal(int r, int n, size_t core, const double *lambda, const double *h,
                           double *t, double *scratch)
{
  const int size = entries(r);
  double *up = scratch, *down = up + core, *rho = down + core, *column = rho + core;
  place_vectors(r, lambda, rho, column);
  for (int k = 0; k < size; k += LANES) {
    const vec x = load(rho + k), y = load(column + k);
    const mask first = x > y;
    store(rho + k, pick(first, y, x) / pick(first, x, y));
  }
  memset(up, 0, (size_t)size * sizeof *up);
  memset(down, 0, (size_t)size * sizeof *down);
  for (int j = 0; j < r; j++) {
    for (int i = 0; i <= j; i++) up[j * r + i] = h[j * r + i];
    for (int i = j + 1; i < r; i++) down[j * r + i] = h[j * r + i];
  }
  for (int p = 0; p < n; p++) {
    double *first = t + (size_t)p * core, *last = t + (size_t)(n - 1 - p) * core;
    for (int k = 0; k < size; k += LANES) {
      const vec above = load(up + k), below = load(down + k), ratio = load(rho + k);
      store(first + k, load(first + k) + above);
      store(last + k, load(last + k) + below);
      store(up + k, above * ratio);
      store(down + k, below * ratio);
    }
  }
}

INLINE void assemble(int r, int n, size_t core, const wmc_chain_noise *noise, double *t,
                     double *scratch)
{
  double *work = scratch + (size_t)n * (size_t)padded_pairs(r);
  if (noise->normals != NULL && n > 1) {
    solve_pairs(r, n, noise->lambda, noise->normals, noise->scale, noise->sums, scratch, work);
    place_vertical(r, n, core, noise->lambda, scratch, t, work);
  } else {
    memset(t, 0, (size_t)n * core * sizeof *t);
  }
  add_horizontal(r, n, core, noise->lambda, noise->h, t, work);
}

void WMC_SIMD_NAME(wmc_chain_sums_all)(int r, int n, const double *lambda, double *sums)
{
  if (r == 4)
    sum_powers(4, n, lambda, sums);
  else
    sum_powers(r, n, lambda, sums);
}

void WMC_SIMD_NAME(wmc_chain_tangent_all)(int r, int n, size_t core, const wmc_chain_noise *noise,
                                          double *t, double *scratch)
{
  if (r == 4)
    assemble(4, n, core, noise, t, scratch);
  else if (r == 8)
    assemble(8, n, core, noise, t, scratch);
  else
    assemble(r, n, core, noise, t, scratch);
}
