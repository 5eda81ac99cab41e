/* Reference numbers of other blocks and weights than linear ones, measured; see reference.c. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "reference.h"
#include "reference_draws.h"
#include "support.h"

/* ---- 16, 17, 18: other architectures
 * ---------------------------------------------------------------------- */

/* c1 = c2 = 1 and n = 2: sigma^2 = c1 c2 n / 2 = 1. At L = 256 the gap is b/L away from its limit;
 * two depths remove b. */
Test(reference_blocks, two_layer_relu)
{
  const int depth = 128, draws = test_trials(20000);
  moments m[2][NUMBERS];
  for (int level = 0; level < 2; level++) {
    wmc_block_options o = ref_options(2, depth << level, 1, "relu");
    o.variance = 2;
    ref_draw_networks(&wmc_block_two_layer, &o, draws, 160 + level, m[level]);
  }
  ref_row_mean("16 two-layer relu d=2 n=2, gap at L=256", ref_gap_mean(1, REF_GAP), &m[1][GAP],
               15.0 / 256);
  ref_row("16 two-layer relu d=2 n=2, gap at L=inf", ref_gap_mean(1, REF_GAP),
          2 * m[1][GAP].mean - m[0][GAP].mean,
          hypot(2 * standard_error(&m[1][GAP]), standard_error(&m[0][GAP])),
          40.0 / (depth * depth));
}

/* Layers are marginally gaussian, so E sum lambda = L E log|det(1 + s G)|, s^2 = L^{-2H}. */
Test(reference_blocks, fractional_weights)
{
  const int draws = test_trials(10000), depth = 128;
  moments m[NUMBERS];
  wmc_block_options o = ref_options(2, depth, 1, "linear");
  o.weights = wmc_weights_find("fractional");
  double s2 = pow(depth, -1.5), exact = depth * ref_log_det_2(s2);
  ref_draw_networks(&wmc_block_linear, &o, draws, 170, m);
  ref_row_mean("17 fractional H=.75 d=2, E sum at L=128", exact, &m[SUM], 0);
  ref_row_variance("17 fractional H=.75 d=2, Var sum -> 2", 2, &m[SUM], 0.2, 20 * 2 * s2);
  cr_expect_lt(fabs(exact * sqrt(depth) + 1), 3 * s2, "about -L^{-1/2}");
}

/* Orthogonal layers; inputs that relu never lets move. */
Test(reference_blocks, null_tests)
{
  moments m[NUMBERS];
  wmc_block_options o = ref_options(4, 200, 1, "linear");
  ref_draw_networks(&wmc_block_rotation, &o, 20, 180, m);
  double largest = 0;
  for (int i = 0; i < 4; i++) largest = fmax(largest, fabs(m[LAMBDA + i].mean));
  cr_expect_lt(largest, 1e-13, "18 unitary: %g", largest);

  const int draws = test_trials(8000);
  for (int d = 1; d <= 3; d++) {
    const double end = 1, share = exp2(-d);
    char item[64];
    wmc_stream *stream = test_stream(REF_SEED, 180 + d);
    wmc_network *network;
    moments frozen = {0};
    o = ref_options(d, 16, 1, "relu");
    cr_assert_eq(wmc_network_create(&network, &wmc_block_one_layer, &o, 1, &end), WMC_OK);
    for (int i = 0; i < draws; i++) {
      cr_assert(wmc_network_draw(network, stream));
      const double *values = wmc_network_values(network);
      add(&frozen, values[0] == 0 && values[d - 1] == 0);
    }
    snprintf(item, sizeof item, "18 one-layer relu d=%d: share of lambda = 0", d);
    ref_row(item, share, frozen.mean, sqrt(share * (1 - share) / draws), 0);
    wmc_network_destroy(network);
    wmc_stream_destroy(stream);
  }
}

/* ---- one-layer relu: what is known of its vectors
 * ---------------------------------------------------------- */

/* Out of section 3: with A active units and q = |D u|^2/|u|^2,
 *   d log|phi(x)| = sigma dB + sigma^2 (A/2 - 1) dt,   d log|u| = sigma sqrt q dB + sigma^2 q
 * (d-2)/2 dt, u carried by the Jacobian. Means of the differences, and of their squares less what
 * the noise adds, vanish up to O(1/L); frozen inputs have no norm and are drawn again. */
enum { NORM, NORM2, CARRIED, CARRIED2, RESIDUALS };

static double norm_of(int d, const double *x, bool active, const double *mask)
{
  double sum = 0;
  for (int i = 0; i < d; i++) sum += !active || mask[i] > 0 ? x[i] * x[i] : 0;
  return sqrt(sum);
}

static void follow_relu(int d, int depth, wmc_stream *stream, moments *out)
{
  double x[4], u[4], w[16], norm = 0, before, s2 = 1.0 / depth;
  double drift = 0, carried_drift = 0, carried_noise = 0;
  while (!(norm > 0)) {
    wmc_stream_normals(stream, (size_t)d, 1, x);
    norm = norm_of(d, x, true, x);
  }
  before = norm;
  wmc_stream_normals(stream, (size_t)d, 1, u);
  double u_before = norm_of(d, u, false, x);
  for (int l = 0; l < depth; l++) {
    double dx[4] = {0}, du[4] = {0}, share = norm_of(d, u, true, x) / norm_of(d, u, false, x);
    int active = 0;
    wmc_stream_normals(stream, (size_t)(d * d), sqrt(s2), w);
    for (int c = 0; c < d; c++) {
      if (!(x[c] > 0)) continue;
      active++;
      for (int i = 0; i < d; i++) {
        dx[i] += w[c * d + i] * x[c];
        du[i] += w[c * d + i] * u[c];
      }
    }
    drift += s2 * (0.5 * active - 1);
    carried_drift += 0.5 * s2 * share * share * (d - 2);
    carried_noise += s2 * share * share;
    for (int i = 0; i < d; i++) {
      x[i] += dx[i];
      u[i] += du[i];
    }
  }
  double moved = log(norm_of(d, x, true, x) / before) - drift;
  double carried = log(norm_of(d, u, false, x) / u_before) - carried_drift;
  if (!isfinite(moved)) return; /* all units off: at finite depth, in a layer of large weights */
  add(&out[NORM], moved);
  add(&out[NORM2], moved * moved - 1);
  add(&out[CARRIED], carried);
  add(&out[CARRIED2], carried * carried - carried_noise);
}

Test(reference_blocks, one_layer_relu_vectors)
{
  const int depth = 200, draws = test_trials(4000);
  const char *const names[] = {"   one-layer relu d=4, log|phi(x)| - drift", "   its square - 1",
                               "   one-layer relu d=4, log|u| - drift", "   its square - noise"};
  moments m[2][RESIDUALS] = {0};
  for (int level = 0; level < 2; level++) {
    wmc_stream *stream = test_stream(REF_SEED, 190 + level);
    for (int i = 0; i < draws; i++) follow_relu(4, depth << level, stream, m[level]);
    wmc_stream_destroy(stream);
  }
  for (int r = 0; r < RESIDUALS; r++)
    ref_row(names[r], 0, 2 * m[1][r].mean - m[0][r].mean,
            hypot(2 * standard_error(&m[1][r]), standard_error(&m[0][r])), 0);
}

/* ---- rms norm: growth as a power of the depth
 * ---------------------------------------------------------------- */

/* Weights of variance 1/d, |x_0|^2 = d: x_t = x_0 + sqrt(t) N(0, I), and v = 1/|x|^2, tr C = d - 1:
 *   E sum lambda = -(d-1)/2 int_0^tau E 1/|x_t|^2 dt,   E 1/|x_t|^2 = (1/t) E 1/(d - 2 + 2 P),
 * P Poisson of mean d/(2t). At large d |x_t|^2 = d(1 + t), and it is -(1/2) log(1 + tau). */
static double inverse_norm(double t, const double *width)
{
  const double d = *width, mean = 0.5 * d / t;
  double sum = 0, p = exp(-mean);
  if (mean > 600) return 1 / (d * (1 + t)) + 2 * t / (d * d);
  for (int k = 0; k < mean + 40 * sqrt(mean + 1); k++) {
    sum += p / (d - 2 + 2 * k);
    p *= mean / (k + 1);
  }
  return sum / t;
}

static double power_law(double d, double tau)
{
  return -0.5 * (d - 1) * test_integral(inverse_norm, &d, 0, tau);
}

Test(reference_blocks, power_law_of_rms_norm)
{
  const double tau = 8;
  moments m[NUMBERS];
  const int d = 8;
  wmc_block_options o = ref_options(d, 800, tau, "linear");
  o.norm = WMC_NORM_RMS;
  o.variance = 1.0 / d;
  ref_draw_networks(&wmc_block_linear, &o, test_trials(2000), 195, m);
  ref_row_mean("   rms norm, E sum lambda at tau=8, d=8", power_law(d, tau), &m[SUM], 0.01);
  cr_expect_lt(fabs(power_law(100, tau) + 0.5 * log(1 + tau)), 0.02, "%g", power_law(100, tau));
}
