#include <string.h>

#include "weylmc/jacobian/block.h"

#define BLOCKS(ROW)                                                                                \
  ROW(linear)                                                                                      \
  ROW(one_layer)                                                                                   \
  ROW(two_layer)                                                                                   \
  ROW(inside)                                                                                      \
  ROW(outer)                                                                                       \
  ROW(exponential)                                                                                 \
  ROW(rotation)                                                                                    \
  ROW(plain)

#define TABLE_ROW(name) &wmc_block_##name,
const wmc_block *const wmc_blocks[] = {BLOCKS(TABLE_ROW) NULL};
#define NAME_ROW(name) #name,
const char *const wmc_block_names[] = {BLOCKS(NAME_ROW) NULL};

const wmc_block *wmc_block_find(const char *name)
{
  const wmc_block *const *b = wmc_blocks;
  while (*b && strcmp((*b)->name, name) != 0) b++;
  return *b;
}
