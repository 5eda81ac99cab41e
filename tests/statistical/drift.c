/* Drift and diffusion estimated from paths: known coefficients come back, autonomous chains pass
 * the tests of autonomy as often as they should, others fail them. Every comparison is at 5
 * standard errors. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "moments.h"
#include "support.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/drift.h"
#include "weylmc/jacobian/network.h"

static wmc_stream *stream_of(long id)
{
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, 20261127, id), WMC_OK);
  return stream;
}

static wmc_block_options options_of(int d, int depth, const char *activation)
{
  return (wmc_block_options){.width = d,
                             .depth = depth,
                             .hidden = d,
                             .activation = wmc_activation_find(activation),
                             .slope = 0.3,
                             .weights = wmc_weights_find("gaussian"),
                             .variance = 1,
                             .time = 1,
                             .inner_variance = 0.5,
                             .input_norm2 = 2};
}

/* ---- C(x) ------------------------------------------------------------------------------------ */

enum { D = 4 };

/* tr A and tr BA for A = H^T H/(s^2 d) - C with H = J - 1 of the next layer, which have mean 0, and
 * B = C less its trace; both over the trace of C, which has heavy tails behind a normalisation. */
static void deviations(const double *c, const double *jacobian, double s2, double out[2])
{
  double trace = 0;
  for (int j = 0; j < D; j++) trace += c[j * (D + 1)];
  out[0] = out[1] = 0;
  for (int j = 0; j < D && trace > 0; j++) /* relu may let nothing move */
    for (int l = 0; l < D; l++) {
      double sum = 0;
      for (int i = 0; i < D; i++)
        sum += (jacobian[j * D + i] - (i == j)) * (jacobian[l * D + i] - (i == l));
      const double a = (sum / (s2 * D) - c[l * D + j]) / trace;
      out[0] += j == l ? a : 0;
      out[1] += (c[l * D + j] / trace - (j == l ? 1.0 / D : 0)) * a;
    }
}

Test(drift, covariance_of_the_next_layer)
{
  const struct {
    const wmc_block *block;
    const char *activation;
    wmc_norm norm;
    double drop;
  } cases[] = {{&wmc_block_linear, "relu", WMC_NORM_NONE, 0.25},
               {&wmc_block_linear, "relu", WMC_NORM_RMS, 0},
               {&wmc_block_linear, "relu", WMC_NORM_LAYER, 0},
               {&wmc_block_exponential, "relu", WMC_NORM_NONE, 0},
               {&wmc_block_one_layer, "relu", WMC_NORM_NONE, 0},
               {&wmc_block_one_layer, "tanh", WMC_NORM_RMS, 0.5},
               {&wmc_block_two_layer, "leaky_relu", WMC_NORM_NONE, 0},
               {&wmc_block_two_layer, "erf", WMC_NORM_NONE, 0},
               {&wmc_block_two_layer, "gelu", WMC_NORM_LAYER, 0},
               {&wmc_block_outer, "sin", WMC_NORM_NONE, 0},
               {&wmc_block_inside, "erf", WMC_NORM_NONE, 0},
               {&wmc_block_inside, "gelu", WMC_NORM_RMS, 0}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    wmc_block_options o = options_of(D, 100000000, cases[k].activation);
    o.norm = cases[k].norm;
    o.drop = cases[k].drop;
    wmc_stream *stream = stream_of(1 + (long)k);
    moments deviation[2] = {{0}};
    double c[D * D], jacobian[D * D], out[2];
    void *state;
    cr_assert_eq(cases[k].block->create(&o, &state), WMC_OK);
    for (int t = 0; t < test_trials(40000); t++) {
      cases[k].block->start(state, stream);
      cases[k].block->covariance(state, c);
      cases[k].block->layers(state, stream, 1, jacobian);
      deviations(c, jacobian, wmc_block_variance(&o), out);
      for (int i = 0; i < 2; i++) add(&deviation[i], out[i]);
    }
    for (int i = 0; i < 2; i++)
      EXPECT_NEAR(deviation[i].mean, 0, standard_error(&deviation[i]), 1e-6, "%s %s norm %d: %s",
                  cases[k].block->name, cases[k].activation, cases[k].norm, i ? "tr BA" : "tr A");
    cases[k].block->destroy(state);
    wmc_stream_destroy(stream);
  }
}
