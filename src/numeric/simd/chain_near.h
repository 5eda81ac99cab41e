/** @file chain_near.h  Rotations and lambda of a chain near balance: see wmc_chain_balance in
 * chain.h.
 *
 * Every function is inlined for r = 4 and r = 8, where the stages that multiply keep matrices in
 * registers (chain_small.h); other sizes multiply by the planned product (chain_large.h). Each of
 * the three is a source of its own: compilers that see one size only know r throughout, and are ten
 * times faster. Symmetric and antisymmetric matrices are kept whole: nothing is gathered or
 * scattered. Loops run in whole vectors into the padding between matrices, whose content means
 * nothing. */
#pragma once
#include <stdint.h>

#include "chain_large.h"
#include "chain_small.h"
#include "dense_kernels.h"

/* The way back is left to others where E, what the first rotations leave, is not below this, over
 * lambda_1 where lambda_r may pass through 0: what the second ones leave is of its square. */
static const double NEAR = 0.02;
/* Where it may not, this is for E_ij^2 / max(l_i, l_j), over lambda_r. */
static const double SQUARE_NEAR = 0.01;

/* Sines of the last rotations of the first decomposition, whose squares are left: it only has to be
 * better than what it decomposes. */
static const double ROUGH = 0.5;

/* 1, and j - i at the place (i, j). */
static const double ONE_4[16] __attribute__((aligned(64))) = {[0] = 1, [5] = 1, [10] = 1, [15] = 1};
static const double ONE_8[64] __attribute__((aligned(64))) = {
    [0] = 1, [9] = 1, [18] = 1, [27] = 1, [36] = 1, [45] = 1, [54] = 1, [63] = 1};
static const double ORDER_4[16]
    __attribute__((aligned(64))) = {0, -1, -2, -3, 1, 0, -1, -2, 2, 1, 0, -1, 3, 2, 1, 0};
static const double ORDER_8[64] __attribute__((aligned(64))) = {
    0,  -1, -2, -3, -4, -5, -6, -7, 1,  0,  -1, -2, -3, -4, -5, -6, 2,  1,  0, -1, -2, -3,
    -4, -5, 3,  2,  1,  0,  -1, -2, -3, -4, 4,  3,  2,  1,  0,  -1, -2, -3, 5, 4,  3,  2,
    1,  0,  -1, -2, 6,  5,  4,  3,  2,  1,  0,  -1, 7,  6,  5,  4,  3,  2,  1, 0};

/* The largest of n numbers >= 0, or what is not finite: they come in the order of their bits. The
 * padding behind them is no part. */
INLINE double largest_of(int n, const double *x)
{
  mask most = {0};
  int k = 0;
  for (; k + LANES <= n; k += LANES) most = larger_bits((mask)load(x + k), most);
  if (k < n) most = larger_bits((mask)part_load(x + k, n - k), most);
  return largest_in((vec)most);
}

/* --- Symmetric matrices ---------------------------------------------------------------------- */

INLINE bool decreases(int r, const double *x)
{
  bool done = isfinite(x[0]);
  for (int k = 1; k < r; k++) done &= x[k - 1] >= x[k];
  return done;
}

/* Where lambda decrease but for rounding, as in the pairs of complex numbers, so do these. */
INLINE void level(int r, double rounding, double *lambda)
{
  for (int k = 1; k < r; k++)
    if (lambda[k] > lambda[k - 1] && lambda[k] <= lambda[k - 1] + rounding)
      lambda[k] = lambda[k - 1];
}

/* Of the entries of a symmetric matrix with these vectors. */
INLINE double rounding_of(const walk *w, int r) { return r * 0x1p-52 * fabs(w->lambda[w->first]); }

/* L = V diag(lambda) V^T, lambda decreasing, by the singular values of L + c. */
INLINE bool decompose(walk *w, int r, double *l, double *lambda, double *v)
{
  double shift = 0;
  for (int k = 0; k < r; k++) shift = fmax(shift, 1.5 * fabs(l[k * (r + 1)]));
  for (int k = 0; k < r; k++) l[k * (r + 1)] += shift;
  WMC_SIMD_NAME(wmc_svd_sweeps)(r, r, l, NULL, lambda, w->svd);
  for (int j = 0; j < r; j++) {
    const double inverse = 1 / lambda[j];
    for (int i = 0; i < r; i++) v[j * r + i] = l[j * r + i] * inverse;
    lambda[j] -= shift;
  }
  return isfinite(lambda[0]);
}

/* lambda in decreasing order, and columns of V with it. */
INLINE void sort(int r, double *lambda, double *v)
{
  for (int last = r - 1; last > 0; last--)
    for (int k = 0; k < last; k++) {
      if (!(lambda[k] < lambda[k + 1])) continue;
      const double kept = lambda[k];
      lambda[k] = lambda[k + 1];
      lambda[k + 1] = kept;
      for (int i = 0; i < r; i++) {
        const double entry = v[k * r + i];
        v[k * r + i] = v[(k + 1) * r + i];
        v[(k + 1) * r + i] = entry;
      }
    }
}

/* C = A B */
INLINE void times(walk *w, int r, bool tiles, const double *a, const double *b, double *c)
{
  if (!tiles) {
    multiply(w, a, b, c);
    return;
  }
  tile_store(r, tile_product(r, tile_load(r, a), tile_kept(r, b), false), c);
  w->products++;
}

/* out = exp(X), X antisymmetric and destroyed. False where X is not small. */
INLINE bool rotation_of(walk *w, int r, bool tiles, double *x, double *out)
{
  const double most = 4;
  tile_room room;
  tile rotation;
  if (!tiles) return exponential(w, r, x, most, out);
  if (!tile_exponential(w, r, tile_keep(r, tile_load(r, x), room), most, &rotation)) return false;
  tile_store(r, rotation, out);
  return true;
}

/* Angles W of the rotations of all pairs, tan(2 W_ij) = 2 L_ij / (L_jj - L_ii), right to third
 * order in the small ones and at most 45 degrees: with z = |L_ij / (L_jj - L_ii)|, z (1 + p z) /
 * (1 + p z + q z^2). Where nothing tells i from j their order does; what is below rounding of L is
 * no reason to turn, as in the pairs of complex numbers. The largest |W_ij|. */
INLINE double angles_of(walk *w, int r, const double *l, double *angles)
{
  const double q = 4.0 / 3, p = 0.78539816339744831 * q, tie = 0x1p-960;
  const vec least = all(rounding_of(w, r));
  take_diagonal(r, l, w->next);
  place_vectors(r, w->next, w->row, w->column);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec gap = load(w->column + k) - load(w->row + k) + tie * load(w->order + k);
    const vec g = load(l + k) * (1 - load(w->one + k)), apart = absolute(gap);
    const vec size = where(absolute(g) > least, absolute(g));
    const vec up = multiply_add(all(p), size, apart);
    const vec down = multiply_add(apart, up, q * size * size) + tie;
    const vec angle = with_sign(size * up / down, (vec)((mask)g ^ (mask)gap));
    store(angles + k, angle);
    store(w->worst + k, absolute(angle));
  }
  return largest_of(r * r, w->worst);
}

/* L <- R^T L R, symmetric to the last digit: angles of close values would magnify its errors. */
INLINE void turn_both(walk *w, int r, bool tiles, const double *rotation, double *l, double *turned,
                      double *image)
{
  if (tiles) {
    tile_room room;
    const kept_tile right = tile_kept(r, rotation);
    const tile half = tile_product(r, tile_load(r, l), right, false);
    const tile left = tile_turn(r, right.t);
    const tile all = tile_product(r, left, tile_keep(r, half, room), false);
    tile_store(r, tile_scale(r, 0.5, tile_add(r, all, 1, tile_turn(r, all))), l);
    w->products += 2;
    return;
  }
  multiply(w, l, rotation, image);
  turn(r, rotation, turned);
  multiply(w, turned, image, l);
  turn(r, l, image);
  for (int k = 0; k < entries(r); k += LANES) store(l + k, 0.5 * (load(l + k) + load(image + k)));
}

/* L = V diag(lambda) V^T by rotations of all pairs at once, V <- V exp(W), until they are at most
 * `most`. Destroys L, a, s and t. */
INLINE bool refine(walk *w, int r, bool tiles, double most, double *l, double *lambda, double *v)
{
  enum { ROUNDS = 5 };
  const size_t bytes = (size_t)(r * r) * sizeof(double);
  double *angles = at(w, w->s, 0), *step = at(w, w->s, 1), *image = at(w, w->t, 0);
  for (int round = 0; round < ROUNDS; round++) {
    const double largest = angles_of(w, r, l, angles);
    if (!rotation_of(w, r, tiles, angles, round > 0 ? step : v)) return false;
    if (round > 0) {
      times(w, r, tiles, v, step, image);
      memcpy(v, image, bytes);
    }
    if (largest <= most) {
      const double rounding = rounding_of(w, r);
      memcpy(lambda, w->next, (size_t)r * sizeof *lambda);
      if (decreases(r, lambda)) return true;
      level(r, rounding, lambda);
      if (!decreases(r, lambda)) sort(r, lambda, v);
      return decreases(r, lambda);
    }
    turn_both(w, r, tiles, round > 0 ? step : v, l, angles, image);
  }
  return false;
}

/* L = V diag(lambda) V^T up to errors of `most`^2. Destroys L, a, s and t. */
INLINE bool diagonalise(walk *w, int r, bool tiles, double most, double *l, double *lambda,
                        double *v)
{
  double *kept = at(w, w->a, 0);
  memcpy(kept, l, (size_t)(r * r) * sizeof *l);
  return refine(w, r, tiles, most, kept, lambda, v) || decompose(w, r, l, lambda, v);
}

/* --- First rotations ------------------------------------------------------------------------- */

/* Vectors of a matrix that a loop over the layers takes along in registers. */
enum { CHUNK = 4 };
typedef void chunk_stage(walk *w, int k, int count);

INLINE void over_chunks(walk *w, int r, chunk_stage *stage)
{
  const int chunk = r == 4 && LANES == 8 ? 2 : CHUNK, whole = entries(r) / (chunk * LANES);
  for (int k = 0; k < whole; k++) stage(w, k * chunk * LANES, chunk);
  for (int k = whole * chunk * LANES; k < entries(r); k += LANES) stage(w, k, 1);
}

INLINE void fill_pairs(walk *w, int r, const double *lambda)
{
  place_vectors(r, lambda, w->row, w->column);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec x = load(w->row + k), y = load(w->column + k), others = 1 - load(w->one + k);
    store(w->sum + k, (x + y) * others);
    store(w->gap + k, x - y);
    store(w->inverse + k, others / (x + y));
    store(w->diagonal + k, x * load(w->one + k));
  }
}

/* Of V_p = M_p - diag(lambda): the sum, and that of (2 (n - p) - 1) V_p. */
INLINE void sum_chunk(walk *w, int k, int count)
{
  vec plain[CHUNK], weighted[CHUNK];
  for (int c = 0; c < count; c++) plain[c] = weighted[c] = (vec){0};
  for (int p = 0; p < w->n; p++) {
    const double *v = w->v + (size_t)p * w->core + k;
    const vec weight = all(2 * (w->n - p) - 1);
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
      const vec x = load(v + c * LANES);
      plain[c] += x;
      weighted[c] = multiply_add(weight, x, weighted[c]);
    }
  }
  for (int c = 0; c < count; c++) {
    store(w->mean + k + c * LANES, plain[c]);
    store(w->step + k + c * LANES, weighted[c]);
  }
}

/* What the layers have in common to first order, L; its vectors are where the rotations start. */
INLINE bool start(walk *w, int r, bool tiles)
{
  const int n = w->n;
  fill_pairs(w, r, w->lambda);
  over_chunks(w, r, sum_chunk);
  double *l = w->temporary[0], *turned = w->temporary[1], *turned_step = w->temporary[2];
  turn(r, w->mean, turned);
  turn(r, w->step, turned_step);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec odd = (load(w->step + k) - load(turned_step + k)) * load(w->inverse + k);
    const vec even = load(w->mean + k) + load(turned + k);
    store(l + k, load(w->diagonal + k) + (even + load(w->gap + k) * odd) * (0.5 / n));
  }
  if (!diagonalise(w, r, tiles, ROUGH, l, w->next, w->vectors)) return false;
  turn(r, w->vectors, w->k);
  return true;
}

/* Of the symmetric parts of all N_p. */
INLINE void mean_chunk(walk *w, int k, int count)
{
  vec mean[CHUNK];
  for (int c = 0; c < count; c++) mean[c] = (vec){0};
  for (int p = 0; p < w->n; p++)
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) mean[c] += load(at(w, w->s, p) + k + c * LANES);
  for (int c = 0; c < count; c++) store(w->mean + k + c * LANES, mean[c] * (1.0 / w->n));
}

INLINE bool rotate_once(walk *w, int r, bool tiles)
{
  for (int p = 0; p < w->n; p++)
    if (!(tiles ? tile_begin(w, r, p) : large_rotate(w, r, p))) return false;
  if (tiles) place_vectors(r, w->lambda, w->row, w->column);
  for (int p = 0; tiles && p < w->n; p++) tile_rotate(w, r, p);
  over_chunks(w, r, mean_chunk);
  return true;
}

/* --- Second rotations ------------------------------------------------------------------------ */

/* Of the matrices L_p = L + E_p left: vectors, and what stands in the tridiagonal system. */
INLINE void fill_system(walk *w, int r)
{
  take_diagonal(r, w->mean, w->lambda);
  fill_pairs(w, r, w->lambda);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec x = load(w->row + k), y = load(w->column + k);
    const mask first = absolute(x) > absolute(y);
    const vec inverse = 1 / pick(first, x, y);
    const vec square = 0.5 * inverse * inverse;
    store(w->rho + k, pick(first, y, x) * inverse);
    store(w->sum + k, square * load(w->sum + k));
    store(w->square + k, square * load(w->gap + k));
  }
}

/* With rho = min / max of l_i, l_j and m = n - 1 the tridiagonal matrix is 2 max^2 (B^T B + rho^2 e
 * e^T), where B is 1 with -rho beside its diagonal and e the first place: S_p = x_p - rho^{p-1}
 * t_{m-p+1} c, B^T B x = mu, t_q the sum of the first q powers of rho^2 and c = rho^2 x_1 / t_n.
 * Rows p from 1 up: mu = ((l_i + l_j)(s' - s) + (l_i - l_j)(a' + a)) / (2 max^2), y = mu + rho
 * y_before, which goes to b; x_1 is the sum of rho^{p-1} y. The largest a, and changes of s. */
INLINE void eliminate_chunk(walk *w, int k, int count)
{
  vec y[CHUNK], power[CHUNK], x[CHUNK], t[CHUNK], s[CHUNK], a[CHUNK], worst[CHUNK];
  for (int c = 0; c < count; c++) {
    s[c] = load(w->s + k + c * LANES);
    a[c] = load(w->a + k + c * LANES);
    worst[c] = absolute(a[c]);
    y[c] = x[c] = (vec){0};
    power[c] = t[c] = all(1);
  }
  for (int p = 1; p < w->n; p++) {
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
      const int here = k + c * LANES;
      const vec s_after = load(at(w, w->s, p) + here), a_after = load(at(w, w->a, p) + here);
      const vec change = s_after - s[c], rho = load(w->rho + here);
      const vec odd = load(w->square + here) * (a[c] + a_after);
      y[c] = multiply_add(rho, y[c], multiply_add(load(w->sum + here), change, odd));
      x[c] = multiply_add(power[c], y[c], x[c]);
      store(at(w, w->b, p - 1) + here, y[c]);
      store(at(w, w->t, p - 1) + here, power[c]);
      worst[c] = larger(absolute(change), larger(absolute(a_after), worst[c]));
      power[c] *= rho;
      t[c] = multiply_add(rho * rho, t[c], all(1));
      s[c] = s_after;
      a[c] = a_after;
    }
  }
  for (int c = 0; c < count; c++) {
    const int here = k + c * LANES;
    const vec rho = load(w->rho + here);
    store(w->share + here, rho * rho * x[c] / t[c]);
    store(w->worst + here, worst[c]);
  }
}

/* From the last layer down: x = y + rho x_after, S_p = x - rho^{p-1} t c; B_{p-1} = B_p - D_p with
 * D_p from the antisymmetric part that S leaves. */
INLINE void substitute_chunk(walk *w, int k, int count)
{
  vec x[CHUNK], t[CHUNK], s[CHUNK], b[CHUNK], step[CHUNK], worst[CHUNK];
  for (int c = 0; c < count; c++) {
    x[c] = s[c] = b[c] = step[c] = worst[c] = (vec){0};
    t[c] = all(1);
  }
  for (int p = w->n - 1; p >= 0; p--) {
#pragma GCC unroll 4
    for (int c = 0; c < count; c++) {
      const int here = k + c * LANES;
      const vec rho = load(w->rho + here);
      vec before = {0};
      if (p > 0) {
        const vec less = t[c] * load(w->share + here);
        x[c] = multiply_add(rho, x[c], load(at(w, w->b, p - 1) + here));
        before = multiply_add(-less, load(at(w, w->t, p - 1) + here), x[c]);
        t[c] = multiply_add(rho * rho, t[c], all(1));
      }
      const vec odd = 2 * load(at(w, w->a, p) + here) - load(w->gap + here) * (s[c] + before);
      const vec now = multiply_add(odd, load(w->inverse + here), b[c]);
      store(at(w, w->b, p) + here, now);
      step[c] += now + b[c];
      worst[c] = larger(absolute(now), worst[c]);
      s[c] = before;
      b[c] = now;
    }
  }
  for (int c = 0; c < count; c++) {
    store(w->step + k + c * LANES, step[c]);
    store(w->worst + k + c * LANES, worst[c]);
  }
}

/* Whether what the first rotations leave is small enough. */
INLINE bool is_near(walk *w, int r)
{
  double least = w->lambda[w->first];
  if (w->crosses || !isfinite(w->largest)) return w->largest <= NEAR * least;
  for (int k = w->first; k < r; k++) least = w->lambda[k] < least ? w->lambda[k] : least;
  for (int k = 0; k < entries(r); k += LANES) {
    const vec rest = load(w->worst + k), most = larger(load(w->row + k), load(w->column + k));
    store(w->worst + k, rest * rest / most);
  }
  return least > 0 && largest_of(r * r, w->worst) <= SQUARE_NEAR * least;
}

/* B_p (with the sign of its inverse) and the vectors of what the layers now have in common. */
INLINE bool solve(walk *w, int r, bool tiles)
{
  fill_system(w, r);
  over_chunks(w, r, eliminate_chunk);
  w->largest = largest_of(r * r, w->worst);
  if (!is_near(w, r)) return false;
  const double most = 3 * w->largest / w->lambda[w->first];
  over_chunks(w, r, substitute_chunk);
  if (!(r * largest_of(r * r, w->worst) <= ANGLE_MOST)) return false;
  double *l = w->temporary[0];
  for (int k = 0; k < entries(r); k += LANES)
    store(l + k, load(w->mean + k) - load(w->gap + k) * load(w->step + k) * (0.5 / w->n));
  return diagonalise(w, r, tiles, most, l, w->lambda, w->vectors);
}

/* lambda_r < 0 becomes positive; true if so, and the last column of every second frame changes its
 * sign. */
INLINE bool reflect(walk *w, int r)
{
  if (!w->crosses || !(w->lambda[r - 1] < 0)) return false;
  w->lambda[r - 1] *= -1;
  return true;
}

INLINE bool rotate_again(walk *w, int r, bool tiles)
{
  const bool reflects = reflect(w, r);
  if (!(w->lambda[r - 1] > 0) || (r > 1 && w->lambda[r - 2] < w->lambda[r - 1])) return false;
  for (int p = 0; p <= w->n; p++) {
    for (int i = 0; reflects && p > 0 && i < r; i++) w->vectors[(r - 1) * r + i] *= -1;
    if (!tiles && (reflects || p == 0)) turn(r, w->vectors, w->mean);
    if (tiles)
      tile_rotate_again(w, r, p);
    else
      large_rotate_again(w, r, p, w->mean);
  }
  return true;
}

/* --- Memory ---------------------------------------------------------------------------------- */

INLINE double *take(double **next, size_t n)
{
  double *part = *next;
  *next += n;
  return part;
}

INLINE void fill_constants(walk *w, int r, double *one, double *order)
{
  for (int k = 0; k < r; k++) w->next[k] = 1;
  place_diagonal(r, w->next, one);
  for (int k = 0; k < r; k++) w->next[k] = k;
  place_vectors(r, w->next, w->row, w->column);
  for (int k = 0; k < entries(r); k += LANES)
    store(order + k, load(w->column + k) - load(w->row + k));
}

/* For sides that the compiler knows all places are known, but for those of the layers. */
INLINE walk map(const wmc_chain_task *task, int r, size_t core)
{
  const wmc_chain *chain = task->chain;
  const size_t n = (size_t)chain->n, side = ((size_t)r + 7) / 8 * 8;
  double *rest = task->scratch + (64 - (uintptr_t)task->scratch % 64) % 64 / sizeof *rest;
  walk w = {.r = r,
            .n = chain->n,
            .first = task->first,
            .core = core,
            .product = chain->product,
            .v = task->v,
            .k = task->rotations,
            .frames = task->frames,
            .crosses = chain->crosses};
  w.sum = take(&rest, core);
  w.gap = take(&rest, core);
  w.inverse = take(&rest, core);
  w.rho = take(&rest, core);
  w.square = take(&rest, core);
  w.diagonal = take(&rest, core);
  w.mean = take(&rest, core);
  w.worst = take(&rest, core);
  w.vectors = take(&rest, core);
  w.step = take(&rest, core);
  w.row = take(&rest, core);
  w.column = take(&rest, core);
  w.share = take(&rest, core);
  for (int k = 0; k < TEMPORARIES; k++) w.temporary[k] = take(&rest, core);
  w.lambda = take(&rest, side);
  w.next = take(&rest, side);
  double *one = take(&rest, core), *order = take(&rest, core);
  w.one = r == 4 ? ONE_4 : r == 8 ? ONE_8 : one;
  w.order = r == 4 ? ORDER_4 : r == 8 ? ORDER_8 : order;
  if (r != 4 && r != 8) fill_constants(&w, r, one, order);
  w.a = take(&rest, n * core);
  w.s = take(&rest, n * core);
  w.t = take(&rest, n * core);
  w.b = take(&rest, n * core);
  w.svd = rest;
  return w;
}

/* `tiles`: r is 4 or 8, and there are registers for its matrices (chain_tile.h). */
INLINE bool balance(const wmc_chain_task *task, int r, size_t core, bool tiles, long *products)
{
  walk w = map(task, r, core);
  for (int k = 0; k < r; k++) w.lambda[k] = task->lambda[k];
  const bool done = start(&w, r, tiles) && rotate_once(&w, r, tiles) && solve(&w, r, tiles) &&
                    rotate_again(&w, r, tiles);
  *products += w.products;
  for (int k = 0; done && k < r; k++) task->lambda[k] = w.lambda[k];
  return done;
}
