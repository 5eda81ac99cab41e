/** @file clock.h  Time. Nothing that is read here may influence a result: tests/restart and
 * tests/mpi compare runs that took different times, bit for bit. Reentrant; allocates nothing.
 */
#pragma once

/** Seconds of a monotonic clock with an arbitrary origin. */
double wmc_clock(void);
/** Local date and time, ISO 8601 with offset; NUL-terminated. */
void wmc_clock_date(char out[40]);
