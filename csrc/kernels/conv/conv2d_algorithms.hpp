// Conv2d's algorithms. Only instantiate/products.cpp needs them: others call what conv2d.hpp declares.
#pragma once

#include "kernels/conv/conv2d.hpp"
#include "kernels/conv/conv2d_lanewise.hpp"
#include "kernels/conv/winograd.hpp"

CNNFAST_KERNELS_BEGIN

template <class T, int M, int R>
struct WinogradConv2d {
  using G = PlannedConv;
  using W = Winograd<T, M, R>;
  using Direct = DirectConv2d<T>;

  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s = W::sizes(g, n);
    const Index direct = Direct::sizes(g, n).backward_scratch;
    if (s.backward_scratch < direct) s.backward_scratch = direct;
    return s;
  }
  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
    W::pack(g, params, packed, training, slice);
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    Direct::unpack(g, packed_grads, grads, slice);
  }

  // Calls f(i, j, index in y) for the tile's pixels that lie on the image.
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
    const T* bias = packed_as<T>(a) + W::kFrequencies * W::channel_pairs(g);
    W::forward(g, a, [&](const typename W::Tile& tile, Index c, const auto(&y)[M][M]) {
      const auto offset = load<std::decay_t<decltype(y[0][0])>>(bias + c);
      for_each_pixel(g, tile, c, [&](int i, int j, Index at) { store(a.y + at, ei::padd(y[i][j], offset)); });
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.packed_grads != nullptr && g.bias) {
      bias_gradient(Direct::forward_correlation(g, a.n), a.dy, a.packed_grads + Direct::weights(g), a.accumulate);
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
    T* dw = a.packed_grads;
    if (dw != nullptr && few_tiles(g, a.n)) {
      correlate_weights(Direct::forward_correlation(g, a.n), Direct::pad_input(g, a.n, a.x, a.scratch), a.dy, dw,
                        a.accumulate);
      dw = nullptr;
    }
    if (dw != nullptr || a.dx != nullptr)
      W::backward(g, a.n, a.x, packed_as<T>(a), a.scratch, fetch, dw, a.accumulate, a.dx);
  }

  // The gradient of weights is summed in all frequencies and transformed back once. Where that touches much memory for
  // few tiles, the direct kernel is faster; its cost for each weight of a frequency is measured in
  // multiply-adds, and larger where they lie beyond the second-level cache.
  static bool few_tiles(const G& g, Index n) {
    constexpr Index cached = Index{1} << 20, near = 6, far = 35;
    const Index bytes = W::kFrequencies * W::channel_pairs(g) * static_cast<Index>(sizeof(T));
    const Index winograd = W::kFrequencies * (n * W::tiles(g) + (bytes <= cached ? near : far));
    return W::kTaps * n * g.h_out * g.w_out < winograd;
  }
};

// Calls f(the algorithm that the plan has chosen).
template <class T, class F>
auto with_algorithm(const PlannedConv& g, const F& f) {
  switch (g.algorithm.winograd) {
    case 2: return g.kernel.h == 5 ? f(WinogradConv2d<T, 2, 5>()) : f(WinogradConv2d<T, 2, 3>());
    case 4: return f(WinogradConv2d<T, 4, 3>());
    default: return g.algorithm.lanewise ? f(LanewiseConv2d<T>()) : f(DirectConv2d<T>());
  }
}

template <class T>
KernelSizes Conv2dKernels<T>::sizes(const G& g, Index n) {
  return with_algorithm<T>(g, [&](auto algorithm) { return algorithm.sizes(g, n); });
}
template <class T>
void Conv2dKernels<T>::pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
  with_algorithm<T>(g, [&](auto algorithm) { algorithm.pack(g, params, packed, training, slice); });
}
template <class T>
void Conv2dKernels<T>::unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
  with_algorithm<T>(g, [&](auto algorithm) { algorithm.unpack(g, packed_grads, grads, slice); });
}
template <class T>
void Conv2dKernels<T>::forward(const G& g, const ForwardArgs<T>& a) {
  with_algorithm<T>(g, [&](auto algorithm) { algorithm.forward(g, a); });
}
template <class T>
void Conv2dKernels<T>::backward(const G& g, const BackwardArgs<T>& a) {
  with_algorithm<T>(g, [&](auto algorithm) { algorithm.backward(g, a); });
}

CNNFAST_KERNELS_END
