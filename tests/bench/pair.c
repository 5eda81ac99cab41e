#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "weylmc/jacobian/hyperbolic.h"
#include "weylmc/jacobian/network.h"
#include "weylmc/jacobian/pair.h"
#include "weylmc/numeric/dense.h"

int main(int count, char **a)
{
  if (count < 6) return 1;
  const char *block = a[1], *act = a[2];
  int d = atoi(a[3]);
  double tau = atof(a[4]);
  long paths = atol(a[5]);
  int norm = count > 6 ? atoi(a[6]) : 0;
  double c1 = count > 7 ? atof(a[7]) : 1.0/d;
  wmc_stream *s;
  if (wmc_blas_start() != WMC_OK || wmc_stream_create(&s, 1, 0) != WMC_OK) return 1;
  double end = 1;
  int start = count > 8 ? atoi(a[8]) : 4, stop = count > 9 ? atoi(a[9]) : 64;
  int real = count > 10;
  for (int n = start; n <= stop; n *= 2) {
    wmc_block_options o = {.width = d, .depth = n, .hidden = d, .activation = wmc_activation_find(act),
      .weights = wmc_weights_find("gaussian"), .variance = tau, .time = 1, .inner_variance = c1, .input_norm2 = d, .norm = (wmc_norm)norm};
    wmc_network *net;
    const wmc_block *b = wmc_block_find(block);
    if (wmc_network_create(&net, real ? b : wmc_pair_block(b), &o, 1, &end) != WMC_OK) { puts(wmc_message()); return 1; }
    double m[4] = {0}, q[4] = {0};
    clock_t t0 = clock();
    for (long k = 0; k < paths; k++) {
      if (!wmc_network_draw(net, s)) { puts(wmc_message()); return 1; }
      double *v = wmc_network_values(net), sum = 0;
      for (int i = 0; i < d; i++) sum += v[i];
      double obs[4] = {v[0], d > 1 ? v[0] - v[1] : 0, sum, wmc_network_growth(net)[0]};
      for (int i = 0; i < 4; i++) { m[i] += obs[i]; q[i] += obs[i] * obs[i]; }
    }
    printf("%5d", n);
    for (int i = 0; i < 4; i++) { m[i] /= (double)paths; printf("  %10.5f(%.5f)", m[i], sqrt((q[i]/(double)paths - m[i]*m[i])/(double)paths)); }
    printf("  %6.2f us/step\n", 1e6*(double)(clock()-t0)/CLOCKS_PER_SEC/(double)paths/n);
    fflush(stdout);
    wmc_network_destroy(net);
  }
  wmc_stream_destroy(s);
}
