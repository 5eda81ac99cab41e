#include "weylmc/run/session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"
#include "weylmc/run/provenance.h"
#include "weylmc/run/worker.h"

/* ---- identity --------------------------------------------------------------------------- */

/* The value in a text of lines "key = value", or NULL; *n is its length. */
static const char *find_value(const char *text, const char *key, size_t key_length, size_t *n)
{
  for (const char *line = text; *line != '\0';) {
    const char *end = strchr(line, '\n');
    size_t length = end ? (size_t)(end - line) : strlen(line);
    if (length >= key_length + 3 && memcmp(line, key, key_length) == 0 &&
        memcmp(line + key_length, " = ", 3) == 0) {
      *n = length - key_length - 3;
      return line + key_length + 3;
    }
    line += length + (end != NULL);
  }
  return NULL;
}

/* Append a line for each key of `text` whose value in `other` is another one; report missing keys
 * only if `missing`, so that two calls with the texts exchanged name everything once. */
static void compare_keys(const char *text, const char *other, bool missing, const char *mine,
                         const char *theirs, wmc_text *out)
{
  for (const char *line = text; *line != '\0';) {
    const char *end = strchr(line, '\n'), *sign = strstr(line, " = ");
    size_t length = end ? (size_t)(end - line) : strlen(line);
    if (sign != NULL && sign < line + length) {
      size_t key = (size_t)(sign - line), value = length - key - 3, n = 0;
      const char *found = find_value(other, line, key, &n);
      if (found == NULL && missing)
        wmc_text_append(out, "  %.*s: %s %.*s, %s has none\n", (int)key, line, mine, (int)value,
                        sign + 3, theirs);
      else if (found != NULL && !missing && (n != value || memcmp(found, sign + 3, n) != 0))
        wmc_text_append(out, "  %.*s: %s %.*s, %s %.*s\n", (int)key, line, mine, (int)value,
                        sign + 3, theirs, (int)n, found);
    }
    line += length + (end != NULL);
  }
}

static wmc_status compare_identity(const wmc_plan *plan, const char *found, const char *what,
                                   wmc_status code)
{
  wmc_text differences = {0};
  compare_keys(plan->identity, found, false, "the deck says", "the earlier run", &differences);
  compare_keys(plan->identity, found, true, "the deck says", "the earlier run", &differences);
  compare_keys(found, plan->identity, true, "the earlier run has", "the deck", &differences);
  wmc_status status = WMC_OK;
  if (differences.length > 0)
    status = wmc_raise(code,
                       "%s: %s of a run that differs in:\n%s"
                       "restore these values to go on, or choose another output with -o",
                       plan->output, what, wmc_text_string(&differences));
  wmc_text_free(&differences);
  return status;
}

/* ---- what is there ---------------------------------------------------------------------- */

static bool file_exists(const char *path)
{
  struct stat s;
  return stat(path, &s) == 0;
}

static bool holds_all_draws(const wmc_plan *plan, const wmc_results *results)
{
  const wmc_group *estimates = wmc_results_group(results, "estimates");
  const wmc_array *samples = estimates ? wmc_group_array(estimates, "samples") : NULL;
  if (samples == NULL || samples->data == NULL) return false;
  if (wmc_array_size(estimates, samples) != plan->tasks) return false;
  for (size_t t = 0; t < plan->tasks; t++)
    if (samples->data[t] != (double)plan->draws * (double)plan->chains) return false;
  return true;
}

/* Why a file could not be read, from the pending message "path: why; what to do", in one message
 * with what follows for a run. */
static wmc_status refuse_file(const char *path)
{
  const char *message = wmc_text_after_name(wmc_message(), path);
  char why[512];
  snprintf(why, sizeof why, "%.*s", (int)strcspn(message, ";\n"), message);
  wmc_message_clear();
  return wmc_raise(WMC_OUTPUT,
                   "%s: what stands there cannot be continued: %s; it was left alone: move it, or "
                   "choose another output with -o",
                   path, why);
}

/* An output file that stands there must be this run's. */
static wmc_status check_output(const wmc_session *session, bool *current)
{
  const wmc_plan *plan = session->plan;
  *current = false;
  if (!file_exists(plan->output)) return WMC_OK;
  if (access(plan->output, W_OK) != 0)
    return wmc_raise(WMC_OUTPUT,
                     "%s: this file may not be written (%s); make it writable, or choose another "
                     "output with -o",
                     plan->output, strerror(errno));
  wmc_results results = {0};
  wmc_status status = wmc_results_read(plan->output, &results);
  if (status != WMC_OK) return refuse_file(plan->output);
  const char *identity = wmc_results_note(&results, "identity");
  status =
      compare_identity(plan, identity ? identity : "", "this file holds the results", WMC_OUTPUT);
  *current = status == WMC_OK && holds_all_draws(plan, &results);
  wmc_results_free(&results);
  return status;
}

static wmc_status check_draws(const wmc_session *session)
{
  const wmc_plan *plan = session->plan;
  int64_t most = 0;
  for (size_t t = 0; t < plan->tasks; t++)
    for (size_t c = 0; c < plan->chains; c++) {
      int64_t draws = wmc_ledger_record(&session->ledger, t, c).progress[WMC_PROGRESS_DRAWS];
      if (draws > most) most = draws;
    }
  if (most <= plan->draws) return WMC_OK;
  return wmc_raise(
      WMC_DATA,
      "%s: run.draws = %ld, but chains of this run already have up to %lld draws; raise "
      "draws to go on, or choose another output with -o",
      plan->deck->path, plan->draws, (long long)most);
}

static bool sizes_match(const wmc_ledger *a, const wmc_ledger *b)
{
  if (a->tasks != b->tasks) return false;
  for (size_t t = 0; t < a->tasks; t++) {
    const wmc_ledger_task *x = &a->task[t], *y = &b->task[t];
    if (x->chains != y->chains || x->state_size != y->state_size ||
        x->accumulator_size != y->accumulator_size || x->stream_size != y->stream_size)
      return false;
  }
  return true;
}

static wmc_status use_checkpoint(wmc_session *session, wmc_ledger *found)
{
  const wmc_plan *plan = session->plan;
  WMC_TRY(compare_identity(plan, found->identity ? found->identity : "", "the checkpoint here is",
                           WMC_DATA));
  if (!sizes_match(found, &session->ledger))
    return wmc_raise(
        WMC_DATA,
        "%s: the checkpoint was written by a version of weylmc whose chains have another "
        "layout; finish the run with that version, or choose another output with -o",
        plan->output);
  wmc_ledger_free(&session->ledger);
  session->ledger = *found;
  *found = (wmc_ledger){0};
  session->resumed = true;
  return check_draws(session);
}

/* A complete results file whose checkpoint was deleted is fine as long as no more draws are asked.
 */
static wmc_status without_checkpoint(wmc_session *session, bool current)
{
  const wmc_plan *plan = session->plan;
  if (!file_exists(plan->output)) return WMC_OK;
  if (!current)
    return wmc_raise(WMC_OUTPUT,
                     "%s: results of this run are here, but no checkpoint to go on from; put the "
                     "checkpoint back, or choose another output with -o",
                     plan->output);
  for (size_t t = 0; t < plan->tasks; t++)
    for (size_t c = 0; c < plan->chains; c++)
      wmc_ledger_record(&session->ledger, t, c).progress[WMC_PROGRESS_DRAWS] = plan->draws;
  return WMC_OK;
}

static wmc_status open_session(wmc_session *session)
{
  const wmc_plan *plan = session->plan;
  bool current = false, found = false;
  wmc_ledger ledger = {0};
  wmc_text notice = {0};
  WMC_TRY(wmc_lock_take(plan->output, &session->lock));
  WMC_TRY(wmc_plan_ledger(plan, &session->ledger));
  WMC_TRY(check_output(session, &current));
  wmc_status status = wmc_checkpoint_read(plan->output, &ledger, &found, &notice);
  if (notice.length > 0) fprintf(stderr, "weylmc: %s", notice.bytes);
  wmc_text_free(&notice);
  if (status == WMC_OK && found) status = use_checkpoint(session, &ledger);
  if (status == WMC_OK && !found) status = without_checkpoint(session, current);
  wmc_ledger_free(&ledger);
  return status;
}

wmc_status wmc_session_open(const wmc_plan *plan, wmc_session *session)
{
  *session = (wmc_session){.plan = plan, .lock = {.descriptor = -1}};
  wmc_status status = open_session(session);
  if (status != WMC_OK) wmc_session_close(session);
  return status;
}

void wmc_session_close(wmc_session *session)
{
  wmc_ledger_free(&session->ledger);
  wmc_expectations_free(&session->exact);
  wmc_lock_release(&session->lock);
}

/* ---- writing ---------------------------------------------------------------------------- */

wmc_status wmc_session_checkpoint(wmc_session *session)
{
  session->ledger.generation++;
  return wmc_checkpoint_write(session->plan->output, &session->ledger);
}

wmc_status wmc_session_results(wmc_session *session, int ranks)
{
  wmc_results results = {0};
  if (session->exact.task == NULL) WMC_TRY(wmc_expect(session->plan, &session->exact));
  WMC_TRY(wmc_reduce(session->plan, &session->exact, &session->ledger, &results));
  wmc_status status = wmc_provenance_fill(session->plan, &session->ledger, ranks, &results);
  if (status == WMC_OK) status = wmc_results_write(session->plan->output, &results);
  wmc_results_free(&results);
  return status;
}

bool wmc_session_complete(const wmc_session *session)
{
  const wmc_plan *plan = session->plan;
  for (size_t t = 0; t < plan->tasks; t++)
    for (size_t c = 0; c < plan->chains; c++) {
      wmc_record record = wmc_ledger_record(&session->ledger, t, c);
      if (!wmc_record_complete(plan, &record)) return false;
    }
  return true;
}

bool wmc_session_results_current(const wmc_session *session)
{
  bool current = false;
  wmc_status status = check_output(session, &current);
  if (status != WMC_OK) wmc_message_clear();
  return status == WMC_OK && current;
}
