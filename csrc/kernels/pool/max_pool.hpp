// Max pooling over channels-last images, lanes over channels.
//
// Forward keeps, for each output, the position of the largest value in its window (row by row, as a number
// of the element type so that one comparison serves any width). A value replaces the largest only if it
// is strictly larger, so ties go to the first in row order; NaN always does, as in PyTorch.
#pragma once

#include "kernels/pool/pool_gather.hpp"
#include "kernels/simd/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct MaxPool2dKernels {
  using G = MaxPool2d::Geometry;

  static KernelSizes sizes(const G&, Index) { return {}; }

  // Largest value of a part, and its number if wanted. K: as in for_each_tap.
  template <class V, int K, bool Numbers, class Count>
  static CNNFAST_INLINE void largest(const G& g, const Part& p, Count count, const T* x, V& best, V& at) {
    best = load_upto<V>(x, count);
    at = broadcast<V>(static_cast<T>(p.number));
    for_each_tap<K, 1>(p, g.kernel.w, [&](Index from, auto number) {
      const V v = load_upto<V>(x + from, count);
      if constexpr (Numbers) {
        update_max(v, broadcast<V>(static_cast<T>(number)), best, at);
      } else {
        best = where_wins(v, best, v, best);
      }
    });
  }

  // One image; K: as in with_kernel.
  template <class V, int K, bool Numbers>
  static void forward_image(const G& geometry, const T* x, T* y, T* saved) {
    const G g = geometry;  // a local copy: stores through y cannot change it
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    for_each_window(g, [&](Index to, const Span& r, const Span& c) {
      const Part p = part(g, r, c);
      const Index x_room = x_size - p.last(), y_room = y_size - to;
      for_each_lanes<V>(0, g.channels, x_room < y_room ? x_room : y_room, [&](Index lane, auto count) {
        V best, at;
        if (K > 0 && p.rows == K && p.cols == K) {
          largest<V, K, Numbers>(g, p, count, x + p.corner + lane, best, at);
        } else {
          largest<V, 0, Numbers>(g, p, count, x + p.corner + lane, best, at);
        }
        store_upto(y + to + lane, best, count);
        if constexpr (Numbers) store_upto(saved + to + lane, at, count);
      });
    });
  }
  template <bool Numbers>
  static void forward_images(const G& g, const ForwardArgs<T>& a) {
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    with_vector<T>(g.channels, [&](auto vector) {
      with_kernel(g, [&](auto k) {
        for (Index i = 0; i < a.n; ++i) {
          forward_image<decltype(vector), k, Numbers>(g, a.x + i * x_size, a.y + i * y_size,
                                                      Numbers ? a.saved + i * y_size : nullptr);
        }
      });
    });
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    a.saved == nullptr ? forward_images<false>(g, a) : forward_images<true>(g, a);
  }

  // A window's gradient, and the number of the pixel it goes to.
  template <class V>
  struct Winner {
    V at, dy;
  };

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    with_vector<T>(g.channels, [&](auto vector) { backward_images<decltype(vector)>(g, a); });
  }
  template <class V>
  static void backward_images(const G& g, const BackwardArgs<T>& a) {
    using W = Winner<V>;
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    const W none{broadcast<V>(T(-1)), zero<V>()};
    for (Index i = 0; i < a.n; ++i) {
      const T *dy = a.dy + i * y_size, *saved = a.saved + i * y_size;
      gather_windows<V>(
          g, a.dx + i * x_size, none,
          [&](Index at, auto count) { return W{load_upto<V>(saved + at, count), load_upto<V>(dy + at, count)}; },
          [](const W& w, const V& number) { return where_equal(w.at, number, w.dy, zero<V>()); });
    }
  }
};

CNNFAST_KERNELS_END
