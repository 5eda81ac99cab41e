/* The geometry library on its own, as another program would use it: no MPI, no files, no decks.
 * A random network is balanced, and S, the metric and H are printed. Exit code 0 if the balanced
 * network has the same X. */
#include <math.h>
#include <stdio.h>

#include "weylmc/base/memory.h"
#include "weylmc/geometry/curvature.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/metric.h"
#include "weylmc/geometry/retract.h"

enum { DEPTH = 4, RANK = 3 };

static double *room(size_t n) { return WMC_ARRAY(double, n); }

static double difference(size_t n, const double *a, const double *b)
{
  double most = 0;
  for (size_t k = 0; k < n; k++) most = fmax(most, fabs(a[k] - b[k]));
  return most;
}

static void print_spectrum(const wmc_shape *shape, const wmc_spectrum *x)
{
  double h[RANK];
  wmc_curvature_trace(shape, x, 1, h);
  printf("S = %.12g\n", wmc_entropy(shape, x->log_sigma));
  for (int i = 0; i < RANK; i++)
    printf("sigma %-12.6g metric a_1i %-12.6g H of layer 1 %.6g\n", x->sigma[i],
           exp(wmc_metric_log_weight(DEPTH, x->log_sigma[0], x->log_sigma[i])), h[i]);
}

int main(void)
{
  const double widths[DEPTH + 1] = {3, 5, 4, 6, 3};
  const wmc_shape shape = {.numbers = WMC_NUMBERS_REAL,
                           .depth = DEPTH,
                           .rank = RANK,
                           .rows = 3,
                           .columns = 3,
                           .widths = widths};
  double memory[5 * RANK], before[9], after[9];
  wmc_spectrum spectrum = wmc_spectrum_map(RANK, DEPTH, memory);
  wmc_layers *layers;
  wmc_stream *stream;
  if (wmc_layers_create(&layers, &shape) != WMC_OK || wmc_stream_create(&stream, 1, 0) != WMC_OK)
    return 1;
  wmc_point point = wmc_point_map(layers, room(wmc_point_size(layers)));
  double *w = room(wmc_layers_size(layers)), *block = room(2 * wmc_layers_block(layers));
  double *scratch = room(wmc_retract_scratch(layers) + wmc_point_scratch(layers));
  wmc_stream_normals(stream, wmc_layers_size(layers), 0.5, w);
  wmc_layers_end_to_end(layers, w, block, block + wmc_layers_block(layers));
  for (int k = 0; k < 9; k++) before[k] = block[k];
  bool fine = wmc_balance(&point, w, NULL, scratch);
  wmc_point_end_to_end(&point, block, scratch);
  for (int k = 0; k < 9; k++) after[k] = block[k];
  wmc_point_spectrum(&point, &spectrum);
  print_spectrum(&shape, &spectrum);
  printf("X changed by %.1e\n", difference(9, before, after));
  wmc_free(point.frames);
  wmc_free(w);
  wmc_free(block);
  wmc_free(scratch);
  wmc_layers_destroy(layers);
  wmc_stream_destroy(stream);
  return fine && difference(9, before, after) < 1e-12 ? 0 : 1;
}
