/* Euler-Maruyama in singular values and frames; eqs. (12), (20), (25). */
#include <math.h>

#include "balanced.h"
#include "weylmc/geometry/entropy.h"

/* Displacement x' - x when x dx/dt = c flows for one step: x'^2 = x^2 + 2 c. Unlike c/x it is right
 * in the mean square, and bounded, however small x is; eq. (20). */
static double flow(double x, double c) { return 2 * c / (x + sqrt(x * x + 2 * c)); }

static void add_repulsion(const wmc_spectrum *x, double w, double *shift)
{
  const bool infinite = isinf(x->depth);
  for (int i = 0; i < x->rank; i++)
    for (int j = i + 1; j < x->rank; j++) {
      double gap = x->lambda[i] - x->lambda[j], sum = x->lambda[i] + x->lambda[j];
      double apart = 0.5 * flow(gap, w), up = infinite ? 0 : 0.5 * w / sum;
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
  const int d = chain->x.rank;
  double *columns[] = {chain->u, chain->v, chain->g, chain->h};
  for (int m = 0; m < 4; m++)
    for (int i = 0; i < d; i++) swap(columns[m] + (k - 1) * d + i, columns[m] + k * d + i);
  for (int m = 2; m < 4; m++)
    for (int i = 0; i < d; i++) swap(columns[m] + i * d + k - 1, columns[m] + i * d + k);
}

/* Signed lambda become the state: |lambda| in decreasing order, columns with them. */
static void adopt(wmc_balanced *chain, double *lambda)
{
  const int d = chain->x.rank;
  for (int k = 0; k < d; k++) {
    if (isinf(chain->x.depth)) continue;
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

/* d energy / d lambda_k */
static double force_on(const wmc_balanced *chain, int k)
{
  const wmc_spectrum *x = &chain->x;
  const double slope = x->sigma[k] * wmc_balanced_line(chain, k).slope, w = chain->energy.decay;
  if (isinf(x->depth)) return slope + w;
  return x->depth * (slope / x->lambda[k] + w * x->lambda[k]);
}

/* Repulsion of pairs and from 0 goes by its own flow, the rest by its derivative; eqs. (12), (20).
 */
void wmc_balanced_euler_lambda(wmc_balanced *chain, wmc_stream *stream)
{
  const wmc_gibbs *law = &chain->law;
  const wmc_spectrum *x = &chain->x;
  const int d = x->rank;
  const bool infinite = isinf(x->depth);
  const double b = law->shape.numbers, time = chain->step / wmc_shape_clock(&law->shape);
  const double variance = 2 * law->horizontal * time / law->beta;
  const double outward = 0.5 * variance * wmc_gibbs_power(law);
  double *entropy = chain->work, *shift = entropy + d;
  wmc_stream_normals(stream, (size_t)d, sqrt(variance), shift);
  add_repulsion(x, b * variance, shift);
  wmc_entropy_pair_gradient(x, entropy);
  for (int k = 0; k < d; k++) {
    double drift = b * law->vertical / law->beta * entropy[k] - force_on(chain, k);
    shift[k] += x->lambda[k] + (infinite ? outward : flow(x->lambda[k], outward)) + time * drift;
  }
  adopt(chain, shift);
}

/* Turns of column i with the columns after it: arrays of what concerns each. */
typedef struct turns {
  double *ratio;                          /* sigma_j / sigma_i */
  double *restrict same, *restrict other; /* drift of the angles phi and psi */
  double *restrict c_u, *restrict s_u;    /* cos and sin for U, */
  double *restrict c_v, *restrict s_v;    /* and for V */
} turns;

static turns turns_map(int d, double *memory)
{
  return (turns){memory,         memory + d,     memory + 2 * d, memory + 3 * d,
                 memory + 4 * d, memory + 5 * d, memory + 6 * d};
}

/* Ratios and drifts; with ratios and q = 1/(lambda_i^2 - lambda_j^2) nothing under- or overflows.
 */
static void find_drift(const wmc_balanced *chain, int i, const turns *t)
{
  const wmc_spectrum *x = &chain->x;
  const int d = x->rank, n = d - 1 - i;
  const double si = x->sigma[i], half = 0.5 * chain->step;
  const bool blind = chain->energy.plain && chain->energy.centred;
  for (int k = 0; k < n; k++)
    t->ratio[k] =
        si > 0 ? x->sigma[i + 1 + k] / si : exp(x->log_sigma[i + 1 + k] - x->log_sigma[i]);
  for (int k = 0; k < n; k++) {
    int j = i + 1 + k, ij = j * d + i, ji = i * d + j;
    t->same[k] = t->other[k] = 0;
    if (blind) continue;
    double force_ij = si * chain->h[ij] - chain->g[ij];
    double force_ji = x->sigma[j] * chain->h[ji] - chain->g[ji];
    t->same[k] = -half * (si + x->sigma[j]) * (force_ij + force_ji);
    t->other[k] = half * (si - x->sigma[j]) * (force_ij - force_ji);
  }
}

static double clamp(double x, double most) { return x < most ? (x > -most ? x : -most) : most; }

/* (25); an angle a enters as 2 atan(a/2), equal up to its cube, and bounded. */
static void find_turns(const wmc_spectrum *x, int i, const double *normals, const turns *t)
{
  const double most = 1e8, tiny = 1e-300, top = x->lambda2[i];
  const int n = x->rank - 1 - i;
  const double *lambda2 = x->lambda2 + i + 1, *others = normals + n;
  for (int k = 0; k < n; k++) {
    double gap = top - lambda2[k], less = 1 - t->ratio[k], more = 1 + t->ratio[k];
    gap = gap > tiny ? gap : tiny;
    double under = less * more * gap, q = 1 / gap, root = 1 / sqrt(under > tiny ? under : tiny);
    double p = 0.5 * clamp(more * root * normals[k] + q * t->same[k], most);
    double o = 0.5 * clamp(less * root * others[k] + q * t->other[k], most);
    double scale = 1 / ((1 + p * p) * (1 + o * o));
    double cc = (1 - p * p) * (1 - o * o), ss = 4 * p * o;
    double sc = 2 * p * (1 - o * o), cs = 2 * o * (1 - p * p);
    t->c_u[k] = (cc - ss) * scale;
    t->s_u[k] = (sc + cs) * scale;
    t->c_v[k] = (cc + ss) * scale;
    t->s_v[k] = (sc - cs) * scale;
  }
}

static void apply_turns(wmc_balanced *chain, int i, const turns *t)
{
  const int d = chain->x.rank, n = d - 1 - i, next = (i + 1) * d;
  wmc_rotate_columns(d, n, t->c_u, t->s_u, chain->u + i * d, chain->u + next);
  wmc_rotate_columns(d, n, t->c_v, t->s_v, chain->v + i * d, chain->v + next);
  if (chain->energy.plain && chain->energy.centred) return;
  for (int k = 0; k < n; k++) {
    const double a[] = {t->c_u[k], t->s_u[k]}, b[] = {t->c_v[k], t->s_v[k]};
    wmc_balanced_turn_energy(chain, i, i + 1 + k, a, b);
  }
}

void wmc_balanced_euler_frames(wmc_balanced *chain, wmc_stream *stream)
{
  const int d = chain->x.rank, normals = d * (d - 1);
  const double noise = sqrt(chain->law.horizontal * chain->step / chain->law.beta);
  double *deviates = chain->work;
  const turns t = turns_map(d, deviates + normals);
  wmc_stream_normals(stream, (size_t)normals, noise, deviates);
  for (int i = 0; i < d - 1; i++) {
    find_drift(chain, i, &t);
    find_turns(&chain->x, i, deviates, &t);
    apply_turns(chain, i, &t);
    deviates += 2 * (d - 1 - i);
  }
}
