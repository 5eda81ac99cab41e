/* Moves of X as a whole, for energies that see the frames; eqs. (22)-(24).
 *
 * Reach: X' - X* = sqrt(1 - r^2) (X - X*) + r (h/beta)^{1/2} Y R, Y standard normal, R^T R =
 * C^{-1}. It is reversible for exp(-(beta/h) E), so the acceptance sees the volume alone, and it
 * goes far however unequal the curvatures of E are. Shear: X' = X (1 + t e^T) with an axis e of C
 * and a normal vector t across it. Its inverse has -t in the place of t and it keeps det X, so it
 * also goes far where the volume has a sharp peak at det X = 0 (no excess, large depth), which
 * stops the first. */
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
  propose_reach(chain, stream, to->p, scratch);
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
  if (chain->span > 1 && (steps / EVERY % 2 == 1 || !chain->gaussian))
    move_shear(chain, stream, gain, &to, scratch);
  else if (chain->gaussian)
    move_reach(chain, stream, gain, &to, scratch);
}
