/** @file h5.h  Small helpers around HDF5, private to src/io.
 *
 * Files are composed in memory and written to disk by atomic.c: when a write to disk fails inside
 * HDF5 1.10, the file cannot be closed any more and the program crashes when it ends. Composed in
 * memory, a full disk is an ordinary error of write().
 * Functions return false (or a negative id) on failure; the cause of the first failure since
 * wmc_h5_start is kept for the message.
 */
#pragma once
#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

enum { WMC_H5_RANK = 32 }; /**< HDF5's own limit */

/** Silence HDF5's printing and forget the last cause. Call at every public entry. */
void wmc_h5_start(void);
/** True if `result` is not negative; else note "DOING: innermost reason of HDF5". */
bool wmc_h5_good(long long result, const char *doing);
/** Note a cause of our own; returns false. */
bool wmc_h5_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Add where the noted cause arose: " (in NAME)"; returns false. */
bool wmc_h5_in(const char *name);
/** The first cause noted, "unknown reason" if none. */
const char *wmc_h5_cause(void);

/** A new file in memory. */
hid_t wmc_h5_compose(void);
/** The bytes of a composed file; valid until it is changed or closed. */
bool wmc_h5_bytes(hid_t file, const unsigned char **bytes, size_t *n);
/** Open for reading, without file locks unless HDF5_USE_FILE_LOCKING asks for them. */
hid_t wmc_h5_open(const char *path);

/** A group that remembers the order of its members. */
hid_t wmc_h5_put_group(hid_t parent, const char *name);
/** An open dataset holding `data` (memory type); rank 0 is a scalar. No time stamp. */
hid_t wmc_h5_put_dataset(hid_t group, const char *name, hid_t file_type, hid_t memory_type,
                         int rank, const hsize_t *dims, const void *data);
/** The same for n = product of dims strings; NULL stands for "". */
hid_t wmc_h5_put_strings(hid_t group, const char *name, int rank, const hsize_t *dims,
                         const char *const *strings);
bool wmc_h5_put_attribute(hid_t object, const char *name, hid_t file_type, hid_t memory_type,
                          const void *value);
bool wmc_h5_put_text_attribute(hid_t object, const char *name, const char *text);

/** Names of the links of a group in order of creation (by name if that was not tracked).
 * Owned: wmc_h5_free_names. */
bool wmc_h5_names(hid_t group, char ***names, size_t *n);
/** The same for attributes. */
bool wmc_h5_attribute_names(hid_t object, char ***names, size_t *n);
void wmc_h5_free_names(char **names, size_t n);
/** Rank and extents of a dataset or attribute's dataspace; -1 on failure. `dims` holds
 * WMC_H5_RANK. */
int wmc_h5_shape(hid_t space, hsize_t *dims);
/** All n strings of a dataset (owned copies, never NULL). */
bool wmc_h5_get_strings(hid_t dataset, size_t n, char **strings);
/** Owned copy of a scalar string dataset, NULL on failure. */
char *wmc_h5_get_text(hid_t group, const char *name);
/** Owned copy of a scalar string attribute, NULL on failure. */
char *wmc_h5_get_text_attribute(hid_t object, const char *name);
/** Whether an attribute of this name is there, and was read as `memory_type`. */
bool wmc_h5_get_attribute(hid_t object, const char *name, hid_t memory_type, void *value);
