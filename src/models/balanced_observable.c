/* Integrators whose state is the singular value decomposition of X; any energy. */
#include <math.h>
#include <string.h>

#include "balanced.h"
#include "weylmc/base/memory.h"

void wmc_balanced_start_matrix(wmc_balanced *chain, wmc_stream *stream)
{
  wmc_balanced_start_spectrum(chain, stream);
  wmc_balanced_start_frames(chain, stream);
  for (int k = 0; k < chain->x.rank * chain->span; k++)
    chain->turn_first[k] = chain->turn_second[k] = fmin(chain->step, 1);
  *chain->reach_step = fmin(chain->step, 1);
  for (int k = 0; k < chain->rows + chain->columns; k++) chain->shear_step[k] = chain->step;
  for (int k = 0; chain->stretch_step && k < chain->rows * chain->columns; k++)
    chain->stretch_step[k] = chain->step;
}

/* --- Metropolis ------------------------------------------------------------------------------ */

/* What the energy sees of columns i and j: the 2 x 2 blocks of G and H and the singular values. */
typedef struct pair {
  double gii, gij, gji, gjj, hii, hij, hjj, si, sj;
} pair;

/* i < r; what lies beyond the last row or column, or singular value, counts as zero. */
static pair pair_read(const wmc_balanced *chain, int i, int j)
{
  const int m = chain->rows, n = chain->columns;
  const bool row = j < m, column = j < n;
  const double *g = chain->g, *h = chain->h;
  return (pair){.gii = g[i * m + i],
                .gij = column ? g[j * m + i] : 0,
                .gji = row ? g[i * m + j] : 0,
                .gjj = row && column ? g[j * m + j] : 0,
                .hii = h[i * n + i],
                .hij = column ? h[j * n + i] : 0,
                .hjj = column ? h[j * n + j] : 0,
                .si = chain->x.sigma[i],
                .sj = j < chain->x.rank ? chain->x.sigma[j] : 0};
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
  double change = pair_energy(&new) - pair_energy(&old);
  return chain->matrix ? change + wmc_balanced_mask_turn(chain, i, j, a, b) : change;
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

static void turn_back(const double r[2], double out[2])
{
  out[0] = r[0];
  out[1] = -r[1];
}

/* The turns of U and V in attempt `kind` at a pair, by rotations r. Two columns inside the rank:
 * both frames by the same angle, then by opposite angles. One column outside: U, then V. False
 * where there is nothing to turn. */
static bool choose_turns(const wmc_balanced *chain, int j, int kind, const double r[2], double a[2],
                         double b[2])
{
  const bool inside = j < chain->x.rank;
  a[0] = b[0] = 1;
  a[1] = b[1] = 0;
  if (!inside && j >= (kind == 0 ? chain->rows : chain->columns)) return false;
  if (inside || kind == 0) memcpy(a, r, 2 * sizeof *a);
  if (inside || kind == 1) memcpy(b, r, 2 * sizeof *b);
  if (inside && kind == 1) turn_back(r, b);
  return true;
}

/* An energy of sigma alone does not see frames: any turns of U and V do. */
static void turn_freely(wmc_balanced *chain, int i, int j, const double uniform[4])
{
  double a[2] = {1, 0}, b[2] = {1, 0};
  if (j < chain->rows) rotation(2 * uniform[0] - 1, a);
  if (j < chain->columns) rotation(2 * uniform[2] - 1, b);
  wmc_balanced_turn_frames(chain, i, j, a, b);
}

/* Two attempts at one pair; equal turns are soft where the two singular values are close. The
 * vectors turn once, by the sum: until then `energy` is that of the pair and the mask after (a, b).
 */
static void move_pair(wmc_balanced *chain, int i, int j, const double uniform[4], double gain)
{
  const double cold = chain->law.beta / chain->law.horizontal;
  const int at = i * chain->span + j;
  double *size[2] = {chain->turn_first + at, chain->turn_second + at};
  double a[2] = {1, 0}, b[2] = {1, 0};
  pair now = pair_read(chain, i, j);
  double energy = pair_energy(&now);
  bool turned = false;
  for (int kind = 0; kind < 2; kind++) {
    double r[2], to_a[2], to_b[2];
    rotation(*size[kind] * (2 * uniform[2 * kind] - 1), r);
    if (!choose_turns(chain, j, kind, r, to_a, to_b)) continue;
    pair next = pair_turned(&now, to_a, to_b);
    compose(a, to_a);
    compose(b, to_b);
    double change = pair_energy(&next) - energy;
    if (chain->matrix) change += wmc_balanced_mask_turn(chain, i, j, to_a, to_b);
    bool accepted = wmc_balanced_accept(chain, -cold * change, uniform[2 * kind + 1]);
    if (accepted) {
      now = next;
      energy += change;
      turned = true;
      memcpy(a, to_a, sizeof a);
      memcpy(b, to_b, sizeof b);
    }
    if (gain > 0) {
      wmc_balanced_tune(size[kind], accepted, gain);
      *size[kind] = fmin(*size[kind], 1);
    }
  }
  if (turned) wmc_balanced_turn_frames(chain, i, j, a, b);
}

/* Rounds of pairs a step. All pairs cost O(d^3) where the singular values cost O(d^2); with three
 * rounds both cost about the same, and energy and log|det X| gain most samples a second. At low
 * rank few pairs of a round move X, so there are more rounds. */
enum { ROUNDS = 3 };

typedef struct tournament {
  int players, different, rounds; /* an even number; rounds that differ; rounds a step */
} tournament;

static tournament tournament_of(int rows, int columns, int rank)
{
  const int span = rows > columns ? rows : columns, players = span + span % 2;
  const int wanted = span == 1 ? 0 : ROUNDS * (span / rank), different = players - 1;
  return (tournament){players, different, wanted < different ? wanted : different};
}

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
  for (int k = 0; k < players / 2; k++) {
    int i, j;
    pair_of_round(players, round, k, &i, &j);
    if (j >= chain->span || i >= chain->x.rank) continue;
    if (chain->blind)
      turn_freely(chain, i, j, uniform + 4 * k);
    else
      move_pair(chain, i, j, uniform + 4 * k, gain);
  }
}

static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  const int r = chain->x.rank, values = 2 * r + 2;
  const tournament t = tournament_of(chain->rows, chain->columns, r);
  double *uniform = chain->work, *pairs = uniform + values;
  const double pair_gain = t.rounds > 0 ? fmin(1, gain * t.different / t.rounds) : 0;
  int round = (int)chain->counts[WMC_COUNT_ROUND];
  wmc_stream_uniforms(stream, (size_t)(values + 2 * t.players * t.rounds), uniform);
  wmc_balanced_sweep(chain, uniform, gain);
  for (int k = 0; k < t.rounds; k++, round = (round + 1) % t.different)
    move_pairs(chain, t.players, round, pairs + 2 * t.players * k, pair_gain);
  chain->counts[WMC_COUNT_ROUND] = round;
  wmc_balanced_move_matrix(chain, stream, gain);
  wmc_balanced_refresh_if_due(chain);
}

/* Uniforms and moves of pairs use it, then moves of X, then QR, one after another. */
size_t wmc_balanced_work(const wmc_shape *shape, bool frames)
{
  const int m = shape->rows, n = shape->columns, r = shape->rank, span = m > n ? m : n;
  const size_t d = (size_t)span, square = d * d, values = 2 * (size_t)r + 2;
  if (!frames) return values;
  const tournament t = tournament_of(m, n, r);
  const size_t pairs = 2 * (size_t)t.players * (size_t)t.rounds;
  const size_t svd = wmc_svd_scratch(span, m + n - span);
  const size_t qr = square + wmc_qr_scratch(span, span);
  const size_t rest = wmc_larger(wmc_larger(svd, qr), 3 * square);
  return 2 * square + d + wmc_spectrum_size(span) + rest + values + pairs + 7 * d;
}

const wmc_integrator wmc_observable_metropolis = {
    .formulation = "observable",
    .scheme = "metropolis",
    .text = "Metropolis moves of singular values, of the scale and of pairs of columns of the "
            "frames; exact law",
    .frames = true,
    .exact = true,
    .start = wmc_balanced_start_matrix,
    .step = step_metropolis};
