// Elementwise functions over whole values, forward above backward: alone (`Elementwise`), and as the last pass of
// the nodes that fuse one with a convolution (`activate`). The formulas are in functions.hpp.
#pragma once

#include "kernels/pointwise/functions.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// A loop over `size` elements, a packet of floats or one double at a time: f(first, count, V()).
template <class T, class F>
CNNFAST_INLINE void each_element(Index size, const F& f) {
  if constexpr (std::is_same_v<T, float>) {
    for_each_group<Packet<T>>(size, [&](Index i, Index count) { f(i, count, Packet<T>()); });
  } else {
    for (Index i = 0; i < size; ++i) f(i, Index{1}, T());
  }
}

// y = f(x + offset + residual) and the slope; offset, residual and slope may be null, y may be x.
template <class T>
void activate(const Function& function, Index size, const T* x, const T* offset, const T* residual, T* y, T* slope) {
  with_function(function, [&](const auto& f) {
    each_element<T>(size, [&](Index i, Index count, auto lane) {
      using V = decltype(lane);
      V v = load_upto<V>(x + i, count);
      if (offset != nullptr) v = ei::padd(v, load_upto<V>(offset + i, count));
      if (residual != nullptr) v = ei::padd(v, load_upto<V>(residual + i, count));
      const auto at = f(v);
      store_upto(y + i, at.value, count);
      if (slope != nullptr) store_upto(slope + i, at.slope, count);
    });
  });
}
// Compiled once, in instantiate/pointwise.cpp.
extern template void activate(const Function&, Index, const CNNFAST_ELEMENT*, const CNNFAST_ELEMENT*,
                              const CNNFAST_ELEMENT*, CNNFAST_ELEMENT*, CNNFAST_ELEMENT*);

template <class T>
struct ElementwiseKernels {
  using G = Elementwise::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    T* slope = g.function.slope_from_exponential() ? a.saved : nullptr;
    with_function(g.function, [&](const auto& f) {
      if (slope == nullptr) {
        each_element<T>(a.n * g.size(), [&](Index i, Index count, auto lane) {
          using V = decltype(lane);
          store_upto(a.y + i, f(load_upto<V>(a.x + i, count)).value, count);
        });
      } else {
        each_element<T>(a.n * g.size(), [&](Index i, Index count, auto lane) {
          using V = decltype(lane);
          const auto at = f(load_upto<V>(a.x + i, count));
          store_upto(a.y + i, at.value, count);
          store_upto(slope + i, at.slope, count);
        });
      }
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    if (g.function.slope_from_y()) return backward_relu(a.n * g.size(), a);
    if (g.function.slope_from_exponential()) {
      return map(
          a.n * g.size(), a.dx, [](const auto& dy, const auto& slope) { return ei::pmul(dy, slope); }, a.dy, a.saved);
    }
    with_function(g.function, [&](const auto& f) {
      each_element<T>(a.n * g.size(), [&](Index i, Index count, auto lane) {
        using V = decltype(lane);
        const V slope = f(load_upto<V>(a.x + i, count)).slope;
        store_upto(a.dx + i, V(ei::pmul(load_upto<V>(a.dy + i, count), slope)), count);
      });
    });
  }

  // dy where y > 0 (or NaN), else 0, also for an infinite dy.
  static void backward_relu(Index size, const BackwardArgs<T>& a) {
    map(
        size, a.dx,
        [](const auto& y, const auto& dy) {
          const auto none = ei::pzero(y);
          return where_less_equal(y, none, none, dy);
        },
        a.y, a.dy);
  }
};

CNNFAST_KERNELS_END
