#include <criterion/criterion.h>
#include <errno.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io_support.h"
#include "support.h"
#include "weylmc/base/hash.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/checkpoint.h"

/* ---- ledgers ---------------------------------------------------------------------------- */

static void fill_bytes(void *out, size_t n, uint64_t *seed)
{
  for (size_t k = 0; k < n; k++) ((unsigned char *)out)[k] = (unsigned char)(draw(seed) >> 56);
}

/* Random bytes everywhere, NaN payloads and all: a state is opaque. */
static void fill_ledger(wmc_ledger *ledger, size_t tasks, int64_t generation)
{
  uint64_t seed = 77 + (uint64_t)generation;
  *ledger =
      (wmc_ledger){.tasks = tasks,
                   .task = WMC_ARRAY(wmc_ledger_task, tasks),
                   .identity = wmc_text_copy("model: balanced\nenergy.kind: \"é\"\n"),
                   .generation = generation,
                   .core_seconds = 1.25 * (double)generation,
                   .history = wmc_text_copy(generation % 2 ? "" : "2026-01-01 host 4 ranks\n")};
  for (size_t k = 0; k < tasks; k++) {
    wmc_ledger_task *t = &ledger->task[k];
    *t = (wmc_ledger_task){.chains = 1 + pick(&seed, 5),
                           .state_size = pick(&seed, 12),
                           .accumulator_size = pick(&seed, 70),
                           .stream_size = pick(&seed, 3) ? 344 : 0};
    cr_assert_eq(wmc_ledger_task_create(t), WMC_OK);
    fill_bytes(t->progress, t->chains * WMC_PROGRESS_COLUMNS * sizeof(int64_t), &seed);
    fill_bytes(t->state, t->chains * t->state_size * sizeof(double), &seed);
    fill_bytes(t->accumulators, t->chains * t->accumulator_size * sizeof(double), &seed);
    fill_bytes(t->streams, t->chains * t->stream_size, &seed);
  }
}

static bool same_task(const wmc_ledger_task *a, const wmc_ledger_task *b)
{
  size_t chains = a->chains;
  return chains == b->chains && a->state_size == b->state_size &&
         a->accumulator_size == b->accumulator_size && a->stream_size == b->stream_size &&
         memcmp(a->progress, b->progress, chains * WMC_PROGRESS_COLUMNS * sizeof(int64_t)) == 0 &&
         memcmp(a->state, b->state, chains * a->state_size * sizeof(double)) == 0 &&
         memcmp(a->accumulators, b->accumulators, chains * a->accumulator_size * sizeof(double)) ==
             0 &&
         memcmp(a->streams, b->streams, chains * a->stream_size) == 0;
}

static bool same_ledger(const wmc_ledger *a, const wmc_ledger *b)
{
  bool same = a->tasks == b->tasks && strcmp(a->identity, b->identity) == 0 &&
              strcmp(a->history, b->history) == 0 && a->generation == b->generation &&
              memcmp(&a->core_seconds, &b->core_seconds, sizeof(double)) == 0;
  for (size_t k = 0; same && k < a->tasks; k++) same = same_task(&a->task[k], &b->task[k]);
  return same;
}

/* A folder with generations 1 (old) and 2 (current) of the run a.h5. */
typedef struct fixture {
  char *folder, *output, *current, *old, *partial;
  wmc_ledger first, second;
} fixture;

static void write_ledger(const fixture *f, const wmc_ledger *ledger)
{
  cr_assert_eq(wmc_checkpoint_write(f->output, ledger), WMC_OK, "%s", wmc_message());
}

static fixture make_fixture(void)
{
  fixture f = {.folder = make_folder()};
  f.output = in_folder(f.folder, "a.h5");
  f.current = in_folder(f.folder, "a.checkpoint.h5");
  f.old = in_folder(f.folder, "a.checkpoint.old.h5");
  f.partial = in_folder(f.folder, "a.checkpoint.h5.partial");
  fill_ledger(&f.first, 3, 1);
  fill_ledger(&f.second, 3, 2);
  write_ledger(&f, &f.first);
  write_ledger(&f, &f.second);
  return f;
}

static void end_fixture(fixture *f)
{
  cr_assert_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0, "HDF5 objects left open");
  wmc_ledger_free(&f->first);
  wmc_ledger_free(&f->second);
  remove_folder(f->folder);
}

/* Read; the result must be `expected`, with or without a notice. */
static void expect_ledger(const fixture *f, const wmc_ledger *expected, bool noticed,
                          const char *about)
{
  wmc_ledger read;
  wmc_text notice = {0};
  bool found = false;
  cr_assert_eq(wmc_checkpoint_read(f->output, &read, &found, &notice), WMC_OK, "%s: %s", about,
               wmc_message());
  cr_assert(found, "%s", about);
  cr_assert(same_ledger(&read, expected), "%s: a wrong ledger", about);
  cr_assert_eq(count_lines(wmc_text_string(&notice)), noticed, "%s: %s", about,
               wmc_text_string(&notice));
  wmc_text_free(&notice);
  wmc_ledger_free(&read);
}

static void expect_none(const fixture *f)
{
  wmc_ledger read = {.tasks = 5};
  bool found = true;
  cr_assert_eq(wmc_checkpoint_read(f->output, &read, &found, NULL), WMC_OK);
  cr_assert(!found && read.tasks == 0 && read.task == NULL);
}

/* ---- tests ------------------------------------------------------------------------------ */

Test(checkpoint, names_follow_the_output)
{
  cr_expect_str_eq(wmc_checkpoint_path("x/run.h5", false), "x/run.checkpoint.h5");
  cr_expect_str_eq(wmc_checkpoint_path("x/run.h5", true), "x/run.checkpoint.old.h5");
  cr_expect_str_eq(wmc_checkpoint_path("run.out", false), "run.out.checkpoint.h5");
}

Test(checkpoint, every_bit_comes_back)
{
  fixture f = make_fixture();
  for (int64_t generation = 3; generation < 3 + test_trials(20); generation++) {
    wmc_ledger ledger;
    fill_ledger(&ledger, (size_t)(generation % 5), generation);
    write_ledger(&f, &ledger);
    expect_ledger(&f, &ledger, false, "round trip");
    cr_assert_eq(count_files(f.folder), 2);
    wmc_ledger_free(&ledger);
  }
  end_fixture(&f);
}

Test(checkpoint, equal_ledgers_give_equal_bytes)
{
  fixture f = make_fixture();
  write_ledger(&f, &f.second);
  cr_assert(same_files(f.current, f.old));
  end_fixture(&f);
}

Test(checkpoint, bytes_are_those_of_the_arrays)
{
  wmc_ledger_task task = {.chains = 3, .state_size = 5, .accumulator_size = 7, .stream_size = 11};
  wmc_ledger ledger = {.tasks = 1, .task = &task};
  cr_assert_eq(wmc_ledger_bytes(&ledger), 3 * (3 * 8 + 5 * 8 + 7 * 8 + 11));
}

Test(checkpoint, none_is_no_error_and_leaves_an_empty_ledger)
{
  fixture f = make_fixture();
  unlink(f.current);
  unlink(f.old);
  expect_none(&f);
  write_bytes(f.partial, "half a file", 11); /* stopped in the first checkpoint of all */
  expect_none(&f);
  write_ledger(&f, &f.first);
  cr_assert_neq(access(f.partial, F_OK), 0, "the stale partial file is still there");
  end_fixture(&f);
}

Test(checkpoint, one_flipped_bit_anywhere_falls_back)
{
  fixture f = make_fixture();
  size_t n;
  unsigned char *bytes = read_bytes(f.current, &n);
  uint64_t seed = 5;
  size_t step = n / (size_t)test_trials(400) + 1;
  for (size_t at = 0; at < n; at += at < 96 || at + 97 > n ? 1 : step) {
    unsigned char bit = (unsigned char)(1u << pick(&seed, 8));
    char about[80];
    snprintf(about, sizeof about, "byte %zu of %zu", at, n);
    bytes[at] ^= bit;
    write_bytes(f.current, bytes, n);
    bytes[at] ^= bit;
    expect_ledger(&f, &f.first, true, about);
  }
  free(bytes);
  end_fixture(&f);
}

Test(checkpoint, any_truncation_or_extension_falls_back)
{
  fixture f = make_fixture();
  size_t n;
  unsigned char *bytes = read_bytes(f.current, &n);
  size_t step = n / (size_t)test_trials(150) + 1;
  for (size_t length = 0; length < n; length += length < 40 || length + 41 > n ? 1 : step) {
    char about[80];
    snprintf(about, sizeof about, "%zu bytes of %zu", length, n);
    write_bytes(f.current, bytes, length);
    expect_ledger(&f, &f.first, true, about);
  }
  bytes[n] = 0;
  write_bytes(f.current, bytes, n + 1);
  expect_ledger(&f, &f.first, true, "one byte more");
  unlink(f.current);
  expect_ledger(&f, &f.first, true, "missing");
  mkdir(f.current, 0777);
  expect_ledger(&f, &f.first, true, "a folder");
  rmdir(f.current);
  free(bytes);
  end_fixture(&f);
}

/* What another reader of HDF5 sees; and the checksum of the contents when, after a change by such a
 * program, the end mark is made right again. */
static void spoil_contents(const char *path, const double *expected)
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t set = H5Dopen2(file, "/tasks/0000/accumulators", H5P_DEFAULT);
  hid_t entry = H5Dget_space(set), one = H5Screate(H5S_SCALAR);
  double first;
  H5Sselect_elements(entry, H5S_SELECT_SET, 1, (hsize_t[]){0, 0});
  cr_assert_geq(H5Dread(set, H5T_NATIVE_DOUBLE, one, entry, H5P_DEFAULT, &first), 0);
  cr_assert_eq(memcmp(&first, expected, sizeof first), 0);
  first = 12345;
  cr_assert_geq(H5Dwrite(set, H5T_NATIVE_DOUBLE, one, entry, H5P_DEFAULT, &first), 0);
  H5Sclose(one);
  H5Sclose(entry);
  H5Dclose(set);
  H5Fclose(file);
}

/* The end mark as its description says, written out once more. */
static void append_mark(const char *path, size_t length)
{
  size_t n;
  unsigned char *bytes = read_bytes(path, &n);
  uint64_t mark[2] = {length, wmc_hash(bytes, length, 0)}; /* one block: less than 1 MB */
  unsigned char *marked = malloc(length + 32);
  cr_assert(n >= length && length < 1 << 20);
  memcpy(marked, bytes, length);
  memcpy(marked + length, "weylmc end mark\n", 16);
  for (int k = 0; k < 16; k++)
    marked[length + 16 + (size_t)k] = (unsigned char)(mark[k / 8] >> (8 * (k % 8)));
  write_bytes(path, marked, length + 32);
  free(marked);
  free(bytes);
}

Test(checkpoint, contents_are_checked_behind_the_end_mark)
{
  fixture f = make_fixture();
  size_t length = (size_t)file_size(f.current) - 32;
  append_mark(f.current, length);
  expect_ledger(&f, &f.second, false, "the same mark");
  spoil_contents(f.current, f.second.task[0].accumulators);
  expect_ledger(&f, &f.first, true, "changed by another program");
  append_mark(f.current, length);
  wmc_ledger read;
  wmc_text notice = {0};
  bool found;
  cr_assert_eq(wmc_checkpoint_read(f.output, &read, &found, &notice), WMC_OK);
  cr_assert(found && same_ledger(&read, &f.first));
  cr_assert_not_null(strstr(wmc_text_string(&notice), "contents do not match"), "%s",
                     wmc_text_string(&notice));
  wmc_text_free(&notice);
  wmc_ledger_free(&read);
  end_fixture(&f);
}

Test(checkpoint, both_damaged_is_an_error_that_deletes_nothing)
{
  fixture f = make_fixture();
  cr_assert_eq(truncate(f.current, 1000), 0);
  cr_assert_eq(truncate(f.old, 0), 0);
  wmc_ledger read = {.tasks = 5};
  bool found = true;
  cr_assert_eq(wmc_checkpoint_read(f.output, &read, &found, NULL), WMC_IO);
  const char *const phrases[] = {"a.checkpoint.h5: it is cut short",
                                 "a.checkpoint.old.h5: it is empty", "start from the beginning",
                                 "nothing was deleted"};
  for (size_t k = 0; k < 4; k++)
    cr_expect_not_null(strstr(wmc_message(), phrases[k]), "%s", wmc_message());
  cr_expect_eq(count_lines(wmc_message()), 1);
  cr_expect(!found && read.tasks == 0 && read.task == NULL);
  cr_expect(file_size(f.current) == 1000 && file_size(f.old) == 0);
  wmc_message_clear();
  end_fixture(&f);
}

Test(checkpoint, stopped_between_the_renames_loses_nothing)
{
  fixture f = make_fixture();
  /* As the write of generation 2 leaves it in between: old = 1, partial = 2, no current. */
  cr_assert_eq(rename(f.current, f.partial), 0);
  expect_ledger(&f, &f.second, true, "between the renames");
  /* The next write keeps generation 2 as the old one. */
  wmc_ledger third;
  fill_ledger(&third, 3, 3);
  write_ledger(&f, &third);
  expect_ledger(&f, &third, false, "after the next write");
  unlink(f.current);
  expect_ledger(&f, &f.second, true, "the old one");
  wmc_ledger_free(&third);
  end_fixture(&f);
}

/* Write generation after generation and tell each that is done, until killed. */
static void write_forever(const char *output, int64_t generation, int tell)
{
  for (;; generation++) {
    wmc_ledger ledger;
    fill_ledger(&ledger, 3, generation);
    if (wmc_checkpoint_write(output, &ledger) != WMC_OK) _exit(1);
    if (write(tell, &generation, sizeof generation) != sizeof generation) _exit(1);
    wmc_ledger_free(&ledger);
  }
}

/* Start it after generation `last`, kill it after a while; the last generation that it told of. */
static int64_t kill_while_writing(const char *output, int64_t last, long microseconds)
{
  int ends[2], how;
  cr_assert_eq(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) write_forever(output, last + 1, ends[1]);
  close(ends[1]);
  nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
  kill(child, SIGKILL);
  waitpid(child, &how, 0);
  cr_assert(WIFSIGNALED(how), "the writer failed");
  for (int64_t told; read(ends[0], &told, sizeof told) == sizeof told;) last = told;
  close(ends[0]);
  return last;
}

Test(checkpoint, killed_while_writing_the_last_generation_is_there)
{
  fixture f = make_fixture();
  uint64_t seed = 9;
  int64_t last = 2;
  /* a busy machine writes little in the time of a quiet one: more and longer trials */
  for (int trial = 0; trial < test_trials(40) || (last <= 10 && trial < 1000); trial++) {
    const uint64_t longest = 30000 * (1 + (uint64_t)trial / 40);
    last = kill_while_writing(f.output, last, (long)pick(&seed, longest));
    wmc_ledger read, expected;
    bool found = false;
    cr_assert_eq(wmc_checkpoint_read(f.output, &read, &found, NULL), WMC_OK, "%s", wmc_message());
    /* it may have finished one more without having told */
    cr_assert(found && (read.generation == last || read.generation == last + 1), "%ld after %ld",
              (long)read.generation, (long)last);
    fill_ledger(&expected, 3, last = read.generation);
    cr_assert(same_ledger(&read, &expected));
    wmc_ledger_free(&read);
    wmc_ledger_free(&expected);
  }
  cr_assert_gt(last, 10, "hardly anything was written: %ld", (long)last);
  end_fixture(&f);
}

Test(checkpoint, a_damaged_current_file_does_not_replace_a_whole_old_one)
{
  fixture f = make_fixture();
  wmc_ledger third;
  fill_ledger(&third, 3, 3);
  cr_assert_eq(truncate(f.current, 2000), 0);
  write_ledger(&f, &third);
  expect_ledger(&f, &third, false, "new");
  unlink(f.current);
  expect_ledger(&f, &f.first, true, "old");
  wmc_ledger_free(&third);
  end_fixture(&f);
}

Test(checkpoint, full_disk_keeps_both_generations)
{
  fixture f = make_fixture();
  struct rlimit limit;
  wmc_ledger third;
  fill_ledger(&third, 3, 3);
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &limit);
  for (long most = 0; most < file_size(f.old); most += 501) {
    limit.rlim_cur = (rlim_t)most;
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_assert_eq(wmc_checkpoint_write(f.output, &third), WMC_IO);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_assert_not_null(strstr(wmc_message(), strerror(EFBIG)), "%s", wmc_message());
    wmc_message_clear();
    cr_assert_eq(count_files(f.folder), 2);
    expect_ledger(&f, &f.second, false, "current");
  }
  unlink(f.current);
  expect_ledger(&f, &f.first, true, "old");
  wmc_ledger_free(&third);
  end_fixture(&f);
}

Test(checkpoint, folder_that_is_not_there)
{
  fixture f = make_fixture();
  cr_assert_eq(wmc_checkpoint_write(in_folder(f.folder, "none/a.h5"), &f.first), WMC_OUTPUT);
  cr_assert_not_null(strstr(wmc_message(), "create the folder"), "%s", wmc_message());
  wmc_message_clear();
  end_fixture(&f);
}
