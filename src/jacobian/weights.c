#include "weylmc/jacobian/weights.h"

#include <math.h>
#include <string.h>

#include "source.h"
#include "weylmc/base/memory.h"

static void fill_uniform(wmc_stream *stream, size_t n, double scale, double *out)
{
  const double half_width = sqrt(3) * scale;
  wmc_stream_uniforms(stream, n, out);
  for (size_t i = 0; i < n; i++) out[i] = half_width * (2 * out[i] - 1);
}

#define WEIGHT_LAWS(ROW)                                                                           \
  ROW(gaussian, "normal deviates", wmc_stream_normals, NULL, false)                                \
  ROW(rademacher, "signs: +1 or -1 with probability 1/2", wmc_stream_signs, NULL, false)           \
  ROW(uniform, "uniform on an interval around 0", fill_uniform, NULL, false)                       \
  ROW(orthogonal, "orthonormal columns with the Haar law", NULL, &wmc_source_orthogonal, false)    \
  ROW(fractional, "fractional Gaussian noise along the depth", NULL, &wmc_source_fractional, true) \
  ROW(smooth, "smooth random functions of the depth", NULL, &wmc_source_smooth, true)

#define TABLE_ROW(name, text, ...) {#name, text, __VA_ARGS__},
const wmc_weights wmc_weight_laws[] = {WEIGHT_LAWS(TABLE_ROW){0}};
#define NAME_ROW(name, ...) #name,
const char *const wmc_weight_law_names[] = {WEIGHT_LAWS(NAME_ROW) NULL};

const wmc_weights *wmc_weights_find(const char *name)
{
  const wmc_weights *w = wmc_weight_laws;
  while (w->name && strcmp(w->name, name) != 0) w++;
  return w->name ? w : NULL;
}

double wmc_weights_persistence(const wmc_weights *law, double hurst)
{
  if (law->methods == &wmc_source_fractional) return hurst;
  return law->methods == &wmc_source_smooth ? 1 : 0.5;
}

double wmc_weights_memory(const wmc_weights *law, double size, double depth, double modes)
{
  double kept = law->methods == &wmc_source_fractional ? depth
                : law->methods == &wmc_source_smooth   ? 2 * modes + 1
                                                       : 1;
  return (double)sizeof(double) * size * kept;
}

double wmc_weights_cost(const wmc_weights *law, double rows, double columns, double depth,
                        double modes)
{
  const double normal = 20, size = rows * columns;
  if (law->methods == &wmc_source_orthogonal)
    return normal * size + 8 * size * fmin(rows, columns) + 200;
  if (law->methods == &wmc_source_fractional)
    return size * (3 * normal + 10 * log2(2 * depth)); /* the circle is 2 to 4 times the depth */
  if (law->methods == &wmc_source_smooth) return size * 2 * (2 * modes + 1);
  return normal * size;
}

void wmc_source_destroy(wmc_source *s)
{
  if (!s) return;
  wmc_free(s->store);
  wmc_free(s->table);
  wmc_free(s->scratch);
  wmc_transform_destroy(s->transform);
  wmc_free(s);
}

static wmc_status fill(wmc_source *s)
{
  const wmc_source_options *o = &s->options;
  const wmc_source_methods *methods = o->law->methods;
  const size_t entries = o->rows * o->columns, reals = (size_t)wmc_split_reals(&o->split);
  s->size = reals * entries;
  s->scale = o->scale / sqrt((double)reals);
  if (o->split.group > 1 && !(methods && methods->draws_modes))
    WMC_TRY(wmc_transform_create(&s->transform, o->split.group, entries));
  return methods ? methods->create(s) : WMC_OK;
}

wmc_status wmc_source_create(wmc_source **source, const wmc_source_options *options)
{
  wmc_source *s = WMC_NEW(wmc_source);
  *source = s;
  if (!s) return wmc_no_memory();
  s->options = *options;
  wmc_status status = fill(s);
  if (status != WMC_OK) {
    wmc_source_destroy(s);
    *source = NULL;
  }
  return status;
}

void wmc_source_start(wmc_source *s, wmc_stream *stream)
{
  const wmc_source_methods *methods = s->options.law->methods;
  s->layer = 0;
  if (methods && methods->start) methods->start(s, stream);
}

void wmc_source_layers(wmc_source *s, wmc_stream *stream, size_t count, double *out)
{
  const wmc_weights *law = s->options.law;
  if (law->fill)
    law->fill(stream, count * s->size, s->scale, out);
  else
    for (size_t l = 0; l < count; l++, s->layer++)
      law->methods->layer(s, stream, out + l * s->size);
  if (s->transform) wmc_transform_apply(s->transform, count, out, out);
}
