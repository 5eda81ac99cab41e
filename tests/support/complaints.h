/** @file complaints.h  What a model's check says of parameters. */
#pragma once
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "parameters.h"

typedef struct test_heard {
  int count, field; /**< complaints; field and message of the last */
  char message[512];
} test_heard;

static inline void test_hear(void *sink, int field, const char *message)
{
  test_heard *h = sink;
  h->count++;
  h->field = field;
  snprintf(h->message, sizeof h->message, "%s", message);
}

/** One complaint, about `field`, whose message has `part` in it; none at all if `field` is NULL. */
static inline void test_complaint(const test_parameters *p, const char *field, const char *part)
{
  test_heard h = {0};
  p->model->check(p->values, &(wmc_complaints){.add = test_hear, .sink = &h});
  cr_assert_eq(h.count, field ? 1 : 0, "%d complaints, last: %s", h.count, h.message);
  if (field == NULL) return;
  cr_assert_str_eq(p->model->fields[h.field].name, field);
  cr_assert_not_null(strstr(h.message, part), "'%s' not in: %s", part, h.message);
}
