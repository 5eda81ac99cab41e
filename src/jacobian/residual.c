#include "residual.h"

#include <math.h>
#include <string.h>

#include "averages.h"
#include "source.h"

const char *const wmc_norm_names[] = {"none", "rms", "layer", NULL};

double wmc_block_exponent(const wmc_block_options *o)
{
  return o->exponent > 0 ? o->exponent : wmc_weights_persistence(o->weights, o->hurst);
}

double wmc_block_variance(const wmc_block_options *o)
{
  double exponent = wmc_block_exponent(o), step = o->time / o->depth;
  return exponent == 0.5 ? o->variance * step : o->variance * pow(step, 2 * exponent);
}

/* ---- parts -------------------------------------------------------------------------------- */

/* Four columns at a time: y is read and written less often. */
void wmc_add_product(size_t m, size_t n, const double *restrict a, const double *restrict x,
                     double *restrict y)
{
  size_t j = 0;
  for (; j + 4 <= n; j += 4, a += 4 * m)
    for (size_t i = 0; i < m; i++)
      y[i] +=
          (a[i] * x[j] + a[m + i] * x[j + 1]) + (a[2 * m + i] * x[j + 2] + a[3 * m + i] * x[j + 3]);
  for (; j < n; j++, a += m)
    for (size_t i = 0; i < m; i++) y[i] += a[i] * x[j];
}

void wmc_add_number_product(size_t parts, size_t m, size_t n, const double *a, const double *x,
                            double *y)
{
  if (parts == 1) {
    wmc_add_product(m, n, a, x, y);
    return;
  }
  for (size_t j = 0; j < n; j++, a += 2 * m)
    for (size_t i = 0; i < 2 * m; i += 2) {
      y[i] += a[i] * x[2 * j] - a[i + 1] * x[2 * j + 1];
      y[i + 1] += a[i + 1] * x[2 * j] + a[i] * x[2 * j + 1];
    }
}

void wmc_add_identity(size_t parts, size_t width, double *a)
{
  for (size_t i = 0; i < width; i++) a[parts * i * (width + 1)] += 1;
}

void wmc_scale_rows(size_t m, size_t n, const double *factor, const double *a, double *out)
{
  for (size_t j = 0; j < n; j++, a += m, out += m)
    for (size_t i = 0; i < m; i++) out[i] = factor[i] * a[i];
}

static double norm_of(size_t n, const double *x)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  return sqrt(sum);
}

void wmc_draw_direction(wmc_stream *stream, size_t n, double norm, double *x)
{
  wmc_stream_normals(stream, n, 1, x);
  double factor = norm / norm_of(n, x);
  for (size_t i = 0; i < n; i++) x[i] *= factor;
}

void wmc_tame(size_t n, double *x)
{
  const double far = 0x1p300;
  double norm = norm_of(n, x), factor = norm > far ? 1 / far : norm < 1 / far ? far : 1;
  for (size_t i = 0; factor != 1 && i < n; i++) x[i] *= factor;
}

/* ---- making ------------------------------------------------------------------------------- */

void wmc_residual_destroy(void *state)
{
  wmc_residual *b = state;
  if (!b) return;
  double *arrays[] = {b->x, b->drawn, b->u, b->y, b->slopes, b->active, b->masked, b->form};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  for (int k = 0; k < WMC_BRANCH_MATRICES; k++) wmc_source_destroy(b->source[k]);
  for (int k = 0; k < 2; k++) wmc_product_destroy(b->product[k]);
  wmc_free(b);
}

static wmc_status create_sources(wmc_residual *b, const wmc_block_options *o, const double *scale)
{
  wmc_source_options options = {.law = o->weights,
                                .rows = b->hidden,
                                .columns = b->width,
                                .depth = o->depth,
                                .scale = scale[0],
                                .hurst = o->hurst,
                                .modes = o->modes,
                                .split = o->split};
  WMC_TRY(wmc_source_create(&b->source[0], &options));
  if (scale[1] == 0) return WMC_OK;
  options.rows = b->width;
  options.columns = b->hidden;
  options.scale = scale[1];
  WMC_TRY(wmc_source_create(&b->source[1], &options));
  const int d = (int)b->width, n = (int)b->hidden;
  WMC_TRY(wmc_product_create(&b->product[0], d, d, n));
  return wmc_product_create(&b->product[1], 2 * d, d, 2 * n);
}

static wmc_status allocate(wmc_residual *b)
{
  const size_t d = b->width, n = b->hidden, reals = (size_t)wmc_split_reals(&b->split);
  double **vectors[] = {&b->x, &b->u, &b->y};
  bool failed = false;
  for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
    failed |= !(*vectors[k] = WMC_ARRAY(double, reals *d));
  failed |= !(b->drawn = WMC_ARRAY(double, b->together * b->weights + reals * d));
  failed |= !(b->slopes = WMC_ARRAY(double, n));
  failed |= !(b->active = WMC_ARRAY(double, n));
  failed |= !(b->masked = WMC_ARRAY(double, n *d));
  if (b->source[1] && reals > 1) failed |= !(b->form = WMC_ARRAY(double, 4 * n * d));
  return failed ? wmc_no_memory() : WMC_OK;
}

/* Weights of narrow layers are cheapest drawn in bulk; masks would come in between. */
static size_t layers_together(const wmc_residual *b, const wmc_block_options *o)
{
  const size_t bulk = 512, narrow = 64;
  return o->weights->fill && o->drop == 0 && o->split.group <= 1 && b->weights <= narrow
             ? bulk / b->weights
             : 1;
}

wmc_status wmc_residual_create(const wmc_branch *branch, const wmc_block_options *o, void **state)
{
  wmc_residual *b = WMC_NEW(wmc_residual);
  *state = b;
  if (!b) return wmc_no_memory();
  double scale[WMC_BRANCH_MATRICES];
  branch->scales(o, scale);
  bool two = scale[1] != 0;
  b->branch = branch;
  b->width = (size_t)o->width;
  b->hidden = (size_t)(two ? o->hidden : o->width);
  b->split = o->split;
  const size_t reals = (size_t)wmc_split_reals(&b->split);
  b->weights = reals * b->width * b->hidden * (two ? 2 : 1);
  b->activation = o->activation;
  b->slope = o->slope;
  b->outer_scale = sqrt(wmc_block_variance(o) / o->inner_variance);
  b->inner_variance = o->inner_variance;
  b->keep = 1 - o->drop;
  b->input_norm = sqrt(o->input_norm2);
  b->norm = o->norm;
  b->follows = (branch->vector || o->norm != WMC_NORM_NONE) && wmc_split_is_trivial(&b->split);
  b->together = layers_together(b, o);
  for (int k = 0; k < WMC_BRANCH_MATRICES; k++) b->scale[k] = scale[k] / sqrt((double)reals);
  wmc_status status = create_sources(b, o, scale);
  if (status == WMC_OK) status = allocate(b);
  if (status == WMC_OK) return WMC_OK;
  wmc_residual_destroy(b);
  *state = NULL;
  return status;
}

void wmc_residual_start(void *state, wmc_stream *stream)
{
  wmc_residual *b = state;
  for (int k = 0; k < WMC_BRANCH_MATRICES; k++)
    if (b->source[k]) wmc_source_start(b->source[k], stream);
  if (b->follows) wmc_draw_direction(stream, b->width, b->input_norm, b->x);
}

size_t wmc_residual_parameters(const void *state)
{
  const wmc_residual *b = state;
  return b->weights + (b->keep < 1 ? b->width * (size_t)wmc_split_reals(&b->split) : 0);
}

/* ---- a layer ------------------------------------------------------------------------------ */

/* u = N(x); returns |x|, or |x - mean|. */
static double normalise(size_t d, wmc_norm norm, const double *x, double *u)
{
  double mean = 0;
  for (size_t i = 0; norm == WMC_NORM_LAYER && i < d; i++) mean += x[i] / (double)d;
  for (size_t i = 0; i < d; i++) u[i] = x[i] - mean;
  double length = norm_of(d, u), factor = sqrt((double)d) / length;
  for (size_t i = 0; i < d; i++) u[i] *= factor;
  return length;
}

/* A <- A - a b^T with a = A b / |b|^2: what of A acts on b is taken away. */
static void project_out(size_t d, double *a, const double *b, double *image)
{
  double square = 0;
  memset(image, 0, d * sizeof *image);
  wmc_add_product(d, d, a, b, image);
  for (size_t j = 0; j < d; j++) square += b[j] * b[j];
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++) a[j * d + i] -= image[i] * (b[j] / square);
}

/* A <- A DN, with DN = (sqrt(d)/length)(P - u u^T/|u|^2); P = 1, or takes out the mean. */
static void differentiate_norm(wmc_residual *b, double length, double *a)
{
  size_t d = b->width;
  double factor = sqrt((double)d) / length;
  project_out(d, a, b->u, b->active);
  if (b->norm == WMC_NORM_LAYER) {
    for (size_t i = 0; i < d; i++) b->u[i] = 1;
    project_out(d, a, b->u, b->active);
  }
  for (size_t i = 0; i < d * d; i++) a[i] *= factor;
}

/* One mode: its first matrix is `weights`. Vectors are left alone where x is NULL. */
static void forward_mode(wmc_residual *b, const double *weights, const double *mask, double *x,
                         double *jacobian)
{
  const size_t rows = b->parts * b->width;
  bool normed = b->norm != WMC_NORM_NONE, dropped = b->keep < 1;
  double length = normed ? normalise(b->width, b->norm, x, b->u) : 1;
  memset(b->y, 0, rows * sizeof(double));
  b->branch->apply(b, weights, normed ? b->u : x, x ? b->y : NULL, jacobian);
  if (normed) differentiate_norm(b, length, jacobian);
  if (dropped) wmc_scale_rows(rows, b->width, mask, jacobian, jacobian);
  for (size_t i = 0; x && i < rows; i++) x[i] += dropped ? mask[i] * b->y[i] : b->y[i];
  wmc_add_identity(b->parts, b->width, jacobian);
}

void wmc_residual_forward(void *state, const double *parameters, double *x, double *jacobian)
{
  wmc_residual *b = state;
  const size_t d = b->width, size = d * b->hidden, half = b->weights / 2;
  size_t reals = 0;
  for (int k = 0; k < wmc_split_modes(&b->split); k++, reals += b->parts) {
    b->parts = (size_t)wmc_split_parts(&b->split, k);
    b->second = parameters + half + reals * size;
    forward_mode(b, parameters + reals * size, parameters + b->weights, x ? x + reals * d : NULL,
                 jacobian + reals * d * d);
  }
}

/* One decision for a number, for all its parts. */
static void draw_mask(wmc_residual *b, wmc_stream *stream, double *mask)
{
  const size_t parts = (size_t)wmc_split_reals(&b->split);
  wmc_stream_uniforms(stream, b->width, mask);
  for (size_t i = b->width * parts; i-- > 0;) mask[i] = mask[i / parts] < b->keep ? 1 / b->keep : 0;
}

/* Without normalisation and dropout the Jacobians of a linear branch are all there is. */
static void bare_layers(wmc_residual *b, wmc_stream *stream, size_t count, double *jacobians)
{
  wmc_source_layers(b->source[0], stream, count, jacobians);
  for (int k = 0; k < wmc_split_modes(&b->split); k++) {
    const size_t parts = (size_t)wmc_split_parts(&b->split, k);
    for (size_t l = 0; l < count; l++)
      wmc_add_identity(parts, b->width, jacobians + l * b->weights);
    jacobians += parts * b->width * b->width;
  }
}

/* The same deviates in the same order as matrix by matrix. */
static void draw_bulk(wmc_residual *b, wmc_stream *stream, size_t count)
{
  const size_t half = b->weights / 2;
  const double ratio = b->scale[1] / b->scale[0];
  b->source[0]->options.law->fill(stream, count * b->weights, b->scale[0], b->drawn);
  for (size_t l = 0; b->source[1] && l < count; l++) {
    double *outer = b->drawn + l * b->weights + half;
    for (size_t i = 0; i < half; i++) outer[i] *= ratio;
  }
}

void wmc_residual_draw(void *state, wmc_stream *stream, double *parameters)
{
  wmc_residual *b = state;
  wmc_source_layers(b->source[0], stream, 1, parameters);
  if (b->source[1]) wmc_source_layers(b->source[1], stream, 1, parameters + b->weights / 2);
  if (b->keep < 1) draw_mask(b, stream, parameters + b->weights);
}

void wmc_join_weights(const wmc_source *fine, const wmc_source *coarse, const double *a,
                      const double *b, double *out)
{
  const wmc_source_options *f = &fine->options, *c = &coarse->options;
  const double factor = c->scale / f->scale * pow(2, -wmc_weights_persistence(f->law, f->hurst));
  const size_t size = f->rows * f->columns * (size_t)wmc_split_reals(&f->split);
  for (size_t k = 0; k < size; k++) out[k] = factor * (a[k] + b[k]);
}

void wmc_residual_join(const void *fine, const void *coarse, const double *a, const double *b,
                       double *out)
{
  const wmc_residual *f = fine, *c = coarse;
  const size_t half = f->weights / 2;
  wmc_join_weights(f->source[0], c->source[0], a, b, out);
  if (f->source[1]) wmc_join_weights(f->source[1], c->source[1], a + half, b + half, out + half);
}

void wmc_residual_layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  wmc_residual *b = state;
  if (!b->follows && b->keep == 1 && !b->source[1]) {
    bare_layers(b, stream, count, jacobians);
    return;
  }
  const size_t size = (size_t)wmc_split_reals(&b->split) * b->width * b->width;
  for (size_t done = 0; done < count;) {
    size_t now = count - done < b->together ? count - done : b->together;
    if (b->together > 1)
      draw_bulk(b, stream, now);
    else
      wmc_residual_draw(b, stream, b->drawn);
    for (size_t l = 0; l < now; l++, done++)
      wmc_residual_forward(b, b->drawn + l * b->weights, b->follows ? b->x : NULL,
                           jacobians + done * size);
  }
  if (b->activation->homogeneous && b->norm == WMC_NORM_NONE) wmc_tame(b->width, b->x);
}

/* ---- what branches share ----------------------------------------------------------------------
 */

void wmc_residual_scales(const wmc_block_options *o, double scale[WMC_BRANCH_MATRICES])
{
  scale[0] = sqrt(wmc_block_variance(o));
  scale[1] = 0;
}

void wmc_residual_activate(wmc_residual *b, size_t n, const double *weights, const double *u,
                           double *y)
{
  memset(b->active, 0, n * sizeof *b->active);
  wmc_add_product(n, b->width, weights, u, b->active);
  b->activation->apply(n, b->slope, b->active, y, b->slopes);
}

/* ---- covariance of the next layer ----------------------------------------------------------- */

void wmc_residual_covariance_inner(wmc_residual *b, const double *u, double *out)
{
  const size_t d = b->width;
  const double length = norm_of(d, u);
  wmc_averages mean;
  wmc_averages_at(b->activation, b->slope, b->inner_variance * length * length, &mean);
  const double a = mean.tangential, radial = mean.radial;
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++)
      out[j * d + i] = (i == j ? a : 0) + (radial - a) * (u[i] / length) * (u[j] / length);
}

static void transpose(size_t d, double *a)
{
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < j; i++) {
      double t = a[j * d + i];
      a[j * d + i] = a[i * d + j];
      a[i * d + j] = t;
    }
}

/* The branch has C; with N before it DN^T C DN, and with dropout 1/p times that. */
void wmc_residual_covariance(void *state, double *out)
{
  wmc_residual *b = state;
  const size_t d = b->width;
  const bool normed = b->norm != WMC_NORM_NONE;
  memset(out, 0, d * d * sizeof *out);
  for (size_t i = 0; i < d; i++) out[i * (d + 1)] = 1;
  const double length = normed ? normalise(d, b->norm, b->x, b->u) : 1;
  if (b->branch->covariance) b->branch->covariance(b, normed ? b->u : b->x, out);
  for (int side = 0; normed && side < 2; side++) {
    normalise(d, b->norm, b->x, b->u);
    differentiate_norm(b, length, out);
    transpose(d, out);
  }
  for (size_t i = 0; b->keep < 1 && i < d * d; i++) out[i] /= b->keep;
}

/* ---- bounds and costs --------------------------------------------------------------------- */

double wmc_residual_linear_variance(const wmc_block_options *o)
{
  double variance = wmc_block_variance(o) / (1 - o->drop);
  return o->norm == WMC_NORM_NONE ? variance : 4 * variance * o->width / o->input_norm2;
}

double wmc_residual_variance(const wmc_block_options *o)
{
  double steepest = wmc_activation_steepest(o->activation, o->slope);
  return steepest * steepest * wmc_residual_linear_variance(o);
}

/* In flops that take as long. */
static double cost_of(const wmc_block_options *o, double matrices, double hidden)
{
  const double activation = 40;
  double weights = matrices * wmc_split_reals(&o->split) *
                   wmc_weights_cost(o->weights, hidden, o->width, o->depth, o->modes);
  double passes = (o->norm == WMC_NORM_NONE ? 0 : 8) + (o->drop > 0 ? 1 : 0);
  return weights + activation * o->width + passes * o->width * o->width;
}

double wmc_residual_cost(const wmc_block_options *o) { return cost_of(o, 1, o->width); }

double wmc_residual_cost_two(const wmc_block_options *o)
{
  return cost_of(o, 2, o->hidden) +
         wmc_split_work(&o->split) * 2.0 * o->width * o->hidden * o->width;
}
