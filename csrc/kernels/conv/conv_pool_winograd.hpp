// Convolution, 2x2 max-pool and activation with the convolution by Winograd's algorithm: tiles of M x M outputs
// are pooled in registers, and the gradient of a tile is computed in registers from that of its windows.
#pragma once

#include "kernels/conv/conv_pool_backward.hpp"
#include "kernels/conv/winograd.hpp"

CNNFAST_KERNELS_BEGIN

template <class T, int M, int R>
struct ConvPoolWinograd {
  using G = ConvPool::Geometry;
  using W = Winograd<T, M, R>;
  using Tile = typename W::Tile;

  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
    W::pack(g.conv, params, packed, training, slice);
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    DirectConv2d<T>::unpack(g.conv, packed_grads, grads, slice);
  }
  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s = W::sizes(g.conv, n);
    s.backward_scratch += gradients(g, n);
    return s;
  }
  // The windows' gradients lie before the scratch of the convolution; whole cache lines.
  static Index gradients(const G& g, Index n) { return round_up<T>(n * g.outputs()); }

  // Calls f(i, j, index of the pooled value, does the window extend past the bottom, the right edge) for the
  // tile's windows, whose first output is (i, j).
  template <class F>
  static CNNFAST_INLINE void for_each_window(const G& g, const Tile& tile, Index c, const F& f) {
    CNNFAST_UNROLL
    for (int i = 0; i < M; i += 2) {
      CNNFAST_UNROLL
      for (int j = 0; j < M; j += 2) {
        const Index row = (tile.row + i) / 2, col = (tile.col + j) / 2;
        if (row >= g.h_out || col >= g.w_out) continue;
        const Index at = ((tile.image * g.h_out + row) * g.w_out + col) * g.conv.c_out + c;
        f(i, j, at, tile.row + i + 1 >= g.conv.h_out, tile.col + j + 1 >= g.conv.w_out);
      }
    }
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const T* bias = packed_as<T>(a) + W::kFrequencies * W::channel_pairs(g.conv);
    W::forward(g.conv, a, [&](const Tile& tile, Index c, const auto(&y)[M][M]) {
      using V = std::decay_t<decltype(y[0][0])>;
      const V offset = load<V>(bias + c);
      for_each_window(g, tile, c, [&](int i, int j, Index at, bool no_row, bool no_col) {
        // Candidates beyond the edge repeat the first, against which they never exceed.
        const V x0 = y[i][j];
        const V x1 = no_col ? x0 : y[i][j + 1], x2 = no_row ? x0 : y[i + 1][j];
        const V x3 = no_row || no_col ? x0 : y[i + 1][j + 1];
        V best, winner;
        largest_of_four<T>(x0, x1, x2, x3, best, winner);
        store(a.y + at, ei::padd(best, offset));
        if (a.saved != nullptr) store(a.saved + at, winner);
      });
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    const T* grad = PoolSparse<T>::through_activation(g, a, a.scratch);
    if (a.packed_grads != nullptr && g.conv.bias) {
      bias_gradient(a.n * g.windows(), g.conv.c_out, grad, a.packed_grads + DirectConv2d<T>::weights(g.conv),
                    a.accumulate);
    }
    const auto fetch = [&](const Tile& tile, Index c, auto(&dy)[M][M]) {
      using V = std::decay_t<decltype(dy[0][0])>;
      CNNFAST_UNROLL
      for (int i = 0; i < M; ++i) {
        CNNFAST_UNROLL
        for (int j = 0; j < M; ++j) dy[i][j] = zero<V>();
      }
      for_each_window(g, tile, c, [&](int i, int j, Index at, bool, bool) {
        const V value = load<V>(grad + at), winner = load<V>(a.saved + at);
        CNNFAST_UNROLL
        for (int k = 0; k < 4; ++k) {
          dy[i + k / 2][j + k % 2] = where_equal(winner, broadcast<V>(static_cast<T>(k)), value, zero<V>());
        }
      });
    };
    W::backward(g.conv, a.n, a.x, packed_as<T>(a), a.scratch + gradients(g, a.n), fetch, a.packed_grads, a.accumulate,
                a.dx);
  }
};

CNNFAST_KERNELS_END
