/** @file blocks.h  Options of blocks of Jacobian chains, and draws of networks of them. */
#pragma once
#include <criterion/criterion.h>

#include "moments.h"
#include "streams.h"
#include "weylmc/jacobian/network.h"

/** sigma^2 = T = 1, hidden layers as wide as the others, inputs and inner layers that keep |x|^2
 * near the width, Gaussian weights; a test sets what it wants otherwise. */
static inline wmc_block_options test_block_options(int width, int depth, const char *activation)
{
  return (wmc_block_options){.width = width,
                             .depth = depth,
                             .hidden = width,
                             .activation = wmc_activation_find(activation),
                             .weights = wmc_weights_find("gaussian"),
                             .hurst = 0.75,
                             .modes = 3,
                             .variance = 1,
                             .time = 1,
                             .inner_variance = 1.0 / width,
                             .input_norm2 = width};
}

/** What a draw adds to the moments: log-singular values of the whole product, log growth. */
typedef void (*test_collect)(int width, const double *values, double growth, moments *out);

/** `collect` sees the end of each of `draws` independent networks. */
static inline void test_sample_networks(const wmc_block *block, const wmc_block_options *o,
                                        int draws, long seed, long id, test_collect collect,
                                        moments *out)
{
  const double end = 1;
  wmc_stream *stream = test_stream(seed, id);
  wmc_network *network;
  cr_assert_eq(wmc_network_create(&network, block, o, 1, &end), WMC_OK, "%s", wmc_message());
  for (int k = 0; k < draws; k++) {
    cr_assert(wmc_network_draw(network, stream), "%s", wmc_message());
    collect(o->width, wmc_network_values(network), wmc_network_growth(network)[0], out);
  }
  wmc_network_destroy(network);
  wmc_stream_destroy(stream);
}
