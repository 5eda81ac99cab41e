#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"
#include "weylmc/run/lock.h"

static wmc_status read_depth(const char *option, const char *text, double *depth)
{
  if (text == NULL) return WMC_OK;
  char *end;
  *depth = strtod(text, &end);
  if (end == text || *end != '\0' || !(*depth >= 0))
    return wmc_raise(WMC_USAGE, "%s: expected a depth >= 0, found '%s'", option, text);
  return WMC_OK;
}

static wmc_status fit_file(const char *path, const wmc_extrapolation *request)
{
  wmc_results results = {0};
  WMC_TRY(wmc_results_read(path, &results));
  wmc_status status = wmc_extrapolate(&results, request);
  if (status == WMC_OK) status = wmc_results_write(path, &results);
  if (status == WMC_OK) {
    wmc_text text = {0};
    cli_show_fits(&results, request->observable, &text);
    cli_show_warnings(&results, &text);
    fputs(wmc_text_string(&text), stdout);
    wmc_text_free(&text);
  } else {
    wmc_raise(status, "%s: no fits were stored", path);
  }
  wmc_results_free(&results);
  return status;
}

/* A run that goes on meanwhile would write over the fits, or find its own half-written file gone.
 * A file that is not there is left to the reading, or its lock would be made first. */
static wmc_status fit_alone(const char *path, const wmc_extrapolation *request)
{
  wmc_lock lock = {.descriptor = -1};
  if (access(path, F_OK) == 0) WMC_TRY(wmc_lock_take(path, &lock));
  wmc_status status = fit_file(path, request);
  wmc_lock_release(&lock);
  return status;
}

wmc_status cli_extrapolation(const cli_arguments *a, wmc_extrapolation *request)
{
  *request = (wmc_extrapolation){.observable = a->observable, .form = a->form, .most = INFINITY};
  WMC_TRY(read_depth("--from", a->from, &request->least));
  return read_depth("--to", a->to, &request->most);
}

wmc_status cli_fit(const cli_arguments *a)
{
  wmc_extrapolation request;
  WMC_TRY(cli_extrapolation(a, &request));
  return fit_alone(a->operand[0], &request);
}
