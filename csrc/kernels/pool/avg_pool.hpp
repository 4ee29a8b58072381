// Average pooling over channels-last images, lanes over channels.
//
// y = (sum of the window) / d; dx[pixel] = sum of dy / d over the windows over it. Four vectors of channels are
// summed together, so that the additions of a large window (a whole image, say) are independent and every cache line is
// read once.
#pragma once

#include "kernels/pool/pool_gather.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct AvgPool2dKernels {
  using G = AvgPool2d::Geometry;

  // dy / d of one image.
  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.backward_scratch = g.h_out * g.w_out * g.channels;
    return s;
  }

  // Pixels of a window along one axis, with padding or without, but never beyond the padding (where ceil_mode lets a
  // window extend past it).
  static Index counted(const G& g, const PoolAxis& a, const Span& s) {
    if (s.first == 0 && s.end == a.kernel) return a.kernel;  // without the division below
    if (a.adaptive || !g.count_padding) return s.end - s.first;
    const Index room = (a.in + a.after - s.origin + a.dilation - 1) / a.dilation;
    return a.kernel < room ? a.kernel : room;
  }
  static T divisor(const G& g, const Span& rows, const Span& cols) {
    if (g.divisor != 0) return static_cast<T>(g.divisor);
    return static_cast<T>(counted(g, g.rows(), rows) * counted(g, g.cols(), cols));
  }

  // Means of Vectors vectors of channels. K: as in for_each_tap.
  template <int Vectors, int K, class V, class Count>
  static CNNFAST_INLINE void mean(const Part& p, const V& d, const T* x, T* y, Count count) {
    V sum[Vectors];
    CNNFAST_UNROLL
    for (int v = 0; v < Vectors; ++v) sum[v] = zero<V>();
    for_each_tap<K, 0>(p, 0, [&](Index from, auto) {
      CNNFAST_UNROLL
      for (int v = 0; v < Vectors; ++v) sum[v] = ei::padd(sum[v], load_upto<V>(x + from + v * kLanes<V>, count));
    });
    CNNFAST_UNROLL
    for (int v = 0; v < Vectors; ++v) store_upto(y + v * kLanes<V>, V(ei::pdiv(sum[v], d)), count);
  }

  // A window, all channels.
  template <int K, class V>
  static CNNFAST_INLINE void means(const Part& p, const V& d, Index channels, Index room, const T* x, T* y) {
    constexpr std::integral_constant<Index, kLanes<V>> whole{};
    const Index in_fours = channels / (4 * whole) * (4 * whole);
    for (Index c = 0; c < in_fours; c += 4 * whole) mean<4, K>(p, d, x + c, y + c, whole);
    for_each_lanes<V>(in_fours, channels, room, [&](Index c, auto count) { mean<1, K>(p, d, x + c, y + c, count); });
  }

  // One image; K: as in with_kernel.
  template <class V, int K>
  static void forward_image(const G& geometry, const T* x, T* y) {
    const G g = geometry;  // a local copy: stores through y cannot change it
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    for_each_window(g, [&](Index to, const Span& r, const Span& c) {
      const Part p = part(g, r, c);
      const V d = broadcast<V>(divisor(g, r, c));
      const Index x_room = x_size - p.last(), y_room = y_size - to, room = x_room < y_room ? x_room : y_room;
      if (K > 0 && p.rows == K && p.cols == K) {
        means<K>(p, d, g.channels, room, x + p.corner, y + to);
      } else {
        means<0>(p, d, g.channels, room, x + p.corner, y + to);
      }
    });
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    with_vector<T>(g.channels, [&](auto vector) {
      with_kernel(g, [&](auto k) {
        for (Index i = 0; i < a.n; ++i) forward_image<decltype(vector), k>(g, a.x + i * x_size, a.y + i * y_size);
      });
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    with_vector<T>(g.channels, [&](auto vector) { backward_images<decltype(vector)>(g, a); });
  }
  template <class V>
  static void backward_images(const G& geometry, const BackwardArgs<T>& a) {
    const G g = geometry;
    const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels;
    for (Index image = 0; image < a.n; ++image) {
      const T* dy = a.dy + image * y_size;
      for_each_window(g, [&](Index at, const Span& r, const Span& c) {
        const V d = broadcast<V>(divisor(g, r, c));
        for_each_lanes<V>(0, g.channels, y_size - at, [&](Index lane, auto count) {
          store_upto(a.scratch + at + lane, V(ei::pdiv(load_upto<V>(dy + at + lane, count), d)), count);
        });
      });
      gather_windows<V>(
          g, a.dx + image * x_size, zero<V>(),
          [&](Index at, auto count) { return load_upto<V>(a.scratch + at, count); },
          [](const V& share, const V&) { return share; });
    }
  }
};

CNNFAST_KERNELS_END
