/* Integrators whose state is the singular value decomposition of a complex X; docs/theory/
 * equivariant.md, eqs. (E5)-(E7). */
#include "balanced_complex.h"

#include <math.h>

#include "balanced_dynamics.h"
#include "weylmc/base/memory.h"

static const double pi = 3.14159265358979323846;

enum { FRESH_STEPS = 64 };

/* --- State ----------------------------------------------------------------------------------- */

size_t wmc_unitary_room(const wmc_shape *shape, const wmc_energy *energy)
{
  const size_t m = (size_t)shape->rows, n = (size_t)shape->columns, r = (size_t)shape->rank;
  const size_t span = m > n ? m : n;
  const size_t more = (energy->plain ? 0 : 2 * n * n) + (energy->masked ? 2 * m * n : 0);
  return 2 * (m * m + n * n + m * n) + more + 2 * r + 2 * r * span;
}

/* Uniform deviates of one step; more than the normal ones. */
static size_t deviates(int rank, int span)
{
  const size_t r = (size_t)rank, pairs = r * (size_t)span;
  return 2 * r + 2 + 2 * r + 6 * pairs;
}

static void lay_out(wmc_balanced *chain, double *room)
{
  wmc_unitary *frames = chain->unitary;
  const int m = chain->rows, n = chain->columns, r = chain->x.rank, turns = r * chain->span;
  frames->u = (wmc_complex *)room;
  frames->v = frames->u + m * m;
  frames->g = frames->v + n * n;
  wmc_complex *next = frames->g + m * n;
  if (!chain->energy.plain) {
    frames->h = next;
    next += n * n;
  }
  if (chain->energy.masked) {
    frames->x = next;
    next += m * n;
  }
  frames->tilt = (double *)next;
  frames->phase_step = frames->tilt + r;
  frames->turn_first = frames->phase_step + r;
  frames->turn_second = frames->turn_first + turns;
}

wmc_status wmc_unitary_create(wmc_balanced *chain, double *room)
{
  const size_t entries = (size_t)(chain->rows * chain->columns);
  wmc_unitary *frames = chain->unitary = WMC_NEW(wmc_unitary);
  if (frames == NULL) return wmc_no_memory();
  lay_out(chain, room);
  frames->linear = WMC_ARRAY(wmc_complex, entries);
  frames->force = WMC_ARRAY(wmc_complex, entries);
  frames->scratch = WMC_ARRAY(wmc_complex, 3 * entries);
  frames->deviates = WMC_ARRAY(double, deviates(chain->x.rank, chain->span));
  frames->slope = WMC_ARRAY(double, (size_t)chain->x.rank);
  if (!frames->linear || !frames->force || !frames->scratch || !frames->deviates || !frames->slope)
    return wmc_no_memory();
  for (size_t k = 0; k < entries; k++)
    frames->linear[k] = chain->energy.linear[k] + I * chain->energy.linear_imaginary[k];
  return WMC_OK;
}

void wmc_unitary_destroy(wmc_unitary *frames)
{
  if (frames == NULL) return;
  wmc_free(frames->linear);
  wmc_free(frames->scratch);
  wmc_free(frames->deviates);
  wmc_free(frames->force);
  wmc_free(frames->slope);
  wmc_free(frames);
}

/* --- Frames ---------------------------------------------------------------------------------- */

static wmc_complex dot(int n, const wmc_complex *x, const wmc_complex *y)
{
  wmc_complex sum = 0;
  for (int i = 0; i < n; i++) sum += conj(x[i]) * y[i];
  return sum;
}

/* Gram-Schmidt, twice. Of a Gaussian matrix: a Haar unitary one. */
static void orthonormalise(int n, wmc_complex *q)
{
  for (int j = 0; j < n; j++) {
    wmc_complex *column = q + j * n;
    for (int k = 0; k < 2 * j; k++) {
      const wmc_complex *other = q + k % j * n, along = dot(n, other, column);
      for (int i = 0; i < n; i++) column[i] -= along * other[i];
    }
    const double length = sqrt(creal(dot(n, column, column)));
    for (int i = 0; i < n; i++) column[i] /= length;
  }
}

static void set_tilt(const wmc_balanced *chain, int k)
{
  const wmc_unitary *frames = chain->unitary;
  frames->tilt[k] = creal(frames->g[k * (chain->rows + 1)]);
}

void wmc_unitary_orthonormalise(wmc_balanced *chain)
{
  orthonormalise(chain->rows, chain->unitary->u);
  orthonormalise(chain->columns, chain->unitary->v);
  chain->counts[WMC_COUNT_FRESH] = 0;
}

void wmc_unitary_refresh(wmc_balanced *chain)
{
  wmc_unitary_orthonormalise(chain);
  wmc_unitary_project(chain);
}

void wmc_unitary_refresh_if_due(wmc_balanced *chain)
{
  chain->counts[WMC_COUNT_FRESH] += 1;
  if (chain->counts[WMC_COUNT_FRESH] >= FRESH_STEPS) wmc_unitary_refresh(chain);
}

void wmc_unitary_start(wmc_balanced *chain, wmc_stream *stream)
{
  wmc_unitary *frames = chain->unitary;
  const size_t m = (size_t)chain->rows, n = (size_t)chain->columns;
  const double size = fmin(chain->step, 1);
  wmc_balanced_start_spectrum(chain, stream);
  wmc_stream_normals(stream, 2 * m * m, 1, (double *)frames->u);
  wmc_stream_normals(stream, 2 * n * n, 1, (double *)frames->v);
  wmc_unitary_refresh(chain);
  for (int k = 0; k < chain->x.rank; k++) frames->phase_step[k] = size;
  for (int k = 0; k < chain->x.rank * chain->span; k++)
    frames->turn_first[k] = frames->turn_second[k] = size;
}

/* Rows of G = U^* B V and H = V^* C V turn by the conjugate. */
static void turn_rows(int m, int n, int i, int j, const wmc_unitary_turn *t, wmc_complex *g)
{
  const wmc_unitary_turn back = {t->c, conj(t->s)};
  for (int k = 0; k < n; k++) wmc_unitary_turn_columns(1, &back, g + k * m + i, g + k * m + j);
}

void wmc_unitary_turn_frames(wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                             const wmc_unitary_turn *b)
{
  wmc_unitary *frames = chain->unitary;
  const int m = chain->rows, n = chain->columns;
  wmc_unitary_turn_matrix(chain, i, j, a, b);
  if (j < m) {
    wmc_unitary_turn_columns(m, a, frames->u + i * m, frames->u + j * m);
    turn_rows(m, n, i, j, a, frames->g);
  }
  if (j < n) {
    wmc_unitary_turn_columns(n, b, frames->v + i * n, frames->v + j * n);
    wmc_unitary_turn_columns(m, b, frames->g + i * m, frames->g + j * m);
  }
  if (j < n && frames->h) {
    wmc_unitary_turn_columns(n, b, frames->h + i * n, frames->h + j * n);
    turn_rows(n, n, i, j, b, frames->h);
  }
  set_tilt(chain, i);
  if (j < chain->x.rank) set_tilt(chain, j);
}

void wmc_unitary_turn_phase(wmc_balanced *chain, int k, wmc_complex phase)
{
  wmc_unitary *frames = chain->unitary;
  const int m = chain->rows;
  wmc_unitary_shift_matrix(chain, k, chain->x.sigma[k] * (phase - 1));
  for (int i = 0; i < m; i++) frames->u[k * m + i] *= phase;
  for (int j = 0; j < chain->columns; j++) frames->g[j * m + k] *= conj(phase);
  set_tilt(chain, k);
}

static void swap(int n, int stride, wmc_complex *x, wmc_complex *y)
{
  for (int i = 0; i < n * stride; i += stride) {
    const wmc_complex t = x[i];
    x[i] = y[i];
    y[i] = t;
  }
}

void wmc_unitary_swap_columns(wmc_balanced *chain, int k)
{
  const wmc_unitary *f = chain->unitary;
  const int m = chain->rows, n = chain->columns;
  swap(m, 1, f->u + (k - 1) * m, f->u + k * m);
  swap(n, 1, f->v + (k - 1) * n, f->v + k * n);
  swap(m, 1, f->g + (k - 1) * m, f->g + k * m);
  swap(n, m, f->g + k - 1, f->g + k);
  if (f->h) {
    swap(n, 1, f->h + (k - 1) * n, f->h + k * n);
    swap(n, n, f->h + k - 1, f->h + k);
  }
  set_tilt(chain, k - 1);
  set_tilt(chain, k);
}

/* Change of sum sigma_k^2 H_kk / 2 when columns i, j of V turn. */
static double weight_change(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *b)
{
  const wmc_complex *h = chain->unitary->h;
  const int n = chain->columns;
  if (h == NULL || j >= n) return 0;
  const double si = chain->x.sigma[i], sj = j < chain->x.rank ? chain->x.sigma[j] : 0;
  const double gap = creal(h[j * (n + 1)] - h[i * (n + 1)]), across = creal(b->s * conj(b->s));
  const double more = across * gap + 2 * b->c * creal(b->s * h[j * n + i]);
  return 0.5 * (si * si - sj * sj) * more;
}

/* Re G_kk of both columns after the turn, weighed with sigma; outside G counts as zero. */
static double tilt_change(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                          const wmc_unitary_turn *b)
{
  const wmc_complex *g = chain->unitary->g;
  const double *sigma = chain->x.sigma;
  const int m = chain->rows;
  const bool row = j < m, column = j < chain->columns;
  const wmc_complex ii = g[i * m + i], ij = column ? g[j * m + i] : 0, ji = row ? g[i * m + j] : 0;
  const wmc_complex jj = row && column ? g[j * m + j] : 0, s = conj(a->s);
  /* the rows turn, then the columns */
  const wmc_complex top = a->c * ii + s * ji, top_j = a->c * ij + s * jj;
  double change = sigma[i] * creal(ii - b->c * top - b->s * top_j);
  if (j >= chain->x.rank) return change;
  const wmc_complex low = a->c * jj - conj(s) * ij, low_i = a->c * ji - conj(s) * ii;
  return change + sigma[j] * creal(jj - b->c * low + conj(b->s) * low_i);
}

double wmc_unitary_turn_change(const wmc_balanced *chain, int i, int j, const wmc_unitary_turn *a,
                               const wmc_unitary_turn *b)
{
  return tilt_change(chain, i, j, a, b) + weight_change(chain, i, j, b) +
         wmc_unitary_mask_turn(chain, i, j, a, b);
}

double wmc_unitary_trace_target(const wmc_balanced *chain)
{
  const wmc_unitary *frames = chain->unitary;
  const int m = chain->rows, n = chain->columns;
  double sum = 0;
  for (int k = 0; k < chain->x.rank; k++)
    for (int j = 0; j < n; j++)
      for (int i = 0; i < m; i++) {
        const int at = j * m + i;
        const wmc_complex phi = chain->energy.target[at] + I * chain->energy.target_imaginary[at];
        sum += chain->x.sigma[k] * creal(conj(frames->u[k * m + i]) * phi * frames->v[k * n + j]);
      }
  return sum;
}

/* --- Metropolis ------------------------------------------------------------------------------ */

static double coldness(const wmc_balanced *chain)
{
  return chain->law.beta / chain->law.horizontal;
}

static void tune(double *size, bool accepted, double gain)
{
  if (!(gain > 0)) return;
  wmc_balanced_tune(size, accepted, gain);
  *size = fmin(*size, 1);
}

/* The relative phase of columns k of U and V. */
static void move_phase(wmc_balanced *chain, int k, const double uniform[2], double gain)
{
  double *size = &chain->unitary->phase_step[k];
  const wmc_complex phase = cexp(I * pi * *size * (2 * uniform[0] - 1));
  const wmc_complex g = chain->unitary->g[k * (chain->rows + 1)];
  const double change = chain->x.sigma[k] * creal(g - conj(phase) * g) +
                        wmc_unitary_mask_shift(chain, k, chain->x.sigma[k] * (phase - 1));
  const bool accepted = wmc_balanced_accept(chain, -coldness(chain) * change, uniform[1]);
  if (accepted) wmc_unitary_turn_phase(chain, k, phase);
  tune(size, accepted, gain);
}

/* A turn by 2 atan t, t symmetric, with a uniform phase: its inverse has -t and the same phase. */
static wmc_unitary_turn random_turn(double size, const double uniform[2])
{
  const double t = size * (2 * uniform[0] - 1), scale = 1 / (1 + t * t);
  return (wmc_unitary_turn){(1 - t * t) * scale, 2 * t * scale * cexp(2 * pi * I * uniform[1])};
}

/* Two columns inside the rank: both frames turn alike (soft where the two singular values are
 * close), then in opposite directions. One column outside: U turns, then V. */
static void move_pair(wmc_balanced *chain, int i, int j, const double uniform[6], double gain)
{
  const bool inside = j < chain->x.rank;
  const int at = i * chain->span + j, bound[] = {chain->rows, chain->columns};
  double *size[2] = {chain->unitary->turn_first + at, chain->unitary->turn_second + at};
  for (int kind = 0; kind < 2; kind++, uniform += 3) {
    if (j >= bound[kind] && !inside) continue;
    const wmc_unitary_turn t = random_turn(*size[kind], uniform), back = {t.c, -t.s};
    const wmc_unitary_turn a = inside || kind == 0 ? t : wmc_unitary_no_turn;
    const wmc_unitary_turn b = inside      ? (kind == 0 ? t : back)
                               : kind == 1 ? t
                                           : wmc_unitary_no_turn;
    const double change = wmc_unitary_turn_change(chain, i, j, &a, &b);
    const bool accepted = wmc_balanced_accept(chain, -coldness(chain) * change, uniform[2]);
    if (accepted) wmc_unitary_turn_frames(chain, i, j, &a, &b);
    tune(size[kind], accepted, gain);
  }
}

/* An energy of sigma alone leaves the frames as they were drawn. */
static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  const int r = chain->x.rank, span = chain->span;
  double *uniform = chain->unitary->deviates;
  wmc_stream_uniforms(stream, deviates(r, span), uniform);
  wmc_balanced_sweep(chain, uniform, gain);
  uniform += 2 * r + 2;
  if (chain->blind) return;
  for (int k = 0; k < r; k++, uniform += 2) move_phase(chain, k, uniform, gain);
  for (int i = 0; i < r; i++)
    for (int j = i + 1; j < span; j++, uniform += 6) move_pair(chain, i, j, uniform, gain);
  wmc_unitary_refresh_if_due(chain);
}

const wmc_integrator wmc_complex_metropolis = {
    .formulation = "observable",
    .scheme = "metropolis",
    .text = "complex numbers: Metropolis moves of singular values, of the scale, of phases and of "
            "pairs of columns of the frames; exact law",
    .unitary = true,
    .exact = true,
    .start = wmc_unitary_start,
    .step = step_metropolis};
