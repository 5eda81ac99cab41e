/* Tangent vectors of the balanced manifold: projector, horizontal and vertical parts, noise. */
#include <string.h>

#include "geometry.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/project.h"

static const int depths[] = {1, 2, 3, 6, 30};

typedef struct scene {
  test_network net;
  wmc_tangent a, b;
  double *v, *u, *work;
} scene;

static void scene_open(scene *s, wmc_stream *stream, int t)
{
  test_network_open(&s->net, stream, depths[t % 5], 1 + t % 4, t % 3);
  test_network_draw(&s->net, stream, t % 4 == 3 ? 1e-9 : 0.6);
  const wmc_layers *layers = s->net.layers;
  s->a = wmc_tangent_map(layers, test_room(wmc_tangent_size(layers)));
  s->b = wmc_tangent_map(layers, test_room(wmc_tangent_size(layers)));
  s->v = test_room(wmc_layers_size(layers));
  s->u = test_room(wmc_layers_size(layers));
  s->work = test_room(wmc_tangent_scratch(layers));
}

static void scene_close(scene *s)
{
  wmc_free(s->a.core);
  wmc_free(s->b.core);
  wmc_free(s->v);
  wmc_free(s->u);
  wmc_free(s->work);
  test_network_close(&s->net);
}

static void draw_layers(const wmc_layers *layers, wmc_stream *stream, double *v)
{
  for (int p = 1; p <= layers->depth; p++)
    wmc_stream_normals(stream, (size_t)(layers->width[p] * layers->width[p - 1]), 1,
                       v + layers->layer[p]);
}

static double inner(size_t n, const double *a, const double *b)
{
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

/* A curve in the manifold through the point: frames and lambda move, layers by central difference.
 */
static void tangent_by_difference(const scene *s, wmc_stream *stream, double *v)
{
  const wmc_layers *layers = s->net.layers;
  const double h = 1e-5;
  const size_t size = wmc_point_size(layers), frames = wmc_layers_frames_size(layers);
  double *turn = test_room(frames + (size_t)layers->rank), *memory = test_room(size);
  double *w = test_room(wmc_layers_size(layers));
  const wmc_point moved = wmc_point_map(layers, memory);
  wmc_stream_normals(stream, frames + (size_t)layers->rank, 1, turn);
  for (int side = 0; side < 2; side++) {
    const double step = side ? -h : h;
    for (size_t k = 0; k < frames; k++) moved.frames[k] = s->net.point.frames[k] + step * turn[k];
    wmc_point_refresh(&moved, s->net.scratch);
    for (int k = 0; k < layers->rank; k++)
      moved.lambda[k] = s->net.point.lambda[k] + step * turn[frames + (size_t)k];
    wmc_point_write(&moved, w, s->net.scratch);
    for (size_t k = 0; k < wmc_layers_size(layers); k++)
      v[k] = (side ? v[k] : 0) + w[k] / (2 * step);
  }
  wmc_free(turn);
  wmc_free(memory);
  wmc_free(w);
}

/* P V = V for tangents of curves; V - P V is orthogonal to them; P P = P. */
Test(geometry_tangent, projector_is_orthogonal_and_onto_tangents)
{
  wmc_stream *stream = test_stream(21, 0);
  for (int t = 0; t < test_trials(60); t++) {
    scene s;
    scene_open(&s, stream, t);
    const wmc_layers *layers = s.net.layers;
    const size_t size = wmc_layers_size(layers);
    tangent_by_difference(&s, stream, s.v);
    double norm = sqrt(inner(size, s.v, s.v)), *noise = test_room(size);
    wmc_project(&s.net.point, s.v, &s.a, s.work);
    wmc_tangent_write(&s.net.point, &s.a, s.u, s.work);
    cr_expect_lt(test_distance(size, s.u, s.v), 1e-8 * norm);
    cr_expect_lt(fabs(sqrt(wmc_tangent_inner(&s.a, &s.a)) - norm), 1e-8 * norm);
    draw_layers(layers, stream, noise);
    wmc_project(&s.net.point, noise, &s.a, s.work);
    wmc_tangent_write(&s.net.point, &s.a, s.u, s.work);
    cr_expect_lt(fabs(inner(size, noise, s.v) - inner(size, s.u, s.v)),
                 1e-7 * norm * layers->depth);
    cr_expect_lt(fabs(inner(size, s.u, s.u) - wmc_tangent_inner(&s.a, &s.a)),
                 1e-12 * inner(size, s.u, s.u));
    wmc_project(&s.net.point, s.u, &s.b, s.work);
    wmc_tangent_write(&s.net.point, &s.b, s.v, s.work);
    cr_expect_lt(test_distance(size, s.u, s.v), 1e-12);
    wmc_free(noise);
    scene_close(&s);
  }
  wmc_stream_destroy(stream);
}

/* d X of a tangent vector, by the product rule. */
static void differential(const test_network *net, const double *v, double *dx)
{
  const wmc_layers *layers = net->layers;
  const int n = layers->depth, rows = layers->width[n], columns = layers->width[0];
  const size_t block = wmc_layers_block(layers);
  double *room = test_room(5 * block);
  double *left = room, *right = left + block, *image = right + block, *scratch = image + block;
  memset(dx, 0, (size_t)(rows * columns) * sizeof *dx);
  for (int p = 1; p <= n; p++) {
    const int m = layers->width[p], k = layers->width[p - 1];
    const double *term = v + layers->layer[p];
    if (p > 1) {
      wmc_layers_prefix(layers, net->w, p - 1, right, scratch);
      wmc_layers_multiply(layers, m, columns, k, term, right, image);
      term = image;
    }
    if (p < n) {
      wmc_layers_suffix(layers, net->w, p + 1, left, scratch);
      wmc_layers_multiply(layers, rows, columns, m, left, term, right);
      term = right;
    }
    for (int i = 0; i < rows * columns; i++) dx[i] += term[i];
  }
  wmc_free(room);
}

/* The vertical part does not move X; the horizontal one is orthogonal to it and moves X as V does.
 */
Test(geometry_tangent, split_into_horizontal_and_vertical)
{
  wmc_stream *stream = test_stream(22, 0);
  for (int t = 0; t < test_trials(60); t++) {
    scene s;
    scene_open(&s, stream, t);
    const wmc_layers *layers = s.net.layers;
    const int outer = layers->width[0] * layers->width[layers->depth];
    double *dx = test_room((size_t)outer), *dy = test_room((size_t)outer), scale = 0;
    wmc_tangent_draw(&s.net.point, stream, 1, 1, NULL, 0, &s.a, s.work);
    wmc_tangent_horizontal(&s.net.point, &s.a, &s.b, s.work);
    double cross = wmc_tangent_inner(&s.a, &s.b), square = wmc_tangent_inner(&s.b, &s.b);
    cr_expect_lt(fabs(cross - square), 1e-12 * square, "<V, P V> = |P V|^2");
    wmc_tangent_write(&s.net.point, &s.a, s.v, s.work);
    wmc_tangent_write(&s.net.point, &s.b, s.u, s.work);
    differential(&s.net, s.v, dx);
    differential(&s.net, s.u, dy);
    for (int k = 0; k < outer; k++) scale += dx[k] * dx[k];
    cr_expect_lt(test_distance((size_t)outer, dx, dy), 1e-11 * sqrt(scale) * layers->depth);
    wmc_free(dx);
    wmc_free(dy);
    scene_close(&s);
  }
  wmc_stream_destroy(stream);
}

/* The gradient of E(X) = <C, X> in the layers, against <grad, V> = <C, dX(V)>. */
Test(geometry_tangent, gradient)
{
  wmc_stream *stream = test_stream(23, 0);
  for (int t = 0; t < test_trials(60); t++) {
    scene s;
    scene_open(&s, stream, t);
    const int outer = s.net.layers->width[0] * s.net.layers->width[s.net.layers->depth];
    double *slope = test_room((size_t)outer), *dx = test_room((size_t)outer);
    wmc_stream_normals(stream, (size_t)outer, 1, slope);
    wmc_tangent_draw(&s.net.point, stream, 1, 1, NULL, 0, &s.a, s.work);
    wmc_tangent_draw(&s.net.point, stream, 0, 0, slope, 0.7, &s.b, s.work);
    wmc_tangent_write(&s.net.point, &s.a, s.v, s.work);
    differential(&s.net, s.v, dx);
    double definition = 0.7 * inner((size_t)outer, slope, dx),
           found = wmc_tangent_inner(&s.a, &s.b);
    double scale = sqrt(inner((size_t)outer, slope, slope) * inner((size_t)outer, dx, dx));
    cr_expect_lt(fabs(definition - found), 1e-11 * scale, "%g %g", definition, found);
    wmc_free(slope);
    wmc_free(dx);
    scene_close(&s);
  }
  wmc_stream_destroy(stream);
}

/* Noise is white in the tangent space: its projection on a fixed tangent vector of parts f_v, f_h
 * has variance v^2 f_v^2 + h^2 f_h^2. The sum of n squares over it is chi^2_n. */
Test(geometry_tangent, noise_is_white)
{
  wmc_stream *stream = test_stream(24, 0);
  for (int t = 0; t < 8; t++) {
    scene s;
    scene_open(&s, stream, t % 4 + 5 * (t / 4));
    const wmc_layers *layers = s.net.layers;
    const int trials = test_trials(4000);
    const double v = 0.5 + (t % 2), h = 1.5 - (t % 2);
    double *fixed = test_room(wmc_tangent_size(layers)), sum = 0;
    const wmc_tangent f = wmc_tangent_map(layers, fixed);
    draw_layers(layers, stream, s.v);
    wmc_project(&s.net.point, s.v, &f, s.work);
    wmc_tangent_horizontal(&s.net.point, &f, &s.b, s.work);
    double across = wmc_tangent_inner(&s.b, &s.b), along = wmc_tangent_inner(&f, &f) - across;
    double variance = v * v * along + h * h * across;
    for (int k = 0; k < trials; k++) {
      wmc_tangent_draw(&s.net.point, stream, v, h, NULL, 0, &s.a, s.work);
      double x = wmc_tangent_inner(&s.a, &f);
      sum += x * x / variance;
    }
    cr_expect_lt(fabs(sum / trials - 1), 5 * sqrt(2.0 / trials), "N=%d: %g", layers->depth,
                 sum / trials);
    wmc_free(fixed);
    scene_close(&s);
  }
  wmc_stream_destroy(stream);
}
