/** @file clock.h  Time. Nothing that is read here may influence a result. */
#pragma once

/** Seconds of a monotonic clock with an arbitrary origin. */
double wmc_clock(void);
/** Local date and time, ISO 8601 with offset. */
void wmc_clock_date(char out[40]);
