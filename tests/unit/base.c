#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "weylmc/base/hash.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/status.h"
#include "weylmc/base/text.h"

Test(base, messages_accumulate_and_clear)
{
  cr_assert_eq(wmc_raise(WMC_DATA, "deck %d", 1), WMC_DATA);
  wmc_raise(WMC_IO, "disk");
  cr_assert_str_eq(wmc_message(), "deck 1\ndisk\n");
  wmc_message_clear();
  cr_assert_str_eq(wmc_message(), "");
}

Test(base, exit_codes_are_those_of_the_manual)
{
  const int codes[] = {0, 75, 2, 65, 73, 74, 1};
  for (int k = 0; k < WMC_STATUS_COUNT; k++) cr_assert_eq(wmc_exit_code((wmc_status)k), codes[k]);
}

Test(base, memory_is_aligned_zeroed_and_checked)
{
  for (size_t n = 0; n < 300; n++) {
    unsigned char *bytes = wmc_alloc(n, 1);
    cr_assert_not_null(bytes);
    cr_assert_eq((uintptr_t)bytes % 64, 0);
    for (size_t k = 0; k < n; k++) cr_assert_eq(bytes[k], 0);
    memset(bytes, 255, n);
    wmc_free(bytes);
  }
  cr_assert_null(wmc_alloc(SIZE_MAX / 2, 3));
}

Test(base, distance_counts_edits_and_transpositions)
{
  const struct {
    const char *a, *b;
    int distance;
  } cases[] = {{"", "", 0},         {"abc", "", 3},        {"kitten", "sitting", 3},
               {"beta", "bate", 2}, {"draws", "darws", 1}, {"a", "b", 1}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    cr_assert_eq(wmc_text_distance(cases[k].a, cases[k].b), cases[k].distance, "%s", cases[k].a);
    cr_assert_eq(wmc_text_distance(cases[k].b, cases[k].a), cases[k].distance, "%s", cases[k].b);
  }
}

Test(base, nearest_name)
{
  const char *const names[] = {"thermalise", "draws", "stride"};
  cr_assert_str_eq(wmc_text_after_name("draws: too few", "draws"), "too few");
  cr_assert_str_eq(wmc_text_after_name("draws: too few", "draw"), "draws: too few");
  cr_assert_str_eq(wmc_text_after_name("draw", "draws"), "draw");
  cr_assert_str_eq(wmc_text_nearest("thermalize", names, 3), "thermalise");
  cr_assert_str_eq(wmc_text_nearest("draw", names, 3), "draws");
  cr_assert_null(wmc_text_nearest("temperature", names, 3));
}

Test(base, values_with_errors)
{
  const struct {
    double value, error;
    const char *text;
  } cases[] = {{2.0371339, 0.0123, "2.037(12)"},
               {-1.5, 0.00042, "-1.50000(42)"},
               {123.4, 5.6, "123.4(5.6)"},
               {0.1, 0, "0.1"},
               {log(2), 0, "0.693147180559945"},
               {1 + DBL_EPSILON, 3e-17, "1"},
               {0.1 + 0.2, 1e-17, "0.3"},
               {1, 1e-14, "1.000000000000000(10)e+0"},
               {123456789, 0, "123456789"},
               {0, 0, "0"},
               {1e-20, 3e-22, "1.000(30)e-20"},
               {1.0, 0.0996, "1.00(10)"},
               {12346, 678, "1.235(68)e+4"},
               {3, NAN, "3"},
               {-INFINITY, 1, "-inf"}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    char out[WMC_TEXT_SHORT];
    cr_expect_str_eq(wmc_text_value(out, cases[k].value, cases[k].error), cases[k].text,
                     "%s not %s", out, cases[k].text);
  }
}

Test(base, doubles_read_back)
{
  const double values[] = {0.1, 1.0 / 3, 1e-300, -2.5, 20260101, 5e-324};
  for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
    char out[WMC_TEXT_SHORT];
    cr_assert_eq(strtod(wmc_text_double(out, values[k]), NULL), values[k]);
  }
  char out[WMC_TEXT_SHORT];
  cr_assert_str_eq(wmc_text_double(out, 0.1), "0.1");
}

Test(base, durations_and_bytes)
{
  char out[WMC_TEXT_SHORT];
  cr_expect_str_eq(wmc_text_duration(out, 3.42), "3.4 s");
  cr_expect_str_eq(wmc_text_duration(out, 59.97), "1 min 00 s");
  cr_expect_str_eq(wmc_text_duration(out, 3725), "1 h 02 min");
  cr_expect_str_eq(wmc_text_duration(out, NAN), "?");
  cr_expect_str_eq(wmc_text_bytes(out, 3400000), "3.4 MB");
  cr_expect_str_eq(wmc_text_bytes(out, 12), "12 B");
}

Test(base, tables_align_utf8)
{
  wmc_table table = {.columns = 2};
  wmc_table_cell(&table, "a");
  wmc_table_cell(&table, "b");
  wmc_table_cell(&table, "λμ");
  wmc_table_cell(&table, "%d", 7);
  wmc_text out = {0};
  wmc_table_print(&table, &out);
  cr_assert_str_eq(out.bytes, "a   b\nλμ  7\n");
  wmc_table_free(&table);
  wmc_text_free(&out);
}

Test(base, hash_depends_on_every_byte_and_the_seed)
{
  unsigned char bytes[100] = {0};
  uint64_t first = wmc_hash(bytes, sizeof bytes, 0);
  for (size_t k = 0; k < sizeof bytes; k++) {
    bytes[k] ^= 1;
    cr_assert_neq(wmc_hash(bytes, sizeof bytes, 0), first);
    bytes[k] ^= 1;
  }
  cr_assert_neq(wmc_hash(bytes, sizeof bytes, 1), first);
}
