/* Residual chains: microseconds a layer and a spectrum, beside NumPy and beside the floor
 * t = d^2 t_normal + 2 d^3 / peak (gaussian), 2 d^3 / peak (rademacher), all in one run; then
 * two-layer relu blocks of hidden width d, whose floor is twice that: two matrices of weights, and
 * two products; then complex linear layers, floor 2 d^2 t_normal and a complex product, and
 * circular convolutions on 4 sites of d channels, floor 4 d^2 t_normal, two real products and a
 * complex one. tau = 1/width, depth 64. Every time is the least of interleaved repeats, because
 * other work on the machine only ever adds. Usage: bench_jacobian [python] [script]; without them
 * no NumPy column. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/qdt.h"
#include "weylmc/numeric/dense.h"

enum { DEPTH = 64, REPEATS = 15, NORMALS = 2048, NETWORKS = 5 };

typedef struct bench {
  int d;
  wmc_stream *stream;
  /* linear with two laws of the weights, two-layer, complex linear, convolution */
  wmc_network *network[NETWORKS];
  wmc_product *product, *complex_product;
  wmc_qdt *qdt, *complex_qdt;
  double *a, *b, *c; /* d x d, a complex one in its real form, complex ones */
  double *normals;
} bench;

static double seconds_used(void)
{
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void normals(bench *x) { wmc_stream_normals(x->stream, NORMALS, 1, x->normals); }

static void products(bench *x)
{
  for (int l = 0; l < DEPTH / 2; l++) {
    wmc_product_apply(x->product, x->a, x->b, x->c);
    wmc_product_apply(x->product, x->a, x->c, x->b);
  }
}

static void complex_products(bench *x)
{
  for (int l = 0; l < DEPTH / 2; l++) {
    wmc_product_apply(x->complex_product, x->a, x->b, x->c);
    wmc_product_apply(x->complex_product, x->a, x->c, x->b);
  }
}

static void gaussian(bench *x) { wmc_network_draw(x->network[0], x->stream); }

static void rademacher(bench *x) { wmc_network_draw(x->network[1], x->stream); }

static void two_layer(bench *x) { wmc_network_draw(x->network[2], x->stream); }

static void complex_chain(bench *x) { wmc_network_draw(x->network[3], x->stream); }

static void convolution(bench *x) { wmc_network_draw(x->network[4], x->stream); }

static void complex_spectrum(bench *x)
{
  double growth;
  wmc_qdt_values(x->complex_qdt, x->normals, &growth);
}

static void spectrum(bench *x)
{
  double growth;
  wmc_qdt_values(x->qdt, x->normals, &growth);
}

enum {
  T_NORMALS,
  T_PRODUCTS,
  T_GAUSSIAN,
  T_RADEMACHER,
  T_TWO_LAYER,
  T_SPECTRUM,
  T_COMPLEX_PRODUCTS,
  T_COMPLEX,
  T_CONVOLUTION,
  T_COMPLEX_SPECTRUM,
  TIMES
};
static void (*const works[TIMES])(bench *) = {
    normals,  products,         gaussian,      rademacher,  two_layer,
    spectrum, complex_products, complex_chain, convolution, complex_spectrum};

/* Seconds of one call, the least of the repeats, each of about `seconds`. */
static void measure(bench *x, double seconds, double *least)
{
  long calls[TIMES];
  for (int w = 0; w < TIMES; w++) {
    double start = seconds_used();
    calls[w] = 0;
    do {
      works[w](x);
      calls[w]++;
    } while (seconds_used() < start + seconds);
    least[w] = HUGE_VAL;
  }
  for (int repeat = 0; repeat < REPEATS; repeat++)
    for (int w = 0; w < TIMES; w++) {
      double start = seconds_used();
      for (long i = 0; i < calls[w]; i++) works[w](x);
      least[w] = fmin(least[w], (seconds_used() - start) / (double)calls[w]);
    }
}

static void create_networks(bench *x)
{
  const double end = 1;
  for (int k = 0; k < NETWORKS; k++) {
    const wmc_block *block = k == 2 ? &wmc_block_two_layer : &wmc_block_linear;
    wmc_block_options o = {.width = x->d,
                           .depth = DEPTH,
                           .hidden = x->d,
                           .activation = wmc_activation_find("relu"),
                           .weights = wmc_weights_find(k == 1 ? "rademacher" : "gaussian"),
                           .variance = 1.0 / x->d,
                           .time = 1,
                           .inner_variance = 1.0 / x->d,
                           .input_norm2 = x->d,
                           .split = {.is_complex = k == 3, .group = k == 4 ? 4 : 1}};
    if (wmc_network_create(&x->network[k], block, &o, 1, &end) != WMC_OK) exit(1);
  }
}

static void create(bench *x)
{
  size_t size = (size_t)(x->d * x->d);
  create_networks(x);
  x->a = WMC_ARRAY(double, 4 * size);
  x->b = WMC_ARRAY(double, 2 * size);
  x->c = WMC_ARRAY(double, 2 * size);
  x->normals = WMC_ARRAY(double, NORMALS);
  if (!x->a || !x->b || !x->c || !x->normals) exit(1);
  if (wmc_product_create(&x->product, x->d, x->d, x->d) != WMC_OK) exit(1);
  if (wmc_product_create(&x->complex_product, 2 * x->d, x->d, 2 * x->d) != WMC_OK) exit(1);
  if (wmc_qdt_create(&x->qdt, x->d, DEPTH) != WMC_OK) exit(1);
  if (wmc_qdt_create_complex(&x->complex_qdt, x->d, DEPTH) != WMC_OK) exit(1);
  for (int l = 0; l < DEPTH; l++) {
    wmc_stream_normals(x->stream, size, 1.0 / sqrt(DEPTH * x->d), x->a);
    for (int i = 0; i < x->d; i++) x->a[i * x->d + i] += 1;
    wmc_qdt_multiply(x->qdt, 1, x->a);
    wmc_stream_normals(x->stream, 2 * size, 1.0 / sqrt(2 * DEPTH * x->d), x->a);
    for (int i = 0; i < x->d; i++) x->a[2 * (i * x->d + i)] += 1;
    wmc_qdt_multiply(x->complex_qdt, 1, x->a);
  }
  for (size_t i = 0; i < 4 * size; i++) x->a[i] = 0.01;
  for (size_t i = 0; i < 2 * size; i++) x->b[i] = 0.01;
}

static void destroy(bench *x)
{
  for (int k = 0; k < NETWORKS; k++) wmc_network_destroy(x->network[k]);
  wmc_product_destroy(x->product);
  wmc_product_destroy(x->complex_product);
  wmc_qdt_destroy(x->qdt);
  wmc_qdt_destroy(x->complex_qdt);
  wmc_free(x->a);
  wmc_free(x->b);
  wmc_free(x->c);
  wmc_free(x->normals);
}

/* Microseconds a layer and a spectrum of the NumPy program; false if it cannot be run. */
static int numpy(const char *python, const char *script, int d, double *layer, double *svd)
{
  char command[4096];
  int chains = d < 16 ? 32768 : d < 64 ? 2048 : 256;
  snprintf(command, sizeof command, "OPENBLAS_NUM_THREADS=1 '%s' '%s' %d %d %d", python, script, d,
           DEPTH, chains);
  FILE *pipe = popen(command, "r");
  if (!pipe) return 0;
  double top, error; /* E lambda_1: read so that the program can end */
  int read = fscanf(pipe, "%lf %lf %lf %lf", layer, svd, &top, &error);
  return pclose(pipe) == 0 && read == 4;
}

static void report(bench *x, const char *python, const char *script)
{
  double t[TIMES], layer = NAN, svd = NAN, d = x->d;
  measure(x, 0.02, t);
  double product = t[T_PRODUCTS] / DEPTH, normal = t[T_NORMALS] / NORMALS;
  double floor = d * d * normal + product;
  double mine = (t[T_GAUSSIAN] - t[T_SPECTRUM]) / DEPTH;
  double signs = (t[T_RADEMACHER] - t[T_SPECTRUM]) / DEPTH;
  double two = (t[T_TWO_LAYER] - t[T_SPECTRUM]) / DEPTH;
  double complex_product = t[T_COMPLEX_PRODUCTS] / DEPTH;
  double complex_floor = 2 * d * d * normal + complex_product;
  double complex_layer = (t[T_COMPLEX] - t[T_COMPLEX_SPECTRUM]) / DEPTH;
  double sites_floor = 4 * d * d * normal + 2 * product + complex_product;
  double sites = (t[T_CONVOLUTION] - t[T_COMPLEX_SPECTRUM] - 2 * t[T_SPECTRUM]) / DEPTH;
  if (python && !numpy(python, script, x->d, &layer, &svd)) fprintf(stderr, "NumPy did not run\n");
  printf("%5d %7.2f %7.1f %9.4f %9.4f %7.2f %9.4f %7.2f %9.4f %7.2f %9.4f %7.2f %9.2f %9.4f %7.2f "
         "%9.4f %7.1f %9.2f %9.2f %7.1f %7.1f\n",
         x->d, normal * 1e9, 2e-9 * d * d * d / product, floor * 1e6, mine * 1e6, mine / floor,
         signs * 1e6, signs / product, two * 1e6, two / (2 * floor), complex_layer * 1e6,
         complex_layer / complex_floor, t[T_COMPLEX_SPECTRUM] * 1e6, sites * 1e6,
         sites / sites_floor, layer, layer / (mine * 1e6), t[T_SPECTRUM] * 1e6, svd,
         svd / (t[T_SPECTRUM] * 1e6), (DEPTH * layer + svd) / (t[T_GAUSSIAN] * 1e6));
  fflush(stdout);
}

int main(int count, char **arguments)
{
  static const int widths[] = {4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64, 96, 128};
  const char *python = count > 2 ? arguments[1] : NULL;
  wmc_blas_start();
  printf("tau = 1/width, depth %d; times a layer in us; goals: linear gaussian at most 1.4 x the "
         "floor, "
         "rademacher\nat most 2 x the product for width >= 16, two-layer relu at most 1.6 x its "
         "floor\n",
         DEPTH);
  printf("complex and convolutional: at most 1.4 x their floors\n");
  printf("%5s %7s %7s %9s %9s %7s %9s %7s %9s %7s %9s %7s %9s %9s %7s %9s %7s %9s %9s %7s %7s\n",
         "width", "ns/norm", "Gflop/s", "floor", "gauss", "/floor", "signs", "/prod", "two-layer",
         "/floor", "complex", "/floor", "us/spec", "sites", "/floor", "numpy", "ratio", "us/spec",
         "np/spec", "ratio", "all");
  for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
    bench x = {.d = widths[k]};
    if (wmc_stream_create(&x.stream, 1, 0) != WMC_OK) return 1;
    create(&x);
    report(&x, python, python ? arguments[2] : NULL);
    destroy(&x);
    wmc_stream_destroy(x.stream);
  }
  return 0;
}
