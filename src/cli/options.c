#include <stdlib.h>
#include <string.h>

#include "cli.h"

typedef struct option {
  char letter; /* in cli_command.options */
  const char *name, *brief, *value, *text;
  size_t offset; /* of a const char * in cli_arguments */
} option;

static const option options[] = {
    {'o', "--output", "-o", "FILE", "results file, instead of the deck's `output`",
     offsetof(cli_arguments, output)},
    {'w', "--walltime", NULL, "TIME",
     "stop cleanly before so much time has passed (\"2 h\", 01:30:00)",
     offsetof(cli_arguments, walltime)},
    {'s', "--set", NULL, "PATH=VALUE",
     "override a key of the deck, e.g. --set run.draws=100; may be repeated", 0},
    {'b', "--observable", NULL, "NAME", "only this observable",
     offsetof(cli_arguments, observable)},
    {'f', "--form", NULL, "NAME", "fit this form instead of choosing by the data",
     offsetof(cli_arguments, form)},
    {'l', "--from", NULL, "DEPTH", "use depths from here on", offsetof(cli_arguments, from)},
    {'m', "--to", NULL, "DEPTH", "use depths up to here", offsetof(cli_arguments, to)},
};

enum { OPTIONS = sizeof options / sizeof options[0] };

static bool applies(const cli_command *command, const option *o)
{
  return strchr(command->options, o->letter) != NULL;
}

/* The option that `word` names, with or without =VALUE. */
static const option *find_option(const cli_command *command, const char *word, size_t length)
{
  for (size_t k = 0; k < OPTIONS; k++) {
    const option *o = &options[k];
    bool brief = o->brief && strlen(o->brief) == length && strncmp(o->brief, word, length) == 0;
    bool full = strlen(o->name) == length && strncmp(o->name, word, length) == 0;
    if (applies(command, o) && (brief || full)) return o;
  }
  return NULL;
}

static wmc_status unknown_option(const cli_command *command, const char *word)
{
  const char *names[OPTIONS];
  size_t n = 0;
  for (size_t k = 0; k < OPTIONS; k++)
    if (applies(command, &options[k])) names[n++] = options[k].name;
  const char *nearest = wmc_text_nearest(word, names, n);
  return wmc_raise(WMC_USAGE, "weylmc %s: there is no option '%s'%s%s%s; see weylmc %s --help",
                   command->name, word, nearest ? ", did you mean '" : "", nearest ? nearest : "",
                   nearest ? "'?" : "", command->name);
}

static wmc_status store(const option *o, const char *value, cli_arguments *a)
{
  if (o->letter != 's') {
    memcpy((char *)a + o->offset, &value, sizeof value);
    return WMC_OK;
  }
  if (a->sets == CLI_SET_MAX)
    return wmc_raise(WMC_USAGE, "more than %d --set options; write a deck", CLI_SET_MAX);
  a->set[a->sets++] = value;
  return WMC_OK;
}

static wmc_status parse_option(const cli_command *command, int argc, char **argv, int *k,
                               cli_arguments *a)
{
  const char *word = argv[*k], *equals = strchr(word, '=');
  size_t length = equals ? (size_t)(equals - word) : strlen(word);
  const option *o = find_option(command, word, length);
  if (o == NULL) return unknown_option(command, word);
  if (equals != NULL) return store(o, equals + 1, a);
  if (*k + 1 >= argc)
    return wmc_raise(WMC_USAGE, "weylmc %s: option %s needs a value: %s %s", command->name, word,
                     o->name, o->value);
  return store(o, argv[++*k], a);
}

wmc_status cli_parse(const cli_command *command, int argc, char **argv, cli_arguments *a)
{
  bool only_operands = false;
  for (int k = 2; k < argc; k++) {
    const char *word = argv[k];
    if (!only_operands && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
      a->help = true;
      return WMC_OK;
    }
    if (!only_operands && strcmp(word, "--") == 0) {
      only_operands = true;
    } else if (!only_operands && word[0] == '-' && word[1] != '\0') {
      WMC_TRY(parse_option(command, argc, argv, &k, a));
    } else if (a->operands == command->most) {
      return wmc_raise(WMC_USAGE, "weylmc %s: '%s' is one argument too many; usage: weylmc %s %s",
                       command->name, word, command->name, command->operands);
    } else {
      a->operand[a->operands++] = word;
    }
  }
  if (a->operands >= command->least) return WMC_OK;
  return wmc_raise(WMC_USAGE, "weylmc %s: something is missing; usage: weylmc %s %s", command->name,
                   command->name, command->operands);
}

static void help_command(const cli_command *command, wmc_text *out)
{
  wmc_text_append(out, "usage: weylmc %s %s%s\n\n%s\n", command->name, command->operands,
                  command->options[0] ? " [option]..." : "", command->text);
  wmc_table table = {.columns = 2};
  for (size_t k = 0; k < OPTIONS; k++) {
    const option *o = &options[k];
    if (!applies(command, o)) continue;
    wmc_table_cell(&table, "  %s%s%s %s", o->brief ? o->brief : "", o->brief ? ", " : "", o->name,
                   o->value);
    wmc_table_cell(&table, "%s", o->text);
  }
  if (table.count > 0) wmc_text_append(out, "\noptions:\n");
  wmc_table_print(&table, out);
  wmc_table_free(&table);
}

void cli_help(const cli_command *command, wmc_text *out)
{
  if (command != NULL) {
    help_command(command, out);
    return;
  }
  wmc_text_append(out, "weylmc: Monte Carlo for the statistical physics of deep networks\n\n");
  wmc_table table = {.columns = 2};
  for (const cli_command *c = cli_commands; c->name != NULL; c++) {
    wmc_table_cell(&table, "  weylmc %s %s", c->name, c->operands);
    wmc_table_cell(&table, "%s", c->text);
  }
  wmc_table_print(&table, out);
  wmc_table_free(&table);
  wmc_text_append(
      out, "  weylmc --version\n\n"
           "`weylmc COMMAND --help` explains one command, `weylmc explain` the models.\n"
           "Exit codes: 0 complete; 75 stopped cleanly with a checkpoint, run again; 2 usage; "
           "65 bad deck or data;\n73 output cannot be made or is another run's; 74 reading or "
           "writing failed; 1 anything else.\n");
}
