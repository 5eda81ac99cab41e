/* Networks off balance: the start, noise along the orbit of isometric gauges, the gradient. */
#include "../../src/models/balanced_orbit.h"

#include <string.h>

#include "../../src/models/balanced.h"
#include "geometry.h"
#include "streams.h"
#include "support.h"

static const struct {
  int depth, rank, spread;
} shapes[] = {{2, 2, 0}, {3, 2, 1}, {5, 3, 0}, {4, 3, 2}, {2, 4, 1}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* A network with this imbalance; `w` holds it. */
static void open_unbalanced(test_network *net, wmc_stream *stream, double imbalance, double *w)
{
  const wmc_layers *layers = net->layers;
  double *room = test_room(2 * wmc_layers_gauges_size(layers) + 4 * wmc_layers_block(layers));

  cr_assert(wmc_orbit_unbalance(layers, stream, imbalance, net->w, w, room));
  wmc_free(room);
}

/* X is that of the balanced network, the imbalance the one asked for. */
Test(orbit, start_off_balance)
{
  wmc_stream *stream = test_stream(41, 0);
  for (int t = 0; t < test_trials(4 * SHAPES); t++) {
    test_network net;
    const double imbalance = t % 2 ? 0.3 : 1e-3;
    test_network_open(&net, stream, shapes[t % SHAPES].depth, shapes[t % SHAPES].rank,
                      shapes[t % SHAPES].spread);
    test_network_draw(&net, stream, 0.3);
    const wmc_layers *layers = net.layers;
    const size_t outer = (size_t)(layers->width[0] * layers->width[layers->depth]);
    double *w = test_room(wmc_layers_size(layers)), *x = test_room(wmc_layers_block(layers));
    double *y = test_room(wmc_layers_block(layers));
    open_unbalanced(&net, stream, imbalance, w);
    cr_expect_lt(fabs(wmc_layers_imbalance(layers, w, net.scratch) - imbalance), 1e-6 * imbalance);
    wmc_layers_end_to_end(layers, net.w, x, net.scratch);
    wmc_layers_end_to_end(layers, w, y, net.scratch);
    cr_expect_lt(test_distance(outer, x, y), 1e-11);
    wmc_free(w);
    wmc_free(x);
    wmc_free(y);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

static double inner(size_t n, const double *a, const double *b)
{
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += a[k] * b[k];
  return sum;
}

/* A displacement by rotations of hidden layers, from the definition: layer p is A_p W_p - W_p
 * A_{p-1}. */
static void rotate(const wmc_layers *layers, const double *w, wmc_stream *stream, double *u)
{
  const size_t block = wmc_layers_block(layers);
  double *a = test_room(3 * block), *before = a + block, *image = before + block;
  memset(before, 0, block * sizeof *before);
  for (int p = 1; p <= layers->depth; p++) {
    const int m = layers->width[p], n = layers->width[p - 1];
    const double *layer = w + layers->layer[p];
    double *out = u + layers->layer[p];
    memset(a, 0, block * sizeof *a);
    for (int j = 0; p < layers->depth && j < m; j++)
      for (int i = 0; i < j; i++) {
        a[j * m + i] = wmc_stream_normal(stream);
        a[i * m + j] = -a[j * m + i];
      }
    wmc_layers_multiply(layers, m, n, m, a, layer, out);
    wmc_layers_multiply(layers, m, n, n, layer, before, image);
    for (int k = 0; k < m * n; k++) out[k] -= image[k];
    memcpy(before, a, block * sizeof *a);
  }
  wmc_free(a);
}

/* Noise is white in the tangent space of the orbit: along any displacement u by rotations <v,
 * u>/|u| has variance 1, its square summed over n trials is chi^2_n; and |v|^2 has the dimension of
 * the orbit as its mean.
 */
Test(orbit, noise_is_white_along_the_orbit)
{
  wmc_stream *stream = test_stream(42, 0);
  for (int t = 0; t < SHAPES; t++) {
    test_network net;
    test_network_open(&net, stream, shapes[t].depth, shapes[t].rank, shapes[t].spread);
    test_network_draw(&net, stream, 0.3);
    const wmc_layers *layers = net.layers;
    const size_t size = wmc_layers_size(layers);
    const int trials = test_trials(3000);
    double *w = test_room(3 * size), *v = w + size, *u = v + size, along = 0, whole = 0;
    double dimension = 0;
    wmc_orbit *orbit;
    open_unbalanced(&net, stream, 0.3, w);
    cr_assert_eq(wmc_orbit_create(layers, &orbit), WMC_OK);
    rotate(layers, w, stream, u);
    for (int p = 1; p < layers->depth; p++)
      dimension += 0.5 * layers->width[p] * (layers->width[p] - 1);
    for (int k = 0; k < trials; k++) {
      wmc_orbit_draw(orbit, w, stream, 1, v);
      along += pow(inner(size, v, u), 2) / inner(size, u, u);
      whole += inner(size, v, v);
    }
    cr_expect_lt(fabs(along / trials - 1), 5 * sqrt(2.0 / trials), "%d: %g", t, along / trials);
    cr_expect_lt(fabs(whole / trials - dimension), 5 * sqrt(2 * dimension / trials), "%d: %g of %g",
                 t, whole / trials, dimension);
    wmc_orbit_destroy(orbit);
    wmc_free(w);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* The gradient in the layers against differences of E(W_N ... W_1); the moment map does not move
 * with it.
 */
Test(orbit, gradient_and_conserved_moments)
{
  wmc_stream *stream = test_stream(43, 0);
  for (int t = 0; t < SHAPES; t++) {
    test_network net;
    test_network_open(&net, stream, shapes[t].depth, shapes[t].rank, shapes[t].spread);
    test_network_draw(&net, stream, 0.3);
    const wmc_layers *layers = net.layers;
    const size_t size = wmc_layers_size(layers), block = wmc_layers_block(layers);
    const int rows = layers->width[layers->depth], columns = layers->width[0];
    double *w = test_room(4 * size), *v = w + size, *u = v + size, *there = u + size;
    double *x = test_room(block), *target = test_room(block), energy[2];
    const double h = 1e-5;
    wmc_orbit *orbit;
    wmc_energy e;
    wmc_stream_normals(stream, (size_t)(rows * columns), 1, target);
    const wmc_energy_data data = {.rows = rows,
                                  .columns = columns,
                                  .coefficient = {[WMC_ENERGY_TARGET] = 1},
                                  .target = target};
    cr_assert_eq(wmc_energy_create(&data, &e), WMC_OK);
    open_unbalanced(&net, stream, 0.3, w);
    cr_assert_eq(wmc_orbit_create(layers, &orbit), WMC_OK);
    for (int p = 1; p <= layers->depth; p++)
      wmc_stream_normals(stream, (size_t)(layers->width[p] * layers->width[p - 1]), 1,
                         u + layers->layer[p]);
    for (int side = 0; side < 2; side++) {
      for (size_t k = 0; k < size; k++) there[k] = w[k] + (side ? -h : h) * u[k];
      wmc_layers_end_to_end(layers, there, x, net.scratch);
      energy[side] = wmc_energy_value(&e, x);
    }
    wmc_orbit_descend(orbit, &e, w, 1, v);
    const double slope = (energy[0] - energy[1]) / (2 * h), found = -inner(size, v, u);
    cr_expect_lt(fabs(slope - found), 1e-6 * (1 + fabs(slope)), "%g %g", slope, found);
    const double before =
        wmc_layers_imbalance(layers, w, net.scratch) * wmc_layers_norm2(layers, w);
    for (size_t k = 0; k < size; k++) w[k] += 1e-6 * v[k];
    const double after = wmc_layers_imbalance(layers, w, net.scratch) * wmc_layers_norm2(layers, w);
    cr_expect_lt(fabs(after - before), 1e-9 * inner(size, v, v), "second order in the step");
    wmc_orbit_destroy(orbit);
    wmc_energy_free(&e);
    wmc_free(w);
    wmc_free(x);
    wmc_free(target);
    test_network_close(&net);
  }
  wmc_stream_destroy(stream);
}

/* Outer widths 1, hidden width 2: noise leaves (|w|^2 - |u|^2)/|W|^2 as it is, and the gradient
 * changes it at the rate of (G14). */
Test(orbit, smallest_case)
{
  wmc_stream *stream = test_stream(44, 0);
  const wmc_shape shape = {
      .numbers = WMC_NUMBERS_REAL, .depth = 2, .rank = 1, .rows = 1, .columns = 1, .hidden = 2};
  const double one[] = {1}, h = 1e-6;
  const wmc_energy_data data = {
      .rows = 1, .columns = 1, .coefficient = {[WMC_ENERGY_TARGET] = 1}, .target = one};
  wmc_layers *layers;
  wmc_orbit *orbit;
  wmc_energy energy;
  cr_assert_eq(wmc_layers_create(&layers, &shape), WMC_OK);
  cr_assert_eq(wmc_orbit_create(layers, &orbit), WMC_OK);
  cr_assert_eq(wmc_energy_create(&data, &energy), WMC_OK);
  double *w = test_room(2 * wmc_layers_size(layers)), *v = w + wmc_layers_size(layers);
  double *u = w + layers->layer[1], *z = w + layers->layer[2];
  for (int t = 0; t < test_trials(100); t++) {
    double ratio[3];
    wmc_stream_normals(stream, 2, 1, u);
    wmc_stream_normals(stream, 2, 1, z);
    const double x = u[0] * z[0] + u[1] * z[1], norm2 = wmc_layers_norm2(layers, w);
    for (int step = 0; step < 3; step++) {
      if (step == 1) wmc_orbit_draw(orbit, w, stream, 0.3, v);
      for (size_t k = 0; step == 1 && k < wmc_layers_size(layers); k++) w[k] += v[k];
      if (step == 2) {
        for (size_t k = 0; k < wmc_layers_size(layers); k++) w[k] -= v[k], v[k] = 0;
        wmc_orbit_descend(orbit, &energy, w, h, v);
        for (size_t k = 0; k < wmc_layers_size(layers); k++) w[k] += v[k];
      }
      ratio[step] =
          (z[0] * z[0] + z[1] * z[1] - u[0] * u[0] - u[1] * u[1]) / wmc_layers_norm2(layers, w);
    }
    cr_expect_lt(fabs(ratio[1] - ratio[0]), 1e-13, "noise: %g %g", ratio[0], ratio[1]);
    const double rate = 4 * x * (x - 1) / norm2, found = (ratio[2] / ratio[0] - 1) / h;
    cr_expect_lt(fabs(found - rate), 1e-3 * (1 + fabs(rate) * fabs(rate)), "%g %g", found, rate);
  }
  wmc_orbit_destroy(orbit);
  wmc_energy_free(&energy);
  wmc_layers_destroy(layers);
  wmc_free(w);
  wmc_stream_destroy(stream);
}
