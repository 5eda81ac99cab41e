#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "weylmc/base/memory.h"
#include "weylmc/run/comm.h"
#include "weylmc/run/worker.h"

/* "depth = 10, beta = 1" */
static void append_point(const wmc_plan *plan, size_t task, wmc_text *out)
{
  size_t index[WMC_DECK_AXES];
  wmc_deck_task_index(plan->deck, task, index);
  for (size_t a = 0; a < plan->deck->axes; a++)
    for (size_t k = 0; k < plan->deck->axis[a].fields; k++) {
      const wmc_field *field = &plan->model->fields[plan->deck->axis[a].field[k]];
      wmc_text_append(out, "%s%s = ", out->length ? ", " : "", field->name);
      wmc_field_print(field, &plan->task[task].parameters[plan->deck->axis[a].field[k]], out);
    }
  if (out->length == 0) wmc_text_append(out, "(no sweep)");
}

static double append_tasks(const wmc_plan *plan, const double *seconds_per_step, wmc_text *out)
{
  wmc_table table = {.columns = 5};
  static const char *const header[] = {"task", "point", "record a chain", "time a step",
                                       "core time"};
  for (size_t k = 0; k < 5; k++) wmc_table_cell(&table, "%s", header[k]);
  double total = 0;
  for (size_t t = 0; t < plan->tasks; t++) {
    char a[WMC_TEXT_SHORT], b[WMC_TEXT_SHORT];
    double seconds = seconds_per_step[t] * wmc_plan_steps(plan) * (double)plan->chains;
    wmc_text point = {0};
    append_point(plan, t, &point);
    wmc_table_cell(&table, "%zu", t);
    wmc_table_cell(&table, "%s", wmc_text_string(&point));
    wmc_table_cell(&table, "%s", wmc_text_bytes(a, (double)wmc_record_bytes(plan, t)));
    wmc_table_cell(&table, "%.3g us", 1e6 * seconds_per_step[t]);
    wmc_table_cell(&table, "%s", wmc_text_duration(b, seconds));
    wmc_text_free(&point);
    total += seconds;
  }
  wmc_table_print(&table, out);
  wmc_table_free(&table);
  return total;
}

/* "task 3: ..." where the model has something to say. */
static void append_notes(const wmc_plan *plan, wmc_text *out)
{
  for (size_t t = 0; plan->model->note && t < plan->tasks; t++) {
    wmc_text note = {0};
    plan->model->note(plan->task[t].parameters, &note);
    if (note.length > 0) wmc_text_append(out, "task %zu: %s\n", t, wmc_text_string(&note));
    wmc_text_free(&note);
  }
}

static void append_totals(const wmc_plan *plan, double seconds, double walltime, wmc_text *out)
{
  char a[WMC_TEXT_SHORT], b[WMC_TEXT_SHORT], c[WMC_TEXT_SHORT];
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  const double ledger = wmc_plan_record_bytes(plan), chain = wmc_plan_chain_bytes(plan);
  wmc_text_append(out,
                  "\n%zu tasks x %zu chains, each %ld steps of thermalisation and %ld draws of %ld "
                  "steps\n",
                  plan->tasks, plan->chains, plan->thermalise, plan->draws, plan->stride);
  wmc_text_append(
      out,
      "memory: %s on rank 0, less on the others; checkpoint: %s, two generations, and a "
      "third while one is written\n",
      wmc_text_bytes(a, 3 * ledger), wmc_text_bytes(b, ledger));
  if (chain > 0)
    wmc_text_append(out, "memory of the largest chain, one on every rank: %s\n",
                    wmc_text_bytes(a, chain));
  wmc_text_append(out, "expected time: %s of one core like this one, %s on its %ld cores\n",
                  wmc_text_duration(a, seconds), wmc_text_duration(c, seconds / (double)cores),
                  cores);
  if (walltime > 0)
    wmc_text_append(out, "within %s a job: about %.0f jobs of %ld such cores\n",
                    wmc_text_duration(a, walltime), ceil(seconds / (double)cores / walltime),
                    cores);
  wmc_text_append(out, "output: %s\n", plan->output);
}

static wmc_status describe(const wmc_plan *plan, double walltime)
{
  double *seconds = WMC_ARRAY(double, plan->tasks);
  if (seconds == NULL) return wmc_no_memory();
  wmc_status status = wmc_plan_time(plan, seconds);
  wmc_text text = {0};
  if (status == WMC_OK) {
    wmc_text_append(&text, "# The deck with all defaults.\n");
    wmc_deck_print_resolved(plan->deck, &text);
    wmc_text_append(&text, "\n");
    const double total = append_tasks(plan, seconds, &text);
    append_notes(plan, &text);
    append_totals(plan, total, walltime, &text);
    fputs(wmc_text_string(&text), stdout);
  }
  wmc_text_free(&text);
  wmc_free(seconds);
  return status;
}

wmc_status cli_check(const cli_arguments *a)
{
  wmc_plan *plan = NULL;
  double walltime;
  const wmc_plan_request request = {
      .deck = a->operand[0], .output = a->output, .n_set = a->sets, .set = a->set};
  WMC_TRY(wmc_agree(MPI_COMM_WORLD, cli_walltime(a, &walltime)));
  WMC_TRY(wmc_plan_create(MPI_COMM_WORLD, &request, &plan));
  wmc_status status = wmc_rank(MPI_COMM_WORLD) == 0 ? describe(plan, walltime) : WMC_OK;
  wmc_plan_destroy(plan);
  return wmc_agree(MPI_COMM_WORLD, status);
}
