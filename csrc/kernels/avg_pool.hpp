// Average-pooling over channels-last images, lanes over channels.
//
// y = (sum of the window) / d; dx[pixel] = sum of dy / d over the windows over it. Four vectors of channels go
// through a window side by side, so that the sums of a large one (a whole image, say) do not wait for each other and
// every cache line is read once.
#pragma once

#include "kernels/pool.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct AvgPool2dKernels {
  using G = AvgPool2d::Geometry;
  using V = Packet<T>;

  // dy / d of one image.
  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.backward_scratch = g.h_out * g.w_out * g.channels;
    return s;
  }

  // Pixels of a window along one axis, counted as the settings have it: padding or not, but nothing beyond it (where
  // a window hangs over, the number of windows being rounded up).
  static Index counted(const G& g, const PoolAxis& a, const Span& s) {
    if (a.adaptive || !g.count_padding) return s.end - s.first;
    const Index end = s.origin + a.kernel, most = a.in + a.after;
    return (end < most ? end : most) - s.origin;
  }
  static T divisor(const G& g, const Span& rows, const Span& cols) {
    if (g.divisor != 0) return static_cast<T>(g.divisor);
    return static_cast<T>(counted(g, g.rows(), rows) * counted(g, g.cols(), cols));
  }

  // K vectors of sums.
  template <int K, class Count>
  static CNNFAST_INLINE void mean(const Part& p, const V& d, const T* x, T* y, Count count) {
    V sum[K];
    CNNFAST_UNROLL
    for (int k = 0; k < K; ++k) sum[k] = zero<V>();
    for (Index i = 0; i < p.rows; ++i, x += p.row_step) {
      const T* from = x;
      for (Index j = 0; j < p.cols; ++j, from += p.col_step) {
        CNNFAST_UNROLL
        for (int k = 0; k < K; ++k) sum[k] = ei::padd(sum[k], load_upto<V>(from + k * kLanes<V>, count));
      }
    }
    CNNFAST_UNROLL
    for (int k = 0; k < K; ++k) store_upto(y + k * kLanes<V>, V(ei::pdiv(sum[k], d)), count);
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    constexpr std::integral_constant<Index, kLanes<V>> whole{};
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    const Index in_fours = g.channels / (4 * whole) * (4 * whole);
    for (Index image = 0; image < a.n; ++image) {
      const T* x = a.x + image * x_size;
      T* y = a.y + image * y_size;
      for_each_window(g, [&](Index to, const Span& r, const Span& c) {
        const Part p = part(g, r, c);
        const V d = broadcast<V>(divisor(g, r, c));
        for (Index lane = 0; lane < in_fours; lane += 4 * whole) {
          mean<4>(p, d, x + p.corner + lane, y + to + lane, whole);
        }
        const Index x_room = x_size - p.last(), y_room = y_size - to;
        for_each_lanes<V>(in_fours, g.channels, x_room < y_room ? x_room : y_room,
                          [&](Index lane, auto count) { mean<1>(p, d, x + p.corner + lane, y + to + lane, count); });
      });
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    for (Index image = 0; image < a.n; ++image) {
      const T* dy = a.dy + image * y_size;
      for_each_window(g, [&](Index at, const Span& r, const Span& c) {
        const V d = broadcast<V>(divisor(g, r, c));
        for_each_lanes<V>(0, g.channels, y_size - at, [&](Index lane, auto count) {
          store_upto(a.scratch + at + lane, V(ei::pdiv(load_upto<V>(dy + at + lane, count), d)), count);
        });
      });
      gather_windows(
          g, a.dx + image * x_size, zero<V>(),
          [&](Index at, auto count) { return load_upto<V>(a.scratch + at, count); },
          [](const V& share, const V&) { return share; });
    }
  }
};

CNNFAST_KERNELS_END
