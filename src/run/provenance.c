#include "weylmc/run/provenance.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "build.h"
#include "version.h"
#include "weylmc/base/clock.h"
#include "weylmc/base/memory.h"
#include "weylmc/io/results.h"
#include "weylmc/numeric/dense.h"
#include "weylmc/numeric/random.h"
#include "weylmc/numeric/simd.h"

static const char *mpi_version(void)
{
  static char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int n;
  MPI_Get_library_version(text, &n);
  char *end = strchr(text, ',');
  if (end != NULL) *end = '\0';
  return text;
}

static const char *simd_level(void) { return wmc_simd_name(wmc_simd_level()); }
static const char *program(void) { return "weylmc " WMC_VERSION; }
static const char *commit(void) { return WMC_GIT_COMMIT; }
static const char *compiler(void) { return WMC_COMPILER; }
static const char *flags(void) { return WMC_FLAGS; }

/* What the program is; the same in every run of one binary on one kind of machine. */
static const struct {
  const char *name;
  const char *(*text)(void);
} versions[] = {
    {"program", program},           {"commit", commit},
    {"compiler", compiler},         {"flags", flags},
    {"mpi", mpi_version},           {"hdf5", wmc_results_library},
    {"blas", wmc_blas_description}, {"blas_kernel", wmc_blas_kernel},
    {"simd", simd_level},           {"generator", wmc_stream_description},
};

enum { VERSIONS = sizeof versions / sizeof versions[0] };

void wmc_provenance_versions(wmc_text *out)
{
  for (size_t k = 0; k < VERSIONS; k++)
    wmc_text_append(out, "%-12s %s\n", versions[k].name, versions[k].text());
}

static const char *host(void)
{
  static char name[256];
  if (gethostname(name, sizeof name - 1) != 0) return "unknown";
  return name;
}

static const char *job(void)
{
  const char *id = getenv("SLURM_JOB_ID");
  return id ? id : "none";
}

char *wmc_provenance_start_line(int ranks)
{
  char date[40];
  wmc_clock_date(date);
  wmc_text line = {0};
  wmc_text_append(&line, "%s host %s ranks %d slurm job %s commit %s\n", date, host(), ranks, job(),
                  commit());
  char *copy = wmc_text_copy(wmc_text_string(&line));
  wmc_text_free(&line);
  return copy;
}

static wmc_status set(wmc_results *results, const char *name, const char *format, double value)
{
  wmc_text text = {0};
  wmc_text_append(&text, format, value);
  wmc_status status = wmc_results_set_provenance(results, name, wmc_text_string(&text));
  wmc_text_free(&text);
  return status;
}

wmc_status wmc_provenance_fill(const wmc_plan *plan, const wmc_ledger *ledger, int ranks,
                               wmc_results *results)
{
  char date[40];
  wmc_clock_date(date);
  for (size_t k = 0; k < VERSIONS; k++)
    WMC_TRY(wmc_results_set_provenance(results, versions[k].name, versions[k].text()));
  WMC_TRY(wmc_results_set_provenance(results, "written_at", date));
  WMC_TRY(wmc_results_set_provenance(results, "host", host()));
  WMC_TRY(wmc_results_set_provenance(results, "slurm_job", job()));
  WMC_TRY(wmc_results_set_provenance(results, "deck_path", plan->deck->path));
  WMC_TRY(wmc_results_set_provenance(results, "history", ledger->history ? ledger->history : ""));
  WMC_TRY(set(results, "ranks", "%.0f", ranks));
  WMC_TRY(set(results, "core_seconds", "%.3f", ledger->core_seconds));
  return set(results, "generation", "%.0f", (double)ledger->generation);
}
