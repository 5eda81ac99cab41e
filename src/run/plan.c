#include "weylmc/run/plan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/hash.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/dataset.h"
#include "weylmc/run/comm.h"
#include "weylmc/run/worker.h"
#include "weylmc/statistics/accumulator.h"

void wmc_plan_destroy(wmc_plan *plan)
{
  if (plan == NULL) return;
  for (size_t t = 0; plan->task != NULL && t < plan->tasks; t++) {
    wmc_value *parameters = plan->task[t].parameters;
    for (size_t k = 0; parameters != NULL && k < plan->parameters; k++)
      wmc_value_free(&parameters[k]);
    wmc_free(parameters);
  }
  wmc_free(plan->task);
  wmc_free(plan->output);
  wmc_free(plan->identity);
  wmc_deck_destroy(plan->deck);
  wmc_free(plan);
}

/* ---- the deck's bytes ------------------------------------------------------------------- */

/* One byte more than a deck may have is enough for the parser to say that it is too long. */
static wmc_status read_file(const char *path, void **bytes, size_t *n)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return wmc_raise(WMC_DATA, "%s: cannot read this deck: %s", path, strerror(errno));
  *bytes = wmc_alloc(WMC_DECK_BYTES_MAX + 2, 1);
  if (*bytes == NULL) {
    fclose(file);
    return wmc_no_memory();
  }
  *n = fread(*bytes, 1, WMC_DECK_BYTES_MAX + 1, file);
  int failed = ferror(file), code = errno;
  fclose(file);
  if (failed) return wmc_raise(WMC_DATA, "%s: cannot read this deck: %s", path, strerror(code));
  return WMC_OK;
}

static wmc_status read_deck(MPI_Comm comm, const wmc_plan_request *request, wmc_deck **deck)
{
  void *bytes = NULL;
  size_t n = 0;
  wmc_status status = wmc_rank(comm) == 0 ? read_file(request->deck, &bytes, &n) : WMC_OK;
  status = wmc_agree(comm, status);
  if (status == WMC_OK) status = wmc_broadcast(comm, &bytes, &n);
  if (status == WMC_OK)
    status = wmc_agree(comm,
                       wmc_deck_parse(request->deck, bytes, n, request->n_set, request->set, deck));
  wmc_free(bytes);
  return status;
}

/* ---- tasks ------------------------------------------------------------------------------ */

/* Rank 0 reads the matrix that the value names; all get its shape and its numbers. */
static wmc_status load_matrix(MPI_Comm comm, const wmc_deck *deck, int field, wmc_value *value)
{
  struct {
    size_t rows, columns;
  } shape = {0, 0};
  wmc_status status = WMC_OK;
  if (wmc_rank(comm) == 0) {
    double *data = NULL;
    status = wmc_dataset_read(deck->directory, value->string, &shape.rows, &shape.columns, &data);
    value->reals = data;
    if (status != WMC_OK) {
      wmc_text where = {0};
      wmc_deck_where(deck, field, &where);
      wmc_raise(status, "  named at %s", wmc_text_string(&where));
      wmc_text_free(&where);
    }
  }
  WMC_TRY(wmc_agree(comm, status));
  MPI_Bcast(&shape, sizeof shape, MPI_BYTE, 0, comm);
  size_t bytes = shape.rows * shape.columns * sizeof(double);
  void *data = value->reals;
  WMC_TRY(wmc_broadcast(comm, &data, &bytes));
  value->reals = data;
  value->rows = shape.rows;
  value->columns = shape.columns;
  value->count = shape.rows * shape.columns;
  return WMC_OK;
}

static wmc_status load_data(MPI_Comm comm, const wmc_plan *plan, wmc_value *parameters)
{
  for (size_t k = 0; k < plan->parameters; k++)
    if (plan->model->fields[k].type == WMC_MATRIX && parameters[k].present)
      WMC_TRY(load_matrix(comm, plan->deck, (int)k, &parameters[k]));
  return WMC_OK;
}

typedef struct complaint_sink {
  const wmc_deck *deck;
  int count;
} complaint_sink;

static void complain(void *data, int field, const char *message)
{
  complaint_sink *sink = data;
  wmc_text where = {0};
  wmc_deck_where(sink->deck, field, &where);
  wmc_raise(WMC_DATA, "%s: %s", wmc_text_string(&where), message);
  wmc_text_free(&where);
  sink->count++;
}

static wmc_status measure_task(const wmc_model *model, wmc_plan_task *task)
{
  void *chain = NULL;
  WMC_TRY(model->create(task->parameters, &chain));
  task->state_size = model->state_size(chain);
  model->destroy(chain);
  task->measurement = wmc_model_measurement_size(model, task->parameters);
  task->cost = model->cost(task->parameters);
  return WMC_OK;
}

/* Parameters of task t, with data; complaints of the model are collected, not returned. */
static wmc_status create_task(MPI_Comm comm, wmc_plan *plan, size_t t, complaint_sink *sink)
{
  wmc_plan_task *task = &plan->task[t];
  task->parameters = WMC_ARRAY(wmc_value, plan->parameters);
  WMC_TRY(wmc_agree(comm, task->parameters ? WMC_OK : wmc_no_memory()));
  WMC_TRY(wmc_agree(comm, wmc_deck_task(plan->deck, t, task->parameters)));
  WMC_TRY(load_data(comm, plan, task->parameters));
  if (plan->model->check != NULL)
    plan->model->check(task->parameters, &(wmc_complaints){.add = complain, .sink = sink});
  return WMC_OK;
}

static wmc_status create_tasks(MPI_Comm comm, wmc_plan *plan)
{
  complaint_sink sink = {.deck = plan->deck};
  plan->task = WMC_ARRAY(wmc_plan_task, plan->tasks);
  WMC_TRY(wmc_agree(comm, plan->task ? WMC_OK : wmc_no_memory()));
  /* one point of a sweep that is wrong is as good as ten: stop after the first */
  for (size_t t = 0; t < plan->tasks && sink.count == 0; t++)
    WMC_TRY(create_task(comm, plan, t, &sink));
  WMC_TRY(wmc_agree(comm, sink.count > 0 ? WMC_DATA : WMC_OK));
  wmc_status status = WMC_OK;
  for (size_t t = 0; t < plan->tasks && status == WMC_OK; t++)
    status = measure_task(plan->model, &plan->task[t]);
  return wmc_agree(comm, status);
}

/* Rank 0 holds all records three times over: as they are, as they are written, and in results. */
static wmc_status check_memory(const wmc_plan *plan)
{
  char all[WMC_TEXT_SHORT], one[WMC_TEXT_SHORT], most[WMC_TEXT_SHORT];
  const double limit = wmc_memory_limit(), need = 3 * wmc_plan_record_bytes(plan);
  if (need <= limit) return WMC_OK;
  return wmc_raise(WMC_DATA,
                   "%s: chains: %zu found, the records of %zu tasks with so many take %s on rank 0 "
                   "(%s for a chain of all of them), and this process can have %s: use at most "
                   "%.3g chains, fewer tasks, or smaller networks",
                   plan->deck->path, plan->chains, plan->tasks, wmc_text_bytes(all, need),
                   wmc_text_bytes(one, need / (double)plan->chains), wmc_text_bytes(most, limit),
                   floor(limit / need * (double)plan->chains));
}

/* ---- identity --------------------------------------------------------------------------- */

static uint64_t hash_matrices(const wmc_plan *plan, size_t k)
{
  uint64_t hash = 0;
  for (size_t t = 0; t < plan->tasks; t++) {
    const wmc_value *value = &plan->task[t].parameters[k];
    size_t shape[2] = {value->rows, value->columns};
    hash = wmc_hash(shape, sizeof shape, hash);
    if (value->reals != NULL) hash = wmc_hash(value->reals, value->count * sizeof(double), hash);
  }
  return hash;
}

static wmc_status describe_identity(wmc_plan *plan)
{
  wmc_text text = {0};
  wmc_deck_print_identity(plan->deck, &text);
  for (size_t k = 0; k < plan->parameters; k++)
    if (plan->model->fields[k].type == WMC_MATRIX && plan->task[0].parameters[k].present)
      wmc_text_append(&text, "contents of %s = %016llx\n", plan->model->fields[k].name,
                      (unsigned long long)hash_matrices(plan, k));
  plan->identity = wmc_text_copy(wmc_text_string(&text));
  bool failed = text.failed || plan->identity == NULL;
  wmc_text_free(&text);
  return failed ? wmc_no_memory() : WMC_OK;
}

static wmc_status fill_plan(MPI_Comm comm, const wmc_plan_request *request, wmc_plan *plan)
{
  WMC_TRY(read_deck(comm, request, &plan->deck));
  const wmc_deck *deck = plan->deck;
  plan->model = deck->model;
  plan->parameters = wmc_field_count(plan->model->fields);
  plan->tasks = deck->tasks;
  plan->chains = (size_t)deck->general[WMC_DECK_CHAINS].integer;
  plan->seed = deck->general[WMC_DECK_SEED].integer;
  plan->thermalise = plan->model->independent ? 0 : deck->run[WMC_RUN_THERMALISE].integer;
  plan->stride = plan->model->independent ? 1 : deck->run[WMC_RUN_STRIDE].integer;
  plan->draws = deck->run[WMC_RUN_DRAWS].integer;
  plan->checkpoint_seconds = deck->run[WMC_RUN_CHECKPOINT].real;
  const char *output = request->output ? request->output : deck->general[WMC_DECK_OUTPUT].string;
  plan->output = wmc_text_copy(output);
  WMC_TRY(wmc_agree(comm, plan->output ? WMC_OK : wmc_no_memory()));
  if ((double)plan->tasks * (double)plan->chains >= 2147483647.0)
    return wmc_raise(WMC_DATA,
                     "%s: %zu tasks of %zu chains are more than the 2^31 - 1 random streams "
                     "of a seed; lower chains or split the sweep",
                     deck->path, plan->tasks, plan->chains);
  WMC_TRY(create_tasks(comm, plan));
  WMC_TRY(wmc_agree(comm, wmc_rank(comm) == 0 ? check_memory(plan) : WMC_OK));
  return wmc_agree(comm, describe_identity(plan));
}

wmc_status wmc_plan_create(MPI_Comm comm, const wmc_plan_request *request, wmc_plan **plan)
{
  *plan = WMC_NEW(wmc_plan);
  WMC_TRY(wmc_agree(comm, *plan ? WMC_OK : wmc_no_memory()));
  wmc_status status = fill_plan(comm, request, *plan);
  if (status != WMC_OK) {
    wmc_plan_destroy(*plan);
    *plan = NULL;
  }
  return status;
}

/* ---- times and sizes -------------------------------------------------------------------- */

double wmc_plan_record_bytes(const wmc_plan *plan)
{
  double sum = 0;
  for (size_t t = 0; t < plan->tasks; t++)
    sum += (double)wmc_record_bytes(plan, t) * (double)plan->chains;
  return sum;
}

double wmc_plan_chain_bytes(const wmc_plan *plan)
{
  double most = 0;
  for (size_t t = 0; plan->model->memory != NULL && t < plan->tasks; t++)
    most = fmax(most, plan->model->memory(plan->task[t].parameters));
  return most;
}

double wmc_plan_steps(const wmc_plan *plan)
{
  return (double)plan->thermalise + (double)plan->draws * (double)plan->stride;
}

static size_t cheapest_task(const wmc_plan *plan)
{
  size_t cheapest = 0;
  for (size_t t = 1; t < plan->tasks; t++)
    if (plan->task[t].cost < plan->task[cheapest].cost) cheapest = t;
  return cheapest;
}

/* Seconds per step of a started chain, measurements included. Strides may take years, so steps are
 * taken in pieces that double until they have taken a moment. */
static wmc_status time_chain(const wmc_plan *plan, void *chain, wmc_stream *stream,
                             double *measurement, double *seconds)
{
  const double enough = 0.1;
  const wmc_model *model = plan->model;
  double stepping = 0, measuring = 0, steps = 0, draws = 0;
  model->start(chain, stream);
  for (long piece = 1; stepping + measuring < enough;) {
    const double begin = wmc_clock();
    WMC_TRY(model->advance(chain, stream, piece, false));
    const double stepped = wmc_clock();
    model->measure(chain, measurement);
    stepping += stepped - begin;
    measuring += wmc_clock() - stepped;
    steps += (double)piece;
    draws++;
    if (piece < plan->stride) piece = piece < plan->stride / 2 ? 2 * piece : plan->stride;
  }
  *seconds = stepping / steps + measuring / draws / (double)plan->stride;
  return WMC_OK;
}

wmc_status wmc_plan_time(const wmc_plan *plan, double *seconds_per_step)
{
  size_t t = cheapest_task(plan);
  void *chain = NULL;
  wmc_stream *stream = NULL;
  double seconds = 0, *measurement = WMC_ARRAY(double, plan->task[t].measurement);
  wmc_status status = measurement ? WMC_OK : wmc_no_memory();
  if (status == WMC_OK) status = plan->model->create(plan->task[t].parameters, &chain);
  if (status == WMC_OK) status = wmc_stream_create(&stream, plan->seed, 0);
  if (status == WMC_OK) status = time_chain(plan, chain, stream, measurement, &seconds);
  for (size_t k = 0; k < plan->tasks; k++)
    seconds_per_step[k] = seconds * plan->task[k].cost / plan->task[t].cost;
  if (chain != NULL) plan->model->destroy(chain);
  wmc_stream_destroy(stream);
  wmc_free(measurement);
  return status;
}

wmc_status wmc_plan_ledger(const wmc_plan *plan, wmc_ledger *ledger)
{
  *ledger = (wmc_ledger){0};
  ledger->task = WMC_ARRAY(wmc_ledger_task, plan->tasks);
  ledger->identity = wmc_text_copy(plan->identity);
  ledger->history = wmc_text_copy("");
  wmc_status status = WMC_OK;
  if (ledger->task == NULL || ledger->identity == NULL || ledger->history == NULL)
    status = wmc_no_memory();
  if (ledger->task != NULL) ledger->tasks = plan->tasks;
  for (size_t t = 0; t < plan->tasks && status == WMC_OK; t++) {
    ledger->task[t].chains = plan->chains;
    ledger->task[t].state_size = plan->task[t].state_size;
    ledger->task[t].accumulator_size = wmc_accumulator_packed_size(plan->task[t].measurement);
    ledger->task[t].stream_size = wmc_stream_packed_size();
    status = wmc_ledger_task_create(&ledger->task[t]);
  }
  if (status != WMC_OK) wmc_ledger_free(ledger);
  return status;
}
