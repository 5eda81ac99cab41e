/** @file plan.h  The plan of a run: a deck made concrete, and immutable from then on.
 *
 * Rank 0 reads the deck and the data files that it names, and sends their bytes to the others; all
 * ranks then hold the same plan. A task is one point of the sweep; it has `chains` chains, and the
 * chain c of task t has the global id t * chains + c, which is its stream number. Which rank runs a
 * chain is not part of the plan.
 * Checked by tests/mpi (equal results on 1, 2, 3 and 7 ranks) and tests/faults.
 */
#pragma once
#include <mpi.h>

#include "weylmc/deck/deck.h"
#include "weylmc/io/checkpoint.h"

typedef struct wmc_plan_task {
  wmc_value *parameters; /**< one per field of the model, data sets loaded */
  size_t measurement;    /**< observables' entries, all together */
  size_t state_size;     /**< doubles of a packed chain */
  double cost;           /**< the model's estimate of the work of one step */
} wmc_plan_task;

typedef struct wmc_plan {
  wmc_deck *deck; /**< owned */
  const wmc_model *model;
  size_t tasks, chains, parameters;
  long seed, thermalise, draws, stride;
  double checkpoint_seconds;
  wmc_plan_task *task;
  char *output;   /**< results file */
  char *identity; /**< deck identity, with a checksum of every data file's contents */
} wmc_plan;

/** What the command line says beside the deck. */
typedef struct wmc_plan_request {
  const char *deck;
  const char *output; /**< NULL: as the deck says */
  size_t n_set;
  const char *const *set;
} wmc_plan_request;

/** Collective. The same status on every rank; messages on rank 0 only. */
wmc_status wmc_plan_create(MPI_Comm comm, const wmc_plan_request *request, wmc_plan **plan);
void wmc_plan_destroy(wmc_plan *plan);

/** Bytes of all records; and of the largest chain, which every rank has one of, where the model
 * knows it to be large, else 0. */
double wmc_plan_record_bytes(const wmc_plan *plan);
double wmc_plan_chain_bytes(const wmc_plan *plan);
/** Steps that one chain takes in all. */
double wmc_plan_steps(const wmc_plan *plan);
/** Seconds per step of every task on this machine: a chain of the cheapest task is stepped for a
 * moment, and cost() scales the result to the others. Local. */
wmc_status wmc_plan_time(const wmc_plan *plan, double *seconds_per_step);
/** A ledger for this plan with every chain at its beginning (nothing thermalised). */
wmc_status wmc_plan_ledger(const wmc_plan *plan, wmc_ledger *ledger);
