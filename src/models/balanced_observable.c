/* Integrators whose state is the singular value decomposition of X; any energy. */
#include <math.h>
#include <string.h>

#include "balanced.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/metric.h"

enum { FRESH_STEPS = 64 }; /* rounding in frames grows to about 1e-14 between refreshments */

static void transpose(int d, const double *a, double *out)
{
  for (int j = 0; j < d; j++)
    for (int i = 0; i < d; i++) out[i * d + j] = a[j * d + i];
}

/* out = A^T M B; `scratch` holds 2 d^2 */
static void conjugate(const wmc_balanced *chain, const double *a, const double *m, const double *b,
                      double *out, double *scratch)
{
  const int d = chain->x.width;
  double *left = scratch, *right = scratch + d * d;
  transpose(d, a, left);
  wmc_product_apply(chain->product, m, b, right);
  wmc_product_apply(chain->product, left, right, out);
}

/* G and H from the frames; constant where the energy does not need them */
static void project_energy(wmc_balanced *chain)
{
  const wmc_energy *energy = &chain->energy;
  if (!energy->centred) conjugate(chain, chain->u, energy->linear, chain->v, chain->g, chain->work);
  if (!energy->plain)
    conjugate(chain, chain->v, energy->quadratic, chain->v, chain->h, chain->work);
}

void wmc_balanced_refresh(wmc_balanced *chain)
{
  const int d = chain->x.width;
  double *r = chain->work, *scratch = r + d * d;
  wmc_qr(d, d, chain->u, r, scratch);
  wmc_qr(d, d, chain->v, r, scratch);
  project_energy(chain);
  chain->counts[WMC_COUNT_FRESH] = 0;
}

static void refresh_if_due(wmc_balanced *chain)
{
  chain->counts[WMC_COUNT_FRESH] += 1;
  if (chain->counts[WMC_COUNT_FRESH] >= FRESH_STEPS) wmc_balanced_refresh(chain);
}

/* Whether det a < 0, by elimination; `a` is destroyed. */
static bool determinant_is_negative(int d, double *a)
{
  bool negative = false;
  for (int k = 0; k < d; k++) {
    int pivot = k;
    for (int i = k + 1; i < d; i++)
      if (fabs(a[k * d + i]) > fabs(a[k * d + pivot])) pivot = i;
    for (int j = k; j < d && pivot != k; j++) {
      double swap = a[j * d + k];
      a[j * d + k] = a[j * d + pivot];
      a[j * d + pivot] = swap;
    }
    negative ^= (pivot != k) ^ (a[k * d + k] < 0);
    for (int i = k + 1; i < d; i++) {
      double factor = a[k * d + i] / a[k * d + k];
      for (int j = k + 1; j < d; j++) a[j * d + i] -= factor * a[j * d + k];
    }
  }
  return negative;
}

/* Q of a Gaussian matrix whose R has a positive diagonal is Haar; det of the same sign. */
static bool start_frame(wmc_balanced *chain, double *frame, wmc_stream *stream)
{
  const int d = chain->x.width;
  double *r = chain->work;
  wmc_stream_normals(stream, (size_t)(d * d), 1, frame);
  memcpy(r, frame, (size_t)(d * d) * sizeof *r);
  bool negative = determinant_is_negative(d, r);
  wmc_qr(d, d, frame, r, r + d * d);
  return negative;
}

void wmc_balanced_start_frames(wmc_balanced *chain, wmc_stream *stream)
{
  const int d = chain->x.width;
  bool negative = start_frame(chain, chain->u, stream);
  negative ^= start_frame(chain, chain->v, stream);
  for (int i = 0; negative && i < d; i++) chain->u[i] = -chain->u[i];
  for (int i = 0; i < d; i++)
    for (int j = 0; j < d; j++) {
      chain->g[j * d + i] = 0;
      chain->h[j * d + i] = i == j;
    }
  project_energy(chain);
}

static void start(wmc_balanced *chain, wmc_stream *stream)
{
  const int d = chain->x.width;
  wmc_balanced_start_spectrum(chain);
  wmc_balanced_start_frames(chain, stream);
  for (int k = 0; k < d * d; k++) chain->turn_same[k] = chain->turn_opposite[k] = chain->step;
}

/* --- Metropolis ------------------------------------------------------------------------------ */

/* What the energy sees of columns i and j: the 2 x 2 blocks of G and H and the singular values. */
typedef struct pair {
  double gii, gij, gji, gjj, hii, hij, hjj, si, sj;
} pair;

static pair pair_read(const wmc_balanced *chain, int i, int j)
{
  const int d = chain->x.width;
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

/* x <- c x + s y, y <- c y - s x over n entries a stride apart */
static void turn(int n, int stride, const double r[2], double *restrict x, double *restrict y)
{
  const double c = r[0], s = r[1];
  for (int k = 0; k < n * stride; k += stride) {
    double t = c * x[k] + s * y[k];
    y[k] = c * y[k] - s * x[k];
    x[k] = t;
  }
}

static void turn_frames(wmc_balanced *chain, int i, int j, const double a[2], const double b[2])
{
  const int d = chain->x.width;
  turn(d, 1, a, chain->u + i * d, chain->u + j * d);
  turn(d, 1, b, chain->v + i * d, chain->v + j * d);
  if (!chain->energy.centred) {
    turn(d, d, a, chain->g + i, chain->g + j);
    turn(d, 1, b, chain->g + i * d, chain->g + j * d);
  }
  if (!chain->energy.plain) {
    turn(d, d, b, chain->h + i, chain->h + j);
    turn(d, 1, b, chain->h + i * d, chain->h + j * d);
  }
}

/* An energy of sigma alone does not see frames: any turns of U and V do. */
static void turn_freely(wmc_balanced *chain, int i, int j, const double uniform[4])
{
  double a[2], b[2];
  rotation(2 * uniform[0] - 1, a);
  rotation(2 * uniform[2] - 1, b);
  turn_frames(chain, i, j, a, b);
}

/* Two attempts at one pair: both frames by the same angle, which is soft where the two singular
 * values are close, and by opposite angles. The vectors turn once, by the sum. */
static void move_pair(wmc_balanced *chain, int i, int j, const double uniform[4], double gain)
{
  const double cold = chain->law.beta / chain->law.horizontal;
  const int at = i * chain->x.width + j;
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
  if (turned) turn_frames(chain, i, j, a, b);
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
    if (j >= chain->x.width) continue;
    if (blind)
      turn_freely(chain, i, j, uniform + 4 * k);
    else
      move_pair(chain, i, j, uniform + 4 * k, gain);
  }
}

static void step_metropolis(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  const int d = chain->x.width, players = d + d % 2, different = players - 1;
  const int rounds = d == 1 ? 0 : different < ROUNDS ? different : ROUNDS;
  double *uniform = chain->work, *pairs = uniform + 2 * d + 2;
  int round = (int)chain->counts[WMC_COUNT_ROUND];
  wmc_stream_uniforms(stream, (size_t)(2 * d + 2 + 2 * players * rounds), uniform);
  wmc_balanced_sweep(chain, uniform, gain);
  for (int r = 0; r < rounds; r++, round = (round + 1) % different)
    move_pairs(chain, players, round, pairs + 2 * players * r, gain);
  chain->counts[WMC_COUNT_ROUND] = round;
  refresh_if_due(chain);
}

/* --- Euler ----------------------------------------------------------------------------------- */

/* U^T (X + dX) V of eq. (11), column-major, into `core`. */
static void euler_core(const wmc_balanced *chain, wmc_stream *stream, double *core, double *weights,
                       double *entropy)
{
  const wmc_gibbs *law = &chain->law;
  const wmc_spectrum *x = &chain->x;
  const int d = x->width;
  const double dt = chain->step, noise = sqrt(2 * law->horizontal * dt / law->beta);
  wmc_stream_normals(stream, (size_t)(d * d), noise, core);
  wmc_metric_weights(x, weights);
  wmc_entropy_gradient(&law->shape, x, entropy);
  for (int l = 0; l < d; l++)
    for (int k = 0; k < d; k++) {
      int at = l * d + k;
      double force = x->sigma[k] * chain->h[at] - chain->g[at];
      core[at] = sqrt(weights[at]) * core[at] - dt * weights[at] * force;
    }
  for (int k = 0; k < d; k++) {
    double ito = law->horizontal * (x->depth - 1) * x->sigma[k] / x->lambda2[k];
    double fibre = law->vertical * x->sigma[k] / x->lambda[k] * entropy[k];
    core[k * d + k] += x->sigma[k] + dt / law->beta * (ito + fibre);
  }
}

/* One-sided Jacobi as wmc_svd_jacobi with V0 = 1, but for two columns: without its overhead. */
static void decompose_two(double *y, double *v, double *s)
{
  const double tiny = 0x1p-52;
  for (int sweep = 0; sweep < 4; sweep++) {
    double a = y[0] * y[0] + y[1] * y[1], b = y[2] * y[2] + y[3] * y[3];
    double g = y[0] * y[2] + y[1] * y[3], r[2];
    s[0] = sqrt(a);
    s[1] = sqrt(b);
    if (a >= b && !(fabs(g) > tiny * s[0] * s[1])) return;
    double half = 0.5 * (a - b), length = sqrt(half * half + g * g);
    /* the larger column comes first: tan of the angle is g / (half + length), in a stable form */
    double c2 = half / length, s2 = g / length;
    r[0] = sqrt(0.5 * (1 + fabs(c2)));
    r[1] = 0.5 * s2 / r[0];
    if (c2 < 0) {
      double swap = r[0];
      r[0] = fabs(r[1]);
      r[1] = g < 0 ? -swap : swap;
    }
    turn(2, 1, r, y, y + 2);
    turn(2, 1, r, v, v + 2);
  }
}

static void decompose(int d, double *y, double *v, double *s, double *scratch)
{
  for (int k = 0; k < d * d; k++) v[k] = k % (d + 1) == 0;
  if (d == 2)
    decompose_two(y, v, s);
  else
    wmc_svd_jacobi(d, d, y, v, s, scratch);
}

/* frame <- frame P */
static void follow(const wmc_balanced *chain, double *frame, const double *p, double *scratch)
{
  const size_t bytes = (size_t)(chain->x.width * chain->x.width) * sizeof *frame;
  wmc_product_apply(chain->product, frame, p, scratch);
  memcpy(frame, scratch, bytes);
}

static void step_euler(wmc_balanced *chain, wmc_stream *stream, double gain)
{
  (void)gain;
  const int d = chain->x.width, square = d * d;
  double *core = chain->work, *q = core + square, *s = q + square, *scratch = s + d;
  euler_core(chain, stream, core, q, s);
  decompose(d, core, q, s, scratch);
  for (int k = 0; k < d; k++) {
    for (int i = 0; i < d; i++) core[k * d + i] /= s[k];
    double log_sigma = log(s[k]);
    wmc_spectrum_set(&chain->x, k, exp(log_sigma / chain->x.depth), log_sigma, s[k]);
  }
  follow(chain, chain->u, core, scratch);
  follow(chain, chain->v, q, scratch);
  if (!chain->energy.centred) {
    conjugate(chain, core, chain->g, q, scratch, scratch + square);
    memcpy(chain->g, scratch, (size_t)square * sizeof *scratch);
  }
  if (!chain->energy.plain) {
    conjugate(chain, q, chain->h, q, scratch, scratch + square);
    memcpy(chain->h, scratch, (size_t)square * sizeof *scratch);
  }
  refresh_if_due(chain);
}

size_t wmc_balanced_work(int width, bool frames)
{
  size_t d = (size_t)width, square = d * d, uniforms = 2 * d + 2;
  if (!frames) return uniforms;
  size_t svd = wmc_svd_scratch(width, width), qr = wmc_qr_scratch(width, width);
  size_t rest = 3 * square;
  if (svd > rest) rest = svd;
  if (qr > rest) rest = qr;
  return 2 * square + d + rest + uniforms + 2 * ROUNDS * (d + 1);
}

const wmc_integrator wmc_observable_euler = {
    .formulation = "observable",
    .scheme = "euler",
    .text = "Euler-Maruyama for X in its frame, then a Jacobi SVD; biased by the step",
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
