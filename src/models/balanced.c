/* The model `balanced`: Gibbs laws and Langevin dynamics of balanced deep linear networks.
 * docs/theory/balanced.md. */
#include "balanced.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/models/model.h"

enum { WIDTH_MAX = 512, DEPTH_MAX = 1000000 };

/* --- Parameters ------------------------------------------------------------------------------ */

enum {
  WIDTH,
  EXCESS,
  DEPTH,
  BETA,
  NOISE,
  KAPPA,
  ENERGY,
  DIAG,
  MATRIX,
  INPUTS,
  LABELS,
  FORMULATION,
  SCHEME,
  STEP,
  FIELDS
};

enum { NOISE_ISOTROPIC, NOISE_HORIZONTAL, NOISE_KAPPA };
static const char *const noises[] = {"isotropic", "horizontal", "kappa", NULL};
static const char *const energies[] = {"frobenius", "target", "regression", NULL};
static const char *const formulations[] = {"spectrum", "observable", NULL};
static const char *const schemes[] = {"euler", "metropolis", NULL};

static const wmc_field fields[] = {
    [WIDTH] = {.name = "width",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = WIDTH_MAX,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "rows and columns d of the product matrix X"},
    [EXCESS] = {.name = "excess",
                .type = WMC_INT,
                .minimum = 0,
                .maximum = 100000,
                .standard = "0",
                .sweep = true,
                .unit = "1",
                .text = "hidden excess m: hidden layers have width d + m"},
    [DEPTH] = {.name = "depth",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = DEPTH_MAX,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "number of layers N"},
    [BETA] = {.name = "beta",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = DBL_MAX,
              .open_minimum = true,
              .standard = "1",
              .sweep = true,
              .unit = "1/energy",
              .text = "inverse temperature"},
    [NOISE] = {.name = "noise.kind",
               .type = WMC_CHOICE,
               .choices = noises,
               .standard = "isotropic",
               .sweep = true,
               .unit = "",
               .text = "noise in all directions alike, in horizontal ones only (those that move "
                       "X), or horizontal noise of kappa times the variance"},
    [KAPPA] = {.name = "noise.kappa",
               .type = WMC_REAL,
               .minimum = 0,
               .maximum = DBL_MAX,
               .open_minimum = true,
               .required = true,
               .sweep = true,
               .only = "noise.kind=kappa",
               .unit = "1",
               .text = "variance of horizontal over vertical noise"},
    [ENERGY] = {.name = "energy.kind",
                .type = WMC_CHOICE,
                .choices = energies,
                .standard = "frobenius",
                .sweep = true,
                .unit = "",
                .text = "|X|^2/2, |X - Phi|^2/2, or the mean of |X x - y|^2/2 over samples"},
    [DIAG] = {.name = "energy.diag",
              .type = WMC_REALS,
              .only = "energy.kind=target",
              .unit = "1",
              .text = "the d diagonal entries of a diagonal target Phi"},
    [MATRIX] = {.name = "energy.matrix",
                .type = WMC_MATRIX,
                .only = "energy.kind=target",
                .unit = "1",
                .text = "target Phi, d x d, as FILE:/DATASET"},
    [INPUTS] = {.name = "energy.inputs",
                .type = WMC_MATRIX,
                .required = true,
                .only = "energy.kind=regression",
                .unit = "1",
                .text = "inputs x, one sample a row, n x d, as FILE:/DATASET"},
    [LABELS] = {.name = "energy.labels",
                .type = WMC_MATRIX,
                .required = true,
                .only = "energy.kind=regression",
                .unit = "1",
                .text = "labels y, one sample a row, n x d, as FILE:/DATASET"},
    [FORMULATION] = {.name = "formulation",
                     .type = WMC_CHOICE,
                     .choices = formulations,
                     .standard = "spectrum",
                     .sweep = true,
                     .unit = "",
                     .text = "state: singular values alone (energies of sigma alone), or the "
                             "singular value decomposition of X (any energy)"},
    [SCHEME] = {.name = "scheme",
                .type = WMC_CHOICE,
                .choices = schemes,
                .standard = "metropolis",
                .sweep = true,
                .unit = "",
                .text = "Euler-Maruyama for the Langevin equation (biased by the step), or "
                        "Metropolis moves (exact law; not a dynamics)"},
    [STEP] = {.name = "step",
              .type = WMC_REAL,
              .minimum = 0,
              .maximum = DBL_MAX,
              .open_minimum = true,
              .standard = "0.002",
              .sweep = true,
              .unit = "time",
              .text = "time step of euler (scale it like 1/depth); relative size of the first "
                      "proposals of metropolis, tuned while thermalising"},
    [FIELDS] = {.name = NULL}};

static wmc_gibbs law_of(const wmc_value *parameters)
{
  const double kappa = parameters[KAPPA].real;
  const struct {
    double vertical, horizontal;
  } strengths[] = {
      [NOISE_ISOTROPIC] = {1, 1}, [NOISE_HORIZONTAL] = {0, 1}, [NOISE_KAPPA] = {1, kappa}};
  return (wmc_gibbs){.shape = {.width = (int)parameters[WIDTH].integer,
                               .excess = (int)parameters[EXCESS].integer,
                               .depth = (int)parameters[DEPTH].integer},
                     .beta = parameters[BETA].real,
                     .vertical = strengths[parameters[NOISE].integer].vertical,
                     .horizontal = strengths[parameters[NOISE].integer].horizontal};
}

static const wmc_integrator *integrator_of(const wmc_value *parameters)
{
  const wmc_integrator *const *row = wmc_integrators;
  while (*row && (strcmp((*row)->formulation, formulations[parameters[FORMULATION].integer]) ||
                  strcmp((*row)->scheme, schemes[parameters[SCHEME].integer])))
    row++;
  return *row;
}

const wmc_integrator *const wmc_integrators[] = {&wmc_spectrum_euler, &wmc_spectrum_metropolis,
                                                 &wmc_observable_euler, &wmc_observable_metropolis,
                                                 NULL};

static wmc_energy_data data_of(const wmc_value *parameters)
{
  return (wmc_energy_data){.width = (int)parameters[WIDTH].integer,
                           .diag = parameters[DIAG].present ? parameters[DIAG].reals : NULL,
                           .target = parameters[MATRIX].present ? parameters[MATRIX].reals : NULL,
                           .samples = parameters[INPUTS].rows,
                           .inputs = parameters[INPUTS].reals,
                           .labels = parameters[LABELS].reals};
}

/* --- Checks ---------------------------------------------------------------------------------- */

static void check_formulation(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_energy_kind *energy = &wmc_energies[parameters[ENERGY].integer];
  if (!energy->bi_invariant && !integrator_of(parameters)->frames)
    wmc_complain(complaints, FORMULATION,
                 "energy %s depends on more than the singular values of X, formulation spectrum "
                 "has nothing else: use formulation: observable",
                 energy->name);
}

static void check_square(const wmc_value *value, size_t d, int field,
                         const wmc_complaints *complaints)
{
  if (value->present && value->reals && (value->rows != d || value->columns != d))
    wmc_complain(complaints, field,
                 "%zu x %zu matrix found, %zu x %zu expected: width is %zu; change width or the "
                 "dataset",
                 value->rows, value->columns, d, d, d);
}

static void check_target(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const size_t d = (size_t)parameters[WIDTH].integer;
  const wmc_value *diag = &parameters[DIAG], *matrix = &parameters[MATRIX];
  if (diag->present == matrix->present)
    wmc_complain(complaints, diag->present ? MATRIX : ENERGY,
                 "energy target needs one of diag (%zu numbers) and matrix (FILE:/DATASET), "
                 "found %s: give exactly one",
                 d, diag->present ? "both" : "neither");
  if (diag->present && diag->count != d)
    wmc_complain(complaints, DIAG,
                 "%zu entries found, %zu expected, one for each row: change width or the list",
                 diag->count, d);
  check_square(matrix, d, MATRIX, complaints);
}

static bool check_samples(const wmc_value *value, size_t d, int field,
                          const wmc_complaints *complaints)
{
  if (value->columns == d) return true;
  wmc_complain(complaints, field,
               "%zu x %zu matrix found, %zu columns expected (one sample a row): width is %zu; "
               "change width, or transpose or replace the dataset",
               value->rows, value->columns, d, d);
  return false;
}

/* Without full rank the Gibbs law cannot be normalised. */
static void check_rank(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const int d = (int)parameters[WIDTH].integer;
  wmc_energy_data data = data_of(parameters);
  wmc_energy energy;
  if (wmc_energy_create(WMC_ENERGY_REGRESSION, &data, &energy) != WMC_OK) return;
  int rank = wmc_energy_rank(&energy);
  if (rank < d)
    wmc_complain(complaints, INPUTS,
                 "the %zu inputs span %d of %d directions, so the energy is flat along the others "
                 "and has no Gibbs law: use more samples or a smaller width",
                 parameters[INPUTS].rows, rank, d);
  wmc_energy_free(&energy);
}

static void check_regression(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const size_t d = (size_t)parameters[WIDTH].integer;
  const wmc_value *inputs = &parameters[INPUTS], *labels = &parameters[LABELS];
  if (!inputs->reals || !labels->reals) return;
  bool fits = check_samples(inputs, d, INPUTS, complaints);
  fits &= check_samples(labels, d, LABELS, complaints);
  if (inputs->rows != labels->rows)
    wmc_complain(complaints, LABELS,
                 "%zu labels found for %zu inputs: give one label for each input", labels->rows,
                 inputs->rows);
  else if (fits)
    check_rank(parameters, complaints);
}

static void check(const wmc_value *parameters, const wmc_complaints *complaints)
{
  if (!parameters[WIDTH].present) return;
  check_formulation(parameters, complaints);
  if (parameters[ENERGY].integer == WMC_ENERGY_TARGET) check_target(parameters, complaints);
  if (parameters[ENERGY].integer == WMC_ENERGY_REGRESSION) check_regression(parameters, complaints);
}

static double cost(const wmc_value *parameters)
{
  const double d = (double)parameters[WIDTH].integer;
  const wmc_integrator *integrator = integrator_of(parameters);
  if (!integrator->frames) return 200 * d + 20 * d * d;
  return 500 * d + 200 * d * d + (integrator->exact ? 24 : 40) * d * d * d;
}

/* --- Observables ----------------------------------------------------------------------------- */

static size_t index_length(const wmc_value *parameters)
{
  return (size_t)parameters[WIDTH].integer;
}

static void index_coordinates(const wmc_value *parameters, double *out)
{
  for (long k = 0; k < parameters[WIDTH].integer; k++) out[k] = (double)(k + 1);
}

static const wmc_axis axes[] = {{.name = "index",
                                 .unit = "1",
                                 .text = "index of the singular value, largest first",
                                 .length = index_length,
                                 .coordinates = index_coordinates},
                                {.name = NULL}};

static bool expected_virial(const wmc_value *parameters, double *out)
{
  wmc_gibbs law = law_of(parameters);
  *out = wmc_gibbs_virial(&law);
  return true;
}

static bool expected_frobenius2(const wmc_value *parameters, double *out)
{
  return parameters[ENERGY].integer == WMC_ENERGY_FROBENIUS && expected_virial(parameters, out);
}

static bool expected_energy(const wmc_value *parameters, double *out)
{
  bool known = expected_frobenius2(parameters, out);
  *out = known ? *out / 2 : NAN;
  return known;
}

static bool never(const wmc_value *parameters)
{
  (void)parameters;
  return false;
}

/* log|det X| has a limit if all d singular values have: excess, and noise that feels it */
static bool full_rank_limit(const wmc_value *parameters)
{
  return parameters[EXCESS].integer > 0 && parameters[NOISE].integer != NOISE_HORIZONTAL;
}

static bool fibres_feel_noise(const wmc_value *parameters)
{
  return parameters[NOISE].integer != NOISE_HORIZONTAL;
}

enum {
  OBS_ENERGY,
  OBS_ENTROPY,
  OBS_FREE_ENERGY,
  OBS_FROBENIUS2,
  OBS_LOG_ABS_DET,
  OBS_SINGULAR_VALUES,
  OBS_LAYER_SINGULAR_VALUES,
  OBS_PARAMETER_NORM2,
  OBS_EFFECTIVE_RANK,
  OBS_PAIR_ENTROPY,
  OBS_REDUCED_ENTROPY,
  OBS_ACCEPTANCE,
  OBS_VIRIAL,
  OBS_TRACE_TARGET,
  OBSERVABLES
};

#define SCALAR .axis = {WMC_NO_AXIS, WMC_NO_AXIS}
#define ROW    .axis = {0, WMC_NO_AXIS}

static const wmc_observable observables[] = {
    [OBS_ENERGY] = {.name = "energy",
                    .unit = "energy",
                    .text = "energy E(X)",
                    SCALAR,
                    .expected = expected_energy},
    [OBS_ENTROPY] = {.name = "entropy",
                     .unit = "1",
                     .text = "Boltzmann entropy S(X): log volume of the networks with product X",
                     SCALAR,
                     .converges = never},
    [OBS_FREE_ENERGY] = {.name = "free_energy",
                         .unit = "energy",
                         .text = "free energy E - S / beta",
                         SCALAR,
                         .converges = never},
    [OBS_FROBENIUS2] = {.name = "frobenius2",
                        .unit = "1",
                        .text = "squared Frobenius norm |X|^2",
                        SCALAR,
                        .expected = expected_frobenius2},
    [OBS_LOG_ABS_DET] = {.name = "log_abs_det",
                         .unit = "1",
                         .text = "log|det X|",
                         SCALAR,
                         .converges = full_rank_limit},
    [OBS_SINGULAR_VALUES] = {.name = "singular_values",
                             .unit = "1",
                             .text = "singular values sigma of X",
                             ROW},
    [OBS_LAYER_SINGULAR_VALUES] = {.name = "layer_singular_values",
                                   .unit = "1",
                                   .text = "singular values lambda = sigma^(1/N) of every layer",
                                   ROW},
    [OBS_PARAMETER_NORM2] = {.name = "parameter_norm2",
                             .unit = "1",
                             .text = "squared norm |W|^2 of all layers, N sum lambda^2",
                             SCALAR,
                             .converges = never},
    [OBS_EFFECTIVE_RANK] = {.name = "effective_rank",
                            .unit = "1",
                            .text = "exp of the Shannon entropy of sigma / sum sigma",
                            SCALAR},
    [OBS_PAIR_ENTROPY] = {.name = "pair_entropy",
                          .unit = "1",
                          .text = "1/2 sum over pairs of log[(sigma_i^2 - sigma_j^2) / "
                                  "(lambda_i^2 - lambda_j^2)]",
                          SCALAR,
                          .converges = never},
    [OBS_REDUCED_ENTROPY] = {.name = "reduced_entropy",
                             .unit = "1",
                             .text = "entropy without its constant and its log N term: pair "
                                     "entropy + m (1 - 1/N) log|det X| - c log N, c = d(d-1)/4, "
                                     "or (d-1)(d-2)/4 if m = 0",
                             SCALAR,
                             .converges = fibres_feel_noise},
    [OBS_ACCEPTANCE] = {.name = "acceptance",
                        .tuning = true,
                        .unit = "1",
                        .text = "accepted share of the moves since the last draw (euler: 1)",
                        SCALAR,
                        .converges = never},
    [OBS_VIRIAL] = {.name = "virial",
                    .unit = "energy",
                    .text = "<X, E'(X)>, whose mean is known for every energy",
                    SCALAR,
                    .expected = expected_virial},
    [OBS_TRACE_TARGET] = {.name = "trace_target",
                          .unit = "1",
                          .text = "tr(X^T Phi); 0 without a target",
                          SCALAR},
    [OBSERVABLES] = {.name = NULL}};

static double effective_rank(const wmc_spectrum *x)
{
  double sum = 0, information = 0;
  for (int k = 0; k < x->width; k++) sum += exp(x->log_sigma[k] - x->log_sigma[0]);
  for (int k = 0; k < x->width; k++) {
    double log_share = x->log_sigma[k] - x->log_sigma[0] - log(sum);
    information -= exp(log_share) * log_share;
  }
  return exp(information);
}

static double acceptance(wmc_balanced *chain)
{
  double proposed = chain->counts[WMC_COUNT_PROPOSED], accepted = chain->counts[WMC_COUNT_ACCEPTED];
  chain->counts[WMC_COUNT_PROPOSED] = chain->counts[WMC_COUNT_ACCEPTED] = 0;
  return proposed > 0 ? accepted / proposed : 1;
}

static double trace_target(const wmc_balanced *chain)
{
  double sum = 0;
  for (int k = 0; chain->energy.plain && k < chain->x.width; k++)
    sum += chain->x.sigma[k] * chain->tilt[(size_t)k * chain->stride];
  return sum;
}

static double sum_of(int n, const double *x)
{
  double sum = 0;
  for (int k = 0; k < n; k++) sum += x[k];
  return sum;
}

static void measure_entropies(const wmc_balanced *chain, double values[OBSERVABLES])
{
  const wmc_shape *shape = &chain->law.shape;
  double pairs = wmc_entropy_pairs(shape, chain->x.log_sigma);
  double excess = shape->excess * (1 - 1.0 / shape->depth) * values[OBS_LOG_ABS_DET];
  values[OBS_PAIR_ENTROPY] = pairs;
  values[OBS_ENTROPY] = wmc_entropy_constant(shape) + excess + pairs;
  values[OBS_REDUCED_ENTROPY] = excess + pairs - wmc_entropy_log_depth(shape) * log(shape->depth);
  values[OBS_FREE_ENERGY] = values[OBS_ENERGY] - values[OBS_ENTROPY] / chain->law.beta;
}

static void measure(void *state, double *out)
{
  wmc_balanced *chain = state;
  const wmc_spectrum *x = &chain->x;
  double values[OBSERVABLES] = {[OBS_ENERGY] = wmc_balanced_energy(chain),
                                [OBS_FROBENIUS2] = sum_of(x->width, x->sigma2),
                                [OBS_LOG_ABS_DET] = sum_of(x->width, x->log_sigma),
                                [OBS_PARAMETER_NORM2] = x->depth * sum_of(x->width, x->lambda2),
                                [OBS_EFFECTIVE_RANK] = effective_rank(x),
                                [OBS_ACCEPTANCE] = acceptance(chain),
                                [OBS_VIRIAL] = wmc_balanced_virial(chain),
                                [OBS_TRACE_TARGET] = trace_target(chain)};
  measure_entropies(chain, values);
  for (int k = 0; k < OBSERVABLES; k++) {
    const double *row = k == OBS_SINGULAR_VALUES         ? x->sigma
                        : k == OBS_LAYER_SINGULAR_VALUES ? x->lambda
                                                         : NULL;
    int n = row ? x->width : 1;
    memcpy(out, row ? row : &values[k], (size_t)n * sizeof *out);
    out += n;
  }
}

/* --- Chains ---------------------------------------------------------------------------------- */

/* Hand out consecutive parts of the state. */
static double *take(double **next, size_t n)
{
  double *part = *next;
  *next += n;
  return part;
}

static size_t size_of_state(int width, bool frames)
{
  size_t d = (size_t)width;
  return wmc_spectrum_size(width) + WMC_COUNTS + d + 1 + (frames ? 6 * d * d + 2 * d + 1 : 0);
}

static void lay_out(wmc_balanced *chain)
{
  static const double one = 1, zero = 0;
  const int d = chain->law.shape.width;
  const size_t square = (size_t)(d * d);
  double *next = chain->state;
  chain->x = wmc_spectrum_map(d, chain->law.shape.depth, take(&next, wmc_spectrum_size(d)));
  chain->counts = take(&next, WMC_COUNTS);
  chain->lambda_step = take(&next, (size_t)d);
  chain->scale_step = take(&next, 1);
  chain->stiffness = &one;
  chain->tilt = &zero;
  if (!chain->integrator->frames) return;
  double **parts[] = {&chain->u, &chain->v,         &chain->g,
                      &chain->h, &chain->turn_same, &chain->turn_opposite};
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) *parts[k] = take(&next, square);
  chain->reach_step = take(&next, 1);
  chain->shear_step = take(&next, 2 * (size_t)d);
  chain->stiffness = chain->h;
  chain->tilt = chain->g;
  chain->stride = (size_t)d + 1;
}

static void destroy(void *state)
{
  wmc_balanced *chain = state;
  if (chain == NULL) return;
  wmc_product_destroy(chain->product);
  wmc_energy_free(&chain->energy);
  wmc_free(chain->work);
  wmc_free(chain->state);
  wmc_free(chain);
}

static wmc_status fill(wmc_balanced *chain, const wmc_value *parameters)
{
  const int d = (int)parameters[WIDTH].integer;
  const wmc_energy_data data = data_of(parameters);
  chain->law = law_of(parameters);
  chain->integrator = integrator_of(parameters);
  chain->step = parameters[STEP].real;
  chain->flips = chain->law.shape.depth % 2 == 1 && wmc_shape_excess(&chain->law.shape) == 0;
  chain->state_size = size_of_state(d, chain->integrator->frames);
  chain->state = WMC_ARRAY(double, chain->state_size);
  chain->work = WMC_ARRAY(double, wmc_balanced_work(d, chain->integrator->frames));
  if (chain->state == NULL || chain->work == NULL) return wmc_no_memory();
  lay_out(chain);
  WMC_TRY(wmc_energy_create((int)parameters[ENERGY].integer, &data, &chain->energy));
  return wmc_product_create(&chain->product, d, d, d);
}

static wmc_status create(const wmc_value *parameters, void **out)
{
  wmc_balanced *chain = WMC_NEW(wmc_balanced);
  *out = NULL;
  if (chain == NULL) return wmc_no_memory();
  wmc_status status = fill(chain, parameters);
  if (status == WMC_OK)
    *out = chain;
  else
    destroy(chain);
  return status;
}

static void start(void *state, wmc_stream *stream)
{
  wmc_balanced *chain = state;
  memset(chain->counts, 0, WMC_COUNTS * sizeof *chain->counts);
  chain->integrator->start(chain, stream);
}

/* Robbins-Monro: large corrections first, then less and less. */
static double tuning_gain(double steps) { return fmin(1, 8 / (steps + 1)); }

static bool is_finite(const wmc_spectrum *x)
{
  double sum = 0;
  for (int k = 0; k < x->width; k++) sum += x->log_sigma[k];
  return isfinite(sum) && isfinite(x->sigma2[0]);
}

static wmc_status advance(void *state, wmc_stream *stream, long steps, bool thermalising)
{
  wmc_balanced *chain = state;
  for (long k = 0; k < steps; k++) {
    double gain = thermalising ? tuning_gain(chain->counts[WMC_COUNT_TUNED]++) : 0;
    chain->integrator->step(chain, stream, gain);
  }
  if (is_finite(&chain->x)) return WMC_OK;
  return wmc_raise(WMC_FAILURE,
                   "balanced, %s %s at depth %d: the state is no longer finite; step %g is too "
                   "large for euler at this depth and beta: reduce it, or use scheme: metropolis",
                   chain->integrator->formulation, chain->integrator->scheme,
                   chain->law.shape.depth, chain->step);
}

static size_t state_size(const void *chain) { return ((const wmc_balanced *)chain)->state_size; }

static void pack(const void *state, double *out)
{
  const wmc_balanced *chain = state;
  memcpy(out, chain->state, chain->state_size * sizeof *out);
}

static void unpack(void *state, const double *packed)
{
  wmc_balanced *chain = state;
  memcpy(chain->state, packed, chain->state_size * sizeof *packed);
}

/* Without excess the limit has lower rank, and corrections to 1/N are not powers of it. A straight
 * line is not offered: where it fits, its slope is still biased by the next term. */
static const char *const *forms(const wmc_value *parameters, const char *observable)
{
  static const char *const regular[] = {"quadratic", "cubic", NULL};
  static const char *const boundary[] = {"boundary", NULL};
  (void)observable;
  return full_rank_limit(parameters) ? regular : boundary;
}

const wmc_model wmc_model_balanced = {
    .name = "balanced",
    .text = "Gibbs law and Riemannian Langevin equation of balanced deep linear networks; without "
            "hidden excess odd depths visit both signs of det X, else det X > 0",
    .reference = "Menon, arXiv:2411.09004; Menon & Yu, arXiv:2509.09088",
    .fields = fields,
    .axes = axes,
    .observables = observables,
    .fit_parameter = "depth",
    .forms = forms,
    .check = check,
    .cost = cost,
    .create = create,
    .destroy = destroy,
    .start = start,
    .advance = advance,
    .measure = measure,
    .state_size = state_size,
    .pack = pack,
    .unpack = unpack};
