/* Checks of parameters of the model `balanced` that involve several of them, or data. */
#include "balanced_deck.h"
#include "network_deck.h"

static void check_formulation(const wmc_value *parameters, const wmc_complaints *complaints)
{
  const wmc_energy_kind *energy = &wmc_energies[parameters[ENERGY].integer];
  if (!energy->bi_invariant && !wmc_balanced_setup_of(parameters).integrator->frames)
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
  wmc_energy_data data = wmc_balanced_setup_of(parameters).energy;
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
  if (parameters[EXCESS].given)
    wmc_complain(complaints, EXCESS,
                 "excess belongs to width; with widths, write the hidden widths there");
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

void wmc_balanced_check(const wmc_value *parameters, const wmc_complaints *complaints)
{
  if (!check_choice_of_widths(parameters, complaints)) return;
  if (!check_widths(parameters, complaints)) return;
  const wmc_gibbs law = wmc_balanced_law(parameters);
  check_rank(parameters, complaints);
  wmc_network_check_limit(&law, DEPTH, complaints);
  check_formulation(parameters, complaints);
  if (parameters[ENERGY].integer == WMC_ENERGY_TARGET) check_target(parameters, complaints);
  if (parameters[ENERGY].integer == WMC_ENERGY_REGRESSION) check_regression(parameters, complaints);
}
