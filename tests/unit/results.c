#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io_support.h"
#include "support.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"

/* ---- random results --------------------------------------------------------------------- */

static double random_number(uint64_t *seed)
{
  static const double special[] = {0.0, -0.0, INFINITY, -INFINITY, NAN, 5e-324, 1.7e308, 1.0};
  return pick(seed, 3) == 0 ? special[pick(seed, 8)] : ldexp((double)draw(seed), -40);
}

static const char *random_text(uint64_t *seed)
{
  static const char *const texts[] = {"",         "1",         "λ μ é \xf0\x9d\x94\xbc",
                                      "a\nb\n\n", "long name", " "};
  return texts[pick(seed, 6)];
}

static void add_random_axis(wmc_group *group, uint64_t *seed)
{
  char name[40];
  const char *labels[6];
  double coordinates[6];
  size_t length = pick(seed, 8) == 0 ? 0 : 1 + pick(seed, 5);
  for (size_t k = 0; k < length; k++) labels[k] = random_text(seed);
  for (size_t k = 0; k < length; k++) coordinates[k] = random_number(seed);
  snprintf(name, sizeof name, "axis.%zu é", group->axes);
  cr_assert_geq(wmc_group_add_axis(group, name, random_text(seed), random_text(seed), length,
                                   coordinates, pick(seed, 3) == 0 ? labels : NULL),
                0);
}

static void add_random_array(wmc_group *group, uint64_t *seed)
{
  char name[40];
  size_t axis[3], axes = group->axes == 0 ? 0 : pick(seed, 4);
  for (size_t k = 0; k < axes; k++) axis[k] = pick(seed, group->axes); /* an axis may come twice */
  snprintf(name, sizeof name, "%c%zu", (char)('z' - group->arrays), group->arrays);
  wmc_array *array = wmc_group_add_array(group, name, random_text(seed), random_text(seed), axes,
                                         axis, pick(seed, 3) == 0);
  cr_assert_not_null(array);
  for (size_t k = 0; k < wmc_array_size(group, array); k++) {
    if (array->data != NULL) array->data[k] = random_number(seed);
    if (array->strings != NULL) array->strings[k] = wmc_text_copy(random_text(seed));
  }
}

static void fill_random(wmc_results *results, uint64_t *seed)
{
  static const char *const names[] = {"title", "model", "verbatim", "resolved", "identity"};
  for (size_t k = 0; k < 5; k++)
    if (pick(seed, 4) != 0) wmc_results_set_note(results, names[k], random_text(seed));
  wmc_results_set_provenance(results, "host", random_text(seed));
  wmc_results_set_provenance(results, "a date", random_text(seed));
  for (size_t g = pick(seed, 4); g-- > 0;) {
    char name[20];
    snprintf(name, sizeof name, "group%zu", g);
    wmc_group *group = wmc_results_add_group(results, name);
    for (size_t k = pick(seed, 4); k-- > 0;) add_random_axis(group, seed);
    for (size_t k = pick(seed, 5); k-- > 0;) add_random_array(group, seed);
  }
}

/* ---- equality, written out once more ------------------------------------------------------ */

static bool same_numbers(const double *a, const double *b, size_t n)
{
  return (a == NULL) == (b == NULL) && (a == NULL || memcmp(a, b, n * sizeof *a) == 0);
}

static bool same_strings(char **a, char **b, size_t n)
{
  if ((a == NULL) != (b == NULL)) return false;
  for (size_t k = 0; a != NULL && k < n; k++)
    if (strcmp(a[k], b[k]) != 0) return false;
  return true;
}

static void expect_same_group(const wmc_group *a, const wmc_group *b)
{
  cr_assert_str_eq(a->name, b->name);
  cr_assert(a->axes == b->axes && a->arrays == b->arrays);
  for (size_t k = 0; k < a->axes; k++) {
    const wmc_axis_data *x = &a->axis[k], *y = &b->axis[k];
    cr_assert_str_eq(x->name, y->name);
    cr_assert_str_eq(x->unit, y->unit);
    cr_assert_str_eq(x->text, y->text);
    cr_assert_eq(x->length, y->length);
    cr_assert(same_numbers(x->coordinates, y->coordinates, x->length));
    cr_assert(same_strings(x->labels, y->labels, x->length));
  }
  for (size_t k = 0; k < a->arrays; k++) {
    const wmc_array *x = &a->array[k], *y = &b->array[k];
    cr_assert_str_eq(x->name, y->name);
    cr_assert_str_eq(x->unit, y->unit);
    cr_assert_str_eq(x->text, y->text);
    cr_assert_eq(x->axes, y->axes);
    for (size_t d = 0; d < x->axes; d++) cr_assert_eq(x->axis[d], y->axis[d]);
    cr_assert(same_numbers(x->data, y->data, wmc_array_size(a, x)), "%s", x->name);
    cr_assert(same_strings(x->strings, y->strings, wmc_array_size(a, x)), "%s", x->name);
  }
}

static void expect_same(const wmc_results *a, const wmc_results *b)
{
  cr_assert(a->groups == b->groups && a->notes == b->notes && a->provenances == b->provenances);
  for (size_t k = 0; k < a->groups; k++) expect_same_group(&a->group[k], &b->group[k]);
  for (size_t k = 0; k < a->notes; k++)
    cr_assert_str_eq(a->note[k].text, wmc_results_note(b, a->note[k].name));
  for (size_t k = 0; k < a->provenances; k++) {
    cr_assert_str_eq(a->provenance[k].name, b->provenance[k].name);
    cr_assert_str_eq(a->provenance[k].text, b->provenance[k].text);
  }
}

static void expect_ok(wmc_status status) { cr_assert_eq(status, WMC_OK, "%s", wmc_message()); }

/* ---- round trips ------------------------------------------------------------------------ */

Test(results, reading_back_loses_nothing)
{
  char *folder = make_folder(), *first = in_folder(folder, "a.h5"),
       *second = in_folder(folder, "b.h5");
  uint64_t seed = 20260101;
  for (int trial = 0; trial < test_trials(60); trial++) {
    wmc_results written = {0}, read = {0};
    fill_random(&written, &seed);
    expect_ok(wmc_results_write(first, &written));
    expect_ok(wmc_results_read(first, &read));
    expect_same(&written, &read);
    expect_ok(wmc_results_write(second, &read));
    cr_assert(same_files(first, second), "what was read back is written in other bytes");
    wmc_results_free(&written);
    wmc_results_free(&read);
  }
  cr_assert_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0, "HDF5 objects left open");
  remove_folder(folder);
}

static herr_t expect_no_times(hid_t file, const char *name, const H5O_info_t *info, void *data)
{
  (void)file, (void)data;
  cr_expect(info->atime == 0 && info->mtime == 0 && info->ctime == 0, "%s has a time stamp", name);
  return 0;
}

static void fill_example(wmc_results *results)
{
  const double depth[] = {2, 10, INFINITY};
  const char *const kinds[] = {"frobenius", "target"};
  wmc_results_set_note(results, "title", "Example");
  wmc_results_set_note(results, "verbatim", "model: balanced\n");
  wmc_results_set_provenance(results, "date", "2026-01-01");
  wmc_group *group = wmc_results_add_group(results, "estimates");
  size_t axis[2];
  axis[0] = (size_t)wmc_group_add_axis(group, "depth", "1", "depth", 3, depth, NULL);
  axis[1] = (size_t)wmc_group_add_axis(group, "energy.kind", "", "energy", 2, NULL, kinds);
  wmc_array *array = wmc_group_add_array(group, "entropy", "1", "entropy", 2, axis, false);
  for (size_t k = 0; k < 6; k++) array->data[k] = sqrt((double)k);
  array = wmc_group_add_array(group, "form", "", "fitted form", 1, axis, true);
  for (size_t k = 0; k < 3; k++) array->strings[k] = wmc_text_copy("a + b/L");
}

Test(results, long_texts_and_deck_survive)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5");
  size_t n = 3000000;
  char *text = wmc_alloc(n + 1, 1);
  for (size_t k = 0; k < n; k++) text[k] = (char)('a' + k % 26);
  wmc_results results = {0}, read = {0};
  wmc_results_set_note(&results, "verbatim", text);
  wmc_results_set_note(&results, "title", text + n - 200000);
  wmc_results_set_provenance(&results, "flags", text + n - 100000);
  expect_ok(wmc_results_write(path, &results));
  expect_ok(wmc_results_read(path, &read));
  expect_same(&results, &read);
  wmc_results_free(&results);
  wmc_results_free(&read);
  wmc_free(text);
  remove_folder(folder);
}

Test(results, provenance_is_utf8_whatever_the_host_says)
{
  static const struct {
    const char *given, *kept;
  } cases[] = {{"plain", "plain"},
               {"λ \xf0\x9d\x94\xbc é", "λ \xf0\x9d\x94\xbc é"},
               {"caf\xe9 Z", "caf? Z"},
               {"cut \xe2\x82", "cut ??"},
               {"\xc0\xaf\xed\xa0\x80\xf5\x80\x80\x80", "?????????"}};
  char *folder = make_folder(), *path = in_folder(folder, "a.h5");
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_results results = {0}, read = {0};
    wmc_results_set_provenance(&results, "host", cases[k].given);
    expect_ok(wmc_results_write(path, &results));
    expect_ok(wmc_results_read(path, &read));
    cr_expect_str_eq(read.provenance[0].text, cases[k].kept);
    wmc_results_free(&results);
    wmc_results_free(&read);
  }
  remove_folder(folder);
}

Test(results, new_arrays_are_nan_and_pieces_are_found_and_removed)
{
  wmc_results results = {0};
  fill_example(&results);
  wmc_group *group = wmc_results_group(&results, "estimates");
  size_t axis = 0;
  wmc_array *array = wmc_group_add_array(group, "new", NULL, NULL, 1, &axis, false);
  for (size_t k = 0; k < 3; k++) cr_assert(isnan(array->data[k]));
  cr_assert_eq(wmc_group_array(group, "new"), array);
  cr_assert_null(wmc_group_array(group, "none"));
  cr_assert_null(wmc_results_note(&results, "none"));
  wmc_results_set_note(&results, "title", "Second");
  cr_assert_str_eq(wmc_results_note(&results, "title"), "Second");
  cr_assert_eq(results.notes, 2);
  wmc_results_add_group(&results, "fits");
  wmc_results_remove_group(&results, "estimates");
  cr_assert_null(wmc_results_group(&results, "estimates"));
  cr_assert_str_eq(wmc_results_group(&results, "fits")->name, "fits");
  wmc_results_free(&results);
}

Test(results, library_is_the_one_in_use)
{
  cr_assert_eq(strncmp(wmc_results_library(), "HDF5 ", 5), 0);
  cr_assert_not_null(strstr(H5_VERS_INFO, wmc_results_library() + 5), "%s", wmc_results_library());
}

/* ---- writing that fails ------------------------------------------------------------------- */

Test(results, objects_have_no_time_stamps)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5");
  wmc_results results = {0};
  fill_example(&results);
  expect_ok(wmc_results_write(path, &results));
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, expect_no_times, NULL, H5O_INFO_ALL);
  H5Fclose(file);
  wmc_results_free(&results);
  remove_folder(folder);
}

static void limit_file_size(rlim_t most)
{
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = most;
  cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(results, full_disk_leaves_the_old_file_and_says_so)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5"),
       *kept = in_folder(folder, "k.h5");
  wmc_results results = {0};
  signal(SIGXFSZ, SIG_IGN);
  fill_example(&results);
  expect_ok(wmc_results_write(path, &results));
  expect_ok(wmc_results_write(kept, &results));
  rlim_t size = (rlim_t)file_size(path);
  wmc_results_set_note(&results, "title", "Another title");
  for (rlim_t most = 0; most < size; most += 1 + size / 50) {
    limit_file_size(most);
    cr_assert_eq(wmc_results_write(path, &results), WMC_IO, "limit %lu", (unsigned long)most);
    limit_file_size(RLIM_INFINITY);
    cr_assert_not_null(strstr(wmc_message(), path));
    cr_assert_not_null(strstr(wmc_message(), strerror(EFBIG)), "%s", wmc_message());
    cr_assert_not_null(strstr(wmc_message(), "ulimit"));
    wmc_message_clear();
    cr_assert(same_files(path, kept));
    cr_assert_eq(count_files(folder), 2, "a temporary file was left");
  }
  expect_ok(wmc_results_write(path, &results)); /* and later writes work */
  cr_assert_not(same_files(path, kept));
  wmc_results_free(&results);
  remove_folder(folder);
}

Test(results, impossible_paths_are_one_clear_message)
{
  char *folder = make_folder(), *file = in_folder(folder, "file");
  wmc_results results = {0};
  fill_example(&results);
  fclose(fopen(file, "w"));
  char long_name[400];
  memset(long_name, 'x', sizeof long_name);
  long_name[sizeof long_name - 1] = '\0';
  const struct {
    const char *path;
    int error;
  } cases[] = {{in_folder(folder, "none/a.h5"), ENOENT},
               {in_folder(folder, "file/a.h5"), ENOTDIR},
               {in_folder(folder, "."), EISDIR},
               {in_folder(folder, long_name), ENAMETOOLONG},
               {"", ENOENT},
               {"/proc/a.h5", ENOENT}};
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    cr_expect_eq(wmc_results_write(cases[k].path, &results), WMC_OUTPUT, "%s", cases[k].path);
    cr_expect_not_null(strstr(wmc_message(), strerror(cases[k].error)), "%s", wmc_message());
    cr_expect_eq(count_lines(wmc_message()), 1);
    wmc_message_clear();
  }
  cr_assert_eq(count_files(folder), 1);
  wmc_results_free(&results);
  remove_folder(folder);
}

Test(results, symbolic_links_stay_and_stale_temporaries_go)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5"),
       *link = in_folder(folder, "l.h5");
  char *stale = in_folder(folder, "a.h5.partial");
  wmc_results results = {0}, read = {0};
  fill_example(&results);
  expect_ok(wmc_results_write(path, &results));
  fclose(fopen(stale, "w"));
  cr_assert_eq(symlink("a.h5", link), 0);
  wmc_results_set_note(&results, "title", "Through the link");
  expect_ok(wmc_results_write(link, &results));
  struct stat there;
  cr_assert(lstat(link, &there) == 0 && S_ISLNK(there.st_mode));
  expect_ok(wmc_results_read(path, &read));
  cr_assert_str_eq(wmc_results_note(&read, "title"), "Through the link");
  cr_assert_neq(access(stale, F_OK), 0);
  wmc_results_free(&results);
  wmc_results_free(&read);
  remove_folder(folder);
}

Test(results, names_that_hdf5_cannot_hold_are_refused)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5");
  static const char *const names[] = {"", "a/b", ".", "deck", "provenance"};
  for (size_t k = 0; k < 5; k++) {
    wmc_results results = {0};
    wmc_results_add_group(&results, names[k]);
    cr_expect_eq(wmc_results_write(path, &results), WMC_FAILURE);
    wmc_message_clear();
    wmc_results_free(&results);
  }
  cr_assert_eq(count_files(folder), 0);
  remove_folder(folder);
}

/* A real full disk: a file system in memory of 64 kB, which only root may mount. */
Test(results, full_file_system_leaves_the_old_file_and_says_so)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5");
  if (mount("none", folder, "tmpfs", 0, "size=64k") != 0) {
    remove_folder(folder);
    cr_skip_test("a small tmpfs cannot be mounted here: %s", strerror(errno));
  }
  wmc_results small = {0}, large = {0};
  fill_example(&small);
  fill_example(&large);
  char text[100001];
  memset(text, 'x', 100000);
  text[100000] = '\0';
  wmc_results_set_note(&large, "verbatim", text);
  wmc_status first = wmc_results_write(path, &small), second = wmc_results_write(path, &large);
  bool says = strstr(wmc_message(), strerror(ENOSPC)) != NULL &&
              strstr(wmc_message(), "free some space") != NULL;
  wmc_results read = {0};
  wmc_status third = wmc_results_read(path, &read);
  int files = count_files(folder);
  umount(folder);
  remove_folder(folder);
  cr_assert(first == WMC_OK && second == WMC_IO && third == WMC_OK && files == 1);
  cr_assert(says, "%s", wmc_message());
  expect_same(&small, &read);
}

/* ---- reading that fails ------------------------------------------------------------------- */

static void expect_unreadable(const char *path, const char *phrase)
{
  wmc_results read = {.groups = 7};
  cr_expect_eq(wmc_results_read(path, &read), WMC_DATA);
  cr_expect_not_null(strstr(wmc_message(), phrase), "%s", wmc_message());
  cr_expect_eq(count_lines(wmc_message()), 1);
  cr_expect(read.groups == 0 && read.group == NULL);
  wmc_message_clear();
}

static void set_schema(const char *path, const char *version)
{
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Adelete(file, "schema_version");
  if (version != NULL) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t a = H5Acreate2(file, "schema_version", type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, type, &version);
    H5Aclose(a);
    H5Sclose(space);
  }
  H5Tclose(type);
  H5Fclose(file);
}

Test(results, files_that_are_not_results_are_refused)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5"), *text = in_folder(folder, "t");
  wmc_results results = {0};
  fill_example(&results);
  expect_unreadable(path, strerror(ENOENT));
  expect_unreadable(folder, "not a file");
  write_bytes(text, "hello", 5);
  expect_unreadable(text, "not an HDF5 file");
  write_bytes(text, "", 0);
  expect_unreadable(text, "not an HDF5 file");
  expect_ok(wmc_results_write(path, &results));
  set_schema(path, "2.3");
  expect_unreadable(path, "schema 2.3");
  set_schema(path, "1.9");
  wmc_results read = {0};
  expect_ok(wmc_results_read(path, &read)); /* a later minor version is readable */
  wmc_results_free(&read);
  set_schema(path, NULL);
  expect_unreadable(path, "schema_version");
  expect_ok(wmc_results_write(path, &results));
  size_t size = (size_t)file_size(path) - 32; /* without the end mark */
  for (size_t n = 0; n < size; n += size / 37) {
    cr_assert_eq(truncate(path, (off_t)n), 0);
    expect_unreadable(path, "a.h5");
    expect_ok(wmc_results_write(path, &results));
  }
  wmc_results_free(&results);
  remove_folder(folder);
}

Test(results, a_flipped_bit_is_noticed)
{
  char *folder = make_folder(), *path = in_folder(folder, "a.h5"),
       *good = in_folder(folder, "b.h5");
  wmc_results results = {0};
  fill_example(&results);
  expect_ok(wmc_results_write(path, &results));
  expect_ok(wmc_results_write(good, &results));
  size_t n;
  uint64_t seed = 3;
  unsigned char *bytes = read_bytes(path, &n);
  for (int trial = 0; trial < test_trials(300); trial++) {
    size_t at = pick(&seed, n);
    unsigned char bit = (unsigned char)(1u << pick(&seed, 8));
    bytes[at] ^= bit;
    write_bytes(path, bytes, n);
    bytes[at] ^= bit;
    wmc_results read;
    wmc_text report = {0};
    bool equal = false, in_mark_text = at >= n - 32 && at < n - 16; /* then there is no mark */
    wmc_status expected = in_mark_text ? WMC_OK : WMC_DATA;
    cr_assert_eq(wmc_results_read(path, &read), expected, "byte %zu of %zu", at, n);
    cr_assert_eq(wmc_results_compare(path, good, &equal, &report), expected);
    cr_assert_eq(equal, in_mark_text);
    wmc_message_clear();
    wmc_results_free(&read);
  }
  free(bytes);
  wmc_results_free(&results);
  remove_folder(folder);
}

/* ---- arrays that belong together ------------------------------------------------------------- */

/* What weylmc never writes: the name of an array, whether it holds names, on how many axes (-1:
 * left out), and what is said. */
typedef struct stranger {
  const char *group, *name;
  bool strings;
  int axes;
  const char *message;
} stranger;

static void add_member(wmc_group *group, const char *name, const size_t *axis, bool strings,
                       const stranger *odd)
{
  const bool is_odd = strcmp(odd->group, group->name) == 0 && strcmp(odd->name, name) == 0;
  if (is_odd && odd->axes < 0) return;
  wmc_group_add_array(group, name, "1", "", is_odd ? (size_t)odd->axes : 2, axis,
                      is_odd ? odd->strings : strings);
}

static wmc_group *add_group_on_two_axes(wmc_results *results, const char *name, size_t *axis)
{
  const double x[] = {1, 2, 3};
  wmc_group *group = wmc_results_add_group(results, name);
  axis[0] = (size_t)wmc_group_add_axis(group, "depth", "1", "", 3, x, NULL);
  axis[1] = (size_t)wmc_group_add_axis(group, "index", "1", "", 2, x, NULL);
  return group;
}

static void fill_with(wmc_results *results, const stranger *odd)
{
  static const char *const estimates[] = {"x", "x_error", "x_quality", "x_freedom"};
  static const char *const fits[] = {
      "x_limit", "x_limit_error", "x_coefficient", "x_coefficient_error", "x_quality", "x_chi2"};
  size_t axis[2];
  wmc_group *group = add_group_on_two_axes(results, "estimates", axis);
  add_member(group, "samples", axis, false, odd);
  for (size_t k = 0; k < sizeof estimates / sizeof *estimates; k++)
    add_member(group, estimates[k], axis, false, odd);
  group = add_group_on_two_axes(results, "fits", axis);
  for (size_t k = 0; k < sizeof fits / sizeof *fits; k++)
    add_member(group, fits[k], axis, false, odd);
  add_member(group, "x_form", axis, true, odd);
  add_member(group, "x_rival", axis, true, odd);
}

/* Readers rely on the shapes of arrays that belong to others, so that files that another program
 * changed are refused. */
Test(results, arrays_that_do_not_belong_together_are_refused)
{
  static const stranger cases[] = {
      {"", "", false, 0, NULL},
      {"estimates", "x_deviation", false, 2, NULL},
      {"estimates", "x_quality", false, -1, NULL},
      {"estimates", "x_error", false, 1, "/estimates/x_error has other axes"},
      {"estimates", "x_freedom", true, 2, "/estimates/x_freedom is no array of numbers"},
      {"estimates", "samples", false, -1, "/estimates/samples is missing"},
      {"estimates", "samples", true, 2, "/estimates/samples is missing"},
      {"estimates", "x", false, 0, "/estimates/x_error has other axes"},
      {"fits", "x_chi2", false, -1, NULL},
      {"fits", "x_chi2", false, 0, "/fits/x_chi2 has other axes"},
      {"fits", "x_coefficient", false, -1, "/fits/x_coefficient is missing"},
      {"fits", "x_limit", true, 2, "/fits/x_limit is no array of numbers"},
      {"fits", "x_rival", false, 2, "/fits/x_rival is no array of names"},
      {"fits", "x_form", true, -1, "/fits/x_form is missing"}};
  char *folder = make_folder(), *path = in_folder(folder, "a.h5");
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    wmc_results written = {0}, read;
    fill_with(&written, &cases[k]);
    expect_ok(wmc_results_write(path, &written));
    const wmc_status status = wmc_results_read(path, &read);
    cr_expect_eq(status, cases[k].message ? WMC_DATA : WMC_OK, "case %zu: %s", k, wmc_message());
    cr_expect(!cases[k].message || strstr(wmc_message(), cases[k].message), "case %zu: %s", k,
              wmc_message());
    wmc_message_clear();
    if (status == WMC_OK) wmc_results_free(&read);
    wmc_results_free(&written);
  }
  remove_folder(folder);
}

/* ---- comparing -------------------------------------------------------------------------- */

typedef void change(wmc_results *results);

static void change_nothing(wmc_results *r) { (void)r; }
static void change_provenance(wmc_results *r)
{
  wmc_results_set_provenance(r, "date", "a much longer date than before");
  wmc_results_set_provenance(r, "host", "other");
}
static void change_bit(wmc_results *r)
{
  double *x = &r->group[0].array[0].data[4];
  *x = nextafter(*x, 3);
}
static void change_zero_sign(wmc_results *r) { r->group[0].array[0].data[0] = -0.0; }
static void change_string(wmc_results *r) { r->group[0].array[1].strings[2][0] = 'b'; }
static void change_label(wmc_results *r) { r->group[0].axis[1].labels[1][0] = 'b'; }
static void change_coordinate(wmc_results *r) { r->group[0].axis[0].coordinates[1] = 11; }
static void change_unit(wmc_results *r) { r->group[0].array[0].unit[0] = '2'; }
static void change_deck(wmc_results *r)
{
  wmc_results_set_note(r, "verbatim", "model: balanced\nseed: 3\n");
}
static void change_title(wmc_results *r) { wmc_results_set_note(r, "title", "examplE"); }
static void add_note(wmc_results *r) { wmc_results_set_note(r, "model", "balanced"); }
static void add_group(wmc_results *r) { wmc_results_add_group(r, "fits"); }
static void add_scalar(wmc_results *r)
{
  wmc_group_add_array(&r->group[0], "scalar", "1", "scalar", 0, NULL, false);
}
static void change_axis(wmc_results *r)
{
  const double x[] = {2, 10, INFINITY};
  wmc_group *g = &r->group[0];
  size_t axis = (size_t)wmc_group_add_axis(g, "width", "1", "width", 3, x, NULL);
  g->array[1].axis[0] = axis;
}

Test(results, compare_sees_every_difference_outside_provenance)
{
  const struct {
    change *change;
    const char *report; /* NULL: equal */
  } cases[] = {
      {change_nothing, NULL},
      {change_provenance, NULL},
      {change_bit, "/estimates/entropy: 1 of 6 entries differ, first at [2, 0]: 2 and 2.0"},
      {change_zero_sign, "/estimates/entropy: 1 of 6"},
      {change_string, "/estimates/form: 1 of 3 entries differ, first at [2]: \"a + b/L\""},
      {change_label, "/estimates/energy.kind: 1 of 2"},
      {change_coordinate, "/estimates/depth: 1 of 3"},
      {change_unit, "/estimates/entropy@units: "},
      {change_deck, "/deck/verbatim: 1 of 1 entries differ, first: \"\" and \"seed: 3\""},
      {change_title, "/@title: "},
      {add_note, "/: attribute 'model' is only in "},
      {add_group, "/: object 'fits' is only in "},
      {add_scalar, "/estimates: object 'scalar' is only in "},
      {change_axis, "/estimates/form@DIMENSION_LIST: axes differ"}};
  char *folder = make_folder(), *a = in_folder(folder, "a.h5"), *b = in_folder(folder, "b.h5");
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    wmc_results results = {0};
    fill_example(&results);
    expect_ok(wmc_results_write(a, &results));
    cases[k].change(&results);
    expect_ok(wmc_results_write(b, &results));
    for (int swap = 0; swap < 2; swap++) {
      bool equal = cases[k].report != NULL;
      wmc_text report = {0};
      expect_ok(wmc_results_compare(swap ? b : a, swap ? a : b, &equal, &report));
      cr_expect_eq(equal, cases[k].report == NULL, "case %zu: %s", k, wmc_text_string(&report));
      cr_expect_eq(equal, report.length == 0);
      if (!equal && !swap)
        cr_expect_not_null(strstr(wmc_text_string(&report), cases[k].report), "case %zu: %s", k,
                           wmc_text_string(&report));
      wmc_text_free(&report);
    }
    wmc_results_free(&results);
  }
  remove_folder(folder);
}

Test(results, compare_reports_at_most_20_lines_and_bad_files)
{
  char *folder = make_folder(), *a = in_folder(folder, "a.h5"), *b = in_folder(folder, "b.h5");
  wmc_results results = {0};
  wmc_group *group = wmc_results_add_group(&results, "estimates");
  for (int k = 0; k < 30; k++) {
    char name[8];
    snprintf(name, sizeof name, "x%d", k);
    wmc_group_add_array(group, name, "", "", 0, NULL, false)->data[0] = k;
  }
  expect_ok(wmc_results_write(a, &results));
  for (int k = 0; k < 30; k++) group->array[k].data[0] += 1;
  expect_ok(wmc_results_write(b, &results));
  wmc_text report = {0};
  bool equal = true;
  expect_ok(wmc_results_compare(a, b, &equal, &report));
  cr_assert_not(equal);
  cr_assert_eq(count_lines(wmc_text_string(&report)), 21);
  cr_assert_not_null(strstr(wmc_text_string(&report), "and 10 more"));
  equal = true;
  cr_assert_eq(wmc_results_compare(a, in_folder(folder, "none"), &equal, &report), WMC_DATA);
  cr_assert_not(equal);
  wmc_text_free(&report);
  wmc_results_free(&results);
  remove_folder(folder);
}
