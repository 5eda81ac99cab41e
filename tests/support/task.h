/** @file task.h  The parameters of a deck with one task, given in one line. */
#pragma once
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/base/status.h"
#include "weylmc/deck/deck.h"
#include "weylmc/models/model.h"

typedef struct test_task {
  const wmc_model *model;
  wmc_value *values;
} test_task;

/** `parameters` as inside {...} of a deck. */
static inline test_task test_task_open(const char *model, const char *parameters)
{
  char text[1024];
  wmc_deck *deck = NULL;
  snprintf(text, sizeof text, "model: %s\nseed: 1\nparameters: {%s}\n", model, parameters);
  cr_assert_eq(wmc_deck_parse("d.yaml", text, strlen(text), 0, NULL, &deck), WMC_OK, "%s: %s",
               parameters, wmc_message());
  test_task t = {deck->model, calloc(wmc_field_count(deck->model->fields), sizeof *t.values)};
  cr_assert_eq(wmc_deck_task(deck, 0, t.values), WMC_OK);
  wmc_deck_destroy(deck);
  return t;
}

static inline void test_task_close(test_task *t)
{
  for (size_t k = 0; k < wmc_field_count(t->model->fields); k++) wmc_value_free(&t->values[k]);
  free(t->values);
}

/** Where the derived quantity of this name is in the table. */
static inline const wmc_derived *test_derived(const test_task *t, const char *name)
{
  const wmc_derived *d = t->model->derived;
  while (d->name && strcmp(d->name, name) != 0) d++;
  cr_assert_not_null(d->name, "no derived quantity %s", name);
  return d;
}
