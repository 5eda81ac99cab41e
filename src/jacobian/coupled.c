#include "weylmc/jacobian/coupled.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "residual.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/signals.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/qdt.h"

/* One chain of a pair. */
typedef struct member {
  int depth, done; /* layers in all, and multiplied */
  size_t recorded; /* records taken */
  double weight;
  wmc_qdt **qdt;           /* modes */
  int *layer;              /* records */
  double *values, *growth; /* modes x records x width, modes x records */
  double *x;               /* width: vector of a network; NULL: none is followed */
} member;

struct wmc_coupled {
  wmc_coupled_options o;
  size_t width, records, members;
  size_t modes, size;                 /* size: reals of a layer */
  member member[WMC_COUPLED_MEMBERS]; /* fine, coarse or fine, swapped, coarse */
  size_t finer;                       /* members of the finer depth */
  /* Jacobians of two fine layers and of the coarse one; of networks one at a time */
  double *first, *second, *coarse;
  /* blocks at both depths, parameters of three layers */
  void *fine_state, *coarse_state;
  double *a, *b, *c;
  /* chains of second order: squares of real matrices and of complex ones, and their real form */
  wmc_product *product[2];
  double *square, *form;
};

/* ---- making ------------------------------------------------------------------------------- */

bool wmc_coupled_allowed(const wmc_block *block, const wmc_block_options *o, const char **why)
{
  const bool gaussian = o->weights->fill == wmc_stream_normals;
  const bool fractional = o->weights == wmc_weights_find("fractional");
  *why = NULL;
  if (block->reverse) return true; /* steps: their noise is gaussian whatever the weights are */
  if (!block->join) *why = "this block has no limit to couple depths for";
  if (!gaussian && !fractional) *why = "sums of these weights are not weights of the same law";
  if (o->drop > 0) *why = "the sum of two layers with dropout is not a layer with dropout";
  return *why == NULL;
}

static void destroy_member(member *m, size_t modes)
{
  for (size_t k = 0; m->qdt && k < modes; k++) wmc_qdt_destroy(m->qdt[k]);
  wmc_free(m->qdt);
  wmc_free(m->layer);
  wmc_free(m->values);
  wmc_free(m->growth);
  wmc_free(m->x);
}

void wmc_coupled_destroy(wmc_coupled *c)
{
  if (!c) return;
  double *arrays[] = {c->first, c->second, c->coarse, c->a, c->b, c->c, c->square, c->form};
  for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) wmc_free(arrays[k]);
  for (size_t k = 0; k < WMC_COUPLED_MEMBERS; k++) destroy_member(&c->member[k], c->modes);
  if (c->fine_state) c->o.block->destroy(c->fine_state);
  if (c->coarse_state) c->o.block->destroy(c->coarse_state);
  for (int k = 0; k < 2; k++) wmc_product_destroy(c->product[k]);
  wmc_free(c);
}

static int factor_layers(const wmc_coupled *c, const wmc_block_options *o)
{
  return c->o.block ? wmc_network_factor_layers(c->o.block, o)
                    : wmc_qdt_layers(o->width, wmc_block_variance(o));
}

static wmc_status add_member(wmc_coupled *c, const wmc_block_options *o, double weight,
                             const double *fractions)
{
  member *m = &c->member[c->members++];
  m->depth = o->depth;
  m->weight = weight;
  m->qdt = WMC_ARRAY(wmc_qdt *, c->modes);
  m->layer = WMC_ARRAY(int, c->records);
  m->values = WMC_ARRAY(double, c->modes * c->records * c->width);
  m->growth = WMC_ARRAY(double, c->modes * c->records);
  if (c->o.block && wmc_split_is_trivial(&o->split)) {
    if (!(m->x = WMC_ARRAY(double, c->width))) return wmc_no_memory();
  }
  if (!m->qdt || !m->layer || !m->values || !m->growth) return wmc_no_memory();
  for (size_t k = 0; k < c->records; k++)
    m->layer[k] = wmc_network_record_layer(fractions[k], o->depth);
  for (size_t k = 0; k < c->modes; k++) {
    const bool real = wmc_split_parts(&o->split, (int)k) == 1;
    WMC_TRY((real ? wmc_qdt_create : wmc_qdt_create_complex)(&m->qdt[k], o->width,
                                                             factor_layers(c, o)));
    if (wmc_network_is_extended(c->o.block, o)) WMC_TRY(wmc_qdt_extend(m->qdt[k]));
  }
  return WMC_OK;
}

/* Steps and chains of second order have a partner in which what is left of the order within a layer
 * has the other sign; a coarse layer of second order has nothing of it. */
static wmc_status add_members(wmc_coupled *c, const double *fractions)
{
  wmc_block_options fine = c->o.layers, coarse = c->o.layers;
  const bool steps = c->o.block && c->o.block->reverse;
  const int finer = c->o.paired && (steps || !c->o.block) ? 2 : 1;
  const int coarser = !c->o.paired ? 0 : steps ? 2 : 1;
  coarse.depth /= 2;
  for (int k = 0; k < finer; k++) WMC_TRY(add_member(c, &fine, 1.0 / finer, fractions));
  c->finer = c->members;
  for (int k = 0; k < coarser; k++) WMC_TRY(add_member(c, &coarse, -1.0 / coarser, fractions));
  return WMC_OK;
}

static wmc_status allocate(double **const *arrays, size_t count, size_t size)
{
  for (size_t k = 0; k < count; k++)
    if (!(*arrays[k] = WMC_ARRAY(double, size))) return wmc_no_memory();
  return WMC_OK;
}

static wmc_status create_networks(wmc_coupled *c)
{
  wmc_block_options coarse = c->o.layers;
  coarse.depth /= 2;
  WMC_TRY(c->o.block->create(&c->o.layers, &c->fine_state));
  if (c->o.paired) WMC_TRY(c->o.block->create(&coarse, &c->coarse_state));
  return allocate((double **const[]){&c->a, &c->b, &c->c}, 3,
                  c->o.block->parameters(c->fine_state));
}

static wmc_status create_limit(wmc_coupled *c)
{
  const int d = (int)c->width;
  WMC_TRY(allocate((double **const[]){&c->a, &c->b, &c->c}, 3, c->size));
  WMC_TRY(allocate((double **const[]){&c->square, &c->form}, 2, 4 * c->width * c->width));
  WMC_TRY(wmc_product_create(&c->product[0], d, d, d));
  return wmc_product_create(&c->product[1], 2 * d, d, 2 * d);
}

static wmc_status fill(wmc_coupled *c, const double *fractions)
{
  WMC_TRY(add_members(c, fractions));
  WMC_TRY(allocate((double **const[]){&c->first, &c->second, &c->coarse}, 3, c->size));
  return c->o.block ? create_networks(c) : create_limit(c);
}

wmc_status wmc_coupled_create(wmc_coupled **coupled, const wmc_coupled_options *o, size_t records,
                              const double *fractions)
{
  assert(o->layers.depth % 2 == 0);
  wmc_coupled *c = WMC_NEW(wmc_coupled);
  *coupled = c;
  if (!c) return wmc_no_memory();
  c->o = *o;
  c->width = (size_t)o->layers.width;
  c->records = records;
  c->modes = (size_t)wmc_split_modes(&o->layers.split);
  c->size = (size_t)wmc_split_reals(&o->layers.split) * c->width * c->width;
  wmc_status status = fill(c, fractions);
  if (status != WMC_OK) {
    wmc_coupled_destroy(c);
    *coupled = NULL;
  }
  return status;
}

/* ---- products ------------------------------------------------------------------------------ */

static size_t mode_parts(const wmc_coupled *c, size_t k)
{
  return (size_t)wmc_split_parts(&c->o.layers.split, (int)k);
}

static bool take_record(const wmc_coupled *c, const member *m, size_t record)
{
  bool good = true;
  for (size_t k = 0; k < c->modes && good; k++) {
    const size_t at = k * c->records + record;
    good = wmc_qdt_values(m->qdt[k], m->values + at * c->width, m->growth + at);
  }
  return good;
}

static bool multiply(wmc_coupled *c, size_t which, const double *jacobian)
{
  member *m = &c->member[which];
  for (size_t k = 0; k < c->modes; k++) {
    wmc_qdt_multiply(m->qdt[k], 1, jacobian);
    jacobian += mode_parts(c, k) * c->width * c->width;
  }
  m->done++;
  if (m->recorded == c->records || m->done != m->layer[m->recorded]) return true;
  if (take_record(c, m, m->recorded++)) return true;
  wmc_raise(WMC_FAILURE,
            "the product of the Jacobians of layers 1 to %d of %d is singular or not finite; use "
            "a smaller variance or time, or a larger multilevel.coarsest",
            m->done, m->depth);
  return false;
}

/* ---- layers of networks, and steps ------------------------------------------------------------
 */

static void start_networks(wmc_coupled *c, wmc_stream *stream)
{
  c->o.block->start(c->fine_state, stream);
  if (!c->member[0].x) return;
  wmc_draw_direction(stream, c->width, sqrt(c->o.layers.input_norm2), c->member[0].x);
  for (size_t k = 1; k < c->members; k++)
    memcpy(c->member[k].x, c->member[0].x, c->width * sizeof *c->member[k].x);
}

static bool take_layer(wmc_coupled *c, size_t which, const double *parameters)
{
  const wmc_block_options *o = &c->o.layers;
  double *x = c->member[which].x;
  void *state = which < c->finer ? c->fine_state : c->coarse_state;
  c->o.block->forward(state, parameters, x, c->first);
  if (x && o->activation->homogeneous && o->norm == WMC_NORM_NONE) wmc_tame(c->width, x);
  return multiply(c, which, c->first);
}

/* The partners take the same layers in the other order and reversed. */
static bool take_reversed(wmc_coupled *c)
{
  const wmc_block *block = c->o.block;
  double *const numbers[] = {c->a, c->b, c->c};
  for (int k = 0; k < 3; k++) block->reverse(c->fine_state, numbers[k]);
  return take_layer(c, 1, c->b) && take_layer(c, 1, c->a) && take_layer(c, c->finer + 1, c->c);
}

static bool network_layers(wmc_coupled *c, wmc_stream *stream)
{
  const wmc_block *block = c->o.block;
  block->draw(c->fine_state, stream, c->a);
  block->draw(c->fine_state, stream, c->b);
  if (!take_layer(c, 0, c->a) || !take_layer(c, 0, c->b)) return false;
  if (!c->o.paired) return true;
  block->join(c->fine_state, c->coarse_state, c->a, c->b, c->c);
  return take_layer(c, c->finer, c->c) && (!block->reverse || take_reversed(c));
}

/* ---- layers of second order ---------------------------------------------------------------- */

/* a a, of numbers of `parts` reals. */
static void make_square(wmc_coupled *c, size_t parts, const double *a)
{
  const double *left = a;
  if (parts == 2) {
    wmc_complex_form((int)c->width, (int)c->width, a, c->form);
    left = c->form;
  }
  wmc_product_apply(c->product[parts - 1], left, a, c->square);
}

/* J = I + A + (A^2 + shift s^2 I)/2, A = sG; E G^2 = 0 for complex G. */
static void second_order_mode(wmc_coupled *c, size_t parts, const double *a, double s2,
                              double *jacobian)
{
  const size_t d = c->width;
  const double diagonal = 1 + (parts == 1 ? 0.5 * c->o.shift * s2 : 0);
  make_square(c, parts, a);
  for (size_t k = 0; k < parts * d * d; k++) jacobian[k] = a[k] + 0.5 * c->square[k];
  for (size_t i = 0; i < d; i++) jacobian[parts * i * (d + 1)] += diagonal;
}

static void second_order(wmc_coupled *c, const double *a, double s2, double *jacobian)
{
  size_t first = 0;
  for (size_t k = 0; k < c->modes; k++) {
    second_order_mode(c, mode_parts(c, k), a + first, s2, jacobian + first);
    first += mode_parts(c, k) * c->width * c->width;
  }
}

/* s G of all modes: numbers of variance s^2, whichever parts they have. */
static void draw_limit(wmc_coupled *c, wmc_stream *stream, double s2, double *a)
{
  for (size_t k = 0; k < c->modes; k++) {
    const size_t parts = mode_parts(c, k), size = parts * c->width * c->width;
    wmc_stream_normals(stream, size, sqrt(s2 / (double)parts), a);
    a += size;
  }
}

static bool limit_layers(wmc_coupled *c, wmc_stream *stream)
{
  const double s2 = wmc_block_variance(&c->o.layers);
  draw_limit(c, stream, s2, c->a);
  draw_limit(c, stream, s2, c->b);
  second_order(c, c->a, s2, c->first);
  second_order(c, c->b, s2, c->second);
  if (!multiply(c, 0, c->first) || !multiply(c, 0, c->second)) return false;
  if (!c->o.paired) return true;
  for (size_t k = 0; k < c->size; k++) c->c[k] = c->a[k] + c->b[k];
  second_order(c, c->c, 2 * s2, c->coarse);
  return multiply(c, 1, c->second) && multiply(c, 1, c->first) && multiply(c, 2, c->coarse);
}

/* ---- a draw --------------------------------------------------------------------------------- */

bool wmc_coupled_draw(wmc_coupled *c, wmc_stream *stream)
{
  for (size_t k = 0; k < c->members; k++) {
    c->member[k].done = 0;
    c->member[k].recorded = 0;
    for (size_t m = 0; m < c->modes; m++) wmc_qdt_start(c->member[k].qdt[m]);
  }
  if (c->o.block) start_networks(c, stream);
  for (int l = 0; l < c->o.layers.depth / 2; l++) {
    const bool good = (c->o.block ? network_layers : limit_layers)(c, stream);
    if (!good || wmc_signals_urgent()) return false;
  }
  return true;
}

size_t wmc_coupled_members(const wmc_coupled *c) { return c->members; }
double wmc_coupled_weight(const wmc_coupled *c, size_t m) { return c->member[m].weight; }
const double *wmc_coupled_values(const wmc_coupled *c, size_t m) { return c->member[m].values; }
const double *wmc_coupled_growth(const wmc_coupled *c, size_t m) { return c->member[m].growth; }
