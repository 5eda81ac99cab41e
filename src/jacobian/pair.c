#include "weylmc/jacobian/pair.h"

#include <math.h>
#include <string.h>

#include "pair.h"

/* ---- making ------------------------------------------------------------------------------- */

static size_t normals(size_t d) { return d + d * d; }
static size_t signs(size_t d) { return d * (d - 1) / 2 + d * d + d + 1; }

static void destroy(void *state)
{
  wmc_pair *p = state;
  if (!p) return;
  double *arrays[] = {p->x,      p->drawn,  p->gradient,     p->up,           p->down,
                      p->moved,  p->delta,  p->axis,         p->values,       p->slopes,
                      p->curves, p->image,  p->amplified,    p->rest.front,   p->rest.diagonal,
                      p->first,  p->second, p->rest.axis[0], p->rest.axis[1], p->bent,
                      p->area,   p->noise,  p->square,       p->remainder,    p->part,
                      p->whole};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  wmc_averages_table_destroy(p->table);
  wmc_product_destroy(p->product);
  wmc_free(p);
}

static wmc_status allocate(wmc_pair *p)
{
  const size_t d = p->d;
  double **vectors[] = {&p->x,          &p->gradient,      &p->up,           &p->down,
                        &p->moved,      &p->delta,         &p->axis,         &p->values,
                        &p->slopes,     &p->curves,        &p->image,        &p->amplified,
                        &p->rest.front, &p->rest.diagonal, &p->rest.axis[0], &p->rest.axis[1]};
  double **matrices[] = {&p->first,  &p->second,    &p->bent, &p->area, &p->noise,
                         &p->square, &p->remainder, &p->part, &p->whole};
  bool failed = !(p->drawn = WMC_ARRAY(double, normals(d) + signs(d)));
  for (size_t k = 0; k < sizeof vectors / sizeof *vectors; k++)
    failed |= !(*vectors[k] = WMC_ARRAY(double, d));
  for (size_t k = 0; k < sizeof matrices / sizeof *matrices; k++)
    failed |= !(*matrices[k] = WMC_ARRAY(double, d *d));
  return failed ? wmc_no_memory() : wmc_product_create(&p->product, (int)d, (int)d, (int)d);
}

static void set(wmc_pair *p, const wmc_pair_row *row, const wmc_block_options *o)
{
  p->row = row;
  p->d = (size_t)o->width;
  p->h = o->time / o->depth;
  p->root = sqrt(p->h);
  p->variance = o->variance / (1 - o->drop);
  p->layer_variance = o->variance;
  p->input_norm = sqrt(o->input_norm2);
  p->norm = o->norm;
  p->slope = o->slope;
  p->inner_variance = o->inner_variance;
  p->tame = p->activation->homogeneous && o->norm == WMC_NORM_NONE;
}

/* Axes that are taken out behind a norm: e, and the mean. */
static void set_axes(wmc_pair *p)
{
  for (size_t i = 0; i < p->d; i++) p->rest.axis[1][i] = 1 / sqrt((double)p->d);
  p->rest.part[0] = p->norm != WMC_NORM_NONE;
  p->rest.part[1] = p->norm == WMC_NORM_LAYER;
}

static wmc_status create(const wmc_pair_row *row, const wmc_activation *activation, bool averaged,
                         const wmc_block_options *o, void **state)
{
  wmc_pair *p = WMC_NEW(wmc_pair);
  *state = p;
  if (!p) return wmc_no_memory();
  p->activation = activation;
  p->averaged = averaged;
  set(p, row, o);
  wmc_status status = allocate(p);
  if (status == WMC_OK) {
    set_axes(p);
    status = row->prepare(p, o);
  }
  if (status == WMC_OK) return WMC_OK;
  destroy(p);
  *state = NULL;
  return status;
}

static void start(void *state, wmc_stream *stream)
{
  wmc_pair *p = state;
  wmc_draw_direction(stream, p->d, p->input_norm, p->x);
}

static size_t parameters(const void *state)
{
  const wmc_pair *p = state;
  return normals(p->d) + signs(p->d);
}

/* ---- the first part: x moves ---------------------------------------------------------------- */

/* The random numbers of a step. */
typedef struct deviates {
  const double *b, *g;                       /* d and d x d, normal */
  const double *area, *levy, *probe, *order; /* V below the diagonal, G', n, one sign */
} deviates;

static deviates split(size_t d, const double *numbers)
{
  deviates r = {.b = numbers, .g = numbers + d, .area = numbers + normals(d)};
  r.levy = r.area + d * (d - 1) / 2;
  r.probe = r.levy + d * d;
  r.order = r.probe + d;
  return r;
}

static double dot(size_t n, const double *a, const double *b)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

/* k at x + side sqrt(h) k n, and its gradient there. */
static double beside(wmc_pair *p, const double *x, const double *probe, double reach,
                     double *gradient)
{
  for (size_t i = 0; i < p->d; i++) p->moved[i] = x[i] + reach * probe[i];
  return p->row->amplitude(p, p->moved, gradient);
}

/* p(x), and its gradient in `amplified`. */
static double amplify(wmc_pair *p, const double *x, const double *probe)
{
  const size_t d = p->d;
  const double k = p->row->amplitude(p, x, p->gradient);
  const double up = beside(p, x, probe, p->root * k, p->up),
               down = beside(p, x, probe, -p->root * k, p->down);
  const double turn = p->root * (dot(d, p->up, probe) - dot(d, p->down, probe));
  for (size_t i = 0; i < d; i++)
    p->amplified[i] = 0.5 * p->gradient[i] + 0.25 * (p->up[i] + p->down[i] + turn * p->gradient[i]);
  return k + 0.25 * (up + down - 2 * k);
}

/* Q = b b^T - 1 + V, times h. */
static void set_area(wmc_pair *p, const deviates *r, double *area)
{
  const size_t d = p->d;
  const double *v = r->area;
  for (size_t j = 0; j < d; j++) {
    area[j * (d + 1)] = p->h * (r->b[j] * r->b[j] - 1);
    for (size_t i = j + 1; i < d; i++, v++) {
      const double even = r->b[i] * r->b[j];
      area[j * d + i] = p->h * (even + *v);
      area[i * d + j] = p->h * (even - *v);
    }
  }
}

/* x <- x', jacobian <- J_1; false if J_1 = 1. */
static bool move(wmc_pair *p, const deviates *r, double *x, double *jacobian)
{
  const size_t d = p->d;
  const bool curved = p->row->bend != NULL;
  const double size =
      p->root * (curved ? amplify(p, x, r->probe) : p->row->amplitude(p, x, p->gradient));
  if (curved) {
    p->row->bend(p, x, p->delta, p->bent);
    set_area(p, r, p->area);
    wmc_product_apply(p->product, p->area, p->bent, jacobian);
    wmc_add_product(d, d, p->area, p->delta, x);
    for (size_t j = 0; j < d; j++)
      for (size_t i = 0; i < d; i++)
        jacobian[j * d + i] += p->root * r->b[i] * p->amplified[j] + (i == j);
  }
  for (size_t i = 0; i < d; i++) x[i] += size * r->b[i] + p->h * p->drift;
  return curved;
}

/* ---- the second part: x stands -------------------------------------------------------------- */

/* A <- A (1 - part e f^T). */
static void take_out(wmc_pair *p, double part, const double *e, double *a)
{
  const size_t d = p->d;
  if (part == 0) return;
  memset(p->image, 0, d * sizeof *p->image);
  wmc_add_product(d, d, a, e, p->image);
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++) a[j * d + i] -= part * p->image[i] * e[j];
}

/* A <- A R. */
static void times_remainder(wmc_pair *p, double *a)
{
  const size_t d = p->d;
  take_out(p, p->row == &wmc_pair_columns, p->rest.front, a);
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++) a[j * d + i] *= p->rest.diagonal[j];
  for (int k = 0; k < 2; k++) take_out(p, p->rest.part[k], p->rest.axis[k], a);
}

/* `remainder` <- R^T R; returns its trace. */
static double set_covariance(wmc_pair *p)
{
  const size_t d = p->d;
  double *r = p->remainder, trace = 0;
  memset(r, 0, d * d * sizeof *r);
  wmc_add_identity(1, d, r);
  times_remainder(p, r);
  for (size_t j = 0; j < d; j++) {
    for (size_t i = 0; i < d; i++) trace += r[j * d + i] * r[j * d + i];
    for (size_t i = 0; i < j; i++) {
      double t = r[j * d + i];
      r[j * d + i] = r[i * d + j];
      r[i * d + j] = t;
    }
  }
  times_remainder(p, r);
  return trace;
}

static double trace_of(size_t d, const double *a)
{
  double sum = 0;
  for (size_t i = 0; i < d; i++) sum += a[i * (d + 1)];
  return sum;
}

/* jacobian <- J_2 at x; false if it is 1. */
static bool spread(wmc_pair *p, const deviates *r, const double *x, double *jacobian)
{
  const size_t d = p->d;
  p->row->remainder(p, x);
  const double trace = set_covariance(p);
  if (trace == 0) return false;
  const double size = sqrt(trace);
  for (size_t i = 0; i < d * d; i++) p->noise[i] = p->root * r->g[i];
  times_remainder(p, p->noise);
  wmc_product_apply(p->product, p->noise, p->noise, p->square);
  memcpy(p->area, r->levy, d * d * sizeof *p->area);
  times_remainder(p, p->area);
  const double levy = 0.5 * p->h * size, mean = 0.5 * p->h * (1 + trace_of(d, p->area) / size);
  for (size_t i = 0; i < d * d; i++)
    jacobian[i] = p->noise[i] + 0.5 * p->square[i] + levy * p->area[i] - mean * p->remainder[i];
  wmc_add_identity(1, d, jacobian);
  return true;
}

/* ---- a step --------------------------------------------------------------------------------- */

static void combine(wmc_pair *p, const double *later, const double *earlier, double *jacobian)
{
  const size_t bytes = p->d * p->d * sizeof *jacobian;
  if (later && earlier) {
    wmc_product_apply(p->product, later, earlier, jacobian);
  } else if (later || earlier) {
    memcpy(jacobian, later ? later : earlier, bytes);
  } else {
    memset(jacobian, 0, bytes);
    wmc_add_identity(1, p->d, jacobian);
  }
}

static void forward(void *state, const double *numbers, double *x, double *jacobian)
{
  wmc_pair *p = state;
  const deviates r = split(p->d, numbers);
  const bool move_first = *r.order > 0;
  bool spreads = !move_first && spread(p, &r, x, p->second);
  const bool moves = move(p, &r, x, p->first);
  if (move_first) spreads = spread(p, &r, x, p->second);
  const double *first = moves ? p->first : NULL, *second = spreads ? p->second : NULL;
  combine(p, move_first ? second : first, move_first ? first : second, jacobian);
}

static void draw(void *state, wmc_stream *stream, double *numbers)
{
  const wmc_pair *p = state;
  wmc_stream_normals(stream, normals(p->d), 1, numbers);
  wmc_stream_signs(stream, signs(p->d), 1, numbers + normals(p->d));
}

static void join(const void *fine, const void *coarse, const double *a, const double *b,
                 double *out)
{
  const wmc_pair *p = fine;
  const size_t all = normals(p->d);
  (void)coarse;
  for (size_t i = 0; i < all; i++) out[i] = (a[i] + b[i]) / sqrt(2);
  memcpy(out + all, a + all, signs(p->d) * sizeof *out);
}

/* V, G' and the order; the probe n comes in pairs already. */
static void reverse(const void *state, double *numbers)
{
  const size_t d = ((const wmc_pair *)state)->d, areas = d * (d - 1) / 2 + d * d;
  double *sign = numbers + normals(d);
  for (size_t k = 0; k < areas; k++) sign[k] = -sign[k];
  sign[areas + d] = -sign[areas + d];
}

/* Share of the rest of a step that may be taken at once. Behind a norm C grows like 1/|x|^2 where
 * |x| is smaller than at the start, and steps shrink with |x|^2. */
static double share_of(wmc_pair *p, double rest)
{
  const double least = 0x1p-24;
  const double directions = (double)p->d - (p->norm == WMC_NORM_LAYER);
  if (p->norm == WMC_NORM_NONE || directions < 2) return rest;
  const double length = wmc_pair_direction(p, p->x, p->axis) / p->input_norm;
  return fmin(rest, fmax(least, length * length));
}

static void set_step(wmc_pair *p, double h)
{
  p->h = h;
  p->root = sqrt(h);
}

static void layers(void *state, wmc_stream *stream, size_t count, double *jacobians)
{
  wmc_pair *p = state;
  const size_t d = p->d;
  const double h = p->h;
  for (size_t l = 0; l < count; l++, jacobians += d * d) {
    double share = share_of(p, 1);
    set_step(p, h * share);
    draw(p, stream, p->drawn);
    forward(p, p->drawn, p->x, jacobians);
    for (double rest = 1 - share; rest > 0; rest -= share) {
      share = share_of(p, rest);
      set_step(p, h * share);
      draw(p, stream, p->drawn);
      forward(p, p->drawn, p->x, p->part);
      wmc_product_apply(p->product, p->part, jacobians, p->whole);
      memcpy(jacobians, p->whole, d * d * sizeof *jacobians);
    }
  }
  set_step(p, h);
  if (p->tame) wmc_tame(d, p->x);
}

/* C = grad k grad k^T + R^T R for each unit of sigma^2. */
static void covariance(void *state, double *out)
{
  wmc_pair *p = state;
  const size_t d = p->d;
  p->row->amplitude(p, p->x, p->gradient);
  p->row->remainder(p, p->x);
  set_covariance(p);
  for (size_t j = 0; j < d; j++)
    for (size_t i = 0; i < d; i++)
      out[j * d + i] =
          (p->remainder[j * d + i] + p->gradient[i] * p->gradient[j]) / p->layer_variance;
}

/* ---- blocks --------------------------------------------------------------------------------- */

static double cost(const wmc_block_options *o)
{
  const double d = o->width, normal = 20, passes = 30;
  return (normal + passes) * d * d + 6 * d * d * d;
}

static const wmc_pair_row *radial_row(const wmc_block_options *o)
{
  return o->norm == WMC_NORM_NONE ? &wmc_pair_radial : &wmc_pair_steady;
}

#define STEPS(block, row, activation, averaged)                                                    \
  static wmc_status create_##block(const wmc_block_options *o, void **state)                       \
  {                                                                                                \
    return create(row, activation, averaged, o, state);                                            \
  }                                                                                                \
  static const wmc_block steps_##block = {.name = #block,                                          \
                                          .text = "a step of the limit of block " #block,          \
                                          .create = create_##block,                                \
                                          .destroy = destroy,                                      \
                                          .start = start,                                          \
                                          .layers = layers,                                        \
                                          .parameters = parameters,                                \
                                          .forward = forward,                                      \
                                          .covariance = covariance,                                \
                                          .draw = draw,                                            \
                                          .join = join,                                            \
                                          .reverse = reverse,                                      \
                                          .layer_variance = wmc_residual_variance,                 \
                                          .cost = cost}

STEPS(linear, radial_row(o), wmc_activation_find("linear"), false);
STEPS(one_layer, &wmc_pair_columns, o->activation, false);
STEPS(two_layer, radial_row(o), o->activation, true);
STEPS(inside, radial_row(o), o->activation, false);
STEPS(outer, radial_row(o), o->activation, true);

const wmc_block *wmc_pair_block(const wmc_block *block)
{
  static const struct {
    const wmc_block *block, *steps;
  } table[] = {{&wmc_block_linear, &steps_linear},
               {&wmc_block_one_layer, &steps_one_layer},
               {&wmc_block_two_layer, &steps_two_layer},
               {&wmc_block_inside, &steps_inside},
               {&wmc_block_outer, &steps_outer}};
  for (size_t k = 0; k < sizeof table / sizeof *table; k++)
    if (table[k].block == block) return table[k].steps;
  return NULL;
}

/* ---- how many steps ---------------------------------------------------------------------------
 */

static bool on_steps(double steps, size_t records, const double *fractions)
{
  const double rounding = 1e-9;
  bool all = true;
  for (size_t k = 0; k < records; k++) {
    const double at = fractions[k] * steps;
    all &= fabs(at - round(at)) < rounding * steps;
  }
  return all;
}

int wmc_steps_to_records(double least, size_t records, const double *fractions)
{
  const double most = 1e9, farthest = 1e5; /* longer searches find nothing in decks */
  const double first = fmax(1, ceil(least));
  for (double steps = first; steps <= fmin(most, first + farthest); steps++)
    if (on_steps(steps, records, fractions)) return (int)steps;
  return 0;
}

int wmc_pair_steps(const wmc_block_options *options, double resolution, size_t records,
                   const double *fractions)
{
  const double each = 8;
  wmc_block_options o = *options;
  o.depth = 1;
  const double variance = wmc_residual_variance(&o) / (o.norm == WMC_NORM_NONE ? 1 : 4);
  return wmc_steps_to_records(resolution * each * o.width * variance, records, fractions);
}
