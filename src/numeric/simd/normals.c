#include "normals.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* One vector of `LANES` doubles and the four functions of it that Box-Muller needs. */
#if defined(__AVX512F__)
#include <immintrin.h>
#include <sleef.h>
enum { LANES = 8 };
typedef __m512d vector;
typedef Sleef___m512d_2 vector_pair;
#define VECTOR_SET      _mm512_set1_pd
#define VECTOR_LOG      Sleef_logd8_u35avx512f
#define VECTOR_SQRT     _mm512_sqrt_pd
#define VECTOR_SINCOSPI Sleef_sincospid8_u35avx512f
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#include <sleef.h>
enum { LANES = 4 };
typedef __m256d vector;
typedef Sleef___m256d_2 vector_pair;
#define VECTOR_SET      _mm256_set1_pd
#define VECTOR_LOG      Sleef_logd4_u35avx2
#define VECTOR_SQRT     _mm256_sqrt_pd
#define VECTOR_SINCOSPI Sleef_sincospid4_u35avx2
#elif defined(__SSE2__)
#include <emmintrin.h>
#include <sleef.h>
enum { LANES = 2 };
typedef __m128d vector;
typedef Sleef___m128d_2 vector_pair;
#define VECTOR_SET      _mm_set1_pd
#define VECTOR_LOG      Sleef_logd2_u35sse2
#define VECTOR_SQRT     _mm_sqrt_pd
#define VECTOR_SINCOSPI Sleef_sincospid2_u35sse2
#elif defined(__aarch64__)
#include <arm_neon.h>
#include <sleef.h>
enum { LANES = 2 };
typedef float64x2_t vector;
typedef Sleef_float64x2_t_2 vector_pair;
#define VECTOR_SET      vdupq_n_f64
#define VECTOR_LOG      Sleef_logd2_u35advsimd
#define VECTOR_SQRT     vsqrtq_f64
#define VECTOR_SINCOSPI Sleef_sincospid2_u35advsimd
#else
enum { LANES = 1 };
typedef double vector;
typedef struct {
  double x, y;
} vector_pair;
#define VECTOR_SET(x) (x)
#define VECTOR_LOG    log
#define VECTOR_SQRT   sqrt
static inline vector_pair VECTOR_SINCOSPI(double x)
{
  const double pi = 3.14159265358979323846;
  return (vector_pair){sin(pi * x), cos(pi * x)};
}
#endif

static inline vector load(const double *from)
{
  vector v;
  memcpy(&v, from, sizeof v);
  return v;
}

static inline void store(double *to, vector v) { memcpy(to, &v, sizeof v); }

/* LANES pairs of one block; `from` and `to` are at the same place within it. The product with the
 * scale comes last, as for the deviates that a stream keeps in its buffer. */
static inline void transform(const double *from, double scale, double *to)
{
  enum { HALF = WMC_NORMALS_BLOCK / 2 };
  vector centre = VECTOR_SET(0x1p-53), times = VECTOR_SET(scale);
  vector u = load(from) + centre, v = load(from + HALF) + centre;
  vector radius = VECTOR_SQRT(VECTOR_SET(-2) * VECTOR_LOG(u));
  vector_pair angle = VECTOR_SINCOSPI(v + v);
  store(to, radius * angle.y * times);
  store(to + HALF, radius * angle.x * times);
}

void WMC_SIMD_NAME(wmc_normals)(size_t blocks, const double *uniforms, double scale, double *out)
{
  for (size_t b = 0; b < blocks; b++)
    for (size_t i = 0; i < WMC_NORMALS_BLOCK / 2; i += LANES)
      transform(uniforms + WMC_NORMALS_BLOCK * b + i, scale, out + WMC_NORMALS_BLOCK * b + i);
}

void WMC_SIMD_NAME(wmc_signs)(size_t blocks, const double *uniforms, double scale, double *out)
{
  const uint64_t top = (uint64_t)1 << 63;
  uint64_t plus;
  memcpy(&plus, &scale, sizeof plus);
  for (size_t b = 0; b < blocks; b++) {
    uint64_t word = wmc_signs_word(uniforms[b]);
    uint64_t signs[WMC_SIGNS_BLOCK];
    for (size_t i = 0; i < WMC_SIGNS_BLOCK; i++) signs[i] = plus ^ ((word << i) & top);
    memcpy(out + WMC_SIGNS_BLOCK * b, signs, sizeof signs);
  }
}
