/* Moves of X as a whole, for energies that see the frames; eqs. (22)-(24).
 *
 * Reach: X' - X* = sqrt(1 - r^2) (X - X*) + r (h/beta)^{1/2} Y R, Y standard normal, R^T R =
 * C^{-1}. It is reversible for exp(-(beta/h) E), so the acceptance sees the volume alone, and it
 * goes far however unequal the curvatures of E are. Shear: X' = X (1 + t e^T) with an axis e of C
 * and a normal vector t across it. Its inverse has -t in the place of t and it keeps det X, so it
 * also goes far where the volume has a sharp peak at det X = 0 (no excess, large depth), which
 * stops the first. Stretch: row i times e^s, column j times e^-s; it leaves entry (i, j) and, of a
 * square X, det X, and goes along the hyperbolas on which unobserved entries trade places; their
 * signs change along with it. */
#include <math.h>
#include <string.h>

#include "balanced.h"

enum { EVERY = 2 }; /* steps between moves, of one kind and the other in turn */

static double more(double gain, int times) { return fmin(1, gain * times); }

/* U^T X' V of the first move into `core`. `scratch` holds 3 max(m, n)^2. */
static void propose_reach(const wmc_balanced *chain, wmc_stream *stream, double *core,
                          double *scratch)
{
  const wmc_energy *energy = &chain->energy;
  const int m = chain->rows, entries = m * chain->columns, square = chain->span * chain->span;
  const double reach = *chain->reach_step, keep = sqrt(1 - reach * reach);
  const double noise = reach * sqrt(chain->law.horizontal / chain->law.beta);
  double *normals = scratch, *turned = scratch + square;
  wmc_stream_normals(stream, (size_t)entries, energy->plain ? noise * energy->spread[0] : noise,
                     energy->plain ? core : normals);
  if (!energy->plain) {
    wmc_product_apply(chain->in_columns, energy->spread, chain->v, turned);
    wmc_product_apply(chain->from_right, normals, turned, core);
  }
  wmc_balanced_into_frames(chain, chain->u, energy->minimiser, chain->v, normals, turned);
  for (int k = 0; k < entries; k++) core[k] += (1 - keep) * normals[k];
  for (int k = 0; k < chain->x.rank; k++) core[k * m + k] += keep * chain->x.sigma[k];
}

/* The same where E is a sum of parabolas in the entries; those that E does not see stay. */
static void propose_reach_entries(const wmc_balanced *chain, wmc_stream *stream, double *core,
                                  double *scratch)
{
  const wmc_energy *energy = &chain->energy;
  const int entries = chain->rows * chain->columns;
  const double reach = *chain->reach_step, keep = sqrt(1 - reach * reach);
  const double noise = reach * sqrt(chain->law.horizontal / chain->law.beta);
  double *x = scratch, *rest = scratch + chain->span * chain->span;
  wmc_stream_normals(stream, (size_t)entries, noise, x);
  for (int k = 0; k < entries; k++) {
    const double weight = energy->quadratic[0] + energy->mask[k], mean = energy->minimiser[k];
    const double old = chain->matrix[k];
    x[k] = weight > 0 ? mean + keep * (old - mean) + x[k] / sqrt(weight) : old;
  }
  wmc_balanced_into_frames(chain, chain->u, x, chain->v, core, rest);
}

/* out = frame^T x */
static void into_frame(int d, const double *frame, const double *x, double *out)
{
  for (int k = 0; k < d; k++) {
    out[k] = 0;
    for (int i = 0; i < d; i++) out[k] += frame[k * d + i] * x[i];
  }
}

/* U^T X' V = Sigma (1 + t e^T), or (1 + t e^T) Sigma on the left side, in the frame, into `core`.
 * `scratch` holds 3 max(m, n). */
static void propose_shear(const wmc_balanced *chain, wmc_stream *stream, int side, int axis,
                          double *core, double *scratch)
{
  const int m = chain->rows, r = chain->x.rank, d = side ? m : chain->columns;
  const double *e = chain->energy.axes[side] + axis * d, *frame = side ? chain->u : chain->v;
  const double cold = chain->law.beta / chain->law.horizontal;
  const double scale = 1 / sqrt(cold * chain->energy.curvature[side][axis] + d);
  double *t = scratch, *t_turned = t + d, *e_turned = t_turned + d, along = 0;
  wmc_stream_normals(stream, (size_t)d,
                     chain->shear_step[(side ? chain->columns : 0) + axis] * scale, t);
  for (int i = 0; i < d; i++) along += t[i] * e[i];
  for (int i = 0; i < d; i++) t[i] -= along * e[i];
  into_frame(d, frame, t, t_turned);
  into_frame(d, frame, e, e_turned);
  for (int j = 0; j < chain->columns; j++)
    for (int i = 0; i < m; i++) {
      const int from = side ? j : i; /* the singular value that enters, if there is one */
      core[j * m + i] =
          from < r ? chain->x.sigma[from] * ((i == j) + t_turned[i] * e_turned[j]) : 0;
    }
}

void wmc_balanced_stretch(const wmc_balanced *chain, int i, int j, double s, double *core,
                          double *scratch)
{
  const int m = chain->rows, n = chain->columns, r = chain->x.rank;
  const double up = expm1(s), down = expm1(-s);
  double *a = scratch, *b = scratch + m, along = 0;
  for (int k = 0; k < m; k++) a[k] = chain->u[k * m + i];
  for (int k = 0; k < n; k++) b[k] = chain->v[k * n + j];
  for (int k = 0; k < r; k++) along += a[k] * chain->x.sigma[k] * b[k];
  for (int l = 0; l < n; l++)
    for (int k = 0; k < m; k++) {
      const double left = k < r ? chain->x.sigma[k] * b[k] : 0;
      const double right = l < r ? chain->x.sigma[l] * a[l] : 0;
      core[l * m + k] = (k == l && k < r ? chain->x.sigma[k] : 0) + up * a[k] * right +
                        down * left * b[l] + up * down * along * a[k] * b[l];
    }
}

/* E without decay */
static double energy_of_matrix(const wmc_balanced *chain)
{
  return wmc_balanced_energy(chain) - wmc_energy_decay(&chain->energy, &chain->x);
}

double wmc_balanced_core_change(const wmc_balanced *chain, const double *y, double *scratch)
{
  const int entries = chain->rows * chain->columns, square = chain->span * chain->span;
  const double *yh = y;
  double sum = chain->energy.constant, single = chain->energy.quadratic[0];
  if (chain->matrix) {
    wmc_balanced_out_of_frames(chain, y, scratch, scratch + square);
    return wmc_energy_value(&chain->energy, scratch) - energy_of_matrix(chain);
  }
  if (!chain->energy.plain) {
    wmc_product_apply(chain->from_right, y, chain->h, scratch);
    yh = scratch;
    single = 1;
  }
  for (int k = 0; k < entries; k++) sum += y[k] * (0.5 * single * yh[k] - chain->g[k]);
  return sum - energy_of_matrix(chain);
}

/* What the volume and decay, functions of the spectrum, give to the ratio. */
static double spectrum_ratio(const wmc_balanced *chain, const wmc_candidate *to)
{
  const double cold = chain->law.beta / chain->law.horizontal;
  double change =
      wmc_gibbs_log_volume(&chain->law, &to->x) - wmc_gibbs_log_volume(&chain->law, &chain->x);
  if (chain->energy.decay == 0) return change;
  return change - cold * (wmc_energy_decay(&chain->energy, &to->x) -
                          wmc_energy_decay(&chain->energy, &chain->x));
}

double wmc_balanced_reach_ratio(const wmc_balanced *chain, const wmc_candidate *to)
{
  if (to->negative && !chain->flips) return -INFINITY;
  return spectrum_ratio(chain, to);
}

double wmc_balanced_shear_ratio(const wmc_balanced *chain, const wmc_candidate *to, double change)
{
  return spectrum_ratio(chain, to) - chain->law.beta / chain->law.horizontal * change;
}

/* dX' = e^{s (n - m)} dX */
double wmc_balanced_stretch_ratio(const wmc_balanced *chain, const wmc_candidate *to, double change,
                                  double s)
{
  return wmc_balanced_shear_ratio(chain, to, change) + s * (chain->columns - chain->rows);
}

/* Of a core whose rows are scaled by the old sigma the transpose, whose columns are, gives small
 * sigma with full relative accuracy. */
static void decompose(const wmc_balanced *chain, wmc_candidate *to, bool graded_rows,
                      double *scratch)
{
  const int m = chain->rows, n = chain->columns;
  if (graded_rows && n >= m) {
    for (int k = 0; k < m * n; k++) to->q[k % m * n + k / m] = to->p[k];
    wmc_balanced_decompose(n, m, to->q, to->p, to->s, scratch);
  } else {
    wmc_balanced_decompose(m, n, to->p, to->q, to->s, scratch);
  }
  for (int k = 0; k < chain->x.rank; k++) wmc_spectrum_set_log(&to->x, k, log(to->s[k]));
  to->negative = false;
  if (m != n) return;
  memcpy(scratch, to->p, (size_t)(m * m) * sizeof *scratch);
  to->negative = wmc_balanced_is_negative(m, scratch);
  memcpy(scratch, to->q, (size_t)(m * m) * sizeof *scratch);
  to->negative ^= wmc_balanced_is_negative(m, scratch);
}

/* A shear on a side with no more directions than there are singular values keeps their product,
 * with its sign if X is square. Said so, the last is known however small it is, where the
 * decomposition ends at rounding errors of sigma_1. */
static void keep_determinant(const wmc_balanced *chain, wmc_candidate *to)
{
  const int m = chain->rows, last = chain->x.rank - 1;
  double log_sigma = chain->x.log_sigma[last];
  for (int k = 0; k < last; k++) log_sigma += chain->x.log_sigma[k] - to->x.log_sigma[k];
  wmc_spectrum_set_log(&to->x, last, log_sigma);
  for (int i = 0; to->negative && i < m; i++) to->p[last * m + i] *= -1;
  to->negative = false;
}

/* Metropolis' rule for a candidate, and the tuning of its step. */
static void decide(wmc_balanced *chain, const wmc_candidate *to, double ratio, double uniform,
                   double *step, double gain, double *scratch)
{
  bool accepted = wmc_balanced_accept(chain, ratio, uniform);
  if (gain > 0) wmc_balanced_tune(step, accepted, gain);
  if (!accepted) return;
  for (int k = 0; k < chain->x.rank; k++)
    wmc_spectrum_set(&chain->x, k, to->x.lambda[k], to->x.log_sigma[k], to->x.sigma[k]);
  wmc_balanced_settle(chain, to->p, to->q, scratch);
}

static void move_reach(wmc_balanced *chain, wmc_stream *stream, double gain, wmc_candidate *to,
                       double *scratch)
{
  double uniform = wmc_stream_uniform(stream);
  (chain->entrywise ? propose_reach_entries : propose_reach)(chain, stream, to->p, scratch);
  decompose(chain, to, false, scratch);
  decide(chain, to, wmc_balanced_reach_ratio(chain, to), uniform, chain->reach_step,
         more(gain, 2 * EVERY), scratch);
  *chain->reach_step = fmin(*chain->reach_step, 1);
}

static void move_shear(wmc_balanced *chain, wmc_stream *stream, double gain, wmc_candidate *to,
                       double *scratch)
{
  const int m = chain->rows, n = chain->columns, place = (int)chain->counts[WMC_COUNT_AXIS];
  const int side = place >= n, here = side ? m : n;
  chain->counts[WMC_COUNT_AXIS] = (place + 1) % (m + n);
  if (here == 1) return;
  double uniform = wmc_stream_uniform(stream);
  propose_shear(chain, stream, side, side ? place - n : place, to->p, scratch);
  double change = wmc_balanced_core_change(chain, to->p, scratch);
  decompose(chain, to, side == 0, scratch);
  if (here == chain->x.rank) keep_determinant(chain, to);
  decide(chain, to, wmc_balanced_shear_ratio(chain, to, change), uniform, &chain->shear_step[place],
         more(gain, 2 * (m + n) * EVERY), scratch);
}

/* The next entry that E observes. */
static int next_entry(wmc_balanced *chain)
{
  const int entries = chain->rows * chain->columns;
  int k = (int)chain->counts[WMC_COUNT_ENTRY];
  while (chain->energy.mask[k] == 0) k = (k + 1) % entries;
  chain->counts[WMC_COUNT_ENTRY] = (k + 1) % entries;
  return k;
}

/* Row i and column j change their signs, and with them U and V: X goes to another branch of its
 * hyperbolas; tried at random, as it may always be accepted. Spectrum, dX and the sign of det X of
 * a square X stay. `scratch` holds X. */
static void move_signs(wmc_balanced *chain, double uniform, int i, int j, double *scratch)
{
  const int m = chain->rows, n = chain->columns;
  for (int k = 0; k < m * n; k++)
    scratch[k] = (k % m == i) == (k / m == j) ? chain->matrix[k] : -chain->matrix[k];
  double change = wmc_energy_value(&chain->energy, scratch) - energy_of_matrix(chain);
  if (!wmc_balanced_accept(chain, -chain->law.beta / chain->law.horizontal * change, uniform))
    return;
  for (int k = 0; k < m; k++) chain->u[k * m + i] = -chain->u[k * m + i];
  for (int k = 0; k < n; k++) chain->v[k * n + j] = -chain->v[k * n + j];
  wmc_balanced_project(chain);
}

static void move_stretch(wmc_balanced *chain, wmc_stream *stream, double gain, wmc_candidate *to,
                         double *scratch)
{
  const int m = chain->rows, entry = next_entry(chain);
  double uniform[4];
  wmc_stream_uniforms(stream, 4, uniform);
  if (uniform[3] < 0.5) move_signs(chain, uniform[2], entry % m, entry / m, scratch);
  const double s = chain->stretch_step[entry] * (2 * uniform[0] - 1);
  wmc_balanced_stretch(chain, entry % m, entry / m, s, to->p, scratch);
  double change = wmc_balanced_core_change(chain, to->p, scratch);
  decompose(chain, to, false, scratch);
  if (m == chain->columns) keep_determinant(chain, to);
  decide(chain, to, wmc_balanced_stretch_ratio(chain, to, change, s), uniform[1],
         &chain->stretch_step[entry], more(gain, 3 * m * chain->columns * EVERY), scratch);
}

/* They need a density with respect to dX: matrices of full rank. */
void wmc_balanced_move_matrix(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  const long steps = (long)chain->counts[WMC_COUNT_FRESH];
  const int r = chain->x.rank, square = chain->span * chain->span;
  if (chain->blind || steps % EVERY != 0 || r < chain->rows + chain->columns - chain->span) return;
  double *memory = chain->work;
  wmc_candidate to = {.p = memory, .q = memory + square, .s = memory + 2 * square};
  to.x = wmc_spectrum_map(r, chain->x.depth, to.s + chain->span);
  double *scratch = to.s + chain->span + wmc_spectrum_size(chain->span);
  void (*moves[3])(wmc_balanced *, wmc_stream *, double, wmc_candidate *, double *);
  int kinds = 0;
  if (chain->gaussian || chain->entrywise) moves[kinds++] = move_reach;
  if (chain->span > 1) moves[kinds++] = move_shear;
  if (chain->span > 1 && chain->matrix) moves[kinds++] = move_stretch;
  if (kinds > 0) moves[steps / EVERY % kinds](chain, stream, gain, &to, scratch);
}
