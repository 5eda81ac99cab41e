#include "weylmc/geometry/spectrum.h"

#include <math.h>

size_t wmc_spectrum_size(int rank) { return 5 * (size_t)rank; }

wmc_spectrum wmc_spectrum_map(int rank, double depth, double *memory)
{
  return (wmc_spectrum){.rank = rank,
                        .depth = depth,
                        .log_sigma = memory,
                        .lambda = memory + rank,
                        .lambda2 = memory + 2 * rank,
                        .sigma = memory + 3 * rank,
                        .sigma2 = memory + 4 * rank};
}

void wmc_spectrum_set(const wmc_spectrum *spectrum, int k, double lambda, double log_sigma,
                      double sigma)
{
  spectrum->log_sigma[k] = log_sigma;
  spectrum->lambda[k] = lambda;
  spectrum->lambda2[k] = isinf(spectrum->depth) ? 2 * lambda : lambda * lambda;
  spectrum->sigma[k] = sigma;
  spectrum->sigma2[k] = sigma * sigma;
}

void wmc_spectrum_set_log(const wmc_spectrum *spectrum, int k, double log_sigma)
{
  double lambda = isinf(spectrum->depth) ? log_sigma : exp(log_sigma / spectrum->depth);
  wmc_spectrum_set(spectrum, k, lambda, log_sigma, exp(log_sigma));
}

double wmc_spectrum_log_sigma(const wmc_spectrum *spectrum, double lambda)
{
  return isinf(spectrum->depth) ? lambda : spectrum->depth * log(lambda);
}

void wmc_spectrum_set_lambda(const wmc_spectrum *spectrum, int k, double lambda)
{
  double log_sigma = wmc_spectrum_log_sigma(spectrum, lambda);
  wmc_spectrum_set(spectrum, k, lambda, log_sigma, exp(log_sigma));
}

void wmc_spectrum_scale(const wmc_spectrum *spectrum, double shift)
{
  const double factor = exp(shift), root = exp(shift / spectrum->depth), normal = -700;
  for (int k = 0; k < spectrum->rank; k++) {
    double log_sigma = spectrum->log_sigma[k], to = log_sigma + shift;
    double sigma = log_sigma > normal ? factor * spectrum->sigma[k] : exp(to);
    double lambda = isinf(spectrum->depth) ? to : root * spectrum->lambda[k];
    wmc_spectrum_set(spectrum, k, lambda, to, sigma);
  }
}
