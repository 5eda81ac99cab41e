#include "weylmc/geometry/retract.h"

#include <math.h>
#include <string.h>

#include "weylmc/numeric/chain.h"
#include "weylmc/numeric/vector.h"

enum { ITERATIONS_MAX = 200, NORMAL_MAX = 30 };

static const double balanced = 1e-13; /* imbalance at rounding, over |M|^2 / N */

/* Cores M_p of all layers in the frames of the point, and what the iteration needs. */
typedef struct cores {
  const wmc_layers *layers;
  const wmc_point *point;
  double *m;         /* M_p */
  double *turned;    /* M_p^T, then 1 + S_p */
  double *s, *work;  /* N matrices each */
  double *curvature; /* N rows of r */
  double *diagonals; /* of M_p, N rows of r */
  double *zeros;     /* a matrix, and a row */
  double *saved;     /* M_p before the last iteration */
  long *products;    /* counter */
  double *block;     /* scratch of points */
} cores;

/* Doubles of cores, and of what a walk along the normal space has besides. */
static size_t cores_size(const wmc_layers *layers)
{
  const size_t n = (size_t)layers->depth;
  return (5 * n + 7) * layers->core + (2 * n + 1) * (size_t)layers->rank +
         wmc_point_scratch(layers);
}

static size_t walk_size(const wmc_layers *layers)
{
  const size_t n = (size_t)layers->depth;
  return n * layers->core + n * layers->core + 2 * wmc_layers_frames_size(layers) +
         (size_t)layers->rank;
}

/* That what follows begins at a cache line, if the whole does. */
static size_t aligned(size_t n) { return (n + 7) / 8 * 8; }

size_t wmc_retract_scratch(const wmc_layers *layers)
{
  return aligned(cores_size(layers) + walk_size(layers)) +
         ((size_t)layers->depth + 1) * layers->core +
         wmc_chain_balance_scratch(layers->rank, layers->depth, layers->core);
}

static cores cores_map(const wmc_point *point, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const size_t n = (size_t)layers->depth;
  cores c = {.layers = layers, .point = point, .m = scratch};
  c.turned = c.m + (n + 1) * layers->core;
  c.saved = c.turned + (n + 1) * layers->core;
  c.block = c.saved + n * layers->core;
  c.s = c.block + 4 * layers->core + wmc_point_scratch(layers);
  c.work = c.s + n * layers->core;
  c.curvature = c.work + n * layers->core;
  c.diagonals = c.curvature + n * (size_t)layers->rank;
  c.zeros = c.diagonals + n * (size_t)layers->rank;
  memset(c.zeros, 0, (layers->core + (size_t)layers->rank) * sizeof *c.zeros);
  return c;
}

static double *core_at(const cores *c, double *from, int p)
{
  return from + (size_t)(p - 1) * c->layers->core;
}

/* --- Frames ---------------------------------------------------------------------------------- */

/* frame <- frame R for a d_p x r frame, which is larger than a core: the first four cores of the
 * block are left alone */
static void turn_frame(const cores *c, int p, const double *r)
{
  const int d = c->layers->width[p], rank = c->layers->rank;
  double *frame = wmc_point_frame(c->point, p), *turned = c->block + 4 * c->layers->core;
  wmc_layers_multiply(c->layers, d, rank, rank, frame, r, turned);
  memcpy(frame, turned, (size_t)(d * rank) * sizeof *frame);
}

/* M_1 = U diag(s) V^T: frame 0 turns by V, frame 1 by U, which is left in c->block. */
static void sweep_first(const cores *c)
{
  const int r = c->layers->rank;
  const size_t core = c->layers->core;
  double *m = c->m, *v = c->block + 2 * core, *s = v + core, *work = s + core;
  memset(v, 0, (size_t)(r * r) * sizeof *v);
  for (int k = 0; k < r; k++) v[k * r + k] = 1;
  wmc_svd_jacobi(r, r, m, v, s, work);
  for (int k = 0; k < r; k++)
    for (int i = 0; i < r; i++) c->block[k * r + i] = m[k * r + i] / s[k];
  memset(m, 0, (size_t)(r * r) * sizeof *m);
  for (int k = 0; k < r; k++) m[k * r + k] = s[k];
  turn_frame(c, 0, v);
  turn_frame(c, 1, c->block);
}

/* A = Q T as wmc_qr for a square matrix, by Gram and Schmidt: the columns here are nearly
 * orthogonal, largest first, and a column that loses much of its length is treated twice. Faster
 * than reflections where matrices are small. False where a column is lost. */
static bool orthonormalise_small(int r, double *a, double *t)
{
  memset(t, 0, (size_t)(r * r) * sizeof *t);
  for (int j = 0; j < r; j++) {
    double *column = a + j * r, before = wmc_dot(r, column, column), length = before;
    for (int pass = 0; pass < 3 && (pass == 0 || length < 0.25 * before); pass++) {
      for (int k = 0; k < j; k++) {
        const double *other = a + k * r, share = wmc_dot(r, other, column);
        for (int i = 0; i < r; i++) column[i] -= share * other[i];
        t[j * r + k] += share;
      }
      before = length;
      length = wmc_dot(r, column, column);
    }
    const double root = sqrt(length);
    if (!(root > 0) || length < 0.25 * before) return false;
    for (int i = 0; i < r; i++) column[i] /= root;
    t[j * (r + 1)] = root;
  }
  return true;
}

/* Q replaces `image`. */
static void orthonormalise(int r, double *image, double *t, double *scratch)
{
  enum { SMALL = 5 };
  double *copy = scratch;
  if (r <= SMALL) {
    memcpy(copy, image, (size_t)(r * r) * sizeof *copy);
    if (orthonormalise_small(r, image, t)) return;
    memcpy(image, copy, (size_t)(r * r) * sizeof *copy);
  }
  wmc_qr(r, r, image, t, scratch);
}

/* M_p R_{p-1} = R_p T_p: T_p, upper triangular, replaces M_p and the frame p turns by R_p. */
static void sweep(const cores *c)
{
  const int r = c->layers->rank;
  const size_t core = c->layers->core;
  double *rotation = c->block, *image = c->block + core, *work = image + core;
  sweep_first(c);
  for (int p = 2; p <= c->layers->depth; p++) {
    double *m = core_at(c, c->m, p);
    wmc_layers_multiply(c->layers, r, r, r, m, rotation, image);
    orthonormalise(r, image, m, work);
    memcpy(rotation, image, (size_t)(r * r) * sizeof *rotation);
    turn_frame(c, p, rotation);
  }
  *c->products += 2 * c->layers->depth;
}

/* lambda = geometric means of the diagonals. False if some are not finite and positive. */
static bool read_lambda(const cores *c)
{
  const int r = c->layers->rank, n = c->layers->depth;
  double sum = 0;
  for (int i = 0; i < r; i++) {
    double mean = 0;
    for (int p = 1; p <= n; p++) mean += log(core_at(c, c->m, p)[i * r + i]) / n;
    c->point->lambda[i] = exp(mean);
    sum += mean;
  }
  return isfinite(sum);
}

/* --- One iteration --------------------------------------------------------------------------- */

/* Largest |mu_ij| over |M|^2 / N, and |M|^2. */
typedef struct moments {
  double imbalance, norm2;
} moments;

/* mu_p into c->s; the diagonals of both Gram matrices into `curvature`. */
static moments find_moments(const cores *c)
{
  const int r = c->layers->rank, n = c->layers->depth;
  const size_t square = (size_t)(r * r);
  const wmc_product *product = wmc_layers_product(c->layers, r, r, r);
  double *left = c->block, *right = c->block + c->layers->core, largest = 0;
  double *curvature = c->curvature;
  moments found = {.norm2 = 0};
  for (int p = 1; p <= n; p++) {
    wmc_transpose(r, r, core_at(c, c->m, p), core_at(c, c->turned, p));
    found.norm2 += wmc_chain_norm2(square, core_at(c, c->m, p));
  }
  for (int p = 1; p < n; p++) {
    wmc_product_apply(product, core_at(c, c->turned, p + 1), core_at(c, c->m, p + 1), left);
    wmc_product_apply(product, core_at(c, c->m, p), core_at(c, c->turned, p), right);
    largest = fmax(largest, wmc_chain_subtract(square, left, right, core_at(c, c->s, p)));
    for (int j = 0; j < r; j++) *curvature++ = left[j * (r + 1)] + right[j * (r + 1)];
  }
  /* what is not a number is in |M|^2 too */
  found.imbalance = largest * n / found.norm2;
  *c->products += 2 * (n - 1);
  return found;
}

/* S from mu: for each entry (i, j) of all layers rows -b_p, a_p, -b_{p+1}, where a_p is the sum of
 * the curvatures of i and j and b_p = l_i M_jj + l_j M_ii of layer p. With l = M (NULL) it is the
 * derivative of mu along S M - M S, with l = lambda that along S Lambda - Lambda S; exact where
 * layers are diagonal. */
static void solve(const cores *c, const double *l)
{
  const int r = c->layers->rank, n = c->layers->depth;
  double *diagonal = c->diagonals;
  for (int p = 1; p <= n; p++)
    for (int i = 0; i < r; i++) *diagonal++ = core_at(c, c->m, p)[i * (r + 1)];
  for (int p = 1; p < n; p++) {
    const double *here = c->diagonals + (p - 1) * r, *next = here + r;
    const wmc_chain_row row = {c->curvature + (p - 1) * r, l ? l : here, here, l ? l : next, next};
    wmc_chain_eliminate(r, &row, p > 1 ? core_at(c, c->work, p - 1) : c->zeros,
                        p > 1 ? core_at(c, c->s, p - 1) : c->zeros, core_at(c, c->work, p),
                        core_at(c, c->s, p));
  }
  for (int p = n - 2; p >= 1; p--)
    wmc_chain_substitute((size_t)(r * r), core_at(c, c->work, p), core_at(c, c->s, p + 1),
                         core_at(c, c->s, p));
}

/* Shorten columns of `rows` (one entry of all layers each) to at most 1/2. */
static void shorten(int count, size_t width, double *rows)
{
  const double most = 0.5;
  for (size_t k = 0; k < width; k++) {
    double largest = 0;
    for (int p = 0; p < count; p++) largest = fmax(largest, fabs(rows[(size_t)p * width + k]));
    for (int p = 0; largest > most && p < count; p++) rows[(size_t)p * width + k] *= most / largest;
  }
}

/* The largest norm of S_p. */
static double size_of(const cores *c)
{
  const size_t square = (size_t)(c->layers->rank * c->layers->rank);
  double largest = 0;
  for (int p = 1; p < c->layers->depth; p++)
    largest = fmax(largest, wmc_chain_norm2(square, core_at(c, c->s, p)));
  return sqrt(largest);
}

static void add_to_diagonal(int r, double x, double *a)
{
  for (int k = 0; k < r; k++) a[k * (r + 1)] += x;
}

static void swap(double **a, double **b)
{
  double *t = *a;
  *a = *b;
  *b = t;
}

/* *m <- *m (1 + S)^{-1} for |S| <= size, with *spare to change places with. Small S by the products
 * (1 - S)(1 + S^2)(1 + S^4)... */
static bool divide(const cores *c, const wmc_product *product, const double *s, double size,
                   double **m, double **spare)
{
  const int r = c->layers->rank, square = r * r;
  double *power = c->block + c->layers->core, *next = power + c->layers->core;
  for (int k = 0; k < square; k++) power[k] = -s[k];
  if (size > 0.05) {
    for (int k = 0; k < square; k++) power[k] = s[k];
    add_to_diagonal(r, 1, power);
    return wmc_matrix_divide(r, r, power, *m);
  }
  for (double left = size; left > 1e-17; left *= left) {
    if (left < size) {
      wmc_product_apply(product, power, power, next);
      swap(&power, &next);
    }
    add_to_diagonal(r, 1, power);
    wmc_product_apply(product, *m, power, *spare);
    add_to_diagonal(r, -1, power);
    swap(m, spare);
    *c->products += left < size ? 2 : 1;
  }
  return true;
}

/* M_p <- (1 + S_p) M_p (1 + S_{p-1})^{-1}, S times `factor`, |S| <= size before that. */
static bool apply(const cores *c, double factor, double size)
{
  const int r = c->layers->rank, n = c->layers->depth, square = r * r;
  const wmc_product *product = wmc_layers_product(c->layers, r, r, r);
  for (int p = 1; p <= n; p++) {
    double *home = core_at(c, c->m, p), *m = home, *spare = c->block, *s = core_at(c, c->s, p);
    if (p < n) {
      for (int k = 0; factor < 1 && k < square; k++) s[k] *= factor;
      add_to_diagonal(r, 1, s);
      wmc_product_apply(product, s, m, spare);
      add_to_diagonal(r, -1, s);
      swap(&m, &spare);
      *c->products += 1;
    }
    if (p > 1 && !divide(c, product, s - c->layers->core, factor * size, &m, &spare)) return false;
    if (m != home) memcpy(home, m, (size_t)square * sizeof *home);
  }
  return true;
}

static void copy_cores(const cores *c, const double *from, double *to)
{
  memcpy(to, from, (size_t)c->layers->depth * c->layers->core * sizeof *to);
}

/* One iteration from the moments just found. */
static bool iterate(const cores *c, double damping, bool far)
{
  const double most = 0.9;
  solve(c, NULL);
  if (far) shorten(c->layers->depth - 1, c->layers->core, c->s);
  const double size = size_of(c);
  if (far) copy_cores(c, c->m, c->saved);
  return apply(c, fmin(damping, size > most ? most / size : 1), size);
}

/* Balance the cores; then frames and lambda of the point are those of the layers. |M|^2 is least at
 * balance and S points downhill: where it grows, the step is undone and a shorter one made. */
static bool settle(cores *c, wmc_retraction *done)
{
  const double near = 1e-4, slow = 0.1;
  double before = INFINITY, least = INFINITY, damping = 1;
  done->products = 0;
  c->products = &done->products;
  sweep(c);
  for (done->iterations = 0; done->iterations < ITERATIONS_MAX; done->iterations++) {
    moments now = find_moments(c);
    const bool up = before > near && now.norm2 > least * (1 + 1e-12);
    if (up) {
      damping *= 0.25;
      copy_cores(c, c->saved, c->m);
      now = find_moments(c);
    } else {
      damping = fmin(1, 2 * damping);
      if (now.imbalance > slow * before && now.imbalance > balanced) {
        sweep(c);
        now = find_moments(c);
      }
    }
    done->imbalance = now.imbalance;
    if (!isfinite(now.imbalance) || damping < 1e-9) return false;
    if (now.imbalance < balanced) break;
    before = now.imbalance;
    least = now.norm2;
    if (!iterate(c, damping, now.imbalance > near)) return false;
  }
  if (!(done->imbalance < balanced)) return false;
  if (done->iterations > 0) sweep(c);
  return read_lambda(c);
}

/* --- Along the normal space ------------------------------------------------------------------ */

/* A network W + V + nu(S, C) in the frames of W = Q Lambda Q^T: cores Lambda + T_p + Lambda S_{p-1}
 * - S_p Lambda, blocks B_p -+ C_p Lambda of layers p and p + 1 outside of frame p, and for the rest
 * the block that makes the rank r. */
typedef struct walk {
  cores c;
  const wmc_tangent *step;
  double *start;   /**< Lambda + T_p */
  double *s;       /**< S_p */
  double *outside; /**< C_p, at the offsets of frames */
  double *lean;    /**< F_p: the frame p leans to Q_p + F_p */
  double *lambda;  /**< of W */
} walk;

static walk walk_map(const wmc_point *point, const wmc_tangent *step, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const size_t n = (size_t)layers->depth;
  walk w = {.c = cores_map(point, scratch), .step = step};
  w.start = scratch + cores_size(layers);
  w.s = w.start + n * layers->core;
  w.outside = w.s + n * layers->core;
  w.lean = w.outside + wmc_layers_frames_size(layers);
  w.lambda = w.lean + wmc_layers_frames_size(layers);
  memcpy(w.lambda, point->lambda, (size_t)layers->rank * sizeof *w.lambda);
  return w;
}

static bool is_tilted(const wmc_layers *layers, int p) { return layers->width[p] > layers->rank; }

/* M_p = start + Lambda S_{p-1} - S_p Lambda */
static void place_cores(const walk *w)
{
  const int r = w->c.layers->rank, n = w->c.layers->depth;
  const double *l = w->lambda;
  copy_cores(&w->c, w->start, w->c.m);
  for (int p = 1; p <= n; p++) {
    double *m = core_at(&w->c, w->c.m, p);
    const double *here = p < n ? core_at(&w->c, w->s, p) : w->c.zeros;
    const double *before = p > 1 ? core_at(&w->c, w->s, p - 1) : w->c.zeros;
    for (int j = 0; j < r; j++)
      for (int i = 0; i < r; i++) {
        const int at = j * r + i;
        m[at] += l[i] * before[at] - here[at] * l[j];
      }
  }
}

/* out = (B_p + sign C_p Lambda) M^{-1}, or M^{-T}; false if M is singular */
static bool lean_of(const walk *w, int p, int sign, double *out)
{
  const int d = w->c.layers->width[p], r = w->c.layers->rank;
  const double *tilt = wmc_tangent_tilt(w->step, p), *c = w->outside + w->c.layers->frame[p];
  double *divisor = w->c.block;
  for (int k = 0; k < d * r; k++) out[k] = tilt[k] + sign * c[k] * w->lambda[k / d];
  if (sign < 0)
    memcpy(divisor, core_at(&w->c, w->c.m, p), (size_t)(r * r) * sizeof *divisor);
  else
    wmc_transpose(r, r, core_at(&w->c, w->c.m, p + 1), divisor);
  return wmc_matrix_divide(d, r, divisor, out);
}

/* Half the difference of two leans is taken from the first and, with the derivative at diagonal
 * cores, sent to C. Returns the largest, or a number that is not finite. */
static double meet(const walk *w, int p, double *lean, const double *other)
{
  const int d = w->c.layers->width[p], r = w->c.layers->rank;
  const double *m = core_at(&w->c, w->c.m, p), *next = core_at(&w->c, w->c.m, p + 1);
  double *c = w->outside + w->c.layers->frame[p], largest = 0;
  for (int k = 0; k < r; k++) {
    const double here = m[k * (r + 1)], after = next[k * (r + 1)];
    const double factor = 2 * here * after / (w->lambda[k] * (here + after));
    for (int i = k * d; i < (k + 1) * d; i++) {
      const double half = 0.5 * (lean[i] - other[i]);
      if (!(fabs(half) <= largest)) largest = fabs(half);
      lean[i] -= half;
      c[i] += factor * half;
    }
  }
  return largest;
}

/* How frames lean, from the layers before and after them, brought closer for the next iteration.
 * Returns the largest difference, or a number that is not finite. */
static double lean_frames(const walk *w)
{
  const wmc_layers *layers = w->c.layers;
  const int n = layers->depth;
  double largest = 0, *other = w->c.block + layers->core;
  for (int p = 0; p <= n; p++) {
    double *lean = w->lean + layers->frame[p];
    if (!is_tilted(layers, p)) continue;
    if (p > 0 && !lean_of(w, p, -1, lean)) return NAN;
    if (p < n && !lean_of(w, p, 1, p > 0 ? other : lean)) return NAN;
    if (p == 0 || p == n) continue;
    const double apart = meet(w, p, lean, other);
    if (!(apart <= largest)) largest = apart;
  }
  return largest;
}

/* out = M^T (1 + F_p^T F_p) M. `out` and scratch in c->block: 4 cores and a block */
static void gram(const walk *w, int p, const double *m, double *out)
{
  const wmc_layers *layers = w->c.layers;
  const int r = layers->rank, d = layers->width[p];
  const double *lean = w->lean + layers->frame[p];
  double *transposed = w->c.block + 3 * layers->core, *metric = transposed + layers->core;
  double *image = metric + layers->core, *wide = image + layers->core;
  const double *by = m;
  if (is_tilted(layers, p)) {
    wmc_transpose(d, r, lean, wide);
    wmc_layers_multiply(layers, r, r, d, wide, lean, metric);
    add_to_diagonal(r, 1, metric);
    wmc_layers_multiply(layers, r, r, r, metric, m, image);
    by = image;
  }
  wmc_transpose(r, r, m, transposed);
  wmc_layers_multiply(layers, r, r, r, transposed, by, out);
}

/* As find_moments, in leaning frames: M'^T (1 + F^T F) M' - M (1 + F^T F) M^T. */
static double find_leaning_moments(const walk *w)
{
  const cores *c = &w->c;
  const int r = c->layers->rank;
  const size_t square = (size_t)(r * r);
  double *left = c->block, *right = left + c->layers->core, *turned = right + c->layers->core;
  double largest = 0;
  for (int p = 1; p < c->layers->depth; p++) {
    double *s = core_at(c, c->s, p);
    gram(w, p + 1, core_at(c, c->m, p + 1), left);
    wmc_transpose(r, r, core_at(c, c->m, p), turned);
    gram(w, p - 1, turned, right);
    const double found = wmc_chain_subtract(square, left, right, s);
    if (found > largest) largest = found;
    if (!isfinite(wmc_chain_norm2(square, s))) return NAN;
  }
  return largest;
}

/* lambda_i (M_ii + M'_ii) of the layers before and after: curvatures of solve. */
static void fill_curvature(const walk *w)
{
  const int r = w->c.layers->rank;
  double *curvature = w->c.curvature;
  for (int p = 1; p < w->c.layers->depth; p++) {
    const double *m = core_at(&w->c, w->c.m, p), *next = core_at(&w->c, w->c.m, p + 1);
    for (int i = 0; i < r; i++) *curvature++ = w->lambda[i] * (m[i * (r + 1)] + next[i * (r + 1)]);
  }
}

/* Iterations for S and C; false if they do not converge. */
static bool find_normal(const walk *w, wmc_retraction *done)
{
  const wmc_layers *layers = w->c.layers;
  const size_t all = (size_t)(layers->depth - 1) * layers->core;
  const double scale = wmc_chain_norm2((size_t)layers->rank, w->lambda);
  memset(w->s, 0, (size_t)(w->lean - w->s) * sizeof *w->s);
  for (done->iterations = 0; done->iterations < NORMAL_MAX; done->iterations++) {
    place_cores(w);
    const double apart = lean_frames(w);
    done->imbalance = find_leaning_moments(w) / scale;
    if (!isfinite(done->imbalance + apart) || done->imbalance > 1e3) return false;
    if (done->imbalance < balanced && apart < balanced) return true;
    fill_curvature(w);
    solve(&w->c, w->lambda);
    for (size_t k = 0; k < all; k++) w->s[k] -= w->c.s[k];
  }
  return false;
}

/* --- Steps ----------------------------------------------------------------------------------- */

/* The frame Q_p + F is Q' G; Q' replaces it, G goes to `g`. */
static void lean_frame(const cores *c, int p, const double *lean, double *g)
{
  const int d = c->layers->width[p], r = c->layers->rank;
  double *frame = wmc_point_frame(c->point, p);
  for (int k = 0; k < d * r; k++) frame[k] += lean[k];
  wmc_qr(d, r, frame, g, c->block + 3 * c->layers->core);
}

/* All frames with d_p > r lean by F_p (at the offsets of frames); M_p <- G_p M_p G_{p-1}^T. */
static void adopt_frames(const cores *c, const double *lean)
{
  const int r = c->layers->rank, n = c->layers->depth;
  const size_t bytes = (size_t)(r * r) * sizeof(double);
  double *g = c->block, *image = g + c->layers->core, *turned = image + c->layers->core;
  for (int p = 0; p <= n; p++) {
    if (!is_tilted(c->layers, p)) continue;
    lean_frame(c, p, lean + c->layers->frame[p], g);
    if (p > 0) {
      double *m = core_at(c, c->m, p);
      wmc_layers_multiply(c->layers, r, r, r, g, m, image);
      memcpy(m, image, bytes);
    }
    if (p == n) continue;
    double *m = core_at(c, c->m, p + 1);
    wmc_transpose(r, r, g, turned);
    wmc_layers_multiply(c->layers, r, r, r, m, turned, image);
    memcpy(m, image, bytes);
  }
}

/* M_p += sign Lambda */
static void shift_lambda(const wmc_point *point, double sign, double *m)
{
  const wmc_layers *layers = point->layers;
  for (int p = 0; p < layers->depth; p++)
    for (int k = 0; k < layers->rank; k++)
      m[(size_t)p * layers->core + (size_t)(k * layers->rank + k)] += sign * point->lambda[k];
}

/* Lambda + T_p */
static void add_lambda(const wmc_point *point, const wmc_tangent *step, double *out)
{
  memcpy(out, step->core, (size_t)point->layers->depth * point->layers->core * sizeof *out);
  shift_lambda(point, 1, out);
}

/* W + V in leaning frames. */
static walk step_along(const wmc_point *point, const wmc_tangent *step, double *scratch)
{
  const wmc_layers *layers = point->layers;
  walk w = walk_map(point, step, scratch);
  add_lambda(point, step, w.c.m);
  for (int p = 0; p <= layers->depth; p++) {
    const int d = layers->width[p];
    for (int k = 0; is_tilted(layers, p) && k < d * layers->rank; k++)
      w.lean[layers->frame[p] + (size_t)k] = wmc_tangent_tilt(step, p)[k] / point->lambda[k / d];
  }
  adopt_frames(&w.c, w.lean);
  return w;
}

bool wmc_retract(const wmc_point *point, const wmc_tangent *step, wmc_retraction *done,
                 double *scratch)
{
  walk w = step_along(point, step, scratch);
  wmc_retraction unused;
  return settle(&w.c, done ? done : &unused);
}

/* No frame has room to tilt: all stand at distance `core`. */
static bool all_square(const wmc_layers *layers)
{
  for (int p = 0; p <= layers->depth; p++)
    if (is_tilted(layers, p)) return false;
  return true;
}

bool wmc_retract_quickly(const wmc_point *point, const wmc_tangent *step, wmc_retraction *done,
                         double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank, n = layers->depth;
  const bool square = all_square(layers);
  /* the least of complex singular values does not pass through 0 */
  const bool crosses = square && layers->numbers == 1;
  const wmc_chain chain = {r, n, layers->core, wmc_layers_product(layers, r, r, r), crosses};
  walk w = {.c.layers = layers};
  double *rotations = scratch + aligned(cores_size(layers) + walk_size(layers));
  double *rest = rotations + (size_t)(n + 1) * layers->core;
  wmc_retraction found = {.iterations = 0};
  if (!square) {
    w = step_along(point, step, scratch);
    shift_lambda(point, -1, w.c.m);
  }
  if (!wmc_chain_balance(&chain, square ? step->core : w.c.m, point->lambda, rotations,
                         square ? point->frames : NULL, &found.products, rest)) {
    if (square)
      w = step_along(point, step, scratch);
    else
      shift_lambda(point, 1, w.c.m);
    return settle(&w.c, done ? done : &found);
  }
  for (int p = 0; !square && p <= n; p++, found.products++)
    turn_frame(&w.c, p, rotations + (size_t)p * layers->core);
  if (done) *done = found;
  return true;
}

bool wmc_retract_normally(const wmc_point *point, const wmc_tangent *step, wmc_retraction *done,
                          double *scratch)
{
  walk w = walk_map(point, step, scratch);
  wmc_retraction found, rest;
  add_lambda(point, step, w.start);
  if (!find_normal(&w, &found)) return false;
  if (done) *done = found;
  adopt_frames(&w.c, w.lean);
  return settle(&w.c, &rest);
}

bool wmc_balance(const wmc_point *point, const double *w, wmc_retraction *done, double *scratch)
{
  const wmc_layers *layers = point->layers;
  cores c = cores_map(point, scratch);
  const int r = layers->rank;
  wmc_retraction unused;
  if (!wmc_point_read(point, w, c.block)) return false;
  /* what of W_p acts on the frame p - 1, which is all that X sees; see wmc_point_read */
  for (int p = 1; p <= layers->depth; p++) {
    const int d = layers->width[p], before = layers->width[p - 1];
    double *image = c.block, *turned = image + wmc_layers_block(layers);
    wmc_layers_multiply(layers, d, r, before, w + layers->layer[p], wmc_point_frame(point, p - 1),
                        image);
    wmc_transpose(d, r, wmc_point_frame(point, p), turned);
    wmc_layers_multiply(layers, r, r, d, turned, image, core_at(&c, c.m, p));
  }
  return settle(&c, done ? done : &unused);
}
