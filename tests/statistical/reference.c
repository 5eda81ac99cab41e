/* Reference numbers of residual chains, measured. Exact values come from their definitions
 * (support/reference.h, which tests/check/reference.c compares with the formulas of the program);
 * with WEYLMC_VERBOSE a table is printed: item, exact, measured, error, distance in errors. Draws
 * are independent; every comparison is at 5 standard errors. WEYLMC_EFFORT multiplies the draws.
 * Equations: docs/theory/jacobian.md. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reference.h"
#include "reference_draws.h"
#include "support.h"
#include "weylmc/jacobian/chamber.h"
#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/numeric/dense.h"

/* Draws by the limit diffusion have a bias of the second order in the step, at the resolution used
 * here below these (docs/theory/jacobian.md, section 6). */
enum { RESOLUTION = 4 };
static const double STEP_BIAS = 5e-4;

static void draw_linear(int d, int depth, double time, int draws, long id, moments m[NUMBERS])
{
  wmc_block_options o = ref_options(d, depth, time, "linear");
  ref_draw_networks(&wmc_block_linear, &o, draws, id, m);
}

/* Infinite depth, real (beta = 1) or complex (beta = 2, by the exact sampler). */
static void draw_limit(int d, int beta, double time, int draws, long id, moments m[NUMBERS])
{
  const double end = 1;
  wmc_chamber_options o = {.width = d,
                           .beta = beta,
                           .variance = 1,
                           .time = time,
                           .shift = 1 - 2.0 / beta,
                           .resolution = RESOLUTION,
                           .exact = beta == 2};
  wmc_chamber *chamber;
  wmc_stream *stream = test_stream(REF_SEED, id);
  memset(m, 0, NUMBERS * sizeof *m);
  cr_assert_eq(wmc_chamber_create(&chamber, &o, 1, &end), WMC_OK);
  for (int i = 0; i < draws; i++) {
    cr_assert(wmc_chamber_draw(chamber, stream));
    ref_collect(d, wmc_chamber_values(chamber), wmc_chamber_growth(chamber)[0], m);
  }
  wmc_chamber_destroy(chamber);
  wmc_stream_destroy(stream);
}

/* ---- 1, 2, 6: sums and growth -------------------------------------------------------------------
 */

Test(reference, sums_and_growth)
{
  moments m[NUMBERS];
  double last, mean, spread, s2 = 0.01;
  draw_linear(2, 10, 1, test_trials(100000), 10, m);
  ref_row_mean("1 E sum lambda, d=2 L=10", 10 * ref_log_det_2(0.1), &m[SUM], 0);
  for (int d = 2; d <= 8; d *= 2) {
    char item[64];
    draw_linear(d, 100, 1, test_trials(20000), d, m);
    snprintf(item, sizeof item, "1 E sum lambda, d=%d L=100", d);
    ref_row_mean(item, 100 * ref_log_det(d, s2), &m[SUM], 0);
    snprintf(item, sizeof item, "2 Var sum lambda, d=%d L=100", d);
    ref_row_variance(item, 100 * ref_series(ref_log_det_variance_term, d, s2, &last), &m[SUM], 0.1,
                     0);
    ref_log_growth(d, s2, &mean, &spread);
    snprintf(item, sizeof item, "6 E log|Mu|, d=%d L=100", d);
    ref_row_mean(item, 100 * mean, &m[GROWTH], 0);
    snprintf(item, sizeof item, "6 Var log|Mu|, d=%d L=100", d);
    ref_row_variance(item, 100 * spread, &m[GROWTH], 0.1, 0);
  }
  draw_limit(4, 1, 1, test_trials(40000), 11, m);
  ref_row_mean("1 E sum lambda, d=4 L=inf", ref_log_det_term(4, 2), &m[SUM], STEP_BIAS);
  ref_row_variance("2 Var sum lambda, d=4 L=inf", ref_log_det_variance_term(4, 2), &m[SUM], 0,
                   STEP_BIAS);
  ref_row_mean("6 E log|Mu|, d=4 L=inf", 1, &m[GROWTH], STEP_BIAS);
  ref_row_variance("6 Var log|Mu|, d=4 L=inf", 1, &m[GROWTH], 0, STEP_BIAS);
}

/* ---- 3, 4, 5: moments of g, of nearly log-normal numbers: at T = 1 only where draws see them, and
 * at T = 0.1
 * ---------------------------------------------------------------------------------------- */

Test(reference, moments_of_the_metric)
{
  const int draws = test_trials(60000), depth = 10;
  moments m[NUMBERS];
  double s2 = 1.0 / depth;
  draw_linear(2, depth, 1, draws, 30, m);
  ref_row_mean("3 E tr g, d=2 L=10", ref_trace(2, s2, depth), &m[TRACE], 0);
  draw_linear(2, 10 * depth, 1, draws / 2, 31, m);
  ref_row_mean("3 E tr g, d=2 L=100", ref_trace(2, 0.1 * s2, 10 * depth), &m[TRACE], 0);
  draw_linear(8, depth, 0.1, draws / 4, 32, m);
  ref_row_mean("3 E tr g, d=8 L=10 T=0.1", ref_trace(8, 0.1 * s2, depth), &m[TRACE], 0);
  draw_linear(2, depth, 0.1, draws, 33, m);
  ref_row_mean("4 E tr g^2, d=2 L=10 T=0.1", ref_trace_square(0.1 * s2, depth), &m[TRACE2], 0);
  ref_row_mean("5 E det g, d=2 L=10 T=0.1", ref_minors(2, 0.1 * s2, depth), &m[MINORS], 0);
  draw_linear(4, depth, 0.1, draws / 2, 34, m);
  ref_row_mean("5 E e_2(g), d=4 L=10 T=0.1", ref_minors(4, 0.1 * s2, depth), &m[MINORS], 0);
}

/* ---- 7, 8, 9: width 2
 * ------------------------------------------------------------------------------ */

Test(reference, width_two)
{
  const int draws = test_trials(100000), depths[] = {10, 20, 100};
  moments m[NUMBERS];
  char item[64];
  for (int tau = 1; tau <= 4; tau *= 2) {
    draw_limit(2, 1, tau, draws, 70 + tau, m);
    snprintf(item, sizeof item, "%d E x, d=2 L=inf tau=%d", tau > 1 ? 9 : 7, tau);
    ref_row_mean(item, ref_gap_mean(tau, REF_GAP), &m[GAP], STEP_BIAS);
    if (tau > 1) continue;
    double x = ref_gap_mean(1, REF_GAP), x2 = ref_gap_mean(1, REF_GAP2);
    ref_row_mean("7 E x^2", x2, &m[GAP2], 4 * STEP_BIAS);
    ref_row_variance("7 Var x", x2 - x * x, &m[GAP], 0.5, 4 * STEP_BIAS);
    ref_row_mean("7 E coth x", ref_gap_mean(1, REF_COTH), &m[COTH], STEP_BIAS);
    ref_row_mean("7 E lambda_1", 0.5 * (x - 1), &m[LAMBDA], STEP_BIAS);
    ref_row_mean("7 E lambda_2", 0.5 * (-x - 1), &m[LAMBDA + 1], STEP_BIAS);
    ref_row_variance("7 Var lambda_1", 0.25 * (x2 - x * x + 2), &m[LAMBDA], 0.5, 4 * STEP_BIAS);
  }
  for (int k = 0; k < 3; k++) {
    double x, x2, s2 = 1.0 / depths[k];
    wmc_hyperbolic_gap(s2, depths[k], &x, &x2); /* by the spherical transform, eq. (21) */
    draw_linear(2, depths[k], 1, draws / 2, 80 + k, m);
    snprintf(item, sizeof item, "8 E x, d=2 L=%d", depths[k]);
    ref_row_mean(item, x, &m[GAP], 0);
    snprintf(item, sizeof item, "8 E x^2, d=2 L=%d", depths[k]);
    ref_row_mean(item, x2, &m[GAP2], 0);
    snprintf(item, sizeof item, "8 E lambda_1, d=2 L=%d", depths[k]);
    ref_row_mean(item, 0.5 * (x + depths[k] * ref_log_det_2(s2)), &m[LAMBDA], 1e-6);
  }
}

/* ---- 10: width 3
 * ----------------------------------------------------------------------------------- */

/* E(lambda_1 - lambda_3) by the equation u_t = L u for the gaps a, b (tau = 1),
 * L = d_a^2 + d_b^2 - d_a d_b + coth a (d_a - d_b/2) + coth b (d_b - d_a/2) + coth(a+b) (d_a +
 * d_b)/2, from u = a + b; explicit steps on a grid of spacing h. At the walls u is even under the
 * reflections (a, b) -> (-a, a + b) and (a + b, -b), which take grid points to grid points; far out
 * it is linear. */
enum { CELLS = 200 };
typedef double grid[CELLS + 2][CELLS + 2];

static double generator(grid u, int i, int j, double h)
{
  if (i == 0 && j == 0) return 7.5 * (u[1][0] - u[0][0]) / (h * h); /* of a^2 + a b + b^2 */
  double left = i > 0 ? u[i - 1][j] : j > 0 ? u[1][j - 1] : 0;
  double below = j > 0 ? u[i][j - 1] : i > 0 ? u[i - 1][1] : 0;
  double right = u[i + 1][j], above = u[i][j + 1], here = u[i][j];
  /* u_ab by the diagonal neighbours (+, -) and (-, +), mirrored at a wall */
  double down_right = j > 0 ? u[i + 1][j - 1] : u[i][1];
  double up_left = i > 0 ? u[i - 1][j + 1] : u[1][j];
  double aa = (right - 2 * here + left) / (h * h), bb = (above - 2 * here + below) / (h * h);
  double ab = (right + left + above + below - 2 * here - down_right - up_left) / (2 * h * h);
  double a = (right - left) / (2 * h), b = (above - below) / (2 * h);
  double wall_a = i > 0 ? (a - 0.5 * b) / tanh(i * h) : aa - 0.5 * ab;
  double wall_b = j > 0 ? (b - 0.5 * a) / tanh(j * h) : bb - 0.5 * ab;
  return aa + bb - ab + wall_a + wall_b + 0.5 * (a + b) / tanh((i + j) * h);
}

static double spread_of_three(double h, int cells)
{
  static grid u, next;
  const int steps = (int)ceil(1 / (0.08 * h * h));
  for (int i = 0; i <= cells + 1; i++)
    for (int j = 0; j <= cells + 1; j++) u[i][j] = (i + j) * h;
  for (int k = 0; k < steps; k++) {
    for (int i = 0; i <= cells; i++)
      for (int j = 0; j <= cells; j++) next[i][j] = u[i][j] + generator(u, i, j, h) / steps;
    for (int i = 0; i <= cells; i++) {
      next[cells + 1][i] = 2 * next[cells][i] - next[cells - 1][i];
      next[i][cells + 1] = 2 * next[i][cells] - next[i][cells - 1];
    }
    next[cells + 1][cells + 1] = 2 * next[cells][cells + 1] - next[cells - 1][cells + 1];
    memcpy(u, next, sizeof u);
  }
  return u[0][0];
}

Test(reference, width_three)
{
  const double sum = ref_log_det_term(3, 2); /* -3/2; lambda_2 lies in the middle by symmetry */
  double level[3] = {spread_of_three(0.4, 25), spread_of_three(0.2, 50), spread_of_three(0.1, 100)};
  double spread = level[2] + (level[2] - level[1]) / 3;
  if (test_verbose()) printf("   spread of three: %.6f %.6f %.6f\n", level[0], level[1], level[2]);
  moments m[NUMBERS];
  draw_limit(3, 1, 1, test_trials(100000), 100, m);
  ref_row_mean("10 E lambda_1, d=3 L=inf", sum / 3 + 0.5 * spread, &m[LAMBDA], STEP_BIAS);
  ref_row_mean("10 E lambda_2", sum / 3, &m[LAMBDA + 1], STEP_BIAS);
  ref_row_mean("10 E lambda_3", sum / 3 - 0.5 * spread, &m[LAMBDA + 2], STEP_BIAS);
}

/* ---- 11, 15: plain products
 * -------------------------------------------------------------------------- */

/* lambda_k(L)/L -> gamma_k; what does not grow is left out by a difference of two records. */
Test(reference, ginibre)
{
  enum { D = 4, DEPTH = 160 };
  const double fractions[] = {0.5, 1};
  const int draws = test_trials(1500);
  wmc_block_options o = ref_options(D, DEPTH, 1, "linear");
  wmc_stream *stream = test_stream(REF_SEED, 110);
  wmc_network *network;
  moments rate[D] = {0}, sum = {0}, growth = {0};
  cr_assert_eq(wmc_network_create(&network, &wmc_block_plain, &o, 2, fractions), WMC_OK);
  for (int i = 0; i < draws; i++) {
    cr_assert(wmc_network_draw(network, stream));
    const double *half = wmc_network_values(network), *end = half + D;
    double total = 0;
    for (int k = 0; k < D; k++) {
      add(&rate[k], (end[k] - half[k]) / (DEPTH / 2));
      total += end[k];
    }
    add(&sum, total);
    add(&growth, wmc_network_growth(network)[1]);
  }
  double total = 0, spread = 0;
  for (int k = 1; k <= D; k++) {
    char item[64];
    double step = 0.25 * ref_log_chi_variance(D - k + 1);
    total += ref_lyapunov(D, k);
    spread += step;
    snprintf(item, sizeof item, "11 Ginibre d=4, gamma_%d", k);
    ref_row(item, ref_lyapunov(D, k), rate[k - 1].mean, sqrt(step / (DEPTH / 2.0) / draws), 1e-6);
  }
  ref_row("11 Ginibre d=4, sum of L=160", DEPTH * total, sum.mean, sqrt(DEPTH * spread / draws), 0);
  ref_row("11 Ginibre d=4, log|Mu| of L=160", DEPTH * ref_lyapunov(D, 1), growth.mean,
          sqrt(DEPTH * 0.25 * ref_log_chi_variance(D) / draws), 0);
  wmc_network_destroy(network);
  wmc_stream_destroy(stream);
}

static double binomial(int n, int k)
{
  return exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2));
}

/* M has full rank as long as every layer has; E rank = sum_k P(B >= k)^L. */
static double mean_rank(int d, int depth)
{
  double rank = 0;
  for (int k = 1; k <= d; k++) {
    double tail = 0;
    for (int b = k; b <= d; b++) tail += binomial(d, b);
    rank += pow(tail, depth);
  }
  return rank;
}

Test(reference, relu_mask_product)
{
  const int draws = test_trials(8000);
  for (int d = 8; d <= 64; d *= 8)
    for (int depth = 1; depth <= 4; depth += 3) {
      char item[64];
      double mean, spread;
      moments m[NUMBERS];
      wmc_block_options o = ref_options(d, depth, 1, "relu");
      o.variance = 2.0 / d;
      ref_mask_growth(d, &mean, &spread);
      ref_draw_networks(&wmc_block_plain, &o, d > 8 ? draws / 20 + 1 : draws, 10 + d + depth, m);
      double count = m[GROWTH].count;
      snprintf(item, sizeof item, "15 relu product d=%d L=%d, log|Mu|/L", d, depth);
      ref_row(item, mean, m[GROWTH].mean / depth, sqrt(spread / depth / count), 0);
      snprintf(item, sizeof item, "15 relu product d=%d L=%d, Var/L", d, depth);
      ref_row(item, spread, variance(&m[GROWTH]) / depth,
              spread * sqrt((depth == 1 ? 8.0 : 4.0) / count), 0);
      snprintf(item, sizeof item, "15 relu product d=%d L=%d, rank", d, depth);
      ref_row_mean(item, mean_rank(d, depth), &m[RANK], 0);
      snprintf(item, sizeof item, "15 relu product d=%d L=%d, tr g", d, depth);
      ref_row_mean(item, d, &m[TRACE], 0);
    }
}

/* ---- 12: finite-time singular values against growth rates of the triangle
 * ---------------------------- */

/* E lambda_k - sum over layers of log R_kk -> c_k, where J Q = Q' R layer by layer. */
static void follow_triangles(int d, int depth, double s, int draws, long id, moments *offset)
{
  double jacobian[16], q[16], r[16], next[16], values[4], growth, scratch[256];
  size_t size = (size_t)(d * d);
  wmc_qdt *qdt;
  wmc_stream *stream = test_stream(REF_SEED, id);
  cr_assert_leq(wmc_qr_scratch(d, d), 256);
  cr_assert_eq(wmc_qdt_create(&qdt, d, wmc_qdt_layers(d, s * s)), WMC_OK);
  for (int n = 0; n < draws; n++) {
    double sums[4] = {0};
    for (size_t e = 0; e < size; e++) q[e] = e % ((size_t)d + 1) == 0;
    wmc_qdt_start(qdt);
    for (int l = 0; l < depth; l++) {
      wmc_stream_normals(stream, size, s, jacobian);
      for (size_t e = 0; e < size; e += (size_t)d + 1) jacobian[e] += 1;
      wmc_qdt_multiply(qdt, 1, jacobian);
      for (int c = 0; c < d; c++)
        for (int i = 0; i < d; i++) {
          next[c * d + i] = 0;
          for (int k = 0; k < d; k++) next[c * d + i] += jacobian[k * d + i] * q[c * d + k];
        }
      memcpy(q, next, size * sizeof *q);
      wmc_qr(d, d, q, r, scratch);
      for (int k = 0; k < d; k++) sums[k] += log(r[k * d + k]);
    }
    cr_assert(wmc_qdt_values(qdt, values, &growth));
    for (int k = 0; k < d; k++) add(&offset[k], values[k] - sums[k]);
  }
  wmc_qdt_destroy(qdt);
  wmc_stream_destroy(stream);
}

Test(reference, offsets)
{
  const int depth = 500, draws = test_trials(1000);
  const double s2 = 0.04;
  for (int d = 2; d <= 4; d++) {
    char item[64];
    moments offset[4] = {0};
    follow_triangles(d, depth, sqrt(s2), draws, 120 + d, offset);
    for (int k = 1; k <= d; k++) {
      snprintf(item, sizeof item, "12 offset d=%d, c_%d", d, k);
      ref_row_mean(item, ref_offset(d, k), &offset[k - 1], 1e-3);
    }
  }
}

/* Growth of volumes: Gamma_k = E sum_{i<=k} log R_ii of I + s G = Q R
 *   = s^2 k(d-k-1)/2 - s^4 k(d-k-1)(d-2k-2)/4 + O(s^6).
 * The mean over G and -G has no odd powers of s, and what it has at s^2 is half of
 * tr (G^T G)_kk - tr ((G + G^T)_kk)^2 / 2, of mean k(d-k-1): without it only s^4 is left. */
enum { VOLUMES = 5 };

static void volumes_of_layer(const double *g, double s, double *volume)
{
  double a[VOLUMES * VOLUMES], r[VOLUMES * VOLUMES], scratch[256], sum = 0;
  cr_assert_leq(wmc_qr_scratch(VOLUMES, VOLUMES), 256);
  for (int e = 0; e < VOLUMES * VOLUMES; e++) a[e] = s * g[e] + (e % (VOLUMES + 1) == 0);
  wmc_qr(VOLUMES, VOLUMES, a, r, scratch);
  for (int k = 0; k < VOLUMES; k++) volume[k] = sum += log(r[k * VOLUMES + k]);
}

/* [tr (G^T G)_kk - tr ((G + G^T)_kk)^2 / 2] / 2 */
static double second_order(const double *g, int k)
{
  double sum = 0;
  for (int c = 0; c < k; c++)
    for (int i = 0; i < VOLUMES; i++) {
      double one = g[c * VOLUMES + i], both = one + g[i * VOLUMES + c];
      sum += one * one - (i < k ? 0.5 * both * both : 0);
    }
  return 0.5 * sum;
}

Test(reference, growth_of_volumes)
{
  const double s = 0.03;
  const int d = VOLUMES;
  moments two[VOLUMES] = {0}, four[VOLUMES] = {0};
  wmc_stream *stream = test_stream(REF_SEED, 127);
  for (int n = test_trials(40000); n > 0; n--) {
    double g[VOLUMES * VOLUMES], plus[VOLUMES], minus[VOLUMES];
    wmc_stream_normals(stream, VOLUMES * VOLUMES, 1, g);
    volumes_of_layer(g, s, plus);
    volumes_of_layer(g, -s, minus);
    for (int k = 1; k <= d; k++) {
      double second = second_order(g, k), mean = 0.5 * (plus[k - 1] + minus[k - 1]);
      add(&two[k - 1], second);
      add(&four[k - 1], (mean - s * s * second) / pow(s, 4));
    }
  }
  for (int k = 1; k <= d; k++) {
    char item[64];
    snprintf(item, sizeof item, "   Gamma_%d of d=%d: coefficient of s^2", k, d);
    ref_row_mean(item, 0.5 * k * (d - k - 1), &two[k - 1], 0);
    snprintf(item, sizeof item, "   Gamma_%d of d=%d: coefficient of s^4", k, d);
    ref_row_mean(item, -0.25 * k * (d - k - 1) * (d - 2 * k - 2), &four[k - 1], s * s * d * d * k);
  }
  wmc_stream_destroy(stream);
}

/* ---- 13: complex matrices
 * ----------------------------------------------------------------------------- */

Test(reference, complex_matrices)
{
  const int widths[] = {2, 3, 8};
  moments m[NUMBERS];
  char item[64];
  for (int k = 0; k < 3; k++) {
    const double d = widths[k], t2 = 0.5;
    draw_limit(widths[k], 2, 1, test_trials(k < 2 ? 100000 : 20000), 130 + k, m);
    snprintf(item, sizeof item, "13 E sum lambda^2, d=%d complex", widths[k]);
    double exact = k == 1
                       ? ref_complex_squares_3(1)
                       : t2 * d * d + t2 * t2 * d * (d * d - 1) / 3; /* of t2 diag + sqrt(t2) H */
    ref_row_mean(item, exact, &m[SQUARES], 0);
    if (k > 0) continue;
    ref_row_mean("13 E gap, d=2 complex", ref_complex_gap_mean(1, 1), &m[GAP], 0);
    ref_row_mean("13 E lambda_1, d=2 complex", 0.5 * ref_complex_gap_mean(1, 1), &m[LAMBDA], 0);
  }
}

/* ---- 14: infinite width
 * --------------------------------------------------------------------------------- */

/* Entries of variance 1/d. Complex: E m_2 = t/2 + (t^2/12)(1 - 1/d^2) exactly. Real: corrections of
 * order 1/d, so that two widths extrapolate to 1/d^2. */
static void infinite_width(int beta, double t, int d, int draws, long id, moments *second,
                           moments *fourth)
{
  const double end = 1;
  wmc_chamber_options o = {.width = d,
                           .beta = beta,
                           .variance = t / d,
                           .time = 1,
                           .shift = 1 - 2.0 / beta,
                           .resolution = RESOLUTION,
                           .exact = beta == 2};
  wmc_chamber *chamber;
  wmc_stream *stream = test_stream(REF_SEED, id);
  cr_assert_eq(wmc_chamber_create(&chamber, &o, 1, &end), WMC_OK);
  for (int i = 0; i < draws; i++) {
    double two = 0, four = 0;
    cr_assert(wmc_chamber_draw(chamber, stream));
    const double *lambda = wmc_chamber_values(chamber);
    for (int k = 0; k < d; k++) two += lambda[k] * lambda[k] / d;
    for (int k = 0; k < d; k++) four += pow(lambda[k], 4) / d;
    add(second, two);
    add(fourth, four);
  }
  wmc_chamber_destroy(chamber);
  wmc_stream_destroy(stream);
}

Test(reference, infinite_width)
{
  const int draws = test_trials(3000), d = 16;
  const double t = 1, second = ref_free_moment(t, 2, false), fourth = ref_free_moment(t, 4, false);
  for (int beta = 1; beta <= 2; beta++) {
    moments two[2] = {0}, four[2] = {0};
    for (int level = 0; level < 2; level++)
      infinite_width(beta, t, d << level, draws >> (2 * level), 140 + 2 * beta + level, &two[level],
                     &four[level]);
    double deep = beta == 1 ? 2 : 4.0 / 3, shallow = deep - 1; /* of the means at 2d and d */
    const char *const names[2][2] = {{"14 m_2, t=1, real d=16, 32", "14 m_4, t=1, real d=16, 32"},
                                     {"14 m_2, t=1, complex", "14 m_4, t=1, complex"}};
    ref_row(names[beta - 1][0], second, deep * two[1].mean - shallow * two[0].mean,
            hypot(deep * standard_error(&two[1]), shallow * standard_error(&two[0])),
            2.0 / (d * d));
    ref_row(names[beta - 1][1], fourth, deep * four[1].mean - shallow * four[0].mean,
            hypot(deep * standard_error(&four[1]), shallow * standard_error(&four[0])),
            2.0 / (d * d));
  }
}
