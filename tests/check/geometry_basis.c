/* The explicit orthonormal tangent basis: Gram matrix, span, horizontal and vertical parts. */
#include "geometry.h"
#include "networks.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/basis.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/metric.h"
#include "weylmc/geometry/project.h"

static void random_net(wmc_stream *s, int t, int depth, net *w)
{
  const double spreads[] = {0.7, 1e-9, 30};
  net_create(s, net_fields[t % 2], net_pick(s, 1, 3), 4, depth, w);
  net_spectrum(s, spreads[t % 3], true, &w->x);
}

static long dimension(const net *w)
{
  long sum = 0;
  for (wmc_basis_kind kind = 0; kind <= WMC_BASIS_INNER; kind++)
    sum += wmc_basis_count(&w->shape, kind);
  return sum;
}

/* Vector of the whole basis, kind after kind. */
static wmc_basis_vector vector_of(const net *w, long index)
{
  wmc_basis_kind kind = 0;
  for (long count; index >= (count = wmc_basis_count(&w->shape, kind)); kind++) index -= count;
  return wmc_basis_pick(&w->shape, kind, index);
}

static bool horizontal(const wmc_basis_vector *v) { return v->kind <= WMC_BASIS_OUTER; }

static double dot(const net *w, const wmc_basis_vector *a, const wmc_basis_vector *b)
{
  if (a->imaginary != b->imaginary) return 0;
  wmc_basis_entry e[2], f[2];
  double sum = 0;
  for (long p = 1; p <= net_depth(w); p++) {
    int m = wmc_basis_layer(&w->shape, &w->x, a, p, e);
    int n = wmc_basis_layer(&w->shape, &w->x, b, p, f);
    for (int i = 0; i < m; i++)
      for (int j = 0; j < n; j++)
        if (e[i].row == f[j].row && e[i].column == f[j].column) sum += e[i].value * f[j].value;
  }
  return sum;
}

Test(geometry_basis, basis_is_orthonormal)
{
  wmc_stream *s = test_stream(121, 0);
  for (int t = 0; t < test_trials(40); t++) {
    net w;
    random_net(s, t, net_pick(s, 1, 5), &w);
    const long count = dimension(&w);
    cr_assert_eq(count, (long)wmc_shape_dimension(&w.shape));
    for (long i = 0; i < count; i++)
      for (long j = 0; j <= i; j++) {
        wmc_basis_vector a = vector_of(&w, i), b = vector_of(&w, j);
        double found = dot(&w, &a, &b);
        cr_assert_lt(fabs(found - (i == j)), 1e-13, "kinds %d %d, N=%d: %g", (int)a.kind,
                     (int)b.kind, net_depth(&w), found);
      }
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

Test(geometry_basis, basis_is_orthonormal_at_large_depth)
{
  wmc_stream *s = test_stream(122, 0);
  for (int t = 0; t < test_trials(6); t++) {
    net w;
    random_net(s, t, 1000, &w);
    const long count = dimension(&w);
    for (int pair = 0; pair < 300; pair++) {
      long i = (long)((double)count * wmc_stream_uniform(s));
      long j = i + net_pick(s, -2, 2);
      if (j < 0 || j >= count) j = i;
      wmc_basis_vector a = vector_of(&w, i), b = vector_of(&w, j);
      double found = dot(&w, &a, &b);
      cr_assert_lt(fabs(found - (i == j)), 1e-11, "kinds %d %d: %g", (int)a.kind, (int)b.kind,
                   found);
    }
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* Re tr of the basis vector with layer p of another. */
static double layer_along(const net *w, const wmc_basis_vector *e, int p, const net_number *layer)
{
  const int m = net_width(w, p), n = net_width(w, p - 1);
  wmc_basis_entry entries[2];
  double sum = 0;
  int count = wmc_basis_layer(&w->shape, &w->x, e, p, entries);
  for (int k = 0; k < count; k++) {
    const net_number *row = net_at(w, p) + entries[k].row * m;
    const net_number *column = net_at(w, p - 1) + entries[k].column * n;
    net_number value = 0;
    for (int j = 0; j < n; j++)
      for (int i = 0; i < m; i++) value += conj(row[i]) * layer[j * m + i] * column[j];
    sum += entries[k].value * (e->imaginary ? cimag(value) : creal(value));
  }
  return sum;
}

static double along(const net *w, const wmc_basis_vector *e, const net_vector *v)
{
  double sum = 0;
  for (int i = 0; i <= v->both; i++) sum += layer_along(w, e, v->first + i, v->layer[i]);
  return sum;
}

/* Every motion of a frame keeps its norm when projected on the basis, and motions of inner frames
 * have no horizontal part. With as many vectors as dimensions the basis spans the tangent space. */
Test(geometry_basis, basis_spans_motions_of_frames)
{
  wmc_stream *s = test_stream(123, 0);
  for (int t = 0; t < test_trials(40); t++) {
    net w;
    random_net(s, t, net_pick(s, 1, 5), &w);
    const long count = dimension(&w);
    for (int p = 0; p <= net_depth(&w); p++)
      for (int i = 0; i < net_tangent_count(&w, p); i++) {
        net_vector v;
        net_frame_vector(&w, p, i, &v);
        double square = 0, across = 0, norm2 = net_dot(&w, &v, &v);
        for (long k = 0; k < count; k++) {
          wmc_basis_vector e = vector_of(&w, k);
          double part = along(&w, &e, &v);
          square += part * part;
          if (horizontal(&e)) across += part * part;
        }
        cr_assert_lt(fabs(square / norm2 - 1), 1e-12, "frame %d motion %d", p, i);
        if (p > 0 && p < net_depth(&w)) cr_assert_lt(across, 1e-24 * norm2);
      }
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* dX = sum over p of W_N .. W_{p+1} V_p W_{p-1} .. W_1 between the outer frames: vertical vectors
 * do not move X; horizontal ones move one entry by the square root of the metric's weight. */
static double power_of(const net *w, int k, int power)
{
  if (power == 0) return 1;
  return k < w->shape.rank ? exp(power * w->x.log_sigma[k] / w->shape.depth) : 0;
}

static double weight_of(const net *w, const wmc_basis_vector *v)
{
  const double *l = w->x.log_sigma, depth = w->shape.depth;
  return v->kind == WMC_BASIS_OUTER ? wmc_metric_log_weight_outer(depth, l[v->i])
                                    : wmc_metric_log_weight(depth, l[v->i], l[v->j]);
}

Test(geometry_basis, images_have_the_weights_of_the_metric)
{
  wmc_stream *s = test_stream(124, 0);
  for (int t = 0; t < test_trials(60); t++) {
    net w;
    random_net(s, t, t % 10 ? net_pick(s, 1, 6) : 300, &w);
    const int depth = net_depth(&w);
    for (long k = 0; k < dimension(&w); k++) {
      wmc_basis_vector v = vector_of(&w, k);
      double image[NET_LAYER] = {0}, square = 0, size = 0;
      for (int p = 1; p <= depth; p++) {
        wmc_basis_entry e[2];
        int count = wmc_basis_layer(&w.shape, &w.x, &v, p, e);
        for (int i = 0; i < count; i++) {
          double term =
              power_of(&w, e[i].row, depth - p) * e[i].value * power_of(&w, e[i].column, p - 1);
          image[e[i].row * NET_WIDE + e[i].column] += term;
          size += fabs(term);
        }
      }
      for (int i = 0; i < NET_LAYER; i++) square += image[i] * image[i];
      if (horizontal(&v))
        cr_assert_lt(fabs(0.5 * log(square) - 0.5 * weight_of(&w, &v)), 1e-12, "kind %d N=%d",
                     (int)v.kind, depth);
      else
        cr_assert_leq(sqrt(square), 1e-13 * depth * size, "kind %d N=%d: %g of %g", (int)v.kind,
                      depth, sqrt(square), size);
    }
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

Test(geometry_basis, complement_of_a_frame)
{
  wmc_stream *s = test_stream(125, 0);
  double q[NET_LAYER], kept[NET_LAYER], scratch[100 * NET_LAYER];
  net_number frame[NET_LAYER];
  for (int t = 0; t < test_trials(200); t++) {
    const int n = net_pick(s, 1, NET_WIDE), r = net_pick(s, 1, n);
    net_frame(s, WMC_NUMBERS_REAL, n, frame);
    for (int i = 0; i < n * n; i++) q[i] = i < n * r ? creal(frame[i]) : NAN;
    memcpy(kept, q, sizeof q);
    wmc_basis_complete(n, r, q, scratch);
    for (int i = 0; i < n; i++)
      for (int j = 0; j <= i; j++) {
        double sum = 0;
        for (int k = 0; k < n; k++) sum += q[i * n + k] * q[j * n + k];
        cr_assert_lt(fabs(sum - (i == j)), 1e-14);
      }
    for (int i = 0; i < n * r; i++) cr_assert_lt(fabs(q[i] - kept[i]), 1e-14);
  }
  wmc_stream_destroy(s);
}

/* --- Second derivatives of X ----------------------------------------------------------------- */

/* Diagonal entry k of the second derivative of X along a basis vector, 2 sum over p > q of
 * Lambda^{N-p} V_p Lambda^{p-q-1} V_q Lambda^{q-1}: from the layers 1 .. p, which columns of the
 * vector inside can be reached from e_k. */
static double second_derivative(const net *w, const wmc_basis_vector *v, int k)
{
  double once[NET_WIDE] = {0}, twice = 0; /* one layer of V so far; both, back at k */
  for (int p = 1; p <= net_depth(w); p++) {
    wmc_basis_entry e[2];
    int count = wmc_basis_layer(&w->shape, &w->x, v, p, e);
    double next[NET_WIDE] = {0};
    twice *= w->x.lambda[k];
    for (int i = 0; i < w->shape.rank; i++) next[i] = once[i] * w->x.lambda[i];
    for (int i = 0; i < count; i++) {
      if (e[i].row == k) twice += e[i].value * once[e[i].column];
      if (e[i].column == k) next[e[i].row] += e[i].value * power_of(w, k, p - 1);
    }
    memcpy(once, next, sizeof once);
  }
  return 2 * twice * (v->imaginary ? -1 : 1);
}

/* Sums over the basis are the Ito drifts of X: A(S') from vertical vectors and (2-b)(N-1)
 * sigma^{1-2/N} from horizontal ones; the entry (k, k) of A(S') is lambda^{N-1} dS/dlambda. An
 * imaginary INNER has entries i and -i, whose product is +1, not -1. */
Test(geometry_basis, second_derivatives_are_the_drifts_of_the_product)
{
  wmc_stream *s = test_stream(126, 0);
  for (int t = 0; t < test_trials(60); t++) {
    net w;
    double gradient[NET_RANK];
    net_create(s, net_fields[t % 2], net_pick(s, 1, 3), 4, t % 20 ? net_pick(s, 1, 7) : 100, &w);
    net_spectrum(s, t % 3 ? 0.7 : 1e-9, true, &w.x);
    wmc_entropy_gradient(&w.shape, &w.x, gradient);
    for (int k = 0; k < w.shape.rank; k++) {
      double across = 0, down = 0, power = power_of(&w, k, net_depth(&w) - 1);
      double size = power * w.shape.depth / w.x.lambda[w.shape.rank - 1];
      for (long i = 0; i < dimension(&w); i++) {
        wmc_basis_vector v = vector_of(&w, i);
        *(horizontal(&v) ? &across : &down) += second_derivative(&w, &v, k);
      }
      double ito = (2.0 - (double)w.shape.numbers) * (w.shape.depth - 1) * power / w.x.lambda[k];
      cr_assert_lt(fabs(across - ito), 1e-13 * size, "horizontal, N=%d", net_depth(&w));
      cr_assert_lt(fabs(down - power * gradient[k]), 1e-11 * size, "b=%d r=%d N=%d: %.14g, %.14g",
                   (int)w.shape.numbers, w.shape.rank, net_depth(&w), down, power * gradient[k]);
    }
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* --- Projector ------------------------------------------------------------------------------- */

/* Frames completed to square matrices, frame p at p NET_LAYER. */
static void complete_frames(const test_network *t, double *frames, double *scratch)
{
  for (int p = 0; p <= t->layers->depth; p++) {
    const int n = t->layers->width[p], r = t->layers->rank;
    double *q = frames + p * NET_LAYER;
    memcpy(q, wmc_point_frame(&t->point, p), (size_t)(n * r) * sizeof *q);
    wmc_basis_complete(n, r, q, scratch);
  }
}

/* out += factor (entry of a basis vector) outer product; or, with out NULL, the product with v */
static double with_layer(const test_network *t, const double *frames, int p, wmc_basis_entry e,
                         double factor, const double *v, double *out)
{
  const int m = t->layers->width[p], n = t->layers->width[p - 1];
  const double *row = frames + p * NET_LAYER + e.row * m;
  const double *column = frames + (p - 1) * NET_LAYER + e.column * n;
  const size_t at = t->layers->layer[p];
  double sum = 0;
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      double entry = e.value * row[i] * column[j];
      if (out) out[at + (size_t)(j * m + i)] += factor * entry;
      if (v) sum += entry * v[at + (size_t)(j * m + i)];
    }
  return sum;
}

/* Sum over basis vectors, all or horizontal ones, of e <e, v>. */
static void project_by_basis(const test_network *t, const wmc_spectrum *x, const double *frames,
                             bool all, const double *v, double *out)
{
  wmc_basis_entry e[2];
  memset(out, 0, wmc_layers_size(t->layers) * sizeof *out);
  for (wmc_basis_kind kind = 0; kind <= (all ? WMC_BASIS_INNER : WMC_BASIS_OUTER); kind++)
    for (long k = 0; k < wmc_basis_count(&t->shape, kind); k++) {
      wmc_basis_vector b = wmc_basis_pick(&t->shape, kind, k);
      double part = 0;
      for (int p = 1; p <= t->layers->depth; p++)
        for (int i = 0, n = wmc_basis_layer(&t->shape, x, &b, p, e); i < n; i++)
          part += with_layer(t, frames, p, e[i], 0, v, NULL);
      for (int p = 1; p <= t->layers->depth; p++)
        for (int i = 0, n = wmc_basis_layer(&t->shape, x, &b, p, e); i < n; i++)
          with_layer(t, frames, p, e[i], part, NULL, out);
    }
}

static void compare_layers(const test_network *t, const double *a, const double *b,
                           const char *what)
{
  for (int p = 1; p <= t->layers->depth; p++)
    for (int i = 0; i < t->layers->width[p] * t->layers->width[p - 1]; i++) {
      size_t at = t->layers->layer[p] + (size_t)i;
      cr_assert_lt(fabs(a[at] - b[at]), 1e-12, "%s, layer %d", what, p);
    }
}

/* The projector by tridiagonal solves, and its horizontal part, are sums over the basis. */
Test(geometry_basis, projector_is_the_sum_over_the_basis)
{
  static const double spreads[] = {0.4, 1e-8, 0};
  wmc_stream *s = test_stream(127, 0);
  for (int t = 0; t < test_trials(60); t++) {
    test_network network;
    double memory[5 * NET_RANK];
    test_network_open(&network, s, t % 30 ? net_pick(s, 1, 8) : 60, net_pick(s, 1, 4), 2);
    test_network_draw(&network, s, spreads[t % 3]);
    const wmc_layers *layers = network.layers;
    wmc_spectrum x = wmc_spectrum_map(layers->rank, layers->depth, memory);
    wmc_point_spectrum(&network.point, &x);
    const size_t size = wmc_layers_size(layers);
    double *frames = test_room((size_t)(layers->depth + 1) * NET_LAYER), *v = test_room(3 * size);
    double *scratch = test_room(wmc_tangent_scratch(layers) + 100 * NET_LAYER);
    wmc_tangent part = wmc_tangent_map(layers, test_room(wmc_tangent_size(layers)));
    wmc_tangent across = wmc_tangent_map(layers, test_room(wmc_tangent_size(layers)));
    complete_frames(&network, frames, scratch);
    wmc_stream_normals(s, size, 1, v);
    wmc_project(&network.point, v, &part, scratch);
    wmc_tangent_write(&network.point, &part, v + size, scratch);
    project_by_basis(&network, &x, frames, true, v, v + 2 * size);
    compare_layers(&network, v + size, v + 2 * size, "projector");
    wmc_tangent_horizontal(&network.point, &part, &across, scratch);
    wmc_tangent_write(&network.point, &across, v + size, scratch);
    project_by_basis(&network, &x, frames, false, v, v + 2 * size);
    compare_layers(&network, v + size, v + 2 * size, "horizontal part");
    double *rooms[] = {frames, v, scratch, part.core, across.core};
    for (size_t k = 0; k < sizeof rooms / sizeof *rooms; k++) wmc_free(rooms[k]);
    test_network_close(&network);
  }
  wmc_stream_destroy(s);
}
