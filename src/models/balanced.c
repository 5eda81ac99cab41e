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
  WIDTHS,
  RANK,
  DEPTH,
  NUMBERS,
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
static const char *const numbers[] = {"real", "complex", NULL};
static const char *const schemes[] = {"euler", "metropolis", NULL};

static const wmc_field fields[] = {
    [WIDTH] = {.name = "width",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = WIDTH_MAX,
               .sweep = true,
               .unit = "1",
               .text = "rows and columns d of a square product matrix X; or give widths"},
    [EXCESS] = {.name = "excess",
                .type = WMC_INT,
                .minimum = 0,
                .maximum = 100000,
                .standard = "0",
                .sweep = true,
                .unit = "1",
                .text = "hidden excess m: with width, hidden layers have width d + m"},
    [WIDTHS] = {.name = "widths",
                .type = WMC_REALS,
                .minimum = 1,
                .maximum = 100000,
                .unit = "1",
                .text = "all widths d_0, ..., d_N, input first; or [d_0, h, d_N] at any depth with "
                        "all hidden widths h"},
    [RANK] = {.name = "rank",
              .type = WMC_INT,
              .minimum = 1,
              .maximum = WIDTH_MAX,
              .sweep = true,
              .unit = "1",
              .text = "rank r of X, kept by the dynamics; absent: the smallest width"},
    [DEPTH] = {.name = "depth",
               .type = WMC_INT,
               .minimum = 1,
               .maximum = INFINITY,
               .required = true,
               .sweep = true,
               .unit = "1",
               .text = "number of layers N; inf for the limit law, where one exists"},
    [NUMBERS] = {.name = "field",
                 .type = WMC_CHOICE,
                 .choices = numbers,
                 .standard = "real",
                 .sweep = true,
                 .unit = "",
                 .text =
                     "numbers in the layers: real (orthogonal gauge group) or complex (unitary)"},
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

/* `widths` of three numbers with another depth than two: the hidden one stands for all. */
static bool lists_all_widths(const wmc_value *parameters)
{
  return parameters[WIDTHS].present &&
         (parameters[WIDTHS].count != 3 || parameters[DEPTH].real == 2);
}

static wmc_shape widths_shape(const wmc_value *parameters)
{
  const double *widths = parameters[WIDTHS].reals;
  const size_t last = parameters[WIDTHS].count - 1;
  return (wmc_shape){.depth = parameters[DEPTH].real,
                     .columns = (int)widths[0],
                     .rows = (int)widths[last],
                     .hidden = (int)widths[last > 1 ? 1 : 0],
                     .widths = lists_all_widths(parameters) ? widths : NULL};
}

static wmc_shape shape_of(const wmc_value *parameters)
{
  const wmc_value *rank = &parameters[RANK];
  wmc_shape shape = parameters[WIDTHS].present
                        ? widths_shape(parameters)
                        : wmc_shape_square((int)parameters[WIDTH].integer,
                                           (int)parameters[EXCESS].integer, parameters[DEPTH].real);
  shape.numbers = parameters[NUMBERS].integer == 0 ? WMC_NUMBERS_REAL : WMC_NUMBERS_COMPLEX;
  shape.rank = rank->present ? (int)rank->integer : wmc_shape_rank_limit(&shape);
  return shape;
}

static wmc_gibbs law_of(const wmc_value *parameters)
{
  const double kappa = parameters[KAPPA].real;
  const struct {
    double vertical, horizontal;
  } strengths[] = {
      [NOISE_ISOTROPIC] = {1, 1}, [NOISE_HORIZONTAL] = {0, 1}, [NOISE_KAPPA] = {1, kappa}};
  return (wmc_gibbs){.shape = shape_of(parameters),
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
static void check_inputs(const wmc_value *parameters, const wmc_complaints *complaints)
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
    check_inputs(parameters, complaints);
}

static bool whole_numbers(const wmc_value *value)
{
  for (size_t k = 0; k < value->count; k++)
    if (value->reals[k] != floor(value->reals[k])) return false;
  return true;
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

/* Whole numbers, as many as the depth wants. */
static bool check_widths(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_value *widths = &parameters[WIDTHS], *depth = &parameters[DEPTH];
  if (!widths->present) return true;
  const bool whole = whole_numbers(widths);
  const bool fits = widths->count == 3 || (double)widths->count == depth->real + 1;
  if (parameters[EXCESS].given)
    wmc_complain(complaints, EXCESS,
                 "excess belongs to width; with widths, write the hidden widths there");
  if (!whole) wmc_complain(complaints, WIDTHS, "widths are whole numbers; write 4, not 4.5");
  if (!fits)
    wmc_complain(complaints, WIDTHS,
                 "%zu widths found, depth is %g: give depth + 1 widths d_0, ..., d_N, or three, "
                 "[d_0, hidden, d_N], for any depth",
                 widths->count, depth->real);
  return whole && fits;
}

static void check_rank(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_shape shape = shape_of(parameters);
  const int limit = wmc_shape_rank_limit(&shape);
  if (shape.rank > limit)
    wmc_complain(
        complaints, RANK,
        "rank %d found, the smallest width is %d: a product of layers has at most the rank "
        "of its narrowest one; choose rank <= %d or wider layers",
        shape.rank, limit, limit);
}

/* Depth inf: a law must exist, and what it is of. */
static void check_limit(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_gibbs law = law_of(parameters);
  if (wmc_gibbs_exists(&law)) return;
  const char *why = law.vertical == 0
                        ? "horizontal noise does not feel the volume of the fibres, so all "
                          "singular values go to 0; use noise: isotropic or kappa"
                        : "without hidden excess the smallest singular value goes to 0 and "
                          "the limit has rank r - 1; use excess >= 1, hidden widths above "
                          "the rank, or field: complex";
  wmc_complain(complaints, DEPTH,
               "no Gibbs law exists at depth inf: %s, or sweep finite depths and extrapolate with "
               "`weylmc fit`",
               why);
}

static void check(const wmc_value *parameters, const wmc_complaints *complaints)
{
  if (!check_choice_of_widths(parameters, complaints)) return;
  if (!check_widths(parameters, complaints)) return;
  check_rank(parameters, complaints);
  check_limit(parameters, complaints);
  check_formulation(parameters, complaints);
  if (parameters[ENERGY].integer == WMC_ENERGY_TARGET) check_target(parameters, complaints);
  if (parameters[ENERGY].integer == WMC_ENERGY_REGRESSION) check_regression(parameters, complaints);
}

static double cost(const wmc_value *parameters)
{
  const double d = shape_of(parameters).rank;
  const wmc_integrator *integrator = integrator_of(parameters);
  if (!integrator->frames) return 200 * d + 20 * d * d;
  return 500 * d + 200 * d * d + (integrator->exact ? 24 : 40) * d * d * d;
}

/* --- Observables ----------------------------------------------------------------------------- */

static size_t index_length(const wmc_value *parameters)
{
  return (size_t)shape_of(parameters).rank;
}

static void index_coordinates(const wmc_value *parameters, double *out)
{
  const int rank = shape_of(parameters).rank;
  for (int k = 0; k < rank; k++) out[k] = k + 1;
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
  wmc_gibbs law = law_of(parameters);
  law.shape.depth = INFINITY;
  return law.shape.widths == NULL && wmc_gibbs_exists(&law);
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
                         .text = "sum of log sigma: log|det X| of a square X of full rank",
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
                             .text = "squared norm |W|^2 of all layers, N sum lambda^2 (depth inf: "
                                     "2 sum log sigma, what is left after subtracting N r)",
                             SCALAR,
                             .converges = never},
    [OBS_EFFECTIVE_RANK] = {.name = "effective_rank",
                            .unit = "1",
                            .text = "exp of the Shannon entropy of sigma / sum sigma",
                            SCALAR},
    [OBS_PAIR_ENTROPY] = {.name = "pair_entropy",
                          .unit = "1",
                          .text =
                              "1/2 sum over pairs of log[(sigma_i^2 - sigma_j^2) / "
                              "(lambda_i^2 - lambda_j^2)]; complex: the whole sum, plus 1/2 sum "
                              "of log(N sigma^(2-2/N))",
                          SCALAR,
                          .converges = never},
    [OBS_REDUCED_ENTROPY] = {.name = "reduced_entropy",
                             .unit = "1",
                             .text = "entropy without its constant and its log N term c log N: c = "
                                     "r(r-1)/4, or (r-1)(r-2)/4 without hidden excess; complex: "
                                     "r^2/2",
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
  for (int k = 0; k < x->rank; k++) sum += exp(x->log_sigma[k] - x->log_sigma[0]);
  for (int k = 0; k < x->rank; k++) {
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
  for (int k = 0; chain->energy.plain && k < chain->x.rank; k++)
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
  values[OBS_PAIR_ENTROPY] = wmc_entropy_pairs(shape, chain->x.log_sigma);
  values[OBS_ENTROPY] = wmc_entropy(shape, chain->x.log_sigma);
  values[OBS_REDUCED_ENTROPY] = wmc_entropy_reduced(shape, chain->x.log_sigma);
  values[OBS_FREE_ENERGY] = values[OBS_ENERGY] - values[OBS_ENTROPY] / chain->law.beta;
}

static void measure(void *state, double *out)
{
  wmc_balanced *chain = state;
  const wmc_spectrum *x = &chain->x;
  double values[OBSERVABLES] = {[OBS_ENERGY] = wmc_balanced_energy(chain),
                                [OBS_FROBENIUS2] = sum_of(x->rank, x->sigma2),
                                [OBS_LOG_ABS_DET] = sum_of(x->rank, x->log_sigma),
                                [OBS_PARAMETER_NORM2] = wmc_shape_clock(&chain->law.shape) *
                                                        sum_of(x->rank, x->lambda2),
                                [OBS_EFFECTIVE_RANK] = effective_rank(x),
                                [OBS_ACCEPTANCE] = acceptance(chain),
                                [OBS_VIRIAL] = wmc_balanced_virial(chain),
                                [OBS_TRACE_TARGET] = trace_target(chain)};
  measure_entropies(chain, values);
  for (int k = 0; k < OBSERVABLES; k++) {
    const bool row = k == OBS_SINGULAR_VALUES || k == OBS_LAYER_SINGULAR_VALUES;
    const double *from = k == OBS_SINGULAR_VALUES ? x->sigma : x->lambda;
    if (row) memcpy(out, from, (size_t)x->rank * sizeof *out);
    if (!row) *out = values[k];
    for (int i = 0; k == OBS_LAYER_SINGULAR_VALUES && isinf(x->depth) && i < x->rank; i++)
      out[i] = 1;
    out += row ? x->rank : 1;
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
  const int d = chain->law.shape.rank;
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
  chain->flips = wmc_gibbs_flips(&chain->law);
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
  for (int k = 0; k < x->rank; k++) sum += x->log_sigma[k];
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
                   "balanced, %s %s at depth %g: the state is no longer finite; step %g is too "
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
