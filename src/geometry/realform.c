#include "weylmc/geometry/realform.h"

#include <math.h>
#include <string.h>

#include "weylmc/base/memory.h"
#include "weylmc/numeric/vector.h"

wmc_status wmc_realform_create(wmc_layers **layers, const wmc_shape *shape)
{
  const size_t n = (size_t)shape->depth;
  double *widths = WMC_ARRAY(double, n + 1);
  *layers = NULL;
  if (widths == NULL) return wmc_no_memory();
  for (size_t p = 0; p <= n; p++) widths[p] = 2.0 * wmc_shape_width(shape, (long)p);
  const wmc_shape real = {.numbers = WMC_NUMBERS_REAL,
                          .depth = shape->depth,
                          .rank = 2 * shape->rank,
                          .rows = 2 * shape->rows,
                          .columns = 2 * shape->columns,
                          .hidden = 2 * shape->hidden,
                          .widths = widths};
  const wmc_status status = wmc_layers_create(layers, &real);
  if (status == WMC_OK) (*layers)->numbers = 2;
  wmc_free(widths);
  return status;
}

void wmc_realform_read(int m, int n, const double *x, double *re, double *im)
{
  for (int j = 0; j < n; j++)
    for (int i = 0; i < m; i++) {
      re[j * m + i] = x[2 * j * 2 * m + 2 * i];
      im[j * m + i] = x[2 * j * 2 * m + 2 * i + 1];
    }
}

void wmc_realform_write(int m, int n, const double *re, const double *im, double *x)
{
  for (int j = 0; j < n; j++) {
    double *column = x + 2 * j * 2 * m, *turned = column + 2 * m;
    for (int i = 0; i < m; i++) {
      column[2 * i] = turned[2 * i + 1] = re[j * m + i];
      column[2 * i + 1] = im[j * m + i];
      turned[2 * i] = -im[j * m + i];
    }
  }
}

static double larger(double a, double b) { return a > b ? a : b; }

/* How many frames from p on have the same size; they follow one another at one distance. */
static int alike(const wmc_layers *layers, int p)
{
  int count = 1;
  while (p + count <= layers->depth && layers->width[p + count] == layers->width[p]) count++;
  return count;
}

/* The nearest real forms of matrices that stand as the frames do. */
static double average(const wmc_layers *layers, const double *signs, double *frames)
{
  double moved = 0;
  for (int p = 0; p <= layers->depth;) {
    const int count = alike(layers, p), first = p;
    p += count;
    moved = larger(wmc_complex_form_nearest(layers->width[first], layers->rank, count,
                                            layers->frame[first + 1] - layers->frame[first], signs,
                                            frames + layers->frame[first]),
                   moved);
  }
  return moved;
}

void wmc_realform_project(const wmc_tangent *tangent)
{
  const wmc_layers *layers = tangent->layers;
  const int r = layers->rank;
  wmc_complex_form_nearest(r, r, layers->depth, layers->core, NULL, tangent->core);
  for (int p = 0; p <= layers->depth; p++)
    if (layers->width[p] > r)
      wmc_complex_form_nearest(layers->width[p], r, 1, 0, NULL, wmc_tangent_tilt(tangent, p));
}

/* Orthonormal columns of normal complex matrices, as wmc_point_draw_frames; not the mean of a Haar
 * frame and its image under J, which is singular if its determinant is negative. */
void wmc_realform_draw_frames(const wmc_point *point, wmc_stream *stream, double *scratch)
{
  const wmc_layers *layers = point->layers;
  for (int p = 0; p <= layers->depth; p++) {
    const int d = layers->width[p], r = layers->rank;
    double *frame = wmc_point_frame(point, p);
    wmc_stream_normals(stream, (size_t)(d * r), 1, frame);
  }
  average(layers, NULL, point->frames);
  wmc_point_refresh(point, scratch);
}

/* K = Q^T J Q of a d x r frame: what i does to the columns. */
static void find_turn(int d, int r, const double *frame, double *k)
{
  for (int j = 0; j < r; j++)
    for (int i = 0; i < r; i++) {
      const double *a = frame + i * d, *b = frame + j * d;
      double sum = 0;
      for (int l = 0; l < d; l += 2) sum += a[l + 1] * b[l] - a[l] * b[l + 1];
      k[j * r + i] = sum;
    }
}

/* Take out of x its components along the first `count` columns of basis, twice; its norm^2. */
static double take_out(int r, int count, const double *basis, double *x)
{
  for (int k = 0; k < 2 * count; k++) {
    const double *other = basis + k % count * r, share = wmc_dot(r, other, x);
    for (int i = 0; i < r; i++) x[i] -= share * other[i];
  }
  return wmc_dot(r, x, x);
}

static void normalise(int r, double square, double *x)
{
  for (int i = 0; i < r; i++) x[i] /= sqrt(square);
}

/* R with R^T K R the real form of i, from unit vectors e and K e: the next e is the first one that
 * is new, since columns come in the order of lambda. False if K is none. */
static bool find_basis(int r, const double *k, double *basis)
{
  const double new = 0.3;
  int next = 0;
  for (int pair = 0; pair < r; pair += 2) {
    double *first = basis + pair * r, *second = first + r, square = 0;
    for (; square < new &&next < r; next++) {
      memset(first, 0, (size_t)r * sizeof *first);
      first[next] = 1;
      square = take_out(r, pair, basis, first);
    }
    if (!(square >= new)) return false;
    normalise(r, square, first);
    for (int i = 0; i < r; i++) {
      second[i] = 0;
      for (int l = 0; l < r; l++) second[i] += k[l * r + i] * first[l];
    }
    square = take_out(r, pair + 1, basis, second);
    if (!(fabs(square - 1) < 1e-3)) return false;
    normalise(r, square, second);
  }
  return true;
}

/* lambda <- the diagonal of R^T Lambda R, the same for both columns of a pair. */
static void turn_lambda(int r, const double *basis, double *lambda, double *scratch)
{
  memcpy(scratch, lambda, (size_t)r * sizeof *lambda);
  for (int pair = 0; pair < r; pair += 2) {
    double mean = 0;
    for (int i = 0; i < r; i++) {
      const double a = basis[pair * r + i], b = basis[(pair + 1) * r + i];
      mean += 0.5 * (a * a + b * b) * scratch[i];
    }
    lambda[pair] = lambda[pair + 1] = mean;
  }
}

/* Signs with which second columns of pairs are i times the first; false where columns of different
 * pairs mix, which takes singular values that are equal to rounding. */
static bool find_signs(int d, int r, const double *frame, double *sign)
{
  const double mixed = 1e-12;
  bool pure = true;
  for (int pair = 0; pair < r; pair += 2, frame += 2 * d) {
    const double *a = frame, *b = frame + d;
    double sum = 0;
    for (int l = 0; l < d; l += 2) sum += a[l] * b[l + 1] - a[l + 1] * b[l];
    sign[pair / 2] = sum < 0 ? -1 : 1;
    pure &= fabs(sum) > 1 - mixed;
  }
  return pure;
}

/* The nearest pairs of all frames, whose columns come in pairs; how far an entry moves. */
static double pair_columns(const wmc_point *point, const double *sign)
{
  for (int k = 0; k < point->layers->rank; k += 2)
    point->lambda[k] = point->lambda[k + 1] = 0.5 * (point->lambda[k] + point->lambda[k + 1]);
  return average(point->layers, sign, point->frames);
}

/* The same where columns of different pairs are mixed. False if they cannot be told apart. */
static bool turn_columns(const wmc_point *point, double *moved, double *scratch)
{
  const wmc_layers *layers = point->layers;
  const int r = layers->rank;
  double *turn = scratch, *basis = turn + layers->core, *image = basis + layers->core;
  find_turn(layers->width[0], r, wmc_point_frame(point, 0), turn);
  if (!find_basis(r, turn, basis)) return false;
  turn_lambda(r, basis, point->lambda, turn);
  for (int p = 0; p <= layers->depth; p++) {
    const int d = layers->width[p];
    double *frame = wmc_point_frame(point, p);
    wmc_layers_multiply(layers, d, r, r, frame, basis, image);
    memcpy(frame, image, (size_t)(d * r) * sizeof *frame);
  }
  *moved = average(layers, NULL, point->frames);
  return true;
}

bool wmc_realform_restore(const wmc_point *point, double *scratch)
{
  const double most = 1e-2, coarse = 1e-5, fine = 1e-9;
  const wmc_layers *layers = point->layers;
  double moved;
  if (find_signs(layers->width[0], layers->rank, wmc_point_frame(point, 0), scratch))
    moved = pair_columns(point, scratch);
  else if (!turn_columns(point, &moved, scratch))
    return false;
  /* what is not a real form goes with the square of `moved` into the norms of columns */
  const int passes = !(moved < most) ? 0 : moved > coarse ? 2 : moved > fine;
  for (int k = 0; k < passes; k++)
    for (int p = 0; p <= layers->depth; p++) wmc_point_straighten(point, p, scratch);
  return moved < most;
}
