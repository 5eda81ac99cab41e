/** @file networks.h  Balanced networks of any widths, rank and numbers, and Gram determinants of
 * their tangent vectors: what formulas of src/geometry are compared with.
 *
 * Everything is made of complex numbers (real networks have no imaginary parts) from the
 * definition W_p = Q_p Lambda Q_{p-1}^*. Matrices are column-major without gaps. A frame is stored
 * as a square orthogonal or unitary matrix whose first r columns are Q_p.
 */
#pragma once
#include <complex.h>
#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "weylmc/geometry/shape.h"
#include "weylmc/geometry/spectrum.h"
#include "weylmc/numeric/random.h"

typedef double complex net_number;

enum { NET_WIDE = 6, NET_RANK = 4, NET_LAYER = NET_WIDE * NET_WIDE, NET_TANGENTS = 48 };

typedef struct net {
  wmc_shape shape; /**< finite depth; `widths` is this network's list */
  wmc_spectrum x;
  double memory[5 * NET_RANK];
  double *widths;
  net_number *frames; /**< frame p at frames + p NET_LAYER */
} net;

static const wmc_numbers net_fields[] = {WMC_NUMBERS_REAL, WMC_NUMBERS_COMPLEX};

static inline int net_pick(wmc_stream *s, int least, int most)
{
  return least + (int)((most - least + 1) * wmc_stream_uniform(s));
}

/** A random shape of this rank, with up to two rows, columns and hidden units more. */
static inline wmc_shape net_shape(wmc_stream *s, int rank, double depth)
{
  return (wmc_shape){.numbers = net_fields[net_pick(s, 0, 1)],
                     .depth = depth,
                     .rank = rank,
                     .rows = rank + net_pick(s, 0, 2),
                     .columns = rank + net_pick(s, 0, 2),
                     .hidden = rank + net_pick(s, 0, 2)};
}

/** Gram and Schmidt, twice, on the n columns of a square matrix. */
static inline void net_orthonormalise(int n, net_number *q)
{
  for (int c = 0; c < n; c++) {
    net_number *column = q + c * n;
    for (int pass = 0; pass < 2; pass++) {
      for (int e = 0; e < c; e++) {
        net_number along = 0;
        for (int i = 0; i < n; i++) along += conj(q[e * n + i]) * column[i];
        for (int i = 0; i < n; i++) column[i] -= along * q[e * n + i];
      }
      double norm = 0;
      for (int i = 0; i < n; i++) norm += creal(column[i] * conj(column[i]));
      for (int i = 0; i < n; i++) column[i] /= sqrt(norm);
    }
  }
}

/** Random n x n orthogonal or unitary matrix. */
static inline void net_frame(wmc_stream *s, wmc_numbers numbers, int n, net_number *q)
{
  for (int i = 0; i < n * n; i++) {
    q[i] = wmc_stream_normal(s);
    if (numbers == WMC_NUMBERS_COMPLEX) q[i] += I * wmc_stream_normal(s);
  }
  net_orthonormalise(n, q);
}

/** log sigma, decreasing, with gaps of about `spread`; `ties` makes them equal now and then. */
static inline void net_spectrum(wmc_stream *s, double spread, bool ties, const wmc_spectrum *x)
{
  double top = spread * wmc_stream_normal(s);
  for (int k = 0; k < x->rank; k++) {
    wmc_spectrum_set_log(x, k, top);
    if (!ties || wmc_stream_uniform(s) < 0.5) top -= spread * (0.05 + wmc_stream_uniform(s));
  }
}

/** Frames of random widths from the rank to `widest`, every layer its own. The spectrum is
 * unset. */
static inline void net_create(wmc_stream *s, wmc_numbers numbers, int rank, int widest, int depth,
                              net *w)
{
  w->widths = malloc((size_t)(depth + 1) * sizeof *w->widths);
  w->frames = malloc((size_t)(depth + 1) * NET_LAYER * sizeof *w->frames);
  for (int p = 0; p <= depth; p++) {
    int n = net_pick(s, rank, widest);
    w->widths[p] = n;
    net_frame(s, numbers, n, w->frames + p * NET_LAYER);
  }
  w->shape = (wmc_shape){.numbers = numbers,
                         .depth = depth,
                         .rank = rank,
                         .rows = (int)w->widths[depth],
                         .columns = (int)w->widths[0],
                         .widths = w->widths};
  w->x = wmc_spectrum_map(rank, depth, w->memory);
}

static inline void net_free(net *w)
{
  free(w->widths);
  free(w->frames);
}

static inline int net_depth(const net *w) { return (int)w->shape.depth; }
static inline int net_width(const net *w, int p) { return (int)w->widths[p]; }
static inline net_number *net_at(const net *w, int p) { return w->frames + p * NET_LAYER; }

/* --- Tangent vectors ------------------------------------------------------------------------- */

/** A tangent vector of the network: layers `first` and, if `both`, first + 1 change. */
typedef struct net_vector {
  int first;
  bool both;
  net_number layer[2][NET_LAYER];
} net_vector;

/** Real dimension of the frames St(d_p, r). */
static inline int net_tangent_count(const net *w, int p)
{
  const int r = w->shape.rank, b = (int)w->shape.numbers;
  return b * r * (r - 1) / 2 + (b - 1) * r + b * r * (net_width(w, p) - r);
}

/** Number `index` of an orthonormal basis of the tangent space of frame p, d_p x r: columns i and j
 * turn, column i changes its phase (these come first if complex), or leaves the span. */
static inline void net_tangent(const net *w, int p, int index, net_number *dq)
{
  const int r = w->shape.rank, n = net_width(w, p), b = (int)w->shape.numbers;
  const net_number *q = net_at(w, p);
  memset(dq, 0, sizeof(net_number) * NET_LAYER);
  int phases = (b - 1) * r, pairs = b * r * (r - 1) / 2;
  if (index < phases) {
    for (int k = 0; k < n; k++) dq[index * n + k] = I * q[index * n + k];
    return;
  }
  index -= phases;
  net_number unit = index % b ? I : 1;
  if (index >= pairs) {
    int column = (index - pairs) / b % r, normal = r + (index - pairs) / b / r;
    for (int k = 0; k < n; k++) dq[column * n + k] = unit * q[normal * n + k];
    return;
  }
  int i = 0, j = 1;
  for (int k = 0; k < index / b; k++)
    if (++j == r) {
      i++;
      j = i + 1;
    }
  for (int k = 0; k < n; k++) {
    dq[j * n + k] = sqrt(0.5) * unit * q[i * n + k];
    dq[i * n + k] = -sqrt(0.5) * conj(unit) * q[j * n + k];
  }
}

/** out += left diag(weights) right^*, m x n. */
static inline void net_add(int r, int m, int n, const net_number *left, const double *weights,
                           const net_number *right, net_number *out)
{
  for (int k = 0; k < r; k++)
    for (int c = 0; c < n; c++)
      for (int i = 0; i < m; i++)
        out[c * m + i] += left[k * m + i] * weights[k] * conj(right[k * n + c]);
}

/** The change of the layers when frame p moves along tangent `index`. */
static inline void net_frame_vector(const net *w, int p, int index, net_vector *v)
{
  const int r = w->shape.rank, n = net_width(w, p);
  net_number dq[NET_LAYER];
  memset(v, 0, sizeof *v);
  net_tangent(w, p, index, dq);
  v->first = p > 0 ? p : 1;
  v->both = p > 0 && p < net_depth(w);
  if (p > 0) net_add(r, n, net_width(w, p - 1), dq, w->x.lambda, net_at(w, p - 1), v->layer[0]);
  if (p < net_depth(w))
    net_add(r, net_width(w, p + 1), n, net_at(w, p + 1), w->x.lambda, dq, v->layer[p > 0]);
}

static inline double net_layer_dot(int entries, const net_number *a, const net_number *b)
{
  double sum = 0;
  for (int k = 0; k < entries; k++) sum += creal(conj(a[k]) * b[k]);
  return sum;
}

/** Real part of the Frobenius product of two vectors. */
static inline double net_dot(const net *w, const net_vector *a, const net_vector *b)
{
  double sum = 0;
  for (int i = 0; i <= a->both; i++) {
    int p = a->first + i, j = p - b->first;
    if (j < 0 || j > b->both) continue;
    sum += net_layer_dot(net_width(w, p) * net_width(w, p - 1), a->layer[i], b->layer[j]);
  }
  return sum;
}

/* --- Gram determinants ----------------------------------------------------------------------- */

/** Cholesky factor of the n x n matrix a in its lower triangle, a(i, j) = a[i stride + j]; returns
 * 1/2 log det. */
static inline double net_cholesky(int n, int stride, double *a)
{
  double half = 0;
  for (int i = 0; i < n; i++)
    for (int j = 0; j <= i; j++) {
      double sum = a[i * stride + j];
      for (int k = 0; k < j; k++) sum -= a[i * stride + k] * a[j * stride + k];
      if (i == j) half += 0.5 * log(sum);
      a[i * stride + j] = i == j ? sqrt(sum) : sum / a[j * stride + j];
    }
  return half;
}

/** b <- b L^{-T} with L of net_cholesky, b m x n. */
static inline void net_solve(int m, int n, int stride, const double *l, double *b)
{
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++) {
      double sum = b[i * stride + j];
      for (int k = 0; k < j; k++) sum -= b[i * stride + k] * l[j * stride + k];
      b[i * stride + j] = sum / l[j * stride + j];
    }
}

/** 1/2 log det of the Gram matrix of all motions of the frames first .. last: half the log of the
 * volume of W per volume of frames. The matrix is block tridiagonal, so any depth will do; the
 * vectors are normalised first, so any scale will. `skip` leaves out so many tangents of the frame
 * `first`: the phases, for all frames of a complex network. */
static inline double net_half_log_gram(const net *w, int first, int last, int skip)
{
  static net_vector vectors[2][NET_TANGENTS];
  static double block[2][NET_TANGENTS * NET_TANGENTS], beside[NET_TANGENTS * NET_TANGENTS];
  double norms[2][NET_TANGENTS], half = 0;
  int counts[2] = {0};
  for (int p = first; p <= last; p++) {
    const int me = p % 2, before = 1 - me, n = net_tangent_count(w, p) - (p == first ? skip : 0);
    const int left = p > first ? counts[before] : 0;
    net_vector *v = vectors[me];
    cr_assert_leq(n, NET_TANGENTS);
    counts[me] = n;
    for (int i = 0; i < n; i++) {
      net_frame_vector(w, p, i + (p == first ? skip : 0), &v[i]);
      norms[me][i] = sqrt(net_dot(w, &v[i], &v[i]));
      half += log(norms[me][i]);
      for (int j = 0; j <= i; j++)
        block[me][i * NET_TANGENTS + j] = net_dot(w, &v[i], &v[j]) / (norms[me][i] * norms[me][j]);
      for (int j = 0; j < left; j++)
        beside[i * NET_TANGENTS + j] =
            net_dot(w, &v[i], &vectors[before][j]) / (norms[me][i] * norms[before][j]);
    }
    net_solve(n, left, NET_TANGENTS, block[before], beside);
    for (int i = 0; i < n; i++)
      for (int j = 0; j <= i; j++)
        for (int k = 0; k < left; k++)
          block[me][i * NET_TANGENTS + j] -=
              beside[i * NET_TANGENTS + k] * beside[j * NET_TANGENTS + k];
    half += net_cholesky(n, NET_TANGENTS, block[me]);
  }
  return half;
}
