#include "weylmc/run/progress.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/text.h"

static wmc_progress_mode choose_mode(void)
{
  static const struct {
    const char *name;
    wmc_progress_mode mode;
  } modes[] = {{"live", WMC_PROGRESS_LIVE}, {"log", WMC_PROGRESS_LOG}, {"none", WMC_PROGRESS_NONE}};
  const char *wish = getenv("WEYLMC_PROGRESS");
  for (size_t k = 0; wish != NULL && k < sizeof modes / sizeof modes[0]; k++)
    if (strcmp(wish, modes[k].name) == 0) return modes[k].mode;
  return isatty(STDERR_FILENO) ? WMC_PROGRESS_LIVE : WMC_PROGRESS_LOG;
}

void wmc_progress_begin(wmc_progress *progress)
{
  double now = wmc_clock();
  *progress = (wmc_progress){.mode = choose_mode(), .begin = now, .last = now};
}

static void print_line(const wmc_progress *progress, double fraction, double seconds_left,
                       const char *remark)
{
  char passed[WMC_TEXT_SHORT], left[WMC_TEXT_SHORT];
  wmc_text_duration(passed, wmc_clock() - progress->begin);
  wmc_text_duration(left, seconds_left);
  fprintf(stderr, "weylmc: %5.1f%% done after %s, %s left%s%s", 100 * fraction, passed, left,
          remark[0] ? "; " : "", remark);
}

void wmc_progress_show(wmc_progress *progress, double fraction, double seconds_left,
                       const char *remark)
{
  const double log_seconds = 60;
  double now = wmc_clock();
  if (progress->mode == WMC_PROGRESS_NONE) return;
  if (progress->mode == WMC_PROGRESS_LOG && now - progress->last < log_seconds) return;
  progress->last = now;
  progress->shown = 1;
  if (progress->mode == WMC_PROGRESS_LIVE) fputs("\r\033[K", stderr);
  print_line(progress, fraction, seconds_left, remark);
  if (progress->mode == WMC_PROGRESS_LOG) fputc('\n', stderr);
  fflush(stderr);
}

void wmc_progress_note(wmc_progress *progress, const char *format, ...)
{
  if (progress->mode == WMC_PROGRESS_LIVE && progress->shown) fputs("\r\033[K", stderr);
  va_list arguments;
  va_start(arguments, format);
  fputs("weylmc: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  fflush(stderr);
}

void wmc_progress_end(wmc_progress *progress)
{
  if (progress->mode == WMC_PROGRESS_LIVE && progress->shown) fputc('\n', stderr);
  fflush(stderr);
}
