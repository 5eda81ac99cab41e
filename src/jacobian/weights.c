#include "weylmc/jacobian/weights.h"

#include <string.h>

#define WEIGHT_LAWS(ROW)                                                                           \
  ROW(gaussian, "normal deviates", wmc_stream_normals)                                             \
  ROW(rademacher, "signs: +1 or -1 with probability 1/2", wmc_stream_signs)

#define TABLE_ROW(name, text, fill) {#name, text, fill},
const wmc_weights wmc_weight_laws[] = {WEIGHT_LAWS(TABLE_ROW){0}};
#define NAME_ROW(name, ...) #name,
const char *const wmc_weight_law_names[] = {WEIGHT_LAWS(NAME_ROW) NULL};

const wmc_weights *wmc_weights_find(const char *name)
{
  const wmc_weights *w = wmc_weight_laws;
  while (w->name && strcmp(w->name, name) != 0) w++;
  return w->name ? w : NULL;
}
