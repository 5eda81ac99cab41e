#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"

/* ---- freeing ---------------------------------------------------------------------------- */

static void free_strings(char **strings, size_t n)
{
  for (size_t k = 0; strings != NULL && k < n; k++) wmc_free(strings[k]);
  wmc_free(strings);
}

static void free_axis(wmc_axis_data *axis)
{
  wmc_free(axis->name);
  wmc_free(axis->unit);
  wmc_free(axis->text);
  wmc_free(axis->coordinates);
  free_strings(axis->labels, axis->length);
}

static void free_array(wmc_array *array, size_t size)
{
  wmc_free(array->name);
  wmc_free(array->unit);
  wmc_free(array->text);
  wmc_free(array->data);
  free_strings(array->strings, size);
}

static void free_group(wmc_group *group)
{
  for (size_t k = 0; k < group->arrays; k++)
    free_array(&group->array[k], wmc_array_size(group, &group->array[k]));
  for (size_t k = 0; k < group->axes; k++) free_axis(&group->axis[k]);
  free(group->array);
  free(group->axis);
  wmc_free(group->name);
}

static void free_notes(wmc_note *notes, size_t n)
{
  for (size_t k = 0; k < n; k++) {
    wmc_free(notes[k].name);
    wmc_free(notes[k].text);
  }
  free(notes);
}

void wmc_results_free(wmc_results *results)
{
  for (size_t k = 0; k < results->groups; k++) free_group(&results->group[k]);
  free(results->group);
  free_notes(results->note, results->notes);
  free_notes(results->provenance, results->provenances);
  *results = (wmc_results){0};
}

/* ---- finding ---------------------------------------------------------------------------- */

wmc_group *wmc_results_group(const wmc_results *results, const char *name)
{
  for (size_t k = 0; k < results->groups; k++)
    if (strcmp(results->group[k].name, name) == 0) return &results->group[k];
  return NULL;
}

wmc_array *wmc_group_array(const wmc_group *group, const char *name)
{
  for (size_t k = 0; k < group->arrays; k++)
    if (strcmp(group->array[k].name, name) == 0) return &group->array[k];
  return NULL;
}

wmc_array *wmc_group_sibling(const wmc_group *group, const char *name, const char *suffix)
{
  size_t n = strlen(name);
  for (size_t k = 0; k < group->arrays; k++) {
    const char *other = group->array[k].name;
    if (strncmp(other, name, n) == 0 && strcmp(other + n, suffix) == 0) return &group->array[k];
  }
  return NULL;
}

size_t wmc_array_size(const wmc_group *group, const wmc_array *array)
{
  size_t size = 1;
  for (size_t k = 0; k < array->axes; k++) size *= group->axis[array->axis[k]].length;
  return size;
}

static wmc_note *find_note(wmc_note *notes, size_t n, const char *name)
{
  for (size_t k = 0; k < n; k++)
    if (strcmp(notes[k].name, name) == 0) return &notes[k];
  return NULL;
}

const char *wmc_results_note(const wmc_results *results, const char *name)
{
  const wmc_note *note = find_note(results->note, results->notes, name);
  return note != NULL ? note->text : NULL;
}

/* ---- building --------------------------------------------------------------------------- */

/* Room for one more entry; the new pointer, or NULL with the old one still valid. */
static void *grow(void *entries, size_t n, size_t size) { return realloc(entries, (n + 1) * size); }

static char *copy_or_empty(const char *text) { return wmc_text_copy(text != NULL ? text : ""); }

wmc_group *wmc_results_add_group(wmc_results *results, const char *name)
{
  wmc_group *groups = grow(results->group, results->groups, sizeof *groups);
  if (groups == NULL) return NULL;
  results->group = groups;
  groups[results->groups] = (wmc_group){.name = wmc_text_copy(name)};
  if (groups[results->groups].name == NULL) return NULL;
  return &groups[results->groups++];
}

void wmc_results_remove_group(wmc_results *results, const char *name)
{
  wmc_group *group = wmc_results_group(results, name);
  if (group == NULL) return;
  free_group(group);
  size_t after = results->groups - (size_t)(group - results->group) - 1;
  memmove(group, group + 1, after * sizeof *group);
  results->groups--;
}

static bool copy_labels(wmc_axis_data *axis, const char *const *labels)
{
  axis->labels = WMC_ARRAY(char *, axis->length);
  if (axis->labels == NULL) return false;
  for (size_t k = 0; k < axis->length; k++)
    if ((axis->labels[k] = copy_or_empty(labels[k])) == NULL) return false;
  return true;
}

static bool fill_axis(wmc_axis_data *axis, const char *name, const char *unit, const char *text,
                      const double *coordinates, const char *const *labels)
{
  axis->name = wmc_text_copy(name);
  axis->unit = copy_or_empty(unit);
  axis->text = copy_or_empty(text);
  axis->coordinates = WMC_ARRAY(double, axis->length);
  if (axis->name == NULL || axis->unit == NULL || axis->text == NULL || axis->coordinates == NULL)
    return false;
  for (size_t k = 0; k < axis->length; k++)
    axis->coordinates[k] = coordinates != NULL && labels == NULL ? coordinates[k] : (double)k;
  return labels == NULL || copy_labels(axis, labels);
}

long wmc_group_add_axis(wmc_group *group, const char *name, const char *unit, const char *text,
                        size_t length, const double *coordinates, const char *const *labels)
{
  wmc_axis_data *axes = grow(group->axis, group->axes, sizeof *axes);
  if (axes == NULL) return -1;
  group->axis = axes;
  wmc_axis_data axis = {.length = length};
  if (!fill_axis(&axis, name, unit, text, coordinates, labels)) {
    free_axis(&axis);
    return -1;
  }
  axes[group->axes] = axis;
  return (long)group->axes++;
}

wmc_array *wmc_group_add_array(wmc_group *group, const char *name, const char *unit,
                               const char *text, size_t axes, const size_t *axis, bool strings)
{
  wmc_array *arrays = grow(group->array, group->arrays, sizeof *arrays);
  if (arrays == NULL) return NULL;
  group->array = arrays;
  wmc_array array = {.axes = axes};
  for (size_t k = 0; k < axes; k++) array.axis[k] = axis[k];
  size_t size = wmc_array_size(group, &array);
  array.name = wmc_text_copy(name);
  array.unit = copy_or_empty(unit);
  array.text = copy_or_empty(text);
  if (strings)
    array.strings = WMC_ARRAY(char *, size);
  else
    array.data = WMC_ARRAY(double, size);
  if (array.name == NULL || array.unit == NULL || array.text == NULL ||
      (array.data == NULL && array.strings == NULL)) {
    free_array(&array, 0);
    return NULL;
  }
  for (size_t k = 0; !strings && k < size; k++) array.data[k] = NAN;
  arrays[group->arrays] = array;
  return &arrays[group->arrays++];
}

/* Replace the note of this name or append one. */
static wmc_status set_note(wmc_note **notes, size_t *n, const char *name, const char *text)
{
  char *copy = copy_or_empty(text);
  if (copy == NULL) return wmc_no_memory();
  wmc_note *note = find_note(*notes, *n, name);
  if (note != NULL) {
    wmc_free(note->text);
    note->text = copy;
    return WMC_OK;
  }
  wmc_note *more = grow(*notes, *n, sizeof *more);
  if (more != NULL) {
    *notes = more;
    more[*n] = (wmc_note){.name = wmc_text_copy(name), .text = copy};
    if (more[*n].name != NULL) {
      (*n)++;
      return WMC_OK;
    }
  }
  wmc_free(copy);
  return wmc_no_memory();
}

wmc_status wmc_results_set_note(wmc_results *results, const char *name, const char *text)
{
  return set_note(&results->note, &results->notes, name, text);
}

wmc_status wmc_results_set_provenance(wmc_results *results, const char *name, const char *text)
{
  return set_note(&results->provenance, &results->provenances, name, text);
}
