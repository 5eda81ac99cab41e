#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "extended_kernels.h"
#include "extended_vector.h"

/* ---- products ---------------------------------------------------------------------------------
 */

/* A tile of C is TILE_ROWS vectors by TILE_COLUMNS entries, each with its low part. */
#if defined(__AVX512F__)
enum { TILE_ROWS = 2, TILE_COLUMNS = 4 };
#else
enum { TILE_ROWS = 2, TILE_COLUMNS = 2 };
#endif

typedef struct operands {
  int m, n, k;
  double sigma; /* 1.5 2^q, at least twice all partial sums; or 0 */
  wmc_extended a, b, c;
} operands;

/** sum += a b for sum.high >= sigma/2. */
INLINE void add_product(two *sum, vec a, vec b, vec b_low)
{
#if defined(__FMA__) || defined(__aarch64__)
  const vec s = multiply_add(a, b, sum->high), z = s - sum->high;
  const vec lost = multiply_add(a, b, -z);
#else
  const two p = product_exact(a, b);
  const vec s = sum->high + p.high, z = s - sum->high;
  const vec lost = (p.high - z) + p.low;
#endif
  sum->high = s;
  sum->low = multiply_add(a, b_low, sum->low) + lost;
}

INLINE vec tile_load(const double *x, bool last, int rest)
{
  return last ? part_load(x, rest) : load(x);
}

INLINE void tile_store(double *x, vec v, bool last, int rest)
{
  if (last)
    part_store(x, v, rest);
  else
    store(x, v);
}

/** Tile of C at row i, column j; see dense_tile.h. `wide`: A has low parts. */
INLINE void tile(const operands *o, int i, int j, int rows, int columns, int rest, bool wide)
{
  two sum[TILE_ROWS][TILE_COLUMNS];
  for (int r = 0; r < rows; r++)
    for (int q = 0; q < columns; q++) sum[r][q] = all_two(o->sigma, 0);
  for (int l = 0; l < o->k; l++) {
    const ptrdiff_t column = i + (ptrdiff_t)l * o->m, row = l + (ptrdiff_t)j * o->k;
    vec a[TILE_ROWS], a_low[TILE_ROWS];
    for (int r = 0; r < rows; r++) {
      const bool last = rest > 0 && r == rows - 1;
      a[r] = tile_load(o->a.high + column + r * LANES, last, rest);
      if (wide) a_low[r] = tile_load(o->a.low + column + r * LANES, last, rest);
    }
    for (int q = 0; q < columns; q++) {
      const vec b = all(o->b.high[row + q * o->k]), b_low = all(o->b.low[row + q * o->k]);
      for (int r = 0; r < rows; r++) {
        add_product(&sum[r][q], a[r], b, b_low);
        if (wide) sum[r][q].low = multiply_add(a_low[r], b, sum[r][q].low);
      }
    }
  }
  for (int q = 0; q < columns; q++)
    for (int r = 0; r < rows; r++) {
      const ptrdiff_t at = i + r * LANES + (ptrdiff_t)(j + q) * o->m;
      const two x = sum_exact(sum[r][q].high - o->sigma, sum[r][q].low);
      const bool last = rest > 0 && r == rows - 1;
      tile_store(o->c.high + at, x.high, last, rest);
      tile_store(o->c.low + at, x.low, last, rest);
    }
}

/** `columns` (a constant) columns of C from column j. */
INLINE void panel(const operands *o, int j, int columns, bool wide)
{
  int i = 0;
  for (; i + TILE_ROWS * LANES <= o->m; i += TILE_ROWS * LANES)
    tile(o, i, j, TILE_ROWS, columns, 0, wide);
  const int left = o->m - i, rest = left % LANES;
  if (left > LANES)
    tile(o, i, j, 2, columns, rest, wide);
  else if (left > 0)
    tile(o, i, j, 1, columns, rest, wide);
}

INLINE void all_panels(const operands *o, bool wide)
{
  int j = 0;
  for (; j + TILE_COLUMNS <= o->n; j += TILE_COLUMNS) panel(o, j, TILE_COLUMNS, wide);
  if (TILE_COLUMNS > 2 && j + 2 <= o->n) panel(o, j, 2, wide), j += 2;
  if (j < o->n) panel(o, j, 1, wide);
}

static double largest(ptrdiff_t size, const double *x)
{
  vec most = {0};
  ptrdiff_t i = 0;
  double result = 0;
  for (; i + LANES <= size; i += LANES) {
    const vec v = absolute(load(x + i));
    const mask more = v > most;
    most = (vec)((more & (mask)v) | (~more & (mask)most));
  }
  for (; i < size; i++) result = fabs(x[i]) > result ? fabs(x[i]) : result;
  for (int k = 0; k < LANES; k++) result = most[k] > result ? most[k] : result;
  return result;
}

double WMC_SIMD_NAME(wmc_extended_product_tiled)(int m, int n, int k, const wmc_extended *a,
                                                 const wmc_extended *b, const wmc_extended *c)
{
  const double bound = k * largest((ptrdiff_t)m * k, a->high) * largest((ptrdiff_t)k * n, b->high);
  int power;
  frexp(bound, &power);
  const double sigma = bound > 0 && isfinite(bound) ? ldexp(1.5, power + 1) : bound;
  const operands o = {m, n, k, sigma, *a, *b, *c};
  if (a->low)
    all_panels(&o, true);
  else
    all_panels(&o, false);
  return bound;
}

/* ---- QR by rows -------------------------------------------------------------------------------
 */

/* The matrix is copied row by row, padded to whole vectors, so that for pivot column x both the
 * sums x^* A (whose entry j is |x|^2) and the update run along rows. Reals of complex numbers are
 * rows of their own: x^* A = sum over rows of x_r a_r + i sum of (ix)_r a_r. */
typedef struct rows {
  int parts, rows, n, width;
  wmc_extended a;         /* rows x width */
  wmc_extended x[2];      /* rows: the pivot column, times 1 and i; then that of Q */
  wmc_extended weight[2]; /* width: row of R, its real and imaginary part */
} rows;

INLINE two row_of(const wmc_extended *a, ptrdiff_t at)
{
  return load_two(a->high + at, a->low + at);
}

static void set_pivot(const rows *w, int j)
{
  for (int i = 0; i < w->rows; i++) {
    const ptrdiff_t at = (ptrdiff_t)i * w->width + j;
    w->x[0].high[i] = w->a.high[at];
    w->x[0].low[i] = w->a.low[at];
  }
  for (int i = 0; w->parts == 2 && i < w->rows; i += 2) {
    w->x[1].high[i] = -w->x[0].high[i + 1];
    w->x[1].low[i] = -w->x[0].low[i + 1];
    w->x[1].high[i + 1] = w->x[0].high[i];
    w->x[1].low[i + 1] = w->x[0].low[i];
  }
}

/** weight = x^* A in the columns of vector v and all after it. */
INLINE void take_sums(const rows *w, int v, int parts)
{
  for (; v < w->width; v += LANES) {
    two sum[2] = {{{0}, {0}}, {{0}, {0}}};
    for (int i = 0; i < w->rows; i++) {
      const two a = row_of(&w->a, (ptrdiff_t)i * w->width + v);
      for (int p = 0; p < parts; p++)
        add_to(&sum[p], product(all_two(w->x[p].high[i], w->x[p].low[i]), a));
    }
    for (int p = 0; p < parts; p++)
      store_two(w->weight[p].high + v, w->weight[p].low + v, sum_exact(sum[p].high, sum[p].low));
  }
}

/** x <- factor x */
INLINE void scale(const wmc_extended *x, int count, two factor)
{
  for (int i = 0; i < count; i++) {
    const two y = product(all_two(x->high[i], x->low[i]), factor);
    const two z = sum_ordered(y.high, y.low);
    x->high[i] = z.high[0];
    x->low[i] = z.low[0];
  }
}

INLINE void scale_weight(const rows *w, int v, int parts, two factor)
{
  for (; v < w->width; v += LANES)
    for (int p = 0; p < parts; p++) {
      const two y = product(row_of(&w->weight[p], v), factor);
      store_two(w->weight[p].high + v, w->weight[p].low + v, sum_ordered(y.high, y.low));
    }
}

INLINE void subtract(const rows *w, int v, int parts)
{
  for (; v < w->width; v += LANES) {
    two weight[2];
    for (int p = 0; p < parts; p++) weight[p] = row_of(&w->weight[p], v);
    for (int i = 0; i < w->rows; i++) {
      const ptrdiff_t at = (ptrdiff_t)i * w->width + v;
      two a = row_of(&w->a, at);
      for (int p = 0; p < parts; p++)
        a = difference(a, product(all_two(w->x[p].high[i], w->x[p].low[i]), weight[p]));
      store_two(w->a.high + at, w->a.low + at, a);
    }
  }
}

/** Column j of Q and row j of R. */
static void keep(const rows *w, int j, two norm, const wmc_extended *q, const wmc_extended *r)
{
  const ptrdiff_t stride = (ptrdiff_t)w->parts * w->n;
  for (int i = 0; i < w->rows; i++) {
    q->high[(ptrdiff_t)j * w->rows + i] = w->x[0].high[i];
    q->low[(ptrdiff_t)j * w->rows + i] = w->x[0].low[i];
  }
  for (int k = 0; k < w->n; k++)
    for (int p = 0; p < w->parts; p++) {
      const ptrdiff_t at = k * stride + w->parts * j + p;
      const bool diagonal = k == j, real = p == 0;
      r->high[at] = k < j ? 0 : !diagonal ? w->weight[p].high[k] : real ? norm.high[0] : 0;
      r->low[at] = k < j ? 0 : !diagonal ? w->weight[p].low[k] : real ? norm.low[0] : 0;
    }
}

/** R_jk = x^* a_k / |x|, x <- x/|x|, A <- A - x R_j for the columns k from j on. */
INLINE void eliminate(const rows *w, int j, int parts, const wmc_extended *q, const wmc_extended *r)
{
  const int v = j / LANES * LANES;
  set_pivot(w, j);
  take_sums(w, v, parts);
  const two norm = root_two(all_two(w->weight[0].high[j], w->weight[0].low[j]));
  const two inverse = inverse_two(norm);
  for (int p = 0; p < parts; p++) scale(&w->x[p], w->rows, inverse);
  scale_weight(w, v, parts, inverse);
  subtract(w, v, parts);
  keep(w, j, norm, q, r);
}

static void copy_rows(const rows *w, const wmc_extended *a)
{
  for (int i = 0; i < w->rows; i++)
    for (int j = 0; j < w->width; j++) {
      const ptrdiff_t to = (ptrdiff_t)i * w->width + j, from = (ptrdiff_t)j * w->rows + i;
      w->a.high[to] = j < w->n ? a->high[from] : 0;
      w->a.low[to] = j < w->n ? a->low[from] : 0;
    }
}

static wmc_extended take(double **scratch, ptrdiff_t size)
{
  const wmc_extended x = {*scratch, *scratch + size};
  *scratch += 2 * size;
  return x;
}

void WMC_SIMD_NAME(wmc_extended_qr_rows)(int parts, int m, int n, const wmc_extended *a,
                                         const wmc_extended *r, double *scratch)
{
  const int width = (n + 7) / 8 * 8;
  rows w = {.parts = parts, .rows = parts * m, .n = n, .width = width};
  w.a = take(&scratch, (ptrdiff_t)w.rows * width);
  for (int p = 0; p < 2; p++) w.x[p] = take(&scratch, w.rows);
  for (int p = 0; p < parts; p++) w.weight[p] = take(&scratch, width);
  copy_rows(&w, a);
  for (int j = 0; j < n; j++)
    if (parts == 1)
      eliminate(&w, j, 1, a, r);
    else
      eliminate(&w, j, 2, a, r);
}
