/** @file text.h  Growing strings, numbers with errors, durations, nearest names, tables.
 * Checked by tests/unit/base.c.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/** A growing string; `{0}` is empty. `bytes` is NUL-terminated whenever it is not NULL. If memory
 * runs out the text is left as it was and `failed` is set. */
typedef struct wmc_text {
  char *bytes;
  size_t length, capacity;
  bool failed;
} wmc_text;

/** Append as printf does; the other one takes its arguments as a list; n bytes as they are. */
void wmc_text_append(wmc_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void wmc_text_append_list(wmc_text *text, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));
void wmc_text_append_bytes(wmc_text *text, const char *bytes, size_t n);
/** Append 'string' for a message: in quotes, cut after 40 characters, nothing unprintable. */
void wmc_text_append_quoted(wmc_text *text, const char *string);
/** The string, "" when nothing was appended. */
const char *wmc_text_string(const wmc_text *text);
/** The text is then empty, and may be used again. */
void wmc_text_free(wmc_text *text);
/** Owned copy of a string (wmc_free), NULL when memory is exhausted. */
char *wmc_text_copy(const char *string);

/** What a message "name: ..." says after its name; the message itself where it begins otherwise. */
const char *wmc_text_after_name(const char *message, const char *name);
/** Restricted Damerau-Levenshtein distance of two strings. */
int wmc_text_distance(const char *a, const char *b);
/** The nearest of n names within a third of the length (at least 2 edits), or NULL. */
const char *wmc_text_nearest(const char *name, const char *const *names, size_t n);

/* Each of these writes to `out`, cut if it must be, and returns it. */
enum { WMC_TEXT_SHORT = 64 };
/** "1.2345(67)": two digits of error; plain %.6g when the error is not finite, and all the digits
 * that are there, %.15g, when it is below rounding, as of values that are the same in every draw.
 */
const char *wmc_text_value(char out[WMC_TEXT_SHORT], double value, double error);
/** "2 h 05 min", "3.4 s", ...; "?" when not finite. */
const char *wmc_text_duration(char out[WMC_TEXT_SHORT], double seconds);
/** "3.4 MB" (powers of 1000). */
const char *wmc_text_bytes(char out[WMC_TEXT_SHORT], double bytes);
/** Shortest decimal that reads back as the same double. */
const char *wmc_text_double(char out[WMC_TEXT_SHORT], double value);

/** Table with aligned columns: cells are appended row by row, then printed into `out`.
 * The first row is the header. */
typedef struct wmc_table {
  size_t columns;
  char **cells;
  size_t count, capacity;
} wmc_table;
void wmc_table_cell(wmc_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void wmc_table_print(const wmc_table *table, wmc_text *out);
void wmc_table_free(wmc_table *table);
