/* Memory of chains whose state is the network; that of others does not grow with the depth. */
#include <limits.h>
#include <math.h>

#include "balanced_deck.h"
#include "balanced_parameters.h"
#include "weylmc/base/memory.h"
#include "weylmc/base/text.h"
#include "weylmc/geometry/realform.h"

static double bytes_of(const wmc_shape *shape, bool unbalanced)
{
  wmc_layers *layers = NULL;
  const bool twice = shape->numbers == WMC_NUMBERS_COMPLEX;
  if ((twice ? wmc_realform_create : wmc_layers_create)(&layers, shape) != WMC_OK) return INFINITY;
  const double doubles = (double)wmc_upstairs_size(layers, unbalanced);
  wmc_layers_destroy(layers);
  return doubles * sizeof(double);
}

/* Linear in the depth: bytes of none, and of each layer. */
static void measure(const wmc_balanced_setup *setup, double *none, double *each)
{
  wmc_shape shape = setup->law.shape;
  const bool unbalanced = setup->imbalance > 0;
  shape.depth = 8;
  const double eight = bytes_of(&shape, unbalanced);
  shape.depth = 9;
  *each = bytes_of(&shape, unbalanced) - eight;
  *none = eight - 8 * *each;
}

double wmc_balanced_memory(const wmc_value *parameters)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  const wmc_shape *shape = &setup.law.shape;
  const double replicas = setup.ladder ? (double)setup.rungs : 1;
  double none, each;
  if (!setup.integrator->layers) return 0;
  if (shape->widths != NULL) return replicas * bytes_of(shape, setup.imbalance > 0);
  measure(&setup, &none, &each);
  return replicas * (none + each * shape->depth);
}

void wmc_balanced_check_memory(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  const wmc_shape *shape = &setup.law.shape;
  const double limit = wmc_memory_limit(), replicas = setup.ladder ? (double)setup.rungs : 1;
  if (!setup.integrator->layers || wmc_shape_is_infinite(shape)) return;
  const double need = wmc_balanced_memory(parameters);
  if (need <= limit && shape->depth < INT_MAX) return;
  char found[WMC_TEXT_SHORT], most[WMC_TEXT_SHORT];
  double none = 0, each = need / (replicas * shape->depth);
  if (shape->widths == NULL) measure(&setup, &none, &each);
  const double fits = fmin(floor((limit / replicas - none) / each), INT_MAX - 1);
  wmc_text_bytes(found, need);
  wmc_text_bytes(most, limit);
  if (fits >= 1)
    wmc_complain(complaints, DEPTH,
                 "depth %g found: formulation parameters keeps every layer, which takes %s on "
                 "every rank, and this process can have %s; at these widths%s depths up to %.2g "
                 "fit: use a smaller depth, or formulation: observable, whose cost does not depend "
                 "on it",
                 shape->depth, found, most, setup.ladder ? " and with this ladder" : "",
                 0.95 * fits);
  else
    wmc_complain(complaints, parameters[WIDTHS].present ? WIDTHS : EXCESS,
                 "hidden layers of width %d found: formulation parameters keeps every layer, which "
                 "takes %s on every rank, and this process can have %s; use narrower layers, or "
                 "formulation: observable, whose cost does not depend on them",
                 wmc_shape_width(shape, 1), found, most);
}
