#include "weylmc/run/run.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/run/comm.h"
#include "weylmc/run/exchange.h"
#include "weylmc/run/progress.h"
#include "weylmc/run/provenance.h"
#include "weylmc/run/session.h"

/* Rank 0's view of the run. */
typedef struct director {
  MPI_Comm comm;
  const wmc_plan *plan;
  const wmc_run_options *options;
  wmc_session session;
  wmc_worker *worker;
  wmc_progress progress;
  wmc_schedule schedule;
  wmc_epoch_report report;
  double *seconds_per_step;
  double epoch_seconds; /* of the next epoch; it takes longer where a draw is slow */
  double checkpoint_clock, checkpoint_cost;
  double steps; /* taken since the start */
  size_t failed;
  bool unwritable; /* the last attempt to save failed */
  int ranks;
} director;

/* ---- pace ------------------------------------------------------------------------------- */

/* Until a task has been timed, its speed is guessed from those that were, through cost(). */
static void guess_pace(director *d)
{
  const double flops = 1e9;
  for (size_t t = 0; t < d->plan->tasks; t++)
    d->seconds_per_step[t] = fmax(d->plan->task[t].cost, 1) / flops;
}

/* Recent epochs count most: a node may become slower or faster. */
static void learn_pace(director *d)
{
  double measured = 0, guessed = 0;
  for (size_t t = 0; t < d->plan->tasks; t++) {
    if (!(d->report.steps[t] > 0)) continue;
    double now = d->report.seconds[t] / d->report.steps[t];
    d->steps += d->report.steps[t];
    measured += d->report.seconds[t];
    guessed += d->report.steps[t] * d->plan->task[t].cost;
    d->seconds_per_step[t] = now > 2 * d->seconds_per_step[t] || now < d->seconds_per_step[t] / 2
                                 ? now
                                 : 0.7 * d->seconds_per_step[t] + 0.3 * now;
  }
  for (size_t t = 0; t < d->plan->tasks && guessed > 0; t++) {
    wmc_record record = wmc_ledger_record(&d->session.ledger, t, 0);
    if (!(d->report.steps[t] > 0) && wmc_record_steps(d->plan, &record) == 0)
      d->seconds_per_step[t] = measured / guessed * fmax(d->plan->task[t].cost, 1);
  }
}

/* Seconds left before the time limit, less what it takes to stop. */
static double time_left(const director *d)
{
  const double reserve = 2;
  if (!(d->options->walltime > 0)) return INFINITY;
  double elapsed = wmc_clock() - d->options->begin;
  return d->options->walltime - elapsed - 3 * d->checkpoint_cost - reserve;
}

static bool time_is_up(const director *d) { return time_left(d) < 2 * d->epoch_seconds; }

/* ---- checkpoints ------------------------------------------------------------------------ */

static wmc_status save(director *d)
{
  double begin = wmc_clock();
  d->unwritable = true;
  WMC_TRY(wmc_session_checkpoint(&d->session));
  WMC_TRY(wmc_session_results(&d->session, d->ranks));
  d->unwritable = false;
  d->checkpoint_clock = wmc_clock();
  d->checkpoint_cost = d->checkpoint_clock - begin;
  return WMC_OK;
}

static wmc_status save_if_due(director *d)
{
  /* never spend more than a twentieth of the time on checkpoints */
  double interval = fmax(d->plan->checkpoint_seconds, 20 * d->checkpoint_cost);
  return wmc_clock() - d->checkpoint_clock < interval ? WMC_OK : save(d);
}

/* ---- epochs ----------------------------------------------------------------------------- */

static void show_progress(director *d)
{
  char remark[WMC_TEXT_SHORT] = "";
  if (d->failed > 0) snprintf(remark, sizeof remark, "%zu chains failed", d->failed);
  wmc_progress_show(&d->progress, 1 - d->schedule.remaining / d->schedule.total,
                    d->schedule.remaining / d->ranks, remark);
}

static void note_failures(director *d)
{
  if (d->report.failed > 0 && d->failed == 0)
    wmc_progress_note(&d->progress, "a chain stopped, its last good state is kept: %s",
                      d->report.message);
  d->failed += d->report.failed;
}

/* One epoch; *more is false when nothing is left or it is time to stop, *status then says why. */
static wmc_status run_epoch(director *d, bool *more)
{
  const double longest = 1;
  *more = false;
  WMC_TRY(wmc_schedule_epoch(d->plan, &d->session.ledger, d->seconds_per_step, d->ranks,
                             d->epoch_seconds, &d->schedule));
  if (d->schedule.shares == 0) return WMC_OK;
  wmc_exchange_epoch(d->comm, d->plan, d->worker, &d->session.ledger, &d->schedule,
                     d->epoch_seconds, fmax(time_left(d), d->epoch_seconds), &d->report);
  if (d->report.status != WMC_OK) return wmc_raise(d->report.status, "%s", d->report.message);
  note_failures(d);
  learn_pace(d);
  show_progress(d);
  d->epoch_seconds = fmin(longest, 2 * d->epoch_seconds);
  if (d->report.signal != 0 || time_is_up(d)) return WMC_AGAIN;
  *more = true;
  return save_if_due(d);
}

static wmc_status run_epochs(director *d)
{
  wmc_status status = WMC_OK;
  for (bool more = true; more && status == WMC_OK;) status = run_epoch(d, &more);
  wmc_progress_end(&d->progress);
  if (wmc_session_complete(&d->session) && status == WMC_AGAIN) status = WMC_OK;
  return status;
}

/* ---- the whole run, rank 0 -------------------------------------------------------------- */

/* The same command again does not help a run that the time limit leaves no time for one draw. */
static wmc_status say_end(director *d, wmc_status status)
{
  if (status != WMC_AGAIN) return status;
  const bool limit = d->report.signal == 0 || d->report.signal == SIGALRM;
  if (limit && d->steps == 0)
    return wmc_raise(
        WMC_FAILURE,
        "%s: nothing was done within the time limit of %g s, of which some are kept for "
        "checkpoints: a draw (run.stride: %ld steps) takes longer; give more time, or "
        "use a smaller stride",
        d->plan->output, d->options->walltime, d->plan->stride);
  wmc_progress_note(&d->progress, "stopped by %s with a checkpoint; run the same command again",
                    d->report.signal ? wmc_signals_name(d->report.signal) : "the time limit");
  return status;
}

static wmc_status note_start(director *d)
{
  char *line = wmc_provenance_start_line(d->ranks);
  wmc_text history = {0};
  wmc_text_append(&history, "%s%s", d->session.ledger.history ? d->session.ledger.history : "",
                  line ? line : "");
  wmc_free(line);
  wmc_free(d->session.ledger.history);
  d->session.ledger.history = wmc_text_copy(wmc_text_string(&history));
  wmc_text_free(&history);
  return d->session.ledger.history ? WMC_OK : wmc_no_memory();
}

static wmc_status direct_open(director *d)
{
  size_t tasks = d->plan->tasks;
  d->seconds_per_step = WMC_ARRAY(double, tasks);
  d->report.seconds = WMC_ARRAY(double, tasks);
  d->report.steps = WMC_ARRAY(double, tasks);
  if (d->seconds_per_step == NULL || d->report.seconds == NULL || d->report.steps == NULL)
    return wmc_no_memory();
  guess_pace(d);
  return note_start(d);
}

static wmc_status direct_work(director *d)
{
  WMC_TRY(direct_open(d));
  if (d->session.resumed)
    wmc_progress_note(&d->progress, "going on from checkpoint %lld of %s",
                      (long long)d->session.ledger.generation, d->plan->output);
  /* the first checkpoint shows at once whether the disk can take what this run will write */
  WMC_TRY(save(d));
  wmc_status status = run_epochs(d);
  if (d->unwritable) return status; /* a second attempt would only say the same again */
  wmc_status saved = save(d);
  if (saved == WMC_OK) return say_end(d, status);
  return saved > status ? saved : status;
}

static size_t failed_chains(const director *d, size_t task)
{
  size_t failed = 0;
  for (size_t c = 0; c < d->plan->chains; c++)
    failed += wmc_ledger_record(&d->session.ledger, task, c).progress[WMC_PROGRESS_FAILED] != 0;
  return failed;
}

/* WMC_FAILURE if chains have failed; the message lists their tasks. */
static wmc_status report_failed(const director *d)
{
  enum { LISTED = 12 };
  wmc_text list = {0};
  size_t tasks = 0;
  for (size_t t = 0; t < d->plan->tasks; t++) {
    size_t failed = failed_chains(d, t);
    if (failed == 0) continue;
    if (++tasks <= LISTED)
      wmc_text_append(&list, "%stask %zu: %zu of %zu", tasks > 1 ? ", " : "", t, failed,
                      d->plan->chains);
  }
  if (tasks > LISTED) wmc_text_append(&list, ", and %zu more tasks", tasks - LISTED);
  wmc_status status = WMC_OK;
  if (tasks > 0)
    status = wmc_raise(WMC_FAILURE,
                       "%s: some chains failed and are not in the results beyond their last good "
                       "draw (%s; `weylmc check` lists the tasks); the message of the first stands "
                       "above",
                       d->plan->output, wmc_text_string(&list));
  wmc_text_free(&list);
  return status;
}

static wmc_status direct(director *d)
{
  wmc_progress_begin(&d->progress);
  WMC_TRY(wmc_session_open(d->plan, &d->session));
  wmc_status status = WMC_OK;
  if (wmc_session_complete(&d->session) && wmc_session_results_current(&d->session))
    wmc_progress_note(&d->progress, "%s is complete; raise run.draws for more", d->plan->output);
  else
    status = direct_work(d);
  if (status == WMC_OK) status = report_failed(d);
  wmc_session_close(&d->session);
  wmc_schedule_free(&d->schedule);
  wmc_free(d->seconds_per_step);
  wmc_free(d->report.seconds);
  wmc_free(d->report.steps);
  return status;
}

wmc_status wmc_run(MPI_Comm comm, const wmc_plan *plan, const wmc_run_options *options)
{
  wmc_worker *worker = NULL;
  WMC_TRY(wmc_agree(comm, wmc_worker_create(plan, &worker)));
  wmc_status status = WMC_OK;
  if (wmc_rank(comm) == 0) {
    director d = {.comm = comm,
                  .plan = plan,
                  .options = options,
                  .worker = worker,
                  .ranks = wmc_ranks(comm),
                  .epoch_seconds = 0.1};
    status = direct(&d);
    wmc_exchange_stop(comm);
  } else {
    wmc_exchange_serve(comm, plan, worker);
  }
  wmc_worker_destroy(worker);
  return wmc_agree(comm, status);
}
