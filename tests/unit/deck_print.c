/* Decks printed: resolved, and as the identity of a run. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "toy_decks.h"

static void same_tasks(const wmc_deck *a, const wmc_deck *b)
{
  const wmc_field *fields = a->model->fields;
  size_t n = wmc_field_count(fields);
  cr_assert_eq(a->tasks, b->tasks);
  for (size_t t = 0; t < a->tasks; t++) {
    wmc_value x[TOY_FIELDS], y[TOY_FIELDS];
    cr_assert_eq(wmc_deck_task(a, t, x), WMC_OK);
    cr_assert_eq(wmc_deck_task(b, t, y), WMC_OK);
    for (size_t k = 0; k < n; k++) {
      wmc_text p = {0}, q = {0};
      cr_assert_eq(x[k].present, y[k].present);
      if (x[k].present) wmc_field_print(&fields[k], &x[k], &p);
      if (y[k].present) wmc_field_print(&fields[k], &y[k], &q);
      cr_expect_str_eq(wmc_text_string(&p), wmc_text_string(&q));
      wmc_text_free(&p);
      wmc_text_free(&q);
      wmc_value_free(&x[k]);
      wmc_value_free(&y[k]);
    }
  }
}

Test(deck, resolved_decks_read_back_as_the_same_deck)
{
  for (size_t k = 0; k < TOY_DECKS; k++) {
    wmc_deck *deck = toy_deck(toy_decks[k]);
    char *resolved = toy_printed(deck, wmc_deck_print_resolved);
    wmc_deck *again = toy_deck(resolved);
    char *identity = toy_printed(deck, wmc_deck_print_identity);
    char *identity_again = toy_printed(again, wmc_deck_print_identity);
    char *second = toy_printed(again, wmc_deck_print_resolved);
    cr_expect_str_eq(identity, identity_again);
    same_tasks(deck, again);
    for (size_t g = 0; g < WMC_DECK_KEYS; g++)
      cr_expect_eq(deck->general[g].present, again->general[g].present);
    cr_expect_str_eq(deck->general[WMC_DECK_TITLE].string, again->general[WMC_DECK_TITLE].string);
    cr_expect_str_eq(deck->general[WMC_DECK_OUTPUT].string, again->general[WMC_DECK_OUTPUT].string);
    cr_expect_eq(deck->run[WMC_RUN_DRAWS].integer, again->run[WMC_RUN_DRAWS].integer);
    cr_expect_eq(deck->run[WMC_RUN_CHECKPOINT].real, again->run[WMC_RUN_CHECKPOINT].real);
    cr_expect_null(strstr(second, "# default"), "everything was written out");
    wmc_deck_destroy(deck);
    wmc_deck_destroy(again);
    free(resolved);
    free(second);
    free(identity);
    free(identity_again);
  }
}

Test(deck, resolved_decks_mark_defaults)
{
  wmc_deck *deck = toy_deck(GOOD "  noise: {kappa: 2}\n");
  char *text = toy_printed(deck, wmc_deck_print_resolved);
  cr_expect_str_eq(text, "model: toy\n"
                         "seed: 1\n"
                         "title: \"\"  # default\n"
                         "chains: 16  # default\n"
                         "output: d.h5  # default\n"
                         "parameters:\n"
                         "  width: 2\n"
                         "  noise:\n"
                         "    kind: kappa\n"
                         "    kappa: 2\n"
                         "  depth: 2  # default\n"
                         "  beta: 1  # default\n"
                         "  record: [0.5, 1]  # default\n"
                         "  block: linear  # default\n"
                         "  energy:\n"
                         "    kind: frobenius  # default\n"
                         "run:\n"
                         "  thermalise: 1000  # default\n"
                         "  draws: 1000  # default\n"
                         "  stride: 1  # default\n"
                         "  checkpoint: 10 min  # default\n");
  free(text);
  wmc_deck_destroy(deck);
}

Test(deck, identity_lists_what_results_depend_on)
{
  wmc_deck *deck =
      toy_deck(GOOD "  depth: {sweep: [2, inf]}\n  beta: {sweep: [1]}\nrun: {draws: 5}\n");
  char *text = toy_printed(deck, wmc_deck_print_identity);
  cr_expect_str_eq(text, "model = toy\n"
                         "seed = 1\n"
                         "chains = 16\n"
                         "run.thermalise = 1000\n"
                         "run.stride = 1\n"
                         "parameters.width = 2\n"
                         "parameters.depth = {sweep: [2, inf]}\n"
                         "parameters.beta = {sweep: [1]}\n"
                         "parameters.record = [0.5, 1]\n"
                         "parameters.block = linear\n"
                         "parameters.energy.kind = frobenius\n"
                         "parameters.noise.kind = isotropic\n"
                         "axes = depth, beta\n");
  free(text);
  wmc_deck_destroy(deck);
}

/* Changing a free field keeps the identity; changing any other field changes it. */
Test(deck, identity_ignores_exactly_the_free_fields)
{
  const struct {
    const char *set;
    bool same;
  } cases[] = {{"title=x", true},
               {"output=x.h5", true},
               {"run.draws=9", true},
               {"run.checkpoint=9", true},
               {"seed=2", false},
               {"chains=2", false},
               {"run.thermalise=2", false},
               {"run.stride=2", false},
               {"parameters.width=3", false},
               {"parameters.beta=1", true},
               {"parameters.shift=0", false}};
  wmc_deck *deck = toy_deck(GOOD);
  char *identity = toy_printed(deck, wmc_deck_print_identity);
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_deck *other;
    cr_assert_eq(toy_parse(GOOD, 1, &cases[k].set, &other), WMC_OK);
    char *changed = toy_printed(other, wmc_deck_print_identity);
    cr_expect_eq(strcmp(identity, changed) == 0, cases[k].same, "%s", cases[k].set);
    free(changed);
    wmc_deck_destroy(other);
  }
  free(identity);
  wmc_deck_destroy(deck);
}
