/* Orders of retractions in the size of the tangent step. */
#include <stdio.h>
#include <string.h>

#include "geometry.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/retract.h"
#include "weylmc/geometry/retractions.h"

enum { STEPS = 3, KINDS = 3 };

typedef struct defect {
  double distance, imbalance, product; /* to the nearest balanced network; left; |X' - X| */
} defect;

/* A point, a tangent direction, and room. */
typedef struct experiment {
  test_network net;
  wmc_tangent direction, part;
  wmc_point moved;
  double *w, *nearest, *difference, *direct, *x[2], *scratch;
} experiment;

static void experiment_open(experiment *e, long seed, int depth, int rank)
{
  wmc_stream *stream = test_stream(seed, 0);
  test_network_open(&e->net, stream, depth, rank, 0);
  test_network_draw(&e->net, stream, 0);
  for (int k = 0; k < rank; k++) e->net.point.lambda[k] = 1.3 - 0.3 * k;
  wmc_point_write(&e->net.point, e->net.w, e->net.scratch);
  const wmc_layers *layers = e->net.layers;
  double **rooms[] = {&e->w, &e->nearest, &e->difference, &e->direct};
  for (int k = 0; k < 4; k++) *rooms[k] = test_room(wmc_layers_size(layers));
  for (int k = 0; k < 2; k++) e->x[k] = test_room(wmc_layers_block(layers));
  e->direction = wmc_tangent_map(layers, test_room(wmc_tangent_size(layers)));
  e->part = wmc_tangent_map(layers, test_room(wmc_tangent_size(layers)));
  e->moved = wmc_point_map(layers, test_room(wmc_point_size(layers)));
  e->scratch = test_room(wmc_retractions_scratch(layers) + wmc_retract_scratch(layers) +
                         wmc_tangent_scratch(layers));
  wmc_tangent_draw(&e->net.point, stream, 1, 1, NULL, 0, &e->direction, e->scratch);
  wmc_tangent_write(&e->net.point, &e->direction, e->direct, e->scratch);
  wmc_stream_destroy(stream);
}

static void experiment_close(experiment *e)
{
  double *rooms[] = {e->w,       e->nearest, e->difference, e->direct,
                     e->scratch, e->x[0],    e->x[1],       e->moved.frames};
  for (size_t k = 0; k < sizeof rooms / sizeof *rooms; k++) wmc_free(rooms[k]);
  wmc_free(e->direction.core);
  wmc_free(e->part.core);
  test_network_close(&e->net);
}

static double distance(size_t n, const double *a, const double *b)
{
  double sum = 0;
  for (size_t k = 0; k < n; k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return sqrt(sum);
}

/* W + h V */
static void step_to(const experiment *e, double h, double *w)
{
  for (size_t k = 0; k < wmc_layers_size(e->net.layers); k++) w[k] = e->net.w[k] + h * e->direct[k];
}

/* The nearest balanced network of `w`: steps along the tangent part of w - Y converge, for w close
 * to the manifold, by a factor of order |w - Y|. */
static void find_nearest(const experiment *e, const double *w, double *nearest)
{
  const size_t size = wmc_layers_size(e->net.layers);
  cr_assert(wmc_balance(&e->moved, w, NULL, e->scratch));
  for (int round = 0; round < 60; round++) {
    wmc_point_write(&e->moved, nearest, e->scratch);
    for (size_t k = 0; k < size; k++) e->difference[k] = w[k] - nearest[k];
    wmc_project(&e->moved, e->difference, &e->part, e->scratch);
    if (wmc_tangent_inner(&e->part, &e->part) < 1e-30) return;
    cr_assert(wmc_retract(&e->moved, &e->part, NULL, e->scratch));
  }
  cr_assert_fail("no nearest balanced network found");
}

static defect measure(const experiment *e, int kind, int times, double h)
{
  const wmc_layers *layers = e->net.layers;
  const size_t size = wmc_layers_size(layers);
  step_to(e, h, e->w);
  find_nearest(e, e->w, e->nearest);
  wmc_layers_end_to_end(layers, e->w, e->x[0], e->scratch);
  for (int k = 0; k < times; k++)
    cr_assert(wmc_retractions[kind].apply(&e->moved, e->w, e->scratch));
  wmc_layers_end_to_end(layers, e->w, e->x[1], e->scratch);
  size_t entries = (size_t)(layers->width[0] * layers->width[layers->depth]);
  return (defect){.distance = distance(size, e->w, e->nearest),
                  .imbalance = wmc_layers_imbalance(layers, e->w, e->scratch),
                  .product = distance(entries, e->x[0], e->x[1])};
}

/* Order in h, or 0 where both are rounding. */
static double order(double coarse, double fine, double ratio)
{
  return fmax(coarse, fine) < 2e-13 ? 0 : log(coarse / fine) / log(ratio);
}

static void check_order(const char *what, int kind, double expected, double coarse, double fine,
                        double ratio)
{
  double found = order(coarse, fine, ratio);
  if (test_verbose())
    printf("%-7s %-9s order %.2f (%.1e, %.1e)\n", wmc_retractions[kind].name, what, found, coarse,
           fine);
  cr_expect_lt(fabs(found - expected), 0.25, "%s, %s: order %.2f (%g, %g)",
               wmc_retractions[kind].name, what, found, coarse, fine);
}

/* 0: kept to rounding. */
static const struct {
  double distance, imbalance, product;
} orders[KINDS] = {[WMC_RETRACTION_GAUGE] = {4, 4, 0},
                   [WMC_RETRACTION_NORMAL] = {4, 4, 4},
                   [WMC_RETRACTION_SVD] = {2, 0, 0}};

Test(geometry_retractions, orders_in_the_step)
{
  static const int shapes[][2] = {{4, 3}, {3, 2}, {7, 3}, {2, 3}};
  for (int t = 0; t < 4; t++) {
    experiment e;
    experiment_open(&e, 61 + t, shapes[t][0], shapes[t][1]);
    const double h = 8e-3, ratio = 2;
    for (int kind = 0; kind < KINDS; kind++) {
      defect coarse = measure(&e, kind, 1, h), fine = measure(&e, kind, 1, h / ratio);
      check_order("distance", kind, orders[kind].distance, coarse.distance, fine.distance, ratio);
      check_order("imbalance", kind, orders[kind].imbalance, coarse.imbalance, fine.imbalance,
                  ratio);
      check_order("product", kind, orders[kind].product, coarse.product, fine.product, ratio);
    }
    experiment_close(&e);
  }
}

/* The step itself is out of balance by h^2, and two gauges leave h^8. */
Test(geometry_retractions, imbalance_is_squared_each_time)
{
  experiment e;
  experiment_open(&e, 65, 4, 3);
  for (int times = 0; times < 3; times++) {
    const double h = times == 2 ? 0.04 : 0.01, ratio = 1.5;
    defect coarse = measure(&e, WMC_RETRACTION_GAUGE, times, h);
    defect fine = measure(&e, WMC_RETRACTION_GAUGE, times, h / ratio);
    double found = order(coarse.imbalance, fine.imbalance, ratio), expected = 2 << times;
    if (test_verbose()) printf("%d gauges: order %.2f\n", times, found);
    cr_expect_lt(fabs(found - expected), 0.1 * expected, "%d times: order %.2f (%g, %g)", times,
                 found, coarse.imbalance, fine.imbalance);
  }
  experiment_close(&e);
}
