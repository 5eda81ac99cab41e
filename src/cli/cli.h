/** @file cli.h  The command line: subcommands and their options are tables. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/io/results.h"
#include "weylmc/run/extrapolate.h"

enum { CLI_SET_MAX = 64, CLI_OPERANDS_MAX = 2 };

/** What was said on the command line after the subcommand. */
typedef struct cli_arguments {
  size_t operands;
  const char *operand[CLI_OPERANDS_MAX];
  const char *output, *walltime, *observable, *form, *from, *to;
  size_t sets;
  const char *set[CLI_SET_MAX];
  bool help;
  double begin; /* wmc_clock() when the program started */
} cli_arguments;

typedef struct cli_command {
  const char *name, *operands, *text;
  size_t least, most;  /* number of operands */
  const char *options; /* letters of the options that apply, see options.c */
  bool mpi;            /* needs MPI_Init */
  wmc_status (*run)(const cli_arguments *);
} cli_command;

/** All subcommands, ended by a NULL name. */
extern const cli_command cli_commands[];

wmc_status cli_run(const cli_arguments *arguments);
wmc_status cli_check(const cli_arguments *arguments);
wmc_status cli_show(const cli_arguments *arguments);
wmc_status cli_fit(const cli_arguments *arguments);
wmc_status cli_report(const cli_arguments *arguments);
wmc_status cli_compare(const cli_arguments *arguments);
wmc_status cli_explain(const cli_arguments *arguments);

/** The range of depths and the form that options ask for. */
wmc_status cli_extrapolation(const cli_arguments *arguments, wmc_extrapolation *request);
/** Seconds of --walltime; 0 if it was not given. WMC_USAGE (message) if it is not a time. */
wmc_status cli_walltime(const cli_arguments *arguments, double *seconds);
/** Parse argv[2..] for a command; WMC_USAGE (message) with the nearest valid option. */
wmc_status cli_parse(const cli_command *command, int argc, char **argv, cli_arguments *arguments);
/** Help for all commands (NULL) or one. */
void cli_help(const cli_command *command, wmc_text *out);

/** Tables of a results file: one line for each point of the sweep (observable NULL), or one for
 * each entry of an observable. WMC_USAGE (message) for an unknown observable. */
wmc_status cli_show_results(const wmc_results *results, const char *observable, wmc_text *out);
/** What readers of a results file must not miss, a line for each warning; nothing without. */
void cli_show_warnings(const wmc_results *results, wmc_text *out);
/** A line that says what ? means behind numbers of fewer than WMC_STUDENT_STEADY degrees of
 * freedom. */
void cli_explain_few(wmc_text *out);
/** Table of the group `fits`, after an empty line if `out` holds something; nothing without fits.
 */
void cli_show_fits(const wmc_results *results, const char *observable, wmc_text *out);
