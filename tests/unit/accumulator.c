#include "weylmc/statistics/accumulator.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"
#include "weylmc/base/status.h"
#include "weylmc/numeric/special.h"
#include "weylmc/statistics/estimate.h"

/* Deviates in (0, 1) by splitmix64: the tests here need arbitrary numbers, not good ones. */
static double uniform(uint64_t *state)
{
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static wmc_accumulator *new_accumulator(size_t components)
{
  wmc_accumulator *a;
  cr_assert_eq(wmc_accumulator_create(&a, components), WMC_OK);
  return a;
}

/* `count` samples of n components on the scale 1 about an offset that differs between them. */
static double *new_samples(size_t count, size_t n, double offset)
{
  double *samples = malloc(count * n * sizeof *samples);
  uint64_t state = count * 1000 + n;
  cr_assert_not_null(samples);
  for (size_t i = 0; i < count * n; i++)
    samples[i] = offset * (double)(i % n) + uniform(&state) + uniform(&state);
  return samples;
}

static void add_all(wmc_accumulator *a, const double *samples, size_t from, size_t to)
{
  size_t n = wmc_accumulator_components(a);
  for (size_t i = from; i < to; i++) wmc_accumulator_add(a, samples + i * n);
}

static double mean_of(const double *samples, size_t n, size_t component, size_t from, size_t to)
{
  long double sum = 0;
  for (size_t i = from; i < to; i++) sum += samples[i * n + component];
  return (double)(sum / (long double)(to - from));
}

static double variance_of(const double *samples, size_t n, size_t component, size_t count)
{
  long double sum = 0, mean = 0;
  for (size_t i = 0; i < count; i++) mean += samples[i * n + component] / (long double)count;
  for (size_t i = 0; i < count; i++) {
    long double d = samples[i * n + component] - mean;
    sum += d * d;
  }
  return (double)(sum / (long double)(count - 1));
}

/* ---- moments and batches ---------------------------------------------------------------- */

Test(accumulator, moments_are_those_of_the_definition)
{
  const double offsets[] = {0, 1e8};
  for (size_t n = 1; n <= 9; n += 4)
    for (size_t count = 2; count < 3000; count = 3 * count + 1)
      for (size_t k = 0; k < 2; k++) {
        double *samples = new_samples(count, n, offsets[k]);
        wmc_accumulator *a = new_accumulator(n);
        add_all(a, samples, 0, count);
        for (size_t c = 0; c < n; c++) {
          double mean = mean_of(samples, n, c, 0, count);
          double variance = variance_of(samples, n, c, count);
          cr_assert_lt(fabs(wmc_accumulator_mean(a, c) - mean), 2e-15 * (fabs(mean) + 1));
          cr_assert_lt(fabs(wmc_accumulator_variance(a, c) - variance), 1e-13 * variance);
        }
        wmc_accumulator_destroy(a);
        free(samples);
      }
}

Test(accumulator, batches_are_means_of_consecutive_samples)
{
  enum { COMPONENTS = 3, COUNT = 5000 };
  double *samples = new_samples(COUNT, COMPONENTS, 10);
  wmc_accumulator *a = new_accumulator(COMPONENTS);
  for (size_t count = 1; count <= COUNT; count++) {
    wmc_accumulator_add(a, samples + (count - 1) * COMPONENTS);
    size_t batches = wmc_accumulator_batches(a);
    size_t length = (size_t)wmc_accumulator_batch_length(a);
    cr_assert_eq(batches, count / length);
    cr_assert(count < WMC_BATCHES ? length == 1 : batches >= 32 && batches < WMC_BATCHES);
    if (count > 200 && count % 97 != 0) continue;
    for (size_t b = 0; b < batches; b++)
      for (size_t c = 0; c < COMPONENTS; c++) {
        double mean = mean_of(samples, COMPONENTS, c, b * length, (b + 1) * length);
        cr_assert_lt(fabs(wmc_accumulator_batch_mean(a, b, c) - mean), 1e-13,
                     "batch %zu of %zu samples", b, count);
      }
  }
  wmc_accumulator_destroy(a);
  free(samples);
}

Test(accumulator, constants_have_exactly_no_variance)
{
  wmc_accumulator *a = new_accumulator(1);
  const double value = 0.1; /* sums of it round */
  for (int i = 0; i < 1000; i++) {
    wmc_accumulator_add(a, &value);
    cr_assert_eq(wmc_accumulator_mean(a, 0), value);
    if (i > 0) cr_assert_eq(wmc_accumulator_variance(a, 0), 0);
    for (size_t b = 0; b < wmc_accumulator_batches(a); b++)
      cr_assert_eq(wmc_accumulator_batch_mean(a, b, 0), value);
  }
  wmc_accumulator_destroy(a);
}

Test(accumulator, bad_samples_spoil_their_component_only)
{
  const double bad[] = {NAN, INFINITY, -INFINITY};
  for (size_t k = 0; k < 3; k++)
    for (int when = 0; when < 3; when++) {
      wmc_accumulator *a = new_accumulator(2);
      for (int i = 0; i < 300; i++) {
        double sample[2] = {i == 100 * when ? bad[k] : i, i};
        wmc_accumulator_add(a, sample);
      }
      cr_assert(!isfinite(wmc_accumulator_mean(a, 0)));
      cr_assert(!isfinite(wmc_accumulator_variance(a, 0)));
      cr_assert_float_eq(wmc_accumulator_mean(a, 1), 149.5, 1e-12);
      wmc_accumulator_destroy(a);
    }
}

Test(accumulator, without_samples)
{
  wmc_accumulator *a = new_accumulator(2);
  cr_assert_eq(wmc_accumulator_count(a), 0);
  cr_assert_eq(wmc_accumulator_batches(a), 0);
  cr_assert(isnan(wmc_accumulator_mean(a, 1)));
  cr_assert(isnan(wmc_accumulator_variance(a, 1)));
  wmc_accumulator_destroy(a);
  wmc_accumulator_destroy(NULL);
}

/* ---- packing ---------------------------------------------------------------------------- */

static double *packed(const wmc_accumulator *a)
{
  double *out = malloc(wmc_accumulator_packed_size(wmc_accumulator_components(a)) * sizeof *out);
  cr_assert_not_null(out);
  wmc_accumulator_pack(a, out);
  return out;
}

/* Carry the state over to an accumulator that held something else. */
static void carry_over(wmc_accumulator **a)
{
  size_t n = wmc_accumulator_components(*a);
  double *state = packed(*a), *other = new_samples(70, n, 3);
  wmc_accumulator *next = new_accumulator(n);
  add_all(next, other, 0, 70);
  cr_assert_eq(wmc_accumulator_unpack(next, state), WMC_OK, "%s", wmc_message());
  wmc_accumulator_destroy(*a);
  *a = next;
  free(other);
  free(state);
}

static void assert_same(const wmc_accumulator *a, const wmc_accumulator *b, size_t where)
{
  size_t size = wmc_accumulator_packed_size(wmc_accumulator_components(a)) * sizeof(double);
  double *first = packed(a), *second = packed(b);
  cr_assert_eq(memcmp(first, second, size), 0, "carried over at sample %zu", where);
  free(first);
  free(second);
}

Test(accumulator, carrying_over_at_any_sample_changes_no_bit)
{
  enum { COMPONENTS = 3, COUNT = 300 };
  double *samples = new_samples(COUNT, COMPONENTS, 1e3);
  samples[200 * COMPONENTS] = NAN; /* must come through too */
  wmc_accumulator *whole = new_accumulator(COMPONENTS);
  add_all(whole, samples, 0, COUNT);
  for (size_t at = 0; at <= COUNT; at++) {
    wmc_accumulator *a = new_accumulator(COMPONENTS);
    add_all(a, samples, 0, at);
    carry_over(&a);
    add_all(a, samples, at, COUNT);
    assert_same(a, whole, at);
    wmc_accumulator_destroy(a);
  }
  wmc_accumulator_destroy(whole);
  free(samples);
}

Test(accumulator, carrying_over_many_times_changes_no_bit)
{
  enum { COMPONENTS = 2, COUNT = 20000 };
  double *samples = new_samples(COUNT, COMPONENTS, 1);
  wmc_accumulator *whole = new_accumulator(COMPONENTS), *a = new_accumulator(COMPONENTS);
  uint64_t state = 5;
  for (size_t at = 0, next; at < COUNT; at = next) {
    next = at + 1 + (size_t)(uniform(&state) * (at % 3 ? 100 : 2000));
    if (next > COUNT) next = COUNT;
    add_all(whole, samples, at, next);
    add_all(a, samples, at, next);
    carry_over(&a);
    assert_same(a, whole, next);
  }
  wmc_accumulator_clear(a);
  add_all(a, samples, 0, COUNT);
  assert_same(a, whole, 0);
  wmc_accumulator_destroy(whole);
  wmc_accumulator_destroy(a);
  free(samples);
}

Test(accumulator, what_is_not_a_packed_accumulator_is_refused)
{
  enum { COMPONENTS = 2, COUNT = 100, SIZE = 2 + 67 * COMPONENTS };
  cr_assert_eq(wmc_accumulator_packed_size(COMPONENTS), SIZE);
  const struct {
    size_t at;
    double value;
    const char *what;
  } cases[] = {{0, 3, "components"},
               {0, NAN, "components"},
               {1, -1, "count"},
               {1, 99.5, "count"},
               {1, NAN, "count"},
               {1, 1e300, "count"},
               {1, 0, "count too small for the batches"},
               {1, 40, "count too small for the batches"},
               {2 + 2 * COMPONENTS + 1, -1e-9, "squares"},
               {SIZE - 1, 1, "batches that cannot be there yet"}};
  double *samples = new_samples(COUNT, COMPONENTS, 1), state[SIZE];
  wmc_accumulator *a = new_accumulator(COMPONENTS), *whole = new_accumulator(COMPONENTS);
  add_all(whole, samples, 0, COUNT);
  add_all(a, samples, 0, COUNT);
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_accumulator_pack(whole, state);
    state[cases[k].at] = cases[k].value;
    wmc_message_clear();
    cr_assert_eq(wmc_accumulator_unpack(a, state), WMC_IO, "%s", cases[k].what);
    cr_assert_str_not_empty(wmc_message());
    assert_same(a, whole, COUNT);
  }
  wmc_accumulator_destroy(a);
  wmc_accumulator_destroy(whole);
  free(samples);
}

/* ---- estimates of few, constant or bad samples; coverage is tested in tests/statistical ----- */

enum { MOST_CHAINS = 16 };

/* Estimate over `chains` accumulators of `count` values value(chain, draw). */
static wmc_estimate estimate(size_t chains, size_t count, double (*value)(size_t c, size_t i))
{
  wmc_accumulator *a[MOST_CHAINS] = {NULL};
  for (size_t c = 0; c < chains; c++) {
    a[c] = new_accumulator(1);
    for (size_t i = 0; i < count; i++) wmc_accumulator_add(a[c], &(double){value(c, i)});
  }
  wmc_estimate e;
  wmc_estimate_chains((const wmc_accumulator *const *)a, chains, 0, &e);
  for (size_t c = 0; c < chains; c++) wmc_accumulator_destroy(a[c]);
  return e;
}

static double arbitrary(size_t c, size_t i)
{
  uint64_t state = 1000003 * c + i;
  return uniform(&state);
}
static double constant(size_t c, size_t i) { return 0.1 + 0 * (double)(c + i); }
static double own_constant(size_t c, size_t i) { return (double)c + 0 * (double)i; }
static double alternating(size_t c, size_t i) { return (c + i) % 2 ? 1 : -1; }
static double nan_once(size_t c, size_t i) { return c == 1 && i == 7 ? NAN : 1; }
static double infinite_once(size_t c, size_t i) { return c == 1 && i == 7 ? INFINITY : 1; }
static double huge(size_t c, size_t i) { return (c + i) % 2 ? 1e200 : -1e200; }

Test(estimate, of_nothing)
{
  wmc_estimate e;
  wmc_accumulator *empty = new_accumulator(1);
  const wmc_accumulator *const chains[] = {NULL, empty, NULL};
  wmc_estimate_chains(chains, 3, 0, &e);
  cr_assert(isnan(e.mean) && isnan(e.error) && isnan(e.ess) && isnan(e.rhat));
  cr_assert_eq(e.samples, 0);
  cr_assert_eq(e.quality, WMC_ESTIMATE_FEW);
  wmc_accumulator_destroy(empty);
}

Test(estimate, of_one_sample)
{
  wmc_estimate e = estimate(1, 1, arbitrary);
  cr_assert_eq(e.mean, arbitrary(0, 0));
  cr_assert(isnan(e.error) && isnan(e.deviation) && isnan(e.tau) && isnan(e.rhat));
  cr_assert_eq(e.samples, 1);
  cr_assert_eq(e.quality, WMC_ESTIMATE_FEW);
}

/* One draw a chain is the textbook case: error = s / sqrt(C), here with Student's factor. */
Test(estimate, of_one_draw_a_chain)
{
  for (size_t chains = 2; chains <= MOST_CHAINS; chains++) {
    double x[MOST_CHAINS];
    for (size_t c = 0; c < chains; c++) x[c] = arbitrary(c, 0);
    wmc_estimate e = estimate(chains, 1, arbitrary);
    double n = (double)chains, s = sqrt(variance_of(x, 1, 0, chains));
    cr_assert_float_eq(e.mean, mean_of(x, 1, 0, 0, chains), 1e-15);
    cr_assert_float_eq(e.deviation, s, 1e-14);
    cr_assert_float_eq(e.error, wmc_student_factor(n - 1) * s / sqrt(n), 1e-14);
    cr_assert_float_eq(e.freedom, n - 1, 1e-12);
  }
}

Test(estimate, with_few_draws_is_finite)
{
  for (size_t chains = 1; chains <= MOST_CHAINS; chains++)
    for (size_t count = 2; count < 140; count++) {
      wmc_estimate e = estimate(chains, count, arbitrary);
      double s = 1 / sqrt(12.0 * (double)(chains * count));
      cr_assert(e.error > 0 && e.tau > 0 && e.ess > 0 && e.freedom >= 1, "%zu of %zu", count,
                chains);
      cr_assert_lt(e.error, 10 * s);
      cr_assert_eq(isnan(e.rhat), count < 4);
    }
}

Test(estimate, of_constants_has_no_error)
{
  for (size_t chains = 1; chains <= MOST_CHAINS; chains += 5)
    for (size_t count = 2; count < 200; count += 7) {
      wmc_estimate e = estimate(chains, count, constant);
      cr_assert_eq(e.mean, 0.1);
      cr_assert_eq(e.error, 0);
      cr_assert_eq(e.deviation, 0);
      cr_assert_eq(e.tau, 0.5);
      cr_assert_eq(e.ess, (double)(chains * count));
      cr_assert(count < 4 ? isnan(e.rhat) : e.rhat == 1);
      cr_assert_eq(e.quality, WMC_ESTIMATE_GOOD);
    }
}

/* Chains that do not move are worth one sample each. */
Test(estimate, of_chains_stuck_at_different_values)
{
  const size_t chains = 10;
  wmc_estimate e = estimate(chains, 1000, own_constant);
  double n = (double)chains, variance = n * (n + 1) / 12; /* of 0, 1, ..., n-1 */
  cr_assert_float_eq(e.mean, (n - 1) / 2, 1e-12);
  cr_assert_float_eq(e.error, wmc_student_factor(n - 1) * sqrt(variance / n), 1e-12);
  cr_assert(e.quality == WMC_ESTIMATE_APART || e.quality == WMC_ESTIMATE_SHORT);
  cr_assert(isinf(e.rhat));
  cr_assert_lt(fabs(e.ess - n), 2);
}

Test(estimate, of_alternating_draws_bounds_the_sample_size)
{
  wmc_estimate e = estimate(4, 1000, alternating);
  cr_assert_float_eq(e.mean, 0, 1e-12);
  cr_assert_leq(e.ess, e.samples * log10(e.samples) * (1 + 1e-12));
  cr_assert(isfinite(e.error) && isfinite(e.tau));
}

Test(estimate, flags_samples_that_are_not_finite)
{
  double (*const cases[])(size_t, size_t) = {nan_once, infinite_once, huge};
  for (size_t k = 0; k < 3; k++)
    for (size_t chains = 2; chains <= 8; chains *= 2) {
      wmc_estimate e = estimate(chains, 100, cases[k]);
      cr_assert(k == 2 || !isfinite(e.mean));
      cr_assert(isnan(e.error) && isnan(e.tau) && isnan(e.ess));
      cr_assert_eq(e.quality, WMC_ESTIMATE_NONFINITE);
      cr_assert_eq(e.samples, (double)(100 * chains));
    }
}

/* Missing and empty chains change nothing; chains of different lengths are weighted by length. */
Test(estimate, over_unequal_chains)
{
  const size_t counts[] = {1000, 0, 500, 3};
  wmc_accumulator *a[4];
  double sum = 0, samples = 0;
  for (size_t c = 0; c < 4; c++) {
    a[c] = new_accumulator(1);
    for (size_t i = 0; i < counts[c]; i++) {
      double x = arbitrary(c, i);
      wmc_accumulator_add(a[c], &x);
      sum += x;
      samples++;
    }
  }
  const wmc_accumulator *const some[] = {a[0], NULL, a[2], a[3]};
  wmc_estimate all, few;
  wmc_estimate_chains((const wmc_accumulator *const *)a, 4, 0, &all);
  wmc_estimate_chains(some, 4, 0, &few);
  cr_assert_eq(memcmp(&all, &few, offsetof(wmc_estimate, quality)), 0);
  cr_assert_eq(all.samples, samples);
  cr_assert_float_eq(all.mean, sum / samples, 1e-14);
  double exact = 1 / sqrt(12 * samples);
  cr_assert_lt(fabs(all.error / exact - 1), 5 / sqrt(2 * all.freedom));
  for (size_t c = 0; c < 4; c++) wmc_accumulator_destroy(a[c]);
}

/* The factor against the definition: the integral of Student's density over (-f, f). */
Test(estimate, student_factor_covers_one_sigma)
{
  for (double k = 1; k < 200; k = floor(1.5 * k + 1)) {
    double factor = wmc_student_factor(k), sum = 0;
    enum { STEPS = 2000 };
    double constant = exp(lgamma((k + 1) / 2) - lgamma(k / 2)) / sqrt(k * acos(-1));
    for (int i = 0; i < STEPS; i++) { /* midpoint rule on (0, factor) */
      double t = (i + 0.5) * factor / STEPS;
      sum += 2 * constant * pow(1 + t * t / k, -(k + 1) / 2) * factor / STEPS;
    }
    cr_assert_float_eq(sum, erf(sqrt(0.5)), k < 2 ? 5e-3 : 5e-4, "freedom %g", k);
  }
}

/* Three errors miss the truth in about 1 of 100 cases where numbers begin to be marked: in more
 * just below, and never with the default of 16 chains. */
Test(estimate, marks_begin_where_three_errors_miss_one_in_a_hundred)
{
  const double k = WMC_STUDENT_STEADY;
  cr_assert_float_eq(wmc_student_two_sided(3 * wmc_student_factor(k), k), 0.01, 5e-4);
  cr_assert_gt(wmc_student_two_sided(3 * wmc_student_factor(k - 1), k - 1), 0.011);
  cr_assert_leq(k, 15);
}

Test(estimate, qualities_have_texts)
{
  for (int k = 0; k < WMC_ESTIMATE_QUALITIES; k++)
    cr_assert_str_not_empty(wmc_estimate_quality_text((wmc_estimate_quality)k));
}
