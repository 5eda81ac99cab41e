/** @file streams.h  Random streams of tests: a fixed seed, and an id for each use of it. */
#pragma once
#include <criterion/criterion.h>

#include "weylmc/numeric/random.h"

/** The caller destroys it. */
static inline wmc_stream *test_stream(long seed, long id)
{
  wmc_stream *stream;
  cr_assert_eq(wmc_stream_create(&stream, seed, id), WMC_OK, "%s", wmc_message());
  return stream;
}
