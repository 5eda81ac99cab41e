/** @file chain_small.h  Stages of chain_near.h for matrices of 4 x 4 and 8 x 8, in registers. */
#pragma once
#include "chain_tile.h"
#include "chain_walk.h"

/* See chain_walk.h. */
INLINE tile tile_series_4(walk *w, int r, tile x, tile y)
{
  tile_room room;
  const tile inner = tile_add(r, tile_scale(r, THIRD, x), FOURTH, y);
  const tile low = tile_add(r, tile_add(r, tile_load(r, w->one), 1, x), 0.5, y);
  w->products++;
  return tile_multiply_add(r, low, y, tile_keep(r, inner, room), false);
}

INLINE tile tile_series_8(walk *w, int r, tile x, tile y)
{
  tile_room room, other;
  const tile inner = tile_add(r, tile_scale(r, E0, x), E1, y);
  const tile z = tile_product(r, y, tile_keep(r, inner, room), false);
  tile low = tile_add(r, tile_add(r, tile_load(r, w->one), 1, x), 0.5, y);
  low = tile_add(r, low, E2, z);
  const tile left = tile_add(r, z, E3, y);
  const tile right = tile_add(r, tile_add(r, tile_scale(r, E4, x), E5, y), E6, z);
  w->products += 2;
  return tile_multiply_add(r, low, left, tile_keep(r, right, other), false);
}

/* out = exp(X), X antisymmetric. False where angles are above `most`. */
INLINE bool tile_exponential(walk *w, int r, kept_tile kept, double most, tile *out)
{
  tile_room room;
  tile x = kept.t, y = tile_product(r, x, kept, false);
  w->products++;
  /* its eigenvalues, squares of angles, come in pairs */
  const double fourth = 0.5 * tile_norm2(r, y);
  if (fourth <= power_4(ANGLE_4)) {
    *out = tile_series_4(w, r, x, y);
    return true;
  }
  if (!(fourth <= power_4(most))) return false;
  const int halvings = halvings_of(fourth);
  if (halvings > 0) {
    x = tile_scale(r, 1.0 / (1 << halvings), x);
    y = tile_scale(r, 1.0 / (1 << 2 * halvings), y);
  }
  *out = tile_series_8(w, r, x, y);
  for (int k = 0; k < halvings; k++, w->products++)
    *out = tile_product(r, *out, tile_keep(r, *out, room), false);
  return true;
}

/* The rotation of layer p alone, into a: no layer waits for another one. */
INLINE bool tile_begin(walk *w, int r, int p)
{
  tile_room room;
  const tile v = tile_load(r, w->v + (size_t)p * w->core), turned = tile_turn(r, v);
  tile angle = v, rotation;
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++)
    angle.v[k] = (turned.v[k] - v.v[k]) * load(w->inverse + k * LANES);
  if (!tile_exponential(w, r, tile_keep(r, angle, room), ANGLE_MOST, &rotation)) return false;
  tile_store(r, rotation, at(w, w->a, p));
  return true;
}

/* K_{p+1}^T and the parts of N_p = K_{p+1}^T (Lambda + V) K_p. Single entries are read where they
 * stand in memory: copies of second factors cost as much as a quarter of a product. */
INLINE void tile_rotate(walk *w, int r, int p)
{
  const kept_tile before = tile_kept(r, at(w, w->k, p));
  const tile after = tile_product(r, before.t, tile_kept(r, at(w, w->a, p)), false);
  tile_store(r, after, at(w, w->k, p + 1));
  tile image = after, a, s;
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++) image.v[k] = after.v[k] * load(w->column + k * LANES);
  image = tile_multiply_add(r, image, after, tile_kept(r, w->v + (size_t)p * w->core), false);
  const tile n = tile_product(r, image, before, true);
  const tile n_turned = tile_turn(r, n);
  a = s = n;
#pragma GCC unroll 32
  for (int k = 0; k < parts(r); k++) {
    a.v[k] = 0.5 * (n.v[k] - n_turned.v[k]);
    s.v[k] = 0.5 * (n.v[k] + n_turned.v[k]);
  }
  tile_store(r, a, at(w, w->a, p));
  tile_store(r, s, at(w, w->s, p));
  w->products += 3;
}

/* The rotation of frame p, K_p exp(B_p)^T V. */
INLINE void tile_rotate_again(walk *w, int r, int p)
{
  tile_room room;
  const kept_tile before = tile_kept(r, at(w, w->k, p));
  tile image, rotation = before.t;
  if (w->frames == NULL)
    image = tile_turn(r, before.t);
  else
    image = tile_product(r, tile_load(r, at(w, w->frames, p)), before, true);
  w->products += w->frames != NULL;
  if (p < w->n) { /* B_n = 0 */
    tile_exponential(w, r, tile_kept(r, at(w, w->b, p)), ANGLE_MOST, &rotation);
    image = tile_product(r, image, tile_keep(r, rotation, room), true);
    w->products++;
  }
  image = tile_product(r, image, tile_kept(r, w->vectors), false);
  tile_store(r, image, at(w, w->frames ? w->frames : w->k, p));
  w->products++;
}
