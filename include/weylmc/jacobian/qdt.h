/** @file qdt.h  Finite-time singular values of a product of matrices.
 *
 * The running product M = J_l ... J_1 is kept as
 *
 *   M = P Q diag(e^r) T,     Q orthogonal, T unit upper triangular,
 *
 * with P the plain product of the layers since the last factorisation. A factorisation takes
 * [Q', R] = qr(P Q) with R_ii > 0, r' = r + log R_ii, T' = (R_ij e^{r_j - r'_i}) T, P' = I
 * (docs/theory/jacobian.md, eqs. (23)-(24)). Exponents never enter a floating-point matrix, so that
 * spectra spread over hundreds of decades neither lose digits nor underflow.
 * The singular values of M are those of diag(e^r) T, by one-sided Jacobi rotations of its rows
 * (graded.h); as long as no factorisation was needed, those of P itself. Sums of r carry along what
 * rounding takes from them.
 *
 * Rounding in P costs about eps cond(P) in each log-singular value, so `layers` bounds cond(P) in
 * advance: wmc_qdt_layers multiplies at most as many layers as bring the bulk edge of the
 * spectrum (eq. (9)) to a spread of e^4.6. It depends on the parameters alone, never on the draw.
 * Also kept: the growth log|M e_1| of the first basis vector, which is r_1 exactly.
 * Complex products are made in their real form, of which only every second column is multiplied:
 * the flops of complex arithmetic (wmc_complex_form).
 *
 * Long chains of wide spectra depend on the last bits of their layers, so that no arithmetic of
 * doubles keeps twelve digits: wmc_qdt_extend has P Q and T held in twice the precision, eqs. (23a)
 * and (24a), with eight times as many layers in P.
 *
 * Checked by tests/check/jacobian_{qdt,vectors,extended}.c against arithmetic of up to 1900 bits
 * (spreads to e^600, depths to 10^5, numbers of layers between factorisations), permuted
 * factorisations and closed forms at widths 1 and 2. Allocates only in create.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "weylmc/base/status.h"

typedef struct wmc_qdt wmc_qdt;

/** Numbers that M is held in; AUTO is what an error below 1e-12 needs (network.h). */
typedef enum wmc_precision {
  WMC_PRECISION_AUTO,
  WMC_PRECISION_DOUBLE,
  WMC_PRECISION_EXTENDED
} wmc_precision;
/** NULL-ended, in this order. */
extern const char *const wmc_precision_names[];

/** Layers between factorisations for entries of J - I of variance s2 a layer; at least 1. */
int wmc_qdt_layers(int width, double s2);

/** Error of the log-singular values of `layers` layers, real or complex (parts 2), whose sum has
 * entries of variance `variance`: less than 1 of 1000 products exceeds it (eq. (25a) of
 * docs/theory/jacobian.md, measured). */
double wmc_qdt_error(bool extended, int parts, int width, double layers, double variance);

wmc_status wmc_qdt_create(wmc_qdt **qdt, int width, int layers);
/** The same for complex matrices, arrays of pairs of real and imaginary part. */
wmc_status wmc_qdt_create_complex(wmc_qdt **qdt, int width, int layers);
/** From now on hold P Q and T in twice the precision (qdt_extended.h in src/jacobian), with eight
 * times as many layers between factorisations. M = I. */
wmc_status wmc_qdt_extend(wmc_qdt *qdt);
void wmc_qdt_destroy(wmc_qdt *qdt);
/** M = I. */
void wmc_qdt_start(wmc_qdt *qdt);
/** M <- J_count ... J_1 M; `jacobians` is count x width x width numbers, J_1 first. */
void wmc_qdt_multiply(wmc_qdt *qdt, size_t count, const double *jacobians);
/** M is known to have at most this rank, because rows of its factors vanish: as many of the r_i are
 * kept, the others are rounding and become -inf. The first columns of M must be in general
 * position. */
void wmc_qdt_limit_rank(wmc_qdt *qdt, int rank);
/** Fold P into Q, r, T now. */
void wmc_qdt_factor(wmc_qdt *qdt);
/** log-singular values of M, decreasing (width; those beyond its limited rank are -inf), and growth
 * = log|M e_1|. M may be multiplied further afterwards. Returns false if M is not finite, or has a
 * smaller rank than its limit. */
bool wmc_qdt_values(wmc_qdt *qdt, double *values, double *growth);
/** The same with the singular vectors, M = U diag(e^values) V^*: `left` is U and `right` is V, each
 * d x d column-major or NULL. The sign (phase) of a pair (u_i, v_i) is arbitrary. u_i and v_i that
 * belong to a lost value (-inf) are orthogonal to the others, or 0. Costs about twice as much as
 * the values alone, which may differ in the last digits. */
bool wmc_qdt_vectors(wmc_qdt *qdt, double *values, double *growth, double *left, double *right);
/** After wmc_qdt_values or wmc_qdt_vectors: log of the sine of the angle between M e_1 and M e_2,
 * accurate however small; -inf if the rank is below 2, NaN at width 1. */
double wmc_qdt_log_sine(const wmc_qdt *qdt);
