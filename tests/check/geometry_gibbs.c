/* Volume forms and Gibbs laws of networks of any widths, rank, numbers and depth, against Gram
 * determinants of the tangent space and against each other. */
#include "networks.h"
#include "streams.h"
#include "support.h"
#include "weylmc/geometry/entropy.h"
#include "weylmc/geometry/gibbs.h"
#include "weylmc/geometry/metric.h"
#include "weylmc/geometry/volume.h"

/* Change of all layers with lambda_k, as vectors of one layer each. */
static void value_vector(const net *w, int p, int k, net_vector *v)
{
  double unit[NET_RANK] = {0};
  unit[k] = 1;
  memset(v, 0, sizeof *v);
  v->first = p;
  net_add(w->shape.rank, net_width(w, p), net_width(w, p - 1), net_at(w, p), unit, net_at(w, p - 1),
          v->layer[0]);
}

/* Directions of lambda stand at right angles to those of frames and to each other: returns half the
 * log of their own Gram determinant. */
static double values_half_log_gram(const net *w)
{
  double half = 0;
  net_vector v, other;
  for (int k = 0; k < w->shape.rank; k++) {
    double square = 0;
    for (int p = 1; p <= net_depth(w); p++) {
      value_vector(w, p, k, &v);
      square += net_dot(w, &v, &v);
      for (int l = 0; l < k; l++) {
        value_vector(w, p, l, &other);
        cr_assert_lt(fabs(net_dot(w, &v, &other)), 1e-13);
      }
    }
    half += 0.5 * log(square);
    for (int q = 0; q <= net_depth(w); q++)
      for (int i = 0; i < net_tangent_count(w, q); i++) {
        double along = 0;
        net_frame_vector(w, q, i, &other);
        for (int p = other.first; p <= other.first + other.both; p++) {
          value_vector(w, p, k, &v);
          along += net_dot(w, &v, &other);
        }
        cr_assert_lt(fabs(along), 1e-12 * w->x.lambda[0]);
      }
  }
  return half;
}

static int phases(const net *w)
{
  return w->shape.numbers == WMC_NUMBERS_COMPLEX ? w->shape.rank : 0;
}

static double whole_volume(const net *w)
{
  return values_half_log_gram(w) + net_half_log_gram(w, 0, net_depth(w), phases(w));
}

static double fibre_volume(const net *w) { return net_half_log_gram(w, 1, net_depth(w) - 1, 0); }

static void random_net(wmc_stream *s, int t, int most, net *w)
{
  net_create(s, net_fields[t % 2], net_pick(s, 1, 3), 4, net_pick(s, 1, most), w);
  net_spectrum(s, 0.7, false, &w->x);
}

static void compare_forms(const net *w, double tolerance)
{
  double whole = whole_volume(w), fibre = fibre_volume(w);
  double manifold = wmc_volume_log_manifold(&w->shape, &w->x);
  double image = wmc_volume_log_image(&w->shape, &w->x);
  cr_assert_lt(fabs(manifold - whole), tolerance, "b=%d r=%d N=%d: %.14g, %.14g",
               (int)w->shape.numbers, w->shape.rank, net_depth(w), manifold, whole);
  cr_assert_lt(fabs(image - (whole - fibre)), tolerance, "image: b=%d r=%d N=%d",
               (int)w->shape.numbers, w->shape.rank, net_depth(w));
}

Test(geometry_volume, forms_are_gram_determinants)
{
  wmc_stream *s = test_stream(111, 0);
  for (int t = 0; t < test_trials(80); t++) {
    net w;
    random_net(s, t, 5, &w);
    compare_forms(&w, 1e-11);
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* Values far apart, values that nearly coincide (the determinant loses the square of their
 * distance), and depth 1000. */
Test(geometry_volume, forms_of_hard_cases)
{
  const double spreads[] = {60, 1e-3, 0.7}, tolerances[] = {1e-11, 3e-6, 1e-8};
  wmc_stream *s = test_stream(121, 0);
  for (int t = 0; t < test_trials(36); t++) {
    const bool deep = t % 3 == 2;
    if (deep && t > 8) continue;
    net w;
    net_create(s, net_fields[t / 3 % 2], net_pick(s, 1, 3), 4, deep ? 1000 : net_pick(s, 1, 5), &w);
    net_spectrum(s, spreads[t % 3] * (deep ? 300 : 1), false, &w.x);
    compare_forms(&w, tolerances[t % 3]);
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* M is e^S times dvol_g: the volumes of frames are those of the fibre. */
Test(geometry_volume, manifold_is_image_times_fibre)
{
  wmc_stream *s = test_stream(112, 0);
  for (int t = 0; t < test_trials(100); t++) {
    net w;
    random_net(s, t, 12, &w);
    net_spectrum(s, t % 3 ? 1 : 40, false, &w.x);
    double expected = wmc_volume_log_image(&w.shape, &w.x) + wmc_entropy(&w.shape, w.x.log_sigma);
    for (int p = 1; p < net_depth(&w); p++)
      expected -= wmc_log_volume_stiefel(w.shape.numbers, net_width(&w, p), w.shape.rank);
    double found = wmc_volume_log_manifold(&w.shape, &w.x);
    cr_assert_lt(fabs(found - expected), 1e-13 * (100 + fabs(found)));
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

Test(geometry_shape, dimensions_count_the_tangent_vectors)
{
  wmc_stream *s = test_stream(113, 0);
  for (int t = 0; t < test_trials(60); t++) {
    net w;
    random_net(s, t, 5, &w);
    int all = w.shape.rank - phases(&w), fibre = 0, least = NET_WIDE;
    for (int p = 0; p <= net_depth(&w); p++) {
      all += net_tangent_count(&w, p);
      if (p > 0 && p < net_depth(&w)) fibre += net_tangent_count(&w, p);
      if (net_width(&w, p) < least) least = net_width(&w, p);
    }
    cr_assert_eq(wmc_shape_dimension(&w.shape), all);
    cr_assert_eq(wmc_shape_horizontal(&w.shape), all - fibre);
    cr_assert_eq(wmc_shape_rank_limit(&w.shape), least);
    cr_assert_lt(fabs(wmc_shape_dimension_share(&w.shape) * net_depth(&w) - all), 1e-12 * all);
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* A network of depth 1 with the same frames: its layer is X itself, at lambda = sigma. */
static void flatten(const net *w, net *flat)
{
  const int depth = net_depth(w), r = w->shape.rank;
  *flat = *w;
  flat->widths = malloc(2 * sizeof *flat->widths);
  flat->frames = malloc(2 * NET_LAYER * sizeof *flat->frames);
  flat->widths[0] = w->widths[0];
  flat->widths[1] = w->widths[depth];
  memcpy(flat->frames, net_at(w, 0), NET_LAYER * sizeof *flat->frames);
  memcpy(flat->frames + NET_LAYER, net_at(w, depth), NET_LAYER * sizeof *flat->frames);
  flat->shape.depth = 1;
  flat->shape.widths = flat->widths;
  flat->x = wmc_spectrum_map(r, 1, flat->memory);
  for (int k = 0; k < r; k++) wmc_spectrum_set_log(&flat->x, k, w->x.log_sigma[k]);
}

/* dX in sigma and frames, times dsigma/dlambda */
static double log_entries_per_lambda(const net *w)
{
  net flat;
  flatten(w, &flat);
  double sum = whole_volume(&flat);
  for (int k = 0; k < w->shape.rank; k++)
    sum += log(w->shape.depth) + w->x.log_sigma[k] - log(w->x.lambda[k]);
  net_free(&flat);
  return sum;
}

/* Widths such that X has full rank. */
static void full_net(wmc_stream *s, int t, net *w)
{
  const int depth = net_pick(s, 1, 4), rank = net_pick(s, 1, 3), side = net_pick(s, 0, 1);
  net_create(s, net_fields[t % 2], rank, 4, depth, w);
  int p = side ? 0 : depth;
  w->widths[p] = rank;
  net_frame(s, w->shape.numbers, rank, net_at(w, p));
  w->shape.columns = net_width(w, 0);
  w->shape.rows = net_width(w, depth);
  net_spectrum(s, 0.7, false, &w->x);
}

Test(geometry_volume, entries_of_matrices)
{
  wmc_stream *s = test_stream(114, 0);
  for (int t = 0; t < test_trials(60); t++) {
    net w;
    full_net(s, t, &w);
    double expected = wmc_volume_log_image(&w.shape, &w.x) - log_entries_per_lambda(&w);
    double found = wmc_volume_log_entries(&w.shape, &w.x);
    cr_assert_lt(fabs(found - expected), 1e-11, "b=%d N=%d %d x %d: %.14g, %.14g",
                 (int)w.shape.numbers, net_depth(&w), w.shape.rows, w.shape.columns, found,
                 expected);
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* --- Gibbs laws ------------------------------------------------------------------------------ */

static wmc_gibbs law_of(wmc_stream *s, int t, const wmc_shape *shape)
{
  return (wmc_gibbs){.shape = *shape,
                     .beta = exp(wmc_stream_normal(s)),
                     .vertical = t % 3 ? exp(wmc_stream_normal(s)) : t % 2,
                     .horizontal = exp(wmc_stream_normal(s))};
}

/* Of the law e^{(v/h) S} dvol_g from Gram determinants, with constants that no spectrum sees. */
static double definition(const wmc_gibbs *law, const net *w)
{
  double fibre = fibre_volume(w);
  return whole_volume(w) - fibre + law->vertical / law->horizontal * fibre;
}

Test(geometry_gibbs, density_is_volume_and_entropy)
{
  wmc_stream *s = test_stream(115, 0);
  for (int t = 0; t < test_trials(80); t++) {
    net w;
    full_net(s, t, &w);
    if (t % 4 < 2) { /* any rank */
      net_free(&w);
      random_net(s, t, 4, &w);
    }
    wmc_gibbs law = law_of(s, t, &w.shape);
    double energy[2] = {3, -2}, density = 0, volume = 0;
    for (int side = 0; side < 2; side++) {
      const double sign = side ? -1 : 1;
      net_spectrum(s, 0.7, false, &w.x);
      double expected = definition(&law, &w);
      density += sign * (expected - law.beta / law.horizontal * energy[side] -
                         wmc_gibbs_log_density(&law, &w.x, energy[side]));
      if (t % 4 >= 2)
        volume += sign * (expected - log_entries_per_lambda(&w) - wmc_gibbs_log_volume(&law, &w.x));
    }
    cr_assert_lt(fabs(density), 1e-10, "density, b=%d r=%d N=%d", (int)w.shape.numbers,
                 w.shape.rank, net_depth(&w));
    cr_assert_lt(fabs(volume), 1e-10, "volume, b=%d r=%d N=%d", (int)w.shape.numbers, w.shape.rank,
                 net_depth(&w));
    net_free(&w);
  }
  wmc_stream_destroy(s);
}

/* Density in log sigma, and with respect to dX, of the law at depth N. */
static void densities(const wmc_gibbs *law, double depth, const wmc_spectrum *x, double energy,
                      double out[2])
{
  double memory[5 * NET_RANK], logs = 0;
  wmc_gibbs at = *law;
  at.shape.depth = depth;
  wmc_spectrum y = wmc_spectrum_map(x->rank, depth, memory);
  for (int k = 0; k < x->rank; k++) {
    wmc_spectrum_set_log(&y, k, x->log_sigma[k]);
    logs += x->log_sigma[k];
  }
  out[0] = wmc_gibbs_log_density(&at, &y, energy) + (isinf(depth) ? 0 : logs / depth);
  out[1] = wmc_gibbs_log_volume(&at, &y);
}

Test(geometry_gibbs, infinite_depth_is_the_limit)
{
  wmc_stream *s = test_stream(116, 0);
  double memory[2][5 * NET_RANK];
  for (int t = 0; t < test_trials(200); t++) {
    wmc_shape shape = net_shape(s, net_pick(s, 1, 4), INFINITY);
    wmc_gibbs law = law_of(s, t, &shape);
    double found[2] = {0}, once[2] = {0}, twice[2] = {0}, at[2], size = 0;
    for (int side = 0; side < 2; side++) {
      const double depths[] = {INFINITY, 1e6, 2e6}, sign = side ? -1 : 1;
      double *to[] = {found, once, twice};
      wmc_spectrum x = wmc_spectrum_map(shape.rank, INFINITY, memory[side]);
      net_spectrum(s, t % 3 ? 1 : 30, false, &x);
      for (int k = 0; k < 3; k++) {
        densities(&law, depths[k], &x, side, at);
        for (int i = 0; i < 2; i++) to[k][i] += sign * at[i];
        size = fmax(size, fabs(at[0]) + fabs(at[1]));
      }
    }
    for (int i = 0; i < 2; i++)
      cr_assert_lt(fabs(2 * twice[i] - once[i] - found[i]), 1e-8 * (1 + size),
                   "%s, b=%d r=%d: %.12g, limit %.12g", i ? "volume" : "density",
                   (int)shape.numbers, shape.rank, found[i], 2 * twice[i] - once[i]);
  }
  wmc_stream_destroy(s);
}

static double square_of(const wmc_spectrum *x)
{
  double sum = 0;
  for (int k = 0; k < x->rank; k++) sum += 0.5 * x->sigma2[k];
  return sum;
}

/* Fourth-order difference of the log density at E = |X|^2/2. */
static double slope(const wmc_gibbs *law, const wmc_spectrum *x, int k)
{
  const double lambda = x->lambda[k], unit = isinf(x->depth) ? 1 : lambda / x->depth;
  const double h = 1e-3 * unit, weight[] = {1, -8, 8, -1}, at[] = {-2, -1, 1, 2};
  double sum = 0;
  for (int i = 0; i < 4; i++) {
    wmc_spectrum_set_lambda(x, k, lambda + at[i] * h);
    sum += weight[i] * wmc_gibbs_log_density(law, x, square_of(x));
  }
  wmc_spectrum_set_lambda(x, k, lambda);
  return sum / (12 * h);
}

static const double depths[] = {1, 2, 3, 10, 1000, INFINITY};

Test(geometry_gibbs, gradient_is_the_derivative)
{
  wmc_stream *s = test_stream(117, 0);
  double memory[5 * NET_RANK], force[NET_RANK], gradient[NET_RANK];
  for (int t = 0; t < test_trials(600); t++) {
    wmc_shape shape = net_shape(s, net_pick(s, 1, 4), depths[t % 6]);
    wmc_gibbs law = law_of(s, t, &shape);
    wmc_spectrum x = wmc_spectrum_map(shape.rank, shape.depth, memory);
    double top = wmc_stream_normal(s);
    for (int k = 0; k < shape.rank; k++, top -= 0.2 + wmc_stream_uniform(s))
      wmc_spectrum_set_log(&x, k, top);
    for (int k = 0; k < shape.rank; k++)
      force[k] = isinf(x.depth) ? x.sigma2[k] : x.depth * x.sigma2[k] / x.lambda[k];
    wmc_gibbs_gradient(&law, &x, force, gradient);
    for (int k = 0; k < shape.rank; k++) {
      double found = slope(&law, &x, k), scale = isinf(x.depth) ? 1 : x.depth / x.lambda[k];
      double share = law.vertical / law.horizontal, cold = law.beta / law.horizontal;
      double size = 60 + 20 * share + cold * (10 + 10 * square_of(&x));
      cr_assert_lt(fabs(found - gradient[k]), 1e-8 * scale * size, "b=%d r=%d N=%g: %.12g, %.12g",
                   (int)shape.numbers, shape.rank, x.depth, found, gradient[k]);
    }
  }
  wmc_stream_destroy(s);
}

Test(geometry_gibbs, move_is_the_difference_of_densities)
{
  wmc_stream *s = test_stream(118, 0);
  double memory[5 * NET_RANK];
  for (int t = 0; t < test_trials(6000); t++) {
    wmc_shape shape = net_shape(s, net_pick(s, 1, 4), depths[t % 6]);
    wmc_gibbs law = law_of(s, t, &shape);
    wmc_spectrum x = wmc_spectrum_map(shape.rank, shape.depth, memory);
    net_spectrum(s, t % 7 ? 1 : 400, false, &x);
    int k = net_pick(s, 0, shape.rank - 1);
    double top = k > 0 ? x.log_sigma[k - 1] : x.log_sigma[0] + 1;
    double bottom = k < shape.rank - 1 ? x.log_sigma[k + 1] : x.log_sigma[k] - 300;
    double l = bottom + (top - bottom) * (0.001 + 0.998 * wmc_stream_uniform(s));
    double lambda = isinf(x.depth) ? l : exp(l / x.depth);
    double before = wmc_gibbs_log_density(&law, &x, 0);
    double power = wmc_gibbs_power(&law) / wmc_shape_clock(&shape);
    double move =
        power * (l - x.log_sigma[k]) + wmc_gibbs_move_pairs(&law, &x, k, lambda, l, exp(l));
    wmc_spectrum_set_log(&x, k, l);
    double after = wmc_gibbs_log_density(&law, &x, 0);
    double size = 100 + fabs(before) + fabs(after);
    cr_assert_lt(fabs(move - (after - before)), 1e-11 * size, "b=%d r=%d N=%g k=%d: %.14g, %.14g",
                 (int)shape.numbers, shape.rank, x.depth, k, move, after - before);
  }
  wmc_stream_destroy(s);
}

/* The mass of {t X} grows like t^P: log density and log dlambda (dlog sigma at infinite depth) of a
 * scaled spectrum. E<X, E'> = (h/beta) P by integration by parts; for E = |X|^2/2 the law of E is
 * Gamma, so its mean is P h/(2 beta) and 2 E is the virial. */
Test(geometry_gibbs, scaling_counts_powers)
{
  wmc_stream *s = test_stream(119, 0);
  double memory[5 * NET_RANK];
  for (int t = 0; t < test_trials(300); t++) {
    wmc_shape shape = net_shape(s, net_pick(s, 1, 4), depths[t % 6]);
    wmc_gibbs law = law_of(s, t, &shape);
    wmc_spectrum x = wmc_spectrum_map(shape.rank, shape.depth, memory);
    net_spectrum(s, 1, false, &x);
    const double shift = 1.25;
    double before = wmc_gibbs_log_density(&law, &x, 0);
    wmc_spectrum_scale(&x, shift);
    double values = isinf(x.depth) ? 0 : shape.rank * shift / x.depth;
    double power = (wmc_gibbs_log_density(&law, &x, 0) - before + values) / shift;
    cr_assert_lt(fabs(power - wmc_gibbs_scaling(&law)), 1e-12 * (100 + fabs(before)),
                 "b=%d r=%d N=%g: %g, %g", (int)shape.numbers, shape.rank, x.depth, power,
                 wmc_gibbs_scaling(&law));
    double virial = law.horizontal / law.beta * power;
    cr_assert_lt(fabs(virial - wmc_gibbs_virial(&law)),
                 1e-12 * law.horizontal / law.beta * (100 + fabs(before)));
  }
  wmc_stream_destroy(s);
}

/* A law exists where the mass near sigma_r = 0 is finite: the density in log sigma_r falls like
 * sigma_r^p with p > 0; a finite depth always adds 1/N. */
Test(geometry_gibbs, exists_where_mass_is_finite)
{
  wmc_stream *s = test_stream(120, 0);
  double memory[5 * NET_RANK];
  for (int t = 0; t < test_trials(300); t++) {
    wmc_shape shape = net_shape(s, 1, depths[t % 6]);
    wmc_gibbs law = law_of(s, t, &shape);
    wmc_spectrum x = wmc_spectrum_map(1, shape.depth, memory);
    double at[2], values = isinf(x.depth) ? 0 : 1 / x.depth;
    for (int k = 0; k < 2; k++) {
      wmc_spectrum_set_log(&x, 0, -200 - 10 * k);
      at[k] = wmc_gibbs_log_density(&law, &x, 0) + values * x.log_sigma[0];
    }
    double power = (at[0] - at[1]) / 10;
    cr_assert_eq(wmc_gibbs_exists(&law), power > 1e-9, "b=%d N=%g hidden %d power %g",
                 (int)shape.numbers, x.depth, shape.hidden, power);
  }
  wmc_stream_destroy(s);
}
