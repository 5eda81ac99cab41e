#include <math.h>
#include <string.h>

#include "source.h"
#include "weylmc/base/memory.h"

static const double PI = 3.14159265358979323846;

static wmc_status create(wmc_source *s)
{
  size_t terms = 2 * (size_t)s->options.modes + 1;
  s->store = WMC_ARRAY(double, terms * s->size);
  return s->store ? WMC_OK : wmc_no_memory();
}

/* Coefficients a_0, a_1, b_1, a_2, ...: one matrix each. */
static void start(wmc_source *s, wmc_stream *stream)
{
  int modes = s->options.modes;
  size_t terms = 2 * (size_t)modes + 1;
  wmc_stream_normals(stream, terms * s->size, s->scale / sqrt(modes + 1.0), s->store);
}

static void add(size_t n, double factor, const double *term, double *out)
{
  for (size_t i = 0; i < n; i++) out[i] += factor * term[i];
}

void wmc_source_smooth_at(const wmc_source *s, double t, double *out)
{
  memcpy(out, s->store, s->size * sizeof *out);
  for (int k = 1; k <= s->options.modes; k++) {
    const double *pair = s->store + (2 * (size_t)k - 1) * s->size;
    add(s->size, cos(PI * k * t), pair, out);
    add(s->size, sin(PI * k * t), pair + s->size, out);
  }
}

static void layer(wmc_source *s, wmc_stream *stream, double *out)
{
  (void)stream;
  wmc_source_smooth_at(s, (s->layer + 1.0) / s->options.depth, out);
}

const wmc_source_methods wmc_source_smooth = {.create = create, .start = start, .layer = layer};
