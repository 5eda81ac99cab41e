#include <hdf5.h>
#include <hdf5_hl.h>
#include <inttypes.h>
#include <string.h>

#include "h5.h"
#include "layout.h"
#include "mark.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"

enum { MOST_LINES = 20, MOST_DEPTH = 64 };

/* The two sides are indexed 0 and 1 throughout. */
typedef struct comparison {
  const char *path[2];
  wmc_text *report;
  size_t differences;
  bool broken; /* something could not be read: the cause is noted */
} comparison;

static void differ(comparison *c, const char *where, const char *what)
{
  if (c->differences++ < MOST_LINES) wmc_text_append(c->report, "%s: %s\n", where, what);
}

static void unreadable(comparison *c, const char *where)
{
  wmc_h5_fail("%s", where);
  c->broken = true;
}

static void close_both(const hid_t id[2])
{
  for (int s = 0; s < 2; s++)
    if (id[s] >= 0) H5Idec_ref(id[s]);
}

/* ---- raw data --------------------------------------------------------------------------- */

/* An attribute or a dataset. */
typedef struct source {
  hid_t id[2], type[2], space[2];
  bool attribute;
} source;

static bool read_raw(const source *s, int side, void *out)
{
  herr_t read = s->attribute
                    ? H5Aread(s->id[side], s->type[side], out)
                    : H5Dread(s->id[side], s->type[side], H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
  return wmc_h5_good(read, "reading");
}

/* Where flat index k stands: "[1, 2]". */
static void print_index(wmc_text *out, int rank, const hsize_t *dims, size_t k)
{
  hsize_t index[WMC_H5_RANK];
  for (int d = rank - 1; d >= 0; d--) {
    index[d] = k % dims[d];
    k /= (size_t)dims[d];
  }
  for (int d = 0; d < rank; d++)
    wmc_text_append(out, "%s%" PRIu64, d == 0 ? " at [" : ", ", (uint64_t)index[d]);
  if (rank > 0) wmc_text_append(out, "]");
}

/* From its byte `begin` on, if it is a string. */
static void print_entry(wmc_text *out, hid_t type, const void *entry, size_t size, size_t begin)
{
  double number;
  if (H5Tequal(type, H5T_NATIVE_DOUBLE) > 0) {
    memcpy(&number, entry, sizeof number);
    wmc_text_append(out, "%.17g", number);
  } else if (H5Tis_variable_str(type) > 0) {
    const char *string = *(const char *const *)entry != NULL ? *(const char *const *)entry : "";
    const size_t most = 60, line = strcspn(string + begin, "\n");
    wmc_text_append(out, "\"%.*s\"", (int)(line < most ? line : most), string + begin);
  } else {
    for (size_t k = 0; k < size && k < 16; k++)
      wmc_text_append(out, "%02x", ((const unsigned char *)entry)[k]);
  }
}

static bool same_string(const void *a, const void *b)
{
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  return strcmp(x != NULL ? x : "", y != NULL ? y : "") == 0;
}

/* Begin of the first line in which they differ. */
static size_t first_line(const void *a, const void *b)
{
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  size_t begin = 0;
  for (size_t k = 0; x != NULL && y != NULL && x[k] != '\0' && x[k] == y[k]; k++)
    if (x[k] == '\n') begin = k + 1;
  return begin;
}

static void compare_entries(comparison *c, const char *where, const source *s,
                            unsigned char *const data[2], size_t n)
{
  hsize_t dims[WMC_H5_RANK];
  size_t size = H5Tget_size(s->type[0]), different = 0, first = 0;
  bool strings = H5Tis_variable_str(s->type[0]) > 0;
  for (size_t k = n; k-- > 0;) {
    const unsigned char *a = data[0] + k * size, *b = data[1] + k * size;
    if (strings ? same_string(a, b) : memcmp(a, b, size) == 0) continue;
    different++;
    first = k;
  }
  if (different == 0) return;
  wmc_text what = {0};
  wmc_text_append(&what, "%zu of %zu entries differ, first", different, n);
  print_index(&what, wmc_h5_shape(s->space[0], dims), dims, first);
  const size_t begin = strings ? first_line(data[0] + first * size, data[1] + first * size) : 0;
  for (int side = 0; side < 2; side++) {
    wmc_text_append(&what, side == 0 ? ": " : " and ");
    print_entry(&what, s->type[0], data[side] + first * size, size, begin);
  }
  differ(c, where, wmc_text_string(&what));
  wmc_text_free(&what);
}

static void compare_data(comparison *c, const char *where, const source *s)
{
  size_t n = (size_t)H5Sget_simple_extent_npoints(s->space[0]), size = H5Tget_size(s->type[0]);
  unsigned char *data[2] = {wmc_alloc(n, size), wmc_alloc(n, size)};
  bool good =
      data[0] != NULL && data[1] != NULL && read_raw(s, 0, data[0]) && read_raw(s, 1, data[1]);
  if (good)
    compare_entries(c, where, s, data, n);
  else
    unreadable(c, where);
  for (int side = 0; side < 2; side++) {
    if (good && H5Tis_variable_str(s->type[side]) > 0)
      H5Dvlen_reclaim(s->type[side], s->space[side], H5P_DEFAULT, data[side]);
    wmc_free(data[side]);
  }
}

/* Types that hold pointers or file addresses have no bits to compare, except plain strings. */
static bool comparable(hid_t type)
{
  return H5Tget_class(type) == H5T_STRING ||
         (H5Tdetect_class(type, H5T_VLEN) <= 0 && H5Tdetect_class(type, H5T_STRING) <= 0 &&
          H5Tdetect_class(type, H5T_REFERENCE) <= 0);
}

static void compare_source(comparison *c, const char *where, source *s)
{
  for (int side = 0; side < 2; side++) {
    s->type[side] = s->attribute ? H5Aget_type(s->id[side]) : H5Dget_type(s->id[side]);
    s->space[side] = s->attribute ? H5Aget_space(s->id[side]) : H5Dget_space(s->id[side]);
  }
  if (s->type[0] < 0 || s->type[1] < 0 || s->space[0] < 0 || s->space[1] < 0)
    unreadable(c, where);
  else if (H5Tequal(s->type[0], s->type[1]) <= 0)
    differ(c, where, "types differ");
  else if (H5Sextent_equal(s->space[0], s->space[1]) <= 0)
    differ(c, where, "shapes differ");
  else if (!comparable(s->type[0]))
    differ(c, where, "of a type that cannot be compared");
  else
    compare_data(c, where, s);
  close_both(s->type);
  close_both(s->space);
}

/* ---- dimensions: references, compared by the names they lead to --------------------------- */

static void print_scale_name(hid_t attribute, const hobj_ref_t *reference, wmc_text *out)
{
  char name[300] = "?";
  hid_t scale = H5Rdereference2(attribute, H5P_DEFAULT, H5R_OBJECT, reference);
  if (scale >= 0) {
    H5DSget_scale_name(scale, name, sizeof name);
    H5Oclose(scale);
  }
  wmc_text_append(out, "%s, ", name);
}

static void print_dimension_list(hid_t attribute, wmc_text *out)
{
  hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  hssize_t n = space >= 0 ? H5Sget_simple_extent_npoints(space) : -1;
  hvl_t *lists = n >= 0 ? WMC_ARRAY(hvl_t, n) : NULL;
  if (lists != NULL && type >= 0 && H5Aread(attribute, type, lists) >= 0) {
    for (hssize_t k = 0; k < n; k++) {
      for (size_t i = 0; i < lists[k].len; i++)
        print_scale_name(attribute, (hobj_ref_t *)lists[k].p + i, out);
      wmc_text_append(out, "; ");
    }
    H5Dvlen_reclaim(type, space, H5P_DEFAULT, lists);
  }
  wmc_free(lists);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
}

static void compare_dimensions(comparison *c, const char *where, const hid_t attribute[2])
{
  wmc_text names[2] = {{0}, {0}};
  for (int side = 0; side < 2; side++) print_dimension_list(attribute[side], &names[side]);
  if (strcmp(wmc_text_string(&names[0]), wmc_text_string(&names[1])) != 0)
    differ(c, where, "axes differ");
  for (int side = 0; side < 2; side++) wmc_text_free(&names[side]);
}

/* ---- attributes ------------------------------------------------------------------------- */

static bool has_name(char **names, size_t n, const char *name)
{
  for (size_t k = 0; k < n; k++)
    if (strcmp(names[k], name) == 0) return true;
  return false;
}

/* Report names that only one side has. */
static void compare_names(comparison *c, const char *where, const char *kind, char **names[2],
                          const size_t n[2])
{
  for (int side = 0; side < 2; side++)
    for (size_t k = 0; k < n[side]; k++) {
      if (has_name(names[1 - side], n[1 - side], names[side][k])) continue;
      wmc_text what = {0};
      wmc_text_append(&what, "%s '%s' is only in %s", kind, names[side][k], c->path[side]);
      differ(c, where, wmc_text_string(&what));
      wmc_text_free(&what);
    }
}

static void compare_attribute(comparison *c, const char *where, const hid_t object[2],
                              const char *name)
{
  source s = {.attribute = true};
  for (int side = 0; side < 2; side++) s.id[side] = H5Aopen(object[side], name, H5P_DEFAULT);
  wmc_text full = {0};
  wmc_text_append(&full, "%s@%s", where, name);
  if (s.id[0] < 0 || s.id[1] < 0)
    unreadable(c, wmc_text_string(&full));
  else if (strcmp(name, "DIMENSION_LIST") == 0)
    compare_dimensions(c, wmc_text_string(&full), s.id);
  else if (strcmp(name, "REFERENCE_LIST") != 0) /* says what DIMENSION_LIST says, backwards */
    compare_source(c, wmc_text_string(&full), &s);
  wmc_text_free(&full);
  close_both(s.id);
}

static void compare_attributes(comparison *c, const char *where, const hid_t object[2])
{
  char **names[2] = {NULL, NULL};
  size_t n[2] = {0, 0};
  if (wmc_h5_attribute_names(object[0], &names[0], &n[0]) &&
      wmc_h5_attribute_names(object[1], &names[1], &n[1])) {
    compare_names(c, where, "attribute", names, n);
    for (size_t k = 0; k < n[0]; k++)
      if (has_name(names[1], n[1], names[0][k])) compare_attribute(c, where, object, names[0][k]);
  } else {
    c->broken = true;
  }
  for (int side = 0; side < 2; side++) wmc_h5_free_names(names[side], n[side]);
}

/* ---- objects ---------------------------------------------------------------------------- */

static void compare_objects(comparison *c, const char *where, const hid_t object[2], int depth);

static void compare_member(comparison *c, const char *where, const hid_t group[2], const char *name,
                           int depth)
{
  hid_t object[2];
  for (int side = 0; side < 2; side++) object[side] = H5Oopen(group[side], name, H5P_DEFAULT);
  wmc_text path = {0};
  wmc_text_append(&path, "%s/%s", where, name);
  if (wmc_h5_good(object[0], wmc_text_string(&path)) &&
      wmc_h5_good(object[1], wmc_text_string(&path)))
    compare_objects(c, wmc_text_string(&path), object, depth + 1);
  else
    c->broken = true;
  wmc_text_free(&path);
  close_both(object);
}

static void compare_groups(comparison *c, const char *where, const hid_t group[2], int depth)
{
  char **names[2] = {NULL, NULL};
  size_t n[2] = {0, 0};
  if (depth > MOST_DEPTH) {
    differ(c, where, "groups are nested too deeply to compare");
  } else if (wmc_h5_names(group[0], &names[0], &n[0]) && wmc_h5_names(group[1], &names[1], &n[1])) {
    compare_names(c, depth == 0 ? "/" : where, "object", names, n);
    for (size_t k = 0; k < n[0]; k++)
      if ((depth > 0 || strcmp(names[0][k], LAYOUT_PROVENANCE) != 0) &&
          has_name(names[1], n[1], names[0][k]))
        compare_member(c, where, group, names[0][k], depth);
  } else {
    c->broken = true;
  }
  for (int side = 0; side < 2; side++) wmc_h5_free_names(names[side], n[side]);
}

static void compare_objects(comparison *c, const char *where, const hid_t object[2], int depth)
{
  H5I_type_t kind[2] = {H5Iget_type(object[0]), H5Iget_type(object[1])};
  compare_attributes(c, depth == 0 ? "/" : where, object);
  if (kind[0] != kind[1]) {
    differ(c, where, "a group in one file, a dataset in the other");
  } else if (kind[0] == H5I_DATASET) {
    source s = {.id = {object[0], object[1]}};
    compare_source(c, where, &s);
  } else if (kind[0] == H5I_GROUP) {
    compare_groups(c, where, object, depth);
  }
}

static wmc_status open_root(const char *path, hid_t *file, hid_t *root)
{
  if (H5Fis_hdf5(path) <= 0)
    return wmc_raise(WMC_DATA, "%s: missing, or not an HDF5 file; name a results file", path);
  if (wmc_mark_check(path) == WMC_MARK_WRONG)
    return wmc_raise(WMC_DATA, "%s: damaged (%s); restore it from a copy", path, wmc_h5_cause());
  wmc_h5_start(); /* a missing mark is no cause of anything that follows */
  *file = wmc_h5_open(path);
  *root = *file >= 0 ? H5Gopen2(*file, "/", H5P_DEFAULT) : -1;
  return *root >= 0 ? WMC_OK : wmc_raise(WMC_DATA, "%s: cannot be read: %s", path, wmc_h5_cause());
}

wmc_status wmc_results_compare(const char *a, const char *b, bool *equal, wmc_text *report)
{
  comparison c = {.path = {a, b}, .report = report};
  hid_t file[2] = {-1, -1}, root[2] = {-1, -1};
  wmc_h5_start();
  *equal = false;
  wmc_status status = open_root(a, &file[0], &root[0]);
  if (status == WMC_OK) status = open_root(b, &file[1], &root[1]);
  if (status == WMC_OK) compare_objects(&c, "", root, 0);
  if (c.broken)
    status = wmc_raise(WMC_DATA, "%s, %s: cannot be compared: %s", a, b, wmc_h5_cause());
  if (c.differences > MOST_LINES)
    wmc_text_append(report, "and %zu more\n", c.differences - MOST_LINES);
  *equal = status == WMC_OK && c.differences == 0;
  close_both(root);
  for (int side = 0; side < 2; side++)
    if (file[side] >= 0) H5Fclose(file[side]);
  return status;
}
