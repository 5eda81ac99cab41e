#include "mark.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "h5.h"
#include "weylmc/base/hash.h"
#include "weylmc/base/memory.h"

enum { TEXT = 16, BLOCK = 1 << 20 };
static const char mark_text[] = "weylmc end mark\n"; /* 16 bytes and the final NUL */

static void put_u64(unsigned char *out, uint64_t value)
{
  for (int k = 0; k < 8; k++) out[k] = (unsigned char)(value >> (8 * k));
}

static void fill(unsigned char mark[WMC_MARK], uint64_t length, uint64_t hash)
{
  memcpy(mark, mark_text, TEXT);
  put_u64(mark + TEXT, length);
  put_u64(mark + TEXT + 8, hash);
}

void wmc_mark_make(unsigned char mark[WMC_MARK], const void *bytes, size_t n)
{
  const unsigned char *at = bytes;
  uint64_t hash = 0;
  for (size_t left = n; left > 0;) {
    size_t block = left < BLOCK ? left : BLOCK;
    hash = wmc_hash(at, block, hash);
    at += block;
    left -= block;
  }
  fill(mark, n, hash);
}

static bool hash_file(FILE *file, uint64_t length, unsigned char *block, uint64_t *hash)
{
  *hash = 0;
  while (length > 0) {
    size_t n = length < BLOCK ? (size_t)length : BLOCK;
    if (fread(block, 1, n, file) != n) return false;
    *hash = wmc_hash(block, n, *hash);
    length -= n;
  }
  return true;
}

/* The state of a file whose last bytes are `found`, `length` bytes standing before them. */
static wmc_mark_state check_contents(FILE *file, const unsigned char found[WMC_MARK],
                                     uint64_t length)
{
  unsigned char expected[WMC_MARK], *block = wmc_alloc(BLOCK, 1);
  uint64_t hash;
  if (block == NULL) {
    wmc_h5_fail("out of memory");
    return WMC_MARK_WRONG;
  }
  rewind(file);
  bool read = hash_file(file, length, block, &hash);
  wmc_free(block);
  if (!read) {
    wmc_h5_fail("it cannot be read: %s", strerror(errno));
    return WMC_MARK_WRONG;
  }
  fill(expected, length, hash);
  if (memcmp(found, expected, WMC_MARK) == 0) return WMC_MARK_WHOLE;
  wmc_h5_fail("its checksum is wrong");
  return WMC_MARK_WRONG;
}

static wmc_mark_state check_open(FILE *file)
{
  unsigned char found[WMC_MARK];
  off_t size = fseeko(file, 0, SEEK_END) == 0 ? ftello(file) : -1;
  if (size >= WMC_MARK && fseeko(file, size - WMC_MARK, SEEK_SET) == 0 &&
      fread(found, 1, WMC_MARK, file) == WMC_MARK && memcmp(found, mark_text, TEXT) == 0)
    return check_contents(file, found, (uint64_t)(size - WMC_MARK));
  wmc_h5_fail(size == 0 ? "it is empty" : "it is cut short (no mark at its end)");
  return WMC_MARK_NONE;
}

wmc_mark_state wmc_mark_check(const char *path)
{
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    wmc_h5_fail("%s", strerror(errno));
    return WMC_MARK_WRONG;
  }
  wmc_mark_state state = check_open(file);
  fclose(file);
  return state;
}
