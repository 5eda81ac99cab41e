/* Decks: what is refused, and what is understood. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "toy_decks.h"

/* ---- what is refused -------------------------------------------------------------------- */

static const struct {
  const char *text, *message; /* one line each, in this order */
} bad[] = {
    /* not a deck at all */
    {"", "d.yaml:1:1: the deck is empty; it needs at least 'model', 'seed' and 'parameters'"},
    {"# nothing\n", "d.yaml:1:1: the deck is empty"},
    {"---\n", "d.yaml:1:1: the deck is empty"},
    {"- model: toy\n", "d.yaml:1:1: a deck is a mapping of lines 'key: value', found a list"},
    {"balanced\n", "d.yaml:1:1: a deck is a mapping of lines 'key: value', found 'balanced'"},
    {"model: t\xffoy\n", "d.yaml:1:9: found byte 0xff, which is not text"},
    {HEAD "title: \x01\n", "d.yaml:3:8: found byte 0x01, which is not text"},
    {"\x89HDF\r\n\x1a\n", "d.yaml:1:1: found byte 0x89, which is not text"},
    {"model: \xc0\xaf\n", "d.yaml:1:8: found byte 0xc0, which is not text"},
    {"model: \xed\xa0\x80\n", "d.yaml:1:8: found byte 0xed, which is not text"},
    /* not YAML, or more YAML than a deck may have */
    {HEAD "parameters: {width: 2\nrun: {draws: 1}\n", "d.yaml:4:4: not valid YAML: did not find "
                                                      "expected ',' or '}' while parsing a flow "
                                                      "mapping (line 3)"},
    {HEAD "parameters:\n\twidth: 2\n", "d.yaml:4:1: not valid YAML: found character that cannot "
                                       "start any token while scanning for the next token (line "
                                       "4); indent with blanks, not tabs"},
    {HEAD "parameters:\n  width: 2\n   depth: 3\n", "d.yaml:5:9: not valid YAML: "},
    {HEAD "title: 'open\n", "d.yaml:4:1: not valid YAML: found unexpected end of stream"},
    {"model: &m toy\nseed: 1\nparameters: {width: 2}\n", "d.yaml:1:8: anchor &m: decks have no "
                                                         "anchors; write the value where it is "
                                                         "used"},
    {"model: *m\n", "d.yaml:1:8: alias *m: decks have no aliases"},
    {GOOD "  depth: !!int 3\n", "d.yaml:5:10: tag tag:yaml.org,2002:int: decks have no tags"},
    {GOOD "---\nmodel: toy\n", "d.yaml:5:1: a second document starts here"},
    {GOOD "  width: 3\n", "d.yaml:5:3: 'width' stands here for the second time; first on line 4"},
    {GOOD "seed: 2\n", "d.yaml:5:1: 'seed' stands here for the second time; first on line 2"},
    {GOOD "  ? [a, b]\n  : 3\n", "d.yaml:5:5: found a key that is a list or a mapping"},
    {GOOD "  record: [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]\n",
     "d.yaml:5:26: nested deeper than 16 levels"},
    {GOOD "  label: \"a\\nb\"\n", "d.yaml:5:10: found a line break or control character"},
    {GOOD "  label: |\n    a\n    b\n", "d.yaml:5:10: found a line break or control character"},
    /* the top level */
    {"model: toyy\nseed: 1\n", "d.yaml:1:8: model: expected one of toy, dice, found 'toyy'; did "
                               "you mean 'toy'?"},
    {"seed: 1\n", "d.yaml:1:1: model: required, but missing"},
    {"model: toy\nparameters: {width: 2}\n", "d.yaml:1:1: seed: required, but missing: fixes all "
                                             "random numbers of the run; give integer in [0, "
                                             "2147483647]"},
    {"model: toy\nseed: 2147483648\nparameters: {width: 2}\n",
     "d.yaml:2:7: seed: expected integer in [0, 2147483647], found '2147483648'"},
    {"model: toy\nseed: 1.0\nparameters: {width: 2}\n",
     "d.yaml:2:7: seed: expected integer in [0, 2147483647], found '1.0'; write 1, without"},
    {"model: [toy]\nseed: 1\n", "d.yaml:1:8: model: expected text, found a list"},
    {GOOD "chains: 0\n", "d.yaml:5:9: chains: expected integer in [1, 1000000], found '0'"},
    {GOOD "chians: 4\n", "d.yaml:5:1: chians: unknown key; did you mean 'chains'? (allowed: title, "
                         "model, seed, chains, output, run, parameters)"},
    {GOOD "beta: 4\n", "d.yaml:5:1: beta: unknown key; 'beta' belongs under 'parameters'"},
    {GOOD "draws: 4\n", "d.yaml:5:1: draws: unknown key; 'draws' belongs under 'run'"},
    {GOOD "output: ''\n", "d.yaml:5:9: output: expected text, found nothing"},
    {GOOD "chains: {sweep: [1, 2]}\n", "d.yaml:5:9: chains: cannot be swept; give one value"},
    {HEAD "parameters: 3\n", "d.yaml:3:1: parameters.width: required, but missing\n"
                             "d.yaml:3:13: parameters: expected a mapping of lines 'key: value', "
                             "found '3'"},
    /* run */
    {GOOD "run: [draws]\n", "d.yaml:5:6: run: expected a mapping of lines 'key: value', found a "
                            "list"},
    {GOOD "run: {thermalize: 5}\n", "d.yaml:5:7: run.thermalize: unknown key; did you mean "
                                    "'thermalise'? (allowed: thermalise, draws, stride, "
                                    "checkpoint"},
    {GOOD "run: {draws: 0}\n", "d.yaml:5:14: run.draws: expected integer >= 1, found '0'"},
    {GOOD "run: {stride: 1.5}\n", "d.yaml:5:15: run.stride: expected integer >= 1, found '1.5'"},
    {GOOD "run: {checkpoint: 10 minuets}\n", "d.yaml:5:19: run.checkpoint: expected time >= 1 s, "
                                             "found '10 minuets'; write for example 90, '10 min'"},
    {GOOD "run: {seed: 3}\n", "d.yaml:5:7: run.seed: unknown key; 'seed' belongs at the top level"},
    {"model: dice\nseed: 1\nrun: {thermalise: 5, stride: 1}\n",
     "d.yaml:3:7: run.thermalise: not allowed: every draw of model dice is a new independent "
     "sample\n"
     "d.yaml:3:22: run.stride: not allowed: every draw of model dice"},
    /* parameters */
    {HEAD, "d.yaml:1:1: parameters.width: required, but missing: width of the layers; give "
           "integer >= 1"},
    {HEAD "parameters:\n", "d.yaml:3:1: parameters.width: required, but missing"},
    {HEAD "parameters:\n  width:\n", "d.yaml:4:9: parameters.width: expected integer >= 1, found "
                                     "nothing"},
    {GOOD "  bata: 3\n", "d.yaml:5:3: parameters.bata: unknown key; did you mean 'beta'? (allowed: "
                         "width, depth, beta, shift, record, label, pause, block, energy, noise, "
                         "limits)"},
    {GOOD "  chains: 3\n", "d.yaml:5:3: parameters.chains: unknown key; 'chains' belongs at the "
                           "top level"},
    {GOOD "  energy.diag: [1, 2]\n", "d.yaml:5:3: parameters.energy.diag: unknown key; write "
                                     "'energy: {diag: ...}'"},
    {GOOD "  beta: warm\n", "d.yaml:5:9: parameters.beta: expected real > 0, found 'warm'"},
    {GOOD "  beta: -0\n", "d.yaml:5:9: parameters.beta: expected real > 0, found '-0'"},
    {GOOD "  beta: .nan\n", "d.yaml:5:9: parameters.beta: expected real > 0, found '.nan'"},
    {GOOD "  beta: .inf\n", "d.yaml:5:9: parameters.beta: expected real > 0, found '.inf'"},
    {GOOD "  beta: [1, 2]\n", "d.yaml:5:9: parameters.beta: expected real > 0, found a list; to "
                              "sweep write {sweep: [...]}"},
    {GOOD "  beta: {swep: [1]}\n", "d.yaml:5:9: parameters.beta: expected real > 0, found a "
                                   "mapping; to sweep write {sweep: [...]}"},
    {GOOD "  shift: 1.5\n", "d.yaml:5:10: parameters.shift: expected real in [-1, 1], found '1.5'"},
    {GOOD "  shift: {sweep: [0]}\n", "d.yaml:5:10: parameters.shift: cannot be swept; give one "
                                     "value"},
    {GOOD "  depth: 0\n", "d.yaml:5:10: parameters.depth: expected integer >= 1, or inf, found "
                          "'0'"},
    {GOOD "  block: two-layer\n", "d.yaml:5:10: parameters.block: expected one of linear, "
                                  "one_layer, two_layer, found 'two-layer'; did you mean "
                                  "'two_layer'?"},
    {GOOD "  record: [0.5, 2, x]\n", "d.yaml:5:17: parameters.record: expected real in [0, 1], "
                                     "found '2'\n"
                                     "d.yaml:5:20: parameters.record: expected real in [0, 1], "
                                     "found 'x'"},
    {GOOD "  record: []\n", "d.yaml:5:11: parameters.record: expected list of reals, each in [0, "
                            "1], found an empty list"},
    {GOOD "  record: [[1]]\n", "d.yaml:5:12: parameters.record: expected list of reals, each in "
                               "[0, 1], found a list"},
    {GOOD "  pause: 2 h\n", "d.yaml:5:10: parameters.pause: expected time in [1 s, 1 h], found '2 "
                            "h'"},
    /* groups */
    {GOOD "  energy: fish\n", "d.yaml:5:11: parameters.energy.kind: expected one of frobenius, "
                              "target, regression, found 'fish'"},
    {GOOD "  energy: target\n", "d.yaml:5:3: parameters.energy.diag: required, but missing: "
                                "diagonal; give list of reals"},
    {GOOD "  energy: {kind: target, dig: [1, 2]}\n",
     "d.yaml:5:3: parameters.energy.diag: required, but missing\n"
     "d.yaml:5:26: parameters.energy.dig: unknown key; did you mean 'diag'? (allowed: diag, kind, "
     "inputs, scale)"},
    {GOOD "  energy: {kind: frobenius, scale: 2}\n",
     "d.yaml:5:29: parameters.energy.scale: allowed only with energy.kind = target or regression; "
     "here energy.kind = frobenius"},
    {GOOD "  energy: {scale: 2}\n", "d.yaml:5:12: parameters.energy.scale: allowed only with "
                                    "energy.kind = target or regression; here energy.kind = "
                                    "frobenius (the default)"},
    {GOOD "  energy: {diag: [1, 2], inputs: a.h5:/x}\n",
     "d.yaml:5:26: parameters.energy.inputs: allowed only with energy.kind = regression; here "
     "energy.kind = target"},
    {GOOD "  energy: {kind: regression, inputs: iris}\n",
     "d.yaml:5:38: parameters.energy.inputs: expected dataset of an HDF5 file, FILE:/DATASET, "
     "found 'iris'; write for example iris.h5:/inputs"},
    {GOOD "  energy:\n", "d.yaml:5:10: parameters.energy: expected a mapping with some of diag, "
                         "kind, inputs, scale; found nothing"},
    {GOOD "  limits: 3\n", "d.yaml:5:11: parameters.limits: expected a mapping with some of low, "
                           "high; found '3'"},
    {GOOD "  noise: {kind: {sweep: [isotropic, horizontal]}, kappa: 2}\n",
     "d.yaml:5:51: parameters.noise.kappa: allowed only with noise.kind = kappa; here noise.kind "
     "is swept over other values"},
    /* sweeps */
    {GOOD "  beta: {sweep: []}\n", "d.yaml:5:17: parameters.beta: expected a list of 1 to 100000 "
                                   "values after sweep:"},
    {GOOD "  beta: {sweep: 3}\n", "d.yaml:5:17: parameters.beta: expected a list of 1 to 100000 "
                                  "values after sweep:"},
    {GOOD "  beta: {sweep: [1, 2, 1.0]}\n", "d.yaml:5:3: parameters.beta: beta = 1 stands twice in "
                                            "the sweep; keep one"},
    {GOOD "  beta: {sweep: [1, cold]}\n", "d.yaml:5:21: parameters.beta: expected real > 0, found "
                                          "'cold'"},
    {GOOD "  beta: {sweep: [1], zipp: a}\n", "d.yaml:5:22: parameters.beta: unknown key 'zipp' "
                                             "beside sweep; allowed are sweep, zip"},
    {GOOD "  beta: {sweep: [1, 2], zip: a}\n  depth: {sweep: [1, 2, 3], zip: a}\n",
     "d.yaml:6:10: parameters.depth: 3 values, but zip 'a' began with 2 (beta); give equally many"},
    {GOOD "  beta: {sweep: [1, 1], zip: a}\n  depth: {sweep: [2, 2], zip: a}\n",
     "d.yaml:5:3: parameters.beta: beta = 1, depth = 2 stands twice in the sweep"},
    {GOOD "  beta: {sweep: [1, 2], zip: depth}\n", "d.yaml:5:30: parameters.beta: the name after "
                                                   "zip: must be letters, digits and _, and not "
                                                   "that of a parameter"},
    {GOOD "  beta: {sweep: [1, 2], zip: energy_kind}\n",
     "d.yaml:5:30: parameters.beta: the name after zip"},
    {GOOD "  beta: {sweep: [1, 2], zip: chain}\n",
     "d.yaml:5:30: parameters.beta: the name after zip"},
    {GOOD "  beta: {sweep: [1, 2], zip: a/b}\n",
     "d.yaml:5:30: parameters.beta: the name after zip"},
    {HEAD "parameters:\n  width: {sweep: [1]}\n  beta: {sweep: [1]}\n  depth: {sweep: [1]}\n"
          "  block: {sweep: [linear]}\n  pause: {sweep: [5]}\n",
     "d.yaml:8:10: parameters.pause: more than 4 sweep axes; tie sweeps together"},
    {"model: toy\nseed: 1\nchains: 1000000\nparameters:\n  width: {sweep: [1, 2, 3]}\n"
     "  beta: {sweep: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]}\n"
     "  depth: {sweep: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, "
     "21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]}\n",
     "d.yaml:3:1: chains: 1000000 chains for each of 2400 tasks are 2^31 - 1 or more"},
    /* the model's own checks */
    {GOOD "  energy: {diag: [1, 2, 3]}\n", "d.yaml:5:12: parameters.energy.diag: 3 entries for "
                                           "width 2; give one for each"},
    {GOOD "  beta: {sweep: [1, 200]}\n", "d.yaml:5:3: parameters.beta: too cold; use a beta of at "
                                         "most 100 (at beta = 200)"},
    {HEAD "parameters: {width: 13}\n", "d.yaml:3:1: parameters: 13 brings bad luck"},
    /* several at once, in the order of position */
    {"chains: many\nmodel: toy\nparameters:\n  beta: cold\n  width: 2\nrun:\n  draws: 1.5\n",
     "d.yaml:1:1: seed: required, but missing\n"
     "d.yaml:1:9: chains: expected integer in [1, 1000000], found 'many'\n"
     "d.yaml:4:9: parameters.beta: expected real > 0, found 'cold'\n"
     "d.yaml:7:10: run.draws: expected integer >= 1, found '1.5'"},
};

Test(deck, bad_decks_say_where_and_what)
{
  for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
    wmc_deck *deck = (wmc_deck *)1;
    cr_expect_eq(toy_parse(bad[k].text, 0, NULL, &deck), WMC_DATA, "%s", bad[k].text);
    cr_expect_null(deck);
    cr_expect(toy_lines_begin(wmc_message(), bad[k].message), "%s\nsays     %sexpected %s",
              bad[k].text, wmc_message(), bad[k].message);
  }
}

Test(deck, a_large_file_is_refused)
{
  size_t n = 10000000;
  char *text = wmc_alloc(n, 1);
  memset(text, '#', n);
  wmc_deck *deck;
  cr_expect_eq(wmc_deck_parse_with(toy_models, "big.yaml", text, n, 0, NULL, &deck), WMC_DATA);
  cr_expect_str_eq(wmc_message(), "big.yaml: larger than 1.0 MB, the most for a deck; is this the "
                                  "right file?\n");
  wmc_free(text);
}

Test(deck, hundreds_of_errors_are_counted)
{
  wmc_text text = {0};
  wmc_text_append(&text, HEAD "parameters:\n  width: 2\n");
  for (int k = 0; k < 200; k++) wmc_text_append(&text, "  key%d: 1\n", k);
  wmc_deck *deck;
  cr_expect_eq(toy_parse(text.bytes, 0, NULL, &deck), WMC_DATA);
  cr_expect_not_null(strstr(wmc_message(), "d.yaml: and 160 more errors\n"), "%s", wmc_message());
  wmc_text_free(&text);
}

Test(deck, files)
{
  wmc_deck *deck;
  cr_expect_eq(wmc_deck_read("/nowhere/deck.yaml", 0, NULL, &deck), WMC_DATA);
  cr_expect_str_eq(wmc_message(),
                   "/nowhere/deck.yaml: cannot read the deck: No such file or directory\n");
  wmc_message_clear();
  cr_expect_eq(wmc_deck_read("/", 0, NULL, &deck), WMC_DATA);
  cr_expect_str_eq(wmc_message(), "/: cannot read the deck: Is a directory\n");
}

/* ---- what is understood ----------------------------------------------------------------- */

Test(deck, values_and_defaults)
{
  wmc_deck *deck =
      toy_deck("model: toy\nseed: 20_26\nchains: 1e3\nparameters:\n  width: 1\n  beta: .5\n"
               "  label: \"a: b\"\n  pause: 1 min\n  energy: {kind: target, diag: 3}\n"
               "  noise: {kappa: 0.25}\n");
  const wmc_value *p = deck->parameters;
  cr_expect_eq(deck->general[WMC_DECK_SEED].integer, 2026);
  cr_expect_eq(deck->general[WMC_DECK_CHAINS].integer, 1000);
  cr_expect_str_eq(deck->general[WMC_DECK_OUTPUT].string, "d.h5");
  cr_expect_eq(deck->run[WMC_RUN_THERMALISE].integer, 1000);
  cr_expect_eq(deck->run[WMC_RUN_CHECKPOINT].real, 600);
  cr_expect_not(deck->run[WMC_RUN_CHECKPOINT].given);
  cr_expect_eq(p[TOY_BETA].real, 0.5);
  cr_expect_eq(p[TOY_RECORD].count, 2);
  cr_expect_eq(p[TOY_RECORD].reals[1], 1);
  cr_expect_str_eq(p[TOY_LABEL].string, "a: b");
  cr_expect_eq(p[TOY_PAUSE].real, 60);
  cr_expect_not(p[TOY_SHIFT].present);
  cr_expect_not(p[TOY_LIMITS_LOW].present);
  cr_expect_eq(p[TOY_ENERGY_KIND].integer, 1);
  cr_expect_eq(p[TOY_ENERGY_SCALE].real, 1);
  cr_expect_not(p[TOY_ENERGY_INPUTS].present);
  cr_expect_eq(p[TOY_NOISE_KIND].integer, 2, "implied by kappa");
  cr_expect_eq(deck->tasks, 1);
  cr_expect_str_eq(deck->directory, ".");
  wmc_deck_destroy(deck);
}

Test(deck, independent_draws_need_no_thermalisation)
{
  wmc_deck *deck = toy_deck("model: dice\nseed: 1\n");
  cr_expect_eq(deck->run[WMC_RUN_THERMALISE].integer, 0);
  cr_expect_eq(deck->run[WMC_RUN_STRIDE].integer, 1);
  cr_expect_eq(deck->run[WMC_RUN_DRAWS].integer, 1000);
  wmc_deck_destroy(deck);
}

Test(deck, paths_give_output_and_directory)
{
  const struct {
    const char *path, *directory, *output;
  } cases[] = {{"a/b/relu.yaml", "a/b", "relu.h5"},
               {"/relu.v2.yml", "/", "relu.v2.h5"},
               {"relu", ".", "relu.h5"},
               {"./.relu", ".", ".relu.h5"}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_deck *deck;
    cr_assert_eq(wmc_deck_parse_with(toy_models, cases[k].path, GOOD, strlen(GOOD), 0, NULL, &deck),
                 WMC_OK);
    cr_expect_str_eq(deck->path, cases[k].path);
    cr_expect_str_eq(deck->text, GOOD);
    cr_expect_str_eq(deck->directory, cases[k].directory);
    cr_expect_str_eq(deck->general[WMC_DECK_OUTPUT].string, cases[k].output);
    wmc_deck_destroy(deck);
  }
}

Test(deck, byte_order_mark_and_line_ends_do_not_matter)
{
  wmc_deck_destroy(toy_deck("\xEF\xBB\xBFmodel: toy\r\nseed: 1\r\nparameters:\r\n  width: 2\r\n"));
  wmc_deck_destroy(toy_deck("{model: toy, seed: 1, parameters: {width: 2}}"));
  wmc_deck_destroy(toy_deck("--- # all of it\nmodel: toy\nseed: 1\nparameters: {width: 2}\n...\n"));
  wmc_deck_destroy(toy_deck("model: dice\nseed: 1\nparameters:\nrun:\n"));
}

Test(deck, tasks_are_the_product_with_the_last_axis_fastest)
{
  wmc_deck *deck = toy_deck(HEAD "parameters:\n  beta: {sweep: [4, 5, 6]}\n"
                                 "  width: {sweep: [2, 3]}\n");
  cr_assert_eq(deck->axes, 2);
  cr_assert_eq(deck->tasks, 6);
  cr_expect_str_eq(deck->axis[0].name, "beta");
  cr_expect_str_eq(deck->axis[1].name, "width");
  cr_expect_eq(deck->parameters[TOY_BETA].real, 4);
  for (size_t t = 0; t < 6; t++) {
    wmc_value out[TOY_FIELDS];
    size_t index[WMC_DECK_AXES];
    cr_assert_eq(wmc_deck_task(deck, t, out), WMC_OK);
    wmc_deck_task_index(deck, t, index);
    cr_expect_eq(index[0], t / 2);
    cr_expect_eq(index[1], t % 2);
    cr_expect_eq(out[TOY_BETA].real, 4 + (double)(t / 2));
    cr_expect_eq(out[TOY_WIDTH].integer, 2 + (long)(t % 2));
    cr_expect_eq(out[TOY_RECORD].count, 2);
    for (size_t k = 0; k < TOY_FIELDS; k++) wmc_value_free(&out[k]);
  }
  wmc_deck_destroy(deck);
}

Test(deck, zipped_sweeps_are_one_axis)
{
  wmc_deck *deck = toy_deck(HEAD "parameters:\n  width: {sweep: [2, 3, 4], zip: size}\n"
                                 "  block: {sweep: [linear, two_layer]}\n"
                                 "  depth: {sweep: [7, 7, inf], zip: size}\n");
  cr_assert_eq(deck->axes, 2);
  cr_assert_eq(deck->tasks, 6);
  cr_expect_str_eq(deck->axis[0].name, "size");
  cr_expect_eq(deck->axis[0].fields, 2);
  wmc_value out[TOY_FIELDS];
  cr_assert_eq(wmc_deck_task(deck, 5, out), WMC_OK);
  cr_expect_eq(out[TOY_WIDTH].integer, 4);
  cr_expect(isinf(out[TOY_DEPTH].real));
  cr_expect_eq(out[TOY_BLOCK].integer, 2);
  for (size_t k = 0; k < TOY_FIELDS; k++) wmc_value_free(&out[k]);
  wmc_deck_destroy(deck);
}

/* Where the kind of a group is swept, each task has the fields of its own kind only. */
Test(deck, swept_kinds)
{
  wmc_deck *deck = toy_deck(GOOD "  energy: {kind: {sweep: [frobenius, target]}, diag: [2, 1]}\n"
                                 "  noise: {sweep: [horizontal, isotropic]}\n");
  cr_assert_eq(deck->tasks, 4);
  cr_expect_str_eq(deck->axis[1].name, "noise.kind");
  for (size_t t = 0; t < 4; t++) {
    wmc_value out[TOY_FIELDS];
    cr_assert_eq(wmc_deck_task(deck, t, out), WMC_OK);
    cr_expect_eq(out[TOY_ENERGY_DIAG].present, t >= 2);
    cr_expect_eq(out[TOY_ENERGY_SCALE].present, t >= 2);
    cr_expect_eq(out[TOY_ENERGY_INPUTS].present, false);
    cr_expect_eq(out[TOY_NOISE_KIND].integer, t % 2 == 0);
    for (size_t k = 0; k < TOY_FIELDS; k++) wmc_value_free(&out[k]);
  }
  wmc_deck_destroy(deck);
}

Test(deck, positions_of_parameters)
{
  const char *const set[] = {"parameters.shift=0.5"};
  wmc_deck *deck;
  cr_assert_eq(toy_parse(GOOD "  energy: {diag: [1, 2]}\n", 1, set, &deck), WMC_OK);
  const struct {
    int field;
    const char *where;
  } cases[] = {{TOY_WIDTH, "d.yaml:4:3: parameters.width"},
               {TOY_ENERGY_DIAG, "d.yaml:5:12: parameters.energy.diag"},
               {TOY_ENERGY_SCALE, "d.yaml:5:3: parameters.energy.scale"},
               {TOY_BETA, "d.yaml:3:1: parameters.beta"},
               {TOY_SHIFT, "--set parameters.shift=0.5: parameters.shift"},
               {-1, "d.yaml:3:1: parameters"}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_text out = {0};
    wmc_deck_where(deck, cases[k].field, &out);
    cr_expect_str_eq(out.bytes, cases[k].where);
    wmc_text_free(&out);
  }
  wmc_deck_destroy(deck);
}

/* ---- the manual ------------------------------------------------------------------------- */

/* Every YAML block of docs/deck.md is a deck for the models of the program. */
Test(deck, examples_of_the_manual)
{
  static char page[1 << 16];
  FILE *file = fopen(WMC_SOURCE_ROOT "/docs/deck.md", "r");
  cr_assert_not_null(file);
  page[fread(page, 1, sizeof page - 1, file)] = '\0';
  fclose(file);
  int examples = 0;
  for (const char *p = page; (p = strstr(p, "\n```yaml\n")) != NULL; examples++) {
    p += strlen("\n```yaml\n");
    size_t n = (size_t)(strstr(p, "\n```\n") - p);
    wmc_deck *deck;
    wmc_message_clear();
    cr_expect_eq(wmc_deck_parse("deck.md", p, n, 0, NULL, &deck), WMC_OK, "%s", wmc_message());
    wmc_deck_destroy(deck);
    p += n;
  }
  cr_expect_geq(examples, 3);
}
