#include "weylmc/run/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weylmc/base/memory.h"
#include "weylmc/base/text.h"

static wmc_status make_path(const char *output, char **path)
{
  wmc_text text = {0};
  wmc_text_append(&text, "%s.lock", output);
  *path = text.failed ? NULL : wmc_text_copy(wmc_text_string(&text));
  wmc_text_free(&text);
  return *path != NULL ? WMC_OK : wmc_no_memory();
}

/* Whoever releases a lock removes its file, so that what was opened a moment before may be a file
 * without a name, which protects from nobody. */
static bool still_there(const wmc_lock *lock)
{
  struct stat held, named;
  return fstat(lock->descriptor, &held) == 0 && stat(lock->path, &named) == 0 &&
         held.st_ino == named.st_ino && held.st_dev == named.st_dev;
}

static void let_go(wmc_lock *lock)
{
  if (lock->descriptor >= 0) close(lock->descriptor);
  lock->descriptor = -1;
}

static wmc_status take(const char *output, wmc_lock *lock)
{
  do {
    let_go(lock);
    lock->descriptor = open(lock->path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
    if (lock->descriptor < 0)
      return wmc_raise(
          WMC_OUTPUT,
          "%s: cannot write in this folder: %s; make it, or choose another output with -o", output,
          strerror(errno));
    if (flock(lock->descriptor, LOCK_EX | LOCK_NB) == 0) continue;
    if (errno != EWOULDBLOCK) return WMC_OK; /* no locks here: NFS says ENOLCK, others EOPNOTSUPP */
    return wmc_raise(WMC_OUTPUT,
                     "%s: another run is writing this file; wait for it, or choose another output "
                     "with -o",
                     output);
  } while (!still_there(lock));
  return WMC_OK;
}

wmc_status wmc_lock_take(const char *output, wmc_lock *lock)
{
  *lock = (wmc_lock){.descriptor = -1};
  WMC_TRY(make_path(output, &lock->path));
  wmc_status status = take(output, lock);
  if (status == WMC_OK) return WMC_OK;
  let_go(lock);
  wmc_free(lock->path);
  lock->path = NULL;
  return status;
}

void wmc_lock_release(wmc_lock *lock)
{
  if (lock->path == NULL) return;
  unlink(lock->path); /* while it is held: later it might be another's */
  let_go(lock);
  wmc_free(lock->path);
  lock->path = NULL;
}
