#include "weylmc/run/worker.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/statistics/accumulator.h"

/* ---- records ---------------------------------------------------------------------------- */

wmc_record wmc_ledger_record(const wmc_ledger *ledger, size_t task, size_t chain)
{
  const wmc_ledger_task *t = &ledger->task[task];
  return (wmc_record){
      .progress = t->progress + chain * WMC_PROGRESS_COLUMNS,
      .state = t->state + chain * t->state_size,
      .accumulator = t->accumulators + chain * t->accumulator_size,
      .stream = t->streams + chain * t->stream_size,
  };
}

enum { PROGRESS_BYTES = WMC_PROGRESS_COLUMNS * sizeof(int64_t) };

static size_t state_bytes(const wmc_plan *plan, size_t task)
{
  return plan->task[task].state_size * sizeof(double);
}

static size_t accumulator_bytes(const wmc_plan *plan, size_t task)
{
  return wmc_accumulator_packed_size(plan->task[task].measurement) * sizeof(double);
}

size_t wmc_record_bytes(const wmc_plan *plan, size_t task)
{
  return PROGRESS_BYTES + state_bytes(plan, task) + accumulator_bytes(plan, task) +
         wmc_stream_packed_size();
}

/* The parts of a record in the order of its bytes. */
typedef struct part {
  void *data;
  size_t bytes;
} part;

enum { PARTS = 4 };

static void record_parts(const wmc_plan *plan, size_t task, const wmc_record *r, part out[PARTS])
{
  out[0] = (part){r->progress, PROGRESS_BYTES};
  out[1] = (part){r->state, state_bytes(plan, task)};
  out[2] = (part){r->accumulator, accumulator_bytes(plan, task)};
  out[3] = (part){r->stream, wmc_stream_packed_size()};
}

void wmc_record_pack(const wmc_plan *plan, size_t task, const wmc_record *record,
                     unsigned char *out)
{
  part parts[PARTS];
  record_parts(plan, task, record, parts);
  for (int k = 0; k < PARTS; out += parts[k++].bytes) memcpy(out, parts[k].data, parts[k].bytes);
}

void wmc_record_unpack(const wmc_plan *plan, size_t task, wmc_record *record,
                       const unsigned char *in)
{
  part parts[PARTS];
  record_parts(plan, task, record, parts);
  for (int k = 0; k < PARTS; in += parts[k++].bytes) memcpy(parts[k].data, in, parts[k].bytes);
}

double wmc_record_steps(const wmc_plan *plan, const wmc_record *record)
{
  return (double)record->progress[WMC_PROGRESS_THERMALISED] +
         (double)record->progress[WMC_PROGRESS_DRAWS] * (double)plan->stride;
}

bool wmc_record_complete(const wmc_plan *plan, const wmc_record *record)
{
  return record->progress[WMC_PROGRESS_FAILED] != 0 ||
         record->progress[WMC_PROGRESS_DRAWS] >= plan->draws;
}

/* ---- worker ----------------------------------------------------------------------------- */

struct wmc_worker {
  const wmc_plan *plan;
  wmc_stream *stream;
  size_t task; /* of `chain` and what follows; valid if chain is not NULL */
  void *chain;
  wmc_accumulator *accumulator;
  double *measurement;
};

static void forget_task(wmc_worker *worker)
{
  if (worker->chain != NULL) worker->plan->model->destroy(worker->chain);
  wmc_accumulator_destroy(worker->accumulator);
  wmc_free(worker->measurement);
  worker->chain = NULL;
  worker->accumulator = NULL;
  worker->measurement = NULL;
}

void wmc_worker_destroy(wmc_worker *worker)
{
  if (worker == NULL) return;
  forget_task(worker);
  wmc_stream_destroy(worker->stream);
  wmc_free(worker);
}

wmc_status wmc_worker_create(const wmc_plan *plan, wmc_worker **worker)
{
  *worker = WMC_NEW(wmc_worker);
  if (*worker == NULL) return wmc_no_memory();
  (*worker)->plan = plan;
  return WMC_OK;
}

static wmc_status enter_task(wmc_worker *worker, size_t task)
{
  if (worker->chain != NULL && worker->task == task) return WMC_OK;
  const wmc_plan_task *t = &worker->plan->task[task];
  forget_task(worker);
  worker->task = task;
  WMC_TRY(wmc_accumulator_create(&worker->accumulator, t->measurement));
  worker->measurement = WMC_ARRAY(double, t->measurement);
  if (worker->measurement == NULL) return wmc_no_memory();
  return worker->plan->model->create(t->parameters, &worker->chain);
}

/* The chain of a record, as it was; or at its start, if it has taken no step yet. */
static wmc_status load_record(wmc_worker *worker, size_t task, size_t chain,
                              const wmc_record *record)
{
  const wmc_plan *plan = worker->plan;
  bool fresh = wmc_record_steps(plan, record) == 0;
  if (worker->stream == NULL || fresh) {
    wmc_stream_destroy(worker->stream);
    worker->stream = NULL;
    WMC_TRY(wmc_stream_create(&worker->stream, plan->seed, (long)(task * plan->chains + chain)));
  }
  if (fresh) {
    wmc_accumulator_clear(worker->accumulator);
    plan->model->start(worker->chain, worker->stream);
    return WMC_OK;
  }
  WMC_TRY(wmc_stream_unpack(worker->stream, record->stream));
  WMC_TRY(wmc_accumulator_unpack(worker->accumulator, record->accumulator));
  plan->model->unpack(worker->chain, record->state);
  return WMC_OK;
}

static void save_record(const wmc_worker *worker, wmc_record *record)
{
  wmc_stream_pack(worker->stream, record->stream);
  wmc_accumulator_pack(worker->accumulator, record->accumulator);
  worker->plan->model->pack(worker->chain, record->state);
}

/* Draws count one by one, so that a chain that fails has all draws before that, however it was cut
 * into pieces. */
static wmc_status take_draws(wmc_worker *worker, long draws, int64_t *progress)
{
  const wmc_model *model = worker->plan->model;
  for (long k = 0; k < draws; k++) {
    WMC_TRY(model->advance(worker->chain, worker->stream, worker->plan->stride, false));
    model->measure(worker->chain, worker->measurement);
    wmc_accumulator_add(worker->accumulator, worker->measurement);
    progress[WMC_PROGRESS_DRAWS]++;
  }
  return WMC_OK;
}

/* One piece of at most `batch` steps or draws, noted in `progress`. */
static wmc_status take_piece(wmc_worker *worker, long batch, int64_t *progress)
{
  const wmc_plan *plan = worker->plan;
  long cold = plan->thermalise - (long)progress[WMC_PROGRESS_THERMALISED];
  long left = cold > 0 ? cold : plan->draws - (long)progress[WMC_PROGRESS_DRAWS];
  long piece = batch < left ? batch : left;
  if (cold <= 0) return take_draws(worker, piece, progress);
  WMC_TRY(plan->model->advance(worker->chain, worker->stream, piece, true));
  progress[WMC_PROGRESS_THERMALISED] += piece;
  return WMC_OK;
}

/* Pieces are long against the cost of reading the clock and short against the patience of a batch
 * system: about a millisecond, or one draw. */
static wmc_status take_steps(wmc_worker *worker, wmc_record *record, double steps, double deadline)
{
  const double piece_seconds = 1e-3;
  const wmc_plan *plan = worker->plan;
  double end = wmc_record_steps(plan, record) + steps, now = wmc_clock();
  for (long batch = 1; !wmc_record_complete(plan, record);) {
    double left = end - wmc_record_steps(plan, record);
    bool cold = record->progress[WMC_PROGRESS_THERMALISED] < plan->thermalise;
    double most = ceil(left / (cold ? 1.0 : (double)plan->stride));
    if (left <= 0 || now > deadline || wmc_signals_pending()) break;
    WMC_TRY(take_piece(worker, most < (double)batch ? (long)most : batch, record->progress));
    double then = now;
    now = wmc_clock();
    if (now - then < piece_seconds / 2 && batch < 1L << 40) batch *= 2;
    if (now - then > piece_seconds * 2 && batch > 1) batch /= 2;
  }
  return WMC_OK;
}

wmc_status wmc_worker_run(wmc_worker *worker, size_t task, size_t chain, wmc_record *record,
                          double steps, double deadline)
{
  WMC_TRY(enter_task(worker, task));
  WMC_TRY(load_record(worker, task, chain, record));
  int64_t before[WMC_PROGRESS_COLUMNS];
  memcpy(before, record->progress, sizeof before);
  wmc_status status = take_steps(worker, record, steps, deadline);
  if (status == WMC_OK) {
    save_record(worker, record);
    return WMC_OK;
  }
  if (wmc_signals_urgent()) { /* abandoned */
    memcpy(record->progress, before, sizeof before);
    wmc_message_clear();
    forget_task(worker);
    return WMC_OK;
  }
  wmc_accumulator_pack(worker->accumulator, record->accumulator);
  record->progress[WMC_PROGRESS_FAILED] = 1;
  return status;
}
