#include "../../src/models/histogram.h"

#include <criterion/criterion.h>
#include <math.h>

enum { COUNT = 7 };
static const wmc_bins bins = {.count = COUNT, .low = -1, .high = 2.5};

Test(histogram, a_draw_is_one_over_the_width_in_its_bin)
{
  double centre[COUNT], out[COUNT];
  wmc_bins_centres(&bins, centre);
  for (int k = 0; k < COUNT; k++) {
    cr_assert_float_eq(centre[k], -1 + 0.5 * (k + 0.5), 1e-15);
    const double inside[] = {centre[k] - 0.2499, centre[k], centre[k] + 0.2499};
    for (int j = 0; j < 3; j++) {
      wmc_bins_draw(&bins, inside[j], out);
      for (int i = 0; i < COUNT; i++) cr_assert_float_eq(out[i], i == k ? 2 : 0, 1e-13);
    }
  }
}

Test(histogram, ends_belong_and_what_is_outside_is_not_counted)
{
  double out[COUNT];
  wmc_bins_draw(&bins, -1, out);
  cr_assert_float_eq(out[0], 2, 1e-13);
  wmc_bins_draw(&bins, 2.5, out);
  cr_assert_float_eq(out[COUNT - 1], 2, 1e-13);
  const double outside[] = {-1.0001, 2.5001, INFINITY, -INFINITY, NAN};
  for (int j = 0; j < 5; j++) {
    wmc_bins_draw(&bins, outside[j], out);
    for (int i = 0; i < COUNT; i++) cr_assert_eq(out[i], 0);
  }
}

Test(histogram, none)
{
  const wmc_bins none = {0};
  double out[1] = {3};
  wmc_bins_draw(&none, 0, out);
  wmc_bins_centres(&none, out);
  cr_assert_eq(out[0], 3);
}

Test(histogram, several_values_of_a_draw_share_it)
{
  double out[COUNT] = {0};
  const double values[] = {-0.9, -0.8, 2.4, 7};
  for (int j = 0; j < 4; j++) wmc_bins_add(&bins, values[j], 0.25, out);
  const double expected[COUNT] = {1, 0, 0, 0, 0, 0, 0.5};
  for (int i = 0; i < COUNT; i++) cr_assert_float_eq(out[i], expected[i], 1e-13);
}
