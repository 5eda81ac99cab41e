/* What real and complex networks differ in, for chains whose state is the network. */
#include <string.h>

#include "balanced_complex.h"
#include "balanced_parameters.h"
#include "weylmc/geometry/realform.h"

void wmc_upstairs_spectrum(const wmc_upstairs *up, const wmc_point *point,
                           const wmc_spectrum *spectrum)
{
  for (int k = 0; k < spectrum->rank; k++)
    wmc_spectrum_set_lambda(spectrum, k, point->lambda[k * up->numbers]);
}

/* X into upstairs->matrix, or its parts. */
static void find_matrix(const wmc_balanced *chain, const wmc_point *point)
{
  const wmc_upstairs *up = chain->upstairs;
  wmc_point_end_to_end(point, up->matrix, up->scratch);
  if (up->numbers == 2)
    wmc_realform_read(chain->rows, chain->columns, up->matrix, up->parts,
                      up->parts + chain->rows * chain->columns);
}

double wmc_upstairs_energy(const wmc_balanced *chain, const wmc_point *point)
{
  const wmc_upstairs *up = chain->upstairs;
  const int entries = chain->rows * chain->columns;
  find_matrix(chain, point);
  if (up->numbers == 1) return wmc_energy_value(&chain->energy, up->matrix);
  return wmc_energy_complex_value(&chain->energy, up->parts, up->parts + entries);
}

void wmc_upstairs_slope(const wmc_balanced *chain)
{
  const wmc_upstairs *up = chain->upstairs;
  const int entries = chain->rows * chain->columns;
  double *slope = up->parts + 2 * entries;
  find_matrix(chain, &up->point);
  if (up->numbers == 1) {
    wmc_energy_gradient(&chain->energy, up->matrix, up->slope);
    return;
  }
  wmc_energy_complex_gradient(&chain->energy, up->parts, up->parts + entries, slope,
                              slope + entries);
  wmc_realform_write(chain->rows, chain->columns, slope, slope + entries, up->slope);
}

/* Even columns of a frame are complex ones. */
static void read_frame(const wmc_point *point, int p, wmc_complex *out)
{
  const int d = point->layers->width[p], r = point->layers->rank;
  const double *frame = wmc_point_frame(point, p);
  for (int k = 0; k < r; k += 2)
    memcpy(out + k / 2 * (d / 2), frame + k * d, (size_t)d * sizeof *frame);
}

void wmc_upstairs_show_complex(wmc_balanced *chain)
{
  const wmc_upstairs *up = chain->upstairs;
  read_frame(&up->point, 0, chain->unitary->v);
  read_frame(&up->point, up->layers->depth, chain->unitary->u);
  wmc_unitary_project(chain);
}
