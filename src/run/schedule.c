#include "weylmc/run/schedule.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "weylmc/base/memory.h"

/* An unfinished chain: how far it is, and what is left in seconds. */
typedef struct candidate {
  size_t task, chain;
  double fraction, seconds;
} candidate;

static int compare_size(size_t a, size_t b) { return (a > b) - (a < b); }

static int behind_first(const void *pa, const void *pb)
{
  const candidate *a = pa, *b = pb;
  int order = (a->fraction > b->fraction) - (a->fraction < b->fraction);
  if (order == 0) order = (a->seconds < b->seconds) - (a->seconds > b->seconds); /* long first */
  if (order == 0) order = compare_size(a->task, b->task);
  return order ? order : compare_size(a->chain, b->chain);
}

static int by_rank(const void *pa, const void *pb)
{
  const wmc_share *a = pa, *b = pb;
  int order = (a->rank > b->rank) - (a->rank < b->rank);
  if (order == 0) order = compare_size(a->task, b->task);
  return order ? order : compare_size(a->chain, b->chain);
}

static size_t find_candidates(const wmc_plan *plan, const wmc_ledger *ledger,
                              const double *seconds_per_step, candidate *out,
                              wmc_schedule *schedule)
{
  double steps = wmc_plan_steps(plan);
  size_t n = 0;
  schedule->remaining = schedule->total = 0;
  for (size_t t = 0; t < plan->tasks; t++)
    for (size_t c = 0; c < plan->chains; c++) {
      wmc_record record = wmc_ledger_record(ledger, t, c);
      schedule->total += steps * seconds_per_step[t];
      if (wmc_record_complete(plan, &record)) continue;
      double done = wmc_record_steps(plan, &record);
      out[n] = (candidate){t, c, done / steps, (steps - done) * seconds_per_step[t]};
      schedule->remaining += out[n++].seconds;
    }
  return n;
}

/* Ranks with the seconds that they were given, the least loaded first: a binary heap, because
 * thousands of ranks are given shares a thousand times each. */
typedef struct load {
  double seconds;
  int rank;
} load;

static bool lighter(const load *a, const load *b)
{
  return a->seconds < b->seconds || (!(b->seconds < a->seconds) && a->rank < b->rank);
}

/* The load at the top has grown: let it sink to its place. */
static void sink(load *heap, size_t ranks)
{
  for (size_t k = 0, child; (child = 2 * k + 1) < ranks; k = child) {
    if (child + 1 < ranks && lighter(&heap[child + 1], &heap[child])) child++;
    if (!lighter(&heap[child], &heap[k])) return;
    load heavy = heap[k];
    heap[k] = heap[child];
    heap[child] = heavy;
  }
}

/* Slices so short that moving a record would cost more than running it are not worth handing out.
 */
static double slice_seconds(double seconds, int ranks, size_t candidates)
{
  const double shortest = 0.02;
  return fmin(seconds, fmax(shortest, seconds * ranks / (double)candidates));
}

static void hand_out(const candidate *candidates, size_t n, const double *seconds_per_step,
                     int ranks, double seconds, load *heap, wmc_schedule *schedule)
{
  double slice = slice_seconds(seconds, ranks, n);
  schedule->shares = 0;
  for (size_t k = 0; k < n; k++) {
    if (heap->seconds >= seconds) break;
    const candidate *c = &candidates[k];
    double part = fmin(c->seconds, slice);
    double steps = fmax(1, ceil(part / seconds_per_step[c->task]));
    schedule->share[schedule->shares++] = (wmc_share){c->task, c->chain, heap->rank, steps};
    heap->seconds += part;
    sink(heap, (size_t)ranks);
  }
  qsort(schedule->share, schedule->shares, sizeof *schedule->share, by_rank);
}

wmc_status wmc_schedule_epoch(const wmc_plan *plan, const wmc_ledger *ledger,
                              const double *seconds_per_step, int ranks, double seconds,
                              wmc_schedule *schedule)
{
  size_t chains = plan->tasks * plan->chains;
  candidate *candidates = WMC_ARRAY(candidate, chains);
  load *heap = WMC_ARRAY(load, (size_t)ranks);
  if (schedule->share == NULL) schedule->share = WMC_ARRAY(wmc_share, chains);
  wmc_status status = WMC_OK;
  if (candidates == NULL || heap == NULL || schedule->share == NULL) {
    status = wmc_no_memory();
  } else {
    for (int r = 0; r < ranks; r++) heap[r].rank = r;
    size_t n = find_candidates(plan, ledger, seconds_per_step, candidates, schedule);
    qsort(candidates, n, sizeof *candidates, behind_first);
    hand_out(candidates, n, seconds_per_step, ranks, seconds, heap, schedule);
  }
  wmc_free(candidates);
  wmc_free(heap);
  return status;
}

void wmc_schedule_free(wmc_schedule *schedule)
{
  wmc_free(schedule->share);
  *schedule = (wmc_schedule){0};
}
