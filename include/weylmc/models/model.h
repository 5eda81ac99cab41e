/** @file model.h  The table of models.
 *
 * A model is a constant table: what it is, its parameters, its observables, and the functions that
 * make and move one chain. Adding a model is one file (or folder) and one row in models/table.c;
 * deck checking, `weylmc explain`, checkpoints, results and the manual follow from the table.
 *
 * A chain is advanced in steps; between `stride` steps its observables are measured once (a draw).
 * For a model with `independent` draws a step makes one new independent sample.
 * All of a chain's state between two draws is `state_size` doubles plus its stream: unpacking them
 * into a chain created from the same parameters continues bit for bit.
 * Checked by tests/unit/models.c (every table holds together) and by the tests of each model.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/field.h"
#include "weylmc/base/status.h"
#include "weylmc/base/text.h"
#include "weylmc/numeric/random.h"

/** A dimension of observables, e.g. the index of a singular value. */
typedef struct wmc_axis {
  const char *name, *unit, *text;
  size_t (*length)(const wmc_value *parameters);
  void (*coordinates)(const wmc_value *parameters, double *out); /**< NULL: 1, 2, ... */
} wmc_axis;

enum {
  WMC_OBSERVABLE_AXES = 3,
  WMC_NO_AXIS = -1,
  WMC_MODEL_AXES = 64 /**< axes of a model, at most */
};

typedef struct wmc_observable {
  const char *name, *unit, *text;
  /** Indices into the model's axes, leading first, each at most once; WMC_NO_AXIS ends a shorter
   * list. */
  int axis[WMC_OBSERVABLE_AXES];
  /** Known exact expectation, one number an entry (NaN where unknown); NULL or false: none. */
  bool (*expected)(const wmc_value *parameters, double *out);
  /** Depends on how the chain was tuned, so chains may differ: no R-hat and no ESS. */
  bool tuning;
  /** Whether a finite limit exists along the model's fit parameter; NULL: yes. */
  bool (*converges)(const wmc_value *parameters);
  /** Entry k of this one estimates what the mean of entry k of the whole measurement is off by, for
   * as many entries as it has. These biases join the errors of means in square, and of all that is
   * derived from them. One observable of a model at most. */
  bool biases;
} wmc_observable;

/** A nonlinear function of averages, e.g. a variance or a ratio. Its value comes from the means
 * over all chains, its error from a jackknife over chains, each weighed by its draws. */
typedef struct wmc_derived {
  const char *name, *unit, *text;
  int axis[WMC_OBSERVABLE_AXES]; /**< as for observables */
  /** All entries, from the means of all observables in table order. `doubt`, zeros before, may be
   * set to what the method itself can be off by (a quadrature); it joins the error in square. */
  void (*evaluate)(const wmc_value *parameters, const double *means, double *out, double *doubt);
  /** As for observables. */
  bool (*expected)(const wmc_value *parameters, double *out);
  /** Whether a finite limit exists along the model's fit parameter; NULL: it is not asked for. */
  bool (*converges)(const wmc_value *parameters);
} wmc_derived;

/** Something that a run decides: it holds if certain derived quantities, each one number, vanish in
 * the limit of the fit parameter. */
typedef struct wmc_claim {
  const char *name, *otherwise; /**< "autonomous", "not autonomous" */
  const char *text;
  const char *const *tests; /**< NULL-ended names */
} wmc_claim;

/** What `weylmc report` prints: one line for each point of the sweep. */
typedef struct wmc_report {
  const char *const *numbers; /**< NULL-ended names of observables or derived quantities */
  const wmc_claim *claims;    /**< ended by a NULL name */
  const char *remedy;         /**< what a run without any of the numbers wants */
} wmc_report;

/** Complaints about a combination of parameters; the deck adds where the field stands.
 * The message says what was found, what is allowed and what to do. */
typedef struct wmc_complaints {
  void (*add)(void *sink, int field, const char *message);
  void *sink;
} wmc_complaints;
void wmc_complain(const wmc_complaints *complaints, int field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

typedef struct wmc_model {
  const char *name, *text, *reference;
  const wmc_field *fields;           /**< ended by a NULL name */
  const wmc_axis *axes;              /**< ended by a NULL name */
  const wmc_observable *observables; /**< ended by a NULL name */
  const wmc_derived *derived;        /**< ended by a NULL name; NULL: none */
  const char *fit_parameter;         /**< "depth": extrapolated to infinity */
  /** Name of the form (statistics/fit.h) of the approach to the limit where theory knows it; NULL,
   * here or returned: the data choose. */
  const char *(*series)(const wmc_value *parameters);
  const wmc_report *report; /**< NULL: none */
  bool independent;         /**< draws are independent: thermalise 0, stride 1 */

  /** What a reader of results must not miss, a sentence or more with what to do; nothing if all is
   * well. `means` and `errors` (NaN where unknown) are those of all observables, then of all
   * derived quantities, in table order, over `draws` draws of all chains. NULL: never anything. */
  void (*warn)(const wmc_value *parameters, double draws, const double *means, const double *errors,
               wmc_text *out);

  /** Checks that involve several fields, or the shape of data. */
  void (*check)(const wmc_value *parameters, const wmc_complaints *complaints);
  /** What the model itself decided for these parameters, in a line for `weylmc check`; NULL or no
   * text: nothing. */
  void (*note)(const wmc_value *parameters, wmc_text *out);
  /** Rough relative work of one step, in flops; for schedules and time estimates. */
  double (*cost)(const wmc_value *parameters);

  /** Bytes that a chain takes, roughly; NULL: little. Zero: little. */
  double (*memory)(const wmc_value *parameters);

  wmc_status (*create)(const wmc_value *parameters, void **chain);
  void (*destroy)(void *chain);
  /** Put the chain at its starting point. */
  void (*start)(void *chain, wmc_stream *stream);
  /** `steps` steps; while thermalising, step sizes may be tuned; afterwards they are frozen.
   * WMC_FAILURE (message) when the state is no longer finite. What can take longer than a second
   * polls wmc_signals_urgent and, where it is true, returns anything but WMC_OK: the chain is then
   * destroyed, and made again from its record when the run goes on. */
  wmc_status (*advance)(void *chain, wmc_stream *stream, long steps, bool thermalising);
  /** All observables in table order, each row-major. */
  void (*measure)(void *chain, double *out);
  size_t (*state_size)(const void *chain);
  void (*pack)(const void *chain, double *out);
  void (*unpack)(void *chain, const double *packed);
} wmc_model;

/** Table of models, ended by NULL; the row of a name, or NULL. */
extern const wmc_model *const wmc_models[];
const wmc_model *wmc_model_find(const char *name);

/** Axes in such a list. */
size_t wmc_axes_count(const int axis[WMC_OBSERVABLE_AXES]);
/** Entries of one observable, and of all observables of the model. */
size_t wmc_observable_size(const wmc_model *model, const wmc_observable *observable,
                           const wmc_value *parameters);
size_t wmc_derived_size(const wmc_model *model, const wmc_derived *derived,
                        const wmc_value *parameters);
/** Where the observable of this name starts in a measurement; for a derived quantity the same among
 * all of these. */
size_t wmc_observable_first(const wmc_model *model, const char *name, const wmc_value *parameters);
size_t wmc_derived_first(const wmc_model *model, const char *name, const wmc_value *parameters);
size_t wmc_model_measurement_size(const wmc_model *model, const wmc_value *parameters);
