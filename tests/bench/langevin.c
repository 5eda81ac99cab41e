/* Microseconds a step of every integrator of `balanced`, beside a Langevin step in NumPy.
 *
 * Both do isotropic noise, hidden excess 1, energy |X|^2/2, and take the best of many short rounds,
 * NumPy over a batch of chains. NumPy integrates the entries of X, one decomposition a step; euler
 * integrates singular values and (observable) frames of the same equation. A Metropolis step tries
 * every singular value, the scale and (observable) three rounds of pairs of columns. The last
 * column is NumPy's time over ours. Run with OPENBLAS_NUM_THREADS=1. Usage: bench_langevin [python3
 * that imports numpy] [path of numpy_langevin.py] */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/base/clock.h"
#include "weylmc/models/model.h"
#include "weylmc/numeric/dense.h"

enum { ROUNDS = 200 };

static void set(wmc_value *values, const wmc_model *model, const char *name, const char *text)
{
  wmc_text why = {0};
  int k = wmc_field_find(model->fields, name);
  if (k < 0 || !wmc_field_read(&model->fields[k], text, &values[k], &why)) {
    fprintf(stderr, "%s: %s\n", name, wmc_text_string(&why));
    exit(1);
  }
  values[k].present = true;
}

static void set_number(wmc_value *values, const wmc_model *model, const char *name, double number)
{
  char text[WMC_TEXT_SHORT];
  set(values, model, name, wmc_text_double(text, number));
}

/* Best microseconds a step after thermalisation. */
static double microseconds(int width, int depth, const char *formulation, const char *scheme)
{
  const wmc_model *model = wmc_model_find("balanced");
  wmc_value *values = calloc(wmc_field_count(model->fields), sizeof *values);
  for (const wmc_field *f = model->fields; f->name; f++)
    if (f->standard) set(values, model, f->name, f->standard);
  set_number(values, model, "width", width);
  set_number(values, model, "depth", depth);
  set_number(values, model, "excess", 1);
  set_number(values, model, "step", strcmp(scheme, "euler") == 0 ? 8e-3 / (width + depth) : 0.1);
  set(values, model, "formulation", formulation);
  set(values, model, "scheme", scheme);
  void *chain;
  wmc_stream *stream;
  if (wmc_stream_create(&stream, 1, 0) || model->create(values, &chain)) exit(1);
  model->start(chain, stream);
  long steps = 2 + 40000 / ((long)width * width * width + 16);
  double best = INFINITY;
  if (model->advance(chain, stream, 10 * steps, true)) fputs(wmc_message(), stderr);
  for (int k = 0; k < ROUNDS; k++) {
    double begin = wmc_clock();
    if (model->advance(chain, stream, steps, false)) fputs(wmc_message(), stderr), exit(1);
    best = fmin(best, (wmc_clock() - begin) / (double)steps);
  }
  model->destroy(chain);
  wmc_stream_destroy(stream);
  free(values);
  return 1e6 * best;
}

/* NumPy's microseconds a step, or NaN. */
static double numpy(const char *python, const char *script, int width)
{
  char command[1024], line[256] = "";
  snprintf(command, sizeof command, "OPENBLAS_NUM_THREADS=1 '%s' '%s' %d 4 1 %d 60 5e-4", python,
           script, width, 4096 / width);
  FILE *pipe = popen(command, "r");
  if (pipe == NULL) return NAN;
  if (fgets(line, sizeof line, pipe) == NULL) line[0] = '\0';
  pclose(pipe);
  const char *found = strstr(line, "us_per_step ");
  return found ? atof(found + strlen("us_per_step ")) : NAN;
}

int main(int argc, char **argv)
{
  const char *python = argc > 1 ? argv[1] : "/usr/bin/python3";
  const char *script = argc > 2 ? argv[2] : "tests/bench/numpy_langevin.py";
  const int widths[] = {2, 8, 32}, depths[] = {4, 100, 1000};
  const char *const formulations[] = {"spectrum", "observable"}, *const schemes[] = {"euler",
                                                                                     "metropolis"};
  wmc_blas_start();
  printf(
      "microseconds a step       depth 4   depth 100  depth 1000   NumPy depth 4   NumPy / ours\n");
  for (int w = 0; w < 3; w++) {
    double peer = numpy(python, script, widths[w]);
    for (int f = 0; f < 2; f++)
      for (int s = 0; s < 2; s++) {
        double time[3];
        for (int n = 0; n < 3; n++)
          time[n] = microseconds(widths[w], depths[n], formulations[f], schemes[s]);
        printf("%2d %-10s %-10s %9.3f   %9.3f   %9.3f       %9.3f      %9.1f\n", widths[w],
               formulations[f], schemes[s], time[0], time[1], time[2], peer, peer / time[0]);
        fflush(stdout);
      }
  }
  return 0;
}
