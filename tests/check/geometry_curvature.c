/* Trace of the second fundamental form against differences of the projector. */
#include "networks.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/curvature.h"

enum { DEPTH = 4, LENGTH = 2 * DEPTH * 16, MOST = 70, RANK = 3, WIDEST = 4 };

/* Coordinates of M: lambda, then motions of frame after frame, without the phases of frame 0. */
static int coordinates(const net *w, int *frame, int *index)
{
  int count = 0;
  for (int k = 0; k < w->shape.rank; k++, count++) frame[count] = -1, index[count] = k;
  for (int p = 0; p <= net_depth(w); p++) {
    int first = p == 0 ? ((int)w->shape.numbers - 1) * w->shape.rank : 0;
    for (int i = first; i < net_tangent_count(w, p); i++, count++)
      frame[count] = p, index[count] = i;
  }
  cr_assert_leq(count, MOST);
  return count;
}

/* Layers as one real vector. */
static void flatten(const net *w, int p, const net_number *layer, double *out)
{
  for (int i = 0; i < net_width(w, p) * net_width(w, p - 1); i++) {
    out[2 * ((p - 1) * 16 + i)] += creal(layer[i]);
    out[2 * ((p - 1) * 16 + i) + 1] += cimag(layer[i]);
  }
}

static void velocity(const net *w, int frame, int index, double *out)
{
  memset(out, 0, LENGTH * sizeof *out);
  if (frame < 0) {
    double unit[NET_RANK] = {0};
    unit[index] = 1;
    for (int p = 1; p <= net_depth(w); p++) {
      net_number layer[NET_LAYER] = {0};
      net_add(w->shape.rank, net_width(w, p), net_width(w, p - 1), net_at(w, p), unit,
              net_at(w, p - 1), layer);
      flatten(w, p, layer, out);
    }
    return;
  }
  net_vector v;
  net_frame_vector(w, frame, index, &v);
  for (int i = 0; i <= v.both; i++) flatten(w, v.first + i, v.layer[i], out);
}

static double dot(const double *a, const double *b)
{
  double sum = 0;
  for (int i = 0; i < LENGTH; i++) sum += a[i] * b[i];
  return sum;
}

/* Orthonormal basis of the tangent space, by Gram and Schmidt; transform[c][k]: basis vector c from
 * velocities k. */
static int basis_at(const net *w, double (*basis)[LENGTH], double (*transform)[MOST])
{
  int frame[MOST], index[MOST], count = coordinates(w, frame, index);
  memset(transform, 0, MOST * sizeof *transform);
  for (int c = 0; c < count; c++) {
    velocity(w, frame[c], index[c], basis[c]);
    transform[c][c] = 1;
    for (int pass = 0; pass < 2; pass++)
      for (int e = 0; e < c; e++) {
        double part = dot(basis[e], basis[c]);
        for (int i = 0; i < LENGTH; i++) basis[c][i] -= part * basis[e][i];
        for (int i = 0; i <= e; i++) transform[c][i] -= part * transform[e][i];
      }
    double norm = sqrt(dot(basis[c], basis[c]));
    for (int i = 0; i < LENGTH; i++) basis[c][i] /= norm;
    for (int i = 0; i <= c; i++) transform[c][i] /= norm;
  }
  return count;
}

/* The network at distance t along a coordinate. */
static void displace(const net *from, int frame, int index, double t, net *to)
{
  if (frame < 0) {
    wmc_spectrum_set_lambda(&to->x, index, from->x.lambda[index] + t);
    return;
  }
  const int n = net_width(from, frame);
  net_number dq[NET_LAYER], *q = net_at(to, frame);
  net_tangent(from, frame, index, dq);
  for (int i = 0; i < n * from->shape.rank; i++) q[i] += t * dq[i];
  net_orthonormalise(n, q);
}

static void copy_net(const net *from, net *to)
{
  const size_t count = (size_t)net_depth(from) + 1;
  *to = *from;
  to->widths = malloc(count * sizeof *to->widths);
  to->frames = malloc(count * NET_LAYER * sizeof *to->frames);
  memcpy(to->widths, from->widths, count * sizeof *to->widths);
  memcpy(to->frames, from->frames, count * NET_LAYER * sizeof *to->frames);
  to->shape.widths = to->widths;
  to->x = wmc_spectrum_map(from->shape.rank, from->shape.depth, to->memory);
}

static double basis[MOST][LENGTH], moved[MOST][LENGTH], transform[MOST][MOST], unused[MOST][MOST];

/* out += weight P v at the network displaced by t along a coordinate */
static void add_projection(const net *w, int frame, int index, double t, double weight,
                           const double *v, double *out)
{
  net at;
  copy_net(w, &at);
  displace(w, frame, index, t, &at);
  int count = basis_at(&at, moved, unused);
  for (int c = 0; c < count; c++) {
    double part = weight * dot(moved[c], v);
    for (int i = 0; i < LENGTH; i++) out[i] += part * moved[c][i];
  }
  net_free(&at);
}

/* H = sum over e of (D_e P) e; with e = sum over k of T_ek d_k it is the sum over k of
 * (d_k P) sum over e of T_ek e. */
static void trace_by_differences(const net *w, double *h)
{
  const double step = 2e-3, weight[] = {1, -8, 8, -1}, at[] = {-2, -1, 1, 2};
  int frame[MOST], index[MOST], count = coordinates(w, frame, index);
  basis_at(w, basis, transform);
  memset(h, 0, LENGTH * sizeof *h);
  for (int k = 0; k < count; k++) {
    double v[LENGTH] = {0};
    for (int e = k; e < count; e++)
      for (int i = 0; i < LENGTH; i++) v[i] += transform[e][k] * basis[e][i];
    for (int i = 0; i < 4; i++)
      add_projection(w, frame[k], index[k], at[i] * step, weight[i] / (12 * step), v, h);
  }
}

static void trace_by_formula(const net *w, double *h)
{
  memset(h, 0, LENGTH * sizeof *h);
  for (int p = 1; p <= net_depth(w); p++) {
    double diagonal[NET_RANK];
    net_number layer[NET_LAYER] = {0};
    wmc_curvature_trace(&w->shape, &w->x, p, diagonal);
    net_add(w->shape.rank, net_width(w, p), net_width(w, p - 1), net_at(w, p), diagonal,
            net_at(w, p - 1), layer);
    flatten(w, p, layer, h);
  }
}

Test(geometry_curvature, trace_is_the_turning_of_the_projector)
{
  wmc_stream *s = test_stream(131, 0);
  static double found[LENGTH], expected[LENGTH];
  for (int t = 0; t < test_trials(16); t++) {
    net w;
    int complex_numbers = t % 4 == 3, square = t % 4 == 0;
    int rank = net_pick(s, 1, complex_numbers ? 2 : RANK);
    net_create(s, net_fields[complex_numbers], rank,
               square            ? rank
               : complex_numbers ? 3
                                 : WIDEST,
               complex_numbers ? 3 : net_pick(s, 1, DEPTH), &w);
    for (int k = 0; k < rank; k++)
      wmc_spectrum_set_lambda(&w.x, k, 1.6 - 0.35 * k - 0.2 * wmc_stream_uniform(s));
    trace_by_differences(&w, expected);
    trace_by_formula(&w, found);
    double size = sqrt(dot(expected, expected)) + 1, worst = 0;
    for (int i = 0; i < LENGTH; i++) worst = fmax(worst, fabs(found[i] - expected[i]));
    cr_assert_lt(worst, 3e-7 * size, "b=%d r=%d N=%d: off by %g, size %g", (int)w.shape.numbers,
                 rank, net_depth(&w), worst, size);
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* The layers sum to zero, so X stays; at most
 * ends of different widths bend a network of depth 2. */
Test(geometry_curvature, sum_over_layers_vanishes)
{
  wmc_stream *s = test_stream(132, 0);
  for (int t = 0; t < test_trials(300); t++) {
    net w;
    const double spreads[] = {1, 1e-7, 1e-3, 20};
    net_create(s, net_fields[t % 2], net_pick(s, 1, 4), 6, t % 50 ? net_pick(s, 1, 12) : 1000, &w);
    net_spectrum(s, spreads[t % 4], false, &w.x);
    const int depth = net_depth(&w), r = w.shape.rank;
    double h[NET_RANK], sum[NET_RANK] = {0}, size[NET_RANK] = {0};
    for (int p = 1; p <= depth; p++) {
      wmc_curvature_trace(&w.shape, &w.x, p, h);
      for (int k = 0; k < r; k++) {
        sum[k] += h[k];
        size[k] += fabs(h[k]) + 1 / w.x.lambda[r - 1];
        if (depth == 1 || (depth == 2 && w.widths[0] == w.widths[2]))
          cr_assert_lt(fabs(h[k]), 1e-14 / w.x.lambda[r - 1]);
      }
    }
    for (int k = 0; k < r; k++) cr_assert_lt(fabs(sum[k]), 1e-13 * size[k], "N=%d", depth);
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* The term of a pair as derived, in long double. */
static long double textbook(int depth, int p, long double theta, long double lambda_i)
{
  long double ratio = expl(-2 * theta);
  long double pair = 1 / (lambda_i * (1 - ratio)); /* lambda_i / (lambda_i^2 - lambda_j^2) */
  return -pair *
         (sinhl(theta) * coshl((depth + 1 - 2 * p) * theta) / sinhl(depth * theta) - 1.0L / depth);
}

Test(geometry_curvature, near_equal_values)
{
  const int depths[] = {2, 3, 10, 1000};
  double memory[10], h[2];
  for (int t = 0; t < 4; t++)
    for (double theta = 4; theta > 1e-4; theta *= 0.7) {
      const int depth = depths[t];
      wmc_shape shape = wmc_shape_square(2, 0, depth);
      wmc_spectrum x = wmc_spectrum_map(2, depth, memory);
      if (depth * theta > 3000) continue;
      wmc_spectrum_set_log(&x, 0, 0.3 * depth);
      wmc_spectrum_set_log(&x, 1, (0.3 - theta) * depth);
      long double gap = (long double)x.log_sigma[0] / depth - (long double)x.log_sigma[1] / depth;
      for (int p = 1; p <= depth; p += 1 + depth / 7) {
        wmc_curvature_trace(&shape, &x, p, h);
        long double expected = textbook(depth, p, gap, expl(0.3L));
        /* the long double formula itself loses theta^-2 */
        double allowed =
            1e-18 / (theta * theta) + 1e-13 * (1 + exp(theta)) * fmin(1, depth * theta);
        cr_assert_lt(fabs(h[0] - (double)expected), allowed, "N=%d p=%d theta=%g: %.15g, %.15Lg",
                     depth, p, theta, h[0], expected);
      }
    }
  /* equal values: 0; the slope in theta is (1 + 3 m^2 - N^2)/(12 N lambda), m = N + 1 - 2p */
  for (double theta = 1e-6; theta > 1e-40; theta *= 1e-3) {
    wmc_shape shape = wmc_shape_square(2, 0, 5);
    wmc_spectrum x = wmc_spectrum_map(2, 5, memory);
    wmc_spectrum_set_log(&x, 0, 5 * theta);
    wmc_spectrum_set_log(&x, 1, 0);
    wmc_curvature_trace(&shape, &x, 1, h);
    cr_assert_lt(fabs(h[0] / theta + (1.0 + 3 * 16 - 25) / 60), 1e-5);
  }
}
