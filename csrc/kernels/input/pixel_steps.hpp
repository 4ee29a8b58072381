// Steps of an augmentation that change values in place: planes of one image, values from 0 to 255.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/input/draws.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct Planes {
  Index channels, h, w;
  T* values;
  T* scratch;  // one plane

  Index positions() const { return h * w; }
  Index size() const { return channels * h * w; }
};

template <class T>
CNNFAST_INLINE T in_range(T v) {
  v = v > 0 ? v : T(0);
  return v < 255 ? v : T(255);
}

template <class T>
void change(const EraseStep& s, const StepDraws& draw, const Planes<T>& image) {
  const double area = draw.in(s.scale, 1) * static_cast<double>(image.positions());
  const double ratio = std::exp(draw.in({std::log(s.ratio.low), std::log(s.ratio.high)}, 2));
  const auto side = [](double length, Index limit) {
    return std::min(static_cast<Index>(std::floor(length + 0.5)), limit);
  };
  const Index h = side(std::sqrt(area * ratio), image.h), w = side(std::sqrt(area / ratio), image.w);
  const auto first = [&](std::uint32_t index, Index room) {
    return static_cast<Index>(draw.uniform(index) * static_cast<double>(room + 1));
  };
  const Index top = first(3, image.h - h), left = first(4, image.w - w);
  for (Index c = 0; c < image.channels; ++c) {
    for (Index r = top; r < top + h; ++r) {
      std::fill_n(image.values + (c * image.h + r) * image.w + left, w, static_cast<T>(s.value));
    }
  }
}

// A sum of twelve uniform numbers less its mean has variance 1, and is normal up to six standard deviations.
template <class T>
void change(const NoiseStep& s, const StepDraws& draw, const Planes<T>& image) {
  const T scale = static_cast<T>(s.sigma / 65536);
  for (Index i = 0; i < image.size(); ++i) {
    std::int32_t sum = -6 * 65535;
    for (std::uint32_t k = 0; k < 6; ++k) {
      const std::uint32_t bits = draw(kFirstOfMany + 6 * static_cast<std::uint32_t>(i) + k);
      sum += static_cast<std::int32_t>(bits & 0xffffU) + static_cast<std::int32_t>(bits >> 16);
    }
    image.values[i] = in_range(image.values[i] + scale * static_cast<T>(sum));
  }
}

template <class T>
void change(const PixelFlipStep& s, const StepDraws& draw, const Planes<T>& image) {
  const auto count = static_cast<std::uint32_t>(s.count);
  for (std::uint32_t k = 0; k < count; ++k) {
    const auto i = static_cast<Index>(draw.uniform(kFirstOfMany + k) * static_cast<double>(image.positions()));
    for (Index c = 0; c < image.channels; ++c) {
      T& v = image.values[c * image.positions() + i];
      v = 255 - v;
    }
  }
}

template <class T>
void change(const JitterStep& s, const StepDraws& draw, const Planes<T>& image) {
  const T brightness = static_cast<T>(draw.in(s.brightness, 1)), contrast = static_cast<T>(draw.in(s.contrast, 2));
  T* v = image.values;
  double sum = 0;
  for (Index i = 0; i < image.size(); ++i) {
    v[i] = in_range(v[i] * brightness);
    sum += static_cast<double>(v[i]);
  }
  const T mean = static_cast<T>(sum / static_cast<double>(image.size()));
  for (Index i = 0; i < image.size(); ++i) v[i] = in_range(mean + (v[i] - mean) * contrast);
}

// v: the extreme of each pixel and its four neighbors, or part of the way to it.
template <class T, class Extreme>
void spread(const Planes<T>& image, T part, const Extreme& extreme) {
  const Index h = image.h, w = image.w;
  for (Index c = 0; c < image.channels; ++c) {
    T* plane = image.values + c * image.positions();
    std::copy_n(plane, image.positions(), image.scratch);
    for (Index r = 0; r < h; ++r) {
      const T* row = image.scratch + r * w;
      const T *above = r > 0 ? row - w : row, *below = r + 1 < h ? row + w : row;
      const auto pixel = [&](Index i, Index left, Index right) {
        const T v = extreme(extreme(extreme(row[i], above[i]), extreme(below[i], row[left])), row[right]);
        plane[r * w + i] = row[i] + part * (v - row[i]);
      };
      pixel(0, 0, std::min<Index>(1, w - 1));
      for (Index i = 1; i + 1 < w; ++i) pixel(i, i - 1, i + 1);
      if (w > 1) pixel(w - 1, w - 2, w - 1);
    }
  }
}

template <class T>
void change(const ThicknessStep& s, const StepDraws& draw, const Planes<T>& image) {
  const double pixels = draw.in(s.pixels, 1);
  for (double left = std::abs(pixels); left > 0; left -= 1) {
    const T part = static_cast<T>(std::min(left, 1.0));
    if (pixels > 0) {
      spread(image, part, [](T a, T b) { return a > b ? a : b; });
    } else {
      spread(image, part, [](T a, T b) { return a < b ? a : b; });
    }
  }
}

CNNFAST_KERNELS_END
