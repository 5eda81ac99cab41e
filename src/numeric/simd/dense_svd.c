/* One-sided Jacobi by rounds of disjoint pairs (a round-robin tournament of the columns).
 *
 * The columns of Y, each above its column of V, are copied into scratch, padded with zeros to whole
 * vectors and sorted by norm. In a round all n/2 pairs are independent, so the latencies of their
 * dot products, square roots and divisions overlap, and the angles are computed in vectors.
 * Rotations are those of Demmel & Veselic, SIAM J. Matrix Anal. Appl. 13 (1992) 1204: columns
 * scaled by any factors keep the relative accuracy of their singular values.
 *
 * Before each sweep the Gram matrix of Y says whether one is needed, and when all angles left are
 * small, all rotations are done at once as a product with exp(W), W antisymmetric. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dense_kernels.h"
#include "dense_octet.h"
#include "dense_tile.h"
#include "dense_transpose.h"

enum { MOST_SWEEPS = 60, CHUNK = 16, FEW = 4, MANY = 96 };

/* Squared norm of a column that counts as zero: e^-305 of the largest. A column that depends on
 * others loses 16 digits a sweep until it comes here. */
static const double NOTHING = 0x1p-430;
/* Squared norm from which a column does not come there before its last digit is lost: rotations may
 * shorten it by 2^-53, and by somewhat more where it depends on others. */
static const double SAFE = 0x1p-300;

/* Size of the angles W, squared, below which the series of exp(W) to this order is orthogonal to
 * working accuracy: E^T E - 1 = W^2, W^4/4 and W^6/72 is below 2^-54. */
static const double FIRST_ORDER = 0x1p-54, SECOND_ORDER = 0x1p-26, FOURTH_ORDER = 0x1p-16;

typedef struct sweeper {
  int m, n;               /* rows of Y, columns */
  int height;             /* padded rows of Y */
  int stride;             /* and of V below it, if there is one */
  int side;               /* padded n */
  double sharpness;       /* a pair is orthogonal if |cosine| * sharpness <= 1 */
  double *work;           /* stride x n: Y above V */
  double *spare;          /* of the same size, at least height x side */
  double *gram, *angle;   /* side x n */
  double *norm2, *places; /* side */
} sweeper;

INLINE int padded(int rows) { return (rows + LANES - 1) / LANES * LANES; }
INLINE double *column(const sweeper *w, int j) { return w->work + (ptrdiff_t)j * w->stride; }

/** Products of the entries of padded columns, added up to one vector. */
INLINE vec products(int rows, const double *x, const double *y)
{
  vec even = {0}, odd = {0};
  int i = 0;
  for (; i + 2 * LANES <= rows; i += 2 * LANES) {
    even = multiply_add(load(x + i), load(y + i), even);
    odd = multiply_add(load(x + i + LANES), load(y + i + LANES), odd);
  }
  if (i < rows) even = multiply_add(load(x + i), load(y + i), even);
  return even + odd;
}

INLINE double dot(int rows, const double *x, const double *y)
{
  return sum_of(products(rows, x, y));
}

/** (x, y) <- (c x + s y, c y - s x) */
INLINE void rotate(int rows, double c, double s, double *x, double *y)
{
  vec cosine = all(c), sine = all(s);
  for (int i = 0; i < rows; i += LANES) {
    vec u = load(x + i), v = load(y + i);
    store(x + i, multiply_add(cosine, u, sine * v));
    store(y + i, multiply_add(cosine, v, -(sine * u)));
  }
}

/** Lanes where g = x . y is not 0 to working accuracy, a = |x|^2, b = |y|^2. */
INLINE mask unfinished(vec a, vec b, vec g, double sharpness)
{
  vec sharp = g * sharpness;
  return (sharp * sharp > a * b) & (a > NOTHING) & (b > NOTHING);
}

/* --- a sweep of rotations ----------------------------------------------------------------------
 */

/** Players of pair k in a round of the tournament of `players` (even). */
INLINE void pair_of(int players, int round, int k, int *i, int *j)
{
  int last = players - 1;
  *i = round + k < last ? round + k : round + k - last;
  *j = round - k < 0 ? round - k + last : round - k;
  if (k == 0) *j = last;
}

/** Some disjoint pairs of columns, their squared norms, dot products and rotations. */
typedef struct chunk {
  int pairs;
  int left[CHUNK], right[CHUNK]; /* left < right */
  double large[CHUNK], small[CHUNK], dot[CHUNK], cosine[CHUNK], sine[CHUNK];
} chunk;

INLINE void chunk_add(chunk *c, int i, int j)
{
  c->left[c->pairs] = i < j ? i : j;
  c->right[c->pairs] = i < j ? j : i;
  c->pairs++;
}

/** Angles of LANES pairs, 0 where orthogonal already (twice as sharply as is asked for in the end:
 * dot products in other orders differ in their last bits); the norms become those after the
 * rotation. tan = 2g / (d + sign(d) sqrt(d^2 + 4g^2)), d = |x|^2 - |y|^2: at most 45 degrees. */
INLINE void find_angles(chunk *c, int k, double sharpness)
{
  vec a = load(c->large + k), b = load(c->small + k), g = load(c->dot + k);
  vec d = a - b, length = absolute(d) + root(d * d + 4 * g * g);
  vec twice = with_sign(2 * g, (vec)((mask)g ^ (mask)d));
  vec inverse = 1 / root(length * length + twice * twice);
  mask needed = unfinished(a, b, g, sharpness);
  vec t = where(needed, twice / length);
  store(c->cosine + k, length * inverse);
  store(c->sine + k, where(needed, twice * inverse));
  store(c->large + k, a + t * g);
  store(c->small + k, b - t * g);
}

/** Rotate the pairs of a chunk; returns how many were rotated. `height` and `stride` are those of
 * w, as constants if known. */
INLINE int chunk_rotate(const sweeper *w, chunk *c, int height, int stride)
{
  int rotated = 0;
  for (int k = 0; k < padded(c->pairs); k++) {
    c->large[k] = k < c->pairs ? w->norm2[c->left[k]] : 1;
    c->small[k] = k < c->pairs ? w->norm2[c->right[k]] : 1;
  }
  for (int k = 0; k < c->pairs; k += LANES) {
    vec sums[LANES];
    for (int l = 0; l < LANES; l++)
      sums[l] = k + l < c->pairs ? products(height, w->work + c->left[k + l] * stride,
                                            w->work + c->right[k + l] * stride)
                                 : (vec){0};
    store(c->dot + k, sums_of(sums));
  }
  for (int k = 0; k < c->pairs; k += LANES) find_angles(c, k, 2 * w->sharpness);
  for (int k = 0; k < c->pairs; k++) {
    double *x = w->work + c->left[k] * stride, *y = w->work + c->right[k] * stride;
    if (c->sine[k] == 0) continue;
    rotated++;
    rotate(stride, c->cosine[k], c->sine[k], x, y);
    w->norm2[c->left[k]] = c->large[k];
    w->norm2[c->right[k]] = c->small[k];
  }
  return rotated;
}

/** Tournament among columns first..last-1. */
INLINE int play(const sweeper *w, int first, int last, int height, int stride)
{
  int columns = last - first, players = columns + columns % 2, rotated = 0, i, j;
  for (int round = 0; round < players - 1; round++)
    for (int begin = columns % 2; begin < players / 2; begin += CHUNK) {
      chunk c;
      c.pairs = 0;
      for (int k = begin; k < players / 2 && k < begin + CHUNK; k++) {
        pair_of(players, round, k, &i, &j);
        chunk_add(&c, first + i, first + j);
      }
      rotated += chunk_rotate(w, &c, height, stride);
    }
  return rotated;
}

/** All pairs of a column of block I with one of block J. */
static int match(const sweeper *w, int block_i, int block_j)
{
  int rotated = 0;
  for (int shift = 0; shift < CHUNK; shift++) {
    chunk c;
    c.pairs = 0;
    for (int k = 0; k < CHUNK; k++) {
      int i = block_i * CHUNK + k, j = block_j * CHUNK + (k + shift) % CHUNK;
      if (i < w->n && j < w->n) chunk_add(&c, i, j);
    }
    rotated += chunk_rotate(w, &c, w->height, w->stride);
  }
  return rotated;
}

/** For many columns, a tournament of blocks of CHUNK, of which two fit in the nearest cache. */
static int sweep_blocks(const sweeper *w)
{
  int blocks = (w->n + CHUNK - 1) / CHUNK, players = blocks + blocks % 2, rotated = 0, i, j;
  for (int first = 0; first < w->n; first += CHUNK)
    rotated += play(w, first, first + CHUNK < w->n ? first + CHUNK : w->n, w->height, w->stride);
  for (int round = 0; round < players - 1; round++)
    for (int k = blocks % 2; k < players / 2; k++) {
      pair_of(players, round, k, &i, &j);
      rotated += match(w, i < j ? i : j, i < j ? j : i);
    }
  return rotated;
}

static int sweep_any(const sweeper *w)
{
  return w->n > MANY ? sweep_blocks(w) : play(w, 0, w->n, w->height, w->stride);
}

#if defined(__AVX__)
static int sweep_8(const sweeper *w)
{
  if (w->n <= FEW) return play(w, 0, w->n, 8, 8);
  octet_sweep(w->work, w->n, w->stride, PARTS, NOTHING);
  return 1;
}

static int sweep_8_with_v(const sweeper *w)
{
  if (w->n <= FEW) return play(w, 0, w->n, 8, 16);
  octet_sweep(w->work, w->n, w->stride, 2 * PARTS, NOTHING);
  return 1;
}
#else
static int sweep_8(const sweeper *w) { return play(w, 0, w->n, 8, 8); }
static int sweep_8_with_v(const sweeper *w) { return play(w, 0, w->n, 8, 16); }
#endif

static int sweep_16(const sweeper *w) { return play(w, 0, w->n, 16, 16); }
static int sweep_16_with_v(const sweeper *w) { return play(w, 0, w->n, 16, 32); }
static int sweep_32(const sweeper *w) { return play(w, 0, w->n, 32, 32); }
static int sweep_32_with_v(const sweeper *w) { return play(w, 0, w->n, 32, 64); }

static const struct {
  int height, stride;
  int (*sweep)(const sweeper *w);
} unrolled[] = {{8, 8, sweep_8},           {8, 16, sweep_8_with_v}, {16, 16, sweep_16},
                {16, 32, sweep_16_with_v}, {32, 32, sweep_32},      {32, 64, sweep_32_with_v}};

/** One sweep over all pairs; returns how many were rotated. */
static int rotate_all(const sweeper *w)
{
  for (size_t k = 0; k < sizeof unrolled / sizeof *unrolled; k++)
    if (unrolled[k].height == w->height && unrolled[k].stride == w->stride)
      return unrolled[k].sweep(w);
  return sweep_any(w);
}

/* --- the Gram matrix, and corrections of first and second order ---------------------------------
 */

/** gram = Y^T Y: its upper triangle and the square blocks of LANES along the diagonal, and 0 on the
 * diagonal itself, which goes to norm2. */
static void find_gram(const sweeper *w)
{
  double *rows = w->spare;
  transpose(w->m, w->n, w->work, w->stride, rows, w->side);
  for (int i = 0; i < w->m; i++)
    for (int j = w->n; j < w->side; j++) rows[j + i * w->side] = 0;
  const operands o = {w->side, w->n, w->m, w->side, w->stride, w->side, rows, w->work, w->gram};
  tile_all(&o, true, true);
  for (int j = 0; j < w->n; j++) {
    w->norm2[j] = w->gram[j + j * w->side];
    w->gram[j + j * w->side] = 0;
  }
}

/** What the Gram matrix says of the angles that are left. */
typedef enum state { ORTHOGONAL, NEARLY, FAR } state;

/** A cosine is at most the size of an angle as find_small_angles measures it, so one large cosine
 * is enough for FAR. */
static state find_state(const sweeper *w)
{
  mask any = {0}, large = {0};
  for (int j = 0; j < w->n; j++)
    for (int i = 0; i <= j; i += LANES) {
      vec a = load(w->norm2 + i), b = all(w->norm2[j]), g = load(w->gram + i + j * w->side);
      any |= unfinished(a, b, g, w->sharpness);
      large |= g * g > FOURTH_ORDER * (a * b);
    }
  if (sum_of(where(any, all(1))) == 0) return ORTHOGONAL;
  return sum_of(where(large, all(1))) == 0 ? NEARLY : FAR;
}

/** angle = W, W_ij = G_ij / (G_jj - G_ii) for pairs that are not orthogonal yet. Returns the sum of
 * W_ij^2 max(G_ii, G_jj) / min(G_ii, G_jj): W must be small beside the ratio of the columns, or
 * products like W_ik W_kj would count as much as W_ij. */
static double find_small_angles(const sweeper *w)
{
  for (int j = 0; j < w->n; j++)
    for (int i = 0; i < j; i++) w->gram[j + i * w->side] = w->gram[i + j * w->side];
  for (int i = 0; i < w->side; i += LANES) store(w->places + i, 1 / load(w->norm2 + i));
  vec squares = {0};
  for (int j = 0; j < w->n; j++) {
    vec b = all(w->norm2[j]), inverse_b = all(w->places[j]);
    for (int i = 0; i < w->side; i += LANES) {
      vec g = load(w->gram + i + j * w->side), a = load(w->norm2 + i);
      mask needed = unfinished(a, b, g, w->sharpness);
      vec angle = where(needed, g / (b - a)), scaled = angle * angle;
      store(w->angle + i + j * w->side, angle);
      squares += where(needed & (a > b), scaled * a * inverse_b) +
                 where(needed & (a <= b), scaled * b * load(w->places + i));
    }
  }
  return sum_of(squares);
}

INLINE void square_product(const sweeper *w, const double *a, const double *b, double *c)
{
  const operands o = {w->side, w->n, w->n, w->side, w->side, w->side, a, b, c};
  tile_all(&o, true, false);
}

/** angle <- exp(W) - 1 = W + W^2/2 + W^2 (W/6 + W^2/24), as many terms as
 * `squares`, the size of W, asks for. */
static void exponentiate(const sweeper *w, double squares)
{
  const ptrdiff_t size = (ptrdiff_t)w->side * w->n;
  double *first = w->angle, *second = w->gram, *inner = w->spare, *product = w->spare + size;
  if (squares < FIRST_ORDER) return;
  square_product(w, first, first, second);
  if (squares > SECOND_ORDER) {
    for (ptrdiff_t i = 0; i < size; i += LANES)
      store(inner + i, load(first + i) / 6 + load(second + i) / 24);
    square_product(w, second, inner, product);
  } else {
    for (ptrdiff_t i = 0; i < size; i += LANES) store(product + i, (vec){0});
  }
  for (ptrdiff_t i = 0; i < size; i += LANES)
    store(first + i, load(first + i) + 0.5 * load(second + i) + load(product + i));
}

/** work += work (exp(W) - 1) */
static void correct(const sweeper *w, double squares)
{
  exponentiate(w, squares);
  const operands change = {w->stride, w->n,    w->n,     w->stride, w->side,
                           w->stride, w->work, w->angle, w->spare};
  tile_all(&change, true, false);
  for (ptrdiff_t i = 0; i < (ptrdiff_t)w->stride * w->n; i += LANES)
    store(w->work + i, load(w->work + i) + load(w->spare + i));
}

static void find_norms(const sweeper *w)
{
  for (int j = 0; j < w->n; j++) w->norm2[j] = dot(w->height, column(w, j), column(w, j));
}

/** Sweeps until one finds nothing to rotate; for few columns, where a sweep costs no more than the
 * Gram matrix. */
static int iterate_few(const sweeper *w)
{
  int done = 0;
  for (; done < MOST_SWEEPS; done++) {
    find_norms(w);
    if (rotate_all(w) == 0) break;
  }
  return done;
}

/** norm2 of all columns; is the cosine of some neighbours so large that a sweep is due anyway? */
static bool is_far(const sweeper *w)
{
  bool far = false;
  find_norms(w);
  for (int j = 1; j < w->n; j++) {
    double g = dot(w->height, column(w, j - 1), column(w, j));
    far |= g * g > FOURTH_ORDER * w->norm2[j - 1] * w->norm2[j] && w->norm2[j - 1] > NOTHING &&
           w->norm2[j] > NOTHING;
  }
  return far;
}

/** Until all pairs are orthogonal; returns the sweeps or corrections done. */
static int iterate(const sweeper *w)
{
  if (w->n <= FEW) return iterate_few(w);
  for (int done = 0; done < MOST_SWEEPS; done++) {
    if (is_far(w)) {
      rotate_all(w);
      continue;
    }
    find_gram(w);
    state now = find_state(w);
    if (now == ORTHOGONAL) return done;
    double squares = now == NEARLY ? find_small_angles(w) : INFINITY;
    if (squares < FOURTH_ORDER)
      correct(w, squares);
    else
      rotate_all(w);
  }
  return MOST_SWEEPS;
}

/* --- in and out ---------------------------------------------------------------------------------
 */

/** Sum of squares of any m entries. */
INLINE double square(int m, const double *x)
{
  vec sum = {0};
  int i = 0;
  for (; i + LANES <= m; i += LANES) sum += load(x + i) * load(x + i);
  if (i < m) {
    vec last = part_load(x + i, m - i);
    sum += last * last;
  }
  return sum_of(sum);
}

/** places[j]: that of column j when sorted by decreasing norm; equal norms keep their order. */
static void find_places(const sweeper *w)
{
  for (int j = 0; j < w->n; j++) {
    int before = 0;
    for (int l = 0; l < j; l++) before += w->norm2[l] >= w->norm2[j];
    for (int l = j + 1; l < w->n; l++) before += w->norm2[l] > w->norm2[j];
    w->places[j] = before;
  }
}

/** Factor, a power of two, for which squared norms and their products neither overflow nor, for
 * columns above e^-305 of the largest, underflow; 1 where nothing is at risk. */
static double safe_scale(const sweeper *w, const double *y)
{
  double least = INFINITY, most = 0, largest = 0;
  for (int j = 0; j < w->n; j++) {
    least = fmin(least, w->norm2[j]);
    most = fmax(most, w->norm2[j]);
  }
  if (least > SAFE && most < 0x1p480) return 1;
  for (int i = 0; i < w->m * w->n; i++) largest = fmax(largest, fabs(y[i]));
  if (!(largest > 0) || isinf(largest)) return 1;
  int exponent = 225 - ilogb(largest);
  return ldexp(1.0, exponent < 1000 ? exponent : 1000);
}

/** to (`rows` padded) <- scale * from (m entries) */
INLINE void copy_in(int m, int rows, double scale, const double *from, double *to)
{
  int i = 0;
  for (; i + LANES <= m; i += LANES) store(to + i, load(from + i) * scale);
  if (i < rows) store(to + i, part_load(from + i, m - i) * scale);
}

INLINE void copy_out(int m, double scale, const double *from, double *to)
{
  int i = 0;
  for (; i + LANES <= m; i += LANES) store(to + i, load(from + i) * scale);
  if (i < m) part_store(to + i, load(from + i) * scale, m - i);
}

/** Fill work with the sorted columns of Y, scaled, and V; returns the scale. */
static double gather(const sweeper *w, const double *y, const double *v)
{
  for (int j = 0; j < w->n; j++) w->norm2[j] = square(w->m, y + (ptrdiff_t)j * w->m);
  for (int j = w->n; j < w->side; j++) w->norm2[j] = 0;
  double scale = safe_scale(w, y);
  if (scale != 1)
    for (int j = 0; j < w->n; j++) {
      copy_in(w->m, w->height, scale, y + (ptrdiff_t)j * w->m, column(w, j));
      w->norm2[j] = dot(w->height, column(w, j), column(w, j));
    }
  find_places(w);
  for (int j = 0; j < w->n; j++) {
    double *to = column(w, (int)w->places[j]);
    copy_in(w->m, w->height, scale, y + (ptrdiff_t)j * w->m, to);
    if (v != NULL) copy_in(w->n, w->side, 1, v + (ptrdiff_t)j * w->n, to + w->height);
  }
  return scale;
}

static void scatter(const sweeper *w, double scale, double *y, double *v, double *s)
{
  find_norms(w);
  find_places(w);
  for (int j = 0; j < w->n; j++) {
    const double *from = column(w, j);
    int place = (int)w->places[j];
    s[place] = sqrt(w->norm2[j]) / scale;
    copy_out(w->m, 1 / scale, from, y + (ptrdiff_t)place * w->m);
    if (v != NULL) copy_out(w->n, 1, from + w->height, v + (ptrdiff_t)place * w->n);
  }
}

int WMC_SIMD_NAME(wmc_svd_sweeps)(int m, int n, double *y, double *v, double *s, double *scratch)
{
  sweeper w = {.m = m, .n = n, .height = padded(m), .side = padded(n)};
  w.stride = w.height + (v != NULL ? w.side : 0);
  w.sharpness = 1 / (DBL_EPSILON * (1 + sqrt((double)m)));
  w.work = (double *)(((uintptr_t)scratch + 63) & ~(uintptr_t)63);
  w.spare = w.work + w.stride * n;
  w.gram = w.spare + (w.height + w.side) * w.side;
  w.angle = w.gram + w.side * n;
  w.norm2 = w.angle + w.side * n;
  w.places = w.norm2 + w.side;
  double scale = gather(&w, y, v), sum = 0;
  for (int j = 0; j < n; j++) sum += w.norm2[j];
  if (!isfinite(sum)) {
    for (int j = 0; j < n; j++) s[j] = NAN;
    return MOST_SWEEPS;
  }
  int sweeps = iterate(&w);
  scatter(&w, scale, y, v, s);
  return sweeps;
}
