/* Whether the arrays of a results file belong together, as those that weylmc wrote do. */
#include <stdio.h>
#include <string.h>

#include "h5.h"
#include "results_check.h"

/* Arrays that say more of an array, entry by entry; and of an array of limits, whose name is used
 * without `_limit`: those that fits of all versions have, others, and names. */
static const char *const further[] = {"_error", "_deviation", "_tau",     "_ess",
                                      "_rhat",  "_quality",   "_freedom", "_expected",
                                      "_z",     "_bias",      NULL};
static const char *const of_fits[] = {"_limit_error", "_coefficient", "_coefficient_error", NULL};
static const char *const more_of_fits[] = {
    "_limit_freedom", "_exponent", "_chi2",   "_freedom",      "_dropped",
    "_p_value",       "_reach",    "_share",  "_aicc",         "_probability",
    "_quality",       "_spread",   "_direct", "_direct_error", NULL};
static const char *const names_of_fits[] = {"_form", "_rival", NULL};
static const char LIMIT[] = "_limit", SAMPLES[] = "samples";

static bool fail(const wmc_group *group, const char *name, const char *what)
{
  return wmc_h5_fail("/%s/%s %s", group->name, name, what);
}

/* The first `axes` axes of both are the same. */
static bool same_axes(const wmc_array *a, const wmc_array *b, size_t axes)
{
  if (a->axes < axes || b->axes < axes) return false;
  return memcmp(a->axis, b->axis, axes * sizeof *a->axis) == 0;
}

/* Arrays called by the first n letters of the name of `array` and a suffix. */
static bool check_further(const wmc_group *group, const wmc_array *array, size_t n,
                          const char *const *suffix, bool numbers, bool needed)
{
  for (; *suffix != NULL; suffix++) {
    char name[256];
    snprintf(name, sizeof name, "%.*s%s", (int)n, array->name, *suffix);
    const wmc_array *other = wmc_group_array(group, name);
    if (other == NULL && needed) return fail(group, name, "is missing");
    if (other == NULL) continue;
    if (other->axes != array->axes || !same_axes(other, array, array->axes))
      return fail(group, name, "has other axes than what it belongs to");
    if ((other->data != NULL) != numbers)
      return fail(group, name, numbers ? "is no array of numbers" : "is no array of names");
  }
  return true;
}

static bool check_fit(const wmc_group *group, const wmc_array *array)
{
  const size_t n = strlen(array->name), ending = strlen(LIMIT);
  if (n <= ending || strcmp(array->name + n - ending, LIMIT) != 0) return true;
  if (array->data == NULL) return fail(group, array->name, "is no array of numbers");
  return check_further(group, array, n - ending, of_fits, true, true) &&
         check_further(group, array, n - ending, more_of_fits, true, false) &&
         check_further(group, array, n - ending, names_of_fits, false, true);
}

/* Estimates have the axes of the sweep, which are those of `samples`, and then their own. */
static bool check_sweep(const wmc_group *group)
{
  const wmc_array *samples = wmc_group_array(group, SAMPLES);
  for (size_t k = 0; k < group->arrays; k++) {
    const wmc_array *array = &group->array[k];
    if (wmc_group_sibling(group, array->name, "_error") == NULL) continue;
    if (samples == NULL || samples->data == NULL)
      return fail(group, SAMPLES, "is missing, or no array of numbers");
    if (!same_axes(array, samples, samples->axes))
      return fail(group, array->name, "has not the axes of the sweep");
  }
  return true;
}

bool wmc_results_check_group(const wmc_group *group)
{
  for (size_t k = 0; k < group->arrays; k++) {
    const wmc_array *array = &group->array[k];
    const size_t n = strlen(array->name);
    if (array->data != NULL && !check_further(group, array, n, further, true, false)) return false;
    if (!check_fit(group, array)) return false;
  }
  return strcmp(group->name, "estimates") != 0 || check_sweep(group);
}
