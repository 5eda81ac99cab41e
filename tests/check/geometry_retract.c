/* Retraction along the fibres: X is kept, balance is reached, the distance is that of a normal. */
#include <stdio.h>
#include <string.h>

#include "geometry.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/retract.h"

static const int depths[] = {1, 2, 3, 6, 30};

/* W + V for a tangent vector; full rank everywhere. */
static void add_step(const test_network *net, const wmc_tangent *step, double *w)
{
  const wmc_layers *layers = net->layers;
  double *work = test_room(wmc_tangent_scratch(layers));
  wmc_tangent_write(&net->point, step, w, work);
  for (size_t k = 0; k < wmc_layers_size(layers); k++) w[k] += net->w[k];
  wmc_free(work);
}

/* Square layers: X of the retracted point is the product of W + V. */
Test(geometry_retract, product_is_kept)
{
  wmc_stream *stream = test_stream(31, 0);
  for (int t = 0; t < test_trials(100); t++) {
    test_network net;
    test_network_open(&net, stream, depths[t % 5], 1 + t % 4, 0);
    test_network_draw(&net, stream, t % 3 ? 0.4 : 1e-7);
    const wmc_layers *layers = net.layers;
    const size_t outer = (size_t)(layers->rank * layers->rank);
    double *room = test_room(wmc_tangent_size(layers)), *w = test_room(wmc_layers_size(layers));
    double *scratch = test_room(wmc_retract_scratch(layers)),
           *work = test_room(wmc_tangent_scratch(layers));
    double *x = test_room(wmc_layers_block(layers)), *y = test_room(outer), scale = 0;
    const wmc_tangent step = wmc_tangent_map(layers, room);
    const double h = 0.1 / (layers->rank * sqrt(layers->depth));
    wmc_tangent_draw(&net.point, stream, h, h, NULL, 0, &step, work);
    add_step(&net, &step, w);
    wmc_layers_end_to_end(layers, w, x, net.scratch);
    wmc_retraction done;
    cr_assert(wmc_retract(&net.point, &step, &done, scratch), "N=%d r=%d", layers->depth,
              layers->rank);
    if (test_verbose())
      printf("N %2d r %d: %d iterations, imbalance %.1e\n", layers->depth, layers->rank,
             done.iterations, done.imbalance);
    wmc_point_end_to_end(&net.point, y, net.scratch);
    wmc_point_write(&net.point, net.w, net.scratch);
    for (size_t k = 0; k < outer; k++) scale += x[k] * x[k];
    cr_expect_lt(test_distance(outer, x, y), 1e-11 * sqrt(scale), "%g",
                 test_distance(outer, x, y) / sqrt(scale));
    cr_expect_lt(wmc_layers_imbalance(layers, net.w, net.scratch), 1e-13);
    wmc_free(room);
    wmc_free(w);
    wmc_free(scratch);
    wmc_free(work);
    wmc_free(x);
    wmc_free(y);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* Tangent part of W' - W - V over |V|^2 and |W' - W - V| over |V|^2, for a step of size h. */
static void displacement(int t, double h, double *tangential, double *whole)
{
  wmc_stream *stream = test_stream(32 + t, 0);
  test_network net;
  test_network_open(&net, stream, depths[1 + t % 3], 2 + t / 3, 0);
  test_network_draw(&net, stream, 0.4);
  const wmc_layers *layers = net.layers;
  const size_t size = wmc_layers_size(layers);
  double *room = test_room(2 * wmc_tangent_size(layers)), *v = test_room(2 * size), *u = v + size;
  double *scratch = test_room(wmc_retract_scratch(layers)),
         *work = test_room(wmc_tangent_scratch(layers));
  double *memory = test_room(wmc_point_size(layers));
  const wmc_tangent step = wmc_tangent_map(layers, room);
  const wmc_tangent back = wmc_tangent_map(layers, room + wmc_tangent_size(layers));
  const wmc_point moved = wmc_point_map(layers, memory);
  wmc_tangent_draw(&net.point, stream, h, h, NULL, 0, &step, work);
  const double square = wmc_tangent_inner(&step, &step);
  add_step(&net, &step, v);
  memcpy(memory, net.point.frames, wmc_point_size(layers) * sizeof *memory);
  cr_assert(wmc_retract(&moved, &step, NULL, scratch));
  wmc_point_write(&moved, u, net.scratch);
  *whole = 0;
  for (size_t k = 0; k < size; k++) {
    u[k] -= v[k];
    *whole += u[k] * u[k];
  }
  *whole = sqrt(*whole) / square;
  wmc_project(&net.point, u, &back, work);
  *tangential = sqrt(wmc_tangent_inner(&back, &back)) / square;
  wmc_free(room);
  wmc_free(v);
  wmc_free(scratch);
  wmc_free(work);
  wmc_free(memory);
  test_network_close(&net);
  wmc_stream_destroy(stream);
}

/* In square layers the displacement is of second order, and its tangent part of third. */
Test(geometry_retract, displacement_is_normal)
{
  for (int t = 0; t < 9; t++) {
    double coarse, fine, all, rest;
    displacement(t, 1e-2, &coarse, &all);
    displacement(t, 1e-3, &fine, &rest);
    cr_expect_lt(fabs(rest - all), 0.5 * all, "second order: %g %g", all, rest);
    cr_expect_gt(all, 1e-3, "%g", all);
    cr_expect_lt(fine, 0.2 * coarse, "tangent part %g, %g of %g", coarse, fine, all);
  }
}

/* Largest entries of the difference of the quick way and the long one, and of the way back; and the
 * imbalance of the quick one. */
typedef struct quick {
  double apart, whole, imbalance, products;
  int iterations;
} quick;

static quick compare_quick(int t, double h)
{
  wmc_stream *stream = test_stream(500 + t, 0);
  const int widths[] = {2, 3, 4, 5, 8, 13}, deep[] = {2, 3, 7, 40};
  test_network net;
  test_network_open(&net, stream, deep[t % 4], widths[t % 6], t % 5 == 4);
  test_network_draw(&net, stream, t % 3 ? 0.4 : 1e-5);
  const wmc_layers *layers = net.layers;
  const size_t size = wmc_layers_size(layers), doubles = wmc_point_size(layers);
  double *room = test_room(wmc_tangent_size(layers)), *v = test_room(3 * size), *u = v + size;
  double *scratch = test_room(wmc_retract_scratch(layers)), *other = u + size;
  double *work = test_room(wmc_tangent_scratch(layers)), *memory = test_room(doubles);
  const wmc_tangent step = wmc_tangent_map(layers, room);
  const wmc_point moved = wmc_point_map(layers, memory);
  wmc_retraction done;
  quick q = {.apart = 0};
  h /= sqrt(layers->rank * layers->depth);
  wmc_tangent_draw(&net.point, stream, h, h, NULL, 0, &step, work);
  add_step(&net, &step, v);
  memcpy(memory, net.point.frames, doubles * sizeof *memory);
  cr_assert(wmc_retract_quickly(&moved, &step, &done, scratch));
  q.iterations = done.iterations;
  q.products = (double)done.products / layers->depth;
  wmc_point_write(&moved, u, net.scratch);
  q.imbalance = wmc_layers_imbalance(layers, u, net.scratch);
  cr_assert(wmc_retract(&net.point, &step, NULL, scratch));
  wmc_point_write(&net.point, other, net.scratch);
  q.apart = test_distance(size, u, other);
  q.whole = test_distance(size, v, other);
  wmc_free(room);
  wmc_free(v);
  wmc_free(scratch);
  wmc_free(work);
  wmc_free(memory);
  test_network_close(&net);
  wmc_stream_destroy(stream);
  return q;
}

/* Balance is exact; what the quick way misses is of fourth order in square layers. */
Test(geometry_retract, quick_way_is_of_fourth_order)
{
  const double coarse = 0.04, fine = 0.01;
  for (int t = 0; t < test_trials(60); t++) {
    const quick q = compare_quick(t, coarse), f = compare_quick(t, fine);
    if (test_verbose())
      printf("t %2d: apart %.1e of %.1e, %.1e of %.1e; %.1f products, %d iterations\n", t, q.apart,
             q.whole, f.apart, f.whole, q.products, q.iterations);
    cr_expect_lt(q.imbalance, 1e-13, "%g", q.imbalance);
    cr_expect_lt(f.imbalance, 1e-13, "%g", f.imbalance);
    cr_expect_lt(q.apart, pow(coarse, 4), "%g of %g", q.apart, q.whole);
    cr_expect_lt(f.apart, pow(fine, 4), "%g of %g", f.apart, f.whole);
    cr_expect_gt(f.whole, 10 * pow(fine, 4), "%g", f.whole);
  }
}

/* Any layers of full rank are balanced with X kept, and gauge-equivalent ones to the same spectrum.
 */
Test(geometry_retract, balance_far_from_balance)
{
  wmc_stream *stream = test_stream(33, 0);
  for (int t = 0; t < test_trials(60); t++) {
    test_network net;
    test_network_open(&net, stream, depths[t % 4], 1 + t % 4, t % 3);
    test_network_draw(&net, stream, 0.4);
    const wmc_layers *layers = net.layers;
    const int r = layers->rank;
    const size_t outer = (size_t)(layers->width[0] * layers->width[layers->depth]);
    double *g = test_room(wmc_layers_gauges_size(layers) + 1), *lambda = test_room((size_t)r);
    double *x = test_room(wmc_layers_block(layers)), *y = test_room(outer), scale = 0;
    double *scratch = test_room(wmc_retract_scratch(layers));
    wmc_retraction done;
    memcpy(lambda, net.point.lambda, (size_t)r * sizeof *lambda);
    for (int p = 1; p < layers->depth; p++) {
      const int d = layers->width[p];
      wmc_stream_normals(stream, (size_t)(d * d), 0.3, g + layers->gauge[p]);
      for (int k = 0; k < d; k++) g[layers->gauge[p] + (size_t)(k * d + k)] += 1;
    }
    cr_assert(wmc_layers_act(layers, g, net.w, net.scratch));
    wmc_layers_end_to_end(layers, net.w, x, net.scratch);
    cr_assert(wmc_balance(&net.point, net.w, &done, scratch), "N=%d r=%d", layers->depth, r);
    if (test_verbose())
      printf("N %2d r %d: %d iterations, imbalance %.1e\n", layers->depth, r, done.iterations,
             done.imbalance);
    wmc_point_end_to_end(&net.point, y, net.scratch);
    for (size_t k = 0; k < outer; k++) scale += x[k] * x[k];
    cr_expect_lt(test_distance(outer, x, y), 1e-10 * sqrt(scale), "%g",
                 test_distance(outer, x, y) / sqrt(scale));
    cr_expect_lt(test_distance((size_t)r, lambda, net.point.lambda), 1e-10 * lambda[0]);
    wmc_free(g);
    wmc_free(lambda);
    wmc_free(x);
    wmc_free(y);
    wmc_free(scratch);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* Along the normal space: W' is balanced, the tangent part of W' - W is the step, and the way back
 * from W' leads to W. Any widths and rank. */
Test(geometry_retract, normal_way_there_and_back)
{
  wmc_stream *stream = test_stream(34, 0);
  for (int t = 0; t < test_trials(100); t++) {
    test_network net;
    test_network_open(&net, stream, depths[t % 5], 1 + t % 4, t % 3);
    test_network_draw(&net, stream, 0.3);
    const wmc_layers *layers = net.layers;
    const size_t size = wmc_layers_size(layers), doubles = wmc_point_size(layers);
    double *room = test_room(2 * wmc_tangent_size(layers)), *v = test_room(2 * size), *u = v + size;
    double *scratch = test_room(wmc_retract_scratch(layers));
    double *work = test_room(wmc_tangent_scratch(layers)), *memory = test_room(doubles);
    const wmc_tangent step = wmc_tangent_map(layers, room);
    const wmc_tangent found = wmc_tangent_map(layers, room + wmc_tangent_size(layers));
    const wmc_point moved = wmc_point_map(layers, memory);
    const double h = 0.05 / (layers->rank * sqrt(layers->depth));
    wmc_retraction done;
    wmc_tangent_draw(&net.point, stream, h, h, NULL, 0, &step, work);
    memcpy(memory, net.point.frames, doubles * sizeof *memory);
    cr_assert(wmc_retract_normally(&moved, &step, &done, scratch), "%g", done.imbalance);
    wmc_point_write(&moved, u, net.scratch);
    cr_expect_lt(wmc_layers_imbalance(layers, u, net.scratch), 1e-13);
    for (size_t k = 0; k < size; k++) v[k] = u[k] - net.w[k];
    wmc_project(&net.point, v, &found, work);
    for (size_t k = 0; k < wmc_tangent_size(layers); k++) found.core[k] -= step.core[k];
    cr_expect_lt(sqrt(wmc_tangent_inner(&found, &found)), 1e-11, "N=%d r=%d, %d iterations, %g",
                 layers->depth, layers->rank, done.iterations,
                 sqrt(wmc_tangent_inner(&found, &found)));
    for (size_t k = 0; k < size; k++) v[k] = -v[k];
    wmc_project(&moved, v, &found, work);
    cr_assert(wmc_retract_normally(&moved, &found, &done, scratch));
    wmc_point_write(&moved, v, net.scratch);
    cr_expect_lt(test_distance(size, v, net.w), 1e-11);
    cr_expect_gt(test_distance(size, u, net.w), 1e-4);
    wmc_free(room);
    wmc_free(v);
    wmc_free(scratch);
    wmc_free(work);
    wmc_free(memory);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* Frames stay orthonormal where they are larger than the matrices between them. */
Test(geometry_retract, frames_of_lower_rank_stay_orthonormal)
{
  wmc_stream *stream = test_stream(35, 0);
  for (int t = 0; t < 96; t++) {
    test_network net;
    test_network_open(&net, stream, 1 + t % 3, 1 + t / 3 % 4, 1 + t / 12);
    test_network_draw(&net, stream, 0.4);
    const wmc_layers *layers = net.layers;
    const int r = layers->rank;
    double *room = test_room(wmc_tangent_size(layers));
    double *scratch = test_room(wmc_retract_scratch(layers)),
           *work = test_room(wmc_tangent_scratch(layers));
    const wmc_tangent step = wmc_tangent_map(layers, room);
    wmc_tangent_draw(&net.point, stream, 1e-2, 1e-2, NULL, 0, &step, work);
    cr_assert((t % 2 ? wmc_retract : wmc_retract_quickly)(&net.point, &step, NULL, scratch));
    for (int p = 0; p <= layers->depth; p++)
      for (int k = 0; k < r * r; k++) {
        const int d = layers->width[p];
        const double *frame = wmc_point_frame(&net.point, p);
        double dot = k / r == k % r ? -1 : 0;
        for (int i = 0; i < d; i++) dot += frame[k / r * d + i] * frame[k % r * d + i];
        cr_expect_lt(fabs(dot), 1e-12, "N=%d r=%d d_%d=%d: %g", layers->depth, r, p, d, dot);
      }
    wmc_free(room);
    wmc_free(scratch);
    wmc_free(work);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}
