/** @file toy.h  Two models that only have parameters: for tests of decks. */
#pragma once
#include <float.h>
#include <math.h>
#include <stddef.h>

#include "weylmc/models/model.h"

static const char *const toy_blocks[] = {"linear", "one_layer", "two_layer", NULL};
static const char *const toy_energies[] = {"frobenius", "target", "regression", NULL};
static const char *const toy_noises[] = {"isotropic", "horizontal", "kappa", NULL};

enum {
  TOY_WIDTH,
  TOY_DEPTH,
  TOY_BETA,
  TOY_SHIFT,
  TOY_RECORD,
  TOY_LABEL,
  TOY_PAUSE,
  TOY_BLOCK,
  TOY_ENERGY_DIAG, /* before its kind on purpose */
  TOY_ENERGY_KIND,
  TOY_ENERGY_INPUTS,
  TOY_ENERGY_SCALE,
  TOY_NOISE_KIND,
  TOY_NOISE_KAPPA,
  TOY_LIMITS_LOW,
  TOY_LIMITS_HIGH,
  TOY_FIELDS
};

static const wmc_field toy_fields[] = {
    [TOY_WIDTH] = {"width", WMC_INT, .minimum = 1, .maximum = DBL_MAX, .required = true,
                   .sweep = true, .unit = "1", .text = "width of the layers"},
    [TOY_DEPTH] = {"depth", WMC_INT, .minimum = 1, .maximum = INFINITY, .standard = "2",
                   .sweep = true, .unit = "1", .text = "number of layers"},
    [TOY_BETA] = {"beta", WMC_REAL, .maximum = DBL_MAX, .open_minimum = true, .standard = "1",
                  .sweep = true, .unit = "1", .text = "inverse temperature"},
    [TOY_SHIFT] = {"shift", WMC_REAL, .minimum = -1, .maximum = 1, .unit = "1", .text = "shift"},
    [TOY_RECORD] = {"record", WMC_REALS, .maximum = 1, .standard = "[0.5, 1]", .sweep = true,
                    .unit = "1", .text = "fractions"},
    [TOY_LABEL] = {"label", WMC_STRING, .sweep = true, .unit = "", .text = "a name"},
    [TOY_PAUSE] = {"pause", WMC_TIME, .minimum = 1, .maximum = 3600, .sweep = true, .unit = "s",
                   .text = "a time"},
    [TOY_BLOCK] = {"block", WMC_CHOICE, toy_blocks, .standard = "linear", .sweep = true, .unit = "",
                   .text = "the block"},
    [TOY_ENERGY_DIAG] = {"energy.diag", WMC_REALS, .required = true, .only = "energy.kind=target",
                         .unit = "1", .text = "diagonal"},
    [TOY_ENERGY_KIND] = {"energy.kind", WMC_CHOICE, toy_energies, .standard = "frobenius",
                         .sweep = true, .unit = "", .text = "the energy"},
    [TOY_ENERGY_INPUTS] = {"energy.inputs", WMC_MATRIX, .required = true,
                           .only = "energy.kind=regression", .unit = "1", .text = "inputs"},
    [TOY_ENERGY_SCALE] = {"energy.scale", WMC_REAL, .standard = "1",
                          .only = "energy.kind=target|regression", .sweep = true, .unit = "1",
                          .text = "factor"},
    [TOY_NOISE_KIND] = {"noise.kind", WMC_CHOICE, toy_noises, .standard = "isotropic",
                        .sweep = true, .unit = "", .text = "the noise"},
    [TOY_NOISE_KAPPA] = {"noise.kappa", WMC_REAL, .maximum = DBL_MAX, .open_minimum = true,
                         .required = true, .sweep = true, .only = "noise.kind=kappa", .unit = "1",
                         .text = "ratio of temperatures"},
    [TOY_LIMITS_LOW] = {"limits.low", WMC_REAL, .unit = "1", .text = "lower limit"},
    [TOY_LIMITS_HIGH] = {"limits.high", WMC_REAL, .unit = "1", .text = "upper limit"},
    {0},
};

static inline void toy_check(const wmc_value *p, const wmc_complaints *complaints)
{
  if (p[TOY_ENERGY_DIAG].present && p[TOY_ENERGY_DIAG].count != (size_t)p[TOY_WIDTH].integer)
    wmc_complain(complaints, TOY_ENERGY_DIAG, "%zu entries for width %ld; give one for each",
                 p[TOY_ENERGY_DIAG].count, p[TOY_WIDTH].integer);
  if (p[TOY_BETA].real > 100)
    wmc_complain(complaints, TOY_BETA, "too cold; use a beta of at most 100");
  if (p[TOY_WIDTH].integer == 13) wmc_complain(complaints, -1, "13 brings bad luck");
}

static const wmc_field dice_fields[] = {
    {"sides", WMC_INT, .minimum = 2, .maximum = 100, .standard = "6", .sweep = true, .unit = "1",
     .text = "sides of the dice"},
    {0},
};

static const wmc_model toy_model = {
    .name = "toy", .text = "a model for tests", .fields = toy_fields, .check = toy_check};
static const wmc_model dice_model = {
    .name = "dice", .text = "independent draws", .fields = dice_fields, .independent = true};
static const wmc_model *const toy_models[] = {&toy_model, &dice_model, NULL};

#define TOY_HEAD "model: toy\nseed: 1\n"
#define TOY_GOOD TOY_HEAD "parameters:\n  width: 2\n"

/** Decks that use all that decks can do. */
static const char *const toy_decks[] = {
    TOY_GOOD,
    "title: 'It''s \"so\": \\ #1 λ'\n" TOY_GOOD "output: a b.h5\nchains: 3\n",
    TOY_GOOD "run: {draws: 7, stride: 2, thermalise: 0, checkpoint: 1.5 h}\n",
    TOY_GOOD "  noise: {kappa: 0.1}\n  limits: {high: 3e-7}\n  shift: -.25\n",
    TOY_GOOD "  energy: {kind: regression, inputs: 'my file.h5:/a/b', scale: 3}\n",
    TOY_GOOD "  record: [0, 0.1, 0.3333333333333333]\n  pause: 61.5\n  label: ''\n",
    TOY_HEAD
    "parameters:\n  noise: {kappa: {sweep: [1, 2], zip: z}}\n  beta: {sweep: [3, 1e-9]}\n"
    "  energy: {scale: {sweep: [5, 6]}, diag: [1, 1], kind: {sweep: [target, frobenius]}}\n"
    "  width: {sweep: [2, 2], zip: z}\n",
    TOY_HEAD "parameters:\n  beta: {sweep: [2, 1], zip: z}\n  depth: {sweep: [1, inf]}\n"
             "  limits: {low: 3}\n  width: {sweep: [4, 5], zip: z}\n  block: {sweep: [linear]}\n"
             "  record: {sweep: [[0, 1], [0.5]]}\n",
    TOY_GOOD "  label: {sweep: [a, 'b, c', \"d]\", '']}\n  pause: {sweep: [1 min, 2 min 3 s]}\n",
    "model: dice\nseed: 5\nparameters: {sides: 20}\nrun: {draws: 9}\n",
};

enum { TOY_DECKS = sizeof toy_decks / sizeof toy_decks[0] };
