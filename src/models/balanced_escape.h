/** @file balanced_escape.h  Whether a Gibbs law can be normalised where its energy is flat. */
#pragma once
#include "balanced.h"

/** Matrices of rank q that E does not see, a cone of this dimension, of numbers real or complex; q
 * = 0: none found. */
typedef struct wmc_escape {
  int q, dimension;
} wmc_escape;

/** The exponent g with which the mass of matrices within a finite distance of t Z, Z in such a
 * cone, grows: t^g dt/t. The law cannot be normalised if g >= 0. Eq. (36). */
double wmc_balanced_growth(const wmc_gibbs *law, double decay, int q, int dimension);
/** A cone along which the law certainly escapes: among all entries that a mask leaves free, or
 * those of one row or column, and the matrices that inputs do not see. A law for which none is
 * found may still not exist. */
wmc_escape wmc_balanced_escape(const wmc_gibbs *law, const wmc_energy *energy);
