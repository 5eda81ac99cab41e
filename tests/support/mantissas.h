/** @file mantissas.h  Products of matrices in long mantissas, and their log-singular values by
 * one-sided Jacobi rotations. mpf_set_default_prec comes first. */
#pragma once
#include <criterion/criterion.h>
#include <gmp.h>
#include <math.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/dense.h"

enum { MP_WIDEST = 16 };

static inline mpf_t *mp_array(int n)
{
  mpf_t *a = WMC_ARRAY(mpf_t, n);
  for (int i = 0; i < n; i++) mpf_init(a[i]);
  return a;
}

static inline void mp_free(mpf_t *a, int n)
{
  for (int i = 0; i < n; i++) mpf_clear(a[i]);
  wmc_free(a);
}

/* log|x| */
static inline double mp_log(const mpf_t x)
{
  long exponent;
  double mantissa = mpf_get_d_2exp(&exponent, x);
  return log(fabs(mantissa)) + (double)exponent * log(2.0);
}

static inline void mp_dot(int d, mpf_t *x, mpf_t *y, mpf_t out, mpf_t t)
{
  mpf_set_ui(out, 0);
  for (int k = 0; k < d; k++) {
    mpf_mul(t, x[k], y[k]);
    mpf_add(out, out, t);
  }
}

/* Of complex matrices the even columns of the real form: n = parts d rows of d columns. */
typedef struct mp_matrix {
  int d, parts, n;
  double *form;
  mpf_t *m, *next, *t;
} mp_matrix;

static inline void mp_multiply(void *to, int count, const double *layers)
{
  mp_matrix *p = to;
  const int n = p->n;
  for (int l = 0; l < count; l++, layers += n * p->d) {
    const double *layer = p->parts == 2 ? p->form : layers;
    if (p->parts == 2) wmc_complex_form(p->d, p->d, layers, p->form);
    for (int j = 0; j < p->d; j++)
      for (int i = 0; i < n; i++) {
        mpf_set_ui(p->next[j * n + i], 0);
        for (int k = 0; k < n; k++) {
          mpf_set_d(p->t[0], layer[k * n + i]);
          mpf_mul(p->t[1], p->m[j * n + k], p->t[0]);
          mpf_add(p->next[j * n + i], p->next[j * n + i], p->t[1]);
        }
      }
    mpf_t *swap = p->m;
    p->m = p->next;
    p->next = swap;
  }
}

static inline mp_matrix mp_identity(int d, int parts)
{
  const int n = parts * d;
  mp_matrix p = {d,          parts, n, WMC_ARRAY(double, n *n), mp_array(n * d), mp_array(n * d),
                 mp_array(2)};
  for (int i = 0; i < d; i++) mpf_set_ui(p.m[i * (n + parts)], 1);
  return p;
}

/* One rotation; returns the logarithm of the cosine that the columns had. */
static inline double mp_rotate(int d, mpf_t *x, mpf_t *y, mpf_t *w)
{
  enum { A, B, C, T, U, V };
  mp_dot(d, x, x, w[A], w[T]);
  mp_dot(d, y, y, w[B], w[T]);
  mp_dot(d, x, y, w[C], w[T]);
  if (mpf_sgn(w[C]) == 0) return -HUGE_VAL;
  double cosine = mp_log(w[C]) - 0.5 * (mp_log(w[A]) + mp_log(w[B]));
  /* t = 2c / (a - b + sign root), then cos and sin */
  mpf_sub(w[T], w[A], w[B]);
  mpf_mul(w[U], w[T], w[T]);
  mpf_mul(w[V], w[C], w[C]);
  mpf_mul_ui(w[V], w[V], 4);
  mpf_add(w[U], w[U], w[V]);
  mpf_sqrt(w[U], w[U]);
  if (mpf_sgn(w[T]) < 0) mpf_neg(w[U], w[U]);
  mpf_add(w[U], w[U], w[T]);
  mpf_mul_ui(w[T], w[C], 2);
  mpf_div(w[T], w[T], w[U]);
  mpf_mul(w[U], w[T], w[T]);
  mpf_add_ui(w[U], w[U], 1);
  mpf_sqrt(w[U], w[U]);
  mpf_ui_div(w[U], 1, w[U]);
  for (int k = 0; k < d; k++) {
    mpf_mul(w[V], w[T], y[k]);
    mpf_add(w[V], w[V], x[k]);
    mpf_mul(w[A], w[T], x[k]);
    mpf_sub(w[A], y[k], w[A]);
    mpf_mul(x[k], w[V], w[U]);
    mpf_mul(y[k], w[A], w[U]);
  }
  return cosine;
}

static inline void mp_sort(int d, double *x)
{
  for (int i = 1; i < d; i++)
    for (int j = i; j > 0 && x[j - 1] < x[j]; j--) {
      double t = x[j];
      x[j] = x[j - 1];
      x[j - 1] = t;
    }
}

/* Log-singular values of m, destroyed. */
static inline void mp_values(int d, mpf_t *m, double *values)
{
  mpf_t *w = mp_array(6);
  for (double worst = 0; worst > -40;) {
    worst = -HUGE_VAL;
    for (int i = 0; i < d; i++)
      for (int j = i + 1; j < d; j++) worst = fmax(worst, mp_rotate(d, m + i * d, m + j * d, w));
  }
  for (int i = 0; i < d; i++) {
    mp_dot(d, m + i * d, m + i * d, w[0], w[1]);
    values[i] = 0.5 * mp_log(w[0]);
  }
  mp_sort(d, values);
  mp_free(w, 6);
}

/* Of the real form, where every value comes twice. */
static inline void mp_complex_values(int d, mpf_t *m, double *values)
{
  const int n = 2 * d;
  double twice[2 * MP_WIDEST];
  mpf_t *form = mp_array(n * n);
  for (int j = 0; j < d; j++)
    for (int i = 0; i < n; i += 2) {
      mpf_set(form[2 * j * n + i], m[j * n + i]);
      mpf_set(form[2 * j * n + i + 1], m[j * n + i + 1]);
      mpf_neg(form[(2 * j + 1) * n + i], m[j * n + i + 1]);
      mpf_set(form[(2 * j + 1) * n + i + 1], m[j * n + i]);
    }
  mp_values(n, form, twice);
  for (int i = 0; i < d; i++) {
    cr_assert_lt(twice[2 * i] - twice[2 * i + 1], 1e-15 * (1 + fabs(twice[2 * i])));
    values[i] = twice[2 * i];
  }
  mp_free(form, n * n);
}

/* Log-singular values and log|M e_1|; p is destroyed. */
static inline void mp_finish(mp_matrix *p, double *values, double *growth)
{
  mp_dot(p->n, p->m, p->m, p->t[0], p->t[1]);
  *growth = 0.5 * mp_log(p->t[0]);
  (p->parts == 2 ? mp_complex_values : mp_values)(p->d, p->m, values);
  mp_free(p->m, p->n * p->d);
  mp_free(p->next, p->n * p->d);
  mp_free(p->t, 2);
  wmc_free(p->form);
}
