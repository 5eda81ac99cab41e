/** @file deck_laws.h  What holds for every deck, good or bad: for mutations and fuzzing. */
#pragma once
#include <stdlib.h>
#include <string.h>

#include "weylmc/deck/deck.h"

/* The deck as a user would write it out in full reads back as the same deck. */
static inline const char *deck_reads_back(const wmc_model *const *models, const wmc_deck *deck)
{
  wmc_text resolved = {0}, identity = {0}, again = {0};
  wmc_deck *other = NULL;
  wmc_deck_print_resolved(deck, &resolved);
  wmc_deck_print_identity(deck, &identity);
  const char *broken = NULL;
  if (resolved.length > WMC_DECK_BYTES_MAX) goto done;
  if (wmc_deck_parse_with(models, deck->path, resolved.bytes, resolved.length, 0, NULL, &other)) {
    broken = "a resolved deck is refused";
    goto done;
  }
  wmc_deck_print_identity(other, &again);
  if (strcmp(identity.bytes, again.bytes) != 0 || deck->tasks != other->tasks)
    broken = "a resolved deck has another identity";
done:
  wmc_deck_destroy(other);
  wmc_text_free(&resolved);
  wmc_text_free(&identity);
  wmc_text_free(&again);
  return broken;
}

/** Which law the bytes break, or NULL: a deck is good and reads back, or is refused with a message
 * and nothing is returned. */
static inline const char *deck_law_broken(const wmc_model *const *models, const char *bytes,
                                          size_t n, size_t n_set, const char *const *set)
{
  wmc_deck *deck = NULL;
  wmc_message_clear();
  wmc_status status = wmc_deck_parse_with(models, "d.yaml", bytes, n, n_set, set, &deck);
  const char *message = wmc_message();
  if (status == WMC_OK) {
    const char *broken = deck == NULL || *message != '\0' ? "good, but no deck or a message"
                                                          : deck_reads_back(models, deck);
    wmc_deck_destroy(deck);
    return broken;
  }
  if (deck != NULL) return "refused, but a deck is returned";
  if (status != WMC_DATA && !(status == WMC_USAGE && n_set > 0)) return "another status";
  size_t length = strlen(message);
  if (length < 10 || message[length - 1] != '\n') return "no message";
  return length > 100000 ? "an endless message" : NULL;
}
