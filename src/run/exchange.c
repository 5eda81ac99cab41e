#include "weylmc/run/exchange.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/clock.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/run/comm.h"
#include "weylmc/statistics/accumulator.h"

enum { ORDER_TAG = 11, REPLY_TAG = 12 };

/* An order is a header followed by items; a reply is the same with the items run. An item is a
 * share followed by its record. Ranks of a run are of one kind of machine, so structs travel as
 * bytes. */
typedef struct order_header {
  size_t items, bytes; /* bytes of all items */
  double seconds, limit;
  int stop, signal;
  size_t failed;
  wmc_status status;
  char message[512];
} order_header;

typedef struct item_header {
  wmc_share share;
  double seconds; /* reply: time it took */
  double steps;   /* reply: steps taken */
} item_header;

/* In the middle of an exchange there is no state to return to; what counts is in the checkpoint. */
static unsigned char *alloc_items(MPI_Comm comm, size_t bytes)
{
  unsigned char *items = wmc_alloc(bytes, 1);
  if (items != NULL) return items;
  wmc_no_memory();
  fprintf(stderr, "weylmc: %sthe last checkpoint is intact: run the same command again\n",
          wmc_message());
  MPI_Abort(comm, wmc_exit_code(WMC_FAILURE));
  return NULL;
}

/* ---- bytes of any length ---------------------------------------------------------------- */

enum { CHUNK = 1 << 30 };

static void send_bytes(MPI_Comm comm, int to, int tag, const unsigned char *bytes, size_t n)
{
  for (size_t k = 0; k < n; k += CHUNK)
    MPI_Send(bytes + k, (int)(n - k < CHUNK ? n - k : CHUNK), MPI_BYTE, to, tag, comm);
}

static void receive_bytes(MPI_Comm comm, int from, int tag, unsigned char *bytes, size_t n)
{
  for (size_t k = 0; k < n; k += CHUNK)
    MPI_Recv(bytes + k, (int)(n - k < CHUNK ? n - k : CHUNK), MPI_BYTE, from, tag, comm,
             MPI_STATUS_IGNORE);
}

static void send_order(MPI_Comm comm, int to, int tag, const order_header *header,
                       const unsigned char *items)
{
  send_bytes(comm, to, tag, (const unsigned char *)header, sizeof *header);
  send_bytes(comm, to, tag, items, header->bytes);
}

static size_t item_bytes(const wmc_plan *plan, const wmc_share *share)
{
  return sizeof(item_header) + wmc_record_bytes(plan, share->task);
}

/* ---- running an order ------------------------------------------------------------------- */

/* Where a record of any task can be unpacked. */
static wmc_status create_scratch(const wmc_plan *plan, wmc_ledger *scratch)
{
  wmc_ledger_task widest = {.chains = 1, .stream_size = wmc_stream_packed_size()};
  for (size_t t = 0; t < plan->tasks; t++) {
    size_t state = plan->task[t].state_size;
    size_t accumulator = wmc_accumulator_packed_size(plan->task[t].measurement);
    if (state > widest.state_size) widest.state_size = state;
    if (accumulator > widest.accumulator_size) widest.accumulator_size = accumulator;
  }
  *scratch = (wmc_ledger){.tasks = 1, .task = WMC_NEW(wmc_ledger_task)};
  if (scratch->task == NULL) return wmc_no_memory();
  *scratch->task = widest;
  return wmc_ledger_task_create(scratch->task);
}

/* Move the pending message, without its last newline, behind `place`. */
static void take_message(order_header *header, const char *place)
{
  const char *message = wmc_message();
  size_t n = strlen(message);
  snprintf(header->message, sizeof header->message, "%s%.*s", place, (int)(n > 0 ? n - 1 : 0),
           message);
  wmc_message_clear();
}

/* A chain that fails is marked and left; if it is not marked, the rank itself cannot go on. */
static void note_failure(order_header *header, wmc_status status, const wmc_share *share,
                         bool marked)
{
  char place[64];
  snprintf(place, sizeof place, "task %zu, chain %zu: ", share->task, share->chain);
  if (header->failed == 0 || !marked) take_message(header, place);
  if (marked)
    header->failed++;
  else
    header->status = status;
  wmc_message_clear();
}

/* Run the item at `bytes` in place. */
static void run_item(const wmc_plan *plan, wmc_worker *worker, wmc_ledger *scratch,
                     unsigned char *bytes, double deadline, order_header *header)
{
  item_header item;
  memcpy(&item, bytes, sizeof item);
  size_t task = item.share.task;
  wmc_record record = wmc_ledger_record(scratch, 0, 0);
  wmc_record_unpack(plan, task, &record, bytes + sizeof item);
  double before = wmc_record_steps(plan, &record), begin = wmc_clock();
  wmc_status status =
      wmc_worker_run(worker, task, item.share.chain, &record, item.share.steps, deadline);
  item.seconds = wmc_clock() - begin;
  item.steps = wmc_record_steps(plan, &record) - before;
  if (status != WMC_OK)
    note_failure(header, status, &item.share, record.progress[WMC_PROGRESS_FAILED] != 0);
  memcpy(bytes, &item, sizeof item);
  wmc_record_pack(plan, task, &record, bytes + sizeof item);
}

static void run_order(const wmc_plan *plan, wmc_worker *worker, order_header *header,
                      unsigned char *items)
{
  wmc_ledger scratch = {0};
  header->status = create_scratch(plan, &scratch);
  if (header->status != WMC_OK) take_message(header, "");
  double deadline = wmc_clock() + 1.25 * header->seconds;
  wmc_signals_limit(header->limit);
  for (size_t k = 0; k < header->items && header->status == WMC_OK; k++) {
    item_header item;
    memcpy(&item, items, sizeof item);
    if (wmc_clock() < deadline && !wmc_signals_pending())
      run_item(plan, worker, &scratch, items, deadline, header);
    items += item_bytes(plan, &item.share);
  }
  header->signal = wmc_signals_pending();
  wmc_ledger_free(&scratch);
}

void wmc_exchange_serve(MPI_Comm comm, const wmc_plan *plan, wmc_worker *worker)
{
  for (;;) {
    order_header header;
    receive_bytes(comm, 0, ORDER_TAG, (unsigned char *)&header, sizeof header);
    if (header.stop) return;
    unsigned char *items = alloc_items(comm, header.bytes);
    receive_bytes(comm, 0, ORDER_TAG, items, header.bytes);
    run_order(plan, worker, &header, items);
    send_order(comm, 0, REPLY_TAG, &header, items);
    wmc_free(items);
  }
}

/* ---- rank 0 ----------------------------------------------------------------------------- */

void wmc_exchange_stop(MPI_Comm comm)
{
  order_header header = {.stop = 1};
  for (int r = 1; r < wmc_ranks(comm); r++) send_order(comm, r, ORDER_TAG, &header, NULL);
}

/* The order of `rank`, whose shares begin at *next; moves *next behind them. */
static unsigned char *pack_order(MPI_Comm comm, const wmc_plan *plan, const wmc_ledger *ledger,
                                 const wmc_schedule *schedule, int rank, size_t *next,
                                 double seconds, double limit, order_header *header)
{
  const wmc_share *share = schedule->share + *next;
  *header = (order_header){.seconds = seconds, .limit = limit};
  for (; *next < schedule->shares && schedule->share[*next].rank == rank; ++*next) {
    header->items++;
    header->bytes += item_bytes(plan, &schedule->share[*next]);
  }
  unsigned char *items = alloc_items(comm, header->bytes), *out = items;
  for (size_t k = 0; k < header->items; k++) {
    item_header item = {.share = share[k]};
    wmc_record record = wmc_ledger_record(ledger, share[k].task, share[k].chain);
    memcpy(out, &item, sizeof item);
    wmc_record_pack(plan, share[k].task, &record, out + sizeof item);
    out += item_bytes(plan, &share[k]);
  }
  return items;
}

static void take_reply(const wmc_plan *plan, wmc_ledger *ledger, const order_header *header,
                       const unsigned char *items, wmc_epoch_report *report)
{
  for (size_t k = 0; k < header->items; k++) {
    item_header item;
    memcpy(&item, items, sizeof item);
    wmc_record record = wmc_ledger_record(ledger, item.share.task, item.share.chain);
    wmc_record_unpack(plan, item.share.task, &record, items + sizeof item);
    report->seconds[item.share.task] += item.seconds;
    report->steps[item.share.task] += item.steps;
    ledger->core_seconds += item.seconds;
    items += item_bytes(plan, &item.share);
  }
  bool worse = header->status > report->status;
  if (worse || (report->failed == 0 && report->status == WMC_OK))
    memcpy(report->message, header->message, sizeof report->message);
  report->failed += header->failed;
  if (header->signal != 0) report->signal = header->signal;
  if (worse) report->status = header->status;
}

static void receive_reply(MPI_Comm comm, const wmc_plan *plan, int from, wmc_ledger *ledger,
                          wmc_epoch_report *report)
{
  order_header header;
  receive_bytes(comm, from, REPLY_TAG, (unsigned char *)&header, sizeof header);
  unsigned char *items = alloc_items(comm, header.bytes);
  receive_bytes(comm, from, REPLY_TAG, items, header.bytes);
  take_reply(plan, ledger, &header, items, report);
  wmc_free(items);
}

void wmc_exchange_epoch(MPI_Comm comm, const wmc_plan *plan, wmc_worker *worker, wmc_ledger *ledger,
                        const wmc_schedule *schedule, double seconds, double limit,
                        wmc_epoch_report *report)
{
  memset(report->seconds, 0, plan->tasks * sizeof(double));
  memset(report->steps, 0, plan->tasks * sizeof(double));
  report->signal = 0;
  report->failed = 0;
  report->status = WMC_OK;
  report->message[0] = '\0';
  order_header mine, header;
  size_t next = 0;
  unsigned char *own = pack_order(comm, plan, ledger, schedule, 0, &next, seconds, limit, &mine);
  for (int r = 1; r < wmc_ranks(comm); r++) {
    unsigned char *items =
        pack_order(comm, plan, ledger, schedule, r, &next, seconds, limit, &header);
    send_order(comm, r, ORDER_TAG, &header, items);
    wmc_free(items);
  }
  run_order(plan, worker, &mine, own);
  take_reply(plan, ledger, &mine, own, report);
  wmc_free(own);
  for (int r = 1; r < wmc_ranks(comm); r++) receive_reply(comm, plan, r, ledger, report);
}
