// PReLU: y = x above 0, slope x elsewhere, with a learned slope for each channel or one for all.
//
//   dx = dy above 0, slope dy elsewhere      dslope = sum of dy x where x is not above 0
#pragma once

#include "kernels/simd/channel_pattern.hpp"
#include "kernels/simd/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct PReLUKernels {
  using G = PReLU::Geometry;
  using V = Packet<T>;

  static KernelSizes sizes(const G& g, Index) {
    const Index along = ChannelPattern<T>(g.channels).length();
    return {g.slopes, g.slopes, along, along};
  }
  static void pack(const G& g, const T* params, T* packed, bool, const Slice& slice) {
    if (slice.first()) std::memcpy(packed, params, static_cast<std::size_t>(g.slopes) * sizeof(T));
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (slice.first()) std::memcpy(grads, packed_grads, static_cast<std::size_t>(g.slopes) * sizeof(T));
  }
  static void lay_out(const G& g, const ChannelPattern<T>& along, const T* slopes, T* to) {
    along.lay_out(to, [&](Index c) { return slopes[g.slopes == 1 ? 0 : c]; });
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const ChannelPattern<T> along(g.channels);
    lay_out(g, along, packed_as<T>(a), a.scratch);
    along.for_each_vector(a.n * g.size(), [&](Index i, Index k, Index count) {
      const V x = load_upto<V>(a.x + i, count);
      store_upto(a.y + i, where_less(zero<V>(), x, x, V(ei::pmul(x, load<V>(a.scratch + k)))), count);
    });
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    const ChannelPattern<T> along(g.channels);
    if (a.packed_grads != nullptr) add_slope_gradients(g, along, a);
    if (a.dx == nullptr) return;
    lay_out(g, along, packed_as<T>(a), a.scratch);
    along.for_each_vector(a.n * g.size(), [&](Index i, Index k, Index count) {
      const V x = load_upto<V>(a.x + i, count), dy = load_upto<V>(a.dy + i, count);
      store_upto(a.dx + i, where_less(zero<V>(), x, dy, V(ei::pmul(dy, load<V>(a.scratch + k)))), count);
    });
  }

 private:
  static void add_slope_gradients(const G& g, const ChannelPattern<T>& along, const BackwardArgs<T>& a) {
    T* sums = a.scratch;
    along.clear(sums);
    along.for_each_vector(a.n * g.size(), [&](Index i, Index k, Index count) {
      const V x = load_upto<V>(a.x + i, count), dy = load_upto<V>(a.dy + i, count);
      const V product = where_less(zero<V>(), x, zero<V>(), V(ei::pmul(x, dy)));
      store(sums + k, ei::padd(load<V>(sums + k), product));
    });
    const Index channels = g.channels / g.slopes;  // that share a slope
    for (Index s = 0; s < g.slopes; ++s) {
      double sum = a.accumulate ? static_cast<double>(a.packed_grads[s]) : 0;
      for (Index c = s * channels; c < (s + 1) * channels; ++c) sum += along.total(sums, c);
      a.packed_grads[s] = static_cast<T>(sum);
    }
  }
};

CNNFAST_KERNELS_END
