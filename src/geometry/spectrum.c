#include "weylmc/geometry/spectrum.h"

#include <math.h>

size_t wmc_spectrum_size(int width) { return 5 * (size_t)width; }

wmc_spectrum wmc_spectrum_map(int width, int depth, double *memory)
{
  return (wmc_spectrum){.width = width,
                        .depth = depth,
                        .log_sigma = memory,
                        .lambda = memory + width,
                        .lambda2 = memory + 2 * width,
                        .sigma = memory + 3 * width,
                        .sigma2 = memory + 4 * width};
}

void wmc_spectrum_set(const wmc_spectrum *spectrum, int k, double lambda, double log_sigma,
                      double sigma)
{
  spectrum->log_sigma[k] = log_sigma;
  spectrum->lambda[k] = lambda;
  spectrum->lambda2[k] = lambda * lambda;
  spectrum->sigma[k] = sigma;
  spectrum->sigma2[k] = sigma * sigma;
}

void wmc_spectrum_set_log(const wmc_spectrum *spectrum, int k, double log_sigma)
{
  wmc_spectrum_set(spectrum, k, exp(log_sigma / spectrum->depth), log_sigma, exp(log_sigma));
}

void wmc_spectrum_set_lambda(const wmc_spectrum *spectrum, int k, double lambda)
{
  double log_sigma = spectrum->depth * log(lambda);
  wmc_spectrum_set(spectrum, k, lambda, log_sigma, exp(log_sigma));
}

void wmc_spectrum_scale(const wmc_spectrum *spectrum, double shift)
{
  const double factor = exp(shift), root = exp(shift / spectrum->depth), normal = -700;
  for (int k = 0; k < spectrum->width; k++) {
    double log_sigma = spectrum->log_sigma[k], to = log_sigma + shift;
    double sigma = log_sigma > normal ? factor * spectrum->sigma[k] : exp(to);
    wmc_spectrum_set(spectrum, k, root * spectrum->lambda[k], to, sigma);
  }
}
