#include "weylmc/numeric/dense.h"

#include <assert.h>

#include "simd/dense_kernels.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/simd.h"

struct wmc_product {
  int m, n, k;
  wmc_product_kernel *kernel;
};

static wmc_product_kernel *const products[] = WMC_SIMD_TABLE(wmc_product_kernel_any);
static wmc_qr_kernel *const qrs[] = WMC_SIMD_TABLE(wmc_qr_householder);
static wmc_svd_kernel *const svds[] = WMC_SIMD_TABLE(wmc_svd_sweeps);

wmc_status wmc_product_create(wmc_product **product, int m, int n, int k)
{
  assert(m > 0 && n > 0 && k > 0);
  *product = WMC_NEW(wmc_product);
  if (*product == NULL) return wmc_no_memory();
  **product = (wmc_product){m, n, k, products[wmc_simd_level()]};
  return WMC_OK;
}

void wmc_product_destroy(wmc_product *product) { wmc_free(product); }

void wmc_product_apply(const wmc_product *product, const double *a, const double *b, double *c)
{
  product->kernel(product->m, product->n, product->k, a, b, c);
}

size_t wmc_qr_scratch(int m, int n) { return (size_t)(m + n) + 64; }

void wmc_qr(int m, int n, double *a, double *r, double *scratch)
{
  assert(m >= n && n > 0);
  qrs[wmc_simd_level()](m, n, a, r, scratch);
}

/** Columns of y above columns of v, each padded to 8 rows, and a few vectors of length n. */
size_t wmc_svd_scratch(int m, int n) { return (size_t)(m + n + 32) * (size_t)(n + 8) + 64; }

int wmc_svd_jacobi(int m, int n, double *y, double *v, double *s, double *scratch)
{
  assert(m >= n && n > 0);
  return svds[wmc_simd_level()](m, n, y, v, s, scratch);
}
