/* Sums along one path. */
#include "weylmc/jacobian/drift.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "drift_layout.h"

/* What is known at one point of a path, a row of `row_size` numbers: functions whose integrals are
 * wanted, which are then replaced by their integrals from the first point on, and weights. */
typedef struct columns {
  size_t lambda, push, turned, dynkin_drift, dynkin_noise, tents; /* integrated */
  size_t integrated;
  size_t tanh, near, wide, instruments, rise; /* as they are */
  size_t row;
} columns;

static columns columns_of(const wmc_drift_plan *p)
{
  const size_t d = p->width;
  columns c = {.lambda = 0};
  c.push = c.lambda + d;
  c.turned = c.push + d; /* lambda_i S_j */
  c.dynkin_drift = c.turned + d * d;
  c.dynkin_noise = c.dynkin_drift + 1;
  c.tents = c.dynkin_noise + 1; /* nodes x d */
  c.integrated = c.tents + p->nodes * d;
  c.tanh = c.integrated;
  c.near = c.tanh + d;
  c.wide = c.near + d;
  c.instruments = c.wide + d; /* nodes x d */
  c.rise = c.instruments + p->nodes * d;
  c.row = c.rise + 1;
  return c;
}

size_t wmc_drift_points(const wmc_drift_plan *p) { return 2 * p->lag[p->lags - 1] + 1; }

size_t wmc_drift_sums(const wmc_drift_plan *p) { return drift_layout_of(p).size; }

size_t wmc_drift_scratch(const wmc_drift_plan *p) { return p->points * columns_of(p).row; }

/* ---- points --------------------------------------------------------------------------------- */

/* The two tents that meet over the gap x > 0 and their heights. */
static void add_tents(const wmc_drift_plan *p, double x, size_t i, size_t j, double *tents)
{
  const size_t d = p->width;
  if (p->nodes == 0) return;
  size_t b = 0;
  while (b < p->nodes && p->node[b] <= x) b++;
  size_t low = b > 0 ? b - 1 : 0, high = b < p->nodes ? b : p->nodes - 1;
  double share = low == high ? 1 : (x - p->node[low]) / (p->node[high] - p->node[low]);
  tents[high * d + i] += share;
  tents[high * d + j] -= share;
  if (low == high) return;
  tents[low * d + i] += 1 - share;
  tents[low * d + j] -= 1 - share;
}

/* The pair i < j: lambda_i > lambda_j. */
static void add_pair(const wmc_drift_plan *p, const columns *c, double x, size_t i, size_t j,
                     double *row)
{
  const double e = exp(-x), tangent = (1 - e * e) / (1 + e * e), coth = 1 / tangent;
  const double near = 1 - tangent * tangent, wide = x / (1 + x * x), half = (1 - e) / (1 + e);
  row[c->push + i] += coth;
  row[c->push + j] -= coth;
  row[c->tanh + i] += tangent;
  row[c->tanh + j] -= tangent;
  row[c->near + i] += near;
  row[c->near + j] += near;
  row[c->wide + i] += wide;
  row[c->wide + j] -= wide;
  row[c->rise] += x + 2 * log1p(e) - 2 * log(2.0);
  row[c->dynkin_noise] += 0.5 * (1 - half * half);
  add_tents(p, x, i, j, row + c->tents);
}

static void fill_row(const wmc_drift_plan *p, const columns *c, const double *lambda, double *row)
{
  const size_t d = p->width;
  memset(row, 0, c->row * sizeof *row);
  memcpy(row + c->lambda, lambda, d * sizeof *row);
  for (size_t i = 0; i < d; i++)
    for (size_t j = i + 1; j < d; j++) add_pair(p, c, lambda[i] - lambda[j], i, j, row);
  const double *push = row + c->push;
  for (size_t i = 0; i < d; i++) {
    for (size_t j = 0; j < d; j++) row[c->turned + i * d + j] = lambda[i] * push[j];
    for (size_t j = i + 1; j < d; j++)
      row[c->dynkin_drift] += tanh(0.5 * (lambda[i] - lambda[j])) * (push[i] - push[j]);
  }
  memcpy(row + c->instruments, row + c->tents, p->nodes * d * sizeof *row);
}

/* Integrals from the first point on, by the trapezoidal rule. */
static void integrate(const wmc_drift_plan *p, const columns *c, double *rows)
{
  for (size_t a = 0; a < c->integrated; a++) {
    double before = rows[a], sum = 0;
    rows[a] = 0;
    for (size_t k = 1; k < p->points; k++) {
      double now = rows[k * c->row + a];
      sum += 0.5 * p->step * (before + now);
      before = now;
      rows[k * c->row + a] = sum;
    }
  }
}

/* ---- windows -------------------------------------------------------------------------------- */

typedef struct window {
  const wmc_drift_plan *plan;
  const wmc_drift_path *path;
  const columns *c;
  size_t start, lag;
  const double *from, *to; /* rows */
  const double *lambda;    /* at the start */
  double h, share;         /* share: weight of a window in its average */
} window;

static double over(const window *w, size_t column) { return w->to[column] - w->from[column]; }

static double increment(const window *w, size_t i)
{
  return w->lambda[w->lag * w->plan->width + i] - w->lambda[i];
}

/* int (lambda_i - lambda_i(t)) S_j, and int (lambda_i - lambda_i(t)). */
static double turned(const window *w, size_t i, size_t j)
{
  return over(w, w->c->turned + i * w->plan->width + j) - w->lambda[i] * over(w, w->c->push + j);
}

static double strayed(const window *w, size_t i)
{
  return over(w, w->c->lambda + i) - w->lambda[i] * w->h;
}

static void outcomes_of(const window *w, size_t i, double out[OUTCOMES])
{
  out[OUT_Y] = increment(w, i);
  out[OUT_X] = over(w, w->c->push + i);
  out[OUT_Y2] = out[OUT_Y] * out[OUT_Y];
  out[OUT_E] = 2 * turned(w, i, i);
  out[OUT_F] = 2 * strayed(w, i);
}

static void add_lag(const window *w, double *sums)
{
  const size_t d = w->plan->width;
  const double share = w->share / (double)d;
  for (size_t i = 0; i < d; i++) {
    double out[OUTCOMES], tangent = w->from[w->c->tanh + i];
    outcomes_of(w, i, out);
    sums[LAG_ONE] += share;
    sums[LAG_TY] += share * tangent * out[OUT_Y];
    sums[LAG_TX] += share * tangent * out[OUT_X];
    sums[LAG_Y] += share * out[OUT_Y];
    sums[LAG_Y2] += share * out[OUT_Y2];
    sums[LAG_E] += share * out[OUT_E];
    sums[LAG_F] += share * out[OUT_F];
  }
}

static void weights_of(const window *w, size_t i, double out[WEIGHTS])
{
  const size_t d = w->plan->width, at = w->start * d;
  const double *q = w->path->diffusivity, *o = w->path->overlap;
  const double past = w->lambda[i] - (w->lambda - w->lag * d)[i];
  double activity = 0;
  for (size_t j = 0; q && j < d; j++) activity += q[at + j];
  out[BY_ONE] = 1;
  out[BY_TANH] = w->from[w->c->tanh + i];
  out[BY_NEAR] = w->from[w->c->near + i];
  out[BY_WIDE] = w->from[w->c->wide + i];
  out[BY_HIDDEN + WMC_DRIFT_DIFFUSIVITY] = q ? q[at + i] : 0;
  out[BY_HIDDEN + WMC_DRIFT_ACTIVITY] = activity;
  out[BY_HIDDEN + WMC_DRIFT_OVERLAP] = o ? o[at + i] : 0;
  out[BY_PAST] = past;
  out[BY_PAST_SQUARE] = past * past;
}

static void add_index(const window *w, size_t i, double *sums)
{
  double out[OUTCOMES], weight[WEIGHTS];
  outcomes_of(w, i, out);
  weights_of(w, i, weight);
  for (size_t a = 0; a < OUTCOMES; a++)
    for (size_t b = 0; b < WEIGHTS; b++) sums[a * WEIGHTS + b] += w->share * out[a] * weight[b];
  for (size_t a = 0; a < CONTROLS; a++)
    for (size_t b = 0; b < WEIGHTS; b++)
      sums[GRAM + a * WEIGHTS + b] += w->share * weight[a] * weight[b];
  for (size_t b = 0; b < WEIGHTS; b++) sums[SQUARES + b] += w->share * weight[b] * weight[b];
}

static void add_matrix(const window *w, double *sums)
{
  const size_t d = w->plan->width, size = d * d;
  for (size_t i = 0; i < d; i++)
    for (size_t j = 0; j < d; j++) {
      double *at = sums + i * d + j;
      at[MATRIX_YY * size] += w->share * increment(w, i) * increment(w, j);
      at[MATRIX_E * size] += w->share * (turned(w, i, j) + turned(w, j, i));
      at[MATRIX_F * size] += w->share * (strayed(w, i) + strayed(w, j));
    }
}

static void add_pairs(const window *w, double *sums)
{
  const size_t d = w->plan->width, nodes = w->plan->nodes;
  for (size_t a = 0; a < nodes; a++, sums += nodes + 2)
    for (size_t i = 0; i < d; i++) {
      const double z = w->share * w->from[w->c->instruments + a * d + i];
      for (size_t b = 0; b < nodes; b++) sums[b] += z * over(w, w->c->tents + b * d + i);
      sums[nodes] += z * over(w, w->c->push + i);
      sums[nodes + 1] += z * increment(w, i);
    }
}

static void add_shortest(const window *w, const drift_layout *l, double *sums)
{
  for (size_t i = 0; i < w->plan->width; i++) add_index(w, i, sums + l->index + i * INDEX_SUMS);
  sums[l->dynkin + DYNKIN_RISE] += w->share * over(w, w->c->rise);
  sums[l->dynkin + DYNKIN_DRIFT] += w->share * over(w, w->c->dynkin_drift);
  sums[l->dynkin + DYNKIN_NOISE] += w->share * over(w, w->c->dynkin_noise);
  add_matrix(w, sums + l->matrix);
  add_pairs(w, sums + l->pair);
}

/* Where values are equal, and stay so, coth has no meaning. */
static bool has_equal_values(const wmc_drift_plan *p, const double *lambda)
{
  const double equal = 1e-9;
  for (size_t k = 0; k < p->points; k++, lambda += p->width)
    for (size_t i = 1; i < p->width; i++)
      if (!(lambda[i - 1] - lambda[i] > equal)) return true;
  return false;
}

void wmc_drift_collect(const wmc_drift_plan *p, const wmc_drift_path *path, double *sums,
                       double *rows)
{
  const drift_layout l = drift_layout_of(p);
  const columns c = columns_of(p);
  const size_t longest = p->lag[p->lags - 1], d = p->width;
  memset(sums, 0, l.size * sizeof *sums);
  if (has_equal_values(p, path->lambda)) return;
  for (size_t k = 0; k < p->points; k++) fill_row(p, &c, path->lambda + k * d, rows + k * c.row);
  integrate(p, &c, rows);
  for (size_t a = 0; a < p->lags; a++)
    for (size_t k = longest; k + longest < p->points; k++) {
      const window w = {.plan = p,
                        .path = path,
                        .c = &c,
                        .start = k,
                        .lag = p->lag[a],
                        .from = rows + k * c.row,
                        .to = rows + (k + p->lag[a]) * c.row,
                        .lambda = path->lambda + k * d,
                        .h = p->step * (double)p->lag[a],
                        .share = 1 / (double)(p->points - 2 * longest)};
      add_lag(&w, sums + l.lags + a * LAG_SUMS);
      if (a == 0) add_shortest(&w, &l, sums);
    }
}
