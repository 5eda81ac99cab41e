#include "ledger.h"

#include <stdio.h>
#include <string.h>

#include "h5.h"
#include "weylmc/base/hash.h"
#include "weylmc/base/memory.h"

/* Schema of checkpoints, apart from that of results. */
enum { SCHEMA_MAJOR = 1, SCHEMA_MINOR = 0 };

/* ---- memory ----------------------------------------------------------------------------- */

wmc_status wmc_ledger_task_create(wmc_ledger_task *task)
{
  size_t chains = task->chains;
  task->progress = WMC_ARRAY(int64_t, chains * WMC_PROGRESS_COLUMNS);
  task->state = wmc_alloc(chains, sizeof(double) * task->state_size);
  task->accumulators = wmc_alloc(chains, sizeof(double) * task->accumulator_size);
  task->streams = wmc_alloc(chains, task->stream_size);
  return task->progress && task->state && task->accumulators && task->streams ? WMC_OK
                                                                              : wmc_no_memory();
}

void wmc_ledger_free(wmc_ledger *ledger)
{
  for (size_t k = 0; ledger->task != NULL && k < ledger->tasks; k++) {
    wmc_free(ledger->task[k].progress);
    wmc_free(ledger->task[k].state);
    wmc_free(ledger->task[k].accumulators);
    wmc_free(ledger->task[k].streams);
  }
  wmc_free(ledger->task);
  wmc_free(ledger->identity);
  wmc_free(ledger->history);
  *ledger = (wmc_ledger){0};
}

/* The arrays of a task: one row of this table each. */
typedef struct part {
  const char *name, *text;
  size_t columns, entry; /* bytes of an entry */
  hid_t file_type, memory_type;
  void *data;
} part;

enum { PARTS = 4 };

static void list_parts(const wmc_ledger_task *t, part parts[PARTS])
{
  const part list[PARTS] = {{"progress", "chain by [thermalisation steps done, draws done, failed]",
                             WMC_PROGRESS_COLUMNS, sizeof(int64_t), H5T_STD_I64LE, H5T_NATIVE_INT64,
                             t->progress},
                            {"state", "chain by packed state", t->state_size, sizeof(double),
                             H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, t->state},
                            {"accumulators", "chain by packed accumulator", t->accumulator_size,
                             sizeof(double), H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, t->accumulators},
                            {"streams", "chain by bytes of the packed random stream",
                             t->stream_size, 1, H5T_STD_U8LE, H5T_NATIVE_UCHAR, t->streams}};
  memcpy(parts, list, sizeof list);
}

static double task_bytes(const wmc_ledger_task *task)
{
  part parts[PARTS];
  double bytes = 0;
  list_parts(task, parts);
  for (int k = 0; k < PARTS; k++)
    bytes += (double)task->chains * (double)parts[k].columns * (double)parts[k].entry;
  return bytes;
}

double wmc_ledger_bytes(const wmc_ledger *ledger)
{
  double bytes = 0;
  for (size_t k = 0; k < ledger->tasks; k++) bytes += task_bytes(&ledger->task[k]);
  if (ledger->identity != NULL) bytes += (double)strlen(ledger->identity);
  if (ledger->history != NULL) bytes += (double)strlen(ledger->history);
  return bytes;
}

/* ---- checksum --------------------------------------------------------------------------- */

static uint64_t hash_task(const wmc_ledger_task *task, uint64_t hash)
{
  part parts[PARTS];
  list_parts(task, parts);
  for (int k = 0; k < PARTS; k++) {
    uint64_t shape[2] = {task->chains, parts[k].columns};
    hash = wmc_hash(shape, sizeof shape, hash);
    hash = wmc_hash(parts[k].data, task->chains * parts[k].columns * parts[k].entry, hash);
  }
  return hash;
}

static uint64_t hash_text(const char *text, uint64_t hash)
{
  return text != NULL ? wmc_hash(text, strlen(text), hash) : wmc_hash("", 0, hash);
}

/* Over every byte of the ledger, in the order of its declaration. */
static uint64_t hash_ledger(const wmc_ledger *ledger)
{
  uint64_t tasks = ledger->tasks, hash = wmc_hash(&tasks, sizeof tasks, 0);
  for (size_t k = 0; k < ledger->tasks; k++) hash = hash_task(&ledger->task[k], hash);
  hash = hash_text(ledger->identity, hash);
  hash = wmc_hash(&ledger->generation, sizeof ledger->generation, hash);
  hash = wmc_hash(&ledger->core_seconds, sizeof ledger->core_seconds, hash);
  return hash_text(ledger->history, hash);
}

/* ---- writing ---------------------------------------------------------------------------- */

static bool put_part(hid_t group, const part *p, size_t chains)
{
  const hsize_t dims[2] = {chains, p->columns};
  hid_t set = wmc_h5_put_dataset(group, p->name, p->file_type, p->memory_type, 2, dims, p->data);
  if (set < 0) return false;
  bool good = wmc_h5_put_text_attribute(set, "long_name", p->text);
  return wmc_h5_good(H5Dclose(set), p->name) && good;
}

static bool put_task(hid_t tasks, const wmc_ledger_task *task, size_t k)
{
  char name[32];
  part parts[PARTS];
  snprintf(name, sizeof name, "%04zu", k);
  hid_t group = wmc_h5_put_group(tasks, name);
  if (group < 0) return false;
  list_parts(task, parts);
  bool good = true;
  for (int p = 0; good && p < PARTS; p++) good = put_part(group, &parts[p], task->chains);
  return wmc_h5_good(H5Gclose(group), name) && good;
}

static bool put_text(hid_t file, const char *name, const char *text)
{
  hid_t set = wmc_h5_put_strings(file, name, 0, NULL, &text);
  return set >= 0 && wmc_h5_good(H5Dclose(set), name);
}

static bool put_attributes(hid_t file, const wmc_ledger *ledger)
{
  char schema[32];
  uint64_t checksum = hash_ledger(ledger), tasks = ledger->tasks;
  snprintf(schema, sizeof schema, "%d.%d", SCHEMA_MAJOR, SCHEMA_MINOR);
  return wmc_h5_put_text_attribute(file, "checkpoint_schema", schema) &&
         wmc_h5_put_attribute(file, "tasks", H5T_STD_U64LE, H5T_NATIVE_UINT64, &tasks) &&
         wmc_h5_put_attribute(file, "generation", H5T_STD_I64LE, H5T_NATIVE_INT64,
                              &ledger->generation) &&
         wmc_h5_put_attribute(file, "core_seconds", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                              &ledger->core_seconds) &&
         wmc_h5_put_attribute(file, "checksum", H5T_STD_U64LE, H5T_NATIVE_UINT64, &checksum);
}

bool wmc_ledger_put(hid_t file, const wmc_ledger *ledger)
{
  if (!put_attributes(file, ledger) || !put_text(file, "identity", ledger->identity) ||
      !put_text(file, "history", ledger->history))
    return false;
  hid_t tasks = wmc_h5_put_group(file, "tasks");
  if (tasks < 0) return false;
  bool good = true;
  for (size_t k = 0; good && k < ledger->tasks; k++) good = put_task(tasks, &ledger->task[k], k);
  return wmc_h5_good(H5Gclose(tasks), "tasks") && good;
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool get_shape(hid_t group, const char *name, size_t *chains, size_t *columns)
{
  hsize_t dims[WMC_H5_RANK];
  hid_t set = H5Dopen2(group, name, H5P_DEFAULT);
  if (!wmc_h5_good(set, name)) return false;
  hid_t space = H5Dget_space(set);
  int rank = wmc_h5_shape(space, dims);
  if (space >= 0) H5Sclose(space);
  H5Dclose(set);
  if (rank != 2) return wmc_h5_fail("%s has not two dimensions", name);
  *chains = (size_t)dims[0];
  *columns = (size_t)dims[1];
  return true;
}

static bool get_part(hid_t group, const part *p)
{
  hid_t set = H5Dopen2(group, p->name, H5P_DEFAULT);
  if (!wmc_h5_good(set, p->name)) return false;
  bool good =
      wmc_h5_good(H5Dread(set, p->memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, p->data), p->name);
  H5Dclose(set);
  return good;
}

static bool get_open_task(hid_t group, wmc_ledger_task *task)
{
  part parts[PARTS];
  size_t chains[PARTS], columns[PARTS];
  list_parts(task, parts);
  for (int k = 0; k < PARTS; k++) {
    if (!get_shape(group, parts[k].name, &chains[k], &columns[k])) return false;
    if (chains[k] != chains[0]) return wmc_h5_fail("arrays differ in their number of chains");
  }
  if (columns[0] != WMC_PROGRESS_COLUMNS) return wmc_h5_fail("progress has other columns");
  *task = (wmc_ledger_task){.chains = chains[0],
                            .state_size = columns[1],
                            .accumulator_size = columns[2],
                            .stream_size = columns[3]};
  if (wmc_ledger_task_create(task) != WMC_OK) return wmc_h5_fail("out of memory");
  list_parts(task, parts);
  for (int k = 0; k < PARTS; k++)
    if (!get_part(group, &parts[k])) return false;
  return true;
}

static bool get_task(hid_t file, wmc_ledger *ledger, size_t k)
{
  char name[40];
  snprintf(name, sizeof name, "/tasks/%04zu", k);
  hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
  if (!wmc_h5_good(group, name)) return false;
  bool good = get_open_task(group, &ledger->task[k]);
  H5Gclose(group);
  return good || wmc_h5_in(name);
}

static bool check_schema(hid_t file)
{
  int major = -1, minor = -1;
  char *schema = wmc_h5_get_text_attribute(file, "checkpoint_schema");
  int read = schema != NULL ? sscanf(schema, "%d.%d", &major, &minor) : 0;
  wmc_free(schema);
  if (read != 2) return wmc_h5_fail("no checkpoint_schema");
  return major == SCHEMA_MAJOR ||
         wmc_h5_fail("its schema is %d.%d, this program reads %d.x; use the version of weylmc that "
                     "wrote it",
                     major, minor, SCHEMA_MAJOR);
}

static bool get_contents(hid_t file, wmc_ledger *ledger)
{
  uint64_t checksum = 0, tasks = 0;
  if (!check_schema(file) || !wmc_h5_get_attribute(file, "tasks", H5T_NATIVE_UINT64, &tasks) ||
      !wmc_h5_get_attribute(file, "generation", H5T_NATIVE_INT64, &ledger->generation) ||
      !wmc_h5_get_attribute(file, "core_seconds", H5T_NATIVE_DOUBLE, &ledger->core_seconds) ||
      !wmc_h5_get_attribute(file, "checksum", H5T_NATIVE_UINT64, &checksum))
    return false;
  ledger->task = WMC_ARRAY(wmc_ledger_task, tasks);
  if (ledger->task == NULL) return wmc_h5_fail("out of memory");
  ledger->tasks = (size_t)tasks;
  for (size_t k = 0; k < ledger->tasks; k++)
    if (!get_task(file, ledger, k)) return false;
  ledger->identity = wmc_h5_get_text(file, "identity");
  ledger->history = wmc_h5_get_text(file, "history");
  if (ledger->identity == NULL || ledger->history == NULL) return false;
  return hash_ledger(ledger) == checksum || wmc_h5_fail("its contents do not match its checksum");
}

bool wmc_ledger_get(hid_t file, wmc_ledger *ledger)
{
  *ledger = (wmc_ledger){0};
  if (get_contents(file, ledger)) return true;
  wmc_ledger_free(ledger);
  return false;
}
