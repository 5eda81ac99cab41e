/* Log-singular values of one product, beside LAPACK's dgesvd (values only) of a matrix of the same
 * size, in one run: of a product that was never factorised (t = d tau = 1), and of factorised ones
 * with mean log-ratios from 4 to 600. What is timed is wmc_qdt_values; the factorisations before it
 * are work of the layers.
 * Every time is the least of interleaved repeats, because other work on the machine only ever
 * adds. */
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/seconds.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/qdt.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"

enum { PATHS = 5, TIMES = PATHS + 1 };
static const double spreads[PATHS] = {0, 4, 60, 200, 600}; /* mean log-ratios; 0: t = 1 */

typedef struct bench {
  int d;
  wmc_qdt *qdt[PATHS];
  double *a, *copy, *s, *values, *work;
  int size;
} bench;

static void gesvd(bench *x)
{
  const int d = x->d;
  memcpy(x->copy, x->a, (size_t)(d * d) * sizeof(double));
  LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'N', 'N', d, d, x->copy, d, x->s, NULL, 1, NULL, 1, x->work,
                      x->size);
}

static void run(void *of, int time)
{
  bench *x = of;
  double growth;
  if (time == PATHS)
    gesvd(x);
  else if (!wmc_qdt_values(x->qdt[time], x->values, &growth))
    exit(1);
}

static void multiply(bench *x, int path, wmc_stream *stream)
{
  const int d = x->d, layers = path == 0 ? 64 : (int)(32 * spreads[path]);
  double tau = path == 0 ? 1.0 / d : spreads[path] / (d - 1), *j = x->copy;
  int limit = path == 0 ? layers : wmc_qdt_layers(d, tau / layers);
  if (wmc_qdt_create(&x->qdt[path], d, limit) != WMC_OK) exit(1);
  for (int l = 0; l < layers; l++) {
    wmc_stream_normals(stream, (size_t)(d * d), sqrt(tau / layers), j);
    for (int i = 0; i < d; i++) j[i * (d + 1)] += 1;
    wmc_qdt_multiply(x->qdt[path], 1, j);
  }
  if (path > 0) wmc_qdt_factor(x->qdt[path]);
}

static void create(bench *x, wmc_stream *stream)
{
  size_t d = (size_t)x->d;
  x->size = 80 * x->d;
  x->a = WMC_ARRAY(double, d *d);
  x->copy = WMC_ARRAY(double, d *d);
  x->s = WMC_ARRAY(double, d);
  x->values = WMC_ARRAY(double, d);
  x->work = WMC_ARRAY(double, x->size);
  if (!x->a || !x->copy || !x->s || !x->values || !x->work) exit(1);
  for (int path = 0; path < PATHS; path++) multiply(x, path, stream);
  wmc_stream_normals(stream, d * d, 1, x->a);
}

static void destroy(bench *x)
{
  for (int path = 0; path < PATHS; path++) wmc_qdt_destroy(x->qdt[path]);
  wmc_free(x->a);
  wmc_free(x->copy);
  wmc_free(x->s);
  wmc_free(x->values);
  wmc_free(x->work);
}

int main(void)
{
  static const int widths[] = {2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128};
  wmc_blas_start();
  printf("us, and over dgesvd (goal: at most 4)\n%5s %9s %16s", "width", "dgesvd", "t = 1");
  for (int path = 1; path < PATHS; path++) printf("%10s %5.0f", "ratio e^", spreads[path]);
  printf("\n");
  for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
    bench x = {.d = widths[k]};
    wmc_stream *stream;
    double t[TIMES];
    if (wmc_stream_create(&stream, 1, 0) != WMC_OK) return 1;
    create(&x, stream);
    seconds_of_each(run, &x, TIMES, 0.01, t);
    printf("%5d %9.2f", x.d, t[PATHS] * 1e6);
    for (int path = 0; path < PATHS; path++)
      printf(" %9.2f %5.2f", t[path] * 1e6, t[path] / t[PATHS]);
    printf("\n");
    fflush(stdout);
    destroy(&x);
    wmc_stream_destroy(stream);
  }
  return 0;
}
