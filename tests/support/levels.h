/** @file levels.h  Tests that run at each level of instructions (simd.h). */
#pragma once
#include <criterion/criterion.h>
#include <stdlib.h>

/** Criterion runs every test in its own process, so each can choose an instruction set. The body
 * of the test follows. */
#define TEST_LEVELS(suite, name)                                                                   \
  static void name(void);                                                                          \
  Test(suite, name##_base)                                                                         \
  {                                                                                                \
    setenv("WEYLMC_SIMD", "base", 1);                                                              \
    name();                                                                                        \
  }                                                                                                \
  Test(suite, name##_v3)                                                                           \
  {                                                                                                \
    setenv("WEYLMC_SIMD", "v3", 1);                                                                \
    name();                                                                                        \
  }                                                                                                \
  Test(suite, name##_best)                                                                         \
  {                                                                                                \
    unsetenv("WEYLMC_SIMD");                                                                       \
    name();                                                                                        \
  }                                                                                                \
  static void name(void)
