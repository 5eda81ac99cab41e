#include "weylmc/base/text.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/base/memory.h"

/* Make room for n more bytes and the final NUL. */
static bool text_reserve(wmc_text *text, size_t n)
{
  if (text->failed || n > SIZE_MAX / 4 - text->length) return !(text->failed = true);
  size_t needed = text->length + n + 1;
  if (needed <= text->capacity) return true;
  size_t capacity = 2 * needed + 64;
  char *bytes = realloc(text->bytes, capacity);
  if (bytes == NULL) return !(text->failed = true);
  text->bytes = bytes;
  text->capacity = capacity;
  return true;
}

void wmc_text_append_bytes(wmc_text *text, const char *bytes, size_t n)
{
  if (!text_reserve(text, n)) return;
  if (n > 0) memcpy(text->bytes + text->length, bytes, n);
  text->length += n;
  text->bytes[text->length] = '\0';
}

void wmc_text_append_list(wmc_text *text, const char *format, va_list arguments)
{
  va_list again;
  va_copy(again, arguments);
  int n = vsnprintf(NULL, 0, format, arguments);
  if (n >= 0 && text_reserve(text, (size_t)n)) {
    vsnprintf(text->bytes + text->length, (size_t)n + 1, format, again);
    text->length += (size_t)n;
  }
  va_end(again);
}

void wmc_text_append(wmc_text *text, const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  wmc_text_append_list(text, format, arguments);
  va_end(arguments);
}

void wmc_text_append_quoted(wmc_text *text, const char *string)
{
  enum { LONGEST = 40 };
  int characters = 0;
  wmc_text_append(text, "'");
  for (; *string != '\0'; string++) {
    unsigned char byte = (unsigned char)*string;
    if ((byte & 0xC0) != 0x80 && characters++ == LONGEST) break; /* never inside a character */
    if (byte < 32 || byte == 127)
      wmc_text_append(text, "\\x%02x", byte);
    else
      wmc_text_append_bytes(text, string, 1);
  }
  wmc_text_append(text, *string != '\0' ? "...'" : "'");
}

const char *wmc_text_string(const wmc_text *text) { return text->bytes ? text->bytes : ""; }

void wmc_text_free(wmc_text *text)
{
  free(text->bytes);
  *text = (wmc_text){0};
}

char *wmc_text_copy(const char *string)
{
  size_t n = strlen(string) + 1;
  char *copy = wmc_alloc(n, 1);
  if (copy != NULL) memcpy(copy, string, n);
  return copy;
}

const char *wmc_text_after_name(const char *message, const char *name)
{
  const size_t n = strlen(name);
  const bool named = strncmp(message, name, n) == 0 && strncmp(message + n, ": ", 2) == 0;
  return named ? message + n + 2 : message;
}

/* ---- nearest names ---------------------------------------------------------------------- */

static int least(int a, int b) { return a < b ? a : b; }

int wmc_text_distance(const char *a, const char *b)
{
  enum { LONGEST = 63 }; /* names are shorter; anything longer is simply far away */
  int m = (int)strnlen(a, LONGEST + 1), n = (int)strnlen(b, LONGEST + 1);
  if (m > LONGEST || n > LONGEST) return LONGEST + 1;
  int rows[3][LONGEST + 2] = {{0}}; /* rows i-2, i-1 and i of the table, in turn */
  for (int j = 0; j <= n; j++) rows[0][j] = j;
  for (int i = 1; i <= m; i++) {
    int *now = rows[i % 3], *one = rows[(i + 2) % 3], *two = rows[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= n; j++) {
      int change = one[j - 1] + (a[i - 1] != b[j - 1]);
      now[j] = least(change, 1 + least(one[j], now[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = least(now[j], two[j - 2] + 1);
    }
  }
  return rows[m % 3][n];
}

const char *wmc_text_nearest(const char *name, const char *const *names, size_t n)
{
  const char *nearest = NULL;
  int allowed = (int)strnlen(name, 100) / 3;
  int best = (allowed < 2 ? 2 : allowed) + 1;
  for (size_t k = 0; k < n; k++) {
    int distance = wmc_text_distance(name, names[k]);
    if (distance < best) {
      best = distance;
      nearest = names[k];
    }
  }
  return nearest;
}

/* ---- numbers ---------------------------------------------------------------------------- */

const char *wmc_text_value(char out[WMC_TEXT_SHORT], double value, double error)
{
  const double rounding = 2 * DBL_EPSILON * fabs(value);
  if (isfinite(value) && error >= 0 && error <= rounding) {
    snprintf(out, WMC_TEXT_SHORT, "%.15g", value);
    return out;
  }
  if (!isfinite(value) || !isfinite(error) || !(error > 0) || error > 1e15 * (1 + fabs(value))) {
    snprintf(out, WMC_TEXT_SHORT, "%.6g", value);
    return out;
  }
  int decimals = 1 - (int)floor(log10(error)); /* two digits of error */
  double digits = error * pow(10, decimals);
  if (round(digits) >= 100) {
    decimals--;
    digits /= 10;
  }
  double size = fmax(fabs(value), error);
  if (decimals < 0 || decimals > 12 || size >= 1e9) {
    int exponent = (int)floor(log10(size)), places = exponent + decimals;
    if (places < 0) places = 0;
    snprintf(out, WMC_TEXT_SHORT, "%.*f(%.0f)e%+d", places, value / pow(10, exponent), digits,
             exponent);
  } else if (decimals == 0 || error >= 1) {
    int places = decimals > 0 ? decimals : 0;
    snprintf(out, WMC_TEXT_SHORT, "%.*f(%.*f)", places, value, places, error);
  } else {
    snprintf(out, WMC_TEXT_SHORT, "%.*f(%.0f)", decimals, value, digits);
  }
  return out;
}

const char *wmc_text_duration(char out[WMC_TEXT_SHORT], double seconds)
{
  if (!isfinite(seconds) || seconds < 0 || seconds > 1e12)
    snprintf(out, WMC_TEXT_SHORT, "?");
  else if (seconds < 59.95)
    snprintf(out, WMC_TEXT_SHORT, "%.*f s", seconds < 9.95, seconds);
  else if (seconds < 3599.5)
    snprintf(out, WMC_TEXT_SHORT, "%ld min %02ld s", lround(seconds) / 60, lround(seconds) % 60);
  else if (seconds < 48 * 3600.0)
    snprintf(out, WMC_TEXT_SHORT, "%ld h %02ld min", lround(seconds / 60) / 60,
             lround(seconds / 60) % 60);
  else
    snprintf(out, WMC_TEXT_SHORT, "%.1f days", seconds / 86400);
  return out;
}

const char *wmc_text_bytes(char out[WMC_TEXT_SHORT], double bytes)
{
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  size_t k = 0;
  while (bytes >= 999.5 && k + 1 < sizeof units / sizeof units[0]) {
    bytes /= 1000;
    k++;
  }
  snprintf(out, WMC_TEXT_SHORT, k == 0 || bytes >= 99.5 ? "%.0f %s" : "%.1f %s", bytes, units[k]);
  return out;
}

const char *wmc_text_double(char out[WMC_TEXT_SHORT], double value)
{
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(out, WMC_TEXT_SHORT, "%.*g", digits, value);
    if (strtod(out, NULL) == value) break;
  }
  return out;
}

/* ---- tables ----------------------------------------------------------------------------- */

void wmc_table_cell(wmc_table *table, const char *format, ...)
{
  if (table->count == table->capacity) {
    size_t capacity = 2 * table->capacity + 32;
    char **cells = realloc(table->cells, capacity * sizeof *cells);
    if (cells == NULL) return;
    table->cells = cells;
    table->capacity = capacity;
  }
  wmc_text cell = {0};
  va_list arguments;
  va_start(arguments, format);
  wmc_text_append_list(&cell, format, arguments);
  va_end(arguments);
  table->cells[table->count++] = cell.bytes;
}

/* Columns seen on a terminal: bytes that do not continue a UTF-8 sequence. */
static size_t text_width(const char *string)
{
  size_t width = 0;
  for (; *string; string++) width += ((unsigned char)*string & 0xC0) != 0x80;
  return width;
}

static const char *cell_text(const wmc_table *table, size_t k)
{
  return table->cells[k] ? table->cells[k] : "";
}

/* Widths of all columns, owned (free); NULL when memory is exhausted. */
static size_t *column_widths(const wmc_table *table)
{
  size_t *width = calloc(table->columns, sizeof *width);
  for (size_t k = 0; width != NULL && k < table->count; k++) {
    size_t w = text_width(cell_text(table, k));
    if (w > width[k % table->columns]) width[k % table->columns] = w;
  }
  return width;
}

void wmc_table_print(const wmc_table *table, wmc_text *out)
{
  if (table->columns == 0) return;
  size_t *width = column_widths(table);
  if (width == NULL) out->failed = true;
  for (size_t k = 0; width != NULL && k < table->count; k++) {
    const char *cell = cell_text(table, k);
    size_t column = k % table->columns;
    bool last = column + 1 == table->columns || k + 1 == table->count;
    size_t pad = last ? 0 : width[column] - text_width(cell) + 2;
    wmc_text_append(out, "%s%*s%s", cell, (int)pad, "", last ? "\n" : "");
  }
  free(width);
}

void wmc_table_free(wmc_table *table)
{
  for (size_t k = 0; k < table->count; k++) free(table->cells[k]);
  free(table->cells);
  *table = (wmc_table){0};
}
