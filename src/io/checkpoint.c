#include "weylmc/io/checkpoint.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "atomic.h"
#include "h5.h"
#include "ledger.h"
#include "mark.h"
#include "weylmc/base/memory.h"

/* ---- names ------------------------------------------------------------------------------ */

char *wmc_checkpoint_path(const char *output, bool old)
{
  size_t n = strlen(output);
  if (n > 3 && strcmp(output + n - 3, ".h5") == 0) n -= 3;
  wmc_text path = {0};
  wmc_text_append_bytes(&path, output, n);
  wmc_text_append(&path, old ? ".checkpoint.old.h5" : ".checkpoint.h5");
  char *copy = path.failed ? NULL : wmc_text_copy(wmc_text_string(&path));
  wmc_text_free(&path);
  return copy;
}

/* The files of a run, in the order in which reading tries them. The partial one is whole only if a
 * run was stopped between finishing it and renaming it. */
enum { CURRENT, PARTIAL, OLD, FILES };

static void free_paths(char *path[FILES])
{
  for (int k = 0; k < FILES; k++) wmc_free(path[k]);
}

static wmc_status make_paths(const char *output, char *path[FILES])
{
  path[CURRENT] = wmc_checkpoint_path(output, false);
  path[OLD] = wmc_checkpoint_path(output, true);
  path[PARTIAL] = path[CURRENT] != NULL ? wmc_atomic_partial(path[CURRENT]) : NULL;
  if (path[CURRENT] != NULL && path[OLD] != NULL && path[PARTIAL] != NULL) return WMC_OK;
  free_paths(path);
  return wmc_no_memory();
}

static bool whole(const char *path) { return wmc_mark_check(path) == WMC_MARK_WHOLE; }

static bool missing(const char *path) { return access(path, F_OK) != 0 && errno == ENOENT; }

/* ---- writing ---------------------------------------------------------------------------- */

/* A damaged current file must not take the place of a whole old one. */
static wmc_status rotate(char *path[FILES])
{
  wmc_h5_start();
  if (whole(path[CURRENT])) WMC_TRY(wmc_atomic_rename(path[CURRENT], path[OLD]));
  WMC_TRY(wmc_atomic_rename(path[PARTIAL], path[CURRENT]));
  return wmc_atomic_sync_folder(path[CURRENT]);
}

/* If the last run was stopped between the two renames, finish them: staging removes the partial
 * file, which is then the newest generation. */
static wmc_status finish_rotation(char *path[FILES])
{
  wmc_h5_start();
  if (!missing(path[CURRENT]) || !whole(path[PARTIAL])) return WMC_OK;
  return wmc_atomic_rename(path[PARTIAL], path[CURRENT]);
}

static wmc_status write_composed(hid_t file, char *path[FILES])
{
  const unsigned char *bytes;
  size_t n;
  unsigned char mark[WMC_MARK];
  if (!wmc_h5_bytes(file, &bytes, &n))
    return wmc_raise(WMC_FAILURE, "%s: cannot be composed: %s", path[CURRENT], wmc_h5_cause());
  wmc_mark_make(mark, bytes, n);
  const wmc_piece pieces[] = {{bytes, n}, {mark, WMC_MARK}};
  WMC_TRY(finish_rotation(path));
  WMC_TRY(wmc_atomic_stage(path[CURRENT], pieces, 2));
  return rotate(path);
}

wmc_status wmc_checkpoint_write(const char *output, const wmc_ledger *ledger)
{
  char *path[FILES];
  WMC_TRY(make_paths(output, path));
  wmc_h5_start();
  hid_t file = wmc_h5_compose();
  wmc_status status =
      file >= 0 && wmc_ledger_put(file, ledger)
          ? write_composed(file, path)
          : wmc_raise(WMC_FAILURE, "%s: cannot be composed: %s", path[CURRENT], wmc_h5_cause());
  if (file >= 0) H5Fclose(file);
  free_paths(path);
  return status;
}

/* ---- reading ---------------------------------------------------------------------------- */

static bool read_file(const char *path, wmc_ledger *ledger)
{
  wmc_h5_start();
  if (!whole(path)) return false;
  hid_t file = wmc_h5_open(path);
  if (file < 0) return false;
  bool good = wmc_ledger_get(file, ledger);
  H5Fclose(file);
  return good;
}

static wmc_status none_whole(char *path[FILES], const wmc_text *why)
{
  return wmc_raise(
      WMC_IO,
      "no checkpoint of this run can be read (%s); restore one of them from a copy, or "
      "move %s and %s elsewhere to start from the beginning (nothing was deleted)",
      wmc_text_string(why), path[CURRENT], path[OLD]);
}

static void add_reason(wmc_text *why, const char *path, const char *reason)
{
  wmc_text_append(why, "%s%s: %s", why->length > 0 ? "; " : "", path, reason);
}

/* A damaged partial file is what any interrupted write leaves: alone it is no checkpoint. */
static wmc_status read_newest(char *path[FILES], wmc_ledger *ledger, bool *found, wmc_text *notice)
{
  bool damaged = false;
  wmc_text why = {0};
  wmc_status status = WMC_OK;
  for (int k = 0; k < FILES && !*found; k++) {
    if (missing(path[k])) {
      if (k == CURRENT) add_reason(&why, path[k], "it is missing");
    } else if (read_file(path[k], ledger)) {
      *found = true;
      if (k != CURRENT && notice != NULL)
        wmc_text_append(notice, "%s; going on from %s\n", wmc_text_string(&why), path[k]);
    } else if (k != PARTIAL) {
      damaged = true;
      add_reason(&why, path[k], wmc_h5_cause());
    }
  }
  if (!*found && damaged) status = none_whole(path, &why);
  wmc_text_free(&why);
  return status;
}

wmc_status wmc_checkpoint_read(const char *output, wmc_ledger *ledger, bool *found,
                               wmc_text *notice)
{
  char *path[FILES];
  *found = false;
  *ledger = (wmc_ledger){0};
  WMC_TRY(make_paths(output, path));
  wmc_status status = read_newest(path, ledger, found, notice);
  free_paths(path);
  return status;
}
