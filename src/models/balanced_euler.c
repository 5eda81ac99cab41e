/* Euler-Maruyama in singular values and frames; eqs. (12), (20), (25). */
#include <math.h>

#include "balanced.h"
#include "weylmc/geometry/entropy.h"

/* Displacement x' - x when x dx/dt = c flows for one step: x'^2 = x^2 + 2 c. Unlike c/x it is right
 * in the mean square, and bounded, however small x is; eq. (20). */
static double flow(double x, double c) { return 2 * c / (x + sqrt(x * x + 2 * c)); }

static void add_repulsion(const wmc_spectrum *x, double w, double *shift)
{
  for (int i = 0; i < x->width; i++)
    for (int j = i + 1; j < x->width; j++) {
      double gap = x->lambda[i] - x->lambda[j], sum = x->lambda[i] + x->lambda[j];
      double apart = 0.5 * flow(gap, w), up = 0.5 * w / sum;
      shift[i] += up + apart;
      shift[j] += up - apart;
    }
}

static void swap(double *x, double *y)
{
  double t = *x;
  *x = *y;
  *y = t;
}

/* Exchange columns k - 1 and k of both frames. */
static void swap_columns(wmc_balanced *chain, int k)
{
  const int d = chain->x.width;
  double *columns[] = {chain->u, chain->v, chain->g, chain->h};
  for (int m = 0; m < 4; m++)
    for (int i = 0; i < d; i++) swap(columns[m] + (k - 1) * d + i, columns[m] + k * d + i);
  for (int m = 2; m < 4; m++)
    for (int i = 0; i < d; i++) swap(columns[m] + i * d + k - 1, columns[m] + i * d + k);
}

/* Signed lambda become the state: |lambda| in decreasing order, columns with them. */
static void adopt(wmc_balanced *chain, double *lambda)
{
  const int d = chain->x.width;
  for (int k = 0; k < d; k++) {
    if (lambda[k] < 0 && chain->flips && chain->u != NULL) wmc_balanced_flip_column(chain, k);
    lambda[k] = fabs(lambda[k]);
  }
  for (int i = 1; i < d; i++)
    for (int k = i; k > 0 && lambda[k - 1] < lambda[k]; k--) {
      swap(&lambda[k - 1], &lambda[k]);
      if (chain->u != NULL) swap_columns(chain, k);
    }
  for (int k = 0; k < d; k++) wmc_spectrum_set_lambda(&chain->x, k, lambda[k]);
}

void wmc_balanced_euler_lambda(wmc_balanced *chain, wmc_stream *stream)
{
  const wmc_gibbs *law = &chain->law;
  const wmc_spectrum *x = &chain->x;
  const int d = x->width;
  const double time = chain->step / x->depth, variance = 2 * law->horizontal * time / law->beta;
  const wmc_shape square = {.width = d, .depth = x->depth};
  const double excess = law->vertical * time / law->beta * wmc_shape_excess(&law->shape);
  double *entropy = chain->work, *shift = entropy + d;
  wmc_stream_normals(stream, (size_t)d, sqrt(variance), shift);
  add_repulsion(x, variance, shift);
  wmc_entropy_gradient(&square, x, entropy);
  for (int k = 0; k < d; k++) {
    size_t at = (size_t)k * chain->stride;
    double slope = x->sigma2[k] * chain->stiffness[at] - x->sigma[k] * chain->tilt[at];
    double drift = law->vertical / law->beta * entropy[k] - x->depth * slope / x->lambda[k];
    shift[k] += x->lambda[k] + flow(x->lambda[k], excess) + time * drift;
  }
  adopt(chain, shift);
}

/* Rotation by 2 atan(angle / 2): by the angle up to its cube, and bounded. */
static void rotation(double angle, double out[2])
{
  const double most = 1e8, t = 0.5 * fmax(-most, fmin(angle, most)), scale = 1 / (1 + t * t);
  out[0] = (1 - t * t) * scale;
  out[1] = 2 * t * scale;
}

/* One pair of columns, i < j: both frames turn by the angle `same`, and against each other by
 * `other`. With r = sigma_j/sigma_i and q = 1/(lambda_i^2 - lambda_j^2) nothing under- or
 * overflows. */
static void turn_pair(wmc_balanced *chain, int i, int j, const double noise[2])
{
  const wmc_spectrum *x = &chain->x;
  const int d = x->width, ij = j * d + i, ji = i * d + j;
  const double si = x->sigma[i], sj = x->sigma[j], tiny = 1e-300;
  const double r = si > 0 ? sj / si : exp(x->log_sigma[j] - x->log_sigma[i]);
  const double ratio = (1 - r) / (1 + r), q = 1 / fmax(x->lambda2[i] - x->lambda2[j], tiny);
  const double force_ij = si * chain->h[ij] - chain->g[ij];
  const double force_ji = sj * chain->h[ji] - chain->g[ji], half = 0.5 * chain->step * q;
  double same = noise[0] * sqrt(q / ratio) - half * (si + sj) * (force_ij + force_ji);
  double other = noise[1] * sqrt(q * ratio) + half * (si - sj) * (force_ij - force_ji);
  double s[2], o[2], a[2], b[2];
  rotation(same, s);
  rotation(other, o);
  a[0] = s[0] * o[0] - s[1] * o[1];
  a[1] = s[1] * o[0] + s[0] * o[1];
  b[0] = s[0] * o[0] + s[1] * o[1];
  b[1] = s[1] * o[0] - s[0] * o[1];
  wmc_balanced_turn_frames(chain, i, j, a, b);
}

void wmc_balanced_euler_frames(wmc_balanced *chain, wmc_stream *stream)
{
  const int d = chain->x.width;
  const double noise = sqrt(chain->law.horizontal * chain->step / chain->law.beta);
  double *normals = chain->work;
  wmc_stream_normals(stream, (size_t)(d * (d - 1)), noise, normals);
  for (int i = 0; i < d; i++)
    for (int j = i + 1; j < d; j++, normals += 2) turn_pair(chain, i, j, normals);
}
