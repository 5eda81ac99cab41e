/** @file mark.h  The end mark: 32 bytes behind the last byte that HDF5 knows of. Private to src/io.
 *
 * Text "weylmc end mark\n", the number of bytes before the mark, and their checksum, both 64 bits,
 * little-endian. The checksum is wmc_hash over blocks of 1 MiB, the hash of a block being the seed
 * of the next. It is checked before HDF5 sees the file: HDF5 1.10 can crash, hang or return wrong
 * numbers when a single bit is wrong. Other readers ignore bytes past the end; other writers cut
 * the mark off, which is how a file says that it was changed by another program.
 */
#pragma once
#include <stddef.h>

enum { WMC_MARK = 32 };

typedef enum wmc_mark_state {
  WMC_MARK_WHOLE,
  WMC_MARK_NONE, /**< cut short, or last written by another program */
  WMC_MARK_WRONG /**< the bytes before the mark are not those that were written, or unreadable */
} wmc_mark_state;

/** The mark that belongs behind n bytes. */
void wmc_mark_make(unsigned char mark[WMC_MARK], const void *bytes, size_t n);
/** Look at a file; unless it is whole the cause is noted (h5.h). */
wmc_mark_state wmc_mark_check(const char *path);
