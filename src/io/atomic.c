#define _XOPEN_SOURCE 700 /* realpath */
#include "atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weylmc/base/memory.h"
#include "weylmc/base/text.h"

static const struct {
  int error;
  const char *advice;
} advices[] = {
    {ENOSPC, "free some space there, or name another file with `output` or -o"},
    {EDQUOT, "your quota is used up: remove files there, or name another file with `output` or -o"},
    {EFBIG, "the limit on the size of files (ulimit -f) is too low"},
    {ENOENT, "create the folder first, or name another file with `output` or -o"},
    {ENOTDIR, "a part of the path is a file; name another file with `output` or -o"},
    {EISDIR, "it is a folder; name a file with `output` or -o"},
    {EACCES, "name a file in a folder that you may write to, with `output` or -o"},
    {EPERM, "name a file in a folder that you may write to, with `output` or -o"},
    {EROFS, "the file system is read-only; name another file with `output` or -o"},
    {ENAMETOOLONG, "choose a shorter name with `output` or -o"},
};

static const char *advice(int error)
{
  for (size_t k = 0; k < sizeof advices / sizeof advices[0]; k++)
    if (advices[k].error == error) return advices[k].advice;
  return "check the file system, or name another file with `output` or -o";
}

/* `doing` is "create" or "write", for example. */
static wmc_status fail(wmc_status code, const char *doing, const char *path, int error)
{
  return wmc_raise(code, "%s: cannot %s: %s; %s (what was there before is untouched)", path, doing,
                   strerror(error), advice(error));
}

char *wmc_atomic_partial(const char *path)
{
  wmc_text name = {0};
  wmc_text_append(&name, "%s.partial", path);
  char *copy = name.failed ? NULL : wmc_text_copy(wmc_text_string(&name));
  wmc_text_free(&name);
  return copy;
}

/* 0, or the errno of the failure. */
static int write_all(int descriptor, const unsigned char *bytes, size_t n)
{
  const size_t most = (size_t)1 << 30; /* the kernel writes at most 2 GB at once */
  while (n > 0) {
    ssize_t written = write(descriptor, bytes, n < most ? n : most);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    if (written == 0) return ENOSPC;
    bytes += written;
    n -= (size_t)written;
  }
  return 0;
}

static int write_pieces(int descriptor, const wmc_piece *pieces, size_t count)
{
  int error = 0;
  for (size_t k = 0; k < count && error == 0; k++)
    error = write_all(descriptor, pieces[k].bytes, pieces[k].n);
  if (error == 0 && fsync(descriptor) != 0) error = errno;
  if (close(descriptor) != 0 && error == 0) error = errno; /* NFS reports a full disk here */
  return error;
}

static wmc_status stage(const char *path, const char *partial, const wmc_piece *pieces,
                        size_t count)
{
  struct stat there;
  if (path[0] == '\0') return fail(WMC_OUTPUT, "create", "(empty name)", ENOENT);
  if (stat(path, &there) == 0 && S_ISDIR(there.st_mode))
    return fail(WMC_OUTPUT, "create", path, EISDIR);
  if (unlink(partial) != 0 && errno != ENOENT) return fail(WMC_OUTPUT, "create", partial, errno);
  int descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return fail(WMC_OUTPUT, "create", partial, errno);
  int error = write_pieces(descriptor, pieces, count);
  if (error == 0) return WMC_OK;
  unlink(partial);
  return fail(WMC_IO, "write", path, error);
}

wmc_status wmc_atomic_stage(const char *path, const wmc_piece *pieces, size_t count)
{
  char *partial = wmc_atomic_partial(path);
  if (partial == NULL) return wmc_no_memory();
  wmc_status status = stage(path, partial, pieces, count);
  wmc_free(partial);
  return status;
}

wmc_status wmc_atomic_rename(const char *from, const char *to)
{
  if (rename(from, to) == 0) return WMC_OK;
  return fail(WMC_IO, "put the new file at this path", to, errno);
}

wmc_status wmc_atomic_sync_folder(const char *path)
{
  char *folder = wmc_text_copy(path);
  if (folder == NULL) return wmc_no_memory();
  char *slash = strrchr(folder, '/');
  if (slash != NULL) slash[slash == folder] = '\0';
  const char *name = slash != NULL ? folder : ".";
  int descriptor = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = descriptor < 0 ? errno : 0;
  /* Some file systems cannot fsync a folder and say EINVAL: there is nothing more to do then. */
  if (descriptor >= 0 && fsync(descriptor) != 0 && errno != EINVAL) error = errno;
  if (descriptor >= 0) close(descriptor);
  wmc_free(folder);
  if (error == 0 || error == EACCES) return WMC_OK; /* a folder may be writable, not readable */
  return wmc_raise(WMC_IO, "%s: written, but its folder could not be flushed to disk: %s", path,
                   strerror(error));
}

static wmc_status write_at(const char *path, const wmc_piece *pieces, size_t count)
{
  WMC_TRY(wmc_atomic_stage(path, pieces, count));
  char *partial = wmc_atomic_partial(path);
  if (partial == NULL) return wmc_no_memory();
  wmc_status status = wmc_atomic_rename(partial, path);
  if (status != WMC_OK) unlink(partial);
  wmc_free(partial);
  return status == WMC_OK ? wmc_atomic_sync_folder(path) : status;
}

/* Where the link at `path` points, NULL if there is none; owned. */
static char *follow_link(const char *path)
{
  char target[4096];
  ssize_t n = readlink(path, target, sizeof target - 1);
  if (n < 0) return NULL;
  target[n] = '\0';
  const char *slash = strrchr(path, '/');
  wmc_text out = {0};
  if (target[0] != '/' && slash != NULL)
    wmc_text_append_bytes(&out, path, (size_t)(slash - path) + 1);
  wmc_text_append(&out, "%s", target);
  char *copy = out.failed ? NULL : wmc_text_copy(wmc_text_string(&out));
  wmc_text_free(&out);
  return copy;
}

/* A link is followed, not replaced, even to a file that is not there yet. */
wmc_status wmc_atomic_write(const char *path, const wmc_piece *pieces, size_t count)
{
  char *real = realpath(path, NULL), *target = real == NULL ? follow_link(path) : NULL;
  const char *at = real != NULL ? real : target != NULL ? target : path;
  wmc_status status = write_at(at, pieces, count);
  free(real);
  wmc_free(target);
  return status;
}
