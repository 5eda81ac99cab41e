/* Overrides on the command line. */
#include <criterion/criterion.h>

#include "toy_decks.h"

/* The identity of a deck after one override is that of the deck that says so. */
Test(deck, overrides_stand_for_text)
{
  const struct {
    const char *set, *text;
  } cases[] = {
      {"parameters.beta=2", HEAD "parameters: {width: 2, beta: 2}\n"},
      {"parameters.width=3", HEAD "parameters: {width: 3}\n"},
      {"chains=4", HEAD "chains: 4\nparameters: {width: 2}\n"},
      {"run.stride=7", HEAD "parameters: {width: 2}\nrun: {stride: 7}\n"},
      {"parameters.depth={sweep: [1, inf]}", HEAD "parameters: {width: 2, depth: {sweep: [1, "
                                                  "inf]}}\n"},
      {"parameters.record=[0, 1]", HEAD "parameters: {width: 2, record: [0, 1]}\n"},
      {"parameters.noise.kappa=2", HEAD "parameters: {width: 2, noise: {kappa: 2}}\n"},
      {"parameters={width: 9}", HEAD "parameters: {width: 9}\n"},
      {"parameters.label='x=y'", HEAD "parameters: {width: 2, label: x=y}\n"},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_deck *deck, *other = toy_deck(cases[k].text);
    cr_assert_eq(toy_parse(GOOD, 1, &cases[k].set, &deck), WMC_OK, "%s\n%s", cases[k].set,
                 wmc_message());
    wmc_text a = {0}, b = {0};
    wmc_deck_print_identity(deck, &a);
    wmc_deck_print_identity(other, &b);
    cr_expect_str_eq(a.bytes, b.bytes);
    wmc_text_free(&a);
    wmc_text_free(&b);
    wmc_deck_destroy(deck);
    wmc_deck_destroy(other);
  }
}

Test(deck, the_last_override_wins_and_kinds_can_be_replaced)
{
  const char *const set[] = {"parameters.beta=2", "parameters.energy.kind=target",
                             "parameters.energy.diag=[4, 4]", "parameters.beta=3"};
  wmc_deck *deck;
  cr_assert_eq(toy_parse(GOOD "  energy: frobenius\n", 4, set, &deck), WMC_OK, "%s", wmc_message());
  cr_expect_eq(deck->parameters[TOY_BETA].real, 3);
  cr_expect_eq(deck->parameters[TOY_ENERGY_KIND].integer, 1);
  cr_expect_eq(deck->parameters[TOY_ENERGY_DIAG].reals[1], 4);
  wmc_deck_destroy(deck);
}

Test(deck, bad_overrides)
{
  const struct {
    const char *set;
    wmc_status status;
    const char *message;
  } cases[] = {
      {"chains", WMC_USAGE, "--set chains: not of the form path=value; write for example"},
      {"=3", WMC_USAGE, "--set =3: not of the form path=value"},
      {"run..draws=3", WMC_USAGE, "--set run..draws=3: not of the form path=value"},
      {"run.draws.=3", WMC_USAGE, "--set run.draws.=3: not of the form path=value"},
      {"a.b.c.d.e=3", WMC_USAGE, "--set a.b.c.d.e=3: not of the form path=value"},
      {"chains=", WMC_USAGE, "--set chains=: no value after '='"},
      {"chains=[1", WMC_USAGE, "--set chains=[1: not valid YAML: did not find expected ',' or ']'"},
      {"chains=&a 1", WMC_USAGE, "--set chains=&a 1: anchor &a: decks have no anchors"},
      {"chains=\xff", WMC_USAGE, "--set chains=\xff: found byte 0xff, which is not text"},
      {"chains=x", WMC_DATA, "--set chains=x: chains: expected integer in [1, 1000000], found 'x'"},
      {"parameters.bta=2", WMC_DATA,
       "--set parameters.bta=2: parameters.bta: unknown key; did you "
       "mean 'beta'?"},
      {"beta=2", WMC_DATA, "--set beta=2: beta: unknown key; 'beta' belongs under 'parameters'"},
      {"parameters.energy.dig=2", WMC_DATA,
       "--set parameters.energy.dig=2: parameters.energy.dig: "
       "unknown key; did you mean 'diag'?"},
      {"parameters.noise=kappa", WMC_DATA,
       "--set parameters.noise=kappa: parameters.noise.kappa: "
       "required, but missing"},
      {"model=toys", WMC_DATA, "--set model=toys: model: expected one of toy, dice, found 'toys'"},
      {"parameters.beta={sweep: [1, 1]}", WMC_DATA,
       "--set parameters.beta={sweep: [1, 1]}: "
       "parameters.beta: beta = 1 stands twice"},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_deck *deck = NULL;
    cr_expect_eq(toy_parse(GOOD, 1, &cases[k].set, &deck), cases[k].status, "%s", cases[k].set);
    cr_expect_null(deck);
    cr_expect(toy_lines_begin(wmc_message(), cases[k].message), "says     %sexpected %s",
              wmc_message(), cases[k].message);
  }
}
