/* Integrators whose state is the singular value decomposition of X; any energy. */
#include <math.h>

#include "balanced.h"

static void start(wmc_balanced *chain, wmc_stream *stream)
{
  const int d = chain->x.rank;
  wmc_balanced_start_spectrum(chain);
  wmc_balanced_start_frames(chain, stream);
  for (int k = 0; k < d * d; k++) chain->turn_same[k] = chain->turn_opposite[k] = chain->step;
  *chain->reach_step = fmin(chain->step, 1);
  for (int k = 0; k < 2 * d; k++) chain->shear_step[k] = chain->step;
}

/* --- Metropolis ------------------------------------------------------------------------------ */

/* What the energy sees of columns i and j: the 2 x 2 blocks of G and H and the singular values. */
typedef struct pair {
  double gii, gij, gji, gjj, hii, hij, hjj, si, sj;
} pair;

static pair pair_read(const wmc_balanced *chain, int i, int j)
{
  const int d = chain->x.rank;
  const double *g = chain->g, *h = chain->h;
  return (pair){.gii = g[i * d + i],
                .gij = g[j * d + i],
                .gji = g[i * d + j],
                .gjj = g[j * d + j],
                .hii = h[i * d + i],
                .hij = h[j * d + i],
                .hjj = h[j * d + j],
                .si = chain->x.sigma[i],
                .sj = chain->x.sigma[j]};
}

static double pair_energy(const pair *p)
{
  return 0.5 * (p->si * p->si * p->hii + p->sj * p->sj * p->hjj) - p->si * p->gii - p->sj * p->gjj;
}

/* Blocks after U turned by a and V by b, each (cos, sin). */
static pair pair_turned(const pair *p, const double a[2], const double b[2])
{
  double ii = a[0] * p->gii + a[1] * p->gji, ij = a[0] * p->gij + a[1] * p->gjj;
  double ji = a[0] * p->gji - a[1] * p->gii, jj = a[0] * p->gjj - a[1] * p->gij;
  double cc = b[0] * b[0], cs = b[0] * b[1], ss = b[1] * b[1];
  return (pair){.gii = b[0] * ii + b[1] * ij,
                .gij = b[0] * ij - b[1] * ii,
                .gji = b[0] * ji + b[1] * jj,
                .gjj = b[0] * jj - b[1] * ji,
                .hii = cc * p->hii + 2 * cs * p->hij + ss * p->hjj,
                .hij = (cc - ss) * p->hij + cs * (p->hjj - p->hii),
                .hjj = cc * p->hjj - 2 * cs * p->hij + ss * p->hii,
                .si = p->si,
                .sj = p->sj};
}

double wmc_balanced_turn_change(const wmc_balanced *chain, int i, int j, const double a[2],
                                const double b[2])
{
  pair old = pair_read(chain, i, j), new = pair_turned(&old, a, b);
  return pair_energy(&new) - pair_energy(&old);
}

/* Rotation by 2 atan t: symmetric in t, without trigonometric functions. */
static void rotation(double t, double out[2])
{
  double scale = 1 / (1 + t * t);
  out[0] = (1 - t * t) * scale;
  out[1] = 2 * t * scale;
}

static void compose(const double a[2], double by[2])
{
  double c = a[0] * by[0] - a[1] * by[1];
  by[1] = a[0] * by[1] + a[1] * by[0];
  by[0] = c;
}

/* An energy of sigma alone does not see frames: any turns of U and V do. */
static void turn_freely(wmc_balanced *chain, int i, int j, const double uniform[4])
{
  double a[2], b[2];
  rotation(2 * uniform[0] - 1, a);
  rotation(2 * uniform[2] - 1, b);
  wmc_balanced_turn_frames(chain, i, j, a, b);
}

/* Two attempts at one pair: both frames by the same angle, which is soft where the two singular
 * values are close, and by opposite angles. The vectors turn once, by the sum. */
static void move_pair(wmc_balanced *chain, int i, int j, const double uniform[4], double gain)
{
  const double cold = chain->law.beta / chain->law.horizontal;
  const int at = i * chain->x.rank + j;
  double *size[2] = {chain->turn_same + at, chain->turn_opposite + at};
  double a[2] = {1, 0}, b[2] = {1, 0};
  pair now = pair_read(chain, i, j);
  double energy = pair_energy(&now);
  bool turned = false;
  for (int kind = 0; kind < 2; kind++) {
    double r[2], back[2];
    rotation(*size[kind] * (2 * uniform[2 * kind] - 1), r);
    back[0] = r[0];
    back[1] = kind == 0 ? r[1] : -r[1];
    pair next = pair_turned(&now, r, back);
    double change = pair_energy(&next) - energy;
    bool accepted = wmc_balanced_accept(chain, -cold * change, uniform[2 * kind + 1]);
    if (accepted) {
      now = next;
      energy += change;
      turned = true;
      compose(r, a);
      compose(back, b);
    }
    if (gain > 0) {
      wmc_balanced_tune(size[kind], accepted, gain);
      *size[kind] = fmin(*size[kind], 1);
    }
  }
  if (turned) wmc_balanced_turn_frames(chain, i, j, a, b);
}

/* Rounds of pairs a step. All pairs cost O(d^3) where the singular values cost O(d^2); with three
 * rounds both cost about the same, and energy and log|det X| gain most samples a second. */
enum { ROUNDS = 3 };

/* Pair k of a round of the tournament in which each of `players` (even) columns meets every other
 * once in players - 1 rounds: pairs of a round are disjoint. i < j. */
static void pair_of_round(int players, int round, int k, int *i, int *j)
{
  const int last = players - 1;
  int a = (round + k) % last, b = k == 0 ? last : (round - k + last) % last;
  *i = a < b ? a : b;
  *j = a < b ? b : a;
}

/* One round: 2 uniform deviates for each player. */
static void move_pairs(wmc_balanced *chain, int players, int round, const double *uniform,
                       double gain)
{
  const bool blind = chain->energy.plain && chain->energy.centred;
  for (int k = 0; k < players / 2; k++) {
    int i, j;
    pair_of_round(players, round, k, &i, &j);
    if (j >= chain->x.rank) continue;
    if (blind)
      turn_freely(chain, i, j, uniform + 4 * k);
    else
      move_pair(chain, i, j, uniform + 4 * k, gain);
  }
}

static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  const int d = chain->x.rank, players = d + d % 2, different = players - 1;
  const int rounds = d == 1 ? 0 : different < ROUNDS ? different : ROUNDS;
  double *uniform = chain->work, *pairs = uniform + 2 * d + 2;
  const double pair_gain = rounds > 0 ? fmin(1, gain * different / rounds) : 0;
  int round = (int)chain->counts[WMC_COUNT_ROUND];
  wmc_stream_uniforms(stream, (size_t)(2 * d + 2 + 2 * players * rounds), uniform);
  wmc_balanced_sweep(chain, uniform, gain);
  for (int r = 0; r < rounds; r++, round = (round + 1) % different)
    move_pairs(chain, players, round, pairs + 2 * players * r, pair_gain);
  chain->counts[WMC_COUNT_ROUND] = round;
  wmc_balanced_move_matrix(chain, stream, gain);
  wmc_balanced_refresh_if_due(chain);
}

static void step_euler(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  if (chain->x.rank > 1) wmc_balanced_euler_frames(chain, stream);
  wmc_balanced_euler_lambda(chain, stream);
  wmc_balanced_refresh_if_due(chain);
}

size_t wmc_balanced_work(int width, bool frames)
{
  size_t d = (size_t)width, square = d * d, uniforms = 2 * d + 2;
  if (!frames) return uniforms;
  size_t svd = wmc_svd_scratch(width, width), qr = wmc_qr_scratch(width, width);
  size_t rest = 3 * square;
  if (svd > rest) rest = svd;
  if (qr > rest) rest = qr;
  return 2 * square + d + wmc_spectrum_size(width) + rest + uniforms + 2 * ROUNDS * (d + 1);
}

const wmc_integrator wmc_observable_euler = {
    .formulation = "observable",
    .scheme = "euler",
    .text = "Euler-Maruyama for singular values and frames; biased by the step",
    .frames = true,
    .start = start,
    .step = step_euler};

const wmc_integrator wmc_observable_metropolis = {
    .formulation = "observable",
    .scheme = "metropolis",
    .text = "Metropolis moves of singular values, of the scale and of pairs of columns of the "
            "frames; exact law",
    .frames = true,
    .exact = true,
    .start = start,
    .step = step_metropolis};
