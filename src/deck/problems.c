#include <stdarg.h>
#include <stdlib.h>

#include "tree.h"
#include "weylmc/base/memory.h"

void wmc_mark_print(const wmc_source *source, wmc_mark mark, wmc_text *out)
{
  if (mark.set > 0 && mark.set <= source->n_set)
    wmc_text_append(out, "--set %.100s", source->set[mark.set - 1]);
  else
    wmc_text_append(out, "%s:%zu:%zu", source->name, mark.line, mark.column);
}

bool wmc_problems_full(const wmc_problems *problems) { return problems->count == WMC_PROBLEMS_MAX; }

void wmc_problems_add(wmc_problems *problems, wmc_mark mark, const char *format, ...)
{
  if (wmc_problems_full(problems)) {
    problems->dropped++;
    return;
  }
  wmc_text text = {0};
  va_list arguments;
  va_start(arguments, format);
  wmc_text_append_list(&text, format, arguments);
  va_end(arguments);
  char *copy = text.failed ? NULL : wmc_text_copy(wmc_text_string(&text));
  wmc_text_free(&text);
  if (copy == NULL) {
    problems->no_memory = true;
    return;
  }
  problems->item[problems->count] = (wmc_problem){mark, problems->count, copy};
  problems->count++;
}

static int compare(size_t a, size_t b) { return a < b ? -1 : a > b; }

static int by_position(const void *first, const void *second)
{
  const wmc_problem *a = first, *b = second;
  int order = compare(a->mark.set, b->mark.set);
  if (order == 0) order = compare(a->mark.line, b->mark.line);
  if (order == 0) order = compare(a->mark.column, b->mark.column);
  return order != 0 ? order : compare(a->order, b->order);
}

wmc_status wmc_problems_raise(wmc_problems *problems, wmc_status code, const wmc_source *source)
{
  if (problems->no_memory) return wmc_no_memory();
  if (problems->count == 0) return WMC_OK;
  qsort(problems->item, problems->count, sizeof problems->item[0], by_position);
  for (size_t k = 0; k < problems->count; k++) {
    wmc_text where = {0};
    wmc_mark_print(source, problems->item[k].mark, &where);
    wmc_raise(code, "%s: %s", wmc_text_string(&where), problems->item[k].text);
    wmc_text_free(&where);
  }
  if (problems->dropped > 0)
    wmc_raise(code, "%s: and %zu more errors", source->name, problems->dropped);
  return code;
}

void wmc_problems_free(wmc_problems *problems)
{
  for (size_t k = 0; k < problems->count; k++) wmc_free(problems->item[k].text);
  *problems = (wmc_problems){0};
}
