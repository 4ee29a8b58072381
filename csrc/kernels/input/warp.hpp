// Geometric steps of an augmentation. Each maps the positions of its output to positions of its input; steps that
// follow one another are composed, so that the image is resampled once (bilinearly), however many there are.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/input/draws.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// The position in the source of every output pixel; x to the right, y down, pixel centers at integers.
template <class T>
struct Positions {
  Index h, w;
  T *x, *y;
  T* field;             // scratch: two planes
  T* coefficients;      // scratch: see AugmentArgs::scratch_size
  bool on_grid = true;  // x and y are those of the output's pixels

  Index size() const { return h * w; }
  double center_x() const { return 0.5 * static_cast<double>(w - 1); }
  double center_y() const { return 0.5 * static_cast<double>(h - 1); }

  void start() const {
    for (Index r = 0; r < h; ++r) {
      for (Index c = 0; c < w; ++c) {
        x[r * w + c] = static_cast<T>(c);
        y[r * w + c] = static_cast<T>(r);
      }
    }
  }
};

// A projective map: (x, y, 1) to (m[0..2], m[3..5], m[6..8]), divided by the last.
struct Homography {
  double m[9];
};

inline Homography inverse(const Homography& h) {
  const double* m = h.m;
  return {{m[4] * m[8] - m[5] * m[7], m[2] * m[7] - m[1] * m[8], m[1] * m[5] - m[2] * m[4], m[5] * m[6] - m[3] * m[8],
           m[0] * m[8] - m[2] * m[6], m[2] * m[3] - m[0] * m[5], m[3] * m[7] - m[4] * m[6], m[1] * m[6] - m[0] * m[7],
           m[0] * m[4] - m[1] * m[3]}};
}

// From the unit square to the quadrilateral with these corners: top left, top right, bottom right, bottom left
// (Heckbert 1989, "Fundamentals of Texture Mapping and Image Warping", section 2.2.3).
inline Homography from_square(const double (&x)[4], const double (&y)[4]) {
  const double dx1 = x[1] - x[2], dx2 = x[3] - x[2], sx = x[0] - x[1] + x[2] - x[3];
  const double dy1 = y[1] - y[2], dy2 = y[3] - y[2], sy = y[0] - y[1] + y[2] - y[3];
  const double det = dx1 * dy2 - dx2 * dy1;
  const double g = (sx * dy2 - dx2 * sy) / det, h = (dx1 * sy - sx * dy1) / det;
  return {{x[1] - x[0] + g * x[1], x[3] - x[0] + h * x[3], x[0], y[1] - y[0] + g * y[1], y[3] - y[0] + h * y[3], y[0],
           g, h, 1}};
}

template <class T>
void transform(const AffineStep& s, const StepDraws& draw, const AugmentationKey&, const Positions<T>& at) {
  constexpr double radian = 3.14159265358979323846 / 180;
  const double angle = draw.in(s.degrees, 1) * radian, scale = draw.in(s.scale, 2);
  const double shear_x = std::tan(draw.in(s.shear_x, 3) * radian), shear_y = std::tan(draw.in(s.shear_y, 4) * radian);
  const double dx = (2 * draw.uniform(5) - 1) * s.translate_x * static_cast<double>(at.w);
  const double dy = (2 * draw.uniform(6) - 1) * s.translate_y * static_cast<double>(at.h);
  // Forward: center + shift + scale R S (p - center), R the rotation, S = (1, shear_x; shear_y, 1).
  const double cosine = std::cos(angle) * scale, sine = std::sin(angle) * scale;
  const double a = cosine - sine * shear_y, b = cosine * shear_x - sine;
  const double c = sine + cosine * shear_y, d = sine * shear_x + cosine;
  const double det = a * d - b * c;
  const T ia = static_cast<T>(d / det), ib = static_cast<T>(-b / det);
  const T ic = static_cast<T>(-c / det), id = static_cast<T>(a / det);
  const T cx = static_cast<T>(at.center_x()), cy = static_cast<T>(at.center_y());
  const T ox = static_cast<T>(at.center_x() + dx), oy = static_cast<T>(at.center_y() + dy);
  for (Index i = 0; i < at.size(); ++i) {
    const T u = at.x[i] - ox, v = at.y[i] - oy;
    at.x[i] = ia * u + ib * v + cx;
    at.y[i] = ic * u + id * v + cy;
  }
}

template <class T>
void transform(const PerspectiveStep& s, const StepDraws& draw, const AugmentationKey&, const Positions<T>& at) {
  const double w = static_cast<double>(at.w - 1), h = static_cast<double>(at.h - 1);
  if (w == 0 || h == 0) return;
  const double reach_x = 0.5 * s.distortion_scale * static_cast<double>(at.w);
  const double reach_y = 0.5 * s.distortion_scale * static_cast<double>(at.h);
  double x[4], y[4];
  for (std::uint32_t corner = 0; corner < 4; ++corner) {
    const double in_x = std::min(draw.uniform(1 + 2 * corner) * reach_x, 0.49 * w);
    const double in_y = std::min(draw.uniform(2 + 2 * corner) * reach_y, 0.49 * h);
    x[corner] = corner == 0 || corner == 3 ? in_x : w - in_x;
    y[corner] = corner < 2 ? in_y : h - in_y;
  }
  const Homography to = inverse(from_square(x, y));
  T m[9];
  for (int i = 0; i < 9; ++i) m[i] = static_cast<T>(to.m[i] / to.m[8]);
  const T width = static_cast<T>(w), height = static_cast<T>(h);
  for (Index i = 0; i < at.size(); ++i) {
    const T u = at.x[i], v = at.y[i], by = T(1) / (m[6] * u + m[7] * v + m[8]);
    at.x[i] = (m[0] * u + m[1] * v + m[2]) * by * width;
    at.y[i] = (m[3] * u + m[4] * v + m[5]) * by * height;
  }
}

template <class T>
void transform(const FlipStep& s, const StepDraws& draw, const AugmentationKey& key, const Positions<T>& at) {
  // The numbers of an alternating flip are those of every epoch.
  if (s.alternating && ((draw(1) >> 31) + key.epoch) % 2 == 0) return;
  const T last = static_cast<T>((s.vertical ? at.h : at.w) - 1);
  T* v = s.vertical ? at.y : at.x;
  for (Index i = 0; i < at.size(); ++i) v[i] = last - v[i];
}

template <class T>
void transform(const CropStep& s, const StepDraws& draw, const AugmentationKey&, const Positions<T>& at) {
  const double choices = 2 * s.padding + 1;
  const T dx = static_cast<T>(std::floor(draw.uniform(1) * choices) - s.padding);
  const T dy = static_cast<T>(std::floor(draw.uniform(2) * choices) - s.padding);
  for (Index i = 0; i < at.size(); ++i) {
    at.x[i] += dx;
    at.y[i] += dy;
  }
  if (!s.reflect) return;
  const auto reflect = [](T v, T last) {
    const T from_start = std::abs(v);
    return last - std::abs(last - from_start);
  };
  const T last_x = static_cast<T>(at.w - 1), last_y = static_cast<T>(at.h - 1);
  for (Index i = 0; i < at.size(); ++i) {
    at.x[i] = reflect(at.x[i], last_x);
    at.y[i] = reflect(at.y[i], last_y);
  }
}

// The four cubic B-splines that are not zero at v, and the first of their coefficients.
template <class T>
CNNFAST_INLINE int spline_weights(T v, T* b) {
  const int first = static_cast<int>(v);
  const T t = v - static_cast<T>(first), u = 1 - t;
  b[0] = u * u * u * T(1.0 / 6);
  b[1] = (t * t * (3 * t - 6) + 4) * T(1.0 / 6);
  b[2] = (u * u * (3 * u - 6) + 4) * T(1.0 / 6);
  b[3] = t * t * t * T(1.0 / 6);
  return first;
}
template <class T>
Index spline_count(Index size, T per_pixel) {
  return static_cast<Index>(static_cast<T>(size - 1) * per_pixel) + 4;
}

// Bilinear interpolation of a plane whose edge continues outside.
template <class T>
CNNFAST_INLINE T interpolate(const T* plane, Index h, Index w, T x, T y) {
  x = x > 0 ? x : T(0);
  y = y > 0 ? y : T(0);
  x = x < static_cast<T>(w - 1) ? x : static_cast<T>(w - 1);
  y = y < static_cast<T>(h - 1) ? y : static_cast<T>(h - 1);
  const int left = static_cast<int>(x), top = static_cast<int>(y);
  const Index right = std::min<Index>(left + 1, w - 1), bottom = std::min<Index>(top + 1, h - 1);
  const T fx = x - static_cast<T>(left), fy = y - static_cast<T>(top);
  const T *a = plane + top * w, *b = plane + bottom * w;
  const T upper = a[left] + fx * (a[right] - a[left]), lower = b[left] + fx * (b[right] - b[left]);
  return upper + fy * (lower - upper);
}

// The displacements at the pixels; at other positions they are interpolated.
template <class T>
void transform(const ElasticStep& s, const StepDraws& draw, const AugmentationKey&, const Positions<T>& at) {
  // A cubic B-spline of this spacing has the standard deviation sigma. A Gaussian filter leaves 1 / (4 pi sigma^2) of
  // the variance of noise, the spline (151 / 315)^2 of that of its coefficients.
  const double spacing = s.sigma * 1.7320508075688772;
  const double amplitude = s.alpha / s.sigma * 0.28209479177387814 / (151.0 / 315);
  const T per_pixel = static_cast<T>(1 / spacing);
  const Index rows = spline_count(at.h, per_pixel), columns = spline_count(at.w, per_pixel);
  T *dx = at.field, *dy = at.field + at.size();
  T* coefficients = at.coefficients;  // of x and y in turn
  for (Index i = 0; i < 2 * rows * columns; ++i) {
    const double u = draw.uniform(kFirstOfMany + static_cast<std::uint32_t>(i));
    coefficients[i] = static_cast<T>((2 * u - 1) * amplitude);
  }
  T* along = coefficients + 2 * rows * columns;  // a row of the image in the direction of y
  T* weights = along + 2 * columns;
  for (Index c = 0; c < at.w; ++c) spline_weights(static_cast<T>(c) * per_pixel, weights + 4 * c);
  for (Index r = 0; r < at.h; ++r) {
    T by[4];
    const T* from = coefficients + 2 * columns * spline_weights(static_cast<T>(r) * per_pixel, by);
    for (Index i = 0; i < 2 * columns; ++i) {
      along[i] = by[0] * from[i] + by[1] * from[i + 2 * columns] + by[2] * from[i + 4 * columns] +
                 by[3] * from[i + 6 * columns];
    }
    for (Index c = 0; c < at.w; ++c) {
      const T* v = along + 2 * static_cast<int>(static_cast<T>(c) * per_pixel);
      const T* bx = weights + 4 * c;
      dx[r * at.w + c] = bx[0] * v[0] + bx[1] * v[2] + bx[2] * v[4] + bx[3] * v[6];
      dy[r * at.w + c] = bx[0] * v[1] + bx[1] * v[3] + bx[2] * v[5] + bx[3] * v[7];
    }
  }
  if (at.on_grid) {
    for (Index i = 0; i < at.size(); ++i) {
      at.x[i] += dx[i];
      at.y[i] += dy[i];
    }
    return;
  }
  for (Index i = 0; i < at.size(); ++i) {
    const T x = at.x[i], y = at.y[i];
    at.x[i] = x + interpolate(dx, at.h, at.w, x, y);
    at.y[i] = y + interpolate(dy, at.h, at.w, x, y);
  }
}

// image at the positions; `padded` is scratch for one plane with two pixels more on each side.
template <class T>
void resample(const Positions<T>& at, Index channels, T fill, T* padded, T* image) {
  const Index h = at.h, w = at.w, stride = w + 3;
  const T last_x = static_cast<T>(w + 1), last_y = static_cast<T>(h + 1);
  for (Index c = 0; c < channels; ++c) {
    T* plane = image + c * at.size();
    std::fill_n(padded, (h + 3) * stride, fill);
    for (Index r = 0; r < h; ++r) std::copy_n(plane + r * w, w, padded + (r + 1) * stride + 1);
    for (Index i = 0; i < at.size(); ++i) {
      T x = at.x[i] + 1, y = at.y[i] + 1;
      x = x > 0 ? x : T(0);  // also of NaN
      y = y > 0 ? y : T(0);
      x = x < last_x ? x : last_x;
      y = y < last_y ? y : last_y;
      const int left = static_cast<int>(x), top = static_cast<int>(y);
      const T fx = x - static_cast<T>(left), fy = y - static_cast<T>(top);
      const T* a = padded + top * static_cast<int>(stride) + left;
      const T* b = a + stride;
      const T upper = a[0] + fx * (a[1] - a[0]), lower = b[0] + fx * (b[1] - b[0]);
      plane[i] = upper + fy * (lower - upper);
    }
  }
}

CNNFAST_KERNELS_END
