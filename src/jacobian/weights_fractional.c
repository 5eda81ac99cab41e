/* Circulant embedding. With M >= 2 L a power of 2 let c_0 .. c_{M-1} be the covariance of lags
 * 0, 1, .., M/2, .., 2, 1, and e_k >= 0 its discrete Fourier transform. If X_k and Y_k are
 * independent standard normal, then real and imaginary parts of
 *
 *   Z_j = sum_k sqrt(e_k / M) (X_k + i Y_k) exp(2 pi i j k / M),   j = 0 .. M/2,
 *
 * are two independent sequences with exactly that covariance. The transform works on many
 * sequences at a time: element k of all of them stands together. */
#include <math.h>
#include <string.h>

#include "source.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"

static const double PI = 3.14159265358979323846;

enum { TOGETHER = 32 }; /* complex sequences transformed at a time */

static size_t circle(int depth)
{
  size_t m = 2;
  while (m < 2 * (size_t)depth) m *= 2;
  return m;
}

/* (|k+1|^{2H} - 2|k|^{2H} + |k-1|^{2H})/2 without subtracting large numbers. */
static double covariance(double k, double hurst)
{
  if (k == 0) return 1;
  if (k == 1) return 0.5 * exp2(2 * hurst) - 1;
  double up = expm1(2 * hurst * log1p(1 / k)), down = expm1(2 * hurst * log1p(-1 / k));
  return 0.5 * pow(k, 2 * hurst) * (up + down);
}

/* (a, b) <- (a + w b, a - w b) for two rows of real and imaginary parts. */
static void butterfly(size_t n, double cosine, double sine, double *a, double *b)
{
  for (size_t i = 0; i < n; i++) {
    double re = cosine * b[i] - sine * b[n + i], im = cosine * b[n + i] + sine * b[i];
    b[i] = a[i] - re;
    b[n + i] = a[n + i] - im;
    a[i] += re;
    a[n + i] += im;
  }
}

static void swap_rows(size_t n, double *a, double *b)
{
  for (size_t i = 0; i < n; i++) {
    double t = a[i];
    a[i] = b[i];
    b[i] = t;
  }
}

/* Discrete Fourier transform in place of n sequences of length m; z[k] = n real parts, n imaginary
 * parts. `roots`: cos and sin of 2 pi k / m for k < m/2. Not done if the program is to stop. */
static void transform(size_t m, size_t n, const double *roots, double *z)
{
  for (size_t k = 1, reversed = 0; k < m && !wmc_signals_urgent(); k++) {
    size_t bit = m / 2;
    for (; reversed & bit; bit /= 2) reversed ^= bit;
    reversed ^= bit;
    if (k < reversed) swap_rows(2 * n, z + k * 2 * n, z + reversed * 2 * n);
  }
  for (size_t half = 1; half < m; half *= 2)
    for (size_t k = 0; k < half && !wmc_signals_urgent(); k++) {
      const double *root = roots + 2 * (k * (m / (2 * half)));
      for (size_t start = k; start < m; start += 2 * half)
        butterfly(n, root[0], root[1], z + start * 2 * n, z + (start + half) * 2 * n);
    }
}

/* table: 2 x m/2 roots of one, then sqrt(e_k / m); scratch: m rows of 2 TOGETHER numbers. */
static void fill_table(wmc_source *s, size_t m)
{
  double *roots = s->table, *amplitude = s->table + m, *c = s->scratch;
  for (size_t k = 0; k < m / 2; k++) {
    roots[2 * k] = cos(2 * PI * (double)k / (double)m);
    roots[2 * k + 1] = sin(2 * PI * (double)k / (double)m);
  }
  for (size_t k = 0; k < m; k++) {
    c[2 * k] = covariance((double)(k <= m / 2 ? k : m - k), s->options.hurst);
    c[2 * k + 1] = 0;
  }
  transform(m, 1, roots, c);
  for (size_t k = 0; k < m; k++) /* rounding may make a vanishing e_k negative */
    amplitude[k] = s->scale * sqrt(fmax(c[2 * k], 0) / (double)m);
}

static wmc_status create(wmc_source *s)
{
  size_t m = circle(s->options.depth);
  s->store = WMC_ARRAY(double, (size_t)s->options.depth * s->size);
  s->table = WMC_ARRAY(double, 2 * m);
  s->scratch = WMC_ARRAY(double, m * 2 * TOGETHER);
  if (!s->store || !s->table || !s->scratch) return wmc_no_memory();
  fill_table(s, m);
  return WMC_OK;
}

static void start(wmc_source *s, wmc_stream *stream)
{
  const size_t m = circle(s->options.depth), depth = (size_t)s->options.depth;
  const double *amplitude = s->table + m;
  for (size_t first = 0; first < s->size; first += 2 * TOGETHER) {
    size_t left = s->size - first, entries = left < 2 * TOGETHER ? left : 2 * TOGETHER;
    size_t n = (entries + 1) / 2;
    for (size_t k = 0; k < m && !wmc_signals_urgent(); k++)
      wmc_stream_normals(stream, 2 * n, amplitude[k], s->scratch + k * 2 * n);
    transform(m, n, s->table, s->scratch);
    for (size_t l = 0; l < depth; l++)
      memcpy(s->store + l * s->size + first, s->scratch + l * 2 * n, entries * sizeof(double));
  }
}

static void layer(wmc_source *s, wmc_stream *stream, double *out)
{
  (void)stream;
  memcpy(out, s->store + (size_t)s->layer * s->size, s->size * sizeof *out);
}

const wmc_source_methods wmc_source_fractional = {.create = create, .start = start, .layer = layer};
