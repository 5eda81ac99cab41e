#include "residual_jacobian_moments.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

const double *wmc_jacobian_mean(const wmc_value *p, const double *means, const char *observable)
{
  return means + wmc_observable_first(&wmc_residual_jacobian, observable, p);
}

/* First moments of what is finite, and the shares of the networks where it is. */
typedef struct moments {
  size_t records, d;
  bool loses;
  const double *share, *values, *sum, *gap, *growth;
} moments;

static moments moments_of(const wmc_value *p, const double *means)
{
  const bool loses = wmc_jacobian_loses_rank(p);
  return (moments){
      .records = p[RECORD].count,
      .d = wmc_jacobian_size(p),
      .loses = loses,
      .share = wmc_jacobian_mean(p, means, "finite_share"),
      .values =
          wmc_jacobian_mean(p, means, loses ? "finite_log_singular_values" : "log_singular_values"),
      .sum = wmc_jacobian_mean(
          p, means, loses ? "finite_log_singular_values_sum" : "log_singular_values_sum"),
      .gap = wmc_jacobian_mean(p, means, loses ? "finite_gap" : "gap"),
      .growth =
          wmc_jacobian_mean(p, means, loses ? "finite_log_vector_growth" : "log_vector_growth")};
}

/* Share of the networks in which lambda_i of record k is finite. */
static double share_of(const moments *m, size_t k, size_t i)
{
  return m->loses ? wmc_jacobian_share(m->share[k * m->d + i]) : 1;
}

static double variance(double share, double mean, double square)
{
  return share > 0 ? square / share - (mean / share) * (mean / share) : NAN;
}

void wmc_jacobian_variance_of_values(const wmc_value *p, const double *means, double *out,
                                     double *doubt)
{
  const moments m = moments_of(p, means);
  const double *square = wmc_jacobian_mean(p, means, "log_singular_values_squared");
  (void)doubt;
  for (size_t k = 0; k < m.records; k++)
    for (size_t i = 0; i < m.d; i++) {
      const size_t at = k * m.d + i;
      out[at] = variance(share_of(&m, k, i), m.values[at], square[at]);
    }
}

void wmc_jacobian_variance_of_sum(const wmc_value *p, const double *means, double *out,
                                  double *doubt)
{
  const moments m = moments_of(p, means);
  const double *square = wmc_jacobian_mean(p, means, "log_singular_values_sum_squared");
  (void)doubt;
  for (size_t k = 0; k < m.records; k++)
    out[k] = variance(share_of(&m, k, m.d - 1), m.sum[k], square[k]);
}

void wmc_jacobian_variance_of_gap(const wmc_value *p, const double *means, double *out,
                                  double *doubt)
{
  const moments m = moments_of(p, means);
  const double *square = wmc_jacobian_mean(p, means, "gap_squared");
  (void)doubt;
  for (size_t k = 0; k < m.records; k++)
    for (size_t i = 0; i + 1 < m.d; i++) {
      const size_t at = k * (m.d - 1) + i;
      out[at] = variance(share_of(&m, k, i + 1), m.gap[at], square[at]);
    }
}

/* M u = 0 exactly if M = 0. */
void wmc_jacobian_variance_of_growth(const wmc_value *p, const double *means, double *out,
                                     double *doubt)
{
  const moments m = moments_of(p, means);
  const double *square = wmc_jacobian_mean(p, means, "log_vector_growth_squared");
  (void)doubt;
  for (size_t k = 0; k < m.records; k++)
    out[k] = variance(share_of(&m, k, 0), m.growth[k], square[k]);
}

/* Mean of gap i where it is finite; NaN if it never is. */
static double mean_gap(const moments *m, size_t k, size_t i)
{
  const double share = share_of(m, k, i + 1);
  return share > 0 ? m->gap[k * (m->d - 1) + i] / share : NAN;
}

/* Gaps that are always 0 have spacings without spread. */
void wmc_jacobian_variance_of_spacing(const wmc_value *p, const double *means, double *out,
                                      double *doubt)
{
  const moments m = moments_of(p, means);
  wmc_jacobian_variance_of_gap(p, means, out, doubt);
  for (size_t k = 0; k < m.records; k++)
    for (size_t i = 0; i + 1 < m.d; i++) {
      const double mean = mean_gap(&m, k, i);
      out[k * (m.d - 1) + i] *= mean == 0 ? 0 : 1 / (mean * mean);
    }
}

void wmc_jacobian_covariance(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const moments m = moments_of(p, means);
  const double *products = wmc_jacobian_mean(p, means, "log_singular_values_products");
  (void)doubt;
  for (size_t k = 0; k < m.records; k++)
    for (size_t i = 0; i < m.d; i++)
      for (size_t j = 0; j < m.d; j++) {
        const size_t upper = i < j ? i : j, lower = i < j ? j : i, first = k * m.d * m.d;
        const double share = share_of(&m, k, lower), own = m.values[k * m.d + lower];
        /* of the upper value where the lower one is finite */
        double other = upper == lower ? own : products[first + lower * m.d + upper];
        double product = products[first + upper * m.d + lower];
        out[first + i * m.d + j] =
            share > 0 ? product / share - own / share * (other / share) : NAN;
      }
}

void wmc_jacobian_log_mean(const wmc_value *p, const double *means, double *out, double *doubt)
{
  const double *sum = wmc_jacobian_mean(p, means, "log_singular_values_sum");
  (void)doubt;
  for (size_t k = 0; k < p[RECORD].count; k++)
    out[k] = exp(2 / (double)wmc_jacobian_size(p) * sum[k]);
}

/* out <- exp(a) for a symmetric d x d matrix; `vectors` (d x d) and `values` (d) are scratch. */
static bool exponential(size_t d, const double *a, double *vectors, double *values, double *out)
{
  memcpy(vectors, a, d * d * sizeof *a);
  memset(out, 0, d * d * sizeof *out);
  if (wmc_symmetric_eigen((int)d, vectors, values) != WMC_OK) return false;
  for (size_t k = 0; k < d; k++)
    for (size_t i = 0; i < d; i++)
      for (size_t j = 0; j < d; j++)
        out[i * d + j] += exp(values[k]) * vectors[k * d + i] * vectors[k * d + j];
  return true;
}

void wmc_jacobian_log_mean_matrix(const wmc_value *p, const double *means, double *out,
                                  double *doubt)
{
  const double *mean = wmc_jacobian_mean(p, means, "log_metric");
  const size_t d = wmc_jacobian_size(p), size = d * d;
  double *scratch = WMC_ARRAY(double, size + d);
  (void)doubt;
  for (size_t k = 0; k < p[RECORD].count; k++)
    if (!scratch || !exponential(d, mean + k * size, scratch, scratch + size, out + k * size))
      for (size_t i = 0; i < size; i++) out[k * size + i] = NAN;
  wmc_free(scratch);
}

/* ---- unfolded spacings ---------------------------------------------------------------------- */

/* Probabilities to be below the edges 0 .. count of the bins, which are all that is known. */
typedef struct distribution {
  const wmc_bins *bins;
  const double *density;
} distribution;

/* Sum of the bins below an edge, from that below an edge before it. */
typedef struct cursor {
  size_t edge;
  double sum;
} cursor;

static cursor move(const distribution *f, cursor c, size_t edge)
{
  for (; c.edge < edge; c.edge++) c.sum += f->density[c.edge];
  return c;
}

/* Share below x, by the straight line between two edges and by the cubic through four; *c stays
 * behind all edges that a greater x needs. */
static void below(const distribution *f, double x, cursor *c, double *line, double *cubic)
{
  const size_t n = f->bins->count;
  const double range = f->bins->high - f->bins->low, at = (x - f->bins->low) / range * (double)n;
  if (!(at < (double)n)) {
    *c = move(f, *c, n);
    *line = *cubic = c->sum * range / (double)n;
    return;
  }
  const size_t k = (size_t)at, first = k == 0 ? 0 : k + 2 > n ? n - 3 : k - 1;
  *c = move(f, *c, first);
  const double left = move(f, *c, k).sum, right = move(f, *c, k + 1).sum;
  *line = left + (at - (double)k) * (right - left);
  *cubic = 0;
  for (size_t i = 0; i < 4; i++) {
    double weight = 1;
    for (size_t j = 0; j < 4; j++)
      if (j != i) weight *= (at - (double)(first + j)) / ((double)i - (double)j);
    *cubic += weight * move(f, *c, first + i).sum;
  }
  *line *= range / (double)n;
  *cubic *= range / (double)n;
}

/* Density of gap/mean in all bins of `to`. The doubt is what interpolation of another kind between
 * the bins of the gap would change. */
static void unfold(const distribution *f, double mean, const wmc_bins *to, double *out,
                   double *doubt)
{
  const double width = (to->high - to->low) / (double)to->count;
  double line, cubic, line_before, cubic_before;
  cursor c = {0, 0};
  below(f, 0, &c, &line_before, &cubic_before);
  for (size_t b = 0; b < to->count; b++) {
    below(f, mean * (to->low + width * (double)(b + 1)), &c, &line, &cubic);
    out[b] = (cubic - cubic_before) / width;
    doubt[b] = fabs(out[b] - (line - line_before) / width);
    line_before = line;
    cubic_before = cubic;
  }
}

void wmc_jacobian_spacing_density(const wmc_value *p, const double *means, double *out,
                                  double *doubt)
{
  const moments m = moments_of(p, means);
  const wmc_jacobian_request request = wmc_jacobian_requested(p);
  const double *density = wmc_jacobian_mean(p, means, "gap_density");
  const size_t n = request.gaps.count;
  for (size_t k = 0; k < m.records; k++)
    for (size_t i = 0; i + 1 < m.d; i++) {
      const size_t at = (k * (m.d - 1) + i) * n;
      const double share = share_of(&m, k, i + 1), mean = mean_gap(&m, k, i);
      const distribution f = {&request.gaps, density + at};
      unfold(&f, mean, &request.spacings, out + at, doubt + at);
      for (size_t b = 0; b < n; b++) {
        out[at + b] /= share;
        doubt[at + b] /= share;
      }
    }
}
