#include "weylmc/jacobian/spherical.h"

#include <math.h>

#include "weylmc/numeric/special.h"

/* Nodes of a block of the trapezoidal rule, and values of lambda whose product cannot overflow. */
enum { NODES = 8, FACTORS = 8 };

/* Powers -1/2 of numbers below 1e308. */
static void invert(int beta, double *product)
{
  for (int k = 0; k < NODES; k++) product[k] = 1 / (beta == 1 ? sqrt(product[k]) : product[k]);
}

/* prod_i (1 + t a_i)^{-beta/2} at NODES values of t. */
static void laplace(int d, int beta, const double *a, const double *t, double *out)
{
  for (int k = 0; k < NODES; k++) out[k] = 1;
  for (int first = 0; first < d; first += FACTORS) {
    double product[NODES];
    for (int k = 0; k < NODES; k++) product[k] = 1;
    for (int i = first; i < d && i < first + FACTORS; i++)
      for (int k = 0; k < NODES; k++) product[k] *= 1 + t[k] * a[i];
    invert(beta, product);
    for (int k = 0; k < NODES; k++) out[k] *= product[k];
  }
}

double wmc_spherical_growth(int d, int beta, const double *lambda, double *scratch)
{
  const double enough = 1e-9, h = 0.5, step = exp(h * NODES);
  double t[NODES], product[NODES], sum = 0;
  for (int i = 0; i < d; i++) scratch[i] = exp(2 * (lambda[i] - lambda[0]));
  for (int k = 0; k < NODES; k++) t[k] = exp(h * k - 20) / d;
  do {
    laplace(d, beta, scratch, t, product);
    for (int k = 0; k < NODES; k++) sum += 1 / (1 + t[k]) - product[k];
    for (int k = 0; k < NODES; k++) t[k] *= step;
  } while (product[0] > enough || t[0] < 1 / enough);
  return lambda[0] + 0.5 * (h * sum + wmc_digamma(1) - wmc_digamma(0.5 * beta * d));
}
