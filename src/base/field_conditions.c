/* Which fields are allowed, and which have an effect, by the values of others. */
#include <string.h>

#include "weylmc/base/field.h"

/* Whether the value is written like one of "a|b|c", which a blank or comma may end. */
static bool among(const char *alternatives, const wmc_field *field, const wmc_value *value)
{
  wmc_text found = {0};
  bool is = false;
  wmc_field_print(field, value, &found);
  for (const char *p = alternatives; !is; p++) {
    size_t length = strcspn(p, "|, ");
    is = length == found.length && strncmp(p, wmc_text_string(&found), length) == 0;
    p += length;
    if (*p != '|') break;
  }
  wmc_text_free(&found);
  return is;
}

bool wmc_field_allowed(const wmc_field *fields, size_t k, const wmc_value *values)
{
  const char *only = fields[k].only;
  if (only == NULL) return true;
  int other = wmc_field_condition(fields, k);
  if (other < 0 || !values[other].present) return false;
  return among(strchr(only, '=') + 1, &fields[other], &values[other]);
}

/* Index of the field whose name is the first n characters, or -1. */
static int find_part(const wmc_field *fields, const char *name, size_t n)
{
  for (int k = 0; fields[k].name != NULL; k++)
    if (strlen(fields[k].name) == n && strncmp(fields[k].name, name, n) == 0) return k;
  return -1;
}

int wmc_field_condition(const wmc_field *fields, size_t k)
{
  const char *only = fields[k].only;
  size_t n = only ? strcspn(only, "=") : 0;
  return n > 0 && only[n] == '=' ? find_part(fields, only, n) : -1;
}

int wmc_field_need(const wmc_field *fields, const char *part, size_t n, size_t *at)
{
  static const char between[] = " or ";
  if (*at >= n) return -1;
  const char *from = part + *at, *next = strstr(from, between);
  *at = next != NULL && next < part + n ? (size_t)(next - part) + strlen(between) : n;
  return find_part(fields, from, strcspn(from, "=!, "));
}

/* Whether one of the alternatives of a part is met. */
static bool is_met(const wmc_field *fields, const char *part, size_t n, const wmc_value *values)
{
  size_t at = 0, from = 0;
  for (int k; (k = wmc_field_need(fields, part, n, &at)) >= 0; from = at) {
    const char *sign = part + from + strlen(fields[k].name);
    if (!values[k].present) continue;
    if (*sign != '=' && *sign != '!') return true;
    const bool except = *sign == '!';
    if (among(sign + 1 + except, &fields[k], &values[k]) != except) return true;
  }
  return false;
}

static bool is_default_choice(const wmc_field *field, const wmc_value *value)
{
  return field->type == WMC_CHOICE && value->present && field->standard != NULL &&
         among(field->standard, field, value);
}

const char *wmc_field_unmet(const wmc_field *fields, size_t k, const wmc_value *values, size_t *n)
{
  const char *part = fields[k].needs;
  if (part == NULL || is_default_choice(&fields[k], &values[k])) return NULL;
  for (;; part += *n + strlen(", ")) {
    *n = strcspn(part, ",");
    if (!is_met(fields, part, *n, values)) return part;
    if (part[*n] == '\0') return NULL;
  }
}
