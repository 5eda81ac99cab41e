#include "normals.h"

#include <math.h>

/* (log m - 2 s) / s^3 in z = s^2, s = (m - 1) / (m + 1), for sqrt(1/2) <= m <= sqrt(2):
 * the interpolant at Chebyshev nodes of 0 <= z <= (3 - sqrt(8))^2; relative error of log 4e-18. */
static const double log_terms[] = {0.14616449685043406, 0.15331721600556042, 0.18182889125261723,
                                   0.2222221113479508,  0.28571428625975487, 0.39999999999899505,
                                   0.666666666666667};

/* sin(pi x) / x in z = x^2, 0 <= z <= 1/4, likewise; relative error 1.8e-16. */
static const double sine_terms[] = {
    -2.113362735205297e-05, 0.0004659870158043378, -0.0073703643265304155, 0.08214587881631043,
    -0.599264528825224,     2.5501640398618677,    -5.1677127800497855,    3.1415926535897927};

#define TERMS(table) (int)(sizeof(table) / sizeof(table)[0]), table

static inline double polynomial(double z, int n, const double *terms)
{
  double sum = terms[0];
  for (int k = 1; k < n; k++) sum = sum * z + terms[k];
  return sum;
}

static inline uint64_t bits_of(double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline double double_of(uint64_t bits)
{
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* log u for normal u: u = 2^e m with sqrt(1/2) <= m < sqrt(2), read off the bits. */
static inline double logarithm(double u)
{
  const double ln2 = 0.693147180559945309417;
  const uint64_t root = 0x3fe6a09e667f3bcd; /* bits of sqrt(1/2) */
  const uint64_t one = 0x3ff0000000000000, mantissa = 0x000fffffffffffff;
  const uint64_t to_double = 0x4330000000000000; /* 2^52: its low bits count units */
  uint64_t shifted = bits_of(u) - root + one;
  double e = double_of(shifted >> 52 | to_double) - (0x1p52 + 1023);
  double m = double_of((shifted & mantissa) + root);
  double s = (m - 1) / (m + 1), z = s * s;
  return s * z * polynomial(z, TERMS(log_terms)) + (2 * s + e * ln2);
}

/* sin(pi x), |x| <= 1/2. */
static inline double sine(double x) { return x * polynomial(x * x, TERMS(sine_terms)); }

/* The angle is 2 pi v = pi (q + x) with q the integer nearest to 2 v: sine and cosine of pi x, and
 * an odd q turns both signs. Adding 1.5 * 2^52 rounds 2 v and leaves q in the lowest bits. The
 * product with the scale comes last, as for the deviates that a stream keeps in its buffer. */
void WMC_SIMD_NAME(wmc_normals)(size_t blocks, double scale, double *data)
{
  enum { HALF = WMC_NORMALS_BLOCK / 2 };
  const double rounder = 0x1.8p52;
  for (size_t b = 0; b < blocks; b++, data += WMC_NORMALS_BLOCK)
    for (int k = 0; k < HALF; k++) {
      double radius = sqrt(-2 * logarithm(data[k] + 0x1p-53));
      double turns = 2 * (data[HALF + k] + 0x1p-53);
      double q = turns + rounder, x = turns - (q - rounder);
      radius = double_of(bits_of(radius) ^ bits_of(q) << 63);
      data[k] = radius * sine(0.5 - fabs(x)) * scale;
      data[HALF + k] = radius * sine(x) * scale;
    }
}

void WMC_SIMD_NAME(wmc_signs)(size_t blocks, const double *uniforms, double scale,
                              double *restrict out)
{
  for (size_t b = 0; b < blocks; b++) {
    uint64_t word = wmc_signs_word(uniforms[b]);
    for (size_t k = 0; k < WMC_SIGNS_BLOCK; k++)
      out[WMC_SIGNS_BLOCK * b + k] = wmc_signs_entry(word, k, scale);
  }
}
