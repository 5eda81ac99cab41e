/* The table of models is well formed. */
#include <criterion/criterion.h>

#include "weylmc/models/model.h"

static int count_axes(const wmc_model *model)
{
  int n = 0;
  while (model->axes[n].name) n++;
  return n;
}

/* Also finds lists of two that do not say where they end, because axis 0 usually comes first. */
static void expect_axes(const wmc_model *model, const char *name,
                        const int axis[WMC_OBSERVABLE_AXES])
{
  const size_t n = wmc_axes_count(axis);
  for (size_t k = 0; k < n; k++) {
    cr_expect(axis[k] >= 0 && axis[k] < count_axes(model), "%s: axis %d of %s", model->name,
              axis[k], name);
    for (size_t j = 0; j < k; j++)
      cr_expect_neq(axis[j], axis[k], "%s: an axis of %s comes twice; is WMC_NO_AXIS missing?",
                    model->name, name);
  }
}

Test(models, axes_of_observables)
{
  for (const wmc_model *const *m = wmc_models; *m; m++) {
    cr_expect_leq(count_axes(*m), WMC_MODEL_AXES, "%s", (*m)->name);
    for (const wmc_observable *o = (*m)->observables; o->name; o++)
      expect_axes(*m, o->name, o->axis);
    for (const wmc_derived *d = (*m)->derived; d && d->name; d++) expect_axes(*m, d->name, d->axis);
  }
}
