#include "weylmc/base/field.h"

#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "weylmc/base/memory.h"

size_t wmc_field_count(const wmc_field *fields)
{
  size_t n = 0;
  while (fields[n].name != NULL) n++;
  return n;
}

int wmc_field_find(const wmc_field *fields, const char *name)
{
  for (int k = 0; fields[k].name != NULL; k++)
    if (strcmp(fields[k].name, name) == 0) return k;
  return -1;
}

/* ---- numbers ---------------------------------------------------------------------------- */

enum { NUMBER_MAX = 400 }; /* longest number in characters */

typedef struct number {
  double value;
  bool whole;       /* written without a decimal point and without a negative exponent */
  const char *hint; /* why it is no number, for the message; "" if there is nothing to add */
} number;

/* Copy digits, dropping single underscores between them; returns how many. */
static size_t digits_scan(const char **text, char **out)
{
  size_t n = 0;
  for (const char *p = *text;; p++) {
    bool separator = *p == '_' && n > 0 && isdigit((unsigned char)p[1]);
    if (!separator && !isdigit((unsigned char)*p)) {
      *text = p;
      return n;
    }
    if (separator) continue;
    *(*out)++ = *p;
    n++;
  }
}

static void sign_scan(const char **text, char **out)
{
  if (**text == '+' || **text == '-') *(*out)++ = *(*text)++;
}

/* Decimal number with optional fraction and exponent into `out`, ready for strtod. */
static bool decimal_scan(const char *text, char *out, bool *whole)
{
  *whole = true;
  sign_scan(&text, &out);
  size_t digits = digits_scan(&text, &out);
  if (*text == '.') {
    *whole = false;
    *out++ = *text++;
    digits += digits_scan(&text, &out);
  }
  if (digits == 0) return false;
  if (*text == 'e' || *text == 'E') {
    *out++ = *text++;
    if (*text == '-') *whole = false;
    sign_scan(&text, &out);
    if (digits_scan(&text, &out) == 0) return false;
  }
  *out = '\0';
  return *text == '\0';
}

/* inf, +inf, -inf, and YAML's .inf */
static bool infinity_scan(const char *text, double *value)
{
  *value = *text == '-' ? -INFINITY : INFINITY;
  if (*text == '+' || *text == '-') text++;
  if (*text == '.') text++;
  return strcasecmp(text, "inf") == 0;
}

static bool number_read(const char *text, number *out)
{
  char decimal[NUMBER_MAX + 1];
  *out = (number){.whole = true, .hint = ""};
  if (infinity_scan(text, &out->value)) return true;
  if (strnlen(text, NUMBER_MAX + 1) > NUMBER_MAX) return false;
  if (!decimal_scan(text, decimal, &out->whole)) return false;
  out->value = strtod(decimal, NULL);
  bool zero = strcspn(decimal, "123456789") >= strcspn(decimal, "eE");
  if (isinf(out->value)) out->hint = ", which is too large to represent";
  if (out->value == 0 && !zero) out->hint = ", which is too small to represent";
  return *out->hint == '\0';
}

/* ---- times ------------------------------------------------------------------------------ */

static const struct {
  const char *names; /* between bars */
  double seconds;
} time_units[] = {{"|d|day|days|", 86400},
                  {"|h|hour|hours|", 3600},
                  {"|min|minute|minutes|", 60},
                  {"|s|sec|second|seconds|", 1}};

/* Seconds of the unit of n letters, 0 if there is none. */
static double time_unit(const char *letters, size_t n)
{
  char name[16] = "|";
  if (n == 0 || n + 3 > sizeof name) return 0;
  memcpy(name + 1, letters, n);
  name[n + 1] = '|';
  for (size_t k = 0; k < sizeof time_units / sizeof time_units[0]; k++)
    if (strstr(time_units[k].names, name) != NULL) return time_units[k].seconds;
  return 0;
}

static const char *skip_blanks(const char *text) { return text + strspn(text, " \t"); }

/* "1 h 30 min": numbers, each followed by its unit */
static bool time_units_read(const char *text, double *seconds)
{
  *seconds = 0;
  for (text = skip_blanks(text); *text != '\0'; text = skip_blanks(text)) {
    char digits[32] = "";
    size_t n = strspn(text, "0123456789.");
    number part;
    if (n >= sizeof digits) return false;
    memcpy(digits, text, n);
    if (!number_read(digits, &part)) return false;
    const char *unit = skip_blanks(text + n);
    size_t letters = strspn(unit, "adehinosurtcmy");
    if (time_unit(unit, letters) <= 0) return false;
    *seconds += part.value * time_unit(unit, letters);
    text = unit + letters;
  }
  return true;
}

/* "[D-]HH:MM:SS", as batch systems write it */
static bool time_clock_read(const char *text, double *seconds)
{
  static const struct {
    char end;
    double unit, limit;
  } parts[] = {{'-', 86400, 1e6}, {':', 3600, 1e6}, {':', 60, 60}, {'\0', 1, 60}};
  *seconds = 0;
  for (int k = strchr(text, '-') ? 0 : 1; k < 4; k++) {
    size_t n = strspn(text, "0123456789");
    double value = n > 0 && n < 8 ? strtod(text, NULL) : NAN;
    if (text[n] != parts[k].end || !(value < parts[k].limit)) return false;
    *seconds += value * parts[k].unit;
    text += n + 1;
  }
  return true;
}

static bool time_read(const char *text, double *seconds)
{
  number plain;
  if (number_read(text, &plain)) {
    *seconds = plain.value;
    return true;
  }
  return text[strspn(text, " \t")] != '\0' &&
         (time_units_read(text, seconds) || time_clock_read(text, seconds));
}

static void time_print(double seconds, wmc_text *out)
{
  char text[WMC_TEXT_SHORT];
  if (!(seconds >= 1 && seconds <= 1e15 && floor(seconds) == seconds)) {
    wmc_text_append(out, "%s s", wmc_text_double(text, seconds));
    return;
  }
  long whole = (long)seconds;
  const struct {
    long count;
    const char *unit;
  } parts[] = {{whole / 3600, "h"}, {whole / 60 % 60, "min"}, {whole % 60, "s"}};
  const char *space = "";
  for (int k = 0; k < 3; k++) {
    if (parts[k].count == 0) continue;
    wmc_text_append(out, "%s%ld %s", space, parts[k].count, parts[k].unit);
    space = " ";
  }
}

/* ---- ranges ----------------------------------------------------------------------------- */

static bool unlimited(const wmc_field *field) { return field->minimum == 0 && field->maximum == 0; }

static bool in_range(const wmc_field *field, double x)
{
  if (unlimited(field)) return isfinite(x);
  bool above = field->open_minimum ? x > field->minimum : x >= field->minimum;
  return above && x <= field->maximum;
}

static void print_number(wmc_type type, double x, wmc_text *out)
{
  char text[WMC_TEXT_SHORT];
  if (type == WMC_TIME)
    time_print(x, out);
  else
    wmc_text_append(out, "%s", wmc_text_double(text, x));
}

static void print_bounds(const wmc_field *field, wmc_text *out)
{
  bool below = field->minimum > -DBL_MAX, above = field->maximum < DBL_MAX;
  if (unlimited(field)) return;
  if (below && above) {
    wmc_text_append(out, " in %s", field->open_minimum ? "(" : "[");
    print_number(field->type, field->minimum, out);
    wmc_text_append(out, ", ");
    print_number(field->type, field->maximum, out);
    wmc_text_append(out, "]");
  } else if (below) {
    wmc_text_append(out, field->open_minimum ? " > " : " >= ");
    print_number(field->type, field->minimum, out);
  } else if (above) {
    wmc_text_append(out, " <= ");
    print_number(field->type, field->maximum, out);
  }
  if (isinf(field->maximum)) wmc_text_append(out, ", or inf");
}

static size_t choice_count(const wmc_field *field)
{
  size_t n = 0;
  while (field->choices[n] != NULL) n++;
  return n;
}

static void print_choices(const wmc_field *field, wmc_text *out)
{
  wmc_text_append(out, "one of ");
  for (size_t k = 0; field->choices[k] != NULL; k++)
    wmc_text_append(out, "%s%s", k > 0 ? ", " : "", field->choices[k]);
}

static const char *const type_names[WMC_TYPES] = {
    [WMC_INT] = "integer",         [WMC_REAL] = "real",
    [WMC_STRING] = "text",         [WMC_TIME] = "time",
    [WMC_REALS] = "list of reals", [WMC_MATRIX] = "dataset of an HDF5 file, FILE:/DATASET",
};

void wmc_field_print_range(const wmc_field *field, wmc_text *out)
{
  if (field->type == WMC_CHOICE) {
    print_choices(field, out);
    return;
  }
  wmc_text_append(out, "%s", type_names[field->type]);
  if (field->type == WMC_STRING || field->type == WMC_MATRIX) return;
  wmc_text_append(out, "%s", field->type == WMC_REALS && !unlimited(field) ? ", each" : "");
  print_bounds(field, out);
}

/* ---- reading ---------------------------------------------------------------------------- */

/* "expected RANGE, found 'TEXT'"; always false, for the callers to return. */
static bool refuse(const wmc_field *field, const char *text, const char *hint, wmc_text *why)
{
  wmc_text_append(why, "expected ");
  wmc_field_print_range(field, why);
  wmc_text_append(why, ", found ");
  if (*text == '\0')
    wmc_text_append(why, "nothing");
  else
    wmc_text_append_quoted(why, text);
  wmc_text_append(why, "%s", hint);
  return false;
}

static bool read_int(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  const double exact = 9007199254740992; /* 2^53: up to here every integer is a double */
  number found;
  if (!number_read(text, &found)) return refuse(field, text, found.hint, why);
  double x = found.value;
  if (isfinite(x) && (!found.whole || fabs(x) >= exact)) {
    bool same = floor(x) == x && fabs(x) < 1e15;
    char hint[96] = "";
    if (same) snprintf(hint, sizeof hint, "; write %.0f, without a decimal point", x);
    return refuse(field, text, hint, why);
  }
  if (!in_range(field, x)) return refuse(field, text, "", why);
  value->integer = isinf(x) ? (x > 0 ? LONG_MAX : LONG_MIN) : (long)x;
  value->real = x;
  return true;
}

static bool read_real(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  number found;
  if (!number_read(text, &found) || !in_range(field, found.value))
    return refuse(field, text, found.hint, why);
  value->real = found.value;
  return true;
}

static bool read_time(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  double seconds = 0;
  if (!time_read(text, &seconds))
    return refuse(field, text, "; write for example 90, '10 min', '1 h 30 min' or '01:30:00'", why);
  if (!in_range(field, seconds)) return refuse(field, text, "", why);
  value->real = seconds;
  return true;
}

static bool read_choice(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  for (long k = 0; field->choices[k] != NULL; k++) {
    if (strcmp(text, field->choices[k]) != 0) continue;
    value->integer = k;
    value->real = (double)k;
    return true;
  }
  const char *nearest = wmc_text_nearest(text, field->choices, choice_count(field));
  refuse(field, text, "", why);
  if (nearest != NULL) wmc_text_append(why, "; did you mean '%s'?", nearest);
  return false;
}

static bool replace_string(const char *text, wmc_value *value, wmc_text *why)
{
  char *copy = wmc_text_copy(text);
  if (copy == NULL) {
    wmc_text_append(why, "out of memory");
    return false;
  }
  wmc_free(value->string);
  value->string = copy;
  return true;
}

static bool read_string(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  double length = (double)strlen(text);
  if (!unlimited(field) && !in_range(field, length))
    return refuse(field, text, length > field->maximum ? ", which is too long" : "", why);
  return replace_string(text, value, why);
}

static bool read_matrix(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  const char *colon = strstr(text, ":/");
  if (colon == NULL || colon == text || colon[2] == '\0')
    return refuse(field, text, "; write for example iris.h5:/inputs", why);
  return replace_string(text, value, why);
}

/* Append x; the array is as long as the next power of two, at least 8. */
static bool append_real(wmc_value *value, double x, wmc_text *why)
{
  size_t n = value->count;
  if (n == 0 || (n >= 8 && (n & (n - 1)) == 0)) {
    double *reals = WMC_ARRAY(double, n < 8 ? 8 : 2 * n);
    if (reals == NULL) {
      wmc_text_append(why, "out of memory");
      return false;
    }
    if (n > 0) memcpy(reals, value->reals, n * sizeof *reals);
    wmc_free(value->reals);
    value->reals = reals;
  }
  value->reals[value->count++] = x;
  return true;
}

static bool read_entry(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  wmc_field entry = *field;
  wmc_value x = {0};
  entry.type = WMC_REAL;
  return read_real(&entry, text, &x, why) && append_real(value, x.real, why);
}

/* "[1, 2]", replacing what was there; blanks around entries are allowed */
static bool read_list(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  value->count = 0;
  for (const char *p = text + 1;; p++) {
    char entry[NUMBER_MAX + 1];
    p = skip_blanks(p);
    size_t n = strcspn(p, " \t,]");
    const char *end = skip_blanks(p + n);
    if (n > NUMBER_MAX || (*end != ',' && *end != ']')) return refuse(field, text, "", why);
    memcpy(entry, p, n);
    entry[n] = '\0';
    if (!read_entry(field, entry, value, why)) return false;
    p = end;
    if (*end == ']') return end[1] == '\0' || refuse(field, text, "", why);
  }
}

static bool read_reals(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  return (*text == '[' ? read_list : read_entry)(field, text, value, why);
}

bool wmc_field_read(const wmc_field *field, const char *text, wmc_value *value, wmc_text *why)
{
  static bool (*const readers[WMC_TYPES])(const wmc_field *, const char *, wmc_value *,
                                          wmc_text *) = {
      [WMC_INT] = read_int,       [WMC_REAL] = read_real, [WMC_CHOICE] = read_choice,
      [WMC_STRING] = read_string, [WMC_TIME] = read_time, [WMC_REALS] = read_reals,
      [WMC_MATRIX] = read_matrix,
  };
  if (!readers[field->type](field, text, value, why)) return false;
  value->present = true;
  return true;
}

/* ---- printing --------------------------------------------------------------------------- */

/* Plain where no reader could take it for anything else, otherwise in double quotes. */
static void print_string(const char *string, wmc_text *out)
{
  static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./";
  if (*string != '\0' && strspn(string, safe) == strlen(string)) {
    wmc_text_append(out, "%s", string);
    return;
  }
  wmc_text_append(out, "\"");
  for (; *string != '\0'; string++) {
    unsigned char byte = (unsigned char)*string;
    if (byte == '"' || byte == '\\')
      wmc_text_append(out, "\\%c", byte);
    else if (byte < 32 || byte == 127)
      wmc_text_append(out, "\\x%02x", byte);
    else
      wmc_text_append_bytes(out, string, 1);
  }
  wmc_text_append(out, "\"");
}

static void print_reals(const wmc_value *value, wmc_text *out)
{
  wmc_text_append(out, "[");
  for (size_t k = 0; k < value->count; k++) {
    wmc_text_append(out, "%s", k > 0 ? ", " : "");
    print_number(WMC_REAL, value->reals[k], out);
  }
  wmc_text_append(out, "]");
}

static void print_int(const wmc_value *value, wmc_text *out)
{
  if (isinf(value->real))
    print_number(WMC_INT, value->real, out);
  else
    wmc_text_append(out, "%ld", value->integer);
}

void wmc_field_print(const wmc_field *field, const wmc_value *value, wmc_text *out)
{
  switch (field->type) {
  case WMC_INT:
    print_int(value, out);
    break;
  case WMC_REAL:
  case WMC_TIME:
    print_number(field->type, value->real, out);
    break;
  case WMC_CHOICE:
    wmc_text_append(out, "%s", field->choices[value->integer]);
    break;
  case WMC_STRING:
  case WMC_MATRIX:
    print_string(value->string, out);
    break;
  case WMC_REALS:
    print_reals(value, out);
    break;
  case WMC_TYPES:
    break;
  }
}

/* ---- copies ------------------------------------------------------------------------------ */

void wmc_value_free(wmc_value *value)
{
  wmc_free(value->string);
  wmc_free(value->reals);
  *value = (wmc_value){0};
}

bool wmc_value_copy(wmc_value *to, const wmc_value *from)
{
  *to = *from;
  size_t n = from->rows * from->columns > from->count ? from->rows * from->columns : from->count;
  to->string = from->string ? wmc_text_copy(from->string) : NULL;
  /* room as append_real expects it */
  to->reals = from->reals ? WMC_ARRAY(double, n < 8 ? 8 : 2 * n) : NULL;
  if ((from->string && !to->string) || (from->reals && !to->reals)) {
    wmc_value_free(to);
    return false;
  }
  if (from->reals) memcpy(to->reals, from->reals, n * sizeof *to->reals);
  return true;
}
