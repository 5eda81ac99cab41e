/** @file pair.h  Coupled steps of two lengths at infinite depth, width 2 (weylmc/jacobian/pair.h).
 */
#pragma once
#include <math.h>
#include <string.h>

#include "weylmc/jacobian/pair.h"

enum { TEST_PLANE = 2, TEST_STEP_NUMBERS = 16, TEST_SEEN = 2 };

typedef struct test_walker {
  void *state;
  double x[TEST_PLANE], m[TEST_PLANE * TEST_PLANE];
} test_walker;

static inline void test_walk(const wmc_block *steps, test_walker *w, const double *numbers)
{
  double j[TEST_PLANE * TEST_PLANE], m[TEST_PLANE * TEST_PLANE];
  steps->forward(w->state, numbers, w->x, j);
  for (int c = 0; c < TEST_PLANE; c++)
    for (int r = 0; r < TEST_PLANE; r++)
      m[2 * c + r] = j[r] * w->m[2 * c] + j[2 + r] * w->m[2 * c + 1];
  memcpy(w->m, m, sizeof m);
}

/** log|det M| and the gap: cosh gap = |M|^2/(2 |det M|). */
static inline void test_look(const test_walker *w, double out[TEST_SEEN])
{
  const double *m = w->m, det = fabs(m[0] * m[3] - m[1] * m[2]);
  const double square = m[0] * m[0] + m[1] * m[1] + m[2] * m[2] + m[3] * m[3];
  out[0] = log(det);
  out[1] = acosh(fmax(1, 0.5 * square / det));
}

/** What `coarse` in `count` steps sees less what `fine` sees in twice as many, driven by the same.
 */
static inline void test_coupled_difference(const wmc_block *steps, int count, test_walker *coarse,
                                           test_walker *fine, wmc_stream *s, double out[TEST_SEEN])
{
  double seen[TEST_SEEN];
  test_walker *both[] = {coarse, fine};
  for (int k = 0; k < 2; k++) {
    const double x[] = {1.1, -0.7}, one[] = {1, 0, 0, 1};
    memcpy(both[k]->x, x, sizeof x);
    memcpy(both[k]->m, one, sizeof one);
  }
  for (int i = 0; i < count; i++) {
    double half[2][TEST_STEP_NUMBERS], whole[TEST_STEP_NUMBERS];
    for (int k = 0; k < 2; k++) {
      steps->draw(fine->state, s, half[k]);
      test_walk(steps, fine, half[k]);
    }
    steps->join(fine->state, coarse->state, half[0], half[1], whole);
    test_walk(steps, coarse, whole);
  }
  test_look(coarse, out);
  test_look(fine, seen);
  for (int q = 0; q < TEST_SEEN; q++) out[q] -= seen[q];
}
