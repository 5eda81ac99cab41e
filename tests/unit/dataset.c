#include <criterion/criterion.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io_support.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/dataset.h"

static void put(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                const void *data)
{
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, NULL);
  hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
  H5Dclose(set);
  H5Sclose(space);
}

/* A file with one dataset for each case below. */
static void make_file(const char *path)
{
  const double numbers[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  double holes[12];
  const int integers[4] = {-1, 2, -3, 4};
  const float floats[2] = {0.5f, -0.25f};
  memcpy(holes, numbers, sizeof holes);
  holes[7] = NAN; /* row 3, column 2 of a 4 x 3 matrix */
  double infinite[2] = {1, -INFINITY};
  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t group = H5Gcreate2(file, "group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t text = H5Tcopy(H5T_C_S1), pair = H5Tcreate(H5T_COMPOUND, 2 * sizeof(double));
  H5Tinsert(pair, "r", 0, H5T_NATIVE_DOUBLE);
  H5Tinsert(pair, "i", sizeof(double), H5T_NATIVE_DOUBLE);
  H5Tset_size(text, 4);
  put(file, "matrix", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){4, 3}, numbers);
  put(file, "vector", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){12}, numbers);
  put(file, "group/integers", H5T_NATIVE_INT, 2, (hsize_t[]){2, 2}, integers);
  put(file, "floats", H5T_NATIVE_FLOAT, 1, (hsize_t[]){2}, floats);
  put(file, "holes", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){4, 3}, holes);
  put(file, "infinite", H5T_NATIVE_DOUBLE, 1, (hsize_t[]){2}, infinite);
  put(file, "scalar", H5T_NATIVE_DOUBLE, 0, NULL, numbers);
  put(file, "cube", H5T_NATIVE_DOUBLE, 3, (hsize_t[]){2, 2, 3}, numbers);
  put(file, "empty", H5T_NATIVE_DOUBLE, 2, (hsize_t[]){0, 3}, numbers);
  put(file, "text", text, 1, (hsize_t[]){2}, "abcdefgh");
  put(file, "complex", pair, 1, (hsize_t[]){2}, numbers);
  H5Tclose(pair);
  H5Tclose(text);
  H5Gclose(group);
  H5Fclose(file);
}

typedef struct fixture {
  char *folder, *path;
} fixture;

static fixture make_fixture(void)
{
  fixture f = {.folder = make_folder()};
  f.path = in_folder(f.folder, "data.h5");
  make_file(f.path);
  return f;
}

Test(dataset, matrices_and_vectors_are_read_row_by_row)
{
  fixture f = make_fixture();
  size_t rows, columns;
  double *data;
  cr_assert_eq(wmc_dataset_read(f.folder, "data.h5:/matrix", &rows, &columns, &data), WMC_OK, "%s",
               wmc_message());
  cr_assert(rows == 4 && columns == 3);
  for (int k = 0; k < 12; k++) cr_assert_eq(data[k], k + 1);
  wmc_free(data);
  cr_assert_eq(wmc_dataset_read(f.folder, "data.h5:/group/integers", &rows, &columns, &data),
               WMC_OK);
  cr_assert(rows == 2 && columns == 2 && data[0] == -1 && data[3] == 4);
  wmc_free(data);
  char absolute[400];
  snprintf(absolute, sizeof absolute, "%s:/floats", f.path);
  cr_assert_eq(wmc_dataset_read("/nowhere", absolute, &rows, &columns, &data), WMC_OK);
  cr_assert(rows == 2 && columns == 1 && data[0] == 0.5 && data[1] == -0.25);
  wmc_free(data);
  remove_folder(f.folder);
}

Test(dataset, mistakes_are_one_line_that_says_what_and_where)
{
  fixture f = make_fixture();
  write_bytes(in_folder(f.folder, "text.h5"), "depth,entropy\n", 14);
  hid_t bare = H5Fcreate(in_folder(f.folder, "bare.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  H5Fclose(bare);
  const struct {
    const char *where, *phrases[3];
  } cases[] = {
      {"data.h5:/matrx", {"no dataset '/matrx'", "did you mean /matrix?", "/group/integers"}},
      {"data.h5:/group", {"no dataset '/group'", "/group/integers", "/holes"}},
      {"data.h5:/group/none/x", {"no dataset", "The file has:", "/cube"}},
      {"data.h5:/holes", {"NaN in row 3, column 2", "data.h5:/holes", "finite"}},
      {"data.h5:/infinite", {"infinity in row 2, column 1", "", ""}},
      {"data.h5:/scalar", {"has 0 dimensions", "vector or a matrix", ""}},
      {"data.h5:/cube", {"has 3 dimensions", "", ""}},
      {"data.h5:/empty", {"is empty (0 x 3)", "", ""}},
      {"data.h5:/text", {"holds strings", "integers or floating-point", ""}},
      {"data.h5:/complex", {"complex", "", ""}},
      {"bare.h5:/x", {"the file has no datasets", "", ""}},
      {"text.h5:/x", {"not an HDF5 file", "text.h5", ""}},
      {"none.h5:/x", {"No such file", "none.h5", "folder of the deck"}},
      {".:/x", {"not a file", "", ""}},
      {"data.h5", {"FILE:/DATASET", "'data.h5'", ""}},
      {"data.h5:/", {"FILE:/DATASET", "", ""}},
      {":/x", {"FILE:/DATASET", "", ""}},
      {"", {"FILE:/DATASET", "", ""}},
  };
  for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
    size_t rows, columns;
    double *data;
    cr_expect_eq(wmc_dataset_read(f.folder, cases[k].where, &rows, &columns, &data), WMC_DATA);
    for (int p = 0; p < 3; p++)
      cr_expect_not_null(strstr(wmc_message(), cases[k].phrases[p]), "%s: '%s' is not in: %s",
                         cases[k].where, cases[k].phrases[p], wmc_message());
    cr_expect_eq(count_lines(wmc_message()), 1);
    wmc_message_clear();
  }
  cr_assert_eq(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0, "HDF5 objects left open");
  remove_folder(f.folder);
}

Test(dataset, many_names_are_cut_and_truncated_files_refused)
{
  fixture f = make_fixture();
  char *many = in_folder(f.folder, "many.h5");
  hid_t file = H5Fcreate(many, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  double one = 1;
  for (int k = 0; k < 50; k++) {
    char name[20];
    snprintf(name, sizeof name, "set%03d", k);
    put(file, name, H5T_NATIVE_DOUBLE, 1, (hsize_t[]){1}, &one);
  }
  H5Fclose(file);
  size_t rows, columns;
  double *data;
  cr_assert_eq(wmc_dataset_read(f.folder, "many.h5:/x", &rows, &columns, &data), WMC_DATA);
  cr_assert_not_null(strstr(wmc_message(), "and 30 more"), "%s", wmc_message());
  wmc_message_clear();
  long size = file_size(many);
  for (long n = size - 1; n > 0; n -= 1 + size / 20) {
    cr_assert_eq(truncate(many, n), 0);
    cr_assert_eq(wmc_dataset_read(f.folder, "many.h5:/set001", &rows, &columns, &data), WMC_DATA);
    wmc_message_clear();
  }
  remove_folder(f.folder);
}
