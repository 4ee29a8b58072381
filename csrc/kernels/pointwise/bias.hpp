// Learned biases: one per channel, or one per channel and position.
#pragma once

#include "kernels/layout.hpp"
#include "kernels/simd/channel_pattern.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// The offsets lie packed in the layout of one image (positions x channels), or of one position.
template <class T>
void add_repeated(Index repeats, Index size, const T* x, const T* offsets, T* y) {
  for (Index i = 0; i < repeats; ++i) {
    map(size, y + i * size, [](const auto& v, const auto& b) { return ei::padd(v, b); }, x + i * size, offsets);
  }
}
template <class T>
void sum_repeated(Index repeats, Index size, const T* dy, T* sums, bool accumulate) {
  if (!accumulate) std::memset(sums, 0, static_cast<std::size_t>(size) * sizeof(T));
  Index i = 0;
  for (; i + 4 <= repeats; i += 4) {  // so that sums are read and written once for four images
    const T* d = dy + i * size;
    const auto sum = [](const auto& s, const auto& d0, const auto& d1, const auto& d2, const auto& d3) {
      return ei::padd(ei::padd(ei::padd(ei::padd(s, d0), d1), d2), d3);
    };
    map(size, sums, sum, sums, d, d + size, d + 2 * size, d + 3 * size);
  }
  for (; i < repeats; ++i) {
    map(size, sums, [](const auto& s, const auto& d) { return ei::padd(s, d); }, sums, dy + i * size);
  }
}
template <class T>
void pass_gradient(Index size, const T* dy, T* dx) {
  if (dx != nullptr) std::memcpy(dx, dy, static_cast<std::size_t>(size) * sizeof(T));
}

template <class T>
struct ChannelBiasKernels {
  using G = ChannelBias::Geometry;
  static KernelSizes sizes(const G& g, Index) {
    const Index along = ChannelPattern<T>(g.channels).length();
    return {g.channels, g.channels, along, along};
  }
  static void pack(const G& g, const T* params, T* packed, bool, const Slice& slice) {
    if (!slice.first()) return;
    std::memcpy(packed, params, static_cast<std::size_t>(g.channels) * sizeof(T));
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (!slice.first()) return;
    std::memcpy(grads, packed_grads, static_cast<std::size_t>(g.channels) * sizeof(T));
  }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    const ChannelPattern<T> along(g.channels);
    along.lay_out(a.scratch, [&](Index c) { return packed_as<T>(a)[c]; });
    along.for_each_vector(a.n * g.size(), [&](Index i, Index k, Index count) {
      using V = Packet<T>;
      store_upto(a.y + i, V(ei::padd(load_upto<V>(a.x + i, count), load<V>(a.scratch + k))), count);
    });
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.packed_grads != nullptr) {
      const ChannelPattern<T> along(g.channels);
      along.clear(a.scratch);
      along.add(a.n * g.size(), a.dy, a.scratch);
      for (Index c = 0; c < g.channels; ++c) {
        const double before = a.accumulate ? static_cast<double>(a.packed_grads[c]) : 0;
        a.packed_grads[c] = static_cast<T>(before + along.total(a.scratch, c));
      }
    }
    pass_gradient(a.n * g.size(), a.dy, a.dx);
  }
};

template <class T>
struct PositionBiasKernels {
  using G = PositionBias::Geometry;
  static KernelSizes sizes(const G& g, Index) { return {g.size(), g.size(), 0, 0}; }
  static void pack(const G& g, const T* params, T* packed, bool, const Slice& slice) {
    if (slice.first()) from_nchw(g.channels, g.positions, params, packed);
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (slice.first()) to_nchw(g.channels, g.positions, packed_grads, grads);
  }
  static void forward(const G& g, const ForwardArgs<T>& a) { add_repeated(a.n, g.size(), a.x, packed_as<T>(a), a.y); }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.packed_grads != nullptr) sum_repeated(a.n, g.size(), a.dy, a.packed_grads, a.accumulate);
    pass_gradient(a.n * g.size(), a.dy, a.dx);
  }
};

CNNFAST_KERNELS_END
