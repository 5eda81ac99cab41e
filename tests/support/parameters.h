/** @file parameters.h  Parameters of a model without a deck, for tests. */
#pragma once
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/models/model.h"

typedef struct test_parameters {
  const wmc_model *model;
  wmc_value *values;
} test_parameters;

static inline wmc_value *test_value(const test_parameters *p, const char *name)
{
  int k = wmc_field_find(p->model->fields, name);
  cr_assert_geq(k, 0, "no field %s", name);
  return &p->values[k];
}

/** Set a field from its text in a deck. */
static inline void test_give(const test_parameters *p, const char *name, const char *text)
{
  wmc_text why = {0};
  wmc_value *value = test_value(p, name);
  wmc_value_free(value);
  *value = (wmc_value){0};
  cr_assert(
      wmc_field_read(&p->model->fields[wmc_field_find(p->model->fields, name)], text, value, &why),
      "%s: %s", name, wmc_text_string(&why));
  value->given = value->present = true;
  wmc_text_free(&why);
}

static inline void test_give_number(const test_parameters *p, const char *name, double number)
{
  char text[WMC_TEXT_SHORT];
  test_give(p, name, wmc_text_double(text, number));
}

/** Set a list (one row) or a matrix, row-major; the numbers are copied. */
static inline void test_give_matrix(const test_parameters *p, const char *name, size_t rows,
                                    size_t columns, const double *data)
{
  wmc_value full = {.given = true,
                    .present = true,
                    .reals = (double *)data,
                    .count = rows * columns,
                    .rows = rows,
                    .columns = columns};
  wmc_value *value = test_value(p, name);
  wmc_value_free(value);
  cr_assert(wmc_value_copy(value, &full));
}

static inline void test_take(const test_parameters *p, const char *name)
{
  wmc_value_free(test_value(p, name));
  *test_value(p, name) = (wmc_value){0};
}

/** All fields with a default have it. */
static inline test_parameters test_parameters_open(const wmc_model *model)
{
  size_t n = wmc_field_count(model->fields);
  test_parameters p = {.model = model, .values = calloc(n, sizeof *p.values)};
  cr_assert_not_null(p.values);
  for (size_t k = 0; k < n; k++)
    if (model->fields[k].standard) test_give(&p, model->fields[k].name, model->fields[k].standard);
  return p;
}

static inline void test_parameters_close(test_parameters *p)
{
  for (size_t k = 0; k < wmc_field_count(p->model->fields); k++) wmc_value_free(&p->values[k]);
  free(p->values);
}

/** Where an observable starts in a measurement. */
static inline size_t test_observable(const test_parameters *p, const char *name)
{
  size_t at = 0;
  const wmc_observable *o = p->model->observables;
  for (; o->name && strcmp(o->name, name) != 0; o++)
    at += wmc_observable_size(p->model, o, p->values);
  cr_assert_not_null(o->name, "no observable %s", name);
  return at;
}
