/* Gaussian tangent vectors of a balanced chain: see wmc_chain_tangent in chain.h.
 *
 * With rho = min(l_i, l_j) / max(l_i, l_j) the tridiagonal matrix J of a pair is 2 max^2 (B B^T +
 * rho^2 e e^T), where B is 1 with -rho beside its diagonal and e the last place. y with y_p = rho
 * y_{p-1} + normal / (2 max^2)^{1/2} has the covariance of the first term alone: that with y_m, m =
 * n - 1, is rho^{m-p} t_p with t_p = 1 + rho^2 + ... + rho^{2(p-1)}, in units of 1 / (2 max^2), and
 *   a_p = y_p - rho^{m-p} t_p y_m (1 - t_n^{-1/2}) / t_m
 * has the covariance J^{-1}. No layer needs a root or a quotient of its own.
 *
 * Pairs i < j stand in rows, ordered (0,1), (0,2), (1,2) .., entries (i,j) and (j,i) of T_p apart;
 * loops over the layers take some vectors of a row along in registers. */
#include <math.h>
#include <string.h>

#include "chain_kernels.h"
#include "chain_matrix.h"

enum { CHUNK = 4 };

typedef struct rows {
  int n, pairs;
  size_t width; /* of a row of pairs */
  const double *normals;
  double scale;
  double *large, *small, *rho, *t, *y; /* l_i, l_j; t_p and y_p, p = 1 .. n - 1 */
  double *size, *shrink, *spare;       /* of normals in y; 1 / sqrt(t_n); two rows */
  double *up, *down;                   /* T_p, p = 1 .. n */
} rows;

typedef void chunk_stage(const rows *x, size_t k, int count);

INLINE void over_chunks(const rows *x, chunk_stage *stage)
{
  const size_t chunk = CHUNK * LANES;
  size_t k = 0;
  for (; k + chunk <= x->width; k += chunk) stage(x, k, CHUNK);
  for (; k < x->width; k += LANES) stage(x, k, 1);
}

static rows map(int r, int n, const wmc_chain_noise *noise, double *scratch)
{
  rows x = {.n = n, .pairs = r * (r - 1) / 2, .normals = noise->normals, .scale = noise->scale};
  x.width = ((size_t)x.pairs + 7) / 8 * 8;
  double **const single[] = {&x.large, &x.small, &x.rho, &x.size, &x.shrink};
  for (int k = 0; k < 5; k++, scratch += x.width) *single[k] = scratch;
  x.spare = scratch;
  scratch += 2 * x.width;
  double **const layers[] = {&x.t, &x.y, &x.up, &x.down};
  for (int k = 0; k < 4; k++, scratch += (size_t)n * x.width) *layers[k] = scratch;
  return x;
}

/* Columns above the diagonal follow one another. Vectors are stored whole, and what is below the
 * diagonal is written over, but for the last column. */
INLINE void pack(int r, int j, int i, vec v, double *out)
{
  out += j * (j - 1) / 2 + i;
  if (j == r - 1 && i + LANES > j)
    part_store(out, v, LANES - 1);
  else
    store(out, v);
}

/* 1 and 0 behind the pairs. */
INLINE void place_pairs(int r, const double *lambda, const rows *x)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512i first = _mm512_set_epi64(0, 0, 2, 1, 0, 1, 0, 0);
    const __m512i second = _mm512_set_epi64(0, 0, 3, 3, 3, 2, 2, 1);
    const __m512d l = _mm512_castpd256_pd512(_mm256_loadu_pd(lambda));
    const __m512d large = _mm512_permutexvar_pd(first, l);
    _mm512_storeu_pd(x->large, _mm512_mask_mov_pd(_mm512_set1_pd(1), 0x3f, large));
    _mm512_storeu_pd(x->small, _mm512_maskz_permutexvar_pd(0x3f, second, l));
    return;
  }
#endif
  size_t k = 0;
  if (r % LANES == 0) {
#pragma GCC unroll 8
    for (int j = 1; j < r; j++)
      for (int i = 0; i < j; i += LANES) {
        pack(r, j, i, load(lambda + i), x->large);
        pack(r, j, i, all(lambda[j]), x->small);
      }
    k = (size_t)x->pairs;
  }
  for (int j = 1; k == 0 && j < r; j++)
    for (int i = 0; i < j; i++) {
      x->large[j * (j - 1) / 2 + i] = lambda[i];
      x->small[j * (j - 1) / 2 + i] = lambda[j];
    }
  for (k = (size_t)x->pairs; k < x->width; k++) {
    x->large[k] = 1;
    x->small[k] = 0;
  }
}

/* Pairs of the matrix with this diagonal left out: entries (i,j), i < j, and (j,i). `scratch` is a
 * matrix. */
INLINE void gather(int r, const double *matrix, double *up, double *down, double *scratch)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512i above = _mm512_set_epi64(0, 0, 14, 13, 12, 9, 8, 4);
    const __m512i below = _mm512_set_epi64(0, 0, 11, 7, 3, 6, 2, 1);
    const __m512d low = _mm512_loadu_pd(matrix), high = _mm512_loadu_pd(matrix + 8);
    _mm512_storeu_pd(up, _mm512_permutex2var_pd(low, above, high));
    _mm512_storeu_pd(down, _mm512_permutex2var_pd(low, below, high));
    return;
  }
#endif
  if (r % LANES == 0) {
    turn(r, matrix, scratch);
#pragma GCC unroll 8
    for (int j = 1; j < r; j++)
      for (int i = 0; i < j; i += LANES) {
        pack(r, j, i, load(matrix + j * r + i), up);
        pack(r, j, i, load(scratch + j * r + i), down);
      }
    return;
  }
  for (int j = 1; j < r; j++)
    for (int i = 0; i < j; i++) {
      up[j * (j - 1) / 2 + i] = matrix[j * r + i];
      down[j * (j - 1) / 2 + i] = matrix[i * r + j];
    }
}

/* rho, the size of noise of a, t_1 .. t_{n-1}, t_n^{-1/2} */
INLINE void sum_chunk(const rows *x, size_t k, int count)
{
  vec square[CHUNK], t[CHUNK];
  for (int c = 0; c < count; c++) {
    const size_t at = k + (size_t)c * LANES;
    const vec inverse = 1 / load(x->large + at), rho = load(x->small + at) * inverse;
    store(x->rho + at, rho);
    store(x->size + at, x->scale * sqrt(0.5) * inverse);
    square[c] = rho * rho;
    t[c] = all(1);
  }
  for (int p = 1; p < x->n; p++)
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
      store(x->t + (size_t)(p - 1) * x->width + k + (size_t)c * LANES, t[c]);
      t[c] = multiply_add(square[c], t[c], all(1));
    }
  for (int c = 0; c < count; c++) store(x->shrink + k + (size_t)c * LANES, 1 / root(t[c]));
}

/* Going up: y_p, and H_ij rho^{p-1} from up row 0. */
INLINE void forward_chunk(const rows *x, size_t k, int count)
{
  vec y[CHUNK], power[CHUNK], rho[CHUNK], size[CHUNK];
  for (int c = 0; c < count; c++) {
    const size_t at = k + (size_t)c * LANES;
    rho[c] = load(x->rho + at);
    size[c] = load(x->size + at);
    power[c] = load(x->up + at);
    y[c] = (vec){0};
  }
  for (int p = 1; p < x->n; p++)
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
      const size_t at = k + (size_t)c * LANES, row = (size_t)(p - 1) * x->width + at;
      if (x->normals != NULL) {
        const vec normal = load(x->normals + (size_t)(p - 1) * (size_t)x->pairs + at);
        y[c] = multiply_add(rho[c], y[c], size[c] * normal);
      }
      power[c] *= rho[c];
      store(x->y + row, y[c]);
      store(x->up + row + x->width, power[c]);
    }
}

/* Going down: a_p, and from H_ji in the last down row T_p = H_kl rho^{..} + a_p Lambda - Lambda
 * a_{p-1}. */
INLINE void backward_chunk(const rows *x, size_t k, int count)
{
  const size_t m = (size_t)x->n - 1;
  vec power[CHUNK], share[CHUNK], here[CHUNK];
  for (int c = 0; c < count; c++) {
    const size_t at = k + (size_t)c * LANES, row = (m - 1) * x->width + at;
    power[c] = load(x->down + m * x->width + at);
    here[c] = share[c] = (vec){0};
    if (m > 0) share[c] = load(x->y + row) * (1 - load(x->shrink + at)) / load(x->t + row);
  }
  for (size_t p = m + 1; p-- > 0;)
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
      const size_t at = k + (size_t)c * LANES, row = p * x->width + at;
      const vec rho = load(x->rho + at), large = load(x->large + at), small = load(x->small + at);
      vec before = {0};
      if (p > 0) {
        const size_t old = row - x->width;
        before = multiply_add(-share[c], load(x->t + old), load(x->y + old));
      }
      store(x->up + row, load(x->up + row) + (small * here[c] - large * before));
      store(x->down + row, power[c] + (small * before - large * here[c]));
      share[c] *= rho;
      power[c] *= rho;
      here[c] = before;
    }
}

/* The diagonal of share H + drift. `out`: r entries, and as many as scratch */
INLINE void add_diagonals(int r, const double *h, double share, const double *drift, double *out)
{
  double *other = out + (r + 7) / 8 * 8;
  take_diagonal(r, h, out);
  if (drift != NULL) take_diagonal(r, drift, other);
  for (int k = 0; k < r; k++) out[k] = out[k] * share + (drift ? other[k] : 0);
}

/* H, its entries (i,j), i < j, in the first up row and (j,i) in the last down row; `diagonal` and
 * `matrix` are matrices. */
INLINE void place_horizontal(int r, const wmc_chain_noise *noise, const rows *x, double *diagonal,
                             double *matrix)
{
  const double *h = noise->h, *drift = noise->drift, share = 1 / sqrt(x->n);
  double *up = x->up, *down = x->down + (size_t)(x->n - 1) * x->width;
  double *drift_up = x->spare, *drift_down = x->spare + x->width;
  add_diagonals(r, h, share, drift, matrix);
  place_diagonal(r, matrix, diagonal);
  gather(r, h, up, down, matrix);
  if (drift != NULL)
    gather(r, drift, drift_up, drift_down, matrix);
  else
    memset(x->spare, 0, 2 * x->width * sizeof *x->spare);
  for (size_t k = 0; k < x->width; k += LANES) {
    const vec shrink = load(x->shrink + k);
    store(up + k, multiply_add(load(up + k), shrink, load(drift_up + k)));
    store(down + k, multiply_add(load(down + k), shrink, load(drift_down + k)));
  }
}

/* out = the matrix of two rows of pairs and a diagonal */
INLINE void expand(int r, const double *up, const double *down, const double *diagonal, double *out)
{
#if defined(__AVX512F__)
  if (r == 4) {
    const __m512d above = _mm512_loadu_pd(up), below = _mm512_loadu_pd(down);
    const __m512i first = _mm512_set_epi64(12, 10, 0, 0, 11, 9, 8, 0);
    const __m512i last = _mm512_set_epi64(0, 5, 4, 3, 13, 0, 2, 1);
    store(out, (vec)_mm512_maskz_permutex2var_pd(0xde, above, first, below) + load(diagonal));
    store(out + 8,
          (vec)_mm512_maskz_permutex2var_pd(0x7b, above, last, below) + load(diagonal + 8));
    return;
  }
  if (r == 8) {
    vec line[8];
    line[0] = (vec){0};
    for (int j = 1; j < 8; j++) line[j] = part_load(down + j * (j - 1) / 2, j);
    transpose_block(line);
    for (int j = 0; j < 8; j++) {
      const vec below = line[j] + load(diagonal + 8 * j);
      store(out + 8 * j, j > 0 ? below + part_load(up + j * (j - 1) / 2, j) : below);
    }
    return;
  }
#endif
  for (int j = 0; j < r; j++) {
    out[j * (r + 1)] = diagonal[j * (r + 1)];
    for (int i = 0; i < j; i++) {
      out[j * r + i] = up[j * (j - 1) / 2 + i];
      out[i * r + j] = down[j * (j - 1) / 2 + i];
    }
  }
}

INLINE void assemble(int r, int n, size_t core, const wmc_chain_noise *noise, double *t,
                     double *scratch)
{
  double *diagonal = scratch, *matrix = diagonal + core;
  const rows x = map(r, n, noise, matrix + core + 8);
  place_pairs(r, noise->lambda, &x);
  over_chunks(&x, sum_chunk);
  place_horizontal(r, noise, &x, diagonal, matrix);
  over_chunks(&x, forward_chunk);
  over_chunks(&x, backward_chunk);
  for (int p = 0; p < n; p++) {
    const size_t row = (size_t)p * x.width;
    expand(r, x.up + row, x.down + row, diagonal, t + (size_t)p * core);
  }
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
