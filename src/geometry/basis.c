#include "weylmc/geometry/basis.h"

#include <math.h>
#include <string.h>

#include "weylmc/geometry/metric.h"
#include "weylmc/numeric/dense.h"

static const double pi = 3.14159265358979323846;

static long out_of(const wmc_shape *shape, long p)
{
  return wmc_shape_width(shape, p) - shape->rank;
}

long wmc_basis_count(const wmc_shape *shape, wmc_basis_kind kind)
{
  const long r = shape->rank, b = (long)shape->numbers, modes = (long)shape->depth - 1;
  const long counts[] = {[WMC_BASIS_VALUE] = b * r,
                         [WMC_BASIS_ENTRY] = b * r * (r - 1),
                         [WMC_BASIS_OUTER] = b * r * (long)wmc_shape_outer(shape),
                         [WMC_BASIS_TURN] = b * modes * r * (r - 1) / 2,
                         [WMC_BASIS_PHASE] = (b - 1) * modes * r,
                         [WMC_BASIS_INNER] = b * r * (long)wmc_shape_excess(shape)};
  return counts[kind];
}

/* i, j from a count over pairs i < j, or over all i != j */
static void pair_of(long index, int r, bool ordered, wmc_basis_vector *v)
{
  v->i = 0;
  long row = ordered ? r - 1 : r - 1 - v->i;
  for (; index >= row; row = ordered ? r - 1 : r - 1 - v->i) {
    index -= row;
    v->i++;
  }
  v->j = (int)index + (ordered ? (index >= v->i) : v->i + 1);
}

/* Frame and outward direction; `first`, `step`: the frames 0 and N, or 1 .. N-1. */
static void outward(const wmc_shape *shape, long index, long first, long step, wmc_basis_vector *v)
{
  const int r = shape->rank;
  for (v->at = first; index >= r * out_of(shape, v->at); v->at += step)
    index -= r * out_of(shape, v->at);
  v->i = (int)(index % r);
  v->j = r + (int)(index / r);
}

wmc_basis_vector wmc_basis_pick(const wmc_shape *shape, wmc_basis_kind kind, long index)
{
  const int r = shape->rank, b = (int)shape->numbers;
  const long depth = (long)shape->depth;
  wmc_basis_vector v = {.kind = kind, .imaginary = kind == WMC_BASIS_PHASE};
  if (kind != WMC_BASIS_PHASE) {
    v.imaginary = index % b == 1;
    index /= b;
  }
  switch (kind) {
  case WMC_BASIS_PHASE:
    v.at = 1 + index / r;
    /* fall through */
  case WMC_BASIS_VALUE:
    v.i = v.j = (int)(index % r);
    break;
  case WMC_BASIS_ENTRY:
    pair_of(index, r, true, &v);
    break;
  case WMC_BASIS_TURN:
    v.at = 1 + index % (depth - 1);
    pair_of(index / (depth - 1), r, false, &v);
    break;
  case WMC_BASIS_OUTER:
    outward(shape, index, 0, depth, &v);
    break;
  case WMC_BASIS_INNER:
    outward(shape, index, 1, 1, &v);
    break;
  }
  return v;
}

/* sin(pi k p / N) with the argument reduced in whole numbers */
static double sine(long k, long p, long depth)
{
  long reduced = k % (2 * depth) * p % (2 * depth);
  return reduced == depth ? 0 : sin(pi * (double)reduced / (double)depth);
}

static int turn(const wmc_shape *shape, const wmc_spectrum *x, const wmc_basis_vector *v, long p,
                wmc_basis_entry *e)
{
  const long depth = (long)shape->depth;
  const double li = x->lambda[v->i], lj = x->lambda[v->j];
  const double wave = sin(0.5 * pi * (double)v->at / shape->depth);
  const double norm = hypot(li - lj, 2 * sqrt(li * lj) * wave) * sqrt(shape->depth);
  const double here = sine(v->at, p, depth) / norm, before = sine(v->at, p - 1, depth) / norm;
  const double sign = v->imaginary ? 1 : -1; /* S_ji for S_ij = 1 */
  e[0] = (wmc_basis_entry){v->i, v->j, here * lj - before * li};
  e[1] = (wmc_basis_entry){v->j, v->i, sign * (here * li - before * lj)};
  return 2;
}

static int outward_entry(const wmc_basis_vector *v, long p, double value, wmc_basis_entry *e)
{
  if (p == v->at)
    *e = (wmc_basis_entry){v->j, v->i, value};
  else if (p == v->at + 1)
    *e = (wmc_basis_entry){v->i, v->j, v->imaginary ? -value : value};
  else
    return 0;
  return 1;
}

int wmc_basis_layer(const wmc_shape *shape, const wmc_spectrum *spectrum,
                    const wmc_basis_vector *vector, long p, wmc_basis_entry entries[2])
{
  const double n = shape->depth, *l = spectrum->log_sigma;
  const int i = vector->i, j = vector->j;
  double value = 0;
  switch (vector->kind) {
  case WMC_BASIS_TURN:
    return turn(shape, spectrum, vector, p, entries);
  case WMC_BASIS_OUTER:
    return outward_entry(vector, p, 1, entries);
  case WMC_BASIS_INNER:
    return outward_entry(vector, p, sqrt(0.5), entries);
  case WMC_BASIS_VALUE:
    value = 1 / sqrt(n);
    break;
  case WMC_BASIS_PHASE:
    value = sqrt(2 / n) * cos(pi * (double)vector->at * ((double)p - 0.5) / n);
    break;
  case WMC_BASIS_ENTRY:
    value = exp(((n - (double)p) * l[i] + ((double)p - 1) * l[j]) / n -
                0.5 * wmc_metric_log_weight(n, l[i], l[j]));
    break;
  }
  entries[0] = (wmc_basis_entry){i, j, value};
  return 1;
}

/* The factorisation of [q, 0] keeps q, whose R is the identity, and has to find the rest. */
void wmc_basis_complete(int n, int r, double *q, double *scratch)
{
  memset(q + (size_t)n * (size_t)r, 0, sizeof *q * (size_t)n * (size_t)(n - r));
  wmc_qr(n, n, q, scratch, scratch + n * n);
}
