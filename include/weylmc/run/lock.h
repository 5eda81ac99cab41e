/** @file lock.h  One writer at a time for an output file.
 *
 * Two programs that write the same files would destroy each other's work. The lock is a file
 * NAME.lock beside the output, locked with flock; it is void when its process ends, however that
 * happens. Where the file system has no locks, taking one succeeds and protects nothing.
 * Checked by tests/faults/outputs.py.
 */
#pragma once
#include "weylmc/base/status.h"

typedef struct wmc_lock {
  int descriptor; /**< -1: not taken */
  char *path;
} wmc_lock;

/** WMC_OUTPUT (message) if another program holds it, or the folder cannot be written. On failure
 * there is nothing to release. */
wmc_status wmc_lock_take(const char *output, wmc_lock *lock);
/** Remove the lock file and let go. Does nothing to a lock that is not taken. */
void wmc_lock_release(wmc_lock *lock);
