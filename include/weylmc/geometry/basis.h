/** @file basis.h  Explicit orthonormal basis of the tangent space of the balanced manifold.
 *
 * At W_p = Q_p Lambda Q_{p-1}^*, p = 1 .. N, complete every frame Q_p to a square orthogonal or
 * unitary matrix O_p = [Q_p, complement]. A vector of the basis is given by O_p^* V_p O_{p-1}, of
 * which at most two entries a layer are not 0. With E_ij = e_i e_j^T and i, j < r:
 *   VALUE   i        E_ii / sqrt(N)                         in all layers,
 *   ENTRY   i != j   a_ij^{-1/2} lambda_i^{N-p} lambda_j^{p-1} E_ij,
 *   OUTER   0 or N   E_{i, r+a} in layer 1, or E_{r+a, i} in layer N,
 *   TURN    i < j    c_p S Lambda - c_{p-1} Lambda S,  S = E_ij - E_ji,
 *           c_p = sqrt(2/N) sin(k p pi/N) / sqrt(m_k),  k = 1 .. N-1,
 *           m_k = 2 (lambda_i - lambda_j)^2 + 8 lambda_i lambda_j sin^2(k pi/(2N)),
 *   INNER   0<p<N    E_{r+a, i}/sqrt(2) in layer p and E_{i, r+a}/sqrt(2) in layer p + 1.
 * c_p are the eigenvectors of the Jacobi matrix of Gram products of turns. VALUE, ENTRY and OUTER
 * are the horizontal vectors, the complement of the kernel of d(W_N .. W_1); TURN and INNER span
 * the fibre. Complex networks have i times ENTRY and OUTER, i E_ii / sqrt(N) as VALUE, turns with S
 * = i (E_ij + E_ji), INNER with i and -i, and among the vertical vectors
 *   PHASE   i        i sqrt(2/N) cos(k (p - 1/2) pi/N) E_ii,  k = 1 .. N-1.
 * Products are Re tr V^* V'. Entries have full relative precision at any lambda, also at equal and
 * tiny ones, except where the two terms of a turn cancel.
 * Sources: Menon & Yu, arXiv:2509.09088 (square real networks); docs/theory/geometry.md, eqs.
 * (G20)-(G26). Checked by tests/check/geometry_basis.c: orthonormal, spans the differential of
 * (3), horizontal and vertical parts, depth 1 to 1000. Finite depth only. Reentrant; allocates
 * nothing.
 */
#pragma once
#include <stdbool.h>

#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"

typedef enum wmc_basis_kind {
  WMC_BASIS_VALUE,
  WMC_BASIS_ENTRY,
  WMC_BASIS_OUTER,
  WMC_BASIS_TURN,
  WMC_BASIS_PHASE,
  WMC_BASIS_INNER
} wmc_basis_kind;

/** A vector of the basis. */
typedef struct wmc_basis_vector {
  wmc_basis_kind kind;
  bool imaginary; /**< all entries are to be multiplied by the imaginary unit */
  int i, j;       /**< as above; j = r + a for OUTER and INNER, j = i for VALUE and PHASE */
  long at;        /**< k for TURN and PHASE, p for OUTER and INNER */
} wmc_basis_vector;

/** An entry of O_p^* V_p O_{p-1}. */
typedef struct wmc_basis_entry {
  int row, column;
  double value;
} wmc_basis_entry;

/** Number of vectors of one kind; their sums are wmc_shape_horizontal and wmc_shape_dimension. */
long wmc_basis_count(const wmc_shape *shape, wmc_basis_kind kind);
/** Vector `index` of a kind, 0 <= index < wmc_basis_count. */
wmc_basis_vector wmc_basis_pick(const wmc_shape *shape, wmc_basis_kind kind, long index);
/** Entries of layer p, 1 <= p <= N; returns how many there are, 0 to 2. The spectrum is that of the
 * layers, sorted or not. */
int wmc_basis_layer(const wmc_shape *shape, const wmc_spectrum *spectrum,
                    const wmc_basis_vector *vector, long p, wmc_basis_entry entries[2]);
/** The rest of a frame: `q` holds r orthonormal columns of n numbers and room for n - r more, which
 * are filled in. Real numbers. Scratch: n^2 + wmc_qr_scratch(n, n) doubles (dense.h). */
void wmc_basis_complete(int n, int r, double *q, double *scratch);
