#include "weylmc/jacobian/hyperbolic.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/special.h"

static const double PI = 3.14159265358979323846;

/* Wave numbers p = 0, step, 2 step, ..., and the nodes of Mehler's integral. */
typedef struct waves {
  int count, nodes;
  double step, farthest; /* largest distance x */
  double *weight;        /* count: p tanh(pi p) m(p)^L step */
  double *conical;       /* count: P_{-1/2+ip}(cosh x) at the last x */
} waves;

/* z / sinh z */
static double over_sinh(double z) { return exp(-wmc_log_sinhc(z)); }

/* Eq. (22): smooth and periodic in t, so equidistant nodes converge exponentially. */
static void set_conical(waves *w, double x)
{
  memset(w->conical, 0, (size_t)w->count * sizeof(double));
  for (int i = 0; i < w->nodes; i++) {
    double cosine = cos(PI * (i + 0.5) / w->nodes), c = cos(w->step * x * cosine);
    double near = over_sinh(0.5 * x * (1 + cosine)), far = over_sinh(0.5 * x * (1 - cosine));
    double factor = sqrt(near * far) / w->nodes;
    double previous = c, now = 1; /* cos(k angle) by its recurrence */
    for (int k = 0; k < w->count; k++) {
      double next = 2 * c * now - previous;
      w->conical[k] += factor * now;
      previous = now;
      now = next;
    }
  }
}

/* Density of R = |B/A| in t, P(R > t) = exp(-(t/s^2)/(1+t))/(1+t) (eq. 20). */
static double ratio_density(double t, double s2)
{
  double u = 1 + t;
  return exp(-t / (s2 * u)) * (1 / (u * u) + 1 / (s2 * u * u * u));
}

/* Means over one layer, tanh^2(x/2) = min(R, 1/R), into `weight`; x = e^y. */
static void one_layer(waves *w, double s2)
{
  const double h = 1.0 / 16, negligible = 1e-20;
  memset(w->weight, 0, (size_t)w->count * sizeof(double));
  for (double y = -24; exp(y) < w->farthest; y += h) {
    double x = exp(y), tangent = tanh(0.5 * x), t = tangent * tangent;
    double slope = tangent / (cosh(0.5 * x) * cosh(0.5 * x)); /* dt/dx */
    double mass = h * x * slope * (ratio_density(t, s2) + ratio_density(1 / t, s2) / (t * t));
    if (!(mass > negligible)) continue;
    set_conical(w, x);
    for (int k = 0; k < w->count; k++) w->weight[k] += mass * w->conical[k];
  }
}

static bool waves_create(waves *w, double s2, double layers)
{
  /* beyond the gaussian part of the walk: one nearly singular layer leaves a tail e^{-x} */
  double time = s2 * layers, tail = s2 > 0.02 ? 26 : 0;
  w->farthest = fmax(tail, time + 8 * sqrt(2 * time));
  /* m(p)^L falls as e^{-time p^2}, for s^2 in range */
  double last = sqrt(45 / time);
  /* the pole of tanh at p = i/2 leaves e^{x - pi/step} at x */
  w->step = PI / (w->farthest + 25);
  w->count = (int)(last / w->step) + 1;
  w->nodes = 48 + (int)(0.55 * last * w->farthest);
  w->weight = WMC_ARRAY(double, w->count);
  w->conical = WMC_ARRAY(double, w->count);
  return w->weight && w->conical;
}

/* Integrals over x = r log(1 + e^v) of 1, x and x^2. */
static void integrate(waves *w, double scale, double *total, double *mean, double *square)
{
  const double h = 0.1;
  for (double v = -20; v < w->farthest / scale; v += h) {
    double x = scale * log1p(exp(v)), slope = scale / (1 + exp(-v)), density = 0;
    set_conical(w, x);
    for (int k = 0; k < w->count; k++) density += w->weight[k] * w->conical[k];
    double mass = h * slope * sinh(x) * density;
    *total += mass;
    *mean += mass * x;
    *square += mass * x * x;
  }
}

void wmc_hyperbolic_gap(double s2, double layers, double *mean, double *square)
{
  waves w;
  double time = s2 * layers, total = 0;
  const double tolerance = 1e-7;
  *mean = *square = NAN;
  if (!(time >= 0.05 && time <= 3 && s2 <= 0.12)) return;
  if (waves_create(&w, s2, layers)) {
    *mean = *square = 0;
    one_layer(&w, s2);
    for (int k = 0; k < w.count; k++) {
      double p = k * w.step;
      w.weight[k] = w.step * p * tanh(PI * p) * pow(w.weight[k], layers);
    }
    integrate(&w, fmin(1, sqrt(time)), &total, mean, square);
  }
  if (!(fabs(total - 1) < tolerance)) *mean = *square = NAN;
  wmc_free(w.weight);
  wmc_free(w.conical);
}

/* ---- infinite depth ---------------------------------------------------------------------------
 */

/* int_0^u x^power sinh x (cosh u - cosh x)^{-1/2} dx. With x = u sin(phi) the integrand is smooth
 * on [0, pi/2]; the tanh-sinh rule in phi. */
static double moment_on_shell(double u, int power)
{
  const double h = 1.0 / 12, end = 3.2;
  double sum = 0;
  for (double y = -end; y <= end; y += h) {
    const double exponent = PI * sinh(y), left = 0.5 * PI / (1 + exp(exponent)); /* pi/2 - phi */
    const double slope = 0.25 * PI * PI * cosh(y) / (1 + cosh(exponent));
    double s = sin(0.5 * left), short_of_u = 2 * u * s * s, x = u - short_of_u;
    double difference = 2 * sinh(0.5 * (u + x)) * sinh(0.5 * short_of_u);
    sum += slope * pow(x, power) * sinh(x) * u * sin(left) / sqrt(difference);
  }
  return sum * h;
}

static double moment(double tau, int power)
{
  const double h = 1.0 / 32, first = 0.5 * log(tau) - 9, last = log(tau + 13 * sqrt(2 * tau));
  const double factor = 2 * PI * sqrt(2) * pow(4 * PI * tau, -1.5);
  double sum = 0;
  if (!(tau >= 1e-6 && tau <= 100)) return NAN;
  for (double y = first; y < last; y += h) {
    double u = exp(y);
    sum += u * u * exp(-0.25 * tau - 0.25 * u * u / tau) * moment_on_shell(u, power);
  }
  return factor * h * sum;
}

double wmc_hyperbolic_gap_limit(double tau) { return moment(tau, 1); }

double wmc_hyperbolic_gap_square_limit(double tau) { return moment(tau, 2); }
