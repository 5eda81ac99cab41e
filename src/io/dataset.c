#include "weylmc/io/dataset.h"

#include <errno.h>
#include <hdf5.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "h5.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/text.h"

enum { MOST_LISTED = 20 };

/* ---- the datasets of a file, for the message when a name is wrong ------------------------- */

typedef struct listing {
  char *names[MOST_LISTED + 1]; /* with the leading slash */
  size_t listed, found;
} listing;

static herr_t list_dataset(hid_t file, const char *name, const H5O_info_t *info, void *data)
{
  (void)file;
  listing *list = data;
  if (info->type != H5O_TYPE_DATASET) return 0;
  if (list->found++ >= MOST_LISTED) return 0;
  wmc_text full = {0};
  wmc_text_append(&full, "/%s", name);
  char *copy = wmc_text_copy(wmc_text_string(&full));
  if (copy != NULL) list->names[list->listed++] = copy;
  wmc_text_free(&full);
  return 0;
}

static wmc_status no_such_dataset(hid_t file, const char *path, const char *name)
{
  listing list = {0};
  wmc_text names = {0};
  H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, list_dataset, &list, H5O_INFO_BASIC);
  for (size_t k = 0; k < list.listed; k++)
    wmc_text_append(&names, "%s%s", k > 0 ? ", " : "", list.names[k]);
  if (list.found > list.listed) wmc_text_append(&names, " and %zu more", list.found - list.listed);
  const char *nearest = wmc_text_nearest(name, (const char *const *)list.names, list.listed);
  wmc_text hint = {0};
  if (nearest != NULL) wmc_text_append(&hint, "; did you mean %s?", nearest);
  wmc_status status =
      list.found == 0
          ? wmc_raise(WMC_DATA, "%s: no dataset '%s'; the file has no datasets", path, name)
          : wmc_raise(WMC_DATA, "%s: no dataset '%s'%s The file has: %s", path, name,
                      nearest != NULL ? wmc_text_string(&hint) : ".", wmc_text_string(&names));
  for (size_t k = 0; k < list.listed; k++) wmc_free(list.names[k]);
  wmc_text_free(&names);
  wmc_text_free(&hint);
  return status;
}

/* ---- reading ---------------------------------------------------------------------------- */

typedef struct matrix {
  const char *path, *name;
  size_t rows, columns;
  double *data;
} matrix;

static wmc_status check_shape(matrix *m, hid_t set)
{
  hsize_t dims[WMC_H5_RANK] = {0};
  hid_t space = H5Dget_space(set);
  int rank = wmc_h5_shape(space, dims);
  if (space >= 0) H5Sclose(space);
  if (rank != 1 && rank != 2)
    return wmc_raise(WMC_DATA,
                     "%s:%s: has %d dimensions; give a vector or a matrix (1 or 2 dimensions)",
                     m->path, m->name, rank < 0 ? 0 : rank);
  m->rows = (size_t)dims[0];
  m->columns = rank == 2 ? (size_t)dims[1] : 1;
  if (m->rows > 0 && m->columns > 0) return WMC_OK;
  return wmc_raise(WMC_DATA, "%s:%s: is empty (%zu x %zu); give at least one number", m->path,
                   m->name, m->rows, m->columns);
}

static const char *const class_names[H5T_NCLASSES] = {
    [H5T_TIME] = "times",
    [H5T_STRING] = "strings",
    [H5T_BITFIELD] = "bit fields",
    [H5T_OPAQUE] = "opaque data",
    [H5T_COMPOUND] = "compound records (or complex numbers)",
    [H5T_REFERENCE] = "references",
    [H5T_ENUM] = "an enumeration (or logical values)",
    [H5T_VLEN] = "ragged arrays",
    [H5T_ARRAY] = "arrays"};

static wmc_status check_type(const matrix *m, hid_t set)
{
  hid_t type = H5Dget_type(set);
  H5T_class_t class = type >= 0 ? H5Tget_class(type) : H5T_NO_CLASS;
  if (type >= 0) H5Tclose(type);
  if (class == H5T_INTEGER || class == H5T_FLOAT) return WMC_OK;
  const char *found = class > 0 && class < H5T_NCLASSES ? class_names[class] : NULL;
  return wmc_raise(WMC_DATA, "%s:%s: holds %s; store integers or floating-point numbers", m->path,
                   m->name, found != NULL ? found : "an unknown type");
}

static wmc_status check_finite(const matrix *m)
{
  for (size_t k = 0; k < m->rows * m->columns; k++)
    if (!isfinite(m->data[k]))
      return wmc_raise(WMC_DATA,
                       "%s:%s: %s in row %zu, column %zu (counted from 1); only finite numbers "
                       "are allowed",
                       m->path, m->name, isnan(m->data[k]) ? "NaN" : "infinity", k / m->columns + 1,
                       k % m->columns + 1);
  return WMC_OK;
}

static wmc_status read_open_dataset(matrix *m, hid_t set)
{
  WMC_TRY(check_type(m, set));
  WMC_TRY(check_shape(m, set));
  m->data = m->rows > (size_t)-1 / m->columns ? NULL : WMC_ARRAY(double, m->rows * m->columns);
  if (m->data == NULL)
    return wmc_raise(WMC_FAILURE, "%s:%s: out of memory for %zu x %zu numbers", m->path, m->name,
                     m->rows, m->columns);
  herr_t read = H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, m->data);
  if (!wmc_h5_good(read, "reading"))
    return wmc_raise(WMC_DATA, "%s:%s: cannot be read: %s", m->path, m->name, wmc_h5_cause());
  return check_finite(m);
}

static wmc_status read_from_file(matrix *m, hid_t file)
{
  hid_t object = H5Oopen(file, m->name, H5P_DEFAULT);
  if (object < 0) return no_such_dataset(file, m->path, m->name);
  wmc_status status = H5Iget_type(object) == H5I_DATASET ? read_open_dataset(m, object)
                                                         : no_such_dataset(file, m->path, m->name);
  H5Oclose(object);
  return status;
}

static wmc_status read_matrix(matrix *m)
{
  struct stat there;
  if (stat(m->path, &there) != 0)
    return wmc_raise(WMC_DATA,
                     "%s: cannot open: %s; the name is relative to the folder of the deck", m->path,
                     strerror(errno));
  if (!S_ISREG(there.st_mode))
    return wmc_raise(WMC_DATA, "%s: not a file; name an HDF5 file as FILE:/DATASET", m->path);
  if (H5Fis_hdf5(m->path) <= 0)
    return wmc_raise(WMC_DATA, "%s: not an HDF5 file (or one that cannot be read)", m->path);
  hid_t file = wmc_h5_open(m->path);
  if (file < 0) return wmc_raise(WMC_DATA, "%s: cannot be read: %s", m->path, wmc_h5_cause());
  wmc_status status = read_from_file(m, file);
  H5Fclose(file);
  return status;
}

/* ---- "FILE:/DATASET" ---------------------------------------------------------------------- */

/* The last ":/" of the text, NULL if there is none. */
static const char *separator(const char *where)
{
  const char *last = NULL;
  for (const char *at = strstr(where, ":/"); at != NULL; at = strstr(at + 1, ":/")) last = at;
  return last;
}

wmc_status wmc_dataset_read(const char *directory, const char *where, size_t *rows, size_t *columns,
                            double **data)
{
  wmc_h5_start();
  const char *colon = separator(where);
  if (colon == NULL || colon == where || colon[2] == '\0')
    return wmc_raise(WMC_DATA,
                     "'%s' does not name a dataset; write FILE:/DATASET, such as "
                     "data.h5:/inputs",
                     where);
  wmc_text path = {0};
  if (where[0] != '/' && directory != NULL && directory[0] != '\0')
    wmc_text_append(&path, "%s/", directory);
  wmc_text_append_bytes(&path, where, (size_t)(colon - where));
  matrix m = {.path = wmc_text_string(&path), .name = colon + 1};
  wmc_status status = path.failed ? wmc_no_memory() : read_matrix(&m);
  wmc_text_free(&path);
  if (status != WMC_OK) {
    wmc_free(m.data);
    return status;
  }
  *rows = m.rows;
  *columns = m.columns;
  *data = m.data;
  return WMC_OK;
}
