// Dropout. Each number is a hash of the key, the image's index in the batch and the element (or channel): counters
// instead of a generator's state, so that results do not depend on the order of images, tiles and threads.
#pragma once

#include <cstring>

#include "kernels/simd/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// Two rounds of a 32-bit mixing function (the constants are Wellons's "lowbias32",
// https://nullprogram.com/blog/2018/07/31/).
CNNFAST_INLINE std::uint32_t mix(std::uint32_t v) {
  v ^= v >> 16;
  v *= 0x7feb352dU;
  v ^= v >> 15;
  v *= 0x846ca68bU;
  v ^= v >> 16;
  return v;
}

template <class T>
struct DropoutKernels {
  using G = Dropout::Geometry;

  static KernelSizes sizes(const G&, Index) { return {}; }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const Index size = g.size();
    if (a.saved == nullptr) {
      std::memcpy(a.y, a.x, static_cast<std::size_t>(a.n * size) * sizeof(T));
      return;
    }
    const double keep = 1 - g.p;
    const T factor = keep == 0 ? T(0) : static_cast<T>(1 / keep);
    // A value is dropped when its number lies below p 2^32; all are when p is 1.
    const auto limit = static_cast<std::uint32_t>(g.p * 4294967295.0);
    for (Index image = 0; image < a.n; ++image) {
      const auto place = static_cast<std::uint64_t>(a.noise.first_image + image);
      const std::uint32_t low = mix(static_cast<std::uint32_t>(a.noise.key) ^ static_cast<std::uint32_t>(place));
      const std::uint32_t high = mix(static_cast<std::uint32_t>(a.noise.key >> 32) + low);
      const auto drawn = [&](Index i) {
        return mix(mix(static_cast<std::uint32_t>(i) ^ low) + high) >= limit ? factor : T(0);
      };
      T* mask = a.saved + image * size;
      if (g.whole_channels) {
        for (Index c = 0; c < g.channels; ++c) mask[c] = drawn(c);
        for (Index i = g.channels; i < size; ++i) mask[i] = mask[i - g.channels];
      } else {
        for (Index i = 0; i < size; ++i) mask[i] = drawn(i);
      }
    }
    // A value that is not finite is dropped like any other.
    by_mask(a.n * size, a.x, a.saved, a.y);
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx != nullptr) by_mask(a.n * g.size(), a.dy, a.saved, a.dx);
  }
  static void by_mask(Index size, const T* x, const T* mask, T* y) {
    map(
        size, y,
        [](const auto& v, const auto& m) {
          const auto none = ei::pzero(m);
          return where_equal(m, none, none, ei::pmul(v, m));
        },
        x, mask);
  }
};

CNNFAST_KERNELS_END
