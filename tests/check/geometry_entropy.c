/* Entropy, metric and volumes of networks of any widths, rank, numbers and depth, against Gram
 * determinants, sums and integrals. */
#include "networks.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/metric.h"

/* Log volume of the fibre: frames, and what a motion of frames does to the layers. */
static double fibre_volume(const net *w)
{
  double sum = net_half_log_gram(w, 1, net_depth(w) - 1, 0);
  for (int p = 1; p < net_depth(w); p++)
    sum += wmc_log_volume_stiefel(w->shape.numbers, net_width(w, p), w->shape.rank);
  return sum;
}

static void entropy_is_fibre_volume(wmc_stream *s, wmc_numbers numbers, int depth, double spread)
{
  net w;
  net_create(s, numbers, net_pick(s, 1, 3), 5, depth, &w);
  net_spectrum(s, spread, true, &w.x);
  double volume = fibre_volume(&w), entropy = wmc_entropy(&w.shape, w.x.log_sigma);
  cr_assert_lt(fabs(entropy - volume), 1e-13 * depth * (20 + fabs(w.x.log_sigma[0])),
               "b=%d r=%d N=%d: S=%.15g, volume %.15g", (int)numbers, w.shape.rank, depth, entropy,
               volume);
  net_free(&w);
}

Test(geometry_entropy, is_the_log_volume_of_the_fibre)
{
  wmc_stream *s = test_stream(101, 0);
  for (int t = 0; t < test_trials(400); t++)
    entropy_is_fibre_volume(s, net_fields[t % 2], net_pick(s, 1, 7), t % 3 ? 0.7 : 120);
  for (int t = 0; t < test_trials(4); t++)
    entropy_is_fibre_volume(s, net_fields[t % 2], 1000, t % 4 < 2 ? 0.7 : 300);
  wmc_stream_destroy(s);
}

/* --- Infinite depth -------------------------------------------------------------------------- */

/* What diverges at fixed X: all weights a_ij, of pairs and of phases, grow like N. */
static double divergence(const wmc_shape *shape)
{
  double r = shape->rank, b = shape->numbers;
  return (b * r * (r - 1) / 4 + (b - 1) * r / 2) * log(shape->depth);
}

static double finite_part(const wmc_shape *shape, double depth, const double *log_sigma)
{
  wmc_shape at = *shape;
  at.depth = depth;
  double known = wmc_entropy_log_depth(&at) * log(depth);
  return wmc_entropy_reduced(&at, log_sigma) + known - divergence(&at);
}

Test(geometry_entropy, infinite_depth_is_the_limit)
{
  wmc_stream *s = test_stream(102, 0);
  double memory[5 * NET_RANK];
  for (int t = 0; t < test_trials(300); t++) {
    wmc_shape shape = net_shape(s, net_pick(s, 1, 4), INFINITY);
    wmc_spectrum x = wmc_spectrum_map(shape.rank, INFINITY, memory);
    net_spectrum(s, t % 3 ? 1 : 60, t % 2, &x);
    double n = 1e7, once = finite_part(&shape, n, x.log_sigma);
    double twice = finite_part(&shape, 2 * n, x.log_sigma),
           found = wmc_entropy(&shape, x.log_sigma);
    cr_assert_lt(fabs(2 * twice - once - found), 1e-11 * (20 + fabs(found)),
                 "b=%d r=%d: %.15g, limit %.15g", (int)shape.numbers, shape.rank, found,
                 2 * twice - once);
    cr_assert_eq(wmc_entropy_reduced(&shape, x.log_sigma), found);
  }
  wmc_stream_destroy(s);
}

/* What is left after all orders falls like N^-8: 256 times from N to 2 N. */
Test(geometry_entropy, depth_expansion)
{
  wmc_stream *s = test_stream(103, 0);
  double memory[5 * NET_RANK], orders[WMC_ENTROPY_ORDERS], left[2];
  for (int t = 0; t < test_trials(100); t++) {
    wmc_shape shape = net_shape(s, net_pick(s, 2, 4), INFINITY);
    wmc_spectrum x = wmc_spectrum_map(shape.rank, INFINITY, memory);
    net_spectrum(s, 0.7, false, &x);
    wmc_spectrum_set_log(&x, 0, x.log_sigma[1] + 3);
    wmc_entropy_expansion(&shape, x.log_sigma, orders);
    for (int k = 0; k < 2; k++) {
      double depth = k ? 8 : 4;
      left[k] = finite_part(&shape, depth, x.log_sigma);
      for (int power = 0; power < WMC_ENTROPY_ORDERS; power++)
        left[k] -= orders[power] * pow(depth, -power);
    }
    cr_assert_lt(fabs(left[0]), 1e-2);
    cr_assert(left[0] / left[1] > 200 && left[0] / left[1] < 270, "%g %g", left[0], left[1]);
  }
  wmc_stream_destroy(s);
}

/* Fourth-order differences of S along lambda, or log sigma. */
static double slope(const wmc_shape *shape, const wmc_spectrum *x, int k)
{
  const double lambda = x->lambda[k], h = isinf(x->depth) ? 1e-3 : 1e-3 * lambda / x->depth;
  const double weight[] = {1, -8, 8, -1}, at[] = {-2, -1, 1, 2};
  double sum = 0;
  for (int i = 0; i < 4; i++) {
    wmc_spectrum_set_lambda(x, k, lambda + at[i] * h);
    sum += weight[i] * wmc_entropy(shape, x->log_sigma);
  }
  wmc_spectrum_set_lambda(x, k, lambda);
  return sum / (12 * h);
}

Test(geometry_entropy, gradient_is_the_derivative)
{
  static const double depths[] = {1, 2, 3, 10, 1000, INFINITY};
  wmc_stream *s = test_stream(104, 0);
  double memory[5 * NET_RANK], gradient[NET_RANK], widths[1001];
  for (int t = 0; t < test_trials(600); t++) {
    double depth = depths[t % 6];
    wmc_shape shape = net_shape(s, net_pick(s, 1, 4), depth);
    for (int p = 0; p <= 1000; p++) widths[p] = shape.rank + (p * t) % 3;
    if (t % 5 == 0 && !isinf(depth)) shape.widths = widths;
    wmc_spectrum x = wmc_spectrum_map(shape.rank, depth, memory);
    net_spectrum(s, t % 4 ? 1 : 50, t % 3 == 0, &x);
    wmc_entropy_gradient(&shape, &x, gradient);
    for (int k = 0; k < shape.rank; k++) {
      double found = slope(&shape, &x, k), scale = isinf(depth) ? 1 : depth / x.lambda[k];
      double size = 1 + fabs(wmc_entropy(&shape, x.log_sigma));
      cr_assert_lt(fabs(found - gradient[k]),
                   1e-10 * scale * (1 + size / 100) + 1e-12 * scale * size,
                   "b=%d r=%d N=%g: %.12g, %.12g", (int)shape.numbers, shape.rank, depth, found,
                   gradient[k]);
    }
  }
  wmc_stream_destroy(s);
}

/* Equal values: the limit (N-1)/(2 lambda) of a pair, from eq. (9) expanded at D = 0. */
Test(geometry_entropy, gradient_at_equal_values)
{
  double memory[5 * NET_RANK], gradient[NET_RANK];
  const int depths[] = {1, 2, 7, 1000};
  for (int t = 0; t < 4; t++)
    for (double gap = 0; gap < 1e-9; gap = gap == 0 ? 1e-17 : gap * 30) {
      wmc_shape shape = wmc_shape_square(2, 1, depths[t]);
      wmc_spectrum x = wmc_spectrum_map(2, depths[t], memory);
      wmc_spectrum_set_log(&x, 0, -0.3 + gap);
      wmc_spectrum_set_log(&x, 1, -0.3);
      wmc_entropy_gradient(&shape, &x, gradient);
      for (int k = 0; k < 2; k++)
        cr_assert_lt(fabs(gradient[k] * x.lambda[k] - 1.5 * (depths[t] - 1)), 1e-8 * depths[t]);
    }
}

/* --- Metric ---------------------------------------------------------------------------------- */

/* c = a b, or a b^* where `adjoint`; m x k times k x n */
static void multiply(int m, int k, int n, const net_number *a, const net_number *b, bool adjoint,
                     net_number *c)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      net_number sum = 0;
      for (int l = 0; l < k; l++)
        sum += a[l * m + i] * (adjoint ? conj(b[l * n + j]) : b[j * k + l]);
      c[j * m + i] = sum;
    }
}

/* Products of layers W_last .. W_first from their definition; the unit matrix if empty. */
static void product(const net *w, int first, int last, net_number *out)
{
  const int n = net_width(w, first - 1);
  net_number layer[NET_LAYER], next[NET_LAYER];
  memset(out, 0, sizeof layer);
  for (int i = 0; i < n; i++) out[i * n + i] = 1;
  for (int p = first; p <= last; p++) {
    memset(layer, 0, sizeof layer);
    net_add(w->shape.rank, net_width(w, p), net_width(w, p - 1), net_at(w, p), w->x.lambda,
            net_at(w, p - 1), layer);
    multiply(net_width(w, p), net_width(w, p - 1), n, layer, out, false, next);
    memcpy(out, next, sizeof next);
  }
}

/* A = dphi dphi^*: sum over p of L L^* Z R^* R with L = W_N .. W_{p+1} and R = W_{p-1} .. W_1. */
static void image_of(const net *w, const net_number *z, net_number *out)
{
  const int depth = net_depth(w), rows = net_width(w, depth), columns = net_width(w, 0);
  net_number left[NET_LAYER], right[NET_LAYER], a[NET_LAYER], b[NET_LAYER], c[NET_LAYER];
  memset(out, 0, sizeof a);
  for (int p = 1; p <= depth; p++) {
    product(w, p + 1, depth, left);
    product(w, 1, p - 1, right);
    multiply(rows, net_width(w, p), rows, left, left, true, a);
    multiply(rows, rows, columns, a, z, false, b);
    multiply(rows, columns, net_width(w, p - 1), b, right, true, a);
    multiply(rows, net_width(w, p - 1), columns, a, right, false, c);
    for (int i = 0; i < rows * columns; i++) out[i] += c[i];
  }
}

static double weight_of(const net *w, int k, int l)
{
  const int r = w->shape.rank;
  const double depth = w->shape.depth, *log_sigma = w->x.log_sigma;
  if (k < r && l < r) return exp(wmc_metric_log_weight(depth, log_sigma[k], log_sigma[l]));
  if (k >= r && l >= r) return depth > 1 ? 0 : 1;
  return exp(wmc_metric_log_weight_outer(depth, log_sigma[k < r ? k : l]));
}

Test(geometry_metric, weights_are_the_image_of_the_layers)
{
  wmc_stream *s = test_stream(105, 0);
  for (int t = 0; t < test_trials(60); t++) {
    net w;
    net_number z[NET_LAYER], image[NET_LAYER];
    net_create(s, net_fields[t % 2], net_pick(s, 1, 3), 4, net_pick(s, 1, 6), &w);
    net_spectrum(s, 1, t % 3 == 0, &w.x);
    const int rows = w.shape.rows, columns = w.shape.columns;
    const net_number *u = net_at(&w, net_depth(&w)), *v = net_at(&w, 0);
    double scale = 1e-300;
    for (int k = 0; k < rows; k++)
      for (int l = 0; l < columns; l++) scale = fmax(scale, weight_of(&w, k, l));
    for (int k = 0; k < rows; k++)
      for (int l = 0; l < columns; l++) {
        double unit = 1;
        memset(z, 0, sizeof z);
        net_add(1, rows, columns, u + k * rows, &unit, v + l * columns, z);
        image_of(&w, z, image);
        for (int i = 0; i < rows * columns; i++)
          cr_assert_lt(cabs(image[i] - weight_of(&w, k, l) * z[i]), 1e-13 * scale, "(%d, %d) r=%d",
                       k, l, w.shape.rank);
      }
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* a_ij = sum over p of s_i^{2 (N-p)/N} s_j^{2 (p-1)/N}, from equal values to e^300 apart */
Test(geometry_metric, weight_is_the_sum_that_defines_it)
{
  wmc_stream *s = test_stream(1, 0);
  for (int t = 0; t < test_trials(3000); t++) {
    int n = t % 7 == 0 ? 1000 : net_pick(s, 1, 64);
    double log_s = (t % 3 ? 1 : 200) * wmc_stream_normal(s);
    double log_r =
        t % 4 ? log_s + (t % 5 ? 1 : 300) * wmc_stream_normal(s) : log_s + 1e-13 * (t % 8);
    double top = fmax(log_s, log_r), sum = 0;
    for (int p = 1; p <= n; p++)
      sum += exp(2 * ((n - p) * (log_s - top) + (p - 1) * (log_r - top)) / n);
    double expected = log(sum) + 2 * (n - 1.0) * top / n,
           found = wmc_metric_log_weight(n, log_s, log_r);
    cr_assert_lt(fabs(found - expected), 1e-13 * (2 + fabs(log_s) + fabs(log_r) + n * 0.05),
                 "N=%d log s=%.17g log r=%.17g: %.17g, sum %.17g", n, log_s, log_r, found,
                 expected);
  }
  wmc_stream_destroy(s);
}

Test(geometry_metric, fast_weights_agree)
{
  wmc_stream *s = test_stream(2, 0);
  double memory[5 * NET_RANK], a[NET_RANK * NET_RANK];
  for (int t = 0; t < test_trials(3000); t++) {
    int n = t % 5 == 0 ? 1000 : net_pick(s, 1, 40);
    wmc_spectrum x = wmc_spectrum_map(NET_RANK, n, memory);
    net_spectrum(s, pow(10, -9 + 11 * wmc_stream_uniform(s)), false, &x);
    if (t % 9 == 0) wmc_spectrum_set_log(&x, 1, x.log_sigma[0]);
    wmc_metric_weights(&x, a);
    for (int k = 0; k < NET_RANK; k++)
      for (int l = 0; l < NET_RANK; l++) {
        double exact = wmc_metric_log_weight(n, x.log_sigma[k], x.log_sigma[l]);
        if (exact > -650) cr_assert_lt(fabs(log(a[k * NET_RANK + l]) - exact), 1e-9, "N=%d", n);
      }
  }
  wmc_stream_destroy(s);
}

/* int_0^1 exp(2 (1-t) a + 2 t b) dt, largest value taken out, by Romberg's rule */
static double log_bogoliubov(double a, double b)
{
  enum { LEVELS = 14 };
  double top = fmax(a, b), row[LEVELS] = {0}, trapezoid = 0;
  for (int level = 0; level < LEVELS; level++) {
    int n = 1 << level;
    double sum = 0;
    for (int k = 0; k <= n; k++)
      if (level == 0 || k % 2) sum += (level ? 1 : 0.5) * exp(2 * (a + (b - a) * k / n - top));
    trapezoid = level ? 0.5 * trapezoid + sum / n : sum;
    double value = trapezoid, power = 4;
    for (int k = 0; k <= level; k++, power *= 4) {
      double old = row[k];
      row[k] = value;
      if (k < level) value += (value - old) / (power - 1);
    }
  }
  return 2 * top + log(row[LEVELS - 1]);
}

Test(geometry_metric, infinite_depth_is_the_bogoliubov_integral)
{
  wmc_stream *s = test_stream(106, 0);
  double memory[5 * NET_RANK], weights[NET_RANK * NET_RANK];
  wmc_spectrum x = wmc_spectrum_map(NET_RANK, INFINITY, memory);
  for (int t = 0; t < test_trials(30); t++) {
    net_spectrum(s, pow(10, -8 + 9.5 * wmc_stream_uniform(s)), t % 2, &x);
    wmc_metric_weights(&x, weights);
    for (int k = 0; k < NET_RANK; k++)
      for (int l = 0; l < NET_RANK; l++) {
        double a = x.log_sigma[k], b = x.log_sigma[l], expected = log_bogoliubov(a, b);
        double found = wmc_metric_log_weight(INFINITY, a, b);
        cr_assert_lt(fabs(found - expected), 1e-12 * (1 + fabs(expected)), "%g %g: %.15g, %.15g", a,
                     b, found, expected);
        cr_assert_lt(fabs(log(weights[k * NET_RANK + l]) - expected), 1e-9);
        double deep = wmc_metric_log_weight(1e9, a, b) - log(1e9);
        cr_assert_lt(fabs(found - deep), 1e-7 * (1 + fabs(expected)));
      }
  }
  cr_assert_eq(wmc_metric_log_weight_outer(INFINITY, 0.3), -INFINITY);
  wmc_stream_destroy(s);
}

/* Circles, spheres and the fibration St(n, r) -> St(n, r-1), where the new column moves on a sphere
 * at unit speed and drags nothing; rotations among columns move two of them. */
Test(geometry_entropy, real_stiefel_volumes)
{
  const double pi = acos(-1);
  const struct {
    int n, r;
    double volume;
  } known[] = {{1, 1, 2},
               {2, 1, 2 * pi},
               {3, 1, 4 * pi},
               {2, 2, 2 * 2 * pi * sqrt(2)},
               {3, 2, 4 * pi * 2 * pi * sqrt(2)}};
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    cr_assert_float_eq(wmc_log_volume_stiefel(WMC_NUMBERS_REAL, known[k].n, known[k].r),
                       log(known[k].volume), 1e-14);
}

/* vol U(d) in closed form; St_C(n, 1) is the sphere of dimension 2n - 1, and St_C(n, r) a bundle of
 * such spheres over each other with 2 (r-1) turns of two columns each. */
Test(geometry_entropy, complex_stiefel_volumes)
{
  const double pi = acos(-1);
  for (int d = 1; d <= 6; d++) {
    double expected = 0.5 * d * (d + 1) * log(2 * pi);
    for (int k = 1; k < d; k++) expected -= lgamma(k + 1);
    cr_assert_lt(fabs(wmc_log_volume_stiefel(WMC_NUMBERS_COMPLEX, d, d) - expected), 1e-13);
  }
  for (int n = 2; n < 9; n++) {
    double sphere = log(2) + n * log(pi) - lgamma(n);
    cr_assert_lt(fabs(wmc_log_volume_stiefel(WMC_NUMBERS_COMPLEX, n, 1) - sphere), 1e-13);
    for (int r = 2; r <= n; r++) {
      double base = wmc_log_volume_stiefel(WMC_NUMBERS_COMPLEX, n - 1, r - 1);
      double found = wmc_log_volume_stiefel(WMC_NUMBERS_COMPLEX, n, r);
      cr_assert_lt(fabs(found - base - sphere - (r - 1) * log(2)), 1e-13);
    }
  }
}
