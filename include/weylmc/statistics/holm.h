/** @file holm.h  Several tests at once.
 *
 * With p_(1) <= ... <= p_(n) the p-values of n tests, Holm's adjusted ones are
 *
 *   q_(k) = max over j <= k of min(1, (n - j + 1) p_(j)):
 *
 * rejecting where q < alpha rejects any true hypothesis with probability at most alpha, whatever
 * the dependence between the tests. Source: S. Holm, Scand. J. Statist. 6 (1979) 65. Checked by
 * tests/unit/holm.c. Reentrant, allocates nothing.
 */
#pragma once
#include <stddef.h>

/** `adjusted` may not alias p; NaN stands for no test. Returns the least adjusted p-value, NaN
 * without tests. */
double wmc_holm(size_t n, const double *p, double *adjusted);
