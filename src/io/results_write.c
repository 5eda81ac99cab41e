#include <hdf5.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <string.h>

#include "atomic.h"
#include "h5.h"
#include "layout.h"
#include "mark.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"

/* The notes that are datasets under /deck; the others are attributes of the root. */
static const struct {
  const char *name, *text;
} deck_notes[] = {{"verbatim", "Input deck as it was given"},
                  {"resolved", "Input deck with all defaults filled in"},
                  {"identity", "Parameters that a resumed run must share"}};

static const char *deck_text(const char *name)
{
  for (size_t k = 0; k < sizeof deck_notes / sizeof deck_notes[0]; k++)
    if (strcmp(deck_notes[k].name, name) == 0) return deck_notes[k].text;
  return NULL;
}

/* Close `set` after describing it; a negative id is a failure already noted. */
static bool describe(hid_t set, const char *unit, const char *text)
{
  if (set < 0) return false;
  bool good = wmc_h5_put_text_attribute(set, LAYOUT_UNITS, unit) &&
              wmc_h5_put_text_attribute(set, LAYOUT_LONG_NAME, text);
  return wmc_h5_good(H5Dclose(set), "closing a dataset") && good;
}

static bool usable_name(const char *name)
{
  return (name[0] != '\0' && strchr(name, '/') == NULL && strcmp(name, ".") != 0) ||
         wmc_h5_fail("'%s' cannot be the name of an object", name);
}

static bool write_axis(hid_t group, const wmc_axis_data *axis)
{
  const hsize_t length = axis->length;
  if (!usable_name(axis->name)) return false;
  hid_t set =
      axis->labels != NULL
          ? wmc_h5_put_strings(group, axis->name, 1, &length, (const char *const *)axis->labels)
          : wmc_h5_put_dataset(group, axis->name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 1, &length,
                               axis->coordinates);
  if (set < 0) return false;
  bool good = wmc_h5_good(H5DSset_scale(set, axis->name), axis->name);
  return describe(set, axis->unit, axis->text) && good;
}

static bool attach_axis(hid_t group, hid_t set, const char *axis, unsigned dimension)
{
  hid_t scale = H5Dopen2(group, axis, H5P_DEFAULT);
  if (!wmc_h5_good(scale, axis)) return false;
  bool good = wmc_h5_good(H5DSattach_scale(set, scale, dimension), axis);
  return wmc_h5_good(H5Dclose(scale), axis) && good;
}

static bool write_array(hid_t group, const wmc_group *contents, const wmc_array *array)
{
  hsize_t dims[WMC_ARRAY_AXES];
  if (!usable_name(array->name)) return false;
  for (size_t k = 0; k < array->axes; k++) dims[k] = contents->axis[array->axis[k]].length;
  hid_t set = array->strings != NULL
                  ? wmc_h5_put_strings(group, array->name, (int)array->axes, dims,
                                       (const char *const *)array->strings)
                  : wmc_h5_put_dataset(group, array->name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE,
                                       (int)array->axes, dims, array->data);
  if (set < 0) return false;
  bool good = true;
  for (size_t k = 0; good && k < array->axes; k++)
    good = attach_axis(group, set, contents->axis[array->axis[k]].name, (unsigned)k);
  return describe(set, array->unit, array->text) && good;
}

static bool write_group(hid_t file, const wmc_group *contents)
{
  if (!usable_name(contents->name)) return false;
  if (strcmp(contents->name, LAYOUT_DECK) == 0 || strcmp(contents->name, LAYOUT_PROVENANCE) == 0)
    return wmc_h5_fail("a group may not be called '%s'", contents->name);
  hid_t group = wmc_h5_put_group(file, contents->name);
  if (group < 0) return false;
  bool good = true;
  for (size_t k = 0; good && k < contents->axes; k++) good = write_axis(group, &contents->axis[k]);
  for (size_t k = 0; good && k < contents->arrays; k++)
    good = write_array(group, contents, &contents->array[k]);
  return wmc_h5_good(H5Gclose(group), contents->name) && good;
}

static bool write_text(hid_t group, const wmc_note *note, const char *text)
{
  const char *const string = note->text;
  return usable_name(note->name) &&
         describe(wmc_h5_put_strings(group, note->name, 0, NULL, &string), "", text);
}

static bool write_root(hid_t file, const wmc_results *results)
{
  char schema[32];
  snprintf(schema, sizeof schema, "%d.%d", WMC_SCHEMA_MAJOR, WMC_SCHEMA_MINOR);
  if (!wmc_h5_put_text_attribute(file, LAYOUT_CONVENTIONS, "CF-1.8") ||
      !wmc_h5_put_text_attribute(file, LAYOUT_SCHEMA_VERSION, schema))
    return false;
  for (size_t k = 0; k < results->notes; k++)
    if (deck_text(results->note[k].name) == NULL &&
        !wmc_h5_put_text_attribute(file, results->note[k].name, results->note[k].text))
      return false;
  return true;
}

static bool write_deck(hid_t file, const wmc_results *results)
{
  hid_t group = wmc_h5_put_group(file, LAYOUT_DECK);
  if (group < 0) return false;
  bool good = true;
  for (size_t k = 0; good && k < results->notes; k++) {
    const char *text = deck_text(results->note[k].name);
    if (text != NULL) good = write_text(group, &results->note[k], text);
  }
  return wmc_h5_good(H5Gclose(group), LAYOUT_DECK) && good;
}

/* Bytes of the UTF-8 character at `s`, 0 if it is none (overlong, surrogate, too large, cut). */
static size_t character(const unsigned char *s)
{
  static const struct {
    unsigned char mask, lead;
    unsigned long least;
  } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
  for (size_t n = 0; n < sizeof forms / sizeof forms[0]; n++) {
    if ((s[0] & forms[n].mask) != forms[n].lead) continue;
    unsigned long code = s[0] & (unsigned char)~forms[n].mask;
    for (size_t k = 1; k <= n; k++) {
      if ((s[k] & 0xC0) != 0x80) return 0;
      code = code << 6 | (s[k] & 0x3F);
    }
    bool allowed = code >= forms[n].least && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    return allowed ? n + 1 : 0;
  }
  return 0;
}

/* Host names and paths may be in any encoding; readers refuse what is not UTF-8. */
static void replace_foreign_bytes(char *text)
{
  for (size_t n; *text != '\0'; text += n) {
    n = character((const unsigned char *)text);
    if (n > 0) continue;
    *text = '?';
    n = 1;
  }
}

static bool write_provenance(hid_t file, const wmc_results *results)
{
  hid_t group = wmc_h5_put_group(file, LAYOUT_PROVENANCE);
  if (group < 0) return false;
  bool good = true;
  for (size_t k = 0; good && k < results->provenances; k++) {
    wmc_note note = results->provenance[k];
    note.text = wmc_text_copy(note.text);
    if (note.text == NULL) good = wmc_h5_fail("out of memory");
    if (good) replace_foreign_bytes(note.text);
    good = good && write_text(group, &note, note.name);
    wmc_free(note.text);
  }
  return wmc_h5_good(H5Gclose(group), LAYOUT_PROVENANCE) && good;
}

/* Provenance comes last, so that the bytes before it are those of any equal run. */
static bool compose(hid_t file, const wmc_results *results)
{
  bool good = write_root(file, results);
  for (size_t k = 0; good && k < results->groups; k++) good = write_group(file, &results->group[k]);
  return good && write_deck(file, results) && write_provenance(file, results);
}

const char *wmc_results_library(void)
{
  static char text[48];
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  snprintf(text, sizeof text, "HDF5 %u.%u.%u", major, minor, release);
  return text;
}

static wmc_status save(const char *path, hid_t file)
{
  const unsigned char *bytes;
  unsigned char mark[WMC_MARK];
  size_t n;
  if (!wmc_h5_bytes(file, &bytes, &n))
    return wmc_raise(WMC_FAILURE, "%s: cannot be composed: %s", path, wmc_h5_cause());
  wmc_mark_make(mark, bytes, n);
  const wmc_piece pieces[] = {{bytes, n}, {mark, WMC_MARK}};
  return wmc_atomic_write(path, pieces, 2);
}

wmc_status wmc_results_write(const char *path, const wmc_results *results)
{
  wmc_h5_start();
  hid_t file = wmc_h5_compose();
  wmc_status status =
      file >= 0 && compose(file, results)
          ? save(path, file)
          : wmc_raise(WMC_FAILURE, "%s: the results could not be composed (%s); report this", path,
                      wmc_h5_cause());
  if (file >= 0) H5Fclose(file);
  return status;
}
