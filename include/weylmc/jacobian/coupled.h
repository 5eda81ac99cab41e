/** @file coupled.h  Pairs of chains, one twice as deep as the other, driven by the same noise.
 *
 * The difference of what the two give has a small variance where their Jacobians stay close, which
 * is what multilevel Monte Carlo over depths needs. Two layers of the finer chain stand for one of
 * the coarser:
 *
 *   weights      both are networks; the weights of a coarse layer are (W_1 + W_2) / 2^h, h the
 *                persistence of the weights (weights.h), which has the law of W where weights are
 *                gaussian or fractional;
 *   antithetic   both are chains of J = I + sG + (s^2/2)(G^2 + shift I), G gaussian, of second
 *                order in s: they have the limit of the linear chain (shift -1) or of exponentials
 *                (shift 0) and leave out only the area of the noise within a layer; complex G,
 *                whose square has the mean 0, have no shift. The coarse one has
 *                G = (G_1 + G_2)/sqrt 2; the finer one is the mean of two, which take G_1, G_2 in
 *                this order and in the other, so that the area cancels in the difference.
 *
 *   steps        the block is a step of the pair (M, x) at infinite depth (pair.h): increments are
 *                summed likewise. Both chains are means of two, the second of which takes every
 *                step reversed (wmc_block.reverse), and two fine steps in the other order.
 *
 * Complex layers and those that commute with a group (split.h) are coupled number by number.
 *
 * Sources: M. B. Giles, Multilevel Monte Carlo path simulation, Oper. Res. 56, 607 (2008); M. B.
 * Giles and L. Szpruch, Antithetic multilevel Monte Carlo estimation for multi-dimensional SDEs
 * without Levy area simulation, Ann. Appl. Probab. 24, 1585 (2014); docs/theory/jacobian.md,
 * section 11.
 * Checked by tests/check/levels.c (members are the chains they say) and
 * tests/statistical/levels.c (laws, variances by level). Allocates only in create.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"
#include "weylmc/jacobian/block.h"

typedef struct wmc_coupled wmc_coupled;

typedef struct wmc_coupled_options {
  const wmc_block *block;   /**< of networks, or steps; NULL: the antithetic chain of the limit */
  wmc_block_options layers; /**< its depth is that of the finer chain, even if `paired` */
  double shift;             /**< antithetic only, of real modes; complex ones have none */
  bool paired;              /**< false: the finer chain alone, in one order */
} wmc_coupled_options;

/** Whether the coarse weights have the law of the block's own. Otherwise *why says what is against
 * it. */
bool wmc_coupled_allowed(const wmc_block *block, const wmc_block_options *layers, const char **why);

/** `fractions`: `records` numbers in (0, 1] that give increasing layers at each depth. */
wmc_status wmc_coupled_create(wmc_coupled **coupled, const wmc_coupled_options *options,
                              size_t records, const double *fractions);
void wmc_coupled_destroy(wmc_coupled *coupled);
/** A new pair. Returns false if a product is singular or not finite (message raised). */
bool wmc_coupled_draw(wmc_coupled *coupled, wmc_stream *stream);

enum { WMC_COUPLED_MEMBERS = 4 };
/** Chains in a pair, finer ones first, and the weight of each in the difference of levels. */
size_t wmc_coupled_members(const wmc_coupled *coupled);
double wmc_coupled_weight(const wmc_coupled *coupled, size_t member);
/** After a draw, of every mode (split.h): log-singular values at each record, modes x records x
 * width, and log|M e_1|, modes x records; owned. */
const double *wmc_coupled_values(const wmc_coupled *coupled, size_t member);
const double *wmc_coupled_growth(const wmc_coupled *coupled, size_t member);
