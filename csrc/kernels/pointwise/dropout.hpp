// Dropout. Each number is drawn by key, the image's index in the batch and the element (or channel), see random.hpp.
#pragma once

#include <cstring>

#include "kernels/simd/math.hpp"
#include "kernels/simd/random.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

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
      const Draws draws(a.noise.key, static_cast<std::uint64_t>(a.noise.first_image + image));
      const auto drawn = [&](Index i) { return draws(static_cast<std::uint32_t>(i)) >= limit ? factor : T(0); };
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
