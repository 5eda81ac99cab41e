#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "weylmc/deck/deck.h"

static void append_fields(const char *title, const wmc_field *fields, wmc_text *out)
{
  wmc_table table = {.columns = 5};
  static const char *const header[] = {"  key", "allowed", "default", "unit", "meaning"};
  for (size_t k = 0; k < 5; k++) wmc_table_cell(&table, "%s", header[k]);
  for (const wmc_field *f = fields; f->name != NULL; f++) {
    wmc_text range = {0};
    wmc_field_print_range(f, &range);
    wmc_table_cell(&table, "  %s", f->name);
    wmc_table_cell(&table, "%s%s", wmc_text_string(&range), f->sweep ? ", or a sweep" : "");
    wmc_table_cell(&table, "%s", f->standard ? f->standard : f->required ? "required" : "-");
    wmc_table_cell(&table, "%s", f->unit ? f->unit : "");
    wmc_table_cell(&table, "%s%s%s%s%s%s%s", f->text, f->only ? " (only with " : "",
                   f->only ? f->only : "", f->only ? ")" : "", f->needs ? " (needs " : "",
                   f->needs ? f->needs : "", f->needs ? ")" : "");
    wmc_text_free(&range);
  }
  wmc_text_append(out, "%s\n", title);
  wmc_table_print(&table, out);
  wmc_table_free(&table);
}

static void axes_cell(const wmc_model *model, const int axis[WMC_OBSERVABLE_AXES], wmc_table *table)
{
  wmc_text axes = {0};
  for (size_t k = 0; k < wmc_axes_count(axis); k++)
    wmc_text_append(&axes, "%s%s", k ? ", " : "", model->axes[axis[k]].name);
  wmc_table_cell(table, "%s", axes.length ? wmc_text_string(&axes) : "-");
  wmc_text_free(&axes);
}

static void append_observables(const wmc_model *model, wmc_text *out)
{
  wmc_table table = {.columns = 4};
  static const char *const header[] = {"  observable", "axes", "unit", "meaning"};
  for (size_t k = 0; k < 4; k++) wmc_table_cell(&table, "%s", header[k]);
  for (const wmc_observable *o = model->observables; o->name != NULL; o++) {
    wmc_table_cell(&table, "  %s", o->name);
    axes_cell(model, o->axis, &table);
    wmc_table_cell(&table, "%s", o->unit);
    wmc_table_cell(&table, "%s%s", o->text, o->expected ? " (exact value known)" : "");
  }
  wmc_text_append(out, "\nobservables:\n");
  wmc_table_print(&table, out);
  wmc_table_free(&table);
}

static void append_derived(const wmc_model *model, wmc_text *out)
{
  wmc_table table = {.columns = 4};
  static const char *const header[] = {"  name", "axes", "unit", "meaning"};
  if (model->derived == NULL) return;
  for (size_t k = 0; k < 4; k++) wmc_table_cell(&table, "%s", header[k]);
  for (const wmc_derived *d = model->derived; d->name != NULL; d++) {
    wmc_table_cell(&table, "  %s", d->name);
    axes_cell(model, d->axis, &table);
    wmc_table_cell(&table, "%s", d->unit);
    wmc_table_cell(&table, "%s%s", d->text, d->expected ? " (exact value known)" : "");
  }
  wmc_text_append(out, "\nderived from averages, with errors by a jackknife:\n");
  wmc_table_print(&table, out);
  wmc_table_free(&table);
}

static void append_model(const wmc_model *model, wmc_text *out)
{
  wmc_text_append(out, "%s: %s\nreference: %s\n\n", model->name, model->text, model->reference);
  append_fields("parameters:", model->fields, out);
  append_observables(model, out);
  append_derived(model, out);
}

static void append_overview(wmc_text *out)
{
  append_fields("keys of a deck (`weylmc explain deck`):", wmc_deck_fields, out);
  append_fields("\nkeys of run:", wmc_run_fields, out);
  wmc_text_append(out, "\nmodels (`weylmc explain MODEL` lists parameters and observables):\n");
  for (size_t k = 0; wmc_models[k] != NULL; k++)
    wmc_text_append(out, "  %s: %s\n", wmc_models[k]->name, wmc_models[k]->text);
}

static bool is_part(const wmc_field *field, const char *group)
{
  const size_t length = strlen(group);
  return strncmp(field->name, group, length) == 0 && field->name[length] == '.';
}

/* The parts of a group of parameters, in every model that has it. */
static bool append_group(const char *group, wmc_text *out)
{
  enum { MOST = 32 };
  const size_t before = out->length;
  for (size_t k = 0; wmc_models[k] != NULL; k++) {
    wmc_field parts[MOST + 1] = {{0}};
    size_t n = 0;
    for (const wmc_field *f = wmc_models[k]->fields; f->name != NULL; f++)
      if (is_part(f, group) && n < MOST) parts[n++] = *f;
    if (n == 0) continue;
    wmc_text_append(out, "parameters of %s:\n", wmc_models[k]->name);
    append_fields("", parts, out);
  }
  return out->length > before;
}

/* One parameter or observable, in every model that has it. */
static bool append_entry(const char *name, wmc_text *out)
{
  size_t before = out->length;
  for (size_t k = 0; wmc_models[k] != NULL; k++) {
    const wmc_model *model = wmc_models[k];
    int field = wmc_field_find(model->fields, name);
    if (field >= 0) {
      const wmc_field one[2] = {model->fields[field], {0}};
      wmc_text_append(out, "parameter of %s:\n", model->name);
      append_fields("", one, out);
    }
    for (const wmc_observable *o = model->observables; o->name != NULL; o++)
      if (strcmp(o->name, name) == 0)
        wmc_text_append(out, "observable of %s: %s [%s]: %s\n", model->name, o->name, o->unit,
                        o->text);
    for (const wmc_derived *d = model->derived; d != NULL && d->name != NULL; d++)
      if (strcmp(d->name, name) == 0)
        wmc_text_append(out, "derived quantity of %s: %s [%s]: %s\n", model->name, d->name, d->unit,
                        d->text);
  }
  return out->length > before;
}

static wmc_status unknown_name(const char *name)
{
  enum { MOST = 256 };
  const char *names[MOST];
  size_t n = 0;
  names[n++] = "deck";
  for (size_t k = 0; wmc_models[k] != NULL && n < MOST; k++) {
    names[n++] = wmc_models[k]->name;
    for (const wmc_field *f = wmc_models[k]->fields; f->name && n < MOST; f++) names[n++] = f->name;
    for (const wmc_observable *o = wmc_models[k]->observables; o->name && n < MOST; o++)
      names[n++] = o->name;
    for (const wmc_derived *d = wmc_models[k]->derived; d && d->name && n < MOST; d++)
      names[n++] = d->name;
  }
  const char *nearest = wmc_text_nearest(name, names, n);
  return wmc_raise(WMC_USAGE,
                   "weylmc explain: there is no model, parameter or observable '%s'%s%s%s; "
                   "`weylmc explain` lists the models",
                   name, nearest ? ", did you mean '" : "", nearest ? nearest : "",
                   nearest ? "'?" : "");
}

wmc_status cli_explain(const cli_arguments *a)
{
  wmc_text text = {0};
  const char *name = a->operands > 0 ? a->operand[0] : "deck";
  const wmc_model *model = wmc_model_find(name);
  wmc_status status = WMC_OK;
  if (strcmp(name, "deck") == 0)
    append_overview(&text);
  else if (model != NULL)
    append_model(model, &text);
  else {
    const bool entry = append_entry(name, &text), group = append_group(name, &text);
    if (!entry && !group) status = unknown_name(name);
  }
  fputs(wmc_text_string(&text), stdout);
  wmc_text_free(&text);
  return status;
}
