/* Checks of parameters of the model `balanced` that involve several of them, or data. */
#include <math.h>
#include <string.h>

#include "balanced_deck.h"
#include "balanced_escape.h"
#include "network_deck.h"

/* What the formulation can hold. */
static void check_formulation(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  for (int k = 0; k < WMC_ENERGY_TERMS && !setup.integrator->frames && !setup.integrator->unitary;
       k++)
    if (setup.energy.coefficient[k] > 0 && !wmc_energies[k].bi_invariant)
      wmc_complain(complaints, FORMULATION,
                   "energy %s depends on more than the singular values of X, formulation spectrum "
                   "has nothing else: use formulation: observable",
                   wmc_energies[k].name);
}

/* Layers as the state. */
static void check_layers(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  if (setup.integrator->layers && wmc_shape_is_infinite(&setup.law.shape))
    wmc_complain(complaints, DEPTH,
                 "depth inf found, formulation parameters keeps every layer: give a finite depth, "
                 "or use formulation: spectrum or observable");
}

/* Dynamics off balance. */
static void check_imbalance(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  if (setup.imbalance == 0) return;
  if (!setup.integrator->layers || setup.integrator->exact || setup.law.horizontal > 0)
    wmc_complain(complaints, IMBALANCE,
                 "initial_imbalance %g found: networks off balance move by vertical noise in the "
                 "layers alone; use formulation: parameters, scheme: euler and noise: vertical",
                 setup.imbalance);
  if (setup.law.shape.numbers == WMC_NUMBERS_COMPLEX)
    wmc_complain(complaints, IMBALANCE,
                 "networks off balance are of real numbers: use field: real or initial_imbalance: "
                 "0");
  if (setup.law.shape.depth == 1)
    wmc_complain(complaints, IMBALANCE,
                 "a single layer is always balanced: use depth >= 2 or initial_imbalance: 0");
  if (setup.energy.coefficient[WMC_ENERGY_DECAY] > 0)
    wmc_complain(complaints, IMBALANCE,
                 "energy decay is reported from the singular values of X, which is right for "
                 "balanced networks: use another energy or initial_imbalance: 0");
}

/* Time before the first draw. */
static void check_age(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  if (setup.age == 0) return;
  if (setup.integrator->exact)
    wmc_complain(complaints, AGE,
                 "Metropolis moves have no time: use run.thermalise, or scheme: euler");
  if (!(setup.age / setup.step < 1e15))
    wmc_complain(complaints, AGE, "age %g is more than 1e15 steps of %g: use a larger step",
                 setup.age, setup.step);
}

/* Data of complex numbers for real ones. */
static void check_numbers(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  const bool complex_x = setup.law.shape.numbers == WMC_NUMBERS_COMPLEX;
  if (!complex_x && parameters[IMAGINARY].present)
    wmc_complain(complaints, IMAGINARY,
                 "a target of real numbers has no imaginary part: use field: complex, or leave it "
                 "out");
}

/* Whether formulation, scheme and field go together. */
static bool check_integrator(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  if (setup.integrator != NULL) return true;
  const char *formulation =
      wmc_balanced_fields[FORMULATION].choices[parameters[FORMULATION].integer];
  const char *scheme = wmc_balanced_fields[SCHEME].choices[parameters[SCHEME].integer];
  const wmc_numbers numbers = setup.law.shape.numbers;
  wmc_text others = {0};
  for (const wmc_integrator *const *row = wmc_integrators; *row; row++)
    if (strcmp((*row)->formulation, formulation) == 0 &&
        wmc_network_integrator(formulation, (*row)->scheme, numbers) == *row)
      wmc_text_append(&others, "%s%s", others.length > 0 ? " or " : "", (*row)->scheme);
  wmc_complain(complaints, SCHEME,
               "scheme %s found, formulation %s has none of that name for %s numbers: use %s%s, or "
               "formulation: spectrum or observable, which have all of them",
               scheme, formulation, numbers == WMC_NUMBERS_COMPLEX ? "complex" : "real",
               others.length > 0 ? "scheme: " : "field: real", wmc_text_string(&others));
  wmc_text_free(&others);
  return false;
}

/* Whether the scheme is for laws and dynamics with noise in X or for those without. */
static void check_noise(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_gibbs law = wmc_balanced_law(parameters);
  const bool cold = isinf(law.beta), still = law.horizontal == 0;
  if (wmc_balanced_flows(parameters)) {
    if (!cold && !still)
      wmc_complain(complaints, NOISE,
                   "scheme flow follows a gradient without noise in X, which this noise has at "
                   "beta %g: use noise: vertical (flow of the free energy E - S/beta), beta: inf "
                   "(flow of the energy), or scheme: heun",
                   law.beta);
    return;
  }
  if (cold)
    wmc_complain(complaints, BETA,
                 "at beta inf there is no noise and X follows the gradient flow of the energy: use "
                 "scheme: flow, or a finite beta");
  const wmc_integrator *integrator = wmc_balanced_setup_of(parameters).integrator;
  if (still && (!integrator->layers || integrator->exact))
    wmc_complain(complaints, NOISE,
                 "noise in vertical directions alone gives no law on X, which follows the free "
                 "energy E - S/beta down without noise of its own: use scheme: flow, formulation: "
                 "parameters with scheme: euler, or noise: kappa with a small kappa");
}

/* A dataset read, with entries in the places of X; true if it can be used. */
static bool check_matrix(const wmc_value *value, const wmc_shape *shape, int field,
                         const wmc_complaints *complaints)
{
  if (!value->present || !value->reals) return false;
  if ((int)value->rows == shape->rows && (int)value->columns == shape->columns) return true;
  wmc_complain(complaints, field,
               "%zu x %zu matrix found, %d x %d expected, the rows and columns of X: change the "
               "widths or the dataset",
               value->rows, value->columns, shape->rows, shape->columns);
  return false;
}

/* The target; true if it can be used. */
static bool check_target(const wmc_value *parameters, const char *name,
                         const wmc_complaints *complaints)
{
  const wmc_shape shape = wmc_balanced_shape(parameters);
  const int entries = shape.rows < shape.columns ? shape.rows : shape.columns;
  const wmc_value *diag = &parameters[DIAG], *matrix = &parameters[MATRIX];
  const bool single = diag->present != matrix->present;
  const bool fits = !diag->present || (int)diag->count == entries;
  if (!single)
    wmc_complain(complaints, diag->present ? MATRIX : ENERGY,
                 "energy %s needs one of diag (%d numbers) and matrix (FILE:/DATASET), found %s: "
                 "give exactly one",
                 name, entries, diag->present ? "both" : "neither");
  if (!fits)
    wmc_complain(complaints, DIAG,
                 "%zu entries found, %d expected, as long as the diagonal of X: change the widths "
                 "or the list",
                 diag->count, entries);
  const wmc_value *imaginary = &parameters[IMAGINARY];
  if (imaginary->present && !check_matrix(imaginary, &shape, IMAGINARY, complaints)) return false;
  return check_matrix(matrix, &shape, MATRIX, complaints) ? single
                                                          : single && fits && diag->present;
}

/* Zeros and ones, some of them ones. */
static bool check_mask(const wmc_value *mask, const wmc_shape *shape,
                       const wmc_complaints *complaints)
{
  size_t seen = 0, strange = 0;
  if (!check_matrix(mask, shape, MASK, complaints)) return false;
  for (size_t k = 0; k < mask->rows * mask->columns; k++) {
    seen += mask->reals[k] == 1;
    strange += mask->reals[k] != 0 && mask->reals[k] != 1;
  }
  if (strange > 0)
    wmc_complain(complaints, MASK,
                 "%zu entries are neither 0 nor 1: a mask has 1 where an entry of X is observed "
                 "and 0 elsewhere",
                 strange);
  else if (seen == 0)
    wmc_complain(complaints, MASK,
                 "the mask observes nothing: all %zu entries are 0; write 1 where an entry of X "
                 "is observed, or use energy: frobenius",
                 mask->rows * mask->columns);
  return strange == 0 && seen > 0;
}

static bool check_completion(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_shape shape = wmc_balanced_shape(parameters);
  const wmc_value *mask = &parameters[MASK];
  const bool target = check_target(parameters, "completion", complaints);
  if (!mask->present && parameters[MATRIX].present)
    wmc_complain(complaints, MATRIX,
                 "energy completion with a matrix needs a mask that says which of its entries are "
                 "observed: give mask: FILE:/DATASET, or diag: [...] to observe the diagonal");
  if (!mask->present) return target && !parameters[MATRIX].present;
  return check_mask(mask, &shape, complaints) && target;
}

static bool check_samples(const wmc_value *value, int d, const char *side, int field,
                          const wmc_complaints *complaints)
{
  if ((int)value->columns == d) return true;
  wmc_complain(complaints, field,
               "%zu x %zu matrix found, %d columns expected (one sample a row): X has %d %s; "
               "change the widths, or transpose or replace the dataset",
               value->rows, value->columns, d, d, side);
  return false;
}

static bool check_regression(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_shape shape = wmc_balanced_shape(parameters);
  const wmc_value *inputs = &parameters[INPUTS], *labels = &parameters[LABELS];
  if (!inputs->present || !labels->present)
    wmc_complain(complaints, ENERGY,
                 "energy regression needs inputs and labels (FILE:/DATASET each), %s found: give "
                 "both",
                 inputs->present   ? "inputs alone"
                 : labels->present ? "labels alone"
                                   : "neither");
  if (!inputs->reals || !labels->reals) return false;
  bool fits = check_samples(inputs, shape.columns, "columns", INPUTS, complaints);
  fits &= check_samples(labels, shape.rows, "rows", LABELS, complaints);
  if (inputs->rows != labels->rows)
    wmc_complain(complaints, LABELS,
                 "%zu labels found for %zu inputs: give one label for each input", labels->rows,
                 inputs->rows);
  return fits && inputs->rows == labels->rows;
}

/* A coefficient of 0 that is written down, as one point of a sweep, keeps the data of its term. */
static bool uses(const wmc_value *parameters, int coefficient)
{
  return parameters[coefficient].real > 0 || parameters[coefficient].given;
}

/* Data of terms that a sum does not have. */
static bool check_unused(const wmc_value *parameters, const wmc_complaints *complaints)
{
  static const struct {
    int field, users[2];
    const char *what;
  } rows[] = {{DIAG, {TARGET, COMPLETION}, "target or completion"},
              {MATRIX, {TARGET, COMPLETION}, "target or completion"},
              {IMAGINARY, {TARGET, COMPLETION}, "target or completion"},
              {MASK, {COMPLETION, COMPLETION}, "completion"},
              {INPUTS, {REGRESSION, REGRESSION}, "regression"},
              {LABELS, {REGRESSION, REGRESSION}, "regression"}};
  bool used = true;
  if (parameters[ENERGY].integer != ENERGY_SUM) return true;
  for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
    if (!parameters[rows[k].field].present || uses(parameters, rows[k].users[0]) ||
        uses(parameters, rows[k].users[1]))
      continue;
    wmc_complain(complaints, rows[k].field,
                 "not used: the sum has no term %s; give its coefficient, or leave this out",
                 rows[k].what);
    used = false;
  }
  return used;
}

/* The terms of the energy and their data; true if it can be made. */
static bool check_energy(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  const double *coefficient = setup.energy.coefficient;
  double sum = 0;
  for (int k = 0; k < WMC_ENERGY_TERMS; k++) sum += coefficient[k];
  if (sum == 0)
    wmc_complain(complaints, parameters[ENERGY].integer == ENERGY_SUM ? ENERGY : DECAY,
                 "all coefficients of the energy are 0: give at least one of frobenius, target, "
                 "completion, regression and decay a positive one");
  bool usable = sum > 0 && check_unused(parameters, complaints);
  const bool aimed =
      parameters[DIAG].present || parameters[MATRIX].present || parameters[IMAGINARY].present;
  const bool seen = parameters[MASK].present;
  const bool samples = parameters[INPUTS].present || parameters[LABELS].present;
  if (coefficient[WMC_ENERGY_COMPLETION] > 0 || (usable && seen))
    usable &= check_completion(parameters, complaints);
  else if (coefficient[WMC_ENERGY_TARGET] > 0 || (usable && aimed))
    usable &= check_target(parameters, "target", complaints);
  if (coefficient[WMC_ENERGY_REGRESSION] > 0 || (usable && samples))
    usable &= check_regression(parameters, complaints);
  return usable;
}

static void complain_of_inputs(const wmc_value *parameters, const wmc_energy *energy,
                               const wmc_complaints *complaints)
{
  wmc_complain(complaints, INPUTS,
               "the %zu inputs span %d of %d directions, so the energy is flat along the others "
               "and has no Gibbs law: use more samples, a smaller width, or add decay or frobenius",
               parameters[INPUTS].rows, wmc_energy_rank(energy), energy->columns);
}

/* Along directions that the energy does not see, the volume must end the law. */
static void check_escape(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  wmc_energy energy;
  if (!setup.integrator->exact) return;
  if (wmc_energy_create(&setup.energy, &energy) != WMC_OK) return;
  const bool decays_alone = energy.plain && energy.quadratic[0] == 0 && !energy.masked;
  const wmc_escape way = wmc_balanced_escape(&setup.law, &energy);
  if (way.q > 0 && !energy.masked && !decays_alone)
    complain_of_inputs(parameters, &energy, complaints);
  else if (way.q > 0 && energy.masked)
    wmc_complain(complaints, ENERGY,
                 "no Gibbs law exists: the mask leaves entries free, and the mass of matrices of "
                 "size t along %d of them, of rank %d, grows like t^%.3g dt/t; add decay: 0.01 or "
                 "frobenius: 0.01 (kind sum)%s",
                 way.dimension, way.q,
                 fmax(0, wmc_balanced_growth(&setup.law, energy.decay, way.q, way.dimension)),
                 wmc_shape_is_infinite(&setup.law.shape) ? ", at depth inf frobenius"
                                                         : ", or observe more entries");
  wmc_energy_free(&energy);
}

/* One of width and widths. */
static bool check_choice_of_widths(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_value *width = &parameters[WIDTH], *widths = &parameters[WIDTHS];
  if (width->present != widths->present) return true;
  wmc_complain(complaints, width->present ? WIDTHS : WIDTH,
               "%s of width and widths found: give one, width: d for a square product or widths: "
               "[d_0, ..., d_N]",
               width->present ? "both" : "neither");
  return false;
}

static bool check_widths(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_value *widths = &parameters[WIDTHS];
  if (!widths->present) return true;
  return wmc_network_check_widths(widths, WIDTHS, parameters[DEPTH].real, complaints);
}

static void check_rank(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_shape shape = wmc_balanced_shape(parameters);
  const int limit = wmc_shape_rank_limit(&shape);
  if (shape.rank > limit)
    wmc_complain(
        complaints, RANK,
        "rank %d found, the smallest width is %d: a product of layers has at most the rank "
        "of its narrowest one; choose rank <= %d or wider layers",
        shape.rank, limit, limit);
}

/* The largest inverse temperature that is run. */
static double coldest(const wmc_value *parameters)
{
  double most = parameters[BETA].real;
  for (size_t k = 0; parameters[LADDER].present && k < parameters[LADDER].count; k++)
    most = fmax(most, parameters[LADDER].reals[k]);
  return most;
}

/* Depth inf: decay w is w sum log sigma, so the density near sigma_i = 0 is a power of sigma_i. */
static void check_decay(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_balanced_setup setup = wmc_balanced_setup_of(parameters);
  const double power = wmc_gibbs_power(&setup.law), *coefficient = setup.energy.coefficient;
  const double w = coefficient[WMC_ENERGY_DECAY], cold = coldest(parameters) / setup.law.horizontal;
  double rest = 0;
  for (int k = 0; k < WMC_ENERGY_DECAY; k++) rest += coefficient[k];
  if (w == 0 || !setup.integrator->exact || !wmc_shape_is_infinite(&setup.law.shape)) return;
  if (rest == 0)
    wmc_complain(complaints, ENERGY,
                 "decay alone has no Gibbs law at depth inf: there it is a sum of log sigma and "
                 "does not keep X from growing; add frobenius, or use a finite depth");
  else if (power > 0 && cold * w >= power)
    wmc_complain(complaints, DECAY,
                 "no Gibbs law exists at depth inf with decay %g: near sigma = 0 the density is "
                 "sigma^(p - 1) with p = %g - %g (excess or complex phases, minus beta decay over "
                 "the variance of horizontal noise); p must be positive: use decay < %g or more "
                 "hidden excess",
                 w, power, cold * w, power / cold);
}

/* The first rung out of order, or 0. */
static size_t rung_out_of_order(const double *ladder, size_t rungs)
{
  for (size_t k = 1; k < rungs; k++) {
    const bool up = ladder[k] > ladder[k - 1], down = ladder[k] < ladder[k - 1];
    if ((!up && !down) || (k > 1 && up != (ladder[1] > ladder[0]))) return k;
  }
  return 0;
}

/* In order, without repetition, beta a rung, and a scheme whose law exchanges leave alone. */
static void check_ladder(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const double *ladder = parameters[LADDER].reals, beta = parameters[BETA].real;
  const size_t rungs = parameters[LADDER].count;
  if (!parameters[LADDER].present) return;
  if (wmc_balanced_flows(parameters) || wmc_balanced_law(parameters).horizontal == 0 ||
      isinf(beta)) {
    wmc_complain(complaints, LADDER,
                 "without noise in X there is no Gibbs law whose temperature a ladder could vary: "
                 "leave out the ladder (sweep beta instead), or use scheme: metropolis and another "
                 "noise");
    return;
  }
  const wmc_integrator *integrator = wmc_balanced_setup_of(parameters).integrator;
  size_t at = rung_out_of_order(ladder, rungs), k = 0;
  if (at > 0)
    wmc_complain(complaints, LADDER,
                 "%g after %g found: the rungs of a ladder increase or decrease all the way and "
                 "none is repeated; sort them and leave out the second one of equals",
                 ladder[at], ladder[at - 1]);
  while (k < rungs && ladder[k] != beta) k++;
  if (k == rungs)
    wmc_complain(complaints, BETA,
                 "beta %g is not a rung of the ladder from %g to %g: observables and free-energy "
                 "differences refer to the rung at beta; set beta to one of the rungs, for "
                 "example beta: %g, or add %g to the ladder",
                 beta, ladder[0], ladder[rungs - 1], fmax(ladder[0], ladder[rungs - 1]), beta);
  if (integrator != NULL && !integrator->exact && !isinf(parameters[EXCHANGE].real))
    wmc_complain(complaints, parameters[EXCHANGE].given ? EXCHANGE : LADDER,
                 "scheme %s does not keep the Gibbs law, which exchanges between replicas rely "
                 "on: use scheme: metropolis, or exchange: inf for independent replicas",
                 integrator->scheme);
}

void wmc_balanced_check(const wmc_value *parameters, const wmc_complaints *complaints)
{
  if (!check_choice_of_widths(parameters, complaints)) return;
  if (!check_widths(parameters, complaints)) return;
  const wmc_gibbs law = wmc_balanced_law(parameters);
  check_rank(parameters, complaints);
  if (!wmc_balanced_flows(parameters)) wmc_network_check_limit(&law, DEPTH, complaints);
  if (!check_integrator(parameters, complaints)) return;
  check_numbers(parameters, complaints);
  check_formulation(parameters, complaints);
  check_layers(parameters, complaints);
  check_imbalance(parameters, complaints);
  wmc_balanced_check_memory(parameters, complaints);
  check_age(parameters, complaints);
  check_noise(parameters, complaints);
  if (check_energy(parameters, complaints)) check_escape(parameters, complaints);
  check_decay(parameters, complaints);
  check_ladder(parameters, complaints);
}
