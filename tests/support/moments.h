/** @file moments.h  Means and variances of draws, and comparison with exact values at 5 sigma. */
#pragma once
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "support.h"

/** Mean and central moments of one number a draw. */
typedef struct moments {
  double count, mean, squares; /* Welford */
} moments;

static inline void add(moments *m, double x)
{
  double before = x - m->mean;
  m->count += 1;
  m->mean += before / m->count;
  m->squares += before * (x - m->mean);
}

static inline double variance(const moments *m) { return m->squares / (m->count - 1); }

static inline double standard_error(const moments *m) { return sqrt(variance(m) / m->count); }

/** |found - exact| < 5 error + bias, where bias is a stated bound of what the theory leaves out. */
#define EXPECT_NEAR(found, exact, error, bias, ...)                                                \
  do {                                                                                             \
    double found_ = (found), exact_ = (exact), error_ = (error), bias_ = (bias);                   \
    char label_[128];                                                                              \
    snprintf(label_, sizeof label_, __VA_ARGS__);                                                  \
    cr_expect(fabs(found_ - exact_) < 5 * error_ + bias_, "%s: %.6g, exact %.6g, error %.2g",      \
              label_, found_, exact_, error_);                                                     \
    if (test_verbose())                                                                            \
      printf("%-44s %12.6f exact %12.6f error %8.6f z %5.2f\n", label_, found_, exact_, error_,    \
             (found_ - exact_) / error_);                                                          \
  } while (0)

static inline void expect_mean(const char *what, const moments *m, double exact)
{
  EXPECT_NEAR(m->mean, exact, standard_error(m), 0, "%s", what);
}

/** Depths L and 2L extrapolated; `bias` bounds what is left, of order 1/L^2. */
static inline void expect_limit(const moments *shallow, const moments *deep, double exact,
                                double bias, const char *what)
{
  double error = hypot(2 * standard_error(deep), standard_error(shallow));
  EXPECT_NEAR(2 * deep->mean - shallow->mean, exact, error, bias, "%s", what);
}
