#include <criterion/criterion.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/run/schedule.h"
#include "weylmc/run/worker.h"
#include "weylmc/statistics/accumulator.h"

/* A model small enough to see whole: a walk whose step is tuned while thermalising. */
typedef struct walk {
  double position, step;
} walk;

static double walk_limit = 1e6; /* a walk that gets farther fails */
static bool walk_refused;       /* as if there were no memory for a chain */
static bool walk_endless;       /* a draw that would take for ever */

static wmc_status walk_create(const wmc_value *parameters, void **chain)
{
  (void)parameters;
  *chain = walk_refused ? NULL : WMC_NEW(walk);
  return *chain ? WMC_OK : wmc_no_memory();
}

static void walk_start(void *chain, wmc_stream *stream)
{
  *(walk *)chain = (walk){wmc_stream_normal(stream), 1};
}

static wmc_status walk_advance(void *chain, wmc_stream *stream, long steps, bool thermalising)
{
  walk *w = chain;
  for (long k = 0; k < steps; k++) {
    w->position = 0.9 * w->position + w->step * wmc_stream_normal(stream);
    if (thermalising) w->step *= 0.999;
    if (w->position > walk_limit) return wmc_raise(WMC_FAILURE, "far away");
    while (walk_endless && !thermalising) {
      w->position += wmc_stream_normal(stream);
      if (wmc_signals_urgent()) return wmc_raise(WMC_FAILURE, "in the middle");
    }
  }
  return WMC_OK;
}

static void walk_measure(void *chain, double *out)
{
  out[0] = ((walk *)chain)->position;
  out[1] = out[0] * out[0];
}

static size_t walk_state_size(const void *chain)
{
  (void)chain;
  return 2;
}

static void walk_pack(const void *chain, double *out) { memcpy(out, chain, sizeof(walk)); }
static void walk_unpack(void *chain, const double *in) { memcpy(chain, in, sizeof(walk)); }

static const wmc_field no_fields[] = {{0}};
static const wmc_axis no_axes[] = {{0}};
static const wmc_observable walk_observables[] = {
    {.name = "position", .axis = {WMC_NO_AXIS}}, {.name = "square", .axis = {WMC_NO_AXIS}}, {0}};

static const wmc_model walk_model = {.name = "walk",
                                     .fields = no_fields,
                                     .axes = no_axes,
                                     .observables = walk_observables,
                                     .create = walk_create,
                                     .destroy = wmc_free,
                                     .start = walk_start,
                                     .advance = walk_advance,
                                     .measure = walk_measure,
                                     .state_size = walk_state_size,
                                     .pack = walk_pack,
                                     .unpack = walk_unpack};

enum { TASKS = 3, CHAINS = 4 };

static wmc_plan *make_plan(wmc_plan_task task[TASKS])
{
  static wmc_plan plan;
  plan = (wmc_plan){.model = &walk_model,
                    .tasks = TASKS,
                    .chains = CHAINS,
                    .seed = 5,
                    .thermalise = 150,
                    .draws = 400,
                    .stride = 3,
                    .task = task,
                    .identity = ""};
  for (int t = 0; t < TASKS; t++)
    task[t] = (wmc_plan_task){.measurement = 2, .state_size = 2, .cost = 1 + t};
  return &plan;
}

static void run_in_pieces(const wmc_plan *plan, wmc_ledger *ledger, double (*piece)(int k))
{
  wmc_worker *worker;
  cr_assert_eq(wmc_worker_create(plan, &worker), WMC_OK);
  bool more = true;
  for (int k = 0; more; k++) {
    more = false;
    for (size_t i = 0; i < TASKS * CHAINS; i++) {
      wmc_record record = wmc_ledger_record(ledger, i % TASKS, i / TASKS);
      if (wmc_record_complete(plan, &record)) continue;
      wmc_status status =
          wmc_worker_run(worker, i % TASKS, i / TASKS, &record, piece(k), wmc_clock() + 60);
      cr_assert_eq(status, record.progress[WMC_PROGRESS_FAILED] ? WMC_FAILURE : WMC_OK);
      wmc_message_clear();
      more = more || !wmc_record_complete(plan, &record);
    }
  }
  wmc_worker_destroy(worker);
}

static double everything(int k)
{
  (void)k;
  return 1e9;
}
static double single(int k)
{
  (void)k;
  return 1;
}
static double uneven(int k) { return 1 + (k * 7919) % 97; }

Test(worker, any_cutting_into_pieces_gives_the_same_bytes)
{
  wmc_plan_task task[TASKS];
  const wmc_plan *plan = make_plan(task);
  double (*const pieces[])(int) = {everything, single, uneven};
  wmc_ledger ledger[3];
  for (int k = 0; k < 3; k++) {
    cr_assert_eq(wmc_plan_ledger(plan, &ledger[k]), WMC_OK);
    run_in_pieces(plan, &ledger[k], pieces[k]);
  }
  for (int k = 1; k < 3; k++)
    for (int t = 0; t < TASKS; t++) {
      const wmc_ledger_task *a = &ledger[0].task[t], *b = &ledger[k].task[t];
      cr_assert_eq(a->progress[WMC_PROGRESS_DRAWS], 400);
      cr_assert_arr_eq(a->state, b->state, CHAINS * a->state_size * sizeof(double));
      cr_assert_arr_eq(a->accumulators, b->accumulators,
                       CHAINS * a->accumulator_size * sizeof(double));
      cr_assert_arr_eq(a->streams, b->streams, CHAINS * a->stream_size);
    }
  cr_assert(memcmp(ledger[0].task[0].state, ledger[0].task[1].state, 16) != 0,
            "tasks have streams of their own");
  for (int k = 0; k < 3; k++) wmc_ledger_free(&ledger[k]);
}

/* How far a chain got before it failed is in the results, so it may not depend on the pieces. */
Test(worker, a_failing_chain_keeps_all_draws_before_that)
{
  wmc_plan_task task[TASKS];
  const wmc_plan *plan = make_plan(task);
  double (*const pieces[])(int) = {everything, single, uneven};
  wmc_ledger ledger[3];
  walk_limit = 4.5;
  for (int k = 0; k < 3; k++) {
    cr_assert_eq(wmc_plan_ledger(plan, &ledger[k]), WMC_OK);
    run_in_pieces(plan, &ledger[k], pieces[k]);
  }
  size_t half_way = 0;
  for (size_t i = 0; i < TASKS * CHAINS; i++)
    for (int k = 1; k < 3; k++) {
      wmc_record a = wmc_ledger_record(&ledger[0], i % TASKS, i / TASKS),
                 b = wmc_ledger_record(&ledger[k], i % TASKS, i / TASKS);
      int64_t draws = a.progress[WMC_PROGRESS_DRAWS];
      half_way += draws > 0 && a.progress[WMC_PROGRESS_FAILED] != 0;
      cr_assert_eq(draws, b.progress[WMC_PROGRESS_DRAWS]);
      cr_assert_eq(a.progress[WMC_PROGRESS_FAILED], b.progress[WMC_PROGRESS_FAILED]);
      if (draws > 0)
        cr_assert_arr_eq(a.accumulator, b.accumulator,
                         ledger[0].task[0].accumulator_size * sizeof(double));
    }
  cr_assert_gt(half_way, 0, "some chains fail between draws");
  for (int k = 0; k < 3; k++) wmc_ledger_free(&ledger[k]);
}

Test(worker, a_chain_that_cannot_be_made_is_not_to_blame)
{
  wmc_plan_task task[TASKS];
  const wmc_plan *plan = make_plan(task);
  wmc_ledger ledger;
  wmc_worker *worker;
  cr_assert_eq(wmc_plan_ledger(plan, &ledger), WMC_OK);
  cr_assert_eq(wmc_worker_create(plan, &worker), WMC_OK);
  wmc_record record = wmc_ledger_record(&ledger, 0, 0);
  walk_refused = true;
  cr_assert_eq(wmc_worker_run(worker, 0, 0, &record, 200, wmc_clock() + 60), WMC_FAILURE);
  cr_assert_eq(record.progress[WMC_PROGRESS_FAILED], 0);
  wmc_message_clear();
  walk_refused = false;
  cr_assert_eq(wmc_worker_run(worker, 0, 0, &record, 200, wmc_clock() + 60), WMC_OK);
  wmc_worker_destroy(worker);
  wmc_ledger_free(&ledger);
}

/* In a process of its own, because what a signal sets stays: take some draws, then be stopped in
 * the middle of one. Sends the record down the pipe; the exit code says what is wrong. */
static int stop_in_a_draw(const wmc_plan *plan, int pipe)
{
  const size_t bytes = wmc_record_bytes(plan, 1);
  unsigned char *before = wmc_alloc(bytes, 1), *after = wmc_alloc(bytes, 1);
  wmc_ledger ledger;
  wmc_worker *worker;
  wmc_signals_catch();
  if (wmc_plan_ledger(plan, &ledger) != WMC_OK || wmc_worker_create(plan, &worker) != WMC_OK)
    return 1;
  wmc_record record = wmc_ledger_record(&ledger, 1, 2);
  if (wmc_worker_run(worker, 1, 2, &record, 600, wmc_clock() + 60) != WMC_OK) return 2;
  wmc_record_pack(plan, 1, &record, before);
  walk_endless = true;
  wmc_signals_limit(0.05);
  const double begin = wmc_clock();
  if (wmc_worker_run(worker, 1, 2, &record, 600, wmc_clock() + 60) != WMC_OK) return 3;
  if (wmc_clock() - begin > 10) return 4;
  wmc_record_pack(plan, 1, &record, after);
  if (memcmp(before, after, bytes) != 0) return 5;
  if (*wmc_message() != '\0' || wmc_record_steps(plan, &record) != 600) return 6;
  return write(pipe, after, bytes) == (ssize_t)bytes ? 0 : 7;
}

Test(worker, an_abandoned_draw_leaves_no_trace)
{
  wmc_plan_task task[TASKS];
  const wmc_plan *plan = make_plan(task);
  int ends[2], status;
  cr_assert_eq(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) _exit(stop_in_a_draw(plan, ends[1]));
  cr_assert_eq(waitpid(child, &status, 0), child);
  cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%d", status);
  wmc_ledger whole, ledger;
  cr_assert_eq(wmc_plan_ledger(plan, &whole), WMC_OK);
  cr_assert_eq(wmc_plan_ledger(plan, &ledger), WMC_OK);
  unsigned char *bytes = wmc_alloc(wmc_record_bytes(plan, 1), 1);
  cr_assert_eq(read(ends[0], bytes, wmc_record_bytes(plan, 1)), (ssize_t)wmc_record_bytes(plan, 1));
  wmc_record a = wmc_ledger_record(&whole, 1, 2), b = wmc_ledger_record(&ledger, 1, 2);
  wmc_record_unpack(plan, 1, &b, bytes);
  run_in_pieces(plan, &whole, everything);
  run_in_pieces(plan, &ledger, everything);
  cr_assert_arr_eq(a.state, b.state, whole.task[1].state_size * sizeof(double));
  cr_assert_arr_eq(a.accumulator, b.accumulator, whole.task[1].accumulator_size * sizeof(double));
  cr_assert_arr_eq(a.stream, b.stream, whole.task[1].stream_size);
  wmc_free(bytes);
  wmc_ledger_free(&whole);
  wmc_ledger_free(&ledger);
}

Test(worker, records_travel_as_bytes)
{
  wmc_plan_task task[TASKS];
  const wmc_plan *plan = make_plan(task);
  wmc_ledger a, b;
  cr_assert_eq(wmc_plan_ledger(plan, &a), WMC_OK);
  cr_assert_eq(wmc_plan_ledger(plan, &b), WMC_OK);
  run_in_pieces(plan, &a, everything);
  unsigned char *bytes = wmc_alloc(wmc_record_bytes(plan, 1), 1);
  wmc_record from = wmc_ledger_record(&a, 1, 2), to = wmc_ledger_record(&b, 1, 2);
  wmc_record_pack(plan, 1, &from, bytes);
  wmc_record_unpack(plan, 1, &to, bytes);
  cr_assert_arr_eq(from.accumulator, to.accumulator, a.task[1].accumulator_size * sizeof(double));
  cr_assert_eq(wmc_record_steps(plan, &to), 150 + 3 * 400);
  wmc_free(bytes);
  wmc_ledger_free(&a);
  wmc_ledger_free(&b);
}

Test(worker, a_failing_chain_keeps_its_last_good_state)
{
  wmc_plan_task task[TASKS];
  const wmc_plan *plan = make_plan(task);
  wmc_ledger ledger;
  wmc_worker *worker;
  cr_assert_eq(wmc_plan_ledger(plan, &ledger), WMC_OK);
  cr_assert_eq(wmc_worker_create(plan, &worker), WMC_OK);
  wmc_record record = wmc_ledger_record(&ledger, 0, 0);
  cr_assert_eq(wmc_worker_run(worker, 0, 0, &record, 200, wmc_clock() + 60), WMC_OK);
  record.state[0] = 1e9; /* the next step finds it far away */
  double steps = wmc_record_steps(plan, &record);
  cr_assert_eq(wmc_worker_run(worker, 0, 0, &record, 200, wmc_clock() + 60), WMC_FAILURE);
  cr_assert_eq(record.state[0], 1e9);
  cr_assert_eq(wmc_record_steps(plan, &record), steps);
  cr_assert(wmc_record_complete(plan, &record), "it is not run again");
  wmc_message_clear();
  wmc_worker_destroy(worker);
  wmc_ledger_free(&ledger);
}

/* Simulated epochs: every chain ends, the shares of a rank stand together, and while there are at
 * least as many unfinished chains as ranks no rank is without work. */
Test(schedule, all_chains_end_and_no_rank_idles)
{
  wmc_plan_task task[TASKS];
  const wmc_plan *plan = make_plan(task);
  for (int ranks = 1; ranks <= 9; ranks += 4) {
    wmc_ledger ledger;
    wmc_schedule schedule = {0};
    const double pace[TASKS] = {1e-3, 2e-3, 7e-3};
    cr_assert_eq(wmc_plan_ledger(plan, &ledger), WMC_OK);
    for (int epoch = 0;; epoch++) {
      cr_assert_lt(epoch, 1000);
      cr_assert_eq(wmc_schedule_epoch(plan, &ledger, pace, ranks, 0.5, &schedule), WMC_OK);
      if (schedule.shares == 0) break;
      size_t unfinished = 0, busy = 0;
      for (size_t i = 0; i < TASKS * CHAINS; i++) {
        wmc_record record = wmc_ledger_record(&ledger, i % TASKS, i / TASKS);
        unfinished += !wmc_record_complete(plan, &record);
      }
      for (size_t k = 0; k < schedule.shares; k++) {
        const wmc_share *s = &schedule.share[k];
        busy += k == 0 || s->rank != s[-1].rank;
        cr_assert(k == 0 || s->rank >= s[-1].rank);
        wmc_record record = wmc_ledger_record(&ledger, s->task, s->chain);
        record.progress[WMC_PROGRESS_THERMALISED] = plan->thermalise;
        record.progress[WMC_PROGRESS_DRAWS] += 1 + (int64_t)s->steps / plan->stride;
      }
      cr_assert_eq(busy, unfinished < (size_t)ranks ? unfinished : (size_t)ranks);
    }
    for (int t = 0; t < TASKS; t++)
      for (int c = 0; c < CHAINS; c++) {
        wmc_record record = wmc_ledger_record(&ledger, (size_t)t, (size_t)c);
        cr_assert(wmc_record_complete(plan, &record));
      }
    wmc_schedule_free(&schedule);
    wmc_ledger_free(&ledger);
  }
}
