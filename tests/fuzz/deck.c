/* Fuzz target: bytes of a deck, then, after zero bytes, overrides of the command line.
 *
 *   CC=clang meson setup build-fuzz -Dfuzz=true && ninja -C build-fuzz tests/fuzz/fuzz_deck
 *   build-fuzz/tests/fuzz/fuzz_deck -max_total_time=120 -dict=tests/fuzz/deck.dict corpus/
 *
 * A folder named last collects inputs; start it with the decks in inputs/.
 */
#include <stdint.h>
#include <stdio.h>

#include "deck_laws.h"
#include "toy.h"
#include "weylmc/base/memory.h"

enum { OVERRIDES = 4, MODELS = 32 };

/* The toys, which have every kind of field, and then the real models. */
static const wmc_model *const *all_models(void)
{
  static const wmc_model *models[MODELS] = {&toy_model, &dice_model};
  for (size_t k = 0; wmc_models[k] != NULL && k + 3 < MODELS; k++) models[k + 2] = wmc_models[k];
  return models;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
  char *copy = wmc_alloc(n + 1, 1); /* ended by a zero byte */
  const char *set[OVERRIDES], *end = copy + n;
  size_t n_set = 0, length;
  if (n > 0) memcpy(copy, bytes, n);
  length = strlen(copy);
  for (const char *p = copy + length + 1; p < end && n_set < OVERRIDES; p += strlen(p) + 1)
    set[n_set++] = p;
  const char *broken = deck_law_broken(all_models(), copy, length, n_set, set);
  if (broken != NULL) {
    fprintf(stderr, "%s\n%s\n", broken, wmc_message());
    abort();
  }
  wmc_message_clear();
  wmc_free(copy);
  return 0;
}
