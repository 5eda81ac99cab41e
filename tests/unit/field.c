#include <criterion/criterion.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/field.h"
#include "weylmc/base/memory.h"
#include "weylmc/models/model.h"

static const char *const colours[] = {"red", "green", "blue", NULL};

static const wmc_field count = {"count", WMC_INT, .minimum = 1, .maximum = DBL_MAX};
static const wmc_field depth = {"depth", WMC_INT, .minimum = 1, .maximum = INFINITY};
static const wmc_field seed = {"seed", WMC_INT, .maximum = 2147483647};
static const wmc_field real = {"real", WMC_REAL};
static const wmc_field unit = {"unit", WMC_REAL, .maximum = 1, .open_minimum = true};
static const wmc_field time_field = {"time", WMC_TIME, .minimum = 1, .maximum = DBL_MAX};
static const wmc_field colour = {"colour", WMC_CHOICE, .choices = colours};
static const wmc_field title = {"title", WMC_STRING};
static const wmc_field name = {"name", WMC_STRING, .minimum = 1, .maximum = 8};
static const wmc_field list = {"list", WMC_REALS, .minimum = 0, .maximum = 1};
static const wmc_field matrix = {"matrix", WMC_MATRIX};

Test(field, numbers_and_times_are_read)
{
  const double h = 3600;
  const struct {
    const wmc_field *field;
    const char *text;
    double value;
  } cases[] = {{&count, "1", 1},
               {&count, "+7", 7},
               {&count, "20_000", 20000},
               {&count, "2e4", 20000},
               {&count, "9007199254740991", 9007199254740991.0},
               {&depth, "inf", INFINITY},
               {&depth, ".inf", INFINITY},
               {&seed, "2147483647", 2147483647},
               {&real, ".5", 0.5},
               {&real, "5.", 5},
               {&real, "-1e-3", -1e-3},
               {&real, "1_000.5", 1000.5},
               {&real, "1E+3", 1000},
               {&real, "0e999", 0},
               {&unit, "1", 1},
               {&unit, "5e-324", 5e-324},
               {&time_field, "90", 90},
               {&time_field, "1e3", 1000},
               {&time_field, "10 min", 600},
               {&time_field, "1 h 30 min", 1.5 * h},
               {&time_field, "1h30min", 1.5 * h},
               {&time_field, "1.5 hours", 1.5 * h},
               {&time_field, " 2 days ", 48 * h},
               {&time_field, "01:30:00", 1.5 * h},
               {&time_field, "2-03:04:05", 51 * h + 4 * 60 + 5}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_value value = {0};
    wmc_text why = {0};
    cr_expect(wmc_field_read(cases[k].field, cases[k].text, &value, &why), "%s: %s", cases[k].text,
              wmc_text_string(&why));
    cr_expect_eq(value.real, cases[k].value, "%s gives %g", cases[k].text, value.real);
    cr_expect(value.present);
    if (cases[k].field->type == WMC_INT)
      cr_expect_eq(value.integer, isinf(value.real) ? LONG_MAX : (long)cases[k].value);
    wmc_text_free(&why);
  }
}

Test(field, what_is_refused_and_what_is_said)
{
  const struct {
    const wmc_field *field;
    const char *text, *why;
  } cases[] = {
      {&count, "0", "expected integer >= 1, found '0'"},
      {&count, "2.0", "expected integer >= 1, found '2.0'; write 2, without a decimal point"},
      {&count, "2.5", "expected integer >= 1, found '2.5'"},
      {&count, "10e-1", "expected integer >= 1, found '10e-1'; write 1, without a decimal point"},
      {&count, "", "expected integer >= 1, found nothing"},
      {&count, "inf", "expected integer >= 1, found 'inf'"},
      {&count, "1__0", "expected integer >= 1, found '1__0'"},
      {&count, "_1", "expected integer >= 1, found '_1'"},
      {&count, "1_", "expected integer >= 1, found '1_'"},
      {&count, "0x10", "expected integer >= 1, found '0x10'"},
      {&count, "9007199254740993", "expected integer >= 1, found '9007199254740993'"},
      {&depth, "many", "expected integer >= 1, or inf, found 'many'"},
      {&seed, "-1", "expected integer in [0, 2147483647], found '-1'"},
      {&seed, "1e999",
       "expected integer in [0, 2147483647], found '1e999', which is too large to represent"},
      {&real, "nan", "expected real, found 'nan'"},
      {&real, "inf", "expected real, found 'inf'"},
      {&real, "-inf", "expected real, found '-inf'"},
      {&real, "1e-999", "expected real, found '1e-999', which is too small to represent"},
      {&real, "1.2.3", "expected real, found '1.2.3'"},
      {&real, "e5", "expected real, found 'e5'"},
      {&real, ".", "expected real, found '.'"},
      {&real, "1e", "expected real, found '1e'"},
      {&real, "1 2", "expected real, found '1 2'"},
      {&real, "a\tb", "expected real, found 'a\\x09b'"},
      {&unit, "0", "expected real in (0, 1], found '0'"},
      {&unit, "1.0000001", "expected real in (0, 1], found '1.0000001'"},
      {&time_field, "0.5", "expected time >= 1 s, found '0.5'"},
      {&time_field, "10 mins", "expected time >= 1 s, found '10 mins'"},
      {&time_field, "1:30", "expected time >= 1 s, found '1:30'"},
      {&time_field, "01:60:00", "expected time >= 1 s, found '01:60:00'"},
      {&time_field, "", "expected time >= 1 s, found nothing"},
      {&time_field, "h", "expected time >= 1 s, found 'h'"},
      {&time_field, "inf", "expected time >= 1 s, found 'inf'"},
      {&colour, "gren", "expected one of red, green, blue, found 'gren'; did you mean 'green'?"},
      {&colour, "transparent", "expected one of red, green, blue, found 'transparent'"},
      {&name, "", "expected text, found nothing"},
      {&name, "longer than eight", "expected text, found 'longer than eight', which is too long"},
      {&list, "2", "expected real in [0, 1], found '2'"},
      {&list, "[0, 2]", "expected real in [0, 1], found '2'"},
      {&list, "[0, 1", "expected list of reals, each in [0, 1], found '[0, 1'"},
      {&list, "[]", "expected real in [0, 1], found nothing"},
      {&list, "[1] 2", "expected list of reals, each in [0, 1], found '[1] 2'"},
      {&matrix, "iris.h5", "expected dataset of an HDF5 file, FILE:/DATASET, found 'iris.h5'"},
      {&matrix, ":/a", "expected dataset of an HDF5 file, FILE:/DATASET, found ':/a'"},
      {&matrix, "a:/", "expected dataset of an HDF5 file, FILE:/DATASET, found 'a:/'"}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_value value = {0};
    wmc_text why = {0};
    cr_expect_not(wmc_field_read(cases[k].field, cases[k].text, &value, &why), "%s", cases[k].text);
    size_t n = strlen(cases[k].why);
    cr_expect_eq(strncmp(wmc_text_string(&why), cases[k].why, n), 0, "%s\nnot %s",
                 wmc_text_string(&why), cases[k].why);
    cr_expect_not(value.present);
    wmc_value_free(&value);
    wmc_text_free(&why);
  }
}

Test(field, long_texts_are_cut_in_messages)
{
  char text[3000];
  memset(text, '9', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  wmc_value value = {0};
  wmc_text why = {0};
  cr_assert_not(wmc_field_read(&real, text, &value, &why));
  cr_assert_lt(why.length, 100);
  wmc_text_free(&why);
}

Test(field, printed_values_read_back)
{
  const struct {
    const wmc_field *field;
    const char *text, *printed;
  } cases[] = {{&count, "2e4", "20000"},
               {&depth, ".inf", "inf"},
               {&real, "0.1", "0.1"},
               {&real, "1e-300", "1e-300"},
               {&time_field, "5400", "1 h 30 min"},
               {&time_field, "2-00:00:01", "48 h 1 s"},
               {&time_field, "1.25", "1.25 s"},
               {&colour, "blue", "blue"},
               {&title, "iris.h5", "iris.h5"},
               {&title, "", "\"\""},
               {&title, "a \"b\" \\ c", "\"a \\\"b\\\" \\\\ c\""},
               {&matrix, "iris.h5:/inputs", "\"iris.h5:/inputs\""},
               {&list, "[1,  0.5 , 0]", "[1, 0.5, 0]"}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_value value = {0};
    wmc_text out = {0}, why = {0};
    cr_assert(wmc_field_read(cases[k].field, cases[k].text, &value, &why), "%s",
              wmc_text_string(&why));
    wmc_field_print(cases[k].field, &value, &out);
    cr_expect_str_eq(out.bytes, cases[k].printed);
    wmc_value_free(&value);
    wmc_text_free(&out);
  }
}

Test(field, lists_grow_and_copy)
{
  wmc_value value = {0}, copy;
  wmc_text why = {0};
  for (int k = 0; k < 100; k++) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", k / 128.0);
    cr_assert(wmc_field_read(&list, text, &value, &why));
    cr_assert(wmc_value_copy(&copy, &value));
    cr_assert(wmc_field_read(&list, "1", &copy, &why)); /* a copy can be appended to */
    cr_assert_eq(copy.count, (size_t)k + 2);
    wmc_value_free(&copy);
  }
  cr_assert_eq(value.count, 100);
  for (int k = 0; k < 100; k++) cr_assert_eq(value.reals[k], k / 128.0);
  wmc_value_free(&value);
  cr_assert_null(value.reals);
}

Test(field, conditions)
{
  static const char *const kinds[] = {"none", "one", "two", NULL};
  static const wmc_field fields[] = {{"a.kind", WMC_CHOICE, .choices = kinds},
                                     {"a.x", WMC_REAL, .only = "a.kind=one|two"},
                                     {"a.y", WMC_REAL, .only = "a.kind=two"},
                                     {0}};
  wmc_value values[3] = {{0}};
  cr_assert_eq(wmc_field_count(fields), 3);
  cr_assert_eq(wmc_field_find(fields, "a.y"), 2);
  cr_assert_eq(wmc_field_find(fields, "a"), -1);
  cr_assert_eq(wmc_field_condition(fields, 0), -1);
  cr_assert_eq(wmc_field_condition(fields, 2), 0);
  cr_assert(wmc_field_allowed(fields, 0, values));
  cr_assert_not(wmc_field_allowed(fields, 1, values), "the kind is absent");
  values[0].present = true;
  for (long kind = 0; kind < 3; kind++) {
    values[0].integer = kind;
    cr_assert_eq(wmc_field_allowed(fields, 1, values), kind > 0);
    cr_assert_eq(wmc_field_allowed(fields, 2, values), kind == 2);
  }
}

/* Every alternative of `only` is a choice of the field that it names. */
static void check_condition(const char *model, const wmc_field *fields, size_t k)
{
  int other = wmc_field_condition(fields, k);
  cr_expect_geq(other, 0, "%s: only of %s", model, fields[k].name);
  if (other < 0 || fields[other].type != WMC_CHOICE) return;
  char *alternatives = wmc_text_copy(strchr(fields[k].only, '=') + 1), *rest = NULL;
  for (char *p = strtok_r(alternatives, "|", &rest); p; p = strtok_r(NULL, "|", &rest)) {
    wmc_value value = {0};
    wmc_text why = {0};
    cr_expect(wmc_field_read(&fields[other], p, &value, &why), "%s: only of %s: %s", model,
              fields[k].name, wmc_text_string(&why));
    wmc_text_free(&why);
  }
  wmc_free(alternatives);
}

/* One of the alternatives: "lags", "norm=rms|layer", "bins!=0". */
static void check_need(const char *model, const wmc_field *fields, char *need)
{
  char *values = need + strcspn(need, "!="), *rest = NULL;
  if (*values != '\0') *values++ = '\0';
  const int k = wmc_field_find(fields, need);
  cr_assert_geq(k, 0, "%s: '%s' is needed, which is no field", model, need);
  values += *values == '=';
  for (char *p = strtok_r(values, "|", &rest); p; p = strtok_r(NULL, "|", &rest)) {
    wmc_value value = {0};
    wmc_text why = {0};
    cr_expect(wmc_field_read(&fields[k], p, &value, &why), "%s: %s is needed: %s", model, need,
              wmc_text_string(&why));
    wmc_text_free(&why);
    wmc_value_free(&value);
  }
}

static void check_needs(const char *model, const wmc_field *fields, size_t k)
{
  char *needs = wmc_text_copy(fields[k].needs), *rest = NULL;
  for (char *p = strtok_r(needs, ", ", &rest); p; p = strtok_r(NULL, ", ", &rest))
    if (strcmp(p, "or") != 0) check_need(model, fields, p);
  wmc_free(needs);
}

/* Tables of models hold together: names, choices, defaults, conditions. */
Test(field, tables_of_models_are_sound)
{
  for (const wmc_model *const *model = wmc_models; *model != NULL; model++) {
    const wmc_field *fields = (*model)->fields;
    for (size_t k = 0; fields[k].name != NULL; k++) {
      const wmc_field *field = &fields[k];
      const char *dot = strchr(field->name, '.');
      cr_expect_eq(wmc_field_find(fields, field->name), (int)k, "%s twice", field->name);
      cr_expect_lt(strlen(field->name), 64);
      cr_expect(dot == NULL || strchr(dot + 1, '.') == NULL, "%s", field->name);
      cr_expect(field->unit != NULL && field->text != NULL, "%s", field->name);
      cr_expect(field->type != WMC_CHOICE || field->choices != NULL, "%s", field->name);
      cr_expect(!(field->required && field->standard), "%s: required with default", field->name);
      cr_expect_leq(field->minimum, field->maximum, "%s", field->name);
      if (field->only) check_condition((*model)->name, fields, k);
      if (field->needs) check_needs((*model)->name, fields, k);
      wmc_value value = {0};
      wmc_text why = {0};
      if (field->standard)
        cr_expect(wmc_field_read(field, field->standard, &value, &why), "%s: default: %s",
                  field->name, wmc_text_string(&why));
      wmc_value_free(&value);
      wmc_text_free(&why);
    }
  }
}
