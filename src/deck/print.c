#include <string.h>

#include "check.h"

void wmc_deck_where(const wmc_deck *deck, int field, wmc_text *out)
{
  const wmc_section *s = &deck->marks->section[WMC_SECTION_PARAMETERS];
  bool known = field >= 0 && (size_t)field < s->count;
  const wmc_place *place = known ? &s->places[field] : NULL;
  wmc_source source = wmc_deck_source(deck);
  wmc_mark_print(&source, place && place->located ? place->mark : s->mark, out);
  wmc_text_append(out, ": parameters%s%s", known ? "." : "", known ? s->fields[field].name : "");
}

/* The axis of a swept field, and the field's row in it; NULL if it is not swept. */
static const wmc_sweep *axis_of(const wmc_deck *deck, size_t k, size_t *row)
{
  for (size_t a = 0; a < deck->axes; a++)
    for (*row = 0; *row < deck->axis[a].fields; ++*row)
      if (deck->axis[a].field[*row] == (int)k) return &deck->axis[a];
  return NULL;
}

static void print_sweep(const wmc_field *field, const wmc_sweep *axis, size_t row, wmc_text *out)
{
  wmc_text_append(out, "{sweep: [");
  for (size_t j = 0; j < axis->length; j++) {
    wmc_text_append(out, "%s", j > 0 ? ", " : "");
    wmc_field_print(field, &axis->values[row * axis->length + j], out);
  }
  wmc_text_append(out, "]");
  if (strcmp(axis->name, field->name) != 0) wmc_text_append(out, ", zip: %s", axis->name);
  wmc_text_append(out, "}");
}

/* The value of field k as a deck would write it. */
static void print_value(const wmc_deck *deck, const wmc_section *s, size_t k, wmc_text *out)
{
  size_t row = 0;
  const wmc_sweep *axis = s->places[k].swept ? axis_of(deck, k, &row) : NULL;
  if (axis != NULL)
    print_sweep(&s->fields[k], axis, row, out);
  else
    wmc_field_print(&s->fields[k], &s->values[k], out);
}

/* ---- the resolved deck ------------------------------------------------------------------ */

/* Of two fields of a section, whether `a` is printed first: in the order of the deck, so that axes
 * keep theirs, and then what was left to its default. */
static bool precedes(const wmc_section *s, size_t a, size_t b)
{
  size_t x = s->places[a].order, y = s->places[b].order;
  if (x == 0 || y == 0) return x != y ? x != 0 : a < b;
  return x != y ? x < y : a < b;
}

static bool fixed_by_model(const wmc_deck *deck, const wmc_section *s, size_t k)
{
  return deck->model->independent && s->fields == wmc_run_fields &&
         (k == WMC_RUN_THERMALISE || k == WMC_RUN_STRIDE);
}

/* The field to print after field `last` (count: the first) among those whose group, n characters
 * of `group`, is the same; with n = 0 among all fields. Returns count at the end. */
static size_t next_field(const wmc_deck *deck, const wmc_section *s, size_t last, const char *group,
                         size_t n)
{
  size_t best = s->count;
  for (size_t k = 0; k < s->count; k++) {
    if (!s->values[k].present || s->places[k].idle || fixed_by_model(deck, s, k)) continue;
    if (n > 0 && strncmp(s->fields[k].name, group, n) != 0) continue;
    if (last < s->count && !precedes(s, last, k)) continue;
    if (best == s->count || precedes(s, k, best)) best = k;
  }
  return best;
}

static void print_line(const wmc_deck *deck, const wmc_section *s, size_t k, size_t indent,
                       wmc_text *out)
{
  size_t n = wmc_group_length(s->fields[k].name), depth = *s->name ? 2 : 0;
  wmc_text_append(out, "%*s%s: ", (int)(depth + indent), "", s->fields[k].name + (n ? n + 1 : 0));
  print_value(deck, s, k, out);
  wmc_text_append(out, "%s\n", s->values[k].given ? "" : "  # default");
}

/* All fields of the group of field `first`, which is the first of them to be printed. */
static void print_group(const wmc_deck *deck, const wmc_section *s, size_t first, wmc_text *out)
{
  const char *name = s->fields[first].name;
  size_t n = wmc_group_length(name);
  wmc_text_append(out, "%*s%.*s:\n", *s->name ? 2 : 0, "", (int)n, name);
  for (size_t k = first; k < s->count; k = next_field(deck, s, k, name, n + 1))
    print_line(deck, s, k, 2, out);
}

static void print_section(const wmc_deck *deck, const wmc_section *s, wmc_text *out)
{
  if (next_field(deck, s, s->count, NULL, 0) == s->count) return;
  if (*s->name != '\0') wmc_text_append(out, "%s:\n", s->name);
  for (size_t k = s->count; (k = next_field(deck, s, k, NULL, 0)) < s->count;) {
    const char *name = s->fields[k].name;
    size_t n = wmc_group_length(name);
    if (n == 0)
      print_line(deck, s, k, 0, out);
    else if (next_field(deck, s, s->count, name, n + 1) == k)
      print_group(deck, s, k, out);
  }
}

void wmc_deck_print_resolved(const wmc_deck *deck, wmc_text *out)
{
  static const int order[] = {WMC_SECTION_TOP, WMC_SECTION_PARAMETERS, WMC_SECTION_RUN};
  for (size_t k = 0; k < WMC_SECTIONS; k++)
    print_section(deck, &deck->marks->section[order[k]], out);
}

/* ---- the identity of a run -------------------------------------------------------------- */

static void print_identity(const wmc_deck *deck, const wmc_section *s, wmc_text *out)
{
  for (size_t k = 0; k < s->count; k++) {
    if (s->fields[k].free || !s->values[k].present) continue;
    wmc_text_append(out, "%s%s%s = ", s->name, *s->name ? "." : "", s->fields[k].name);
    print_value(deck, s, k, out);
    wmc_text_append(out, "\n");
  }
}

void wmc_deck_print_identity(const wmc_deck *deck, wmc_text *out)
{
  for (size_t k = 0; k < WMC_SECTIONS; k++) print_identity(deck, &deck->marks->section[k], out);
  if (deck->axes < 2) return;
  wmc_text_append(out, "axes = "); /* their order is that of the tasks */
  for (size_t a = 0; a < deck->axes; a++)
    wmc_text_append(out, "%s%s", a > 0 ? ", " : "", deck->axis[a].name);
  wmc_text_append(out, "\n");
}
