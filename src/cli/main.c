#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "weylmc/base/clock.h"
#include "weylmc/base/signals.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/run/comm.h"
#include "weylmc/run/provenance.h"

const cli_command cli_commands[] = {
    {"run", "DECK", "run a deck, or go on with it: the same command does both", 1, 1, "ows", true,
     cli_run},
    {"check", "DECK", "print the plan of a deck, its memory and its time; run nothing", 1, 1, "osw",
     true, cli_check},
    {"show", "FILE [OBSERVABLE]", "tables of a results file", 1, 2, "", false, cli_show},
    {"fit", "FILE", "extrapolate a results file to infinite depth, print and store the fits", 1, 1,
     "bflm", false, cli_fit},
    {"report", "FILE",
     "what a results file decides: numbers at infinite depth with errors, and verdicts", 1, 1,
     "flm", false, cli_report},
    {"compare", "FILE FILE", "are two results files equal, bit for bit, up to /provenance?", 2, 2,
     "", false, cli_compare},
    {"explain", "[NAME]", "models, their parameters and observables; or one of these", 0, 1, "",
     false, cli_explain},
    {0},
};

static const cli_command *find_command(const char *name)
{
  for (const cli_command *c = cli_commands; c->name != NULL; c++)
    if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

static wmc_status unknown_command(const char *name)
{
  const char *names[16];
  size_t n = 0;
  for (const cli_command *c = cli_commands; c->name != NULL; c++) names[n++] = c->name;
  const char *nearest = wmc_text_nearest(name, names, n);
  return wmc_raise(WMC_USAGE, "weylmc: there is no command '%s'%s%s%s; see weylmc --help", name,
                   nearest ? ", did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static void print(FILE *file, wmc_text *text)
{
  fputs(wmc_text_string(text), file);
  wmc_text_free(text);
}

static int say(wmc_status status)
{
  fputs(wmc_message(), stderr);
  return wmc_exit_code(status);
}

/* Under mpirun every rank gets here; only rank 0 speaks, and MPI is finalised before the code is
 * returned, or mpirun would take a stop with a checkpoint for a crash. A wrong command line is no
 * reason for every rank to say so. */
static int run_with_mpi(const cli_command *command, wmc_status parsed,
                        const cli_arguments *arguments)
{
  int rank;
  MPI_Init(NULL, NULL);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  wmc_status status = wmc_agree(MPI_COMM_WORLD, parsed == WMC_OK ? wmc_blas_start() : parsed);
  if (status == WMC_OK) status = command->run(arguments);
  int code = rank == 0 ? say(status) : wmc_exit_code(status);
  fflush(NULL);
  MPI_Finalize();
  return code;
}

static int run_command(const cli_command *command, int argc, char **argv, double begin)
{
  cli_arguments arguments = {.begin = begin};
  wmc_status status = cli_parse(command, argc, argv, &arguments);
  if (arguments.help) {
    wmc_text text = {0};
    cli_help(command, &text);
    print(stdout, &text);
    return 0;
  }
  if (command->mpi) return run_with_mpi(command, status, &arguments);
  if (status == WMC_OK) status = wmc_blas_start();
  return say(status == WMC_OK ? command->run(&arguments) : status);
}

static int print_version(void)
{
  wmc_text text = {0};
  wmc_provenance_versions(&text);
  print(stdout, &text);
  return 0;
}

int main(int argc, char **argv)
{
  double begin = wmc_clock();
  const char *word = argc > 1 ? argv[1] : "";
  wmc_signals_catch();
  if (strcmp(word, "--version") == 0) return print_version();
  const cli_command *command = find_command(word);
  if (command != NULL) return run_command(command, argc, argv, begin);
  bool asked = strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
  if (asked || argc < 2) {
    wmc_text text = {0};
    cli_help(NULL, &text);
    print(asked ? stdout : stderr, &text);
    return asked ? 0 : wmc_exit_code(WMC_USAGE);
  }
  return say(unknown_command(word));
}
