/* The decks of inputs/ are good, and so are the resolved decks that their results files keep. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "weylmc/base/status.h"
#include "weylmc/base/text.h"
#include "weylmc/deck/deck.h"

static const char *const folders[] = {WMC_SOURCE_ROOT "/inputs", WMC_SOURCE_ROOT "/inputs/drift"};

/* As `weylmc fit` does: without the files that the deck names. */
static void reads_back(const wmc_deck *deck)
{
  wmc_text resolved = {0}, identity = {0}, identity_again = {0};
  wmc_deck *again = NULL;
  wmc_deck_print_resolved(deck, &resolved);
  const char *text = wmc_text_string(&resolved);
  cr_expect_eq(wmc_deck_parse("resolved", text, strlen(text), 0, NULL, &again), WMC_OK, "%s: %s",
               deck->path, wmc_message());
  if (again != NULL) {
    wmc_deck_print_identity(deck, &identity);
    wmc_deck_print_identity(again, &identity_again);
    cr_expect_str_eq(wmc_text_string(&identity), wmc_text_string(&identity_again));
    wmc_deck_destroy(again);
  }
  wmc_text_free(&resolved);
  wmc_text_free(&identity);
  wmc_text_free(&identity_again);
}

static size_t read_folder(const char *name)
{
  DIR *folder = opendir(name);
  size_t decks = 0;
  cr_assert_not_null(folder, "%s", name);
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
    if (strstr(entry->d_name, ".yaml") == NULL) continue;
    char path[1024];
    wmc_deck *deck = NULL;
    snprintf(path, sizeof path, "%s/%s", name, entry->d_name);
    cr_expect_eq(wmc_deck_read(path, 0, NULL, &deck), WMC_OK, "%s", wmc_message());
    if (deck == NULL) continue;
    reads_back(deck);
    wmc_deck_destroy(deck);
    decks++;
  }
  closedir(folder);
  return decks;
}

Test(input_decks, resolved_decks_are_decks)
{
  cr_expect_geq(read_folder(folders[0]), 10);
  cr_expect_geq(read_folder(folders[1]), 3);
}

Test(input_decks, resolved_decks_with_widths)
{
  static const char *const decks[] = {
      "model: balanced\nseed: 1\nparameters: {widths: [3, 4, 2], depth: 5}\n",
      "model: equivariant\nseed: 1\nparameters: {order: 3, widths: [3, 4, 2], depth: 5}\n"};
  for (size_t k = 0; k < 2; k++) {
    wmc_deck *deck = NULL;
    cr_assert_eq(wmc_deck_parse("widths", decks[k], strlen(decks[k]), 0, NULL, &deck), WMC_OK, "%s",
                 wmc_message());
    reads_back(deck);
    wmc_deck_destroy(deck);
  }
}
