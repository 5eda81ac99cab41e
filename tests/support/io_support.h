/** @file io_support.h  Temporary folders, whole files and small random numbers for tests of files.
 */
#pragma once
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* xorshift64*: enough to choose cases. */
static inline uint64_t draw(uint64_t *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(2685821657736338717);
}

static inline size_t pick(uint64_t *state, size_t n) { return (size_t)((draw(state) >> 33) % n); }

/* A new folder with a space in its name; owned. */
static inline char *make_folder(void)
{
  const char *base = getenv("TMPDIR");
  char *folder = malloc(PATH_MAX);
  snprintf(folder, PATH_MAX, "%s/weylmc test XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(folder) == NULL) abort();
  return folder;
}

/* The tests end soon: these few names are never freed. */
static inline char *in_folder(const char *folder, const char *name)
{
  char *path = malloc(strlen(folder) + strlen(name) + 2);
  if (path == NULL) abort();
  sprintf(path, "%s/%s", folder, name);
  return path;
}

static inline int count_files(const char *folder)
{
  DIR *open = opendir(folder);
  int n = 0;
  for (struct dirent *entry; (entry = readdir(open)) != NULL;) n += entry->d_name[0] != '.';
  closedir(open);
  return n;
}

static inline void remove_folder(char *folder)
{
  DIR *open = opendir(folder);
  for (struct dirent *entry; (entry = readdir(open)) != NULL;)
    if (entry->d_name[0] != '.') unlink(in_folder(folder, entry->d_name));
  closedir(open);
  rmdir(folder);
  free(folder);
}

static inline long file_size(const char *path)
{
  struct stat there;
  return stat(path, &there) == 0 ? (long)there.st_size : -1;
}

/* Whole contents, owned. */
static inline unsigned char *read_bytes(const char *path, size_t *n)
{
  FILE *file = fopen(path, "rb");
  *n = (size_t)file_size(path);
  unsigned char *bytes = malloc(*n + 1);
  if (file == NULL || fread(bytes, 1, *n, file) != *n) abort();
  fclose(file);
  return bytes;
}

static inline void write_bytes(const char *path, const void *bytes, size_t n)
{
  FILE *file = fopen(path, "wb");
  if (file == NULL || fwrite(bytes, 1, n, file) != n || fclose(file) != 0) abort();
}

static inline bool same_files(const char *a, const char *b)
{
  size_t n[2];
  unsigned char *bytes[2] = {read_bytes(a, &n[0]), read_bytes(b, &n[1])};
  bool same = n[0] == n[1] && memcmp(bytes[0], bytes[1], n[0]) == 0;
  free(bytes[0]);
  free(bytes[1]);
  return same;
}

static inline int count_lines(const char *text)
{
  int n = 0;
  for (; *text; text++) n += *text == '\n';
  return n;
}
