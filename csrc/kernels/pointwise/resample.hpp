// Upsampling and downsampling by integer factors. Backward of each is one of the others' forward, but for repeated
// values, whose gradients are summed in row order.
#pragma once

#include <cstring>

#include "kernels/simd/packet.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct Upsample2dKernels {
  using G = Upsample2d::Geometry;

  static KernelSizes sizes(const G&, Index) { return {}; }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    switch (g.kind) {
      case Resampling::repeat: return repeat(g, a.n, a.x, a.y);
      case Resampling::insert_zeros: return insert_zeros(g, a.n, a.x, a.y);
      case Resampling::pick: return pick(g, a.n, a.x, a.y);
    }
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    switch (g.kind) {
      case Resampling::repeat: return sum(g, a.n, a.dy, a.dx);
      case Resampling::insert_zeros: return pick(g, a.n, a.dy, a.dx);
      case Resampling::pick: return insert_zeros(g, a.n, a.dy, a.dx);
    }
  }

 private:
  static std::size_t bytes(Index elements) { return static_cast<std::size_t>(elements) * sizeof(T); }
  // The index in the large images of pixel (row, col) of small image number `image`.
  static Index place(const G& g, Index image, Index row, Index col) {
    return ((image * g.large.h + row * g.factor.h) * g.large.w + col * g.factor.w) * g.channels;
  }
  // Calls f(image, row, col, index in the small images) for all pixels of the small images.
  template <class F>
  static void for_each_pixel(const G& g, Index n, const F& f) {
    Index at = 0;
    for (Index image = 0; image < n; ++image) {
      for (Index row = 0; row < g.small.h; ++row) {
        for (Index col = 0; col < g.small.w; ++col, at += g.channels) f(image, row, col, at);
      }
    }
  }

  static void repeat(const G& g, Index n, const T* small, T* large) {
    const Index line = g.large.w * g.channels;
    for_each_pixel(g, n, [&](Index image, Index row, Index col, Index at) {
      T* to = large + place(g, image, row, col);
      for (Index i = 0; i < g.factor.w; ++i) std::memcpy(to + i * g.channels, small + at, bytes(g.channels));
      if (col + 1 < g.small.w) return;
      T* first = large + place(g, image, row, 0);  // its row is whole
      for (Index i = 1; i < g.factor.h; ++i) std::memcpy(first + i * line, first, bytes(line));
    });
  }
  static void insert_zeros(const G& g, Index n, const T* small, T* large) {
    if (n > 0) std::memset(large, 0, bytes(n * g.large.h * g.large.w * g.channels));
    for_each_pixel(g, n, [&](Index image, Index row, Index col, Index at) {
      std::memcpy(large + place(g, image, row, col), small + at, bytes(g.channels));
    });
  }
  static void pick(const G& g, Index n, const T* large, T* small) {
    for_each_pixel(g, n, [&](Index image, Index row, Index col, Index at) {
      std::memcpy(small + at, large + place(g, image, row, col), bytes(g.channels));
    });
  }
  static void sum(const G& g, Index n, const T* large, T* small) {
    using V = Packet<T>;
    for_each_pixel(g, n, [&](Index image, Index row, Index col, Index at) {
      const T* block = large + place(g, image, row, col);
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        V total = zero<V>();
        for (Index i = 0; i < g.factor.h; ++i) {
          const T* from = block + i * g.large.w * g.channels + c;  // may be read past: lanes never stored
          for (Index j = 0; j < g.factor.w; ++j) total = ei::padd(total, load<V>(from + j * g.channels));
        }
        store_upto(small + at + c, total, count);
      });
    });
  }
};

CNNFAST_KERNELS_END
