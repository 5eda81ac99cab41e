/* Points of the balanced manifold: layers, frames, gauge action, moment map. */
#include <string.h>

#include "geometry.h"
#include "streams.h"
#include "support.h"

static const int depths[] = {1, 2, 3, 7, 40};

/* Layers of a point: balanced, of the right norm, and X their product. */
Test(geometry_points, layers_of_a_point_are_balanced)
{
  wmc_stream *stream = test_stream(11, 0);
  for (int t = 0; t < test_trials(60); t++) {
    test_network net;
    test_network_open(&net, stream, depths[t % 5], 1 + t % 4, t % 3);
    test_network_draw(&net, stream, t % 2 ? 0.5 : 0.01);
    const wmc_layers *layers = net.layers;
    const size_t outer = (size_t)(layers->width[0] * layers->width[layers->depth]);
    double *x = test_room(outer), *y = test_room(wmc_layers_block(layers)), norm2 = 0, scale = 0;
    wmc_layers_end_to_end(layers, net.w, y, net.scratch);
    wmc_point_end_to_end(&net.point, x, net.scratch);
    for (size_t k = 0; k < outer; k++) scale += x[k] * x[k];
    for (int k = 0; k < layers->rank; k++)
      norm2 += layers->depth * net.point.lambda[k] * net.point.lambda[k];
    cr_expect_lt(test_distance(outer, x, y), 1e-13 * layers->depth * sqrt(scale));
    cr_expect_lt(wmc_layers_imbalance(layers, net.w, net.scratch), 1e-14);
    cr_expect_lt(fabs(wmc_layers_norm2(layers, net.w) - norm2), 1e-13 * norm2);
    wmc_layers_suffix(layers, net.w, 1, y, net.scratch);
    cr_expect_lt(test_distance(outer, x, y), 1e-13 * layers->depth * sqrt(scale));
    wmc_free(x);
    wmc_free(y);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* Frames are read back from layers at any depth, though sigma_r is far below 1e-16 sigma_1. */
Test(geometry_points, frames_are_read_back)
{
  wmc_stream *stream = test_stream(12, 0);
  for (int t = 0; t < test_trials(30); t++) {
    test_network net;
    const int depth = t % 10 == 9 ? 1000 : depths[t % 5];
    test_network_open(&net, stream, depth, 1 + t % 4, t % 3);
    test_network_draw(&net, stream, 1);
    const size_t size = wmc_layers_size(net.layers);
    double *again = test_room(size), *lambda = test_room((size_t)net.layers->rank);
    const double unit = net.point.lambda[0];
    memcpy(lambda, net.point.lambda, (size_t)net.layers->rank * sizeof *lambda);
    cr_assert(wmc_point_read(&net.point, net.w, net.scratch));
    wmc_point_write(&net.point, again, net.scratch);
    cr_expect_lt(test_distance(size, again, net.w), 1e-12 * unit, "N=%d", depth);
    cr_expect_lt(test_distance((size_t)net.layers->rank, lambda, net.point.lambda), 1e-13 * unit);
    wmc_free(again);
    wmc_free(lambda);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* The largest entry of Q^T Q - 1. */
static double apart_from_orthonormal(int d, int r, const double *frame)
{
  double largest = 0;
  for (int j = 0; j < r; j++)
    for (int i = 0; i < r; i++) {
      double sum = -(double)(i == j);
      for (int k = 0; k < d; k++) sum += frame[i * d + k] * frame[j * d + k];
      largest = fmax(largest, fabs(sum));
    }
  return largest;
}

/* Errors of any size, those that products correct and larger ones; columns stay where they are but
 * for the size of the error. */
Test(geometry_points, refreshed_frames_are_orthonormal)
{
  const double errors[] = {1e-14, 1e-11, 1e-9, 1e-6, 1e-2};
  wmc_stream *stream = test_stream(14, 0);
  for (int t = 0; t < test_trials(30); t++) {
    test_network net;
    test_network_open(&net, stream, depths[t % 5], 1 + t % 6, t % 3);
    test_network_draw(&net, stream, 0.5);
    const wmc_layers *layers = net.layers;
    const size_t size = wmc_layers_frames_size(layers);
    const double error = errors[t % 5 == 4 ? t / 5 % 5 : t % 5];
    double *noise = test_room(size), *before = test_room(size);
    wmc_stream_normals(stream, size, error, noise);
    for (int p = 0; p <= layers->depth; p++)
      for (int k = 0; k < layers->width[p] * layers->rank; k++)
        before[layers->frame[p] + (size_t)k] = wmc_point_frame(&net.point, p)[k] +=
            noise[layers->frame[p] + (size_t)k];
    wmc_point_refresh(&net.point, net.scratch);
    for (int p = 0; p <= layers->depth; p++) {
      const int d = layers->width[p], r = layers->rank;
      const double *frame = wmc_point_frame(&net.point, p);
      cr_expect_lt(apart_from_orthonormal(d, r, frame), 1e-14, "error %g", error);
      cr_expect_lt(test_distance((size_t)(d * r), frame, before + layers->frame[p]),
                   20 * d * error + 1e-15, "error %g", error);
    }
    wmc_free(noise);
    wmc_free(before);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* The gauge action keeps X; orthogonal gauges keep balance, others do not. */
Test(geometry_points, gauge_action)
{
  wmc_stream *stream = test_stream(13, 0);
  for (int t = 0; t < test_trials(30); t++) {
    test_network net;
    test_network_open(&net, stream, depths[t % 4], 1 + t % 4, t % 3);
    test_network_draw(&net, stream, 0.5);
    const wmc_layers *layers = net.layers;
    const size_t outer = (size_t)(layers->width[0] * layers->width[layers->depth]);
    const bool orthogonal = t % 2;
    double *g = test_room(wmc_layers_gauges_size(layers) + 1);
    double *x = test_room(wmc_layers_block(layers)), *y = test_room(wmc_layers_block(layers));
    for (int p = 1; p < layers->depth; p++) {
      const int d = layers->width[p];
      double *gauge = g + layers->gauge[p];
      wmc_stream_normals(stream, (size_t)(d * d), 0.3, gauge);
      for (int k = 0; k < d; k++) gauge[k * d + k] += 1;
      double *scratch = test_room(wmc_qr_scratch(d, d));
      if (orthogonal) wmc_qr(d, d, gauge, x, scratch);
      wmc_free(scratch);
    }
    wmc_layers_end_to_end(layers, net.w, x, net.scratch);
    cr_assert(wmc_layers_act(layers, g, net.w, net.scratch));
    wmc_layers_end_to_end(layers, net.w, y, net.scratch);
    cr_expect_lt(test_distance(outer, x, y), 1e-11);
    double imbalance = wmc_layers_imbalance(layers, net.w, net.scratch);
    cr_expect(layers->depth == 1 || (imbalance < 1e-13) == orthogonal, "imbalance %g", imbalance);
    wmc_free(g);
    wmc_free(x);
    wmc_free(y);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}
