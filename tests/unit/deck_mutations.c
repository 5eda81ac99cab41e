#include <criterion/criterion.h>
#include <stdint.h>

#include "deck_laws.h"
#include "support.h"
#include "toy.h"

enum { ROOM = 8192 };

typedef struct mutant {
  char bytes[ROOM];
  size_t n;
} mutant;

/* xorshift64*: the sequence is the same everywhere */
static uint64_t state;
static size_t below(size_t n)
{
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return n > 0 ? (size_t)((state * 2685821657736338717u >> 33) % n) : 0;
}

/* Replace `removed` bytes at `at` by others. */
static void splice(mutant *m, size_t at, size_t removed, const char *bytes, size_t n)
{
  if (at > m->n || removed > m->n - at || m->n - removed + n > ROOM) return;
  char copy[ROOM];
  memcpy(copy, bytes, n);
  memmove(m->bytes + at + n, m->bytes + at + removed, m->n - at - removed);
  memcpy(m->bytes + at, copy, n);
  m->n += n - removed;
}

/* A whole line around a random byte: where it starts and how long it is. */
static size_t line(const mutant *m, size_t *length)
{
  size_t start = below(m->n), end = start;
  while (start > 0 && m->bytes[start - 1] != '\n') start--;
  while (end < m->n && m->bytes[end] != '\n') end++;
  *length = end - start + (end < m->n);
  return start;
}

static void change_byte(mutant *m)
{
  char byte = (char)below(256);
  splice(m, below(m->n), 1, &byte, 1);
}

static void insert_token(mutant *m)
{
  static const char *const tokens[] = {"{",
                                       "}",
                                       "[",
                                       "]",
                                       ":",
                                       ": ",
                                       ",",
                                       "- ",
                                       "\n",
                                       "  ",
                                       "\t",
                                       "#",
                                       "\"",
                                       "'",
                                       "&a ",
                                       "*a",
                                       "!t ",
                                       "? ",
                                       "|",
                                       ">",
                                       "---\n",
                                       "...\n",
                                       "%",
                                       "inf",
                                       ".nan",
                                       "-1",
                                       "1e999",
                                       "0",
                                       "1_0",
                                       "sweep",
                                       "zip: z",
                                       "width",
                                       "beta",
                                       "noise",
                                       "kind",
                                       "kappa",
                                       "\xff",
                                       "\\u2028",
                                       "\xc2\x85",
                                       "energy",
                                       "target",
                                       "10 min",
                                       "1:2:3",
                                       "run",
                                       "{sweep: [1, 2]}",
                                       "title",
                                       "diag: [1, 2]",
                                       "\xE2\x80\xA8",
                                       "record",
                                       "[[",
                                       "null",
                                       "~",
                                       "a.h5:/x"};
  const char *token = tokens[below(sizeof tokens / sizeof tokens[0])];
  splice(m, below(m->n + 1), 0, token, strlen(token));
}

static void remove_range(mutant *m) { splice(m, below(m->n), 1 + below(6), "", 0); }

static void remove_line(mutant *m)
{
  size_t length, start = line(m, &length);
  splice(m, start, length, "", 0);
}

static void repeat_line(mutant *m)
{
  size_t length, start = line(m, &length), to = line(m, &(size_t){0});
  splice(m, to, 0, m->bytes + start, length);
}

static void graft(mutant *m)
{
  const char *other = toy_decks[below(TOY_DECKS)];
  size_t n = strlen(other), from = below(n);
  splice(m, below(m->n + 1), 0, other + from, below(n - from));
}

static void mutate(mutant *m)
{
  static void (*const ways[])(mutant *) = {change_byte, insert_token, insert_token, remove_range,
                                           remove_line, repeat_line,  graft};
  for (size_t k = 1 + below(4); k > 0; k--) ways[below(sizeof ways / sizeof ways[0])](m);
}

/* No mutation of a good deck crashes the reader or is refused in silence; some stay good. */
Test(deck, mutants_are_good_or_refused_with_a_message)
{
  int trials = test_trials(20000), accepted = 0;
  state = 20260101;
  for (int t = 0; t < trials; t++) {
    mutant m = {.n = 0};
    const char *deck = toy_decks[below(TOY_DECKS)];
    splice(&m, 0, 0, deck, strlen(deck));
    mutate(&m);
    const char *broken = deck_law_broken(toy_models, m.bytes, m.n, 0, NULL);
    cr_assert_null(broken, "trial %d: %s: %s\n%.*s", t, broken, wmc_message(), (int)m.n, m.bytes);
    accepted += *wmc_message() == '\0';
  }
  cr_assert_gt(accepted, trials / 50, "%d of %d", accepted, trials);
  cr_assert_lt(accepted, trials / 2, "%d of %d", accepted, trials);
}
