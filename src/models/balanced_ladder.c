/* Replica exchange over a ladder of inverse temperatures. Equations (46) and (48) of
 * docs/theory/balanced.md. */
#include <math.h>
#include <string.h>

#include "balanced.h"
#include "weylmc/base/memory.h"

/* Which end of the ladder a state has visited last. */
enum { NO_END, FIRST_END, LAST_END };

/* Numbers of a ladder: of the whole, then one a rung each. */
enum { COUNT_PHASE, COUNT_PARITY, COUNT_TUNED, COUNT_TRIPS, COUNTS };

struct wmc_ladder {
  size_t rungs;
  double interval; /* steps between exchanges */
  double floor;    /* an energy near the least one, the same for all chains of a task */
  wmc_balanced **rung;

  size_t size; /* of `state`, which the next ones point into */
  double *state;
  double *counts; /* steps since the last exchange, parity of the next pairs, ... */
  double *energy; /* guess of the mean energy, made while thermalising */
  double *end;    /* of the state that is on this rung now */

  double *uniform; /* scratch */
};

/* --- Life ------------------------------------------------------------------------------------ */

void wmc_ladder_destroy(wmc_ladder *ladder)
{
  if (ladder == NULL) return;
  for (size_t k = 0; ladder->rung != NULL && k < ladder->rungs; k++)
    wmc_balanced_destroy(ladder->rung[k]);
  wmc_free(ladder->rung);
  wmc_free(ladder->state);
  wmc_free(ladder->uniform);
  wmc_free(ladder);
}

/* The least energy of one that is Gaussian; imaginary parts of X have -|B C^{-1/2}|^2 / 2. */
static double floor_of(const wmc_energy *energy)
{
  const int m = energy->rows, n = energy->columns;
  double least = wmc_energy_value(energy, energy->minimiser);
  for (int k = 0; k < n; k++)
    for (int i = 0; i < m; i++) {
      double along = 0;
      for (int j = 0; j < n; j++)
        along += energy->linear_imaginary[j * m + i] * energy->spread[j * n + k];
      least -= 0.5 * along * along;
    }
  return least;
}

static wmc_status fill(wmc_ladder *ladder, const wmc_balanced_setup *setup)
{
  const size_t n = setup->rungs;
  ladder->rungs = n;
  ladder->interval = setup->exchange;
  ladder->size = COUNTS + 2 * n;
  ladder->rung = WMC_ARRAY(wmc_balanced *, n);
  ladder->state = WMC_ARRAY(double, ladder->size);
  ladder->uniform = WMC_ARRAY(double, n);
  if (ladder->rung == NULL || ladder->state == NULL || ladder->uniform == NULL)
    return wmc_no_memory();
  ladder->counts = ladder->state;
  ladder->energy = ladder->counts + COUNTS;
  ladder->end = ladder->energy + n;
  for (size_t k = 0; k < n; k++) {
    wmc_balanced_setup own = *setup;
    own.law.beta = setup->ladder[k];
    WMC_TRY(wmc_balanced_create(&own, &ladder->rung[k]));
  }
  const wmc_balanced *any = ladder->rung[0];
  ladder->floor = any->gaussian ? floor_of(&any->energy) : 0;
  return WMC_OK;
}

wmc_status wmc_ladder_create(const wmc_balanced_setup *setup, wmc_balanced **chain)
{
  *chain = NULL;
  wmc_ladder *ladder = WMC_NEW(wmc_ladder);
  if (ladder == NULL) return wmc_no_memory();
  wmc_status status = fill(ladder, setup);
  for (size_t k = 0; status == WMC_OK && k < ladder->rungs; k++)
    if (setup->ladder[k] == setup->law.beta) *chain = ladder->rung[k];
  if (*chain != NULL)
    (*chain)->ladder = ladder;
  else
    wmc_ladder_destroy(ladder);
  return status;
}

void wmc_ladder_start(wmc_ladder *ladder, wmc_stream *stream)
{
  memset(ladder->state, 0, ladder->size * sizeof *ladder->state);
  for (size_t k = 0; k < ladder->rungs; k++) {
    wmc_balanced_start(ladder->rung[k], stream);
    ladder->energy[k] = wmc_balanced_energy(ladder->rung[k]);
  }
}

/* --- Packing --------------------------------------------------------------------------------- */

size_t wmc_ladder_state_size(const wmc_ladder *ladder)
{
  return ladder->size + ladder->rungs * ladder->rung[0]->state_size;
}

void wmc_ladder_pack(const wmc_ladder *ladder, double *out)
{
  const size_t n = ladder->rung[0]->state_size;
  memcpy(out, ladder->state, ladder->size * sizeof *out);
  out += ladder->size;
  for (size_t k = 0; k < ladder->rungs; k++)
    memcpy(out + k * n, ladder->rung[k]->state, n * sizeof *out);
}

void wmc_ladder_unpack(wmc_ladder *ladder, const double *packed)
{
  const size_t n = ladder->rung[0]->state_size;
  memcpy(ladder->state, packed, ladder->size * sizeof *packed);
  packed += ladder->size;
  for (size_t k = 0; k < ladder->rungs; k++)
    memcpy(ladder->rung[k]->state, packed + k * n, n * sizeof *packed);
}

size_t wmc_ladder_rungs(const wmc_ladder *ladder) { return ladder->rungs; }

wmc_balanced *wmc_ladder_replica(wmc_ladder *ladder, size_t rung) { return ladder->rung[rung]; }

/* --- Exchange -------------------------------------------------------------------------------- */

static void swap_numbers(size_t n, double *a, double *b)
{
  for (size_t k = 0; k < n; k++) {
    double x = a[k];
    a[k] = b[k];
    b[k] = x;
  }
}

/* What is left out here would travel with the state, which is no fault: step sizes that do not
 * depend on the state they move leave every law alone. */
void wmc_ladder_swap(wmc_balanced *a, wmc_balanced *b)
{
  const size_t r = (size_t)a->law.shape.rank, turns = r * (size_t)a->span;
  swap_numbers(a->state_size, a->state, b->state);
  swap_numbers(WMC_COUNTS, a->counts, b->counts);
  swap_numbers(1, a->counts + WMC_COUNT_FRESH, b->counts + WMC_COUNT_FRESH);
  const struct {
    double *a, *b;
    size_t n;
  } stay[] = {{a->lambda_step, b->lambda_step, r},
              {a->scale_step, b->scale_step, 1},
              {a->turn_first, b->turn_first, turns},
              {a->turn_second, b->turn_second, turns},
              {a->reach_step, b->reach_step, 1},
              {a->shear_step, b->shear_step, (size_t)(a->rows + a->columns)}};
  for (size_t k = 0; k < sizeof stay / sizeof stay[0]; k++)
    if (stay[k].a != NULL) swap_numbers(stay[k].n, stay[k].a, stay[k].b);
}

/* (beta_{k+1} - beta_k) / h */
static double spacing(const wmc_ladder *ladder, size_t k)
{
  const wmc_gibbs *a = &ladder->rung[k]->law, *b = &ladder->rung[k + 1]->law;
  return (b->beta - a->beta) / a->horizontal;
}

double wmc_ladder_ratio(const wmc_ladder *ladder, size_t k)
{
  return spacing(ladder, k) *
         (wmc_balanced_energy(ladder->rung[k + 1]) - wmc_balanced_energy(ladder->rung[k]));
}

/* A state at an end is on its way to the other one. */
static void note_ends(wmc_ladder *ladder)
{
  double *end = ladder->end;
  if (ladder->rungs < 2) return;
  if (end[0] == LAST_END) ladder->counts[COUNT_TRIPS] += 1;
  end[0] = FIRST_END;
  end[ladder->rungs - 1] = LAST_END;
}

static void exchange(wmc_ladder *ladder, wmc_stream *stream)
{
  const size_t first = (size_t)ladder->counts[COUNT_PARITY];
  const size_t pairs = (ladder->rungs - first) / 2;
  note_ends(ladder);
  if (pairs > 0) wmc_stream_uniforms(stream, pairs, ladder->uniform);
  for (size_t p = 0; p < pairs; p++) {
    const size_t k = first + 2 * p;
    if (!(log(ladder->uniform[p]) < wmc_ladder_ratio(ladder, k))) continue;
    wmc_ladder_swap(ladder->rung[k], ladder->rung[k + 1]);
    swap_numbers(1, ladder->end + k, ladder->end + k + 1);
  }
  note_ends(ladder);
  ladder->counts[COUNT_PARITY] = first == 0 ? 1 : 0;
}

/* Means for the constants C; late steps count as much as early ones. */
static void learn_energies(wmc_ladder *ladder)
{
  const double gain = 1 / fmin(1 + 0.5 * ladder->counts[COUNT_TUNED]++, 1e6);
  for (size_t k = 0; k < ladder->rungs; k++)
    ladder->energy[k] += gain * (wmc_balanced_energy(ladder->rung[k]) - ladder->energy[k]);
}

/* Step by step, so that it does not matter how many steps are asked for at once. */
wmc_status wmc_ladder_advance(wmc_ladder *ladder, wmc_stream *stream, long steps, bool thermalising)
{
  for (long s = 0; s < steps; s++) {
    for (size_t k = 0; k < ladder->rungs; k++)
      WMC_TRY(wmc_balanced_advance(ladder->rung[k], stream, 1, thermalising));
    if (thermalising) learn_energies(ladder);
    ladder->counts[COUNT_PHASE] += 1;
    if (ladder->counts[COUNT_PHASE] < ladder->interval) continue;
    ladder->counts[COUNT_PHASE] = 0;
    exchange(ladder, stream);
  }
  return WMC_OK;
}

/* --- Measuring ------------------------------------------------------------------------------- */

/* log(Z_{k+1}/Z_k) if E - floor had the mean h P / (2 beta): what is taken out of the averages of
 * the overlap, which would leave the range of numbers where beta times the least energy is large.
 */
static double offset(const wmc_ladder *ladder, size_t k)
{
  const wmc_gibbs *a = &ladder->rung[k]->law, *b = &ladder->rung[k + 1]->law;
  return -spacing(ladder, k) * ladder->floor - 0.5 * wmc_gibbs_scaling(a) * log(b->beta / a->beta);
}

/* Bennett's two averages with C near log(Z_{k+1}/Z_k), by the trapezoidal rule: with
 * D = spacing E, Z_{k+1}/Z_k = e^C <1/(1 + e^{D+C})>_k / <1/(1 + e^{-D-C})>_{k+1} for every C. */
static void measure_overlap(const wmc_ladder *ladder, size_t k, const wmc_ladder_draw *out)
{
  const double most = 600, gap = spacing(ladder, k), known = offset(ladder, k);
  double guess = -0.5 * gap * (ladder->energy[k] + ladder->energy[k + 1]);
  double more = fmax(-most, fmin(most, guess - known)), c = known + more;
  double here = gap * wmc_balanced_energy(ladder->rung[k]) + c;
  double there = gap * wmc_balanced_energy(ladder->rung[k + 1]) + c;
  out->forward[k] = exp(0.5 * more) / (1 + exp(here));
  out->backward[k] = exp(-0.5 * more) / (1 + exp(-there));
  out->offset[k] = known;
}

void wmc_ladder_measure(wmc_ladder *ladder, const wmc_ladder_draw *out)
{
  static const double flow[] = {[NO_END] = 0, [FIRST_END] = 1, [LAST_END] = -1};
  for (size_t k = 0; k < ladder->rungs; k++) {
    double energy = wmc_balanced_energy(ladder->rung[k]);
    out->energy[k] = energy;
    out->energy2[k] = energy * energy;
    out->flow[k] = flow[(int)ladder->end[k]];
  }
  for (size_t k = 0; k + 1 < ladder->rungs; k++) {
    out->acceptance[k] = fmin(1, exp(wmc_ladder_ratio(ladder, k)));
    measure_overlap(ladder, k, out);
  }
  *out->round_trips = ladder->counts[COUNT_TRIPS];
  ladder->counts[COUNT_TRIPS] = 0;
}
