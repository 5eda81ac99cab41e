/* Laws of the weights: moments and covariances along the depth, at 5 standard errors. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "moments.h"
#include "streams.h"
#include "support.h"
#include "weylmc/jacobian/weights.h"

static const double PI = 3.14159265358979323846;

enum { SIZE = 70, DEPTH = 50, LAGS = 5 };

static wmc_source *source_of(const char *law, size_t rows, size_t columns, double hurst, int modes)
{
  wmc_source *source;
  wmc_source_options options = {wmc_weights_find(law), rows, columns, DEPTH, 2, hurst, modes};
  cr_assert_eq(wmc_source_create(&source, &options), WMC_OK);
  return source;
}

/* Products of entries of one network: of the same entry at two layers, in `along`; of neighbouring
 * entries at one layer and at two, in `across`. */
static void covariances(wmc_source *source, wmc_stream *stream, int first, const int *lag,
                        int draws, moments along[LAGS], moments *across)
{
  static double w[DEPTH * SIZE];
  for (int i = 0; i < draws; i++) {
    double mean[LAGS] = {0}, beside = 0;
    wmc_source_start(source, stream);
    wmc_source_layers(source, stream, DEPTH, w);
    for (int k = 0; k < LAGS; k++)
      for (int e = 0; e < SIZE; e++)
        mean[k] += w[first * SIZE + e] * w[(first + lag[k]) * SIZE + e] / (4.0 * SIZE);
    for (int e = 1; e < SIZE; e++)
      beside += w[first * SIZE + e] * (w[first * SIZE + e - 1] + w[(first + 1) * SIZE + e - 1]);
    for (int k = 0; k < LAGS; k++) add(&along[k], mean[k]);
    add(across, beside / SIZE);
  }
}

static const int lags[LAGS] = {0, 1, 2, 10, 40};

/* Means over networks and entries of g_l g_{l+k}; 70 entries are two transforms, one of them not
 * full. */
Test(jacobian_weights, fractional_noise_has_its_covariance)
{
  const int draws = test_trials(2000);
  for (int k = 0; k < 3; k++) {
    double hurst = 0.5 + 0.2 * k;
    wmc_source *source = source_of("fractional", 7, 10, hurst, 0);
    moments along[LAGS] = {0}, across = {0};
    wmc_stream *stream = test_stream(20261127, k);
    for (int first = 0; first < 10; first += 9)
      covariances(source, stream, first, lags, draws, along, &across);
    for (int i = 0; i < LAGS; i++) {
      double n = lags[i], h2 = 2 * hurst;
      double exact = 0.5 * (pow(n + 1, h2) - 2 * pow(n, h2) + pow(fabs(n - 1), h2));
      EXPECT_NEAR(along[i].mean, exact, standard_error(&along[i]), 0, "H=%g lag %d", hurst,
                  lags[i]);
    }
    EXPECT_NEAR(across.mean, 0, standard_error(&across), 0, "H=%g other entries", hurst);
    wmc_source_destroy(source);
    wmc_stream_destroy(stream);
  }
}

Test(jacobian_weights, smooth_functions_have_their_covariance)
{
  const int draws = test_trials(4000);
  for (int modes = 0; modes <= 4; modes += 2) {
    wmc_source *source = source_of("smooth", 7, 10, 0, modes);
    moments along[LAGS] = {0}, across = {0};
    wmc_stream *stream = test_stream(20261127, 10 + modes);
    covariances(source, stream, 5, lags, draws, along, &across);
    for (int i = 0; i < LAGS; i++) {
      double exact = 0;
      for (int k = 0; k <= modes; k++) exact += cos(PI * k * lags[i] / DEPTH) / (modes + 1);
      EXPECT_NEAR(along[i].mean, exact, standard_error(&along[i]), 0, "%d modes lag %d", modes,
                  lags[i]);
    }
    EXPECT_NEAR(across.mean, 0, standard_error(&across), 0, "%d modes, other entries", modes);
    wmc_source_destroy(source);
    wmc_stream_destroy(stream);
  }
}

/* Independent laws: mean 0, variance scale^2 = 4, and the fourth moment: 3 (normal), 1 (signs), 9/5
 * (uniform); an entry of a Haar matrix of width d has E q^4 = 3/(d (d + 2)); minors have
 * mean 0, which they would not if Q favoured one orientation. */
Test(jacobian_weights, moments_of_fresh_laws)
{
  enum { D = 4 };
  const struct {
    const char *law;
    double fourth;
  } cases[] = {
      {"gaussian", 3}, {"rademacher", 1}, {"uniform", 1.8}, {"orthogonal", 3.0 * D / (D + 2)}};
  for (size_t k = 0; k < 4; k++) {
    wmc_source *source = source_of(cases[k].law, D, D, 0, 0);
    moments mean = {0}, square = {0}, fourth = {0}, minor = {0};
    wmc_stream *stream = test_stream(20261127, 20 + (long)k);
    for (int i = 0; i < test_trials(40000); i++) {
      double w[D * D];
      wmc_source_layers(source, stream, 1, w);
      double x = w[i % (D * D)] / 2;
      add(&mean, x);
      add(&square, x * x);
      add(&fourth, pow(x, 4));
      add(&minor, w[0] * w[5] - w[1] * w[4]);
    }
    EXPECT_NEAR(mean.mean, 0, standard_error(&mean), 0, "%s mean", cases[k].law);
    EXPECT_NEAR(square.mean, 1, standard_error(&square), 1e-14, "%s variance", cases[k].law);
    EXPECT_NEAR(fourth.mean, cases[k].fourth, standard_error(&fourth), 1e-14, "%s fourth moment",
                cases[k].law);
    EXPECT_NEAR(minor.mean, 0, standard_error(&minor), 0, "%s minor", cases[k].law);
    wmc_source_destroy(source);
    wmc_stream_destroy(stream);
  }
}
