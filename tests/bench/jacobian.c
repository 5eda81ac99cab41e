/* Residual chains: microseconds a layer and a spectrum, beside NumPy and beside the floor
 * t = d^2 t_normal + 2 d^3 / peak (gaussian), 2 d^3 / peak (rademacher), all in one run; then
 * two-layer relu blocks of hidden width d, whose floor is twice that: two matrices of weights, and
 * two products; then complex linear layers, floor 2 d^2 t_normal and a complex product, and
 * circular convolutions on 4 sites of d channels, floor 4 d^2 t_normal, two real products and a
 * complex one. tau = 1/width, depth 64. A second table has tau = 1 and plain products, whose
 * layers are factorised often. Every time is the least of interleaved repeats, because
 * other work on the machine only ever adds. Usage: bench_jacobian [python] [script]; without them
 * no NumPy column. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../support/seconds.h"
#include "weylmc/base/memory.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/qdt.h"
#include "weylmc/numeric/dense.h"

enum { DEPTH = 64, NORMALS = 2048 };

/* Chains that are timed; the last four factorise every few layers, or every one. */
typedef enum chain_law {
  GAUSSIAN,
  RADEMACHER,
  TWO_LAYER,
  COMPLEX,
  CONVOLUTION,
  LONG_REAL,
  LONG_COMPLEX,
  PLAIN_REAL,
  PLAIN_COMPLEX,
  CHAINS
} chain_law;

struct chain {
  const wmc_block *block;
  const char *weights;
  wmc_split split;
  bool is_long; /* tau = 1 */
};

static const struct chain chains[CHAINS] = {
    [GAUSSIAN] = {&wmc_block_linear, "gaussian", {0}, false},
    [RADEMACHER] = {&wmc_block_linear, "rademacher", {0}, false},
    [TWO_LAYER] = {&wmc_block_two_layer, "gaussian", {0}, false},
    [COMPLEX] = {&wmc_block_linear, "gaussian", {.is_complex = true}, false},
    [CONVOLUTION] = {&wmc_block_linear, "gaussian", {.group = 4}, false},
    [LONG_REAL] = {&wmc_block_linear, "gaussian", {0}, true},
    [LONG_COMPLEX] = {&wmc_block_linear, "gaussian", {.is_complex = true}, true},
    [PLAIN_REAL] = {&wmc_block_plain, "gaussian", {0}, true},
    [PLAIN_COMPLEX] = {&wmc_block_plain, "gaussian", {.is_complex = true}, true}};

/* Products whose spectra are timed: of the layers of a chain. */
static const chain_law spectra[] = {GAUSSIAN,     COMPLEX,    LONG_REAL,
                                    LONG_COMPLEX, PLAIN_REAL, PLAIN_COMPLEX};

enum { SPECTRA = sizeof spectra / sizeof *spectra };

/* Works that are timed: normals, real and complex products, draws of chains, spectra. */
enum { NORMAL, PRODUCT, COMPLEX_PRODUCT, DRAWS, VALUES = DRAWS + CHAINS, TIMES = VALUES + SPECTRA };
_Static_assert((int)TIMES <= (int)SECONDS_MOST, "seconds_of_each times so many works");

typedef struct bench {
  int d;
  wmc_stream *stream;
  wmc_network *network[CHAINS];
  wmc_product *product[2]; /* real, complex */
  wmc_qdt *qdt[SPECTRA];
  double *a, *b, *c; /* d x d, a complex one in its real form, complex ones */
  double *deviates;
} bench;

static void multiply(bench *x, const wmc_product *product)
{
  for (int l = 0; l < DEPTH / 2; l++) {
    wmc_product_apply(product, x->a, x->b, x->c);
    wmc_product_apply(product, x->a, x->c, x->b);
  }
}

static void work(void *of, int which)
{
  bench *x = of;
  double growth;
  if (which == NORMAL)
    wmc_stream_normals(x->stream, NORMALS, 1, x->deviates);
  else if (which < DRAWS)
    multiply(x, x->product[which - PRODUCT]);
  else if (which < VALUES)
    wmc_network_draw(x->network[which - DRAWS], x->stream);
  else
    wmc_qdt_values(x->qdt[which - VALUES], x->deviates, &growth);
}

static wmc_block_options options(int d, chain_law k)
{
  return (wmc_block_options){.width = d,
                             .depth = DEPTH,
                             .hidden = d,
                             .activation = wmc_activation_find(k == TWO_LAYER ? "relu" : "linear"),
                             .weights = wmc_weights_find(chains[k].weights),
                             .variance = chains[k].is_long ? 1.0 : 1.0 / d,
                             .time = 1,
                             .inner_variance = 1.0 / d,
                             .input_norm2 = d,
                             .split = chains[k].split,
                             .precision = WMC_PRECISION_DOUBLE};
}

/* The product of the layers of a chain without a group. */
static void create_product(bench *x, int which)
{
  const chain_law k = spectra[which];
  const wmc_block *block = chains[k].block;
  const wmc_block_options o = options(x->d, (chain_law)k);
  const int layers = wmc_network_factor_layers(block, &o);
  void *state;
  if ((o.split.is_complex ? wmc_qdt_create_complex : wmc_qdt_create)(&x->qdt[which], x->d,
                                                                     layers) != WMC_OK ||
      block->create(&o, &state) != WMC_OK)
    exit(1);
  block->start(state, x->stream);
  for (int l = 0; l < DEPTH; l++) {
    block->layers(state, x->stream, 1, x->a);
    wmc_qdt_multiply(x->qdt[which], 1, x->a);
  }
  block->destroy(state);
}

static void create(bench *x)
{
  const size_t size = (size_t)(x->d * x->d);
  const double end = 1;
  x->a = WMC_ARRAY(double, 4 * size);
  x->b = WMC_ARRAY(double, 2 * size);
  x->c = WMC_ARRAY(double, 2 * size);
  x->deviates = WMC_ARRAY(double, NORMALS);
  if (!x->a || !x->b || !x->c || !x->deviates) exit(1);
  for (int k = 0; k < CHAINS; k++) {
    const wmc_block_options o = options(x->d, (chain_law)k);
    if (wmc_network_create(&x->network[k], chains[k].block, &o, 1, &end) != WMC_OK) exit(1);
  }
  for (int parts = 1; parts <= 2; parts++)
    if (wmc_product_create(&x->product[parts - 1], parts * x->d, x->d, parts * x->d) != WMC_OK)
      exit(1);
  for (int k = 0; k < SPECTRA; k++) create_product(x, k);
  for (size_t i = 0; i < 4 * size; i++) x->a[i] = 0.01;
  for (size_t i = 0; i < 2 * size; i++) x->b[i] = 0.01;
}

static void destroy(bench *x)
{
  for (int k = 0; k < CHAINS; k++) wmc_network_destroy(x->network[k]);
  for (int k = 0; k < SPECTRA; k++) wmc_qdt_destroy(x->qdt[k]);
  for (int k = 0; k < 2; k++) wmc_product_destroy(x->product[k]);
  wmc_free(x->a);
  wmc_free(x->b);
  wmc_free(x->c);
  wmc_free(x->deviates);
}

/* Microseconds a layer and a spectrum of the NumPy program; false if it cannot be run. */
static int numpy(const char *python, const char *script, int d, double *layer, double *svd)
{
  char command[4096];
  int networks = d < 16 ? 32768 : d < 64 ? 2048 : 256;
  snprintf(command, sizeof command, "OPENBLAS_NUM_THREADS=1 '%s' '%s' %d %d %d", python, script, d,
           DEPTH, networks);
  FILE *pipe = popen(command, "r");
  if (!pipe) return 0;
  double top, error; /* E lambda_1: read so that the program can end */
  int read = fscanf(pipe, "%lf %lf %lf %lf", layer, svd, &top, &error);
  return pclose(pipe) == 0 && read == 4;
}

/* Of one layer, spectrum at the end not counted. */
static double layer_time(const double *t, chain_law k, int spectrum)
{
  return (t[DRAWS + k] - t[VALUES + spectrum]) / DEPTH;
}

/* A row of the first table, then the row of the second in `row`. */
static void report(bench *x, const char *python, const char *script, char *row, size_t row_size)
{
  double t[TIMES], layer = NAN, svd = NAN, d = x->d;
  seconds_of_each(work, x, TIMES, 0.02, t);
  const double product = t[PRODUCT] / DEPTH, complex_product = t[COMPLEX_PRODUCT] / DEPTH;
  const double normal = t[NORMAL] / NORMALS, spectrum = t[VALUES];
  const double floor = d * d * normal + product, mine = layer_time(t, GAUSSIAN, 0);
  const double signs = layer_time(t, RADEMACHER, 0), two = layer_time(t, TWO_LAYER, 0);
  const double complex_floor = 2 * d * d * normal + complex_product;
  const double complex_layer = layer_time(t, COMPLEX, 1);
  const double sites_floor = 4 * d * d * normal + 2 * product + complex_product;
  const double sites = (t[DRAWS + CONVOLUTION] - t[VALUES + 1] - 2 * spectrum) / DEPTH;
  if (python && !numpy(python, script, x->d, &layer, &svd)) fprintf(stderr, "NumPy did not run\n");
  printf("%5d %7.2f %7.1f %9.4f %9.4f %7.2f %9.4f %7.2f %9.4f %7.2f %9.4f %7.2f %9.2f %9.4f %7.2f "
         "%9.4f %7.1f %9.2f %9.2f %7.1f %7.1f\n",
         x->d, normal * 1e9, 2e-9 * d * d * d / product, floor * 1e6, mine * 1e6, mine / floor,
         signs * 1e6, signs / product, two * 1e6, two / (2 * floor), complex_layer * 1e6,
         complex_layer / complex_floor, t[VALUES + 1] * 1e6, sites * 1e6, sites / sites_floor,
         layer, layer / (mine * 1e6), spectrum * 1e6, svd, svd / (spectrum * 1e6),
         (DEPTH * layer + svd) / (t[DRAWS + GAUSSIAN] * 1e6));
  fflush(stdout);
  int end = snprintf(row, row_size, "%5d %7d", x->d, wmc_qdt_layers(x->d, 1.0 / DEPTH));
  for (int k = LONG_REAL; k < CHAINS; k++) {
    const double time = layer_time(t, (chain_law)k, 2 + k - LONG_REAL);
    end += snprintf(row + end, row_size - (size_t)end, " %11.4f %7.2f", time * 1e6,
                    time / (chains[k].split.is_complex ? complex_floor : floor));
  }
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
  char rows[sizeof widths / sizeof *widths][128];
  for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
    bench x = {.d = widths[k]};
    if (wmc_stream_create(&x.stream, 1, 0) != WMC_OK) return 1;
    create(&x);
    report(&x, python, python ? arguments[2] : NULL, rows[k], sizeof rows[k]);
    destroy(&x);
    wmc_stream_destroy(x.stream);
  }
  printf("\ntau = 1, depth %d, factorised after every `layers`, and plain products, factorised "
         "after every layer;\nthe floors are those above and count no factorisation\n",
         DEPTH);
  printf("%5s %7s %11s %7s %11s %7s %11s %7s %11s %7s\n", "width", "layers", "real", "/floor",
         "complex", "/floor", "plain", "/floor", "plain compl", "/floor");
  for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) puts(rows[k]);
  return 0;
}
