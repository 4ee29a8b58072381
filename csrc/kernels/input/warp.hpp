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

// Bilinear interpolation at a block of positions in a plane (h, w) whose edge continues outside. In three loops, so
// that compilers vectorize all but the one of the loads.
template <class T>
class Interpolation {
 public:
  static constexpr Index kBlock = 64;

  Interpolation(Index h, Index w)
      : w_(static_cast<int>(w)),
        right_(w > 1 ? 1 : 0),
        below_(h > 1 ? w : 0),
        last_x_(static_cast<T>(w - 1)),
        last_y_(static_cast<T>(h - 1)),
        last_left_(std::max(static_cast<int>(w) - 2, 0)),
        last_top_(std::max(static_cast<int>(h) - 2, 0)) {}

  // The positions are (x, y) + shift.
  void find(Index count, const T* x_from, const T* y_from, T shift) {
    count_ = count;
    for (Index i = 0; i < count; ++i) {
      T x = x_from[i] + shift, y = y_from[i] + shift;
      x = x > 0 ? x : T(0);  // also of NaN
      y = y > 0 ? y : T(0);
      x = x < last_x_ ? x : last_x_;
      y = y < last_y_ ? y : last_y_;
      const int left = std::min(static_cast<int>(x), last_left_), top = std::min(static_cast<int>(y), last_top_);
      fx_[i] = x - static_cast<T>(left);
      fy_[i] = y - static_cast<T>(top);
      corner_[i] = top * w_ + left;
    }
  }
  // The values there, handed to take(i, value).
  template <class F>
  void values(const T* plane, const F& take) const {
    T a[kBlock], b[kBlock], c[kBlock], d[kBlock];
    for (Index i = 0; i < count_; ++i) {
      const T *upper = plane + corner_[i], *lower = upper + below_;
      a[i] = upper[0];
      b[i] = upper[right_];
      c[i] = lower[0];
      d[i] = lower[right_];
    }
    for (Index i = 0; i < count_; ++i) {
      const T upper = a[i] + fx_[i] * (b[i] - a[i]), lower = c[i] + fx_[i] * (d[i] - c[i]);
      take(i, upper + fy_[i] * (lower - upper));
    }
  }

 private:
  int w_;
  Index right_, below_;
  T last_x_, last_y_;
  int last_left_, last_top_;
  Index count_ = 0;
  int corner_[kBlock];
  T fx_[kBlock], fy_[kBlock];
};

// The displacements at the pixels; at other positions they are interpolated.
template <class T>
void transform(const ElasticStep& s, const StepDraws& draw, const AugmentationKey&, const Positions<T>& at) {
  // A cubic B-spline of this spacing has the standard deviation sigma. A Gaussian filter leaves 1 / (4 pi sigma^2) of
  // the variance of noise, the spline (151 / 315)^2 of that of its coefficients.
  const double spacing = s.sigma * 1.7320508075688772;
  const double amplitude = s.alpha / s.sigma * 0.28209479177387814 / (151.0 / 315);
  const T per_pixel = static_cast<T>(1 / spacing);
  const Index rows = spline_count(at.h, per_pixel), columns = spline_count(at.w, per_pixel);
  T* coefficients = at.coefficients;  // of x and y in turn
  for (Index i = 0; i < 2 * rows * columns; ++i) {
    const double u = draw.uniform(kFirstOfMany + static_cast<std::uint32_t>(i));
    coefficients[i] = static_cast<T>((2 * u - 1) * amplitude);
  }
  // Along x for each row of coefficients, which are fewer than those of the image: a row of x, then one of y.
  T* along = coefficients + 2 * rows * columns;
  for (Index c = 0; c < at.w; ++c) {
    T b[4];
    const T* from = coefficients + 2 * spline_weights(static_cast<T>(c) * per_pixel, b);
    for (Index r = 0; r < rows; ++r) {
      const T* v = from + 2 * r * columns;
      along[2 * r * at.w + c] = b[0] * v[0] + b[1] * v[2] + b[2] * v[4] + b[3] * v[6];
      along[(2 * r + 1) * at.w + c] = b[0] * v[1] + b[1] * v[3] + b[2] * v[5] + b[3] * v[7];
    }
  }
  T *dx = at.field, *dy = at.field + at.size();
  for (Index r = 0; r < at.h; ++r) {
    T b[4];
    const T* v = along + 2 * at.w * spline_weights(static_cast<T>(r) * per_pixel, b);
    for (T* to : {dx + r * at.w, dy + r * at.w}) {
      for (Index c = 0; c < at.w; ++c, ++v) {
        to[c] = b[0] * v[0] + b[1] * v[2 * at.w] + b[2] * v[4 * at.w] + b[3] * v[6 * at.w];
      }
    }
  }
  if (at.on_grid) {
    for (Index i = 0; i < at.size(); ++i) {
      at.x[i] += dx[i];
      at.y[i] += dy[i];
    }
    return;
  }
  Interpolation<T> between(at.h, at.w);
  for (Index first = 0; first < at.size(); first += Interpolation<T>::kBlock) {
    T *x = at.x + first, *y = at.y + first;
    between.find(std::min(Interpolation<T>::kBlock, at.size() - first), x, y, 0);
    between.values(dx, [x](Index i, T v) { x[i] += v; });
    between.values(dy, [y](Index i, T v) { y[i] += v; });
  }
}

// image at the positions; `padded` is scratch for one plane with a pixel more on each side.
template <class T>
void resample(const Positions<T>& at, Index channels, T fill, T* padded, T* image) {
  const Index h = at.h, w = at.w, stride = w + 2;
  Interpolation<T> between(h + 2, stride);
  for (Index c = 0; c < channels; ++c) {
    T* plane = image + c * at.size();
    std::fill_n(padded, (h + 2) * stride, fill);
    for (Index r = 0; r < h; ++r) std::copy_n(plane + r * w, w, padded + (r + 1) * stride + 1);
    for (Index first = 0; first < at.size(); first += Interpolation<T>::kBlock) {
      between.find(std::min(Interpolation<T>::kBlock, at.size() - first), at.x + first, at.y + first, 1);
      between.values(padded, [to = plane + first](Index i, T v) { to[i] = v; });
    }
  }
}

CNNFAST_KERNELS_END
