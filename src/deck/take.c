/* One value of a deck: read as its field wants it, or told what is wrong with it. */
#include <stdarg.h>

#include "check.h"

void wmc_field_problem(wmc_checker *c, const wmc_section *s, const char *name, wmc_mark mark,
                       const char *format, ...)
{
  wmc_text text = {0};
  va_list arguments;
  va_start(arguments, format);
  wmc_text_append_list(&text, format, arguments);
  va_end(arguments);
  wmc_problems_add(c->problems, mark, "%s%s%.80s: %s", s->name, *s->name ? "." : "", name,
                   wmc_text_string(&text));
  wmc_text_free(&text);
}

/* "expected RANGE, found a list" */
static bool wrong_kind(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *node,
                       const char *advice)
{
  wmc_text range = {0}, found = {0};
  wmc_field_print_range(&s->fields[k], &range);
  wmc_node_describe(node, &found);
  wmc_field_problem(c, s, s->fields[k].name, node->mark, "expected %s, found %s%s",
                    wmc_text_string(&range), wmc_text_string(&found), advice);
  wmc_text_free(&range);
  wmc_text_free(&found);
  return false;
}

static bool take_scalar(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *node,
                        wmc_value *value)
{
  wmc_text why = {0};
  bool good = wmc_field_read(&s->fields[k], node->text, value, &why);
  if (!good) wmc_field_problem(c, s, s->fields[k].name, node->mark, "%s", wmc_text_string(&why));
  wmc_text_free(&why);
  return good;
}

static bool take_list(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *list,
                      wmc_value *value)
{
  bool good = list->count > 0 || wrong_kind(c, s, k, list, "");
  for (const wmc_node *entry = list->first; entry != NULL; entry = entry->next) {
    bool number = entry->kind == WMC_NODE_SCALAR && *entry->text != '[';
    if (!(number ? take_scalar(c, s, k, entry, value) : wrong_kind(c, s, k, entry, "")))
      good = false;
  }
  return good;
}

bool wmc_field_take(wmc_checker *c, const wmc_section *s, size_t k, const wmc_node *node,
                    wmc_value *value)
{
  const wmc_field *field = &s->fields[k];
  const char *sweep = field->sweep ? "; to sweep write {sweep: [...]}" : "";
  if (node->kind == WMC_NODE_MAPPING) return wrong_kind(c, s, k, node, sweep);
  if (node->kind == WMC_NODE_SCALAR) return take_scalar(c, s, k, node, value);
  if (field->type == WMC_REALS) return take_list(c, s, k, node, value);
  return wrong_kind(c, s, k, node, sweep);
}
