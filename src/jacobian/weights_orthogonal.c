/* Q of a QR factorisation of normal deviates with R_ii > 0 has the Haar law. */
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

static wmc_status create(wmc_source *s)
{
  size_t m = longer(s), n = shorter(s);
  s->store = WMC_ARRAY(double, m *n);
  s->table = WMC_ARRAY(double, n *n);
  s->scratch = WMC_ARRAY(double, wmc_qr_scratch((int)m, (int)n));
  return s->store && s->table && s->scratch ? WMC_OK : wmc_no_memory();
}

static void layer(wmc_source *s, wmc_stream *stream, double *out)
{
  size_t m = longer(s), n = shorter(s);
  double *q = s->store, scale = s->options.scale * sqrt((double)m);
  wmc_stream_normals(stream, m * n, 1, q);
  wmc_qr((int)m, (int)n, q, s->table, s->scratch);
  size_t along_rows = s->options.rows == m ? 1 : n, along_columns = s->options.rows == m ? m : 1;
  for (size_t j = 0; j < n; j++)
    for (size_t i = 0; i < m; i++) out[i * along_rows + j * along_columns] = scale * q[j * m + i];
}

const wmc_source_methods wmc_source_orthogonal = {.create = create, .layer = layer};
