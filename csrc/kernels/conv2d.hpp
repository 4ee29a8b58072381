// Conv2d by the algorithm that its geometry names: direct, or Winograd's for dense 3x3 windows.
#pragma once

#include "kernels/conv2d_direct.hpp"
#include "kernels/winograd.hpp"

CNNFAST_KERNELS_BEGIN

template <class T, int M>
struct WinogradConv2d {
  using G = Conv2d::Geometry;
  using W = Winograd<T, M>;

  static KernelSizes sizes(const G& g, Index n) { return W::sizes(g, n); }
  static void pack(const G& g, const T* params, T* packed, bool training) { W::pack(g, params, packed, training); }
  static void unpack(const G& g, const T* packed_grads, T* grads) { DirectConv2d<T>::unpack(g, packed_grads, grads); }

  // Calls f(i, j, place in y) for the tile's pixels that lie on the image.
  template <class F>
  static CNNFAST_INLINE void for_each_pixel(const G& g, const typename W::Tile& tile, Index c, const F& f) {
    const Index first = ((tile.image * g.h_out + tile.row) * g.w_out + tile.col) * g.c_out + c;
    const Index row = g.w_out * g.c_out;
    CNNFAST_UNROLL
    for (int i = 0; i < M; ++i) {
      CNNFAST_UNROLL
      for (int j = 0; j < M; ++j) {
        if (tile.row + i < g.h_out && tile.col + j < g.w_out) f(i, j, first + i * row + j * g.c_out);
      }
    }
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const T* bias = a.packed + W::kFrequencies * W::channel_pairs(g);
    W::forward(g, a.n, a.x, a.packed, a.scratch, [&](const typename W::Tile& tile, Index c, const auto(&y)[M][M]) {
      const auto offset = load<std::decay_t<decltype(y[0][0])>>(bias + c);
      for_each_pixel(g, tile, c, [&](int i, int j, Index at) { store(a.y + at, ei::padd(y[i][j], offset)); });
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.packed_grads != nullptr && g.bias) {
      bias_gradient(DirectConv2d<T>::forward_correlation(g, a.n), a.dy, a.packed_grads + DirectConv2d<T>::weights(g),
                    a.fresh);
    }
    const auto fetch = [&](const typename W::Tile& tile, Index c, auto(&dy)[M][M]) {
      using V = std::decay_t<decltype(dy[0][0])>;
      CNNFAST_UNROLL
      for (int i = 0; i < M; ++i) {
        CNNFAST_UNROLL
        for (int j = 0; j < M; ++j) dy[i][j] = zero<V>();
      }
      for_each_pixel(g, tile, c, [&](int i, int j, Index at) { dy[i][j] = load<V>(a.dy + at); });
    };
    W::backward(g, a.n, a.x, a.packed, a.scratch, fetch, a.packed_grads, a.fresh, a.dx);
  }
};

template <class T>
struct Conv2dKernels {
  using G = Conv2d::Geometry;

  template <class F>
  static auto with_algorithm(const G& g, const F& f) {
    switch (g.winograd) {
      case 2: return f(WinogradConv2d<T, 2>());
      case 4: return f(WinogradConv2d<T, 4>());
      default: return f(DirectConv2d<T>());
    }
  }
  static KernelSizes sizes(const G& g, Index n) {
    return with_algorithm(g, [&](auto algorithm) { return algorithm.sizes(g, n); });
  }
  static void pack(const G& g, const T* params, T* packed, bool training) {
    with_algorithm(g, [&](auto algorithm) { algorithm.pack(g, params, packed, training); });
  }
  static void unpack(const G& g, const T* packed_grads, T* grads) {
    with_algorithm(g, [&](auto algorithm) { algorithm.unpack(g, packed_grads, grads); });
  }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    with_algorithm(g, [&](auto algorithm) { algorithm.forward(g, a); });
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    with_algorithm(g, [&](auto algorithm) { algorithm.backward(g, a); });
  }
};

CNNFAST_KERNELS_END
