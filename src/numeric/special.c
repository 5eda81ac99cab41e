/* lgamma_r and M_PI are extensions of POSIX */
#define _DEFAULT_SOURCE
#include "weylmc/numeric/special.h"

#include <assert.h>
#include <float.h>
#include <math.h>

/** Coefficients c_k of sum_k c_k y^k, Horner. */
static double polynomial(const double *c, int terms, double y)
{
  double sum = 0;
  for (int k = terms - 1; k >= 0; k--) sum = sum * y + c[k];
  return sum;
}

/* Asymptotic series start here; with the terms kept below, the first one dropped is < 1e-17. */
static const double FAR = 12;

/** psi(x) ~ log x - 1/(2x) - sum_k B_2k / (2k x^2k); the recurrence psi(x) = psi(x+1) - 1/x below.
 */
double wmc_digamma(double x)
{
  static const double bernoulli[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                     1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
  assert(x > 0);
  double shift = 0;
  for (; x < FAR; x += 1) shift += 1 / x;
  double y = 1 / (x * x);
  return log(x) - 0.5 / x - y * polynomial(bernoulli, 8, y) - shift;
}

/** psi'(x) ~ 1/x + 1/(2x^2) + sum_k B_2k / x^(2k+1); psi'(x) = psi'(x+1) + 1/x^2. */
double wmc_trigamma(double x)
{
  static const double bernoulli[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                     5.0 / 66, -691.0 / 2730, 7.0 / 6,  -3617.0 / 510};
  assert(x > 0);
  double shift = 0;
  for (; x < FAR; x += 1) shift += 1 / (x * x);
  double y = 1 / (x * x);
  return shift + (1 / x + 0.5 * y + y / x * polynomial(bernoulli, 8, y));
}

double wmc_log_gamma(double x)
{
  int sign;
  return lgamma_r(x, &sign);
}

/* Series for small x, otherwise the continued fraction e^{-x} / (x + 1 - 1/(x + 3 - 4/(x + 5 -
 * 9/(... from its far end; its error falls like e^{-4 sqrt(terms x)}. */
double wmc_exponential_integral(double x)
{
  const double euler = 0.57721566490153286061;
  assert(x > 0);
  if (x < 1) {
    double sum = 0, power = 1;
    for (int k = 1; k < 20; k++) {
      power *= -x / k;
      sum -= power / k;
    }
    return sum - euler - log(x);
  }
  const int terms = 100;
  double tail = x + 2 * terms + 1;
  for (int k = terms; k > 0; k--) tail = x + 2 * k - 1 - (double)k * k / tail;
  return exp(-x) / tail;
}

double wmc_log_sinhc(double x)
{
  /* 1/(2k+3)! for sinh(x)/x - 1 = x^2 (1/3! + x^2/5! + ...) */
  static const double c[] = {1.0 / 6,
                             1.0 / 120,
                             1.0 / 5040,
                             1.0 / 362880,
                             1.0 / 39916800,
                             1.0 / 6227020800,
                             1.0 / 1307674368e3,
                             1.0 / 355687428096e3,
                             1.0 / 121645100408832e3,
                             1.0 / 5109094217170944e4,
                             1.0 / 2585201673888497664e4};
  x = fabs(x);
  if (x < 2) return log1p(x * x * polynomial(c, 11, x * x));
  return x - log(2 * x) + log1p(-exp(-2 * x));
}

/** Near 0 by Lambert's continued fraction x/(3 + x^2/(5 + x^2/(7 + ...))). */
double wmc_langevin_function(double x)
{
  if (fabs(x) > 2) return 1 / tanh(x) - 1 / x;
  double y = x * x;
  if (y < 0.01) /* Taylor series, without divisions: close pairs of deep networks come here */
    return x * (1.0 / 3 - y * (1.0 / 45 - y * (2.0 / 945 - y * (1.0 / 4725 - y * 2.0 / 93555))));
  double fraction = 0;
  for (int k = 23; k >= 5; k -= 2) fraction = y / (k + fraction);
  return x / (3 + fraction);
}

/** log(1 + u) - u without cancellation near 0. */
static double log1p_minus(double u)
{
  if (fabs(u) > 0.4) return log1p(u) - u;
  /* log((1+w)/(1-w)) = 2 (w + w^3/3 + ...), w = u/(2+u), and 2w - u = -u w */
  double w = u / (2 + u), sum = 0;
  for (int k = 41; k >= 3; k -= 2) sum = 1.0 / k + w * w * sum;
  return 2 * w * w * w * sum - u * w;
}

/** log Gamma(a+1) - (a log a - a + log(2 pi a)/2), a >= 0. */
static double stirling_error(double a)
{
  static const double c[] = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                             1.0 / 1188, -691.0 / 360360, 1.0 / 156};
  if (a < FAR) return wmc_log_gamma(a + 1) - (a * log(a) - a + 0.5 * log(2 * M_PI * a));
  return polynomial(c, 7, 1 / (a * a)) / a;
}

/** x^a e^-x / Gamma(a+1): accurate for large a, where logarithms would cancel. */
static double gamma_weight(double a, double x)
{
  return exp(a * log1p_minus((x - a) / a) - stirling_error(a)) / sqrt(2 * M_PI * a);
}

/** P(a,x) = weight (1 + x/(a+1) + x^2/((a+1)(a+2)) + ...), for x < a + 1. */
static double gamma_series(double a, double x)
{
  double sum = 1, term = 1;
  for (int k = 1; term > sum * DBL_EPSILON / 8; k++) sum += term *= x / (a + k);
  return gamma_weight(a, x) * sum;
}

/** Q(a,x) = weight a / (x + 1 - a - 1(1-a)/(x + 3 - a - ...)), for x > a + 1; Lentz. */
static double gamma_fraction(double a, double x)
{
  double b = x + 1 - a, c = 1e300, d = 1 / b, value = d, factor = 0;
  for (int k = 1; fabs(factor - 1) > DBL_EPSILON / 2 && k < 1000000; k++) {
    double numerator = -k * (k - a);
    b += 2;
    d = 1 / (numerator * d + b);
    c = b + numerator / c;
    factor = c * d;
    value *= factor;
  }
  return gamma_weight(a, x) * a * value;
}

double wmc_chi_squared_tail(double x, double k)
{
  assert(k > 0);
  if (x <= 0) return 1;
  if (isinf(x)) return 0;
  double a = k / 2;
  x /= 2;
  return x < a + 1 ? 1 - gamma_series(a, x) : gamma_fraction(a, x);
}

double wmc_normal_two_sided(double z) { return erfc(fabs(z) * M_SQRT1_2); }

/** log(Gamma(a + 1/2) / Gamma(a)) without subtracting large numbers. */
static double log_half_step(double a)
{
  const double large = 1e3, u = 1 / a;
  if (a < large) return wmc_log_gamma(a + 0.5) - wmc_log_gamma(a);
  return 0.5 * log(a) - u / 8 * (1 - u * u / 24 * (1 - 0.3 * u * u));
}

/** The continued fraction of the incomplete beta function I_x(a,b), for x below its mean; Lentz. */
static double beta_fraction(double a, double b, double x)
{
  const double tiny = 1e-300;
  double c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), value = d, factor = 0;
  for (int k = 1; fabs(factor - 1) > DBL_EPSILON / 2 && k < 1000000; k++) {
    const double m = a + 2 * k;
    const double steps[] = {k * (b - k) * x / ((m - 1) * m),
                            -(a + k) * (a + b + k) * x / (m * (m + 1))};
    for (int i = 0; i < 2; i++) {
      const double below = 1 + steps[i] * d, above = 1 + steps[i] / c;
      d = 1 / (fabs(below) < tiny ? tiny : below);
      c = fabs(above) < tiny ? tiny : above;
      value *= factor = c * d;
    }
  }
  return value;
}

/* I_x(k/2, 1/2) with x = k/(k + t^2). */
double wmc_student_two_sided(double t, double k)
{
  assert(k > 0);
  if (isnan(t) || isinf(k)) return wmc_normal_two_sided(t);
  if (t == 0) return 1;
  if (isinf(t)) return 0;
  const double a = k / 2, ratio = t * t / k, x = 1 / (1 + ratio), y = ratio / (1 + ratio);
  const double front = exp(log_half_step(a) - a * log1p(ratio) + 0.5 * log(y)) / sqrt(M_PI);
  return x < (a + 1) / (a + 2.5) ? front * beta_fraction(a, 0.5, x) / a
                                 : 1 - 2 * front * beta_fraction(0.5, a, y);
}

/** A sum with its rounding error carried along (Neumaier). */
typedef struct sum {
  double value, error;
} sum;

static void add(sum *s, double x)
{
  double t = s->value + x;
  s->error += fabs(s->value) >= fabs(x) ? (s->value - t) + x : (x - t) + s->value;
  s->value = t;
}

/** Weights relative to the mode, by their ratios mu/(k+1) outwards, until they are negligible;
 * dividing by their sum normalises them. */
double wmc_poisson_mean(double mu, double (*f)(double x, void *data), void *data)
{
  assert(mu >= 0);
  const double mode = floor(mu), smallest = 1e-22;
  sum total = {1, 0}, weighted = {f(mode, data), 0};
  double weight = 1;
  for (double k = mode; weight > smallest;) {
    weight *= mu / (k + 1);
    k += 1;
    add(&total, weight);
    add(&weighted, weight * f(k, data));
  }
  weight = 1;
  for (double k = mode; k > 0 && weight > smallest;) {
    weight *= k / mu;
    k -= 1;
    add(&total, weight);
    add(&weighted, weight * f(k, data));
  }
  return (weighted.value + weighted.error) / (total.value + total.error);
}

/** I_n(x) = sum_k (x/2)^{2k+n} / (k! (k+n)!): all terms positive. */
static double bessel_series(double x, int n)
{
  double quarter = 0.25 * x * x, term = n == 0 ? 1 : 0.5 * x, total = term;
  for (int k = 1; term > 1e-17 * total; k++) {
    term *= quarter / (k * (k + n));
    total += term;
  }
  return exp(-x) * total;
}

/** exp(-x) I_n(x) ~ (2 pi x)^{-1/2} total_k prod_{j<=k} ((2j-1)^2 - 4 n^2) / (8 j x). */
static double bessel_far(double x, int n)
{
  double term = 1, total = 1;
  for (int k = 1; k < 30 && fabs(term) > 1e-17; k++) {
    double odd = 2.0 * k - 1;
    term *= (odd * odd - 4.0 * n * n) / (8 * k * x);
    total += term;
  }
  return total / sqrt(2 * M_PI * x);
}

void wmc_bessel_scaled(double x, double *i0, double *i1)
{
  const double far = 30, size = fabs(x);
  double (*form)(double, int) = size < far ? bessel_series : bessel_far;
  *i0 = form(size, 0);
  *i1 = copysign(form(size, 1), x);
}
