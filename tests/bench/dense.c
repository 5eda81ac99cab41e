/* Small dense kernels: products by each backend, QR and singular values beside LAPACK's.
 * Times are the best of several rounds, in microseconds; run with OPENBLAS_NUM_THREADS=1.
 * The table of backends in src/numeric/dense_product.c was read off the first part. */
#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/simd.h"

enum { ROUNDS = 25 };

/** What one timed call works on; `refresh` are the matrices that the call overwrites. */
typedef struct work {
  int d;
  const wmc_product *product;
  double *a, *b, *c, *v, *s, *v0, *scratch;
} work;

typedef void task(work *w);

/** Seconds a call: best of ROUNDS rounds of about 2 ms. */
static double seconds(task *call, work *w)
{
  int repeats = 1;
  double best = 1e300;
  for (double t = 0; t < 0.002; repeats *= 2) {
    double begin = wmc_clock();
    for (int k = 0; k < 2 * repeats; k++) call(w);
    t = wmc_clock() - begin;
  }
  for (int round = 0; round < ROUNDS; round++) {
    double begin = wmc_clock();
    for (int k = 0; k < repeats; k++) call(w);
    best = fmin(best, (wmc_clock() - begin) / repeats);
  }
  return best;
}

static double normal(void)
{
  return sqrt(-2 * log((rand() + 0.5) / (RAND_MAX + 1.0))) *
         cos(6.283185307179586 * rand() / RAND_MAX);
}

static work work_create(int d)
{
  size_t size = (size_t)d * (size_t)d, scratch = wmc_svd_scratch(d, d) + wmc_qr_scratch(d, d);
  work w = {.d = d, .a = WMC_ARRAY(double, size), .b = WMC_ARRAY(double, size)};
  w.c = WMC_ARRAY(double, size);
  w.v = WMC_ARRAY(double, size);
  w.v0 = WMC_ARRAY(double, size);
  w.s = WMC_ARRAY(double, d);
  w.scratch = WMC_ARRAY(double, scratch + 8 * size + 2000);
  for (size_t i = 0; i < size; i++) w.a[i] = normal(), w.b[i] = normal();
  for (int i = 0; i < d; i++) w.v0[i + i * d] = 1;
  return w;
}

static void work_destroy(work *w)
{
  double *const arrays[] = {w->a, w->b, w->c, w->v, w->v0, w->s, w->scratch};
  for (int k = 0; k < 7; k++) wmc_free(arrays[k]);
}

static void multiply(work *w) { wmc_product_apply(w->product, w->a, w->b, w->c); }

static void copy(const work *w, double *to, const double *from)
{
  memcpy(to, from, (size_t)(w->d * w->d) * sizeof *to);
}

static void qr(work *w)
{
  copy(w, w->c, w->a);
  wmc_qr(w->d, w->d, w->c, w->v, w->scratch);
}

static void qr_lapack(work *w)
{
  int d = w->d, size = 64 * d;
  copy(w, w->c, w->a);
  LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, d, d, w->c, d, w->s, w->scratch, size);
  memcpy(w->v, w->c, (size_t)(d * d) * sizeof *w->v);
  LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, d, d, d, w->c, d, w->s, w->scratch, size);
}

static void svd(work *w)
{
  copy(w, w->c, w->a);
  copy(w, w->v, w->v0);
  wmc_svd_jacobi(w->d, w->d, w->c, w->v, w->s, w->scratch);
}

static void svd_values(work *w)
{
  copy(w, w->c, w->a);
  wmc_svd_jacobi(w->d, w->d, w->c, NULL, w->s, w->scratch);
}

static void svd_gesdd(work *w)
{
  int d = w->d, integers[8 * 256];
  copy(w, w->c, w->a);
  LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, 'O', d, d, w->c, d, w->s, w->v, d, w->v, d, w->scratch,
                      7 * d * d + 2000, integers);
}

static void svd_gesvd(work *w)
{
  int d = w->d;
  copy(w, w->c, w->a);
  LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, 'O', 'A', d, d, w->c, d, w->s, w->v, d, w->v, d, w->scratch,
                      7 * d * d + 2000);
}

static void bench_products(void)
{
  static const int widths[] = {2, 3, 4, 8, 12, 16, 24, 32, 33, 48, 64, 96, 128, 192, 256};
  printf("product C = A B, Gflop/s\n%6s %9s %9s %9s %9s   %s\n", "width", "own", "libxsmm",
         "openblas", "best", "chosen");
  for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
    work w = work_create(widths[k]);
    double gigaflops[4] = {0}, d = widths[k];
    const char *chosen = "";
    for (int backend = 3; backend >= 0; backend--) {
      wmc_product *p;
      wmc_status status = wmc_product_create_by(&p, (wmc_product_backend)backend, w.d, w.d, w.d);
      if (status != WMC_OK) continue;
      w.product = p;
      gigaflops[backend] = 2 * d * d * d / seconds(multiply, &w) * 1e-9;
      chosen = wmc_product_backend_name(p);
      wmc_product_destroy(p);
    }
    printf("%6d %9.1f %9.1f %9.1f %9.1f   %s\n", w.d, gigaflops[WMC_PRODUCT_OWN],
           gigaflops[WMC_PRODUCT_LIBXSMM], gigaflops[WMC_PRODUCT_OPENBLAS], gigaflops[0], chosen);
    work_destroy(&w);
  }
  wmc_message_clear();
}

static void bench_qr(void)
{
  static const int widths[] = {2, 3, 4, 8, 16, 24, 32, 48, 64, 96, 128};
  printf("\nQR with explicit Q, us\n%6s %9s %9s %9s\n", "width", "weylmc", "LAPACK", "ratio");
  for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
    work w = work_create(widths[k]);
    double mine = seconds(qr, &w) * 1e6, lapack = seconds(qr_lapack, &w) * 1e6;
    printf("%6d %9.3f %9.3f %9.2f\n", w.d, mine, lapack, lapack / mine);
    work_destroy(&w);
  }
}

/** The matrix a Langevin step hands over: diagonal, decreasing, gaps 1, with perturbations of 5% of
 * a gap. */
static void make_warm(work *w)
{
  for (int i = 0; i < w->d * w->d; i++) w->a[i] *= 0.05;
  for (int i = 0; i < w->d; i++) w->a[i + i * w->d] += w->d - i;
}

static void bench_svd(void)
{
  static const int widths[] = {2, 3, 4, 8, 16, 24, 32, 48, 64};
  printf("\nsingular value decomposition, us (cold: random matrix; warm: near diagonal)\n");
  printf("%6s %8s %8s %8s %8s %8s %8s %12s %12s %7s\n", "width", "cold", "no V", "warm", "gesdd",
         "gesvd", "gesdd w", "gesdd/cold", "gesdd/warm", "sweeps");
  for (size_t k = 0; k < sizeof widths / sizeof *widths; k++) {
    work w = work_create(widths[k]);
    double cold = seconds(svd, &w) * 1e6, values = seconds(svd_values, &w) * 1e6;
    double gesdd = seconds(svd_gesdd, &w) * 1e6, gesvd = seconds(svd_gesvd, &w) * 1e6;
    make_warm(&w);
    double warm = seconds(svd, &w) * 1e6, gesdd_warm = seconds(svd_gesdd, &w) * 1e6;
    copy(&w, w.c, w.a), copy(&w, w.v, w.v0);
    int sweeps = wmc_svd_jacobi(w.d, w.d, w.c, w.v, w.s, w.scratch);
    printf("%6d %8.3f %8.3f %8.3f %8.3f %8.3f %8.3f %12.2f %12.2f %7d\n", w.d, cold, values, warm,
           gesdd, gesvd, gesdd_warm, gesdd / cold, gesdd_warm / warm, sweeps);
    work_destroy(&w);
  }
}

int main(void)
{
  wmc_blas_start();
  printf("level %s, OpenBLAS kernel %s\n%s\n", wmc_simd_name(wmc_simd_level()), wmc_blas_kernel(),
         wmc_blas_description());
  bench_products();
  bench_qr();
  bench_svd();
  return 0;
}
