/* The model `equivariant`: exact continuation, observables, complaints. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "../../src/models/equivariant.h"
#include "complaints.h"
#include "continues.h"
#include "streams.h"

extern const wmc_model wmc_model_equivariant;

static const wmc_model *const model = &wmc_model_equivariant;

static test_parameters deck_of(int order, int channels, const char *depth, int excess)
{
  test_parameters p = test_parameters_open(model);
  test_give_number(&p, "order", order);
  test_give_number(&p, "channels", channels);
  test_give(&p, "depth", depth);
  test_give_number(&p, "excess", excess);
  test_give_number(&p, "step", 0.2);
  return p;
}

Test(equivariant_model, packed_chains_continue_bit_for_bit)
{
  const char *const schemes[] = {"metropolis", "euler"}, *const depths[] = {"3", "inf"};
  for (int t = 0; t < 4; t++) {
    test_parameters p = deck_of(5, 2, depths[t / 2], 1);
    test_give(&p, "scheme", schemes[t % 2]);
    test_give_number(&p, "step", t % 2 ? 1e-3 : 0.2);
    void *one, *two;
    wmc_stream *s = test_stream(51 + t, 0), *copy = test_stream(51 + t, 0);
    cr_assert_eq(model->create(p.values, &one), WMC_OK);
    cr_assert_eq(model->create(p.values, &two), WMC_OK);
    model->start(one, s);
    cr_assert_eq(model->advance(one, s, 50, true), WMC_OK);
    model->start(two, copy);
    test_continues(model, p.values, one, s, two, 10, false);
    model->destroy(one);
    model->destroy(two);
    wmc_stream_destroy(s);
    wmc_stream_destroy(copy);
    test_parameters_close(&p);
  }
}

/* Workers cut the steps of a chain into calls as time allows. */
Test(equivariant_model, steps_at_once_are_steps_one_by_one)
{
  const char *const schemes[] = {"metropolis", "euler"};
  for (int t = 0; t < 2; t++) {
    test_parameters p = deck_of(6, 2, "3", 1);
    test_give(&p, "scheme", schemes[t]);
    test_give_number(&p, "step", t ? 1e-3 : 0.2);
    void *one, *two;
    double first[64], second[64];
    wmc_stream *s = test_stream(57, 0), *copy = test_stream(57, 0);
    cr_assert_eq(model->create(p.values, &one), WMC_OK);
    cr_assert_eq(model->create(p.values, &two), WMC_OK);
    model->start(one, s);
    model->start(two, copy);
    cr_assert_eq(model->advance(one, s, 30, true), WMC_OK);
    for (int k = 0; k < 30; k++) cr_assert_eq(model->advance(two, copy, 1, true), WMC_OK);
    model->measure(one, first);
    model->measure(two, second);
    cr_assert_eq(memcmp(first, second, wmc_model_measurement_size(model, p.values) * sizeof *first),
                 0);
    model->destroy(one);
    model->destroy(two);
    wmc_stream_destroy(s);
    wmc_stream_destroy(copy);
    test_parameters_close(&p);
  }
}

/* A ring of one site is the real network of the model `balanced`. */
Test(equivariant_model, one_site_is_a_plain_network)
{
  test_parameters p = deck_of(1, 3, "4", 1), q = test_parameters_open(&wmc_model_balanced);
  test_give_number(&q, "width", 3);
  test_give(&q, "depth", "4");
  test_give_number(&q, "excess", 1);
  test_give_number(&q, "step", 0.2);
  void *ring, *plain;
  wmc_stream *s = test_stream(61, 0), *copy = test_stream(61, 0);
  cr_assert_eq(model->create(p.values, &ring), WMC_OK);
  cr_assert_eq(wmc_model_balanced.create(q.values, &plain), WMC_OK);
  model->start(ring, s);
  wmc_model_balanced.start(plain, copy);
  cr_assert_eq(model->advance(ring, s, 100, true), WMC_OK);
  cr_assert_eq(wmc_model_balanced.advance(plain, copy, 100, true), WMC_OK);
  double found[64], expected[64];
  model->measure(ring, found);
  wmc_model_balanced.measure(plain, expected);
  const char *const names[] = {
      "energy",          "entropy",     "free_energy",     "frobenius2", "virial",
      "parameter_norm2", "log_abs_det", "singular_values", "acceptance", NULL};
  for (int k = 0; names[k]; k++)
    cr_assert_float_eq(found[test_observable(&p, names[k])],
                       expected[test_observable(&q, names[k])], 1e-12, "%s", names[k]);
  model->destroy(ring);
  wmc_model_balanced.destroy(plain);
  wmc_stream_destroy(s);
  wmc_stream_destroy(copy);
  test_parameters_close(&p);
  test_parameters_close(&q);
}

/* --- Complaints ------------------------------------------------------------------------------ */

Test(equivariant_model, complaints_say_what_was_found_and_expected)
{
  const double widths[] = {2, 3, 2}, half[] = {2, 2.5, 2}, filters[16] = {1};
  test_parameters p = deck_of(4, 2, "3", 0);
  test_complaint(&p, NULL, "");
  test_give(&p, "depth", "inf");
  test_complaint(&p, "depth", "no Gibbs law exists at depth inf");
  test_give_number(&p, "excess", 1);
  test_complaint(&p, NULL, "");
  test_give(&p, "noise.kind", "horizontal");
  test_complaint(&p, "depth", "horizontal noise");
  test_give(&p, "noise.kind", "isotropic");
  test_give_matrix(&p, "widths", 1, 3, widths);
  test_complaint(&p, "widths", "both of channels and widths");
  test_take(&p, "channels");
  test_complaint(&p, NULL, ""); /* an excess without channels is the matter of the table */
  cr_expect_str_eq(wmc_model_find("equivariant")
                       ->fields[wmc_field_find(wmc_model_find("equivariant")->fields, "excess")]
                       .needs,
                   "channels, depth!=1");
  test_give_matrix(&p, "widths", 1, 3, half);
  test_complaint(&p, "widths", "whole numbers");
  test_take(&p, "widths");
  test_complaint(&p, "channels", "neither of channels and widths");
  test_give_number(&p, "channels", 2);
  test_give(&p, "depth", "3");
  test_give(&p, "energy.kind", "target");
  test_give_matrix(&p, "energy.filters", 4, 4, filters);
  test_complaint(&p, "formulation", "use formulation: observable");
  test_give(&p, "formulation", "observable");
  test_complaint(&p, NULL, "");
  test_give_matrix(&p, "energy.filters", 2, 8, filters);
  test_complaint(&p, "energy.filters", "2 x 8 matrix found, 4 x 4 expected");
  test_parameters_close(&p);
}

/* Trouble in a mode names the model and the mode. */
Test(equivariant_model, modes_in_trouble_have_a_name)
{
  test_parameters p = deck_of(5, 2, "3", 0);
  wmc_stream *s = test_stream(61, 0);
  void *state;
  cr_assert_eq(model->create(p.values, &state), WMC_OK);
  model->start(state, s);
  wmc_equivariant *chain = state;
  wmc_spectrum_set_lambda(&chain->mode[2]->x, 1, NAN);
  cr_assert_eq(model->advance(state, s, 1, false), WMC_FAILURE);
  cr_assert_not_null(strstr(wmc_message(), "equivariant, mode 2, spectrum metropolis"), "%s",
                     wmc_message());
  wmc_message_clear();
  model->destroy(state);
  wmc_stream_destroy(s);
  test_parameters_close(&p);
}
