/* Keys of decks that need others. */
#include <criterion/criterion.h>
#include <string.h>

#include "toy_decks.h"

static const char *const off_or_on[] = {"off", "on", NULL};
static const wmc_field needy_fields[] = {
    {"depth", WMC_INT, .minimum = 1, .maximum = INFINITY, .standard = "2", .sweep = true,
     .unit = "", .text = "depth"},
    {"bins", WMC_INT, .minimum = 0, .maximum = 99, .standard = "0", .sweep = true, .unit = "",
     .text = "bins"},
    {"high", WMC_REAL, .standard = "1", .sweep = true, .needs = "bins!=0", .unit = "",
     .text = "end of the histogram"},
    {"lags", WMC_REALS, .unit = "", .text = "lags"},
    {"grid", WMC_INT, .minimum = 1, .maximum = 99, .standard = "4", .needs = "lags", .unit = "",
     .text = "points of a lag"},
    {"steps", WMC_REAL, .standard = "1", .sweep = true, .needs = "depth=inf, switch=on", .unit = "",
     .text = "steps of the limit"},
    {"either", WMC_REAL, .needs = "lags or depth=1|inf", .unit = "", .text = "of two"},
    {"switch", WMC_CHOICE, off_or_on, .standard = "off", .needs = "bins!=0", .unit = "",
     .text = "a switch"},
    {0},
};
static const wmc_model needy = {.name = "needy", .fields = needy_fields};
static const wmc_model *const needy_models[] = {&needy, NULL};

#define NEEDY "model: needy\nseed: 1\nparameters:\n"

static wmc_status parse_needy(const char *text, const char *set, wmc_deck **deck)
{
  wmc_message_clear();
  return wmc_deck_parse_with(needy_models, "d.yaml", text, strlen(text), set != NULL, &set, deck);
}

Test(deck, keys_without_effect_are_errors)
{
  static const struct {
    const char *text, *set, *message; /* NULL: a good deck */
  } cases[] = {
      {NEEDY "  depth: 2\n", NULL, NULL},
      {NEEDY "  high: 1\n", NULL,
       "d.yaml:4:3: parameters.high: has no effect without bins != 0; here bins = 0 (the default); "
       "give what it needs, or leave this key out"},
      {NEEDY "  high: 1\n  bins: 8\n", NULL, NULL},
      {NEEDY "  high: 1\n  bins: 8\n", "parameters.bins=0",
       "d.yaml:4:3: parameters.high: has no effect without bins != 0; here bins = 0;"},
      {NEEDY "  bins: 0\n", "parameters.high=3",
       "--set parameters.high=3: parameters.high: has no"},
      {NEEDY "  high: 1\n  bins: {sweep: [0, 8]}\n", NULL, NULL},
      {NEEDY "  high: {sweep: [1, 2]}\n", NULL, "d.yaml:4:3: parameters.high: has no effect"},
      {NEEDY "  grid: 4\n", NULL,
       "d.yaml:4:3: parameters.grid: has no effect without lags; here lags is absent;"},
      {NEEDY "  lags: [1]\n  grid: 4\n", NULL, NULL},
      {NEEDY "  depth: {sweep: [1, 2]}\n  steps: 2\n", NULL,
       "d.yaml:5:3: parameters.steps: has no effect without depth = inf; here depth is swept over "
       "other values;"},
      {NEEDY "  depth: {sweep: [1, inf]}\n  steps: 2\n", NULL,
       "parameters.steps: has no effect without switch = on; here switch = off (the default);"},
      {NEEDY "  depth: {sweep: [1, inf]}\n  steps: 2\n  switch: on\n  bins: 8\n", NULL, NULL},
      {NEEDY "  either: 2\n", NULL,
       "parameters.either: has no effect without lags or depth = 1 or inf; here lags is absent, "
       "depth = 2 (the default);"},
      {NEEDY "  either: 2\n  lags: [1]\n", NULL, NULL},
      {NEEDY "  either: 2\n  depth: inf\n", NULL, NULL},
      {NEEDY "  switch: off\n", NULL, NULL}, /* says what happens */
      {NEEDY "  switch: on\n", NULL, "parameters.switch: has no effect without bins != 0;"},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_deck *deck;
    wmc_status status = parse_needy(cases[k].text, cases[k].set, &deck);
    cr_expect_eq(status, cases[k].message ? WMC_DATA : WMC_OK, "%s\n%s", cases[k].text,
                 wmc_message());
    cr_expect(!cases[k].message || strstr(wmc_message(), cases[k].message), "%s\n%s", cases[k].text,
              wmc_message());
    wmc_deck_destroy(deck);
  }
}

/* The resolved deck has no keys without effect, and reads back. */
Test(deck, resolved_decks_leave_out_defaults_without_effect)
{
  wmc_deck *deck, *again;
  wmc_text text = {0};
  cr_assert_eq(parse_needy(NEEDY "  bins: 4\n", NULL, &deck), WMC_OK);
  wmc_deck_print_resolved(deck, &text);
  cr_expect_not_null(strstr(text.bytes, "  high: 1  # default"));
  cr_expect_null(strstr(text.bytes, "grid"));
  cr_expect_null(strstr(text.bytes, "steps"));
  cr_expect_eq(parse_needy(text.bytes, NULL, &again), WMC_OK, "%s", wmc_message());
  wmc_text_free(&text);
  wmc_deck_destroy(deck);
  wmc_deck_destroy(again);
}

/* Files of earlier versions hold all defaults written out. */
Test(deck, stored_decks_may_hold_what_has_no_effect)
{
  const char *text = "model: residual_jacobian\nseed: 1\nparameters:\n  width: 2\n  depth: 8\n"
                     "  substeps: 4  # default\n";
  wmc_deck *deck;
  cr_expect_eq(wmc_deck_parse("d", text, strlen(text), 0, NULL, &deck), WMC_DATA);
  wmc_message_clear();
  cr_expect_eq(wmc_deck_parse_resolved("d", text, strlen(text), &deck), WMC_OK, "%s",
               wmc_message());
  wmc_deck_destroy(deck);
}
