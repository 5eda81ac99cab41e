#include <stdarg.h>
#include <string.h>

#include "weylmc/models/model.h"

/* A new model is a declaration and a row here. */
extern const wmc_model wmc_model_balanced, wmc_model_equivariant, wmc_residual_jacobian;

const wmc_model *const wmc_models[] = {
    &wmc_model_balanced,
    &wmc_model_equivariant,
    &wmc_residual_jacobian,
    NULL,
};

const wmc_model *wmc_model_find(const char *name)
{
  const wmc_model *const *model = wmc_models;
  while (*model != NULL && strcmp((*model)->name, name) != 0) model++;
  return *model;
}

size_t wmc_axes_count(const int axis[WMC_OBSERVABLE_AXES])
{
  size_t n = 0;
  while (n < WMC_OBSERVABLE_AXES && axis[n] != WMC_NO_AXIS) n++;
  return n;
}

/* Entries on these axes of the model. */
static size_t size_of(const wmc_model *model, const int axis[WMC_OBSERVABLE_AXES],
                      const wmc_value *parameters)
{
  size_t size = 1, n = wmc_axes_count(axis);
  for (size_t k = 0; k < n; k++) size *= model->axes[axis[k]].length(parameters);
  return size;
}

size_t wmc_observable_size(const wmc_model *model, const wmc_observable *observable,
                           const wmc_value *parameters)
{
  return size_of(model, observable->axis, parameters);
}

size_t wmc_derived_size(const wmc_model *model, const wmc_derived *derived,
                        const wmc_value *parameters)
{
  return size_of(model, derived->axis, parameters);
}

size_t wmc_observable_first(const wmc_model *model, const char *name, const wmc_value *parameters)
{
  size_t first = 0;
  for (const wmc_observable *o = model->observables; o->name && strcmp(o->name, name) != 0; o++)
    first += wmc_observable_size(model, o, parameters);
  return first;
}

size_t wmc_derived_first(const wmc_model *model, const char *name, const wmc_value *parameters)
{
  size_t first = 0;
  for (const wmc_derived *d = model->derived; d->name && strcmp(d->name, name) != 0; d++)
    first += wmc_derived_size(model, d, parameters);
  return first;
}

size_t wmc_model_measurement_size(const wmc_model *model, const wmc_value *parameters)
{
  return wmc_observable_first(model, "", parameters);
}

void wmc_complain(const wmc_complaints *complaints, int field, const char *format, ...)
{
  wmc_text message = {0};
  va_list arguments;
  va_start(arguments, format);
  wmc_text_append_list(&message, format, arguments);
  va_end(arguments);
  complaints->add(complaints->sink, field, wmc_text_string(&message));
  wmc_text_free(&message);
}
