/* Q of a QR factorisation of normal deviates with R_ii > 0 has the Haar law; of complex ones in
 * their real form that of the unitary group. */
#include <math.h>

#include "source.h"
#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

static size_t longer(const wmc_source *s)
{
  return s->options.rows > s->options.columns ? s->options.rows : s->options.columns;
}

static size_t shorter(const wmc_source *s)
{
  return s->options.rows < s->options.columns ? s->options.rows : s->options.columns;
}

/* Room for the real form of a complex matrix; `scratch` begins with the complex deviates. */
static wmc_status create(wmc_source *s)
{
  const size_t m = 2 * longer(s), n = 2 * shorter(s);
  s->store = WMC_ARRAY(double, m *n);
  s->table = WMC_ARRAY(double, n *n);
  s->scratch = WMC_ARRAY(double, m *n + wmc_qr_scratch((int)m, (int)n));
  return s->store && s->table && s->scratch ? WMC_OK : wmc_no_memory();
}

/* `store` <- Haar matrix, in its real form if complex. */
static void draw(wmc_source *s, wmc_stream *stream, size_t parts)
{
  const size_t m = longer(s), n = shorter(s);
  const int rows = (int)(parts * m), columns = (int)(parts * n);
  double *drawn = parts == 2 ? s->scratch : s->store;
  wmc_stream_normals(stream, parts * m * n, 1, drawn);
  if (parts == 2) wmc_complex_form((int)m, (int)n, drawn, s->store);
  wmc_qr(rows, columns, s->store, s->table, s->scratch);
}

static void mode(wmc_source *s, wmc_stream *stream, size_t parts, double *out)
{
  const size_t m = longer(s), n = shorter(s);
  const double scale = s->options.scale * sqrt((double)m);
  const size_t along_rows = s->options.rows == m ? 1 : n,
               along_columns = s->options.rows == m ? m : 1;
  draw(s, stream, parts);
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < m; i++)
      for (size_t part = 0; part < parts; part++)
        out[parts * (i * along_rows + j * along_columns) + part] =
            scale * s->store[parts * j * parts * m + parts * i + part];
}

static void layer(wmc_source *s, wmc_stream *stream, double *out)
{
  const wmc_split *split = &s->options.split;
  for (int k = 0; k < wmc_split_modes(split); k++) {
    const size_t parts = (size_t)wmc_split_parts(split, k);
    mode(s, stream, parts, out);
    out += parts * s->options.rows * s->options.columns;
  }
}

const wmc_source_methods wmc_source_orthogonal = {
    .create = create, .layer = layer, .draws_modes = true};
