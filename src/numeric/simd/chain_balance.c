/* Rotations and lambda of a chain near balance: see wmc_chain_balance in chain.h.
 *
 * Every function is inlined for r = 4 and r = 8, where products are unrolled and the loops over
 * entries have a length that the compiler knows; other sizes multiply by the planned product.
 * Symmetric and antisymmetric matrices are kept whole: nothing is gathered or scattered. Loops run
 * in whole vectors into the padding between matrices, whose content means nothing. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "chain_eigen.h"
#include "chain_kernels.h"
#include "chain_matrix.h"
#include "dense_kernels.h"

/* Above this size of what the first rotations leave over lambda_1, or lambda_r where lambda_r may
 * not pass through 0, the way back is left to others: what the second ones leave is of its square.
 */
static const double NEAR = 0.02;
/* Angles up to which the polynomials of degree 4 and 8 are orthogonal to rounding. */
static const double ANGLE_4 = 0.004, ANGLE_8 = 0.1, ANGLE_MOST = 0.8;

/* Sines of the last rotations of the first decomposition, whose squares are left: it only has to be
 * better than what it decomposes. */
static const double ROUGH = 0.5;

enum { TEMPORARIES = 5, MATRICES = 12 };

typedef struct walk {
  int r, n;
  size_t core;
  const wmc_product *product;
  const double *m; /* M_p, p = 0 .. n - 1 here */
  double *k;       /* K_p^T, then the rotations */
  double *frames;  /* or NULL */
  bool crosses;    /* lambda_r may pass through 0 */
  double *a, *s;   /* antisymmetric and symmetric parts of N_p = K_p^T M_p K_{p-1} */
  double *t;       /* sums of powers */
  double *b;       /* B_p */
  double *sum, *gap, *inverse, *rho,
      *square; /* of pairs: l_i + l_j, l_i - l_j, 2 / (l_i + l_j) .. */
  double *mean, *worst, *v, *step, *one, *row, *column;
  double *temporary[TEMPORARIES];
  double *lambda, *next, *svd;
  long products;
} walk;

INLINE double *at(const walk *w, double *from, int p) { return from + (size_t)p * w->core; }
/* --- Products -------------------------------------------------------------------------------- */

typedef double quad __attribute__((vector_size(32)));
typedef double loose_quad __attribute__((vector_size(32), aligned(8), may_alias));

/* Rows i .. i + 3 of `columns` columns of C = A B from column j, B or its transpose by strides. */
INLINE void multiply_quads(int r, int i, int j, int columns, const double *a, const double *b,
                           int down, int across, double *c)
{
  quad sum[8];
  for (int l = 0; l < r; l++) {
    const quad column = (quad) * (const loose_quad *)(a + i + l * r);
    for (int q = 0; q < columns; q++) {
      const quad term = column * b[l * down + (j + q) * across];
      sum[q] = l == 0 ? term : sum[q] + term;
    }
  }
  for (int q = 0; q < columns; q++) *(loose_quad *)(c + i + (j + q) * r) = sum[q];
}

#if defined(__AVX512F__)
/* Entry (l, q) of B, q = 0, 1 or 2, 3, four times each. */
INLINE vec spread(__m512d b, int first, int second)
{
  const __m512i places =
      _mm512_set_epi64(second, second, second, second, first, first, first, first);
  return (vec)_mm512_permutexvar_pd(places, b);
}

/* Two columns of C in a vector: stores of whole vectors, which loads of any length can follow. */
INLINE void multiply_4(const double *a, const double *b, bool turned, double *c)
{
  const __m512d left = _mm512_loadu_pd(b), right = _mm512_loadu_pd(b + 8);
  vec low = {0}, high = {0};
  for (int l = 0; l < 4; l++) {
    const vec column = (vec)_mm512_broadcast_f64x4(_mm256_loadu_pd(a + 4 * l));
    const __m512d row = l < 2 ? left : right;
    const int k = 4 * (l % 2);
    const vec x = turned ? spread(row, k, k + 1) : spread(left, l, 4 + l);
    const vec y = turned ? spread(row, k + 2, k + 3) : spread(right, l, 4 + l);
    low = l == 0 ? column * x : multiply_add(column, x, low);
    high = l == 0 ? column * y : multiply_add(column, y, high);
  }
  store(c, low);
  store(c + 8, high);
}

INLINE void multiply_8(const double *a, const double *b, int down, int across, double *c)
{
  vec sum[8];
  for (int l = 0; l < 8; l++) {
    const vec column = load(a + l * 8);
    for (int q = 0; q < 8; q++) {
      const vec entry = all(b[l * down + q * across]);
      sum[q] = l == 0 ? column * entry : multiply_add(column, entry, sum[q]);
    }
  }
  for (int q = 0; q < 8; q++) store(c + q * 8, sum[q]);
}
#else
INLINE void multiply_4(const double *a, const double *b, bool turned, double *c)
{
  multiply_quads(4, 0, 0, 4, a, b, turned ? 4 : 1, turned ? 1 : 4, c);
}

INLINE void multiply_8(const double *a, const double *b, int down, int across, double *c)
{
  for (int i = 0; i < 8; i += 4)
    for (int j = 0; j < 8; j += 4) multiply_quads(8, i, j, 4, a, b, down, across, c);
}
#endif

/* C = A B */
INLINE void multiply(walk *w, int r, const double *a, const double *b, double *c)
{
  w->products++;
  if (r == 4)
    multiply_4(a, b, false, c);
  else if (r == 8)
    multiply_8(a, b, 1, 8, c);
  else
    wmc_product_apply(w->product, a, b, c);
}

/* C = A B^T */
INLINE void multiply_by_turned(walk *w, int r, const double *a, const double *b, double *c)
{
  w->products++;
  if (r == 4) {
    multiply_4(a, b, true, c);
  } else if (r == 8) {
    multiply_8(a, b, 8, 1, c);
  } else {
    double *turned = w->temporary[TEMPORARIES - 1];
    transpose(r, r, b, r, turned, r);
    wmc_product_apply(w->product, a, turned, c);
  }
}

/* The largest of n numbers >= 0; not a number if one is not. The padding behind them is no part. */
INLINE double largest_of(int n, const double *x)
{
  vec most = {0}, sum = {0};
  double largest = 0, total = 0;
  int k = 0;
  for (; k + LANES <= n; k += LANES) {
    most = larger(load(x + k), most);
    sum += load(x + k);
  }
  for (; k < n; k++) {
    largest = x[k] > largest ? x[k] : largest;
    total += x[k];
  }
  for (int l = 0; l < LANES; l++) largest = most[l] > largest ? most[l] : largest;
  return isfinite(total + sum_of(sum)) ? largest : NAN;
}

/* --- Exponentials of antisymmetric matrices --------------------------------------------------- */

INLINE double norm2_of(int n, const double *x)
{
  double lane[8] = {0}, sum = 0;
  int k = 0;
  for (; k + 8 <= n; k += 8)
    for (int i = 0; i < 8; i++) lane[i] += x[k + i] * x[k + i];
  for (; k < n; k++) sum += x[k] * x[k];
  return sum + ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
         ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

INLINE void scale(int n, double factor, double *x)
{
  for (int k = 0; k < n; k += LANES) store(x + k, load(x + k) * factor);
}

INLINE double power_4(double x) { return x * x * x * x; }

/* 1 + X + Y (1/2 + X/6 + Y/24), Y = X^2 */
INLINE void exponential_4(walk *w, int r, const double *x, const double *y, double *out)
{
  double *inner = w->temporary[2];
  for (int k = 0; k < entries(r); k += LANES)
    store(inner + k, load(x + k) * (1.0 / 6) + load(y + k) * (1.0 / 24));
  multiply(w, r, y, inner, out);
  for (int k = 0; k < entries(r); k += LANES)
    store(out + k, load(out + k) + (load(x + k) + 0.5 * load(y + k)) + load(w->one + k));
}

/* The series to degree 8 by two products more: Bader, Blanes & Casas, Mathematics 7 (2019) 1174. */
INLINE void exponential_8(walk *w, int r, const double *x, const double *y, double *out)
{
  const double root = 13.304134695650071; /* of 177 */
  const double x3 = 2.0 / 3, x1 = x3 * (1 + root) / 88, x2 = x3 * (1 + root) / 352;
  const double x4 = (-271 + 29 * root) / (315 * x3), x5 = 11 * (-1 + root) / (1260 * x3),
               x6 = 11 * (-9 + root) / (5040 * x3), x7 = (89 - root) / (5040 * x3 * x3),
               y2 = (857 - 58 * root) / 630;
  double *left = w->temporary[2], *right = w->temporary[3];
  for (int k = 0; k < entries(r); k += LANES) store(left + k, x1 * load(x + k) + x2 * load(y + k));
  multiply(w, r, y, left, right);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec second = load(y + k), fourth = load(right + k);
    store(left + k, x3 * second + fourth);
    store(right + k, x4 * load(w->one + k) + x5 * load(x + k) + x6 * second + x7 * fourth);
  }
  multiply(w, r, left, right, out);
  for (int k = 0; k < entries(r); k += LANES)
    store(out + k, load(out + k) + (load(x + k) + y2 * load(y + k)) + load(w->one + k));
}

/* out = exp(X), X antisymmetric and destroyed; not temporaries 1 to 3. False where X is not small.
 */
INLINE bool exponential(walk *w, int r, double *x, double *out)
{
  double *y = w->temporary[1];
  multiply(w, r, x, x, y);
  /* its eigenvalues, squares of angles, come in pairs */
  double fourth = 0.5 * norm2_of(r * r, y);
  if (fourth <= power_4(ANGLE_4)) {
    exponential_4(w, r, x, y, out);
    return true;
  }
  if (!(fourth <= power_4(ANGLE_MOST))) return false;
  int halvings = 0;
  for (; fourth > power_4(ANGLE_8); fourth *= 1.0 / 16) halvings++;
  if (halvings > 0) {
    scale(entries(r), 1.0 / (1 << halvings), x);
    scale(entries(r), 1.0 / (1 << 2 * halvings), y);
  }
  exponential_8(w, r, x, y, out);
  for (; halvings > 0; halvings--) {
    multiply(w, r, out, out, y);
    memcpy(out, y, (size_t)(r * r) * sizeof *out);
  }
  return true;
}

/* --- Symmetric matrices ---------------------------------------------------------------------- */

INLINE bool decreases(int r, const double *x)
{
  bool done = isfinite(x[0]);
  for (int k = 1; k < r; k++) done &= x[k - 1] >= x[k];
  return done;
}

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

/* W_ij = L_ij / (L_jj - L_ii); the largest |W_ij|. */
INLINE double angles_of(walk *w, int r, const double *l, double *angles)
{
  double *worst = w->worst;
  for (int k = 0; k < r; k++) w->next[k] = l[k * (r + 1)];
  place_vectors(r, w->next, w->row, w->column);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec gap = load(w->column + k) - load(w->row + k) + load(w->one + k);
    const vec angle = load(l + k) * (1 - load(w->one + k)) / gap;
    store(angles + k, angle);
    store(worst + k, absolute(angle));
  }
  return largest_of(r * r, worst);
}

/* L = V diag(lambda) V^T by rotations of all pairs at once, V <- V exp(W), as long as they are
 * small, until they are at most `most`. Destroys L, a, s and t. */
INLINE bool refine(walk *w, int r, double most, double *l, double *lambda, double *v)
{
  enum { ROUNDS = 5 };
  const double small = 0.2;
  const size_t bytes = (size_t)(r * r) * sizeof(double);
  double *angles = at(w, w->s, 0), *step = at(w, w->s, 1), *image = at(w, w->t, 0);
  memcpy(v, w->one, bytes);
  for (int round = 0; round < ROUNDS; round++) {
    const double largest = angles_of(w, r, l, angles);
    if (!(largest <= small) || !exponential(w, r, angles, step)) return false;
    multiply(w, r, v, step, image);
    memcpy(v, image, bytes);
    if (largest <= most) {
      memcpy(lambda, w->next, (size_t)r * sizeof *lambda);
      return decreases(r, lambda);
    }
    multiply(w, r, l, step, image);
    turn(r, step, angles);
    multiply(w, r, angles, image, l);
  }
  return false;
}

/* The same where L is nearly diagonal, up to errors of `most`^2. */
INLINE bool diagonalise(walk *w, int r, double most, double *l, double *lambda, double *v)
{
#if defined(__AVX512F__)
  if ((r == 4 || r == 8) && eigen_small(r, l, most, lambda, v) && decreases(r, lambda)) return true;
#endif
  (void)most;
  return decompose(w, r, l, lambda, v);
}

/* The last decomposition: rotations are small as a rule. */
INLINE bool diagonalise_again(walk *w, int r, double most, double *l, double *lambda, double *v)
{
  double *kept = at(w, w->a, 0);
  if (r < 12) return diagonalise(w, r, most, l, lambda, v);
  memcpy(kept, l, (size_t)(r * r) * sizeof *l);
  return refine(w, r, most, kept, lambda, v) || decompose(w, r, l, lambda, v);
}

/* --- First rotations ------------------------------------------------------------------------- */

INLINE void fill_pairs(walk *w, int r, const double *lambda)
{
  place_vectors(r, lambda, w->row, w->column);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec x = load(w->row + k), y = load(w->column + k), others = 1 - load(w->one + k);
    store(w->sum + k, (x + y) * others);
    store(w->gap + k, x - y);
    store(w->inverse + k, 2 * others / (x + y));
  }
}

/* Antisymmetric part of M over half of l_i + l_j; sums of M + M^T and of (2 (n - p) - 1) C. */
INLINE void split_layer(walk *w, int r, double weight, const double *m, double *c)
{
  double *turned = w->temporary[0];
  turn(r, m, turned);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec here = load(m + k), there = load(turned + k);
    const vec angle = 0.5 * (here - there) * load(w->inverse + k);
    store(c + k, -angle);
    store(w->step + k, multiply_add(all(weight), angle, load(w->step + k)));
    store(w->mean + k, load(w->mean + k) + (here + there));
  }
}

/* What the layers have in common to first order, L; its vectors are where the rotations start. */
INLINE bool start(walk *w, int r)
{
  const int n = w->n;
  const size_t bytes = (size_t)entries(r) * sizeof(double);
  memset(w->one, 0, bytes);
  for (int k = 0; k < r; k++) w->one[k * (r + 1)] = 1;
  fill_pairs(w, r, w->lambda);
  memset(w->mean, 0, bytes);
  memset(w->step, 0, bytes);
  for (int p = 0; p < n; p++)
    split_layer(w, r, 2 * (n - p) - 1, w->m + (size_t)p * w->core, at(w, w->a, p));
  double *l = w->temporary[0];
  for (int k = 0; k < entries(r); k += LANES)
    store(l + k, (load(w->mean + k) + load(w->gap + k) * load(w->step + k)) * (0.5 / n));
  if (!diagonalise(w, r, ROUGH, l, w->next, w->v)) return false;
  turn(r, w->v, w->k);
  return true;
}

/* N_p = K_p^T M_p K_{p-1} into its parts; their sum and largest entries. */
INLINE void split_turned(walk *w, int r, int p, const double *n)
{
  double *turned = w->temporary[1], *a = at(w, w->a, p), *s = at(w, w->s, p);
  turn(r, n, turned);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec here = load(n + k), there = load(turned + k);
    const vec odd = 0.5 * (here - there), even = 0.5 * (here + there);
    store(s + k, even);
    store(a + k, odd);
    store(w->mean + k, load(w->mean + k) + even);
    store(w->worst + k, larger(absolute(odd), load(w->worst + k)));
  }
}

INLINE bool rotate_once(walk *w, int r)
{
  double *turn = w->temporary[0], *image = w->temporary[2], *n = w->temporary[3];
  memset(w->mean, 0, (size_t)entries(r) * sizeof *w->mean);
  memset(w->worst, 0, (size_t)entries(r) * sizeof *w->worst);
  for (int p = 0; p < w->n; p++) {
    double *before = at(w, w->k, p), *after = at(w, w->k, p + 1);
    if (!exponential(w, r, at(w, w->a, p), turn)) return false;
    multiply(w, r, before, turn, after);
    multiply_by_turned(w, r, w->m + (size_t)p * w->core, before, image);
    multiply(w, r, after, image, n);
    split_turned(w, r, p, n);
  }
  scale(entries(r), 1.0 / w->n, w->mean);
  return true;
}

/* --- Second rotations ------------------------------------------------------------------------ */

/* Of the matrices L_p = L + E_p left: vectors, and what stands in the tridiagonal system. */
INLINE void fill_system(walk *w, int r)
{
  for (int k = 0; k < r; k++) w->lambda[k] = w->mean[k * (r + 1)];
  fill_pairs(w, r, w->lambda);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec x = load(w->row + k), y = load(w->column + k);
    const mask first = absolute(x) > absolute(y);
    const vec inverse = 1 / pick(first, x, y);
    store(w->rho + k, pick(first, y, x) * inverse);
    store(w->square + k, 0.5 * inverse * inverse);
  }
}

/* Rows p from 1 up: mu = (l_i + l_j)(s' - s) + (l_i - l_j)(a' + a), y = t mu + rho y_before, where
 * t is the sum of rho^{2q}, q < p. The largest change of s. */
INLINE void eliminate(walk *w, int r, int p)
{
  const double *a = at(w, w->a, p - 1), *a_after = a + w->core, *s_after = at(w, w->s, p);
  double *s = at(w, w->s, p - 1), *t = at(w, w->t, p - 1), *t_after = t + w->core;
  double *carried = w->temporary[0];
  for (int k = 0; k < entries(r); k += LANES) {
    const vec change = load(s_after + k) - load(s + k), odd = load(a + k) + load(a_after + k);
    const vec mu = load(w->sum + k) * change + load(w->gap + k) * odd;
    const vec rho = load(w->rho + k), here = load(t + k), next = 1 + rho * rho * here;
    const vec y = here * mu + rho * load(carried + k);
    store(w->worst + k, larger(absolute(change), load(w->worst + k)));
    store(carried + k, y);
    store(s + k, y * load(w->square + k) / (here * next));
    store(t_after + k, next);
  }
}

/* From the last layer down: S_p = t z, z = y + rho z_after; B_{p-1} = B_p - D_p with D_p from the
 * antisymmetric part that S leaves. */
INLINE void substitute(walk *w, int r, int p)
{
  const double *a = at(w, w->a, p), *y = at(w, w->s, p - 1), *t = at(w, w->t, p - 1);
  const double *b_after = at(w, w->b, p + 1);
  double *b = at(w, w->b, p), *z = w->temporary[0], *s = w->temporary[1];
  for (int k = 0; k < entries(r); k += LANES) {
    vec here = {0}, before = {0};
    if (p > 0) {
      here = load(y + k) + load(w->rho + k) * load(z + k);
      before = load(t + k) * here;
    }
    const vec odd = load(a + k) - 0.5 * load(w->gap + k) * (load(s + k) + before);
    const vec after = load(b_after + k), now = after + odd * load(w->inverse + k);
    store(z + k, here);
    store(s + k, before);
    store(b + k, now);
    store(w->worst + k, larger(absolute(now), load(w->worst + k)));
    store(w->step + k, load(w->step + k) + (now + after));
  }
}

/* B_p (with the sign of its inverse) and the vectors of what the layers now have in common. */
INLINE bool solve(walk *w, int r)
{
  const int n = w->n;
  const size_t bytes = (size_t)entries(r) * sizeof(double);
  fill_system(w, r);
  for (int k = 0; k < entries(r); k += LANES) store(w->t + k, all(1));
  memset(w->temporary[0], 0, bytes);
  for (int p = 1; p < n; p++) eliminate(w, r, p);
  const double largest = largest_of(r * r, w->worst), most = largest / w->lambda[0];
  for (int k = 0; k < (w->crosses ? 1 : r); k++)
    if (!(largest <= NEAR * w->lambda[k])) return false;
  memset(w->temporary[0], 0, bytes);
  memset(w->temporary[1], 0, bytes);
  memset(w->step, 0, bytes);
  memset(at(w, w->b, n), 0, bytes);
  for (int p = n - 1; p >= 0; p--) substitute(w, r, p);
  if (!(r * largest_of(r * r, w->worst) <= ANGLE_MOST)) return false;
  double *l = w->temporary[0];
  for (int k = 0; k < entries(r); k += LANES)
    store(l + k, load(w->mean + k) - load(w->gap + k) * load(w->step + k) * (0.5 / n));
  return diagonalise_again(w, r, 3 * most, l, w->lambda, w->v);
}

/* lambda_r < 0 becomes positive; true if so, and the last column of every second frame changes its
 * sign. */
INLINE bool reflect(walk *w, int r)
{
  if (!w->crosses || !(w->lambda[r - 1] < 0)) return false;
  w->lambda[r - 1] *= -1;
  return true;
}

/* The rotation of frame p, from its transpose. */
INLINE void adopt(walk *w, int r, int p, const double *turned)
{
  double *image = w->temporary[0];
  if (w->frames == NULL) {
    turn(r, turned, at(w, w->k, p));
    return;
  }
  double *frame = at(w, w->frames, p);
  multiply_by_turned(w, r, frame, turned, image);
  memcpy(frame, image, (size_t)(r * r) * sizeof *frame);
}

INLINE bool rotate_again(walk *w, int r)
{
  double *turned = w->temporary[0], *small = w->temporary[2], *both = w->temporary[3];
  const bool reflects = reflect(w, r);
  if (!(w->lambda[r - 1] > 0) || (r > 1 && w->lambda[r - 2] < w->lambda[r - 1])) return false;
  turn(r, w->v, w->mean);
  for (int p = 0; p <= w->n; p++) {
    double *k = at(w, w->k, p);
    for (int i = 0; reflects && p > 0 && i < r; i++) w->mean[i * r + r - 1] *= -1;
    exponential(w, r, at(w, w->b, p), turned);
    multiply(w, r, w->mean, turned, small);
    multiply(w, r, small, k, both);
    adopt(w, r, p, both);
  }
  return true;
}

INLINE bool balance(walk *w, int r)
{
  return start(w, r) && rotate_once(w, r) && solve(w, r) && rotate_again(w, r);
}

/* --- Memory ---------------------------------------------------------------------------------- */

static double *take(double **next, size_t n)
{
  double *part = *next;
  *next += n;
  return part;
}

static walk map(const wmc_chain *chain, const double *m, double *rotations, double *frames,
                double *scratch)
{
  const size_t n = (size_t)chain->n, core = chain->core, side = ((size_t)chain->r + 7) / 8 * 8;
  walk w = {.r = chain->r,
            .n = chain->n,
            .core = core,
            .product = chain->product,
            .m = m,
            .k = rotations,
            .frames = frames,
            .crosses = chain->crosses};
  double **const matrices[MATRICES] = {&w.sum,   &w.gap, &w.inverse, &w.rho, &w.square, &w.mean,
                                       &w.worst, &w.v,   &w.step,    &w.one, &w.row,    &w.column};
  w.a = take(&scratch, n * core);
  w.s = take(&scratch, n * core);
  w.t = take(&scratch, n * core);
  w.b = take(&scratch, (n + 1) * core);
  for (int k = 0; k < MATRICES; k++) *matrices[k] = take(&scratch, core);
  for (int k = 0; k < TEMPORARIES; k++) w.temporary[k] = take(&scratch, core);
  w.lambda = take(&scratch, side);
  w.next = take(&scratch, side);
  w.svd = scratch;
  return w;
}

bool WMC_SIMD_NAME(wmc_chain_balance_all)(const wmc_chain *chain, const double *m, double *lambda,
                                          double *rotations, double *frames, long *products,
                                          double *scratch)
{
  const size_t bytes = (size_t)chain->r * sizeof *lambda;
  walk w = map(chain, m, rotations, frames, scratch);
  memcpy(w.lambda, lambda, bytes);
  const bool done = w.r == 4 ? balance(&w, 4) : w.r == 8 ? balance(&w, 8) : balance(&w, w.r);
  *products += w.products;
  if (done) memcpy(lambda, w.lambda, bytes);
  return done;
}
