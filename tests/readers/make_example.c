/* Writes the results file that the readers of this folder open. Every entry of a numeric array is
 * 100 i + 10 j + k for its indices i, j, k, so that each reader can check what it sees; entries
 * that do not exist (a network of depth 2 here has one singular value) are NaN.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"

enum { DEPTHS = 3, KINDS = 3, VALUES = 2, CHAINS = 4 };

static const double depths[DEPTHS] = {2, 10, INFINITY};
static const char *const kinds[KINDS] = {"frobenius", "target", "größe"};

static void fill(const wmc_group *group, wmc_array *array)
{
  for (size_t n = 0; n < wmc_array_size(group, array); n++) {
    size_t rest = n;
    double weight = 1;
    array->data[n] = 0;
    for (size_t a = array->axes; a-- > 0; weight *= 10) {
      size_t length = group->axis[array->axis[a]].length;
      array->data[n] += weight * (double)(rest % length);
      rest /= length;
    }
  }
}

static bool add_estimates(wmc_results *results)
{
  const double index[VALUES] = {1, 2};
  wmc_group *group = wmc_results_add_group(results, "estimates");
  if (group == NULL) return false;
  const size_t axis[3] = {
      (size_t)wmc_group_add_axis(group, "depth", "1", "number of layers", DEPTHS, depths, NULL),
      (size_t)wmc_group_add_axis(group, "energy.kind", "", "kind of energy", KINDS, NULL, kinds),
      (size_t)wmc_group_add_axis(group, "index", "1", "from the largest", VALUES, index, NULL)};
  wmc_array *values =
      wmc_group_add_array(group, "singular_values", "1", "singular values of X", 3, axis, false);
  if (values == NULL) return false;
  fill(group, values);
  for (size_t k = 0; k < KINDS; k++) values->data[VALUES * k + 1] = NAN;
  wmc_array *entropy = wmc_group_add_array(group, "entropy", "nat", "S(X)", 2, axis, false);
  if (entropy == NULL) return false;
  fill(group, entropy);
  wmc_array *form = wmc_group_add_array(group, "form", "", "form of the fit", 1, axis, true);
  if (form == NULL) return false;
  form->strings[0] = wmc_text_copy("a + b/L");
  form->strings[2] = wmc_text_copy("a + b L⁻ᵖ"); /* the one between stays empty */
  wmc_array *total = wmc_group_add_array(group, "samples", "1", "samples in all", 0, NULL, false);
  if (total == NULL) return false;
  total->data[0] = 1e6;
  return true;
}

static bool add_chains(wmc_results *results)
{
  double number[CHAINS];
  for (int k = 0; k < CHAINS; k++) number[k] = k;
  wmc_group *group = wmc_results_add_group(results, "chains");
  if (group == NULL) return false;
  const size_t axis[2] = {
      (size_t)wmc_group_add_axis(group, "chain", "1", "chain", CHAINS, number, NULL),
      (size_t)wmc_group_add_axis(group, "depth", "1", "number of layers", DEPTHS, depths, NULL)};
  wmc_array *mean = wmc_group_add_array(group, "entropy", "nat", "mean of S(X)", 2, axis, false);
  if (mean == NULL) return false;
  fill(group, mean);
  return true;
}

static bool add_notes(wmc_results *results)
{
  return wmc_results_set_note(results, "title", "Entropy of X ∈ ℝ²ˣ²") == WMC_OK &&
         wmc_results_set_note(results, "model", "balanced") == WMC_OK &&
         wmc_results_set_note(results, "verbatim", "model: balanced\n# λ\n") == WMC_OK &&
         wmc_results_set_note(results, "resolved", "model: balanced\n") == WMC_OK &&
         wmc_results_set_note(results, "identity", "") == WMC_OK &&
         wmc_results_set_provenance(results, "date", "2026-01-01T00:00:00+0000") == WMC_OK;
}

int main(int count, char **arguments)
{
  if (count != 2) {
    fprintf(stderr, "usage: make_example FILE\n");
    return 2;
  }
  wmc_results results = {0};
  bool good = add_estimates(&results) && add_chains(&results) && add_notes(&results) &&
              wmc_results_write(arguments[1], &results) == WMC_OK;
  wmc_results_free(&results);
  if (!good) fprintf(stderr, "make_example: %s\n", wmc_message());
  return good ? 0 : 1;
}
