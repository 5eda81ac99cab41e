#include "weylmc/statistics/estimate.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "weylmc/numeric/special.h"

/* Batches that the longest chain is cut into at each level, side by side. */
static const double level_batches[] = {64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1};
enum {
  LEVELS = sizeof level_batches / sizeof level_batches[0],
  WHOLE = LEVELS - 1, /* the level of whole chains */
  LEAST = 4,          /* least number of batches for an error, if there are so many draws */
  ENOUGH = 48         /* batches that give an error to 10% */
};
static const double improbable = 0.005; /* of chains that differ by chance */
static const double long_chain = 30;    /* in tau */
static const double steady = 20;        /* degrees of freedom */

/* Weighted values merged one by one, after Chan et al. (1979). */
typedef struct merger {
  double weight, mean, square; /* sum of weights, mean, sum of weight (value - mean)^2 */
  double count;
} merger;

/* Merge a group of this weight, mean and sum of squared deviations from its mean. */
static void merge(merger *m, double weight, double mean, double square)
{
  if (m->count == 0) m->mean = mean; /* exactly, so that constants have no variance */
  double before = m->weight, difference = mean - m->mean;
  m->weight += weight;
  m->mean += difference * weight / m->weight;
  m->square += square + difference * difference * before * weight / m->weight;
  m->count++;
}

/* Overlapping batches of one length: sums over batches j, and over pairs i, j. */
typedef struct level {
  double square; /* length (mean - grand mean)^2 */
  double fourth; /* the square of that */
  double places; /* their number */
  double trace;  /* expectation of `square` / variance, for independent draws: 1 - length/N */
  double pairs;  /* squares of the correlations of i with j, less what all pairs have in common */
  double length; /* lengths */
  double pieces; /* number of such batches side by side */
} level;

/* Everything that the analysis takes from the chains. */
typedef struct summary {
  merger samples; /* of weight 1: all samples of all chains */
  merger halves;  /* of the chains, for R-hat */
  double within, within_freedom;
  double covered; /* draws in complete batches */
  double longest; /* such draws of the longest chain */
  double chains;
  level level[LEVELS];
} summary;

/* ---- reading the chains ----------------------------------------------------------------- */

typedef struct chain {
  double count, mean, square; /* of samples */
  double length, batch[WMC_BATCHES];
  size_t batches;
} chain;

static void read_chain(const wmc_accumulator *from, size_t component, chain *out)
{
  out->count = (double)wmc_accumulator_count(from);
  out->mean = wmc_accumulator_mean(from, component);
  out->square = out->count > 1 ? wmc_accumulator_variance(from, component) * (out->count - 1) : 0;
  out->length = (double)wmc_accumulator_batch_length(from);
  out->batches = wmc_accumulator_batches(from);
  for (size_t b = 0; b < out->batches; b++)
    out->batch[b] = wmc_accumulator_batch_mean(from, b, component);
}

/* Mean of batches [from, to): exact if all are equal. */
static double batches_mean(const chain *c, size_t from, size_t to)
{
  double sum = 0;
  for (size_t b = from; b < to; b++) sum += c->batch[b] - c->batch[from];
  return c->batch[from] + sum / (double)(to - from);
}

/* Half chains for R-hat: the squares within halves are those of the chain less what the difference
 * of the halves contributes. */
static void add_halves(summary *s, const chain *c)
{
  if (c->count < 4) return;
  double first = batches_mean(c, 0, c->batches / 2);
  double second = batches_mean(c, c->batches - c->batches / 2, c->batches);
  double difference = first - second;
  merge(&s->halves, 1, first, 0);
  merge(&s->halves, 1, second, 0);
  s->within += fmax(0, c->square - c->count / 4 * difference * difference);
  s->within_freedom += c->count - 2;
}

/* What can be had without the mean over all chains. */
static void add_chain(summary *s, const chain *c)
{
  double covered = c->length * (double)c->batches;
  merge(&s->samples, c->count, c->mean, c->square);
  add_halves(s, c);
  s->covered += covered;
  s->longest = fmax(s->longest, covered);
  s->chains++;
}

/* Two batches of w blocks of a chain, d blocks apart, have the correlation 1 - d/w - x about the
 * grand mean, and -x if they do not overlap, as in different chains; x = length/N. */
static double pair_squares(size_t places, size_t w, double x)
{
  double sum = (double)places * ((1 - x) * (1 - x) - x * x);
  for (size_t d = 1; d < w && d < places; d++) {
    double overlap = 1 - (double)d / (double)w;
    sum += 2 * (double)(places - d) * ((overlap - x) * (overlap - x) - x * x);
  }
  return sum;
}

/* Slide a batch of w blocks along the chain. */
static void add_batches(const summary *s, level *l, const chain *c, size_t w)
{
  double length = (double)w * c->length, x = length / s->samples.weight, sum = 0;
  size_t places = c->batches - w + 1;
  for (size_t b = 0; b + 1 < w; b++) sum += c->batch[b] - c->batch[0];
  for (size_t j = 0; j < places; j++) {
    sum += c->batch[j + w - 1] - c->batch[0];
    double d = c->batch[0] + sum / (double)w - s->samples.mean;
    l->square += length * d * d;
    l->fourth += length * d * d * length * d * d;
    sum -= c->batch[j] - c->batch[0];
  }
  l->places += (double)places;
  l->trace += (double)places * (1 - x);
  l->pairs += pair_squares(places, w, x);
  l->length += (double)places * length;
  l->pieces += (double)c->batches / (double)w;
}

static void add_levels(summary *s, const chain *c)
{
  for (int k = 0; k < WHOLE; k++) {
    double want = floor(0.5 + s->longest / level_batches[k] / c->length);
    size_t w = want < 1 ? 1 : want > (double)c->batches ? c->batches : (size_t)want;
    add_batches(s, &s->level[k], c, w);
  }
  const chain whole = {.length = c->count, .batches = 1, .batch = {c->mean}};
  add_batches(s, &s->level[WHOLE], &whole, 1);
}

/* ---- choosing the batches --------------------------------------------------------------- */

/* Variance of the mean if draws were independent. */
static double naive_variance(const summary *s)
{
  return s->samples.square / (s->samples.weight - 1) / s->samples.weight;
}

static double level_length(const summary *s, int k)
{
  double all = k == WHOLE ? s->samples.weight : s->covered;
  return all / s->level[k].pieces;
}

static double level_freedom(const summary *s, int k)
{
  const level *l = &s->level[k];
  double common = l->length / s->samples.weight;
  return l->trace * l->trace / (l->pairs + common * common);
}

/* Degrees of freedom that normal batches would have whose error is as uncertain. */
static double level_steadiness(const summary *s, int k)
{
  const level *l = &s->level[k];
  const double excess = l->fourth * l->places / (l->square * l->square) - 3;
  return 1 / (1 / level_freedom(s, k) + fmax(excess, 0) / (2 * l->pieces));
}

/* Variance of the mean from one level, by (1) of the header with f of (2). */
static double level_variance(const summary *s, int k)
{
  double n = s->samples.weight, length = level_length(s, k), x = length / n;
  double raw = s->level[k].square / s->level[k].trace / n, variance = raw;
  double naive = naive_variance(s);
  if (!(naive > 0) || k == WHOLE) return raw;
  for (int pass = 0; pass < 3; pass++) { /* f depends on tau, and tau on f */
    double tau = fmax(variance / naive / 2, 0.01), h = tau - 1 / (4 * tau);
    double q = (1 - fmin(h / length, 0.5)) / (1 - fmin(h / (n / s->chains), 0.5));
    variance = raw * (1 - x) / (q - x);
  }
  return variance;
}

static bool long_enough(const summary *s, int k, double variance)
{
  double length = level_length(s, k), twice_tau = variance / naive_variance(s);
  return length * length * length > 4 * s->samples.weight * twice_tau * twice_tau;
}

/* The longest batches of which there are enough. */
static int last_level(const summary *s)
{
  int k = WHOLE;
  while (k > 0 && s->level[k].pieces < LEAST) k--;
  return k;
}

/* The shortest batches such that these and all longer ones are long enough. */
static int choose_level(const summary *s, bool *found)
{
  int last = last_level(s), k = last + 1;
  while (k > 0 && long_enough(s, k - 1, level_variance(s, k - 1))) k--;
  *found = k <= last;
  return *found ? k : last;
}

/* Longer batches, while there are enough for an error. */
static int lengthen(const summary *s, int k)
{
  while (k < WHOLE && s->level[k + 1].pieces >= ENOUGH) k++;
  return k;
}

/* Whether whole chains scatter by more than chance allows if the variance is what level k says. */
static bool chains_apart(const summary *s, double variance)
{
  double freedom = level_freedom(s, WHOLE);
  if (s->chains < 2) return false;
  double whole = level_variance(s, WHOLE);
  if (!(whole > variance)) return false;
  return wmc_chi_squared_tail(freedom * whole / variance, freedom) < improbable;
}

/* ---- estimates -------------------------------------------------------------------------- */

double wmc_student_factor(double freedom)
{
  /* Abramowitz and Stegun 26.7.5 at the normal quantile 1 */
  double u = 1 / freedom;
  return 1 + u * (1.0 / 2 + u * (1.0 / 4 + u * (1.0 / 16)));
}

double wmc_estimate_p_value(double value, double error, double freedom)
{
  if (!isfinite(value) || !(error > 0) || !(freedom > 0)) return NAN;
  return wmc_student_two_sided(value / error * wmc_student_factor(freedom), freedom);
}

static double split_rhat(const summary *s)
{
  if (s->halves.count < 2) return NAN;
  double within = s->within / s->within_freedom;
  double length = (s->within_freedom / s->halves.count + 1); /* mean draws of a half chain */
  double between = s->halves.square / (s->halves.count - 1);
  if (!(between > 0)) return within > 0 ? sqrt((length - 1) / length) : 1;
  return sqrt((length - 1) / length + between / within);
}

static void analyse(const summary *s, wmc_estimate *out)
{
  double count = s->samples.weight, naive = naive_variance(s);
  bool found, apart = false, varies = naive > 0;
  int shortest = choose_level(s, &found), k = lengthen(s, shortest);
  if (varies && chains_apart(s, level_variance(s, shortest))) {
    shortest = k = WHOLE;
    apart = true;
  }
  out->freedom = level_freedom(s, k);
  out->error = sqrt(level_variance(s, k)) * wmc_student_factor(out->freedom);
  double gain = varies ? naive / level_variance(s, shortest) : 1;
  out->ess = fmin(gain, fmax(1, log10(count))) * count;
  out->tau = count / out->ess / 2;
  bool enough = !varies || (found && s->longest > long_chain * out->tau);
  const bool thin = varies && level_steadiness(s, k) < steady;
  out->quality = apart     ? WMC_ESTIMATE_APART
                 : !enough ? WMC_ESTIMATE_SHORT
                 : thin    ? WMC_ESTIMATE_THIN
                           : WMC_ESTIMATE_GOOD;
  out->deviation = sqrt(naive * count);
  out->rhat = split_rhat(s);
}

void wmc_estimate_chains(const wmc_accumulator *const *accumulators, size_t chains,
                         size_t component, wmc_estimate *out)
{
  summary s = {.chains = 0};
  *out = (wmc_estimate){NAN, NAN, NAN, NAN, NAN, NAN, 0, 0, WMC_ESTIMATE_FEW};
  for (int pass = 0; pass < 2; pass++)
    for (size_t c = 0; c < chains; c++) {
      if (accumulators[c] == NULL || wmc_accumulator_count(accumulators[c]) == 0) continue;
      chain one;
      read_chain(accumulators[c], component, &one);
      pass == 0 ? add_chain(&s, &one) : add_levels(&s, &one);
    }
  out->samples = s.samples.weight;
  if (s.samples.weight == 0) return;
  out->mean = s.samples.mean;
  if (!isfinite(s.samples.mean) || !isfinite(s.samples.square))
    out->quality = WMC_ESTIMATE_NONFINITE;
  else if (s.samples.weight > 1)
    analyse(&s, out);
}

const char *wmc_estimate_quality_text(wmc_estimate_quality quality)
{
  static const char thin[] =
      "errors from fewer than 20 independent draws or batches, or from a few "
      "large ones: they may be much too small; draw more";
  static const char *const texts[WMC_ESTIMATE_QUALITIES] = {
      [WMC_ESTIMATE_GOOD] = "good",
      [WMC_ESTIMATE_SHORT] = "chains short against tau",
      [WMC_ESTIMATE_APART] = "chains differ by more than chance",
      [WMC_ESTIMATE_FEW] = "too few draws",
      [WMC_ESTIMATE_NONFINITE] = "some draws are not finite",
      [WMC_ESTIMATE_THIN] = thin,
      [WMC_ESTIMATE_BIASED] = "more bias left than statistical error; the error allows for it",
  };
  assert((unsigned)quality < WMC_ESTIMATE_QUALITIES);
  return texts[quality];
}
