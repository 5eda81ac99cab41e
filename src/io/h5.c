#include "h5.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/base/text.h"

/* ---- errors ----------------------------------------------------------------------------- */

static char cause[400];

void wmc_h5_start(void)
{
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  cause[0] = '\0';
}

/* Keep the innermost entry of HDF5's error stack: the walk upward begins with it. */
static herr_t keep_innermost(unsigned n, const H5E_error2_t *error, void *data)
{
  if (n == 0) snprintf(data, 300, "%s", error->desc != NULL ? error->desc : "");
  return 0;
}

bool wmc_h5_fail(const char *format, ...)
{
  if (cause[0] != '\0') return false;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(cause, sizeof cause, format, arguments);
  va_end(arguments);
  return false;
}

bool wmc_h5_good(long long result, const char *doing)
{
  if (result >= 0) return true;
  char reason[300] = "";
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, reason);
  return wmc_h5_fail("%s: %s", doing, reason);
}

bool wmc_h5_in(const char *name)
{
  size_t used = strlen(cause);
  snprintf(cause + used, sizeof cause - used, " (in %s)", name);
  return false;
}

const char *wmc_h5_cause(void) { return cause[0] != '\0' ? cause : "unknown reason"; }

/* ---- files ------------------------------------------------------------------------------ */

/* Property list of files: readable by HDF5 1.8, no locks (our files appear by renaming, so there is
 * nothing to guard, and some cluster file systems have none; the environment variable
 * HDF5_USE_FILE_LOCKING overrides this), and closing a file closes what is open in it. */
static hid_t file_access(bool in_memory)
{
  enum { GROWTH = 1 << 20 };
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  if (!wmc_h5_good(access, "making a property list")) return -1;
  bool good =
      wmc_h5_good(H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V18), "versions") &&
      wmc_h5_good(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "close degree") &&
      wmc_h5_good(H5Pset_file_locking(access, false, true), "locking") &&
      (!in_memory || wmc_h5_good(H5Pset_fapl_core(access, GROWTH, false), "memory driver"));
  if (good) return access;
  H5Pclose(access);
  return -1;
}

hid_t wmc_h5_compose(void)
{
  hid_t access = file_access(true), creation = H5Pcreate(H5P_FILE_CREATE), file = -1;
  const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  if (access >= 0 && wmc_h5_good(creation, "making a property list") &&
      wmc_h5_good(H5Pset_link_creation_order(creation, order), "order of links") &&
      wmc_h5_good(H5Pset_attr_creation_order(creation, order), "order of attributes") &&
      wmc_h5_good(H5Pset_obj_track_times(creation, false), "time stamps")) {
    /* The name is never used for a file, but it may not be empty. */
    file = H5Fcreate("weylmc-in-memory", H5F_ACC_TRUNC, creation, access);
    wmc_h5_good(file, "composing a file in memory");
  }
  if (creation >= 0) H5Pclose(creation);
  if (access >= 0) H5Pclose(access);
  return file;
}

bool wmc_h5_bytes(hid_t file, const unsigned char **bytes, size_t *n)
{
  void *handle = NULL; /* of the memory driver: where the pointer to its buffer stands */
  if (!wmc_h5_good(H5Fflush(file, H5F_SCOPE_GLOBAL), "composing the file")) return false;
  ssize_t size = H5Fget_file_image(file, NULL, 0);
  if (!wmc_h5_good(size, "size of the composed file") ||
      !wmc_h5_good(H5Fget_vfd_handle(file, H5P_DEFAULT, &handle), "composed file"))
    return false;
  *bytes = *(unsigned char **)handle;
  *n = (size_t)size;
  return true;
}

hid_t wmc_h5_open(const char *path)
{
  hid_t access = file_access(false);
  if (access < 0) return -1;
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
  wmc_h5_good(file, "opening");
  H5Pclose(access);
  return file;
}

/* ---- writing ---------------------------------------------------------------------------- */

/* Variable-length UTF-8, the one string type of our files; closed by the caller. */
static hid_t string_type(void)
{
  hid_t type = H5Tcopy(H5T_C_S1);
  if (wmc_h5_good(type, "string type") &&
      wmc_h5_good(H5Tset_size(type, H5T_VARIABLE), "string type") &&
      wmc_h5_good(H5Tset_cset(type, H5T_CSET_UTF8), "string type"))
    return type;
  if (type >= 0) H5Tclose(type);
  return -1;
}

/* Creation properties of groups and datasets: order kept, no time stamps, so that equal contents
 * give equal bytes. */
static hid_t object_creation(hid_t class)
{
  const unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  hid_t creation = H5Pcreate(class);
  if (!wmc_h5_good(creation, "making a property list")) return -1;
  if (wmc_h5_good(H5Pset_obj_track_times(creation, false), "time stamps") &&
      wmc_h5_good(H5Pset_attr_creation_order(creation, order), "order of attributes") &&
      (class != H5P_GROUP_CREATE ||
       wmc_h5_good(H5Pset_link_creation_order(creation, order), "order of links")))
    return creation;
  H5Pclose(creation);
  return -1;
}

hid_t wmc_h5_put_group(hid_t parent, const char *name)
{
  hid_t creation = object_creation(H5P_GROUP_CREATE);
  if (creation < 0) return -1;
  hid_t group = H5Gcreate2(parent, name, H5P_DEFAULT, creation, H5P_DEFAULT);
  wmc_h5_good(group, name);
  H5Pclose(creation);
  return group;
}

static hid_t make_space(int rank, const hsize_t *dims)
{
  hid_t space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, dims, NULL);
  wmc_h5_good(space, "making a dataspace");
  return space;
}

hid_t wmc_h5_put_dataset(hid_t group, const char *name, hid_t file_type, hid_t memory_type,
                         int rank, const hsize_t *dims, const void *data)
{
  hid_t space = make_space(rank, dims), creation = object_creation(H5P_DATASET_CREATE), set = -1;
  if (space >= 0 && creation >= 0) {
    set = H5Dcreate2(group, name, file_type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (wmc_h5_good(set, name) &&
        !wmc_h5_good(H5Dwrite(set, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), name)) {
      H5Dclose(set);
      set = -1;
    }
  }
  if (creation >= 0) H5Pclose(creation);
  if (space >= 0) H5Sclose(space);
  return set;
}

hid_t wmc_h5_put_strings(hid_t group, const char *name, int rank, const hsize_t *dims,
                         const char *const *strings)
{
  size_t n = 1;
  for (int k = 0; k < rank; k++) n *= (size_t)dims[k];
  const char **filled = WMC_ARRAY(const char *, n);
  hid_t type = string_type(), set = -1;
  if (filled == NULL) wmc_h5_fail("%s: out of memory", name);
  if (filled != NULL && type >= 0) {
    for (size_t k = 0; k < n; k++) filled[k] = strings[k] != NULL ? strings[k] : "";
    set = wmc_h5_put_dataset(group, name, type, type, rank, dims, filled);
  }
  if (type >= 0) H5Tclose(type);
  wmc_free(filled);
  return set;
}

bool wmc_h5_put_attribute(hid_t object, const char *name, hid_t file_type, hid_t memory_type,
                          const void *value)
{
  hid_t space = make_space(0, NULL);
  if (space < 0) return false;
  hid_t attribute = H5Acreate2(object, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT);
  bool good =
      wmc_h5_good(attribute, name) && wmc_h5_good(H5Awrite(attribute, memory_type, value), name);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return good;
}

bool wmc_h5_put_text_attribute(hid_t object, const char *name, const char *text)
{
  hid_t type = string_type();
  if (type < 0) return false;
  const char *filled = text != NULL ? text : "";
  bool good = wmc_h5_put_attribute(object, name, type, type, &filled);
  H5Tclose(type);
  return good;
}

/* ---- reading ---------------------------------------------------------------------------- */

typedef struct name_list {
  char **names;
  size_t n, capacity;
} name_list;

static herr_t add_name(name_list *list, const char *name)
{
  if (list->n == list->capacity) return -1;
  list->names[list->n] = wmc_text_copy(name);
  return list->names[list->n++] != NULL ? 0 : -1;
}

static herr_t add_link(hid_t group, const char *name, const H5L_info_t *info, void *list)
{
  (void)group, (void)info;
  return add_name(list, name);
}

static herr_t add_attribute(hid_t object, const char *name, const H5A_info_t *info, void *list)
{
  (void)object, (void)info;
  return add_name(list, name);
}

void wmc_h5_free_names(char **names, size_t n)
{
  for (size_t k = 0; names != NULL && k < n; k++) wmc_free(names[k]);
  wmc_free(names);
}

/* How to go through the links (or attributes) of an object: as they were made, if it knows. */
static H5_index_t order_of(hid_t object, bool attributes)
{
  unsigned flags = 0;
  hid_t opened = H5Oopen(object, ".", H5P_DEFAULT); /* the root group, if `object` is a file */
  hid_t creation = H5Iget_type(opened) == H5I_GROUP     ? H5Gget_create_plist(opened)
                   : H5Iget_type(opened) == H5I_DATASET ? H5Dget_create_plist(opened)
                                                        : -1;
  if (opened >= 0) H5Oclose(opened);
  if (creation < 0) return H5_INDEX_NAME;
  herr_t got = attributes ? H5Pget_attr_creation_order(creation, &flags)
                          : H5Pget_link_creation_order(creation, &flags);
  H5Pclose(creation);
  return got >= 0 && (flags & H5P_CRT_ORDER_INDEXED) ? H5_INDEX_CRT_ORDER : H5_INDEX_NAME;
}

static bool keep_names(name_list *list, herr_t visited, const char *doing, char ***names, size_t *n)
{
  if (wmc_h5_good(visited, doing)) {
    *names = list->names;
    *n = list->n;
    return true;
  }
  wmc_h5_free_names(list->names, list->n);
  return false;
}

bool wmc_h5_names(hid_t group, char ***names, size_t *n)
{
  H5G_info_t info;
  if (!wmc_h5_good(H5Gget_info(group, &info), "members of a group")) return false;
  name_list list = {.names = WMC_ARRAY(char *, info.nlinks), .capacity = (size_t)info.nlinks};
  if (list.names == NULL) return wmc_h5_fail("out of memory");
  herr_t visited = H5Literate(group, order_of(group, false), H5_ITER_INC, NULL, add_link, &list);
  return keep_names(&list, visited, "members of a group", names, n);
}

bool wmc_h5_attribute_names(hid_t object, char ***names, size_t *n)
{
  H5O_info_t info;
  if (!wmc_h5_good(H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS), "attributes")) return false;
  name_list list = {.names = WMC_ARRAY(char *, info.num_attrs), .capacity = (size_t)info.num_attrs};
  if (list.names == NULL) return wmc_h5_fail("out of memory");
  herr_t visited =
      H5Aiterate2(object, order_of(object, true), H5_ITER_INC, NULL, add_attribute, &list);
  return keep_names(&list, visited, "attributes", names, n);
}

int wmc_h5_shape(hid_t space, hsize_t *dims)
{
  if (!wmc_h5_good(space, "dataspace")) return -1;
  int rank = H5Sget_simple_extent_type(space) == H5S_NULL
                 ? -1
                 : H5Sget_simple_extent_dims(space, dims, NULL);
  if (rank < 0) wmc_h5_fail("a dataspace is null");
  return rank;
}

/* The type of a dataset or attribute if it is a text of variable length, else a negative id. */
static hid_t text_type(hid_t type)
{
  if (type >= 0 && H5Tis_variable_str(type) > 0) return type;
  if (type >= 0) H5Tclose(type);
  wmc_h5_fail("not a text of variable length");
  return -1;
}

bool wmc_h5_get_strings(hid_t dataset, size_t n, char **strings)
{
  hid_t type = text_type(H5Dget_type(dataset)), space = H5Dget_space(dataset);
  char **read = WMC_ARRAY(char *, n);
  bool good = type >= 0 && wmc_h5_good(space, "dataspace") &&
              (read != NULL || wmc_h5_fail("out of memory")) &&
              wmc_h5_good(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, read), "reading");
  bool filled = good;
  for (size_t k = 0; good && k < n; k++) {
    strings[k] = wmc_text_copy(read[k] != NULL ? read[k] : "");
    if (strings[k] == NULL) good = wmc_h5_fail("out of memory");
  }
  if (filled) H5Dvlen_reclaim(type, space, H5P_DEFAULT, read);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  wmc_free(read);
  return good;
}

char *wmc_h5_get_text(hid_t group, const char *name)
{
  hid_t dataset = H5Dopen2(group, name, H5P_DEFAULT);
  if (!wmc_h5_good(dataset, name)) return NULL;
  hsize_t dims[WMC_H5_RANK];
  hid_t space = H5Dget_space(dataset);
  char *text = NULL;
  if (wmc_h5_shape(space, dims) != 0)
    wmc_h5_fail("%s: not a scalar", name);
  else if (!wmc_h5_get_strings(dataset, 1, &text)) {
    wmc_free(text);
    text = NULL;
  }
  if (space >= 0) H5Sclose(space);
  H5Dclose(dataset);
  return text;
}

char *wmc_h5_get_text_attribute(hid_t object, const char *name)
{
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (!wmc_h5_good(attribute, name)) return NULL;
  char *read = NULL, *text = NULL;
  hid_t type = text_type(H5Aget_type(attribute)), space = H5Aget_space(attribute);
  if (type >= 0 && space >= 0 && H5Sget_simple_extent_npoints(space) == 1 &&
      wmc_h5_good(H5Aread(attribute, type, &read), name)) {
    text = wmc_text_copy(read != NULL ? read : "");
    H5free_memory(read);
  }
  if (text == NULL) wmc_h5_fail("attribute %s is not a text", name);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  H5Aclose(attribute);
  return text;
}

bool wmc_h5_get_attribute(hid_t object, const char *name, hid_t memory_type, void *value)
{
  hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
  if (!wmc_h5_good(attribute, name)) return false;
  hid_t space = H5Aget_space(attribute);
  bool good = space >= 0 && H5Sget_simple_extent_npoints(space) == 1
                  ? wmc_h5_good(H5Aread(attribute, memory_type, value), name)
                  : wmc_h5_fail("attribute %s is not one number", name);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return good;
}
