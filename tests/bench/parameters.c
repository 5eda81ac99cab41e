/* Time of a step of the formulation `parameters` (euler) beside the matrix products it contains.
 *
 * Layers of one width d, depth N, E = |X|^2/2, beta = 1. A step draws noise and drift in the
 * tangent space and retracts. Counted are all products of d x d matrices that the step makes, as it
 * makes them: 1 for X, 2 for the gradient in the frames; in the retraction (numeric/chain.h) for
 * every layer 2 or 3 of an exponential, 1 to add up rotations, 2 to turn the layer, 2 or 3 of the
 * second exponential, 2 to add it up and 1 to turn the frame; and for each of the two
 * decompositions of one symmetric matrix, the same for all N, 2 to 6 in each of some rounds. There
 * is no other: the projection onto the tangent space is part of the draw and has none. They are
 * timed on their own, by the fastest product of this library at that width, over as many matrices
 * as the layers have. What is not counted: normals, tridiagonal sums, entry by entry work, and
 * decompositions that products do not bring to their end.
 *
 * Columns: microseconds a step, of that products, their quotient; microseconds a step and layer
 * (the same for all N if time is linear in N); products a step and layer; iterations of the exact
 * way back, taken where the quick one is not good enough; of complex layers, in their real form of
 * twice the width, the time over that of real ones. The step shrinks like 1/(N d), as the
 * accuracy of euler asks for. Best of many short rounds, both alike. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/memory.h"
#include "weylmc/geometry/realform.h"
#include "weylmc/geometry/retract.h"

enum { ROUNDS = 40, OTHERS = 3 }; /* X, and E' in the frames */

typedef struct scene {
  int numbers; /* 1, or 2: complex layers in their real form */
  wmc_layers *layers;
  wmc_point point;
  wmc_tangent step;
  wmc_stream *stream;
  double *x, *scratch, *a, *b, *c;
  const wmc_product *product;
  long iterations, products, steps;
} scene;

static double *room(size_t n)
{
  double *memory = WMC_ARRAY(double, n);
  if (memory == NULL) exit(1);
  return memory;
}

static void open(scene *s, int numbers, int width, int depth)
{
  wmc_shape shape = wmc_shape_square(width, 0, depth);
  s->numbers = numbers;
  shape.numbers = (wmc_numbers)numbers;
  if ((numbers == 2 ? wmc_realform_create : wmc_layers_create)(&s->layers, &shape) ||
      wmc_stream_create(&s->stream, 1, 0))
    exit(1);
  const size_t retract = wmc_retract_scratch(s->layers), draw = wmc_tangent_scratch(s->layers);
  const size_t all = (size_t)depth * s->layers->core;
  s->point = wmc_point_map(s->layers, room(wmc_point_size(s->layers)));
  s->step = wmc_tangent_map(s->layers, room(wmc_tangent_size(s->layers)));
  s->scratch = room(retract > draw ? retract : draw);
  s->x = room(wmc_layers_block(s->layers));
  s->a = room(all);
  s->b = room(all);
  s->c = room(all);
  wmc_stream_normals(s->stream, all, 1, s->a);
  wmc_stream_normals(s->stream, all, 1, s->b);
  s->product = wmc_layers_product(s->layers, numbers * width, numbers * width, numbers * width);
  for (int k = 0; k < numbers * width; k++)
    s->point.lambda[k] = pow(1.5 - (k / numbers + 0.5) / width, 1.0 / depth);
  (numbers == 2 ? wmc_realform_draw_frames : wmc_point_draw_frames)(&s->point, s->stream,
                                                                    s->scratch);
  s->iterations = s->products = s->steps = 0;
}

static void finish(scene *s)
{
  wmc_free(s->point.frames);
  wmc_free(s->step.core);
  wmc_free(s->scratch);
  wmc_free(s->x);
  wmc_free(s->a);
  wmc_free(s->b);
  wmc_free(s->c);
  wmc_layers_destroy(s->layers);
  wmc_stream_destroy(s->stream);
}

static void advance(scene *s, double time)
{
  wmc_retraction done;
  const double noise = sqrt(2 * s->numbers * time);
  wmc_point_end_to_end(&s->point, s->x, s->scratch); /* E'(X) = X */
  wmc_tangent_draw(&s->point, s->stream, noise, noise, s->x, -time, &s->step, s->scratch);
  if (s->numbers == 2) wmc_realform_project(&s->step);
  if (!wmc_retract_quickly(&s->point, &s->step, &done, s->scratch) ||
      (s->numbers == 2 && !wmc_realform_restore(&s->point, s->scratch))) {
    fputs("no way back\n", stderr);
    exit(1);
  }
  s->iterations += done.iterations;
  s->products += done.products + OTHERS;
  if (++s->steps % 64 == 0) wmc_point_refresh(&s->point, s->scratch);
}

static void multiply(scene *s, long products)
{
  const size_t core = s->layers->core, all = (size_t)s->layers->depth * core;
  size_t at = 0;
  for (long k = 0; k < products; k++) {
    wmc_product_apply(s->product, s->a + at, s->b + at, s->c + at);
    at = at + core < all ? at + core : 0;
  }
}

/* Prints a row; returns the time of a step, over which that of complex numbers is. */
static double measure(int numbers, int width, int depth, double real_step)
{
  scene s;
  open(&s, numbers, width, depth);
  const double time = 0.02 / (width * depth);
  const long steps = 2 + (long)(4000 / (depth * (4 + 0.02 * width * width * width)));
  double step = INFINITY, products = INFINITY;
  for (long k = 0; k < 4 * steps; k++) advance(&s, time);
  s.iterations = s.products = s.steps = 0;
  for (int round = 0; round < ROUNDS; round++) {
    double begin = wmc_clock();
    for (long k = 0; k < steps; k++) advance(&s, time);
    step = fmin(step, (wmc_clock() - begin) / (double)steps);
    const long count = s.products / s.steps;
    begin = wmc_clock();
    for (long k = 0; k < steps; k++) multiply(&s, count);
    products = fmin(products, (wmc_clock() - begin) / (double)steps);
  }
  printf("%-7s %5d %5d %12.2f %12.2f %8.2f %12.3f %10.1f %10.2f", numbers == 2 ? "complex" : "real",
         width, depth, 1e6 * step, 1e6 * products, step / products, 1e6 * step / depth,
         (double)s.products / (double)(s.steps * depth), (double)s.iterations / (double)s.steps);
  if (numbers == 2) printf(" %8.2f", step / real_step);
  puts("");
  fflush(stdout);
  finish(&s);
  return step;
}

int main(void)
{
  const int widths[] = {4, 8, 16, 32, 64}, depths[] = {4, 16, 64};
  printf("%-7s %5s %5s %12s %12s %8s %12s %10s %10s %8s\n", "field", "width", "depth", "us/step",
         "us products", "ratio", "us/step/N", "products/N", "iterations", "/ real");
  for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++)
    for (size_t n = 0; n < sizeof depths / sizeof depths[0]; n++)
      measure(2, widths[k], depths[n], measure(1, widths[k], depths[n], 0));
  return 0;
}
