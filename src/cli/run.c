#include "weylmc/run/run.h"

#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "weylmc/base/field.h"
#include "weylmc/run/comm.h"

static const wmc_field walltime_field = {
    .name = "--walltime", .type = WMC_TIME, .minimum = 1, .maximum = 1e9, .unit = "s"};

wmc_status cli_walltime(const cli_arguments *a, double *seconds)
{
  const char *text = a->walltime;
  *seconds = 0;
  if (text == NULL) return WMC_OK;
  wmc_value value = {0};
  wmc_text why = {0};
  wmc_status status = WMC_OK;
  if (!wmc_field_read(&walltime_field, text, &value, &why))
    status = wmc_raise(WMC_USAGE, "--walltime: %s", wmc_text_string(&why));
  *seconds = value.real;
  wmc_text_free(&why);
  wmc_value_free(&value);
  return status;
}

/* What was run is shown from the file that was written: what is printed is what is stored. A run
 * that failed may have written none. Warnings go to stderr as well, where batch systems keep what
 * went wrong. */
static wmc_status show_file(const char *path)
{
  wmc_results results = {0};
  wmc_text text = {0};
  WMC_TRY(wmc_results_read(path, &results));
  wmc_status status = cli_show_results(&results, NULL, &text);
  fputs(wmc_text_string(&text), stdout);
  wmc_text_free(&text);
  cli_show_warnings(&results, &text);
  fflush(stdout);
  fputs(wmc_text_string(&text), stderr);
  wmc_text_free(&text);
  wmc_results_free(&results);
  return status;
}

wmc_status cli_run(const cli_arguments *a)
{
  wmc_plan *plan = NULL;
  wmc_run_options options = {.begin = a->begin};
  const wmc_plan_request request = {
      .deck = a->operand[0], .output = a->output, .n_set = a->sets, .set = a->set};
  WMC_TRY(wmc_agree(MPI_COMM_WORLD, cli_walltime(a, &options.walltime)));
  WMC_TRY(wmc_plan_create(MPI_COMM_WORLD, &request, &plan));
  wmc_status status = wmc_run(MPI_COMM_WORLD, plan, &options);
  bool written = status == WMC_OK || (status == WMC_FAILURE && access(plan->output, R_OK) == 0);
  if (wmc_rank(MPI_COMM_WORLD) == 0 && written) {
    wmc_status shown = show_file(plan->output);
    if (status == WMC_OK) status = shown;
  }
  wmc_plan_destroy(plan);
  return status;
}
