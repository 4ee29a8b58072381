// Convolution, 2x2 max-pool and activation in one pass.
//
// Forward, direct: a register tile holds the four convolution outputs of a window (of two windows where registers
// allow), so pooling happens in registers and the full convolution output is never stored. What backward
// needs is saved at a quarter of the size: which of the four was largest, and the activation's slope there.
// The activation follows as a pass over the pooled values. Backward: conv_pool_backward.hpp. Dense 3x3 windows
// with many channels go through conv_pool_winograd.hpp instead.
#pragma once

#include "kernels/conv/conv2d_direct.hpp"
#include "kernels/conv/conv_pool_backward.hpp"
#include "kernels/conv/conv_pool_winograd.hpp"
#include "kernels/pointwise/activations.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct ConvPoolDirect {
  using G = ConvPool::Geometry;
  using Conv = DirectConv2d<T>;

  // y, at: first channel of this block; `at` null in inference.
  struct Outputs {
    T* y;
    T* at;
    Index last_lanes;
  };

  // Pools P / 4 windows out of the accumulators of a tile.
  template <class V, int P, int K>
  static CNNFAST_INLINE void pool(const V (&acc)[P][K], const Index (&offset)[P / 4], const Outputs& out) {
    constexpr int L = kLanes<V>;
    CNNFAST_UNROLL
    for (int w = 0; w < P / 4; ++w) {
      CNNFAST_UNROLL
      for (int k = 0; k < K; ++k) {
        V best, at;
        largest_of_four<T>(acc[4 * w][k], acc[4 * w + 1][k], acc[4 * w + 2][k], acc[4 * w + 3][k], best, at);
        const Index lanes = k + 1 < K ? L : out.last_lanes;
        store_upto(out.y + offset[w] + k * L, best, lanes);
        if (out.at != nullptr) store_upto(out.at + offset[w] + k * L, at, lanes);
      }
    }
  }

  // Outputs of W windows side by side on an image of one channel: two pointers serve all.
  struct WindowPixels {
    static constexpr bool kTapRows = false;
    const T* top;
    const T* bottom;
    CNNFAST_INLINE T at(int p, Index r) const {
      const T* row = p % 4 < 2 ? top : bottom;  // a name of its own: GCC 12's UBSan miscompiles (a ? b : c)[i]
      return row[p / 4 * 2 + p % 2 + r];
    }
    CNNFAST_INLINE void advance(Index step) {
      top += step;
      bottom += step;
    }
  };

  // W windows from `window` on, which moves past them.
  template <class V, int W, int K>
  static CNNFAST_INLINE void windows(const G& g, const Correlation& c, const T* x, const T* w, const T* bias, Index q,
                                     PoolWindow& window, const Outputs& out) {
    ScatteredPixels<T, 4 * W> xs;
    Index offset[W];
    for (int i = 0; i < W; ++i, window.next()) {
      for (int j = 0; j < 4; ++j) xs.x[4 * i + j] = x + window.offset(j, c.x_image, c.x_row, c.x_col);
      offset[i] = (q + i) * g.conv.c_out;
    }
    correlate_tile<V, 4 * W, K>(c, xs, w, bias, [&](const auto& acc) { pool<V, 4 * W, K>(acc, offset, out); });
  }

  template <class V, int K>
  static void block(const G& g, Index n, const Correlation& c, const T* x, const T* w, const T* bias,
                    const Outputs& out) {
    constexpr int W = max_pixels(K) / 4;
    const Index count = n * g.windows();
    PoolWindow window(g);
    Index q = 0;
    for (; q + W <= count; q += W) windows<V, W, K>(g, c, x, w, bias, q, window, out);
    for (; q < count; ++q) windows<V, 1, K>(g, c, x, w, bias, q, window, out);
  }

  // The same for inputs of one channel, row of windows by row of windows. No window hangs over the edge.
  template <class V, int K>
  static void block_of_rows(const G& g, Index n, const Correlation& c, const T* x, const T* w, const T* bias,
                            const Outputs& out) {
    constexpr int W = max_pixels(K) / 4;
    Index q = 0;
    for (Index image = 0; image < n; ++image) {
      for (Index row = 0; row < g.h_out; ++row) {
        const T* top = x + image * c.x_image + 2 * row * c.x_row;
        const auto some = [&](auto constant, Index col) {
          constexpr int N = decltype(constant)::value;
          Index offset[N];
          for (int i = 0; i < N; ++i) offset[i] = (q + col + i) * g.conv.c_out;
          const WindowPixels pixels{top + 2 * col, top + c.x_row + 2 * col};
          correlate_tile<V, 4 * N, K>(c, pixels, w, bias,
                                      [&](const auto& acc) { pool<V, 4 * N, K>(acc, offset, out); });
        };
        Index col = 0;
        for (; col + W <= g.w_out; col += W) some(std::integral_constant<int, W>(), col);
        for (; col < g.w_out; ++col) some(std::integral_constant<int, 1>(), col);
        q += g.w_out;
      }
    }
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const T* x = Conv::pad_input(g.conv, a.n, a.x, a.scratch);
    const Correlation c = Conv::forward_correlation(g.conv, a.n);
    const T* bias = g.conv.bias ? packed_as<T>(a) + Conv::weights(g.conv) : nullptr;
    for_each_block<T>(g.conv.c_out, c.taps * c.run, [&](auto vector, auto k, Index first, Index offset) {
      using V = decltype(vector);
      constexpr int K = decltype(k)::value;
      const Index rest = g.conv.c_out - first - (K - 1) * kLanes<V>;
      const Outputs out{a.y + first, a.saved == nullptr ? nullptr : a.saved + first,
                        rest < kLanes<V> ? rest : Index{kLanes<V>}};
      const T* start = bias == nullptr ? nullptr : bias + first;
      const bool whole = 2 * g.h_out <= g.conv.h_out && 2 * g.w_out <= g.conv.w_out;
      if (g.conv.c_in == 1 && whole) {
        block_of_rows<V, K>(g, a.n, c, x, packed_as<T>(a) + offset, start, out);
      } else {
        block<V, K>(g, a.n, c, x, packed_as<T>(a) + offset, start, out);
      }
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) { PoolSparse<T>::backward(g, a); }

  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s = PoolSparse<T>::sizes(g, n);
    s.forward_scratch = g.conv.pad.any() ? n * Conv::padded_x(g.conv) : 0;
    return s;
  }
  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
    Conv::pack_forward(g.conv, params, packed, slice);
    if (training && slice.first()) PoolSparse<T>::pack(g, params, packed + Conv::forward_packed(g.conv));
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (slice.first()) PoolSparse<T>::unpack(g, packed_grads, grads);
  }
};

template <class T>
struct ConvPoolKernels {
  using G = ConvPool::Geometry;

  template <class F>
  static auto with_algorithm(const G& g, const F& f) {
    switch (g.conv.algorithm.winograd) {
      case 2: return g.conv.kernel.h == 5 ? f(ConvPoolWinograd<T, 2, 5>()) : f(ConvPoolWinograd<T, 2, 3>());
      case 4: return f(ConvPoolWinograd<T, 4, 3>());
      default: return f(ConvPoolDirect<T>());
    }
  }
  static KernelSizes sizes(const G& g, Index n) {
    return with_algorithm(g, [&](auto algorithm) { return algorithm.sizes(g, n); });
  }
  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
    with_algorithm(g, [&](auto algorithm) { algorithm.pack(g, params, packed, training, slice); });
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    with_algorithm(g, [&](auto algorithm) { algorithm.unpack(g, packed_grads, grads, slice); });
  }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    with_algorithm(g, [&](auto algorithm) { algorithm.forward(g, a); });
    if (g.activation.kind == Function::Kind::identity) return;
    const Index size = a.n * g.outputs();
    if (a.slice.parts == 1) {
      activate<T>(g.activation, size, a.y, nullptr, nullptr, a.y, a.saved == nullptr ? nullptr : a.saved + size);
    } else {
      WinogradPartition<T>::for_each_run(
          g.conv, a.slice, g.conv.algorithm.winograd / 2, g.h_out, g.w_out, [&](Index at, Index count) {
            activate<T>(g.activation, count, a.y + at, nullptr, nullptr, a.y + at, nullptr);
          });
    }
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    with_algorithm(g, [&](auto algorithm) { algorithm.backward(g, a); });
  }
};

CNNFAST_KERNELS_END
