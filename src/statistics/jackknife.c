#include "weylmc/statistics/jackknife.h"

#include <math.h>
#include <stdbool.h>

#include "weylmc/base/memory.h"

typedef struct jackknife {
  const wmc_accumulator *const *chain;
  size_t chains, components, entries;
  wmc_jackknife_function *function;
  void *data;

  double draws;             /* of all chains */
  long length;              /* of batches, the longest of all chains */
  double *means, *without;  /* components */
  double *value, *pseudo;   /* entries */
  wmc_accumulator **series; /* pseudo-values of each chain */
} jackknife;

static bool has_draws(const wmc_accumulator *a)
{
  return a != NULL && wmc_accumulator_count(a) > 0;
}

static void jackknife_free(jackknife *j)
{
  for (size_t c = 0; j->series != NULL && c < j->chains; c++) wmc_accumulator_destroy(j->series[c]);
  double *parts[] = {j->means, j->without, j->value, j->pseudo};
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) wmc_free(parts[k]);
  wmc_free(j->series);
}

static wmc_status jackknife_open(jackknife *j)
{
  for (size_t c = 0; c < j->chains; c++) {
    if (!has_draws(j->chain[c])) continue;
    j->components = wmc_accumulator_components(j->chain[c]);
    j->draws += (double)wmc_accumulator_count(j->chain[c]);
    long length = wmc_accumulator_batch_length(j->chain[c]);
    if (length > j->length) j->length = length;
  }
  j->means = WMC_ARRAY(double, j->components);
  j->without = WMC_ARRAY(double, j->components);
  j->value = WMC_ARRAY(double, j->entries);
  j->pseudo = WMC_ARRAY(double, j->entries);
  j->series = WMC_ARRAY(wmc_accumulator *, j->chains);
  if (!j->means || !j->without || !j->value || !j->pseudo || !j->series) return wmc_no_memory();
  for (size_t c = 0; c < j->chains; c++) WMC_TRY(wmc_accumulator_create(&j->series[c], j->entries));
  return WMC_OK;
}

static void average_all(jackknife *j)
{
  for (size_t i = 0; i < j->components; i++) j->means[i] = 0;
  for (size_t c = 0; c < j->chains; c++) {
    if (!has_draws(j->chain[c])) continue;
    double share = (double)wmc_accumulator_count(j->chain[c]) / j->draws;
    for (size_t i = 0; i < j->components; i++)
      j->means[i] += share * wmc_accumulator_mean(j->chain[c], i);
  }
  j->function(j->data, j->means, j->value);
}

/* The pseudo-value without `merged` batches of a chain from `first` on. */
static void leave_out(jackknife *j, size_t c, size_t first, size_t merged)
{
  const double h = j->draws / (double)j->length;
  for (size_t i = 0; i < j->components; i++) {
    double mean = 0;
    for (size_t b = first; b < first + merged; b++)
      mean += wmc_accumulator_batch_mean(j->chain[c], b, i) / (double)merged;
    j->without[i] = j->means[i] + (j->means[i] - mean) / (h - 1);
  }
  j->function(j->data, j->without, j->pseudo);
  for (size_t e = 0; e < j->entries; e++)
    j->pseudo[e] = j->value[e] + (h - 1) * (j->value[e] - j->pseudo[e]);
  wmc_accumulator_add(j->series[c], j->pseudo);
}

static void leave_out_each(jackknife *j)
{
  if ((double)j->length >= j->draws) return; /* a single batch: nothing would be left */
  for (size_t c = 0; c < j->chains; c++) {
    if (!has_draws(j->chain[c])) continue;
    size_t merged = (size_t)(j->length / wmc_accumulator_batch_length(j->chain[c]));
    size_t batches = wmc_accumulator_batches(j->chain[c]) / merged;
    for (size_t b = 0; b < batches; b++) leave_out(j, c, b * merged, merged);
  }
}

wmc_status wmc_jackknife(const wmc_accumulator *const *accumulators, size_t chains, size_t entries,
                         wmc_jackknife_function *function, void *data, wmc_estimate *out)
{
  jackknife j = {.chain = accumulators,
                 .chains = chains,
                 .entries = entries,
                 .function = function,
                 .data = data};
  wmc_status status = jackknife_open(&j);
  if (status == WMC_OK && j.draws > 0) {
    average_all(&j);
    leave_out_each(&j);
  }
  for (size_t e = 0; status == WMC_OK && e < entries; e++) {
    wmc_estimate_chains((const wmc_accumulator *const *)j.series, chains, e, &out[e]);
    out[e].mean = j.draws > 0 ? j.value[e] : NAN;
    out[e].samples = j.draws;
    out[e].deviation = out[e].tau = out[e].ess = out[e].rhat = NAN;
  }
  jackknife_free(&j);
  return status;
}
