/* What decks of the model balanced are refused for, and the law of flat directions behind some of
 * it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/models/balanced_escape.h"
#include "../../src/models/balanced_parameters.h"
#include "complaints.h"
#include "energies.h"
#include "streams.h"

enum { D = 4 };

Test(balanced_complaints, complaints_say_what_was_found_and_expected)
{
  test_parameters deck;
  double some[TEST_SAMPLES * D] = {1};
  wmc_stream *s = test_stream(27, 0);
  deck = test_parameters_open(&wmc_model_balanced);
  test_give_number(&deck, "width", D);
  test_give_number(&deck, "depth", 3);
  test_complaint(&deck, NULL, NULL);
  test_give_energy(&deck, WMC_ENERGY_TARGET, D, D, s);
  test_complaint(&deck, "formulation", "observable");
  test_give(&deck, "formulation", "observable");
  test_complaint(&deck, NULL, NULL);
  test_give_matrix(&deck, "energy.matrix", 2, D, some);
  test_complaint(&deck, "energy.matrix", "2 x 4 matrix found, 4 x 4 expected");
  test_give_matrix(&deck, "energy.diag", 1, 3, some);
  test_take(&deck, "energy.matrix");
  test_complaint(&deck, "energy.diag", "3 entries found, 4 expected");
  test_take(&deck, "energy.diag");
  test_complaint(&deck, "energy.kind", "neither");
  test_give_energy(&deck, WMC_ENERGY_REGRESSION, D, D, s);
  test_complaint(&deck, NULL, NULL);
  test_give_matrix(&deck, "energy.labels", TEST_SAMPLES - 1, D, some);
  test_complaint(&deck, "energy.labels", "10 labels found for 11 inputs");
  test_give_matrix(&deck, "energy.labels", TEST_SAMPLES, D - 1, some);
  test_complaint(&deck, "energy.labels", "11 x 3 matrix found, 4 columns expected");
  test_give_energy(&deck, WMC_ENERGY_REGRESSION, D, D, s);
  for (int k = 0; k < TEST_SAMPLES; k++)
    test_value(&deck, "energy.inputs")->reals[k * D + 3] =
        test_value(&deck, "energy.inputs")->reals[k * D];
  test_complaint(&deck, "energy.inputs", "3 of 4 directions");
  test_parameters_close(&deck);
  wmc_stream_destroy(s);
}

/* Eq. (36) against the density itself: q large singular values among r, and t^dimension. */
Test(balanced_complaints, growth_along_flat_directions_is_that_of_the_density)
{
  for (int t = 0; t < 400; t++) {
    const double depths[] = {1, 2, 3, 10};
    const int b = 1 + t / 200;
    const int rows = 1 + t % 4, columns = 1 + t / 4 % 4, rank = rows < columns ? rows : columns;
    const int q = 1 + t % rank, dimension = q + t % 3;
    const wmc_gibbs law = {.shape = {.numbers = b == 1 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX,
                                     .depth = depths[t / 7 % 4],
                                     .rank = rank,
                                     .rows = rows,
                                     .columns = columns,
                                     .hidden = rank + t / 5 % 3},
                           .beta = 1,
                           .vertical = t % 2,
                           .horizontal = 0.5 + t % 3};
    double memory[5 * TEST_LONG], value[2];
    wmc_spectrum x = wmc_spectrum_map(rank, law.shape.depth, memory);
    for (int end = 0; end < 2; end++) {
      for (int k = 0; k < rank; k++)
        wmc_spectrum_set_log(&x, k, (k < q ? 300 + 100 * end : 0) - 0.3 * k);
      value[end] = wmc_gibbs_log_volume(&law, &x);
    }
    cr_assert_float_eq(wmc_balanced_growth(&law, 0, q, dimension),
                       b * dimension + (value[1] - value[0]) / 100, 1e-11);
  }
}

/* Whether the model states the mean of the virial, as it does where a law exists. */
static bool states_virial(const test_parameters *deck)
{
  double mean;
  const wmc_observable *o = deck->model->observables;
  while (strcmp(o->name, "virial") != 0) o++;
  return o->expected(deck->values, &mean);
}

/* Without decay the observed diagonal of a 2 x 2 matrix has a law where entropy ends it: hidden
 * width 2 and depth > 3. A free entry of a row of two has one where the integral of
 * |x|^{2/N - 2} over it converges: depth > 2. */
Test(balanced_complaints, masks_that_leave_no_law_are_refused)
{
  const double diag[] = {1, 1}, row[] = {1, 0};
  const struct {
    double rows, hidden, depth, decay;
    bool law;
  } cases[] = {{2, 2, 3, 0, false},         {2, 2, 4, 0, true},
               {2, 2, 3, 0.1, true},        {2, 3, 4, 0, false},
               {2, 3, INFINITY, 0, false},  {2, 3, INFINITY, 0.1, false},
               {2, 3, INFINITY, 0.9, true}, {1, 1, 2, 0, false},
               {1, 1, 3, 0, true},          {1, 1, 2, 0.1, true}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    test_parameters deck = test_parameters_open(&wmc_model_balanced);
    const double widths[] = {2, cases[k].hidden, cases[k].rows};
    test_take(&deck, "excess");
    test_give_matrix(&deck, "widths", 1, 3, widths);
    test_give_number(&deck, "depth", cases[k].depth);
    test_give(&deck, "energy.kind", "completion");
    test_give(&deck, "formulation", "observable");
    if (cases[k].decay > 0) test_give_number(&deck, "energy.decay", cases[k].decay);
    test_give_matrix(&deck, "energy.diag", 1, (size_t)cases[k].rows, diag);
    if (cases[k].rows == 1) test_give_matrix(&deck, "energy.mask", 1, 2, row);
    test_complaint(&deck, cases[k].law ? NULL : "energy.kind", "no Gibbs law exists");
    test_give(&deck, "scheme", "euler");
    test_complaint(&deck, NULL, NULL);
    cr_expect_eq(states_virial(&deck), cases[k].law, "case %zu", k);
    test_parameters_close(&deck);
  }
}

Test(balanced_complaints, masks_and_sums_that_make_no_sense_are_refused)
{
  const double none[4] = {0}, odd[4] = {0, 2, 1, 0}, some[4] = {1, 0, 0, 1};
  test_parameters deck = test_parameters_open(&wmc_model_balanced);
  test_give_number(&deck, "width", 2);
  test_give_number(&deck, "depth", 4);
  test_give(&deck, "formulation", "observable");
  test_give(&deck, "energy.kind", "completion");
  test_give_matrix(&deck, "energy.matrix", 2, 2, some);
  test_complaint(&deck, "energy.matrix", "needs a mask");
  test_give_matrix(&deck, "energy.mask", 2, 2, none);
  test_complaint(&deck, "energy.mask", "observes nothing");
  test_give_matrix(&deck, "energy.mask", 2, 2, odd);
  test_complaint(&deck, "energy.mask", "1 entries are neither 0 nor 1");
  test_give_matrix(&deck, "energy.mask", 1, 4, some);
  test_complaint(&deck, "energy.mask", "1 x 4 matrix found, 2 x 2 expected");
  test_give_matrix(&deck, "energy.mask", 2, 2, some);
  test_complaint(&deck, NULL, NULL);
  test_give(&deck, "energy.kind", "sum");
  test_complaint(&deck, "energy.kind", "all coefficients of the energy are 0");
  test_give_number(&deck, "energy.regression", 1);
  test_complaint(&deck, "energy.kind", "needs inputs and labels");
  test_give_number(&deck, "energy.regression", 0);
  test_give_number(&deck, "energy.frobenius", 1);
  test_complaint(&deck, NULL, NULL);
  test_give(&deck, "energy.kind", "decay");
  test_complaint(&deck, NULL, NULL);
  test_give(&deck, "depth", "inf");
  test_give_number(&deck, "excess", 1);
  test_complaint(&deck, "energy.kind", "no Gibbs law at depth inf");
  test_give(&deck, "energy.kind", "frobenius");
  test_give_number(&deck, "energy.decay", 1.5);
  test_complaint(&deck, "energy.decay", "use decay < 1 ");
  test_parameters_close(&deck);
}

/* A field that is there but has only its default. */
static void give_by_default(const test_parameters *deck, const char *name, double number)
{
  test_give_number(deck, name, number);
  test_value(deck, name)->given = false;
}

Test(balanced_complaints, data_that_a_sum_does_not_use_are_refused)
{
  const double some[4] = {1, 0, 0, 1}, wide[6] = {1, 0, 0, 1, 0, 0};
  const char *const terms[] = {"energy.frobenius", "energy.target", "energy.completion",
                               "energy.regression"};
  const struct {
    const char *field, *term;
    size_t rows;
  } cases[] = {{"energy.matrix", "energy.target", 2},     {"energy.diag", "energy.target", 1},
               {"energy.mask", "energy.completion", 2},   {"energy.inputs", "energy.regression", 2},
               {"energy.labels", "energy.regression", 2}, {"energy.imaginary", "energy.target", 2},
               {"energy.matrix", "energy.completion", 2}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    test_parameters deck = test_parameters_open(&wmc_model_balanced);
    test_give_number(&deck, "width", 2);
    test_give_number(&deck, "depth", 3);
    test_give(&deck, "field", strcmp(cases[k].field, "energy.imaginary") ? "real" : "complex");
    test_give(&deck, "formulation", "observable");
    test_give(&deck, "energy.kind", "sum");
    for (int t = 0; t < 4; t++) give_by_default(&deck, terms[t], 0);
    test_give_number(&deck, terms[0], 1);
    test_complaint(&deck, NULL, NULL);
    test_give_matrix(&deck, cases[k].field, cases[k].rows, 2, some);
    test_complaint(&deck, cases[k].field, "not used");
    test_give_number(&deck, cases[k].term, 0); /* a point of a sweep: data are checked as ever */
    test_give_matrix(&deck, cases[k].field, cases[k].rows, 3, wide);
    test_heard h = {0};
    deck.model->check(deck.values, &(wmc_complaints){.add = test_hear, .sink = &h});
    cr_expect_gt(h.count, 0, "case %zu", k);
    cr_expect_null(strstr(h.message, "not used"), "case %zu: %s", k, h.message);
    test_parameters_close(&deck);
  }
}

/* Bytes that a chain takes are those that it allocates; what does not fit is refused. */
Test(balanced_complaints, depths_beyond_memory_are_refused)
{
  test_parameters deck = test_parameters_open(&wmc_model_balanced);
  test_give_number(&deck, "width", 8);
  test_give_number(&deck, "excess", 2);
  test_give(&deck, "formulation", "parameters");
  test_give_number(&deck, "depth", 1e12);
  test_complaint(&deck, "depth", "keeps every layer, which takes");
  test_give_number(&deck, "depth", 100);
  test_complaint(&deck, NULL, NULL);
  void *c;
  cr_assert_eq(wmc_model_balanced.create(deck.values, &c), WMC_OK);
  const double told = wmc_model_balanced.memory(deck.values);
  const double state = 8.0 * (double)wmc_model_balanced.state_size(c);
  const wmc_layers *layers = ((wmc_balanced *)c)->upstairs->layers;
  const double exact = state + 8.0 * (double)wmc_upstairs_size(layers, false) -
                       8.0 * (double)wmc_upstairs_room(((wmc_balanced *)c)->upstairs);
  cr_expect_lt(fabs(told / exact - 1), 0.1, "%g bytes told, %g taken", told, exact);
  wmc_model_balanced.destroy(c);
  test_give_number(&deck, "excess", 99992);
  test_complaint(&deck, "excess", "hidden layers of width 100000");
  test_give(&deck, "formulation", "spectrum");
  cr_expect_eq(wmc_model_balanced.memory(deck.values), 0);
  test_parameters_close(&deck);
}
