/* Which code multiplies: own kernels, libxsmm's just-in-time code, or OpenBLAS. */
#include <assert.h>
#include <cblas.h>
#ifdef WMC_HAVE_LIBXSMM
#include <libxsmm.h>
#endif
#include <stdio.h>

#include "dense_library.h"
#include "simd/dense_kernels.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/simd.h"

struct wmc_product {
  int m, n, k;
  wmc_product_backend backend;
  /* the first that is not NULL multiplies */
#ifdef WMC_HAVE_LIBXSMM
  libxsmm_dmmfunction jit;
#endif
  wmc_product_fixed *fixed;
  wmc_product_kernel *kernel;
};

static wmc_product_fixed *const width_2[] = WMC_SIMD_TABLE(wmc_product_2);
static wmc_product_fixed *const width_3[] = WMC_SIMD_TABLE(wmc_product_3);
static wmc_product_kernel *const tiled[] = WMC_SIMD_TABLE(wmc_product_tiled);

static const char *const names[] = {"best", "own", "libxsmm", "openblas"};

static bool plan_own(wmc_product *p)
{
  wmc_simd level = wmc_simd_level();
  if (p->m == p->n && p->n == p->k && p->m <= 3 && p->m > 1)
    p->fixed = p->m == 2 ? width_2[level] : width_3[level];
  p->kernel = tiled[level];
  return true;
}

#ifdef WMC_HAVE_LIBXSMM
/** libxsmm reads the CPU itself; a level lowered by WEYLMC_SIMD lowers it too. */
static void start_libxsmm(void)
{
  libxsmm_init();
  if (wmc_simd_level() == WMC_SIMD_V3 && libxsmm_get_target_archid() > LIBXSMM_X86_AVX2)
    libxsmm_set_target_archid(LIBXSMM_X86_AVX2);
}

static bool plan_libxsmm(wmc_product *p)
{
  const double one = 1, zero = 0;
  const int prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
  if (wmc_simd_level() == WMC_SIMD_BASE) return false;
  start_libxsmm();
  p->jit = libxsmm_dmmdispatch(p->m, p->n, p->k, &p->m, &p->k, &p->m, &one, &zero, NULL, &prefetch);
  return p->jit != NULL;
}

const char *wmc_product_library(void)
{
  static char text[64];
  start_libxsmm();
  snprintf(text, sizeof text, "libxsmm %s for %s", LIBXSMM_VERSION, libxsmm_get_target_arch());
  return text;
}
#else
static bool plan_libxsmm(wmc_product *p) { return (void)p, false; }

const char *wmc_product_library(void) { return "no libxsmm"; }
#endif

static void multiply_blas(int m, int n, int k, const double *a, const double *b, double *c)
{
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, m, b, k, 0, c, m);
}

static bool plan_openblas(wmc_product *p)
{
  p->kernel = multiply_blas;
  return true;
}

static bool (*const plans[])(wmc_product *) = {NULL, plan_own, plan_libxsmm, plan_openblas};

static const struct {
  int width; /* the largest of m, n, k, at most */
  wmc_product_backend order[3];
} best[] = {
    {3, {WMC_PRODUCT_OWN}},
    {256, {WMC_PRODUCT_LIBXSMM, WMC_PRODUCT_OWN}},
    {1 << 30, {WMC_PRODUCT_OPENBLAS}},
};

static void plan_best(wmc_product *p)
{
  int width = p->m > p->n ? p->m : p->n, row = 0;
  if (p->k > width) width = p->k;
  while (best[row].width < width) row++;
  for (int choice = 0;; choice++) {
    p->backend = best[row].order[choice];
    if (plans[p->backend](p)) return;
  }
}

wmc_status wmc_product_create_by(wmc_product **product, wmc_product_backend backend, int m, int n,
                                 int k)
{
  assert(m > 0 && n > 0 && k > 0);
  wmc_product plan = {.m = m, .n = n, .k = k, .backend = backend};
  *product = NULL;
  if (backend == WMC_PRODUCT_BEST)
    plan_best(&plan);
  else if (!plans[backend](&plan))
    return wmc_raise(WMC_FAILURE, "products %d x %d x %d: %s is not to be had here; use %s", m, n,
                     k, names[backend], names[WMC_PRODUCT_BEST]);
  *product = WMC_NEW(wmc_product);
  if (*product == NULL) return wmc_no_memory();
  **product = plan;
  return WMC_OK;
}

wmc_status wmc_product_create(wmc_product **product, int m, int n, int k)
{
  return wmc_product_create_by(product, WMC_PRODUCT_BEST, m, n, k);
}

void wmc_product_destroy(wmc_product *product) { wmc_free(product); }

const char *wmc_product_backend_name(const wmc_product *product) { return names[product->backend]; }

void wmc_product_apply(const wmc_product *product, const double *a, const double *b, double *c)
{
#ifdef WMC_HAVE_LIBXSMM
  if (product->jit != NULL) {
    product->jit(a, b, c);
    return;
  }
#endif
  if (product->fixed != NULL)
    product->fixed(a, b, c);
  else
    product->kernel(product->m, product->n, product->k, a, b, c);
}
