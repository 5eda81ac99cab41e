#include "weylmc/geometry/retract.h"

#include <math.h>
#include <string.h>

enum { SWEEPS_MAX = 60, INNER_MAX = 6 };

static const double balanced = 1e-13; /* imbalance at rounding, over sum lambda^2 */

/* Cores M_p of all layers in the frames of the point, and what the iteration needs. */
typedef struct cores {
  const wmc_layers *layers;
  const wmc_point *point;
  double *m;        /* M_p */
  double *turned;   /* M_p^T, then 1 + S_p */
  double *s, *work; /* N rows of pairs each */
  double *diagonal; /* N rows of r */
  double *block;    /* scratch of points */
} cores;

size_t wmc_retract_scratch(const wmc_layers *layers)
{
  const size_t n = (size_t)layers->depth;
  return (2 * n + 2) * layers->core + 2 * n * wmc_layers_pairs(layers) +
         (n + 2) * (size_t)layers->rank + 4 * layers->core + wmc_point_scratch(layers);
}

static cores cores_map(const wmc_point *point, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const size_t n = (size_t)layers->depth, pairs = n * wmc_layers_pairs(layers);
  cores c = {.layers = layers, .point = point, .m = scratch};
  c.turned = c.m + (n + 1) * layers->core;
  c.block = c.turned + (n + 1) * layers->core;
  c.s = c.block + 4 * layers->core + wmc_point_scratch(layers);
  c.work = c.s + pairs;
  c.diagonal = c.work + pairs;
  return c;
}

static double *core_at(const cores *c, double *from, int p)
{
  return from + (size_t)(p - 1) * c->layers->core;
}

/* --- Frames ---------------------------------------------------------------------------------- */

/* frame <- frame R for a d_p x r frame */
static void turn_frame(const cores *c, int p, const double *r)
{
  const int d = c->layers->width[p], rank = c->layers->rank;
  double *frame = wmc_point_frame(c->point, p), *turned = c->block + c->layers->core;
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
    wmc_qr(r, r, image, m, work);
    memcpy(rotation, image, (size_t)(r * r) * sizeof *rotation);
    turn_frame(c, p, rotation);
  }
}

/* --- Diagonals ------------------------------------------------------------------------------- */

/* lambda = geometric means of the diagonals; where layers differ much, diagonal gauges make them
 * equal, exactly and however much they differ. False if some diagonal is not positive. */
static bool level_diagonals(const cores *c)
{
  const int r = c->layers->rank, n = c->layers->depth;
  bool fine = true, level = true;
  for (int i = 0; i < r; i++) {
    double low = INFINITY, high = 0, product = 0;
    for (int p = 1; p <= n; p++) {
      const double x = core_at(c, c->m, p)[i * r + i];
      fine &= isfinite(x) && x > 0;
      low = fmin(low, x);
      high = fmax(high, x);
    }
    level &= high < 1.1 * low;
    for (int p = 1; p <= n; p++) product += log(core_at(c, c->m, p)[i * r + i]);
    c->point->lambda[i] = exp(product / n);
  }
  if (!fine || level) return fine;
  double *gauge = c->diagonal, *before = gauge + r;
  for (int i = 0; i < r; i++) before[i] = 1;
  for (int p = 1; p <= n; p++) {
    double *m = core_at(c, c->m, p);
    for (int i = 0; i < r; i++)
      gauge[i] = p < n ? before[i] * c->point->lambda[i] / m[i * r + i] : 1;
    for (int j = 0; j < r; j++)
      for (int i = 0; i <= j; i++) m[j * r + i] *= gauge[i] / before[j];
    memcpy(before, gauge, (size_t)r * sizeof *before);
  }
  return true;
}

/* --- One iteration --------------------------------------------------------------------------- */

/* Gram matrices, mu_p into rows of pairs and of diagonals; returns the largest |mu_ij|. */
static double find_moments(const cores *c)
{
  const int r = c->layers->rank, n = c->layers->depth;
  const wmc_product *product = wmc_layers_product(c->layers, r, r, r);
  double *left = c->block, *right = c->block + c->layers->core, largest = 0;
  double *s = c->s, *diagonal = c->diagonal;
  for (int p = 1; p <= n; p++)
    wmc_matrix_transpose(r, r, core_at(c, c->m, p), core_at(c, c->turned, p));
  for (int p = 1; p < n; p++) {
    wmc_product_apply(product, core_at(c, c->turned, p + 1), core_at(c, c->m, p + 1), left);
    wmc_product_apply(product, core_at(c, c->m, p), core_at(c, c->turned, p), right);
    for (int j = 0; j < r; j++) {
      for (int i = 0; i < j; i++) {
        const double mu = left[j * r + i] - right[j * r + i];
        if (!(fabs(mu) <= largest)) largest = fabs(mu);
        *s++ = mu;
      }
      const double mu = left[j * r + j] - right[j * r + j];
      if (!(fabs(mu) <= largest)) largest = fabs(mu);
      *diagonal++ = mu;
    }
  }
  return largest;
}

/* Solve lambda_i^2 tridiag(-1, 2, -1) x = mu / 2 in place, all i. */
static void solve_diagonals(const cores *c)
{
  const int r = c->layers->rank, last = c->layers->depth - 1;
  double *x = c->diagonal;
  for (int p = 1; p <= last; p++) /* pivots (p + 1) / p */
    for (int i = 0; i < r; i++) {
      const double l = c->point->lambda[i], before = p > 1 ? x[(p - 2) * r + i] : 0;
      x[(p - 1) * r + i] = (0.5 * x[(p - 1) * r + i] / (l * l) + before) * p / (p + 1);
    }
  for (int p = last - 1; p >= 1; p--)
    for (int i = 0; i < r; i++) x[(p - 1) * r + i] += x[p * r + i] * p / (p + 1);
}

/* S_p into place p of `turned`; returns the largest sum of absolute entries of a row. */
static double gather(const cores *c)
{
  const int r = c->layers->rank, n = c->layers->depth;
  const double *s = c->s, *diagonal = c->diagonal;
  double largest = 0;
  for (int p = 1; p < n; p++) {
    double *out = core_at(c, c->turned, p);
    for (int j = 0; j < r; j++) {
      for (int i = 0; i < j; i++, s++) out[j * r + i] = out[i * r + j] = *s;
      out[j * r + j] = *diagonal++;
    }
    for (int j = 0; j < r; j++) {
      double sum = 0;
      for (int i = 0; i < r; i++) sum += fabs(out[j * r + i]);
      if (!(sum <= largest)) largest = sum;
    }
  }
  return largest;
}

static void add_identity(int r, double *a)
{
  for (int k = 0; k < r; k++) a[k * r + k] += 1;
}

/* m <- m (1 + S)^{-1} for |S| <= size. Small S by the products (1 - S)(1 + S^2)(1 + S^4)... */
static bool divide(const cores *c, const wmc_product *product, const double *s, double size,
                   double *m)
{
  const int r = c->layers->rank, square = r * r;
  double *power = c->block, *image = power + c->layers->core, *next = image + c->layers->core;
  memcpy(power, s, (size_t)square * sizeof *power);
  if (size > 0.05) {
    add_identity(r, power);
    return wmc_matrix_divide(r, r, power, m);
  }
  for (int k = 0; k < square; k++) power[k] = -power[k];
  for (double left = size; left > 1e-17; left *= left) {
    if (left < size) {
      wmc_product_apply(product, power, power, next);
      memcpy(power, next, (size_t)square * sizeof *power);
    }
    wmc_product_apply(product, m, power, image);
    for (int k = 0; k < square; k++) m[k] += image[k];
  }
  return true;
}

/* M_p <- (1 + S_p) M_p (1 + S_{p-1})^{-1}, S shortened to `most`. */
static bool apply(const cores *c, double size)
{
  const double most = 0.5, factor = size > most ? most / size : 1;
  const int r = c->layers->rank, n = c->layers->depth, square = r * r;
  const wmc_product *product = wmc_layers_product(c->layers, r, r, r);
  double *image = c->block;
  for (int p = 1; p <= n; p++) {
    double *m = core_at(c, c->m, p), *s = core_at(c, c->turned, p);
    if (p < n) {
      for (int k = 0; factor < 1 && k < square; k++) s[k] *= factor;
      wmc_product_apply(product, s, m, image);
      for (int k = 0; k < square; k++) m[k] += image[k];
    }
    if (p > 1 && !divide(c, product, s - c->layers->core, factor * size, m)) return false;
  }
  return true;
}

static double scale_of(const cores *c)
{
  double sum = 0;
  for (int k = 0; k < c->layers->rank; k++) sum += c->point->lambda[k] * c->point->lambda[k];
  return sum;
}

/* Balance the cores; then frames and lambda of the point are those of the layers. */
static bool settle(const cores *c, wmc_retraction *done)
{
  double before = INFINITY;
  done->iterations = 0;
  for (int round = 0; round < SWEEPS_MAX; round++) {
    sweep(c);
    if (!level_diagonals(c)) return false;
    for (int k = 0; k < INNER_MAX; k++) {
      done->imbalance = find_moments(c) / scale_of(c);
      if (!isfinite(done->imbalance)) return false;
      if (done->imbalance < balanced) break;
      /* no progress: other frames are needed, or rounding is reached */
      if (k > 0 && done->imbalance > 0.3 * before) break;
      before = done->imbalance;
      wmc_pairs_solve(c->point, c->s, c->work);
      solve_diagonals(c);
      if (!apply(c, gather(c))) return false;
      done->iterations++;
    }
    if (done->imbalance < balanced) {
      if (done->iterations == 0) return true;
      sweep(c);
      return level_diagonals(c);
    }
  }
  return false;
}

/* --- Steps ----------------------------------------------------------------------------------- */

/* Where d_p > r: the frame Q_p + B_p / Lambda is Q' G; Q' replaces it, G goes to `g`, else 1. */
static void tilt_frame(const cores *c, int p, const wmc_tangent *step, double *g)
{
  const int d = c->layers->width[p], r = c->layers->rank;
  double *frame = wmc_point_frame(c->point, p);
  const double *tilt = wmc_tangent_tilt(step, p);
  for (int k = 0; k < r; k++)
    for (int i = 0; i < d; i++) frame[k * d + i] += tilt[k * d + i] / c->point->lambda[k];
  wmc_qr(d, r, frame, g, c->block + 3 * c->layers->core);
}

/* Tilt all frames; M_p <- G_p M_p G_{p-1}^T. */
static void tilt_frames(const cores *c, const wmc_tangent *step)
{
  const int r = c->layers->rank, n = c->layers->depth;
  const size_t bytes = (size_t)(r * r) * sizeof(double);
  double *g = c->block, *image = g + c->layers->core, *turned = image + c->layers->core;
  for (int p = 0; p <= n; p++) {
    if (c->layers->width[p] == r) continue;
    tilt_frame(c, p, step, g);
    if (p > 0) {
      double *m = core_at(c, c->m, p);
      wmc_layers_multiply(c->layers, r, r, r, g, m, image);
      memcpy(m, image, bytes);
    }
    if (p == n) continue;
    double *m = core_at(c, c->m, p + 1);
    wmc_matrix_transpose(r, r, g, turned);
    wmc_layers_multiply(c->layers, r, r, r, m, turned, image);
    memcpy(m, image, bytes);
  }
}

bool wmc_retract(const wmc_point *point, const wmc_tangent *step, wmc_retraction *done,
                 double *scratch)
{
  const wmc_layers *layers = point->layers;
  const cores c = cores_map(point, scratch);
  const int r = layers->rank;
  wmc_retraction unused;
  memcpy(c.m, step->core, (size_t)layers->depth * layers->core * sizeof *c.m);
  for (int p = 1; p <= layers->depth; p++)
    for (int k = 0; k < r; k++) core_at(&c, c.m, p)[k * r + k] += point->lambda[k];
  tilt_frames(&c, step);
  return settle(&c, done ? done : &unused);
}

bool wmc_balance(const wmc_point *point, const double *w, wmc_retraction *done, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const cores c = cores_map(point, scratch);
  const int r = layers->rank;
  wmc_retraction unused;
  if (!wmc_point_read(point, w, c.block)) return false;
  /* what of W_p acts on the frame p - 1, which is all that X sees; see wmc_point_read */
  for (int p = 1; p <= layers->depth; p++) {
    const int d = layers->width[p], before = layers->width[p - 1];
    double *image = c.block, *turned = image + wmc_layers_block(layers);
    wmc_layers_multiply(layers, d, r, before, w + layers->layer[p], wmc_point_frame(point, p - 1),
                        image);
    wmc_matrix_transpose(d, r, wmc_point_frame(point, p), turned);
    wmc_layers_multiply(layers, r, r, d, turned, image, core_at(&c, c.m, p));
  }
  return settle(&c, done ? done : &unused);
}
