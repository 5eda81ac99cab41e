/** @file progress.h  What a run says while it runs, on standard error of rank 0.
 *
 * On a terminal a line that is rewritten every epoch; in a log a line a minute. mpirun stands
 * between the ranks and the terminal, so the mode can be forced by WEYLMC_PROGRESS=live|log|none.
 * Notes are what tests/restart and tests/slurm read.
 */
#pragma once
#include <stddef.h>

typedef enum wmc_progress_mode {
  WMC_PROGRESS_LIVE,
  WMC_PROGRESS_LOG,
  WMC_PROGRESS_NONE
} wmc_progress_mode;

typedef struct wmc_progress {
  wmc_progress_mode mode;
  double begin, last; /**< clock at the start and at the last line */
  int shown;
} wmc_progress;

/** Choose the mode and start the clock. */
void wmc_progress_begin(wmc_progress *progress);
/** Fraction of the work done, seconds left at the present pace (NaN: unknown), and a short remark.
 */
void wmc_progress_show(wmc_progress *progress, double fraction, double seconds_left,
                       const char *remark);
/** A line of its own that the live line does not overwrite. */
void wmc_progress_note(wmc_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void wmc_progress_end(wmc_progress *progress);
