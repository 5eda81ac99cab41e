/** @file chain_large.h  Stages of chain_near.h for matrices of any size, by planned products. */
#pragma once
#include "chain_walk.h"

/* C = A B */
INLINE void multiply(walk *w, const double *a, const double *b, double *c)
{
  w->products++;
  wmc_product_apply(w->product, a, b, c);
}

/* C = A B^T; `turned` is left with B^T */
INLINE void multiply_by_turned(walk *w, int r, const double *a, const double *b, double *c,
                               double *turned)
{
  turn(r, b, turned);
  multiply(w, a, turned, c);
}

INLINE double norm2_of(int n, const double *x)
{
  double lane[8] = {0}, sum = 0;
  int k = 0;
  for (; k + 8 <= n; k += 8)
    for (int i = 0; i < 8; i++) lane[i] += x[k + i] * x[k + i];
  for (; k < n; k++) sum += x[k] * x[k];
  return sum + ((lane[0] + lane[4]) + (lane[1] + lane[5])) +
         ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

INLINE void scale(int n, double factor, double *x)
{
  for (int k = 0; k < n; k += LANES) store(x + k, load(x + k) * factor);
}

/* See chain_walk.h. */
INLINE void series_4(walk *w, int r, const double *x, const double *y, double *out)
{
  double *inner = w->temporary[2];
  for (int k = 0; k < entries(r); k += LANES)
    store(inner + k, load(x + k) * THIRD + load(y + k) * FOURTH);
  multiply(w, y, inner, out);
  for (int k = 0; k < entries(r); k += LANES)
    store(out + k, load(out + k) + (load(x + k) + 0.5 * load(y + k)) + load(w->one + k));
}

/* Destroys y. */
INLINE void series_8(walk *w, int r, const double *x, double *y, double *out)
{
  double *left = w->temporary[2], *right = w->temporary[3];
  for (int k = 0; k < entries(r); k += LANES) store(left + k, E0 * load(x + k) + E1 * load(y + k));
  multiply(w, y, left, right);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec first = load(x + k), second = load(y + k), z = load(right + k);
    store(left + k, E3 * second + z);
    store(right + k, E4 * first + E5 * second + E6 * z);
    store(y + k, load(w->one + k) + first + 0.5 * second + E2 * z);
  }
  multiply(w, left, right, out);
  for (int k = 0; k < entries(r); k += LANES) store(out + k, load(out + k) + load(y + k));
}

/* out = exp(X), X antisymmetric and destroyed; not temporaries 1 to 3. False where angles are above
 * `most`. */
INLINE bool exponential(walk *w, int r, double *x, double most, double *out)
{
  double *y = w->temporary[1];
  multiply(w, x, x, y);
  /* its eigenvalues, squares of angles, come in pairs */
  const double fourth = 0.5 * norm2_of(r * r, y);
  if (fourth <= power_4(ANGLE_4)) {
    series_4(w, r, x, y, out);
    return true;
  }
  if (!(fourth <= power_4(most))) return false;
  const int halvings = halvings_of(fourth);
  if (halvings > 0) {
    scale(entries(r), 1.0 / (1 << halvings), x);
    scale(entries(r), 1.0 / (1 << 2 * halvings), y);
  }
  series_8(w, r, x, y, out);
  for (int k = 0; k < halvings; k++) {
    multiply(w, out, out, y);
    memcpy(out, y, (size_t)(r * r) * sizeof *out);
  }
  return true;
}

/* K_{p+1}^T and the parts of N_p. */
INLINE bool large_rotate(walk *w, int r, int p)
{
  double *x = w->temporary[0], *rotation = at(w, w->a, p), *image = w->temporary[2];
  double *m = w->temporary[3], *turned = w->temporary[1];
  double *before = at(w, w->k, p), *after = at(w, w->k, p + 1);
  const double *v = w->v + (size_t)p * w->core;
  double *a = at(w, w->a, p), *s = at(w, w->s, p);
  turn(r, v, turned);
  for (int k = 0; k < entries(r); k += LANES)
    store(x + k, (load(turned + k) - load(v + k)) * load(w->inverse + k));
  if (!exponential(w, r, x, ANGLE_MOST, rotation)) return false;
  multiply(w, before, rotation, after);
  for (int k = 0; k < entries(r); k += LANES) store(m + k, load(v + k) + load(w->diagonal + k));
  multiply_by_turned(w, r, m, before, image, turned);
  double *n = m;
  multiply(w, after, image, n);
  turn(r, n, turned);
  for (int k = 0; k < entries(r); k += LANES) {
    const vec here = load(n + k), there = load(turned + k);
    store(s + k, 0.5 * (here + there));
    store(a + k, 0.5 * (here - there));
  }
  return true;
}

/* The rotation of frame p, V^T exp(B_p) K_p^T turned round; `vectors` holds V^T. */
INLINE void large_rotate_again(walk *w, int r, int p, const double *vectors)
{
  double *rotation = w->temporary[0], *small = w->temporary[2], *both = w->temporary[3];
  double *k = at(w, w->k, p), *turned = w->temporary[1];
  if (p < w->n) { /* B_n = 0 */
    exponential(w, r, at(w, w->b, p), ANGLE_MOST, rotation);
    multiply(w, vectors, rotation, small);
    vectors = small;
  }
  multiply(w, vectors, k, both);
  if (w->frames == NULL) {
    turn(r, both, k);
    return;
  }
  double *frame = at(w, w->frames, p);
  multiply_by_turned(w, r, frame, both, small, turned);
  memcpy(frame, small, (size_t)(r * r) * sizeof *frame);
}
