/** @file toy_decks.h  Decks of the toy models, read and printed. */
#pragma once
#include <criterion/criterion.h>
#include <string.h>

#include "toy.h"
#include "weylmc/base/memory.h"
#include "weylmc/deck/deck.h"

/* Most decks of tests begin with these lines. */
#define HEAD TOY_HEAD
#define GOOD TOY_GOOD

static inline wmc_status toy_parse(const char *text, size_t n_set, const char *const *set,
                                   wmc_deck **deck)
{
  wmc_message_clear();
  return wmc_deck_parse_with(toy_models, "d.yaml", text, strlen(text), n_set, set, deck);
}

static inline wmc_deck *toy_deck(const char *text)
{
  wmc_deck *deck = NULL;
  cr_assert_eq(toy_parse(text, 0, NULL, &deck), WMC_OK, "%s\n%s", text, wmc_message());
  cr_assert_not_null(deck);
  cr_assert_str_eq(wmc_message(), "");
  return deck;
}

/* Whether every line of `found` begins with the same line of `expected`. */
static inline bool toy_lines_begin(const char *found, const char *expected)
{
  for (;;) {
    size_t n = strcspn(expected, "\n"), end = strcspn(found, "\n");
    if (end < n || strncmp(found, expected, n) != 0 || found[end] != '\n') return false;
    found += end + 1;
    expected += n;
    if (*expected == '\0') return *found == '\0';
    expected++;
  }
}

static inline char *toy_printed(const wmc_deck *deck, void (*print)(const wmc_deck *, wmc_text *))
{
  wmc_text out = {0};
  print(deck, &out);
  cr_assert_not(out.failed);
  return out.bytes;
}
