/* Sums over pairs, eight at a time: point i with a block of points j. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "pairs_kernels.h"
#include "pairs_octet.h"

enum { LANES = WMC_PAIRS_LANES };

typedef struct lanes {
  double up[LANES], slope[LANES], apart[LANES];
} lanes;

/* Padding that compares as the larger point: such pairs are not apart. */
static void pad(const wmc_pairs *p, int size, double *shift, double *slope)
{
  const double large = DBL_MAX / 4;
  for (int k = p->n; k < size; k++) {
    p->x[k] = p->q[k] = p->y[k] = large;
    p->weight[k] = 0;
  }
  memset(shift, 0, (size_t)size * sizeof *shift);
  memset(slope, 0, (size_t)size * sizeof *slope);
}

/* Point i with the points of one block; pairs that are not apart, among them j <= i, add 0. */
static inline void add_block(const wmc_pairs *p, int i, int block, double w, double mirror,
                             lanes *restrict sum, double *restrict shift, double *restrict slope)
{
  const double *restrict x = p->x + block, *restrict q = p->q + block, *restrict y = p->y + block;
  const double *restrict weight = p->weight + block;
  const double xi = p->x[i], qi = p->q[i], yi = p->y[i], gi = p->weight[i];
  const double far_y = 1e-3 * yi > 1e-290 ? 1e-3 * yi : 1e-290, far_q = 1e-6 * fabs(xi);
  for (int k = 0; k < LANES; k++) {
    double gap = xi - x[k], dy = yi - y[k], dq = qi - q[k];
    double apart = dy > far_y ? 1.0 : 0.0;
    apart = dq > far_q ? apart : 0.0;
    dy = apart > 0 ? dy : 1.0;
    dq = apart > 0 ? dq : 1.0;
    gap = apart > 0 ? gap : 0.0;
    double both = apart / (dy * dq), fy = both * dq, fq = both * dy;
    double out = 0.5 * (sqrt(gap * gap + 2 * w * apart) - gap), up = mirror * gap * fq;
    double here = yi * fy - gi * fq, there = weight[k] * fq - fy * (apart > 0 ? y[k] : 0.0);
    sum->up[k] += up + out;
    sum->slope[k] += here;
    sum->apart[k] += apart;
    shift[k] += up - out;
    slope[k] += there;
  }
}

static inline double total(const double a[LANES])
{
  return ((a[0] + a[4]) + (a[2] + a[6])) + ((a[1] + a[5]) + (a[3] + a[7]));
}

int WMC_SIMD_NAME(wmc_pairs_sum_all)(const wmc_pairs *p, double *shift, double *slope)
{
  const int n = p->n, size = (n + LANES - 1) / LANES * LANES;
  const double mirror = p->mirrored ? 0.5 * p->strength : 0;
  double apart = 0;
  pad(p, size, shift, slope);
#if defined(__AVX512F__)
  if (n > 2 && n <= LANES) return n * (n - 1) / 2 - octet_sum(p, mirror, shift, slope);
#endif
  for (int i = 0; i < n - 1; i++) {
    lanes sum = {{0}, {0}, {0}};
    for (int block = (i + 1) / LANES * LANES; block < n; block += LANES)
      add_block(p, i, block, p->strength, mirror, &sum, shift + block, slope + block);
    shift[i] += total(sum.up);
    slope[i] += total(sum.slope);
    apart += total(sum.apart);
  }
  return n * (n - 1) / 2 - (int)apart;
}

void WMC_SIMD_NAME(wmc_pairs_power_all)(int n, const double *x, double power, double *out)
{
  for (int block = 0; block < n; block += LANES) {
    double base[LANES], result[LANES];
    const int width = n - block < LANES ? n - block : LANES;
    for (int k = 0; k < LANES; k++) {
      base[k] = k < width ? x[block + k] : 1;
      result[k] = 1;
    }
    for (long left = (long)power; left > 0; left /= 2) {
      for (int k = 0; k < LANES && left % 2 == 1; k++) result[k] *= base[k];
      for (int k = 0; k < LANES; k++) base[k] *= base[k];
    }
    for (int k = 0; k < width; k++) out[block + k] = result[k];
  }
}

static inline double bounded(double x)
{
  const double most = 1e8;
  x = x < most ? x : most;
  return x > -most ? x : -most;
}

void WMC_SIMD_NAME(wmc_pairs_turns_all)(int n, const double *restrict a, const double *restrict b,
                                        double *restrict cos_a, double *restrict sin_a,
                                        double *restrict cos_b, double *restrict sin_b)
{
  for (int k = 0; k < n; k++) {
    double s = 0.5 * bounded(a[k]), t = 0.5 * bounded(b[k]);
    double more_s = 1 + s * s, more_t = 1 + t * t, both = 1 / (more_s * more_t);
    double over_s = both * more_t, over_t = both * more_s;
    cos_a[k] = (1 - s * s) * over_s;
    sin_a[k] = 2 * s * over_s;
    cos_b[k] = (1 - t * t) * over_t;
    sin_b[k] = 2 * t * over_t;
  }
}

void WMC_SIMD_NAME(wmc_pairs_angles_all)(int n, const double *restrict gap,
                                         const double *restrict ratio, const double *restrict noise,
                                         const double *restrict other, double *restrict p,
                                         double *restrict o)
{
  const double tiny = 1e-300;
  for (int k = 0; k < n; k++) {
    double less = 1 - ratio[k], more = 1 + ratio[k];
    double under = less * more * gap[k], root;
    under = under > tiny ? under : tiny;
    root = 1 / sqrt(under);
    double same = more * root * noise[k], apart = less * root * other[k];
    p[k] = same + apart;
    o[k] = same - apart;
  }
}
