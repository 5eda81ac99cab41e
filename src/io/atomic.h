/** @file atomic.h  Files that appear whole or not at all. Private to src/io.
 *
 * Temporary name in the same folder, write, fsync, close, rename, fsync of the folder. Every return
 * code is checked; on failure the temporary is removed, what stood at the path before is untouched,
 * and the message says path, cause and what to do.
 */
#pragma once
#include <stddef.h>

#include "weylmc/base/status.h"

typedef struct wmc_piece {
  const void *bytes;
  size_t n;
} wmc_piece;

/** PATH.partial, owned; NULL when memory is exhausted. */
char *wmc_atomic_partial(const char *path);
/** Write the pieces to PATH.partial (replacing a stale one) and fsync it. WMC_OUTPUT if it cannot
 * be created, WMC_IO if writing fails. */
wmc_status wmc_atomic_stage(const char *path, const wmc_piece *pieces, size_t count);
/** Rename, replacing `to`. */
wmc_status wmc_atomic_rename(const char *from, const char *to);
/** fsync the folder of `path`. */
wmc_status wmc_atomic_sync_folder(const char *path);
/** All of it. A symbolic link at `path` keeps pointing where it did. */
wmc_status wmc_atomic_write(const char *path, const wmc_piece *pieces, size_t count);
