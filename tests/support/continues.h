/** @file continues.h  A chain that takes over the packed state and stream of another goes on bit
 * for bit. */
#pragma once
#include <criterion/criterion.h>
#include <stdlib.h>

#include "streams.h"
#include "weylmc/models/model.h"

/** `twin`, of the same parameters and in any state, takes over from `chain`; then both make three
 * draws of `steps` each, and measure the same. */
static inline void test_continues(const wmc_model *model, const wmc_value *values, void *chain,
                                  wmc_stream *stream, void *twin, long steps, bool thermalising)
{
  const size_t n = wmc_model_measurement_size(model, values), size = model->state_size(chain);
  double *state = calloc(size, sizeof *state), *out = calloc(2 * n, sizeof *out);
  unsigned char *packed = malloc(wmc_stream_packed_size());
  wmc_stream *other = test_stream(1, 0);
  cr_assert_eq(model->state_size(twin), size);
  model->pack(chain, state);
  model->unpack(twin, state);
  wmc_stream_pack(stream, packed);
  cr_assert_eq(wmc_stream_unpack(other, packed), WMC_OK);
  for (int draw = 0; draw < 3; draw++) {
    cr_assert_eq(model->advance(chain, stream, steps, thermalising), WMC_OK, "%s", wmc_message());
    cr_assert_eq(model->advance(twin, other, steps, thermalising), WMC_OK, "%s", wmc_message());
    model->measure(chain, out);
    model->measure(twin, out + n);
    cr_expect_arr_eq(out, out + n, n * sizeof *out, "draw %d", draw);
  }
  wmc_stream_destroy(other);
  free(state), free(out), free(packed);
}
