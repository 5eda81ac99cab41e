/** @file realform.h  Networks of complex numbers as real networks of twice the widths.
 *
 * A complex number x + i y becomes the block [x, -y; y, x], a matrix of m x n complex numbers one
 * of 2m x 2n real ones whose even columns (from 0) are the complex columns as they stand in memory
 * and whose odd columns are those times i. This keeps products, adjoints and orthonormal frames,
 * and doubles <V, V'> = Re tr V^* V'. The real forms are the matrices that commute with J, the real
 * form of i; W -> J W J^{-1} is an isometry of the real layers that maps balanced networks to
 * balanced networks. Its fixed points among them are the complex balanced networks, so that tangent
 * and normal vectors, projections and ways back of real networks (project.h, retract.h), taken at a
 * real form and along one, are those of the complex manifold. With E(X) of the complex X kept, the
 * gradient in the layers is half the gradient of 2 E; hence the Langevin equation of E at beta is
 * that of 2 E in the real form, with noise of standard deviation (2 * 2 dt/beta)^{1/2}.
 * Rank 2r: every singular value of the complex network comes twice, frames have pairs of columns
 * (q, i q). docs/theory/equivariant.md, eqs. (E14), (E15). Checked by tests/check/realform.c.
 * Reentrant; allocates nothing but the layers.
 */
#pragma once
#include "weylmc/geometry/project.h"

/** Layout of the real form of a complex shape of finite depth; see wmc_layers_create. */
wmc_status wmc_realform_create(wmc_layers **layers, const wmc_shape *shape);

/** Real and imaginary parts (m x n each, column-major) of a real form x (2m x 2n); and back. */
void wmc_realform_read(int m, int n, const double *x, double *re, double *im);
void wmc_realform_write(int m, int n, const double *re, const double *im, double *x);

/** Orthogonal projection of a tangent vector at a point of pairs onto the real forms: white noise
 * in the real tangent space becomes white noise in the complex one. */
void wmc_realform_project(const wmc_tangent *tangent);
/** Haar unitary frames, independent of one another; lambda stays. `scratch`: wmc_point_scratch. */
void wmc_realform_draw_frames(const wmc_point *point, wmc_stream *stream, double *scratch);
/** Pairs of columns (q, i q) and equal lambda for a point whose layers are real forms up to
 * rounding, or up to errors of a way back (retract.h), as retractions leave it: in which basis
 * columns of equal lambda come is not known. The layers become real forms to the last digit of the
 * frames, by a change of the size of those errors. False if they were not. `scratch`: a core and
 * two blocks (layers.h). */
bool wmc_realform_restore(const wmc_point *point, double *scratch);
