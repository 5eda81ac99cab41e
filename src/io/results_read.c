#include <errno.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "h5.h"
#include "layout.h"
#include "mark.h"
#include "results_check.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"

/* Address of an object within its file: two ids of one object share it. */
static haddr_t address(hid_t object)
{
  H5O_info_t info;
  return H5Oget_info2(object, &info, H5O_INFO_BASIC) >= 0 ? info.addr : HADDR_UNDEF;
}

/* What reading a group needs: the axes met so far, in the order of the struct. */
typedef struct axis_map {
  haddr_t *addresses;
  size_t n;
} axis_map;

/* ---- one dataset ------------------------------------------------------------------------ */

static bool is_string(hid_t set)
{
  hid_t type = H5Dget_type(set);
  bool string = type >= 0 && H5Tget_class(type) == H5T_STRING;
  if (type >= 0) H5Tclose(type);
  return string;
}

static bool read_numbers(hid_t set, const char *name, double *out)
{
  return wmc_h5_good(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, out), name);
}

static int shape_of(hid_t set, hsize_t *dims)
{
  hid_t space = H5Dget_space(set);
  int rank = wmc_h5_shape(space, dims);
  if (space >= 0) H5Sclose(space);
  return rank;
}

static bool read_axis(wmc_group *group, hid_t set, const char *name)
{
  hsize_t dims[WMC_H5_RANK];
  if (shape_of(set, dims) != 1) return wmc_h5_fail("axis '%s' has not one dimension", name);
  size_t length = (size_t)dims[0];
  char *unit = wmc_h5_get_text_attribute(set, LAYOUT_UNITS);
  char *text = wmc_h5_get_text_attribute(set, LAYOUT_LONG_NAME);
  bool labelled = is_string(set), good = unit != NULL && text != NULL;
  double *numbers = WMC_ARRAY(double, length);
  char **labels = WMC_ARRAY(char *, length);
  if (numbers == NULL || labels == NULL) good = wmc_h5_fail("out of memory");
  good = good &&
         (labelled ? wmc_h5_get_strings(set, length, labels) : read_numbers(set, name, numbers));
  if (good && wmc_group_add_axis(group, name, unit, text, length, numbers,
                                 labelled ? (const char *const *)labels : NULL) < 0)
    good = wmc_h5_fail("out of memory");
  wmc_h5_free_names(labels, labels != NULL ? length : 0);
  wmc_free(numbers);
  wmc_free(unit);
  wmc_free(text);
  return good;
}

/* The scales of each dimension, one expected; `found` counts and keeps the last address. */
typedef struct found_scale {
  haddr_t address;
  int count;
} found_scale;

static herr_t note_scale(hid_t set, unsigned dimension, hid_t scale, void *data)
{
  (void)set, (void)dimension;
  found_scale *found = data;
  found->address = address(scale);
  found->count++;
  return 0;
}

static bool find_axis(hid_t set, unsigned dimension, const axis_map *map, size_t *axis)
{
  found_scale found = {0};
  if (!wmc_h5_good(H5DSiterate_scales(set, dimension, NULL, note_scale, &found), "scales"))
    return false;
  for (*axis = 0; found.count == 1 && *axis < map->n; (*axis)++)
    if (map->addresses[*axis] == found.address) return true;
  return wmc_h5_fail("dimension %u has no single axis of the same group", dimension);
}

static bool read_array(wmc_group *group, hid_t set, const char *name, const axis_map *map)
{
  hsize_t dims[WMC_H5_RANK];
  size_t axis[WMC_ARRAY_AXES];
  int rank = shape_of(set, dims);
  if (rank < 0 || rank > WMC_ARRAY_AXES) return wmc_h5_fail("more than 8 dimensions");
  for (int k = 0; k < rank; k++) {
    if (!find_axis(set, (unsigned)k, map, &axis[k])) return false;
    if (group->axis[axis[k]].length != dims[k])
      return wmc_h5_fail("dimension %d and its axis differ in length", k);
  }
  char *unit = wmc_h5_get_text_attribute(set, LAYOUT_UNITS);
  char *text = wmc_h5_get_text_attribute(set, LAYOUT_LONG_NAME);
  bool strings = is_string(set);
  wmc_array *array = unit != NULL && text != NULL
                         ? wmc_group_add_array(group, name, unit, text, (size_t)rank, axis, strings)
                         : NULL;
  wmc_free(unit);
  wmc_free(text);
  if (array == NULL) return wmc_h5_fail("out of memory");
  return strings ? wmc_h5_get_strings(set, wmc_array_size(group, array), array->strings)
                 : read_numbers(set, name, array->data);
}

/* ---- groups ----------------------------------------------------------------------------- */

/* One pass over the members of a group: first the axes, then the arrays. */
static bool read_members(wmc_group *group, hid_t id, char **names, size_t n, bool axes,
                         axis_map *map)
{
  for (size_t k = 0; k < n; k++) {
    hid_t set = H5Dopen2(id, names[k], H5P_DEFAULT);
    if (!wmc_h5_good(set, names[k])) return false;
    bool scale = H5DSis_scale(set) > 0, good = true;
    if (scale && axes) {
      map->addresses[map->n++] = address(set);
      good = read_axis(group, set, names[k]);
    } else if (!scale && !axes) {
      good = read_array(group, set, names[k], map);
    }
    H5Dclose(set);
    if (!good) return wmc_h5_in(names[k]);
  }
  return true;
}

static bool read_group(wmc_results *results, hid_t file, const char *name)
{
  hid_t id = H5Gopen2(file, name, H5P_DEFAULT);
  if (!wmc_h5_good(id, name)) return false;
  char **names = NULL;
  size_t n = 0;
  axis_map map = {0};
  wmc_group *group = wmc_results_add_group(results, name);
  bool good = group != NULL ? wmc_h5_names(id, &names, &n) : wmc_h5_fail("out of memory");
  if (good && (map.addresses = WMC_ARRAY(haddr_t, n)) == NULL) good = wmc_h5_fail("out of memory");
  good = good && read_members(group, id, names, n, true, &map) &&
         read_members(group, id, names, n, false, &map);
  wmc_free(map.addresses);
  wmc_h5_free_names(names, n);
  H5Gclose(id);
  return good;
}

typedef wmc_status set_text(wmc_results *results, const char *name, const char *text);

static bool read_texts(wmc_results *results, hid_t file, const char *name, set_text *set)
{
  hid_t id = H5Gopen2(file, name, H5P_DEFAULT);
  if (!wmc_h5_good(id, name)) return false;
  char **names = NULL;
  size_t n = 0;
  bool good = wmc_h5_names(id, &names, &n);
  for (size_t k = 0; good && k < n; k++) {
    char *text = wmc_h5_get_text(id, names[k]);
    good = text != NULL && set(results, names[k], text) == WMC_OK;
    wmc_free(text);
  }
  wmc_h5_free_names(names, n);
  H5Gclose(id);
  return good;
}

static bool read_root(wmc_results *results, hid_t file)
{
  char **names = NULL;
  size_t n = 0;
  bool good = wmc_h5_attribute_names(file, &names, &n);
  for (size_t k = 0; good && k < n; k++) {
    if (strcmp(names[k], LAYOUT_SCHEMA_VERSION) == 0 || strcmp(names[k], LAYOUT_CONVENTIONS) == 0)
      continue;
    char *text = wmc_h5_get_text_attribute(file, names[k]);
    good = text != NULL && wmc_results_set_note(results, names[k], text) == WMC_OK;
    wmc_free(text);
  }
  wmc_h5_free_names(names, n);
  return good;
}

static bool read_groups(wmc_results *results, hid_t file)
{
  char **names = NULL;
  size_t n = 0;
  bool good = wmc_h5_names(file, &names, &n);
  for (size_t k = 0; good && k < n; k++)
    if (strcmp(names[k], LAYOUT_DECK) != 0 && strcmp(names[k], LAYOUT_PROVENANCE) != 0)
      good = read_group(results, file, names[k]) &&
             wmc_results_check_group(wmc_results_group(results, names[k]));
  wmc_h5_free_names(names, n);
  return good;
}

/* ---- the file --------------------------------------------------------------------------- */

static wmc_status check_schema(const char *path, hid_t file)
{
  char *version = NULL;
  if (H5Aexists(file, LAYOUT_SCHEMA_VERSION) > 0)
    version = wmc_h5_get_text_attribute(file, LAYOUT_SCHEMA_VERSION);
  int major = -1, minor = -1;
  int read = version != NULL ? sscanf(version, "%d.%d", &major, &minor) : 0;
  wmc_free(version);
  if (read != 2)
    return wmc_raise(WMC_DATA, "%s: an HDF5 file, but not results of weylmc (no schema_version)",
                     path);
  if (major == WMC_SCHEMA_MAJOR) return WMC_OK;
  return wmc_raise(WMC_DATA,
                   "%s: written with results schema %d.%d, this program reads %d.x; use the "
                   "version of weylmc that wrote it",
                   path, major, minor, WMC_SCHEMA_MAJOR);
}

static wmc_status check_file(const char *path)
{
  struct stat there;
  if (stat(path, &there) != 0)
    return wmc_raise(WMC_DATA, "%s: cannot open: %s; name a results file", path, strerror(errno));
  if (!S_ISREG(there.st_mode))
    return wmc_raise(WMC_DATA, "%s: not a file; name a results file", path);
  if (H5Fis_hdf5(path) <= 0)
    return wmc_raise(WMC_DATA, "%s: not an HDF5 file (or cut short); name a results file", path);
  if (wmc_mark_check(path) == WMC_MARK_WRONG)
    return wmc_raise(WMC_DATA, "%s: damaged (%s); restore it from a copy or run the deck again",
                     path, wmc_h5_cause());
  wmc_h5_start(); /* a missing mark is no cause of anything that follows */
  return WMC_OK;
}

wmc_status wmc_results_read(const char *path, wmc_results *results)
{
  *results = (wmc_results){0};
  wmc_h5_start();
  WMC_TRY(check_file(path));
  hid_t file = wmc_h5_open(path);
  if (file < 0) return wmc_raise(WMC_DATA, "%s: cannot be read: %s", path, wmc_h5_cause());
  wmc_status status = check_schema(path, file);
  if (status == WMC_OK &&
      !(read_root(results, file) && read_texts(results, file, LAYOUT_DECK, wmc_results_set_note) &&
        read_groups(results, file) &&
        read_texts(results, file, LAYOUT_PROVENANCE, wmc_results_set_provenance)))
    status = wmc_raise(WMC_DATA,
                       "%s: damaged, or changed by another program: %s; restore it from a copy or "
                       "run the deck again",
                       path, wmc_h5_cause());
  if (status != WMC_OK) wmc_results_free(results);
  H5Fclose(file);
  return status;
}
