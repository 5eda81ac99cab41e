/* Networks that commute with a cyclic group, against block-circulant matrices written out: the
 * matrices act on n sites with c channels each, and nothing below the definition of a network knows
 * of modes. Metric: sum of squares of the matrices over n, which is that of the filters. */
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "streams.h"
#include "support.h"
#include "weylmc/geometry/cyclic.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

enum { ORDER = 5, WIDE = 3, DEEP = 4, SIDE = ORDER * WIDE, FULL = SIDE * SIDE, COLUMNS = 240 };

typedef double complex number;

/* Widths, and for every mode the frames Q_p (c_p x c_p unitary; the first r columns are the frame)
 * and singular values. */
typedef struct network {
  int n, depth, r;
  wmc_shape shape;
  double widths[DEEP + 1];
  double log_sigma[ORDER][WIDE];
  number q[DEEP + 1][ORDER][WIDE * WIDE];
} network;

static int width_at(const network *w, int p) { return (int)w->widths[p]; }

static int pick(wmc_stream *s, int least, int most)
{
  return least + (int)((most - least + 1) * wmc_stream_uniform(s));
}

/* Random unitary, or orthogonal, n x n matrix, column-major. */
static void frame(wmc_stream *s, int n, bool real, number *q)
{
  for (int j = 0; j < n; j++) {
    number *column = q + j * n;
    for (int i = 0; i < n; i++)
      column[i] = wmc_stream_normal(s) + (real ? 0 : I * wmc_stream_normal(s));
    for (int twice = 0; twice < 2; twice++)
      for (int k = 0; k < j; k++) {
        number along = 0;
        for (int i = 0; i < n; i++) along += conj(q[k * n + i]) * column[i];
        for (int i = 0; i < n; i++) column[i] -= along * q[k * n + i];
      }
    double square = 0;
    for (int i = 0; i < n; i++) square += creal(column[i] * conj(column[i]));
    for (int i = 0; i < n; i++) column[i] /= sqrt(square);
  }
}

static void spectrum_random(wmc_stream *s, network *w)
{
  for (int k = 0; k < wmc_cyclic_modes(w->n); k++) {
    double top = 0.7 * wmc_stream_normal(s);
    for (int i = 0; i < w->r; i++) {
      w->log_sigma[k][i] = top;
      top -= 0.1 + wmc_stream_uniform(s);
    }
  }
}

static void network_random(wmc_stream *s, int n, int depth, int most, network *w)
{
  *w = (network){.n = n, .depth = depth};
  int least = WIDE;
  for (int p = 0; p <= depth; p++) {
    w->widths[p] = pick(s, 1, most);
    if (width_at(w, p) < least) least = width_at(w, p);
  }
  w->r = pick(s, 1, least);
  w->shape = (wmc_shape){.depth = depth,
                         .rank = w->r,
                         .rows = width_at(w, depth),
                         .columns = width_at(w, 0),
                         .hidden = width_at(w, 1),
                         .widths = w->widths};
  for (int p = 0; p <= depth; p++)
    for (int k = 0; k < wmc_cyclic_modes(n); k++)
      frame(s, width_at(w, p), wmc_cyclic_is_real(n, k), w->q[p][k]);
  spectrum_random(s, w);
}

/* The block-circulant matrix, column-major, with block (i, j) = 1/n sum_k M_k e^{2 pi i k (i-j)/n},
 * of which mode k alone (and its partner n - k) is not zero: added to `out`. */
static void add_circulant(int n, int rows, int columns, int k, const number *mode, double *out)
{
  const double weight = wmc_cyclic_weight(n, k), angle = 2 * acos(-1) * k / n;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++)
      for (int a = 0; a < rows; a++)
        for (int b = 0; b < columns; b++)
          out[(j * columns + b) * n * rows + i * rows + a] +=
              weight * creal(mode[b * rows + a] * cexp(I * angle * (i - j)));
}

/* Column-major out (m x n) += a (m x k) b^T, b n x k. */
static void add_product(int m, int n, int k, const double *a, const double *b, double *out)
{
  for (int l = 0; l < k; l++)
    for (int j = 0; j < n; j++)
      for (int i = 0; i < m; i++) out[j * m + i] += a[l * m + i] * b[l * n + j];
}

static void transpose(int m, int n, const double *a, double *out)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) out[i * n + j] = a[j * m + i];
}

/* Frame p, times diag(factor_k) in every mode, as a matrix. factor NULL: 1. */
static void frame_matrix(const network *w, int p, const double factor[ORDER][WIDE], double *out)
{
  const int c = width_at(w, p), r = w->r;
  number scaled[WIDE * WIDE];
  memset(out, 0, FULL * sizeof *out);
  for (int k = 0; k < wmc_cyclic_modes(w->n); k++) {
    for (int j = 0; j < r; j++)
      for (int i = 0; i < c; i++)
        scaled[j * c + i] = w->q[p][k][j * c + i] * (factor ? factor[k][j] : 1);
    add_circulant(w->n, c, r, k, scaled, out);
  }
}

static void lambdas(const network *w, double lambda[ORDER][WIDE])
{
  for (int k = 0; k < wmc_cyclic_modes(w->n); k++)
    for (int i = 0; i < w->r; i++) lambda[k][i] = exp(w->log_sigma[k][i] / w->depth);
}

/* W_p = Q_p Lambda Q_{p-1}^T, all three block-circulant. */
static void layer_matrix(const network *w, int p, const double factor[ORDER][WIDE], double *out)
{
  static double left[FULL], right[FULL];
  frame_matrix(w, p, factor, left);
  frame_matrix(w, p - 1, NULL, right);
  memset(out, 0, FULL * sizeof *out);
  add_product(w->n * width_at(w, p), w->n * width_at(w, p - 1), w->n * w->r, left, right, out);
}

/* --- Tangent vectors ------------------------------------------------------------------------- */

/* Orthonormal tangent vectors of the frames St(c, r) of one mode at Q, in the Frobenius metric of
 * the mode: returns how many; `phases` says whether those that only turn a column are wanted. */
static int frame_tangents(int c, int r, bool real, bool phases, const number *q,
                          number out[][WIDE * WIDE])
{
  int count = 0;
  for (int part = 0; part < (real ? 1 : 2); part++) {
    const number unit = part ? I : 1;
    for (int i = 0; i < r; i++)
      for (int j = part ? i : i + 1; j < c; j++) {
        if (i == j && !phases) continue;
        number *t = out[count++];
        memset(t, 0, WIDE * WIDE * sizeof *t);
        const double size = j < r && j != i ? sqrt(0.5) : 1;
        for (int a = 0; a < c; a++) {
          t[i * c + a] += size * unit * q[j * c + a];
          if (j < r && j != i) t[j * c + a] -= size * conj(unit) * q[i * c + a];
        }
      }
  }
  return count;
}

static double tangents[COLUMNS][DEEP * FULL], lambda[ORDER][WIDE];

/* Layers that change when frame p changes by dq. */
static void add_frame_tangent(const network *w, int p, const double *dq, double *column)
{
  static double other[FULL];
  const int n = w->n, c = n * width_at(w, p);
  if (p > 0) {
    frame_matrix(w, p - 1, lambda, other);
    add_product(c, n * width_at(w, p - 1), n * w->r, dq, other, column + (p - 1) * FULL);
  }
  if (p < w->depth) {
    frame_matrix(w, p + 1, lambda, other);
    add_product(n * width_at(w, p + 1), c, n * w->r, other, dq, column + p * FULL);
  }
}

static int tangents_of_frames(const network *w, int first, int last)
{
  static double dq[FULL];
  number t[2 * WIDE * WIDE][WIDE * WIDE];
  int columns = 0;
  for (int p = first; p <= last; p++)
    for (int k = 0; k < wmc_cyclic_modes(w->n); k++) {
      const int c = width_at(w, p);
      int count = frame_tangents(c, w->r, wmc_cyclic_is_real(w->n, k), p > 0, w->q[p][k], t);
      for (int a = 0; a < count; a++, columns++) {
        cr_assert_lt(columns, COLUMNS);
        memset(dq, 0, sizeof dq);
        memset(tangents[columns], 0, sizeof tangents[columns]);
        add_circulant(w->n, c, w->r, k, t[a], dq);
        add_frame_tangent(w, p, dq, tangents[columns]);
      }
    }
  return columns;
}

static int add_tangents_of_values(const network *w, int columns)
{
  for (int k = 0; k < wmc_cyclic_modes(w->n); k++)
    for (int i = 0; i < w->r; i++, columns++) {
      double unit[ORDER][WIDE] = {{0}};
      unit[k][i] = 1;
      for (int p = 1; p <= w->depth; p++)
        layer_matrix(w, p, unit, tangents[columns] + (p - 1) * FULL);
    }
  return columns;
}

/* 1/2 log det of the Gram matrix of the columns in the metric of the filters; its Cholesky factor
 * stays in `gram`. */
static double gram[COLUMNS][COLUMNS];

static double half_log_gram(int n, int length, int columns)
{
  double log_det = 0;
  for (int i = 0; i < columns; i++)
    for (int j = 0; j <= i; j++) {
      double sum = 0;
      for (int k = 0; k < length; k++) sum += tangents[i][k] * tangents[j][k] / n;
      for (int k = 0; k < j; k++) sum -= gram[i][k] * gram[j][k];
      gram[i][j] = i == j ? sqrt(sum) : sum / gram[j][j];
      if (i == j) log_det += log(gram[i][j]);
    }
  return log_det;
}

/* Squared length of what of `vector` lies outside the span of the columns. */
static double outside(int n, int length, int columns, const double *vector)
{
  static double along[COLUMNS];
  double rest = 0;
  for (int k = 0; k < length; k++) rest += vector[k] * vector[k] / n;
  for (int i = 0; i < columns; i++) {
    along[i] = 0;
    for (int k = 0; k < length; k++) along[i] += tangents[i][k] * vector[k] / n;
    for (int k = 0; k < i; k++) along[i] -= gram[i][k] * along[k];
    along[i] /= gram[i][i];
    rest -= along[i] * along[i];
  }
  return rest;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static double fibre_dimension(const network *w)
{
  double sum = 0;
  for (int k = 0; k < wmc_cyclic_modes(w->n); k++) {
    wmc_shape mode = wmc_cyclic_shape(&w->shape, w->n, k);
    sum += wmc_shape_dimension(&mode) - wmc_shape_horizontal(&mode);
  }
  return sum;
}

static double entropy_of(const network *w)
{
  double sum = 0;
  for (int k = 0; k < wmc_cyclic_modes(w->n); k++)
    sum += wmc_cyclic_entropy(&w->shape, w->n, k, w->log_sigma[k]);
  return sum;
}

Test(cyclic, entropy_is_the_log_volume_of_the_orbit)
{
  wmc_stream *s = test_stream(31, 0);
  static network w;
  for (int t = 0; t < test_trials(40); t++) {
    network_random(s, pick(s, 1, ORDER), pick(s, 2, DEEP), t % 4 ? 2 : WIDE, &w);
    lambdas(&w, lambda);
    int columns = tangents_of_frames(&w, 1, w.depth - 1);
    cr_assert_eq(columns, fibre_dimension(&w));
    double volume = half_log_gram(w.n, w.depth * FULL, columns);
    for (int p = 1; p < w.depth; p++)
      for (int k = 0; k < wmc_cyclic_modes(w.n); k++)
        volume += wmc_log_volume_stiefel(wmc_cyclic_shape(&w.shape, w.n, k).numbers,
                                         width_at(&w, p), w.r);
    cr_assert_lt(fabs(entropy_of(&w) - volume), 1e-10, "n=%d N=%d r=%d: S=%.15g, volume %.15g", w.n,
                 w.depth, w.r, entropy_of(&w), volume);
  }
  wmc_stream_destroy(s);
}

/* One channel: the fibre of one hidden layer is a torus of phases, one circle for each pair, and
 * two points for each real mode; the length of a circle from its filters, step by step. */
Test(cyclic, entropy_of_one_channel_is_the_length_of_circles)
{
  enum { STEPS = 4000 };
  for (int n = 1; n <= 9; n++) {
    wmc_shape shape = wmc_shape_square(1, 0, 2);
    for (int k = 0; k < wmc_cyclic_modes(n); k++) {
      const double log_sigma = 0.3 * k - 0.2, size = exp(log_sigma / 2);
      double length = 0, before[2][9];
      for (int t = 0; t <= STEPS; t++) {
        double step = 0;
        for (int layer = 0; layer < 2; layer++)
          for (int site = 0; site < n; site++) {
            number phase = cexp(I * (layer ? -1 : 1) * 2 * acos(-1) * t / STEPS);
            number wave = cexp(2 * acos(-1) * I * (k * site % n) / n);
            double filter = wmc_cyclic_weight(n, k) * size * creal(phase * wave);
            step += pow(filter - before[layer][site], 2);
            before[layer][site] = filter;
          }
        if (t > 0) length += sqrt(step);
      }
      double volume = wmc_cyclic_is_real(n, k) ? log(2) : log(length);
      cr_assert_lt(fabs(wmc_cyclic_entropy(&shape, n, k, &log_sigma) - volume), 1e-6, "n=%d k=%d",
                   n, k);
    }
  }
}

/* The frames' tangents are the orbit of the gauge group: every antisymmetric block-circulant matrix
 * A acts as W_p -> A W_p, W_{p+1} -> -W_{p+1} A, and lies in their span. */
Test(cyclic, orbit_of_the_gauge_group)
{
  wmc_stream *s = test_stream(32, 0);
  static network w;
  static double a[FULL], layer[FULL], flipped[FULL], moved[DEEP * FULL];
  for (int t = 0; t < test_trials(10); t++) {
    network_random(s, pick(s, 2, ORDER), pick(s, 2, 3), 2, &w);
    lambdas(&w, lambda);
    int columns = tangents_of_frames(&w, 1, w.depth - 1);
    half_log_gram(w.n, w.depth * FULL, columns);
    const int p = pick(s, 1, w.depth - 1), c = width_at(&w, p), side = w.n * c;
    for (int generator = 0; generator < w.n * c * c; generator++) {
      const int shift = generator / (c * c), row = generator % c, column = generator / c % c;
      memset(a, 0, sizeof a);
      memset(moved, 0, sizeof moved);
      for (int i = 0; i < w.n; i++) {
        int from = i * c + column, to = (i + shift) % w.n * c + row;
        a[from * side + to] += 1;
        a[to * side + from] -= 1;
      }
      layer_matrix(&w, p, lambda, layer);
      transpose(side, w.n * width_at(&w, p - 1), layer, flipped);
      add_product(side, w.n * width_at(&w, p - 1), side, a, flipped, moved + (p - 1) * FULL);
      layer_matrix(&w, p + 1, lambda, layer);
      add_product(w.n * width_at(&w, p + 1), side, side, layer, a, moved + p * FULL);
      cr_assert_lt(fabs(outside(w.n, w.depth * FULL, columns, moved)), 1e-9);
    }
  }
  wmc_stream_destroy(s);
}

/* The volume of M in the singular values, frames fixed: the product of the modes' Gibbs laws. */
Test(cyclic, density_is_the_volume_of_the_manifold)
{
  wmc_stream *s = test_stream(33, 0);
  static network w;
  for (int t = 0; t < test_trials(15); t++) {
    double difference = 0;
    network_random(s, pick(s, 1, ORDER), pick(s, 1, 3), 2, &w);
    for (int side = 0; side < 2; side++) {
      const wmc_gibbs law = {.shape = w.shape, .beta = 1, .vertical = 1, .horizontal = 1};
      spectrum_random(s, &w);
      lambdas(&w, lambda);
      int columns = add_tangents_of_values(&w, tangents_of_frames(&w, 0, w.depth));
      double change = half_log_gram(w.n, w.depth * FULL, columns);
      for (int k = 0; k < wmc_cyclic_modes(w.n); k++) {
        double memory[5 * WIDE];
        const wmc_gibbs mode = wmc_cyclic_law(&law, w.n, k);
        wmc_spectrum x = wmc_spectrum_map(w.r, w.depth, memory);
        for (int i = 0; i < w.r; i++) wmc_spectrum_set_log(&x, i, w.log_sigma[k][i]);
        change -= wmc_gibbs_log_density(&mode, &x, 0);
      }
      difference += side ? -change : change;
    }
    cr_assert_lt(fabs(difference), 1e-9, "n=%d N=%d r=%d", w.n, w.depth, w.r);
  }
  wmc_stream_destroy(s);
}

/* Layers of one network are balanced, and the singular values of their product are those of the
 * modes; a pair of modes has them twice. */
Test(cyclic, layers_are_balanced_and_spectra_agree)
{
  wmc_stream *s = test_stream(34, 0);
  static network w;
  static double layer[FULL], next[FULL], flipped[FULL], one[FULL], other[FULL];
  static double scratch[16 * FULL];
  for (int t = 0; t < test_trials(20); t++) {
    network_random(s, pick(s, 1, ORDER), 2, WIDE, &w);
    lambdas(&w, lambda);
    const int in = w.n * width_at(&w, 0), c = w.n * width_at(&w, 1), out = w.n * width_at(&w, 2);
    layer_matrix(&w, 1, lambda, layer);
    layer_matrix(&w, 2, lambda, next);
    memset(one, 0, sizeof one);
    memset(other, 0, sizeof other);
    add_product(c, c, in, layer, layer, one);
    transpose(out, c, next, flipped);
    add_product(c, c, out, flipped, flipped, other);
    for (int k = 0; k < c * c; k++) cr_assert_lt(fabs(one[k] - other[k]), 1e-12);
    memset(one, 0, sizeof one);
    transpose(c, in, layer, flipped);
    add_product(out, in, c, next, flipped, one);
    if (out < in) transpose(out, in, one, other);
    const int tall = out < in ? in : out, low = out < in ? out : in;
    double found[SIDE], expected[SIDE] = {0};
    cr_assert_leq(wmc_svd_scratch(tall, low), sizeof scratch / sizeof *scratch);
    wmc_svd_jacobi(tall, low, out < in ? other : one, NULL, found, scratch);
    int count = 0;
    for (int k = 0; k < wmc_cyclic_modes(w.n); k++)
      for (int twice = 0; twice < (wmc_cyclic_is_real(w.n, k) ? 1 : 2); twice++)
        for (int i = 0; i < w.r; i++) expected[count++] = exp(w.log_sigma[k][i]);
    for (int i = 1; i < count; i++)
      for (int k = i; k > 0 && expected[k] > expected[k - 1]; k--) {
        double swap = expected[k];
        expected[k] = expected[k - 1];
        expected[k - 1] = swap;
      }
    for (int k = 0; k < low; k++) cr_assert_lt(fabs(found[k] - expected[k]), 1e-12 * found[0]);
  }
  wmc_stream_destroy(s);
}

/* Convolutions become products of modes, and sums of squares those of the modes. */
Test(cyclic, transform_of_filters)
{
  wmc_stream *s = test_stream(35, 0);
  for (int n = 1; n <= 12; n++) {
    double f[2][12], both[12] = {0}, square = 0, modes = 0, real[3], imaginary[3];
    wmc_stream_normals(s, (size_t)n, 1, f[0]);
    wmc_stream_normals(s, (size_t)n, 1, f[1]);
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) both[i] += f[1][(i - j + n) % n] * f[0][j];
    for (int i = 0; i < n; i++) square += f[0][i] * f[0][i];
    for (int k = 0; k < wmc_cyclic_modes(n); k++) {
      wmc_cyclic_transform(n, 1, f[0], k, &real[0], &imaginary[0]);
      wmc_cyclic_transform(n, 1, f[1], k, &real[1], &imaginary[1]);
      wmc_cyclic_transform(n, 1, both, k, &real[2], &imaginary[2]);
      number product = (real[0] + I * imaginary[0]) * (real[1] + I * imaginary[1]);
      cr_assert_lt(cabs(product - real[2] - I * imaginary[2]), 1e-12);
      if (wmc_cyclic_is_real(n, k)) cr_assert_eq(imaginary[0], 0);
      modes += wmc_cyclic_weight(n, k) * (real[0] * real[0] + imaginary[0] * imaginary[0]);
    }
    cr_assert_lt(fabs(modes - square), 1e-12 * square);
  }
  wmc_stream_destroy(s);
}
