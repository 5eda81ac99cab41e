#include "weylmc/statistics/estimate.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

#include "weylmc/numeric/special.h"

/* Batches of the longest chain at each level. */
static const size_t level_batches[] = {64, 48, 32, 24, 16, 12, 8, 6, 4, 3, 2, 1};
enum {
  LEVELS = sizeof level_batches / sizeof level_batches[0],
  WHOLE = LEVELS - 1, /* the level of whole chains */
  LEAST = 4,          /* least number of batches for an error, if there are so many draws */
  ENOUGH = 48         /* batches that give an error to 10% */
};
static const double improbable = 0.001; /* of chains that differ by chance */
static const double long_chain = 30;    /* in tau */

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

/* Everything that the analysis takes from the chains. */
typedef struct summary {
  merger samples;       /* of weight 1: all samples of all chains */
  merger level[LEVELS]; /* batches, weighted by their length */
  merger halves;        /* of the chains, for R-hat */
  double within, within_freedom;
  double longest; /* draws in complete batches of the longest chain */
  double chains;
} summary;

/* ---- reading the chains ----------------------------------------------------------------- */

static double covered(const wmc_accumulator *chain)
{
  return (double)wmc_accumulator_batch_length(chain) * (double)wmc_accumulator_batches(chain);
}

/* Mean of batches [from, to): exact if all are equal. */
static double batches_mean(const double *batch, size_t from, size_t to)
{
  double sum = 0;
  for (size_t b = from; b < to; b++) sum += batch[b] - batch[from];
  return batch[from] + sum / (double)(to - from);
}

/* Merge the chain, cut into `parts` batches as equal as can be. */
static void add_parts(merger *m, const double *batch, size_t batches, double length, size_t parts)
{
  for (size_t j = 0; j < parts; j++) {
    size_t from = j * batches / parts, to = (j + 1) * batches / parts;
    merge(m, (double)(to - from) * length, batches_mean(batch, from, to), 0);
  }
}

/* Half chains for R-hat: the squares within halves are those of the chain less what the difference
 * of the halves contributes. */
static void add_halves(summary *s, const double *batch, size_t batches, double count, double square)
{
  if (count < 4) return;
  double first = batches_mean(batch, 0, batches / 2);
  double second = batches_mean(batch, batches - batches / 2, batches);
  double difference = first - second;
  merge(&s->halves, 1, first, 0);
  merge(&s->halves, 1, second, 0);
  s->within += fmax(0, square - count / 4 * difference * difference);
  s->within_freedom += count - 2;
}

static void add_chain(summary *s, const wmc_accumulator *chain, size_t component)
{
  double batch[WMC_BATCHES], count = (double)wmc_accumulator_count(chain);
  size_t batches = wmc_accumulator_batches(chain);
  double length = (double)wmc_accumulator_batch_length(chain);
  double mean = wmc_accumulator_mean(chain, component);
  double square = count > 1 ? wmc_accumulator_variance(chain, component) * (count - 1) : 0;
  for (size_t b = 0; b < batches; b++) batch[b] = wmc_accumulator_batch_mean(chain, b, component);
  merge(&s->samples, count, mean, square);
  merge(&s->level[WHOLE], count, mean, 0); /* with the batch being filled */
  for (int k = 0; k < WHOLE; k++) {
    double want = floor(0.5 + covered(chain) / s->longest * (double)level_batches[k]);
    size_t parts = want < 1 ? 1 : want > (double)batches ? batches : (size_t)want;
    add_parts(&s->level[k], batch, batches, length, parts);
  }
  add_halves(s, batch, batches, count, square);
}

/* ---- choosing the batches --------------------------------------------------------------- */

/* Variance of the mean if draws were independent. */
static double naive_variance(const summary *s)
{
  return s->samples.square / (s->samples.weight - 1) / s->samples.weight;
}

/* Variance of the mean from one level, by (1) of the header with f of (2). */
static double level_variance(const summary *s, int k)
{
  const merger *m = &s->level[k];
  double naive = naive_variance(s);
  double raw = m->square / (m->count - 1) / s->samples.weight, variance = raw;
  double length = m->weight / m->count, chain = m->weight / s->chains;
  if (!(naive > 0)) return raw;
  for (int pass = 0; pass < 3; pass++) { /* f depends on tau, and tau on f */
    double tau = fmax(variance / naive / 2, 0.01), h = tau - 1 / (4 * tau);
    double q = (1 - fmin(h / length, 0.5)) / (1 - fmin(h / chain, 0.5));
    variance = raw * (m->count - 1) / (m->count * q - 1);
  }
  return variance;
}

static bool long_enough(const summary *s, int k, double variance)
{
  double length = s->level[k].weight / s->level[k].count;
  double twice_tau = variance / naive_variance(s);
  return length * length * length > 2 * s->samples.weight * twice_tau * twice_tau;
}

/* The longest batches of which there are enough. */
static int last_level(const summary *s)
{
  int k = WHOLE;
  while (k > 0 && s->level[k].count < LEAST) k--;
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
  while (k < WHOLE && s->level[k + 1].count >= ENOUGH) k++;
  return k;
}

/* Whether whole chains scatter by more than chance allows if the variance is what level k says. */
static bool chains_apart(const summary *s, double variance)
{
  double freedom = s->level[WHOLE].count - 1;
  if (freedom < 1) return false;
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
  out->freedom = s->level[k].count - 1;
  out->error = sqrt(level_variance(s, k)) * wmc_student_factor(out->freedom);
  double gain = varies ? naive / level_variance(s, shortest) : 1;
  out->ess = fmin(gain, fmax(1, log10(count))) * count;
  out->tau = count / out->ess / 2;
  bool enough = !varies || (found && s->longest > long_chain * out->tau);
  out->quality = apart ? WMC_ESTIMATE_APART : enough ? WMC_ESTIMATE_GOOD : WMC_ESTIMATE_SHORT;
  out->deviation = sqrt(naive * count);
  out->rhat = split_rhat(s);
}

void wmc_estimate_chains(const wmc_accumulator *const *accumulators, size_t chains,
                         size_t component, wmc_estimate *out)
{
  summary s = {.chains = 0};
  *out = (wmc_estimate){NAN, NAN, NAN, NAN, NAN, NAN, 0, 0, WMC_ESTIMATE_FEW};
  for (size_t c = 0; c < chains; c++)
    if (accumulators[c] != NULL && wmc_accumulator_count(accumulators[c]) > 0) {
      s.longest = fmax(s.longest, covered(accumulators[c]));
      s.chains++;
    }
  for (size_t c = 0; c < chains; c++)
    if (accumulators[c] != NULL && wmc_accumulator_count(accumulators[c]) > 0)
      add_chain(&s, accumulators[c], component);
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
  static const char *const texts[WMC_ESTIMATE_QUALITIES] = {
      [WMC_ESTIMATE_GOOD] = "good",
      [WMC_ESTIMATE_SHORT] = "chains short against tau",
      [WMC_ESTIMATE_APART] = "chains differ by more than chance",
      [WMC_ESTIMATE_FEW] = "too few draws",
      [WMC_ESTIMATE_NONFINITE] = "some draws are not finite",
  };
  assert((unsigned)quality < WMC_ESTIMATE_QUALITIES);
  return texts[quality];
}
