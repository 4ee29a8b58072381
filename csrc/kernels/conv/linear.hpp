// Linear, and 1x1 convolutions with large weights: forward and the gradient of the input as a 1x1 convolution, for
// Linear one whose pixels are the images of a tile. The gradient of the weights is one product over all rows, an image
// and a position each, of the batch:
//
//   dw[o][i] = sum_n dy[n][o] * x[n][i]        db[o] = sum_n dy[n][o]
//
// A product over the few rows of a tile would read and write all of dw for each of them; this one writes it once, in
// the layout of the parameter. Register tile: P outputs x K vectors of inputs.
#pragma once

#include "kernels/conv/conv2d_direct.hpp"

CNNFAST_KERNELS_BEGIN

// dw = (or, if `accumulate`, +=) the products of x and dy, `last_lanes` of the last vector being inputs.
template <class V, int P, int K, class T>
CNNFAST_INLINE void outer_products(Index n, const T* x, Index x_row, const T* dy, Index dy_row, T* dw, Index last_lanes,
                                   bool accumulate) {
  constexpr int L = kLanes<V>;
  V acc[P][K];
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) {
    CNNFAST_UNROLL
    for (int k = 0; k < K; ++k) acc[p][k] = zero<V>();
  }
  for (Index i = 0; i < n; ++i, x += x_row, dy += dy_row) {
    V xv[K];
    CNNFAST_UNROLL
    for (int k = 0; k < K; ++k) xv[k] = load<V>(x + k * L);  // may read past the row: lanes never stored
    CNNFAST_UNROLL
    for (int p = 0; p < P; ++p) {
      const V d = broadcast<V>(dy[p]);
      CNNFAST_UNROLL
      for (int k = 0; k < K; ++k) acc[p][k] = ei::pmadd(d, xv[k], acc[p][k]);
    }
  }
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) {
    CNNFAST_UNROLL
    for (int k = 0; k < K; ++k) {
      T* to = dw + p * x_row + k * L;
      const Index lanes = k + 1 < K ? Index{L} : last_lanes;
      store_upto(to, accumulate ? V(ei::padd(load_upto<V>(to, lanes), acc[p][k])) : acc[p][k], lanes);
    }
  }
}

template <class N>
struct LinearKernels {
  using T = ValueOf<N>;
  using Packed = PackedOf<N>;
  using Sum = AccumulatorOf<N>;
  using G = Linear::Geometry;
  using Conv = DirectConv2d<N>;

  static Conv2d::Geometry as_conv(const G& g) {
    Conv2d::Geometry c;
    c.w = c.w_out = g.positions;
    c.h = c.h_out = 1;
    c.c_in = g.in, c.c_out = g.out, c.bias = g.bias;
    return c;
  }
  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s = Conv::sizes(as_conv(g), n);
    s.packed_grads = 0;
    return s;
  }
  static void pack(const G& g, const T* params, Packed* packed, bool training, const Slice& slice) {
    Conv::pack(as_conv(g), params, packed, training, slice);
  }
  static void forward(const G& g, const ForwardArgs<T>& a) { Conv::forward(as_conv(g), a); }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx != nullptr) {
      const Packed* w = packed_as<Packed>(a) + Conv::forward_packed(as_conv(g));
      Conv::data_gradient(as_conv(g), a.n, a.dy, w, nullptr, a.dx, a.scratch);
    }
  }

  // x: rows x in, dy: rows x out; a vector past the end of x may be read. Slices are blocks of inputs.
  static void weights(const G& g, Index n, const T* x, const T* dy, T* grads, const Slice& slice) {
    const Index rows = n * g.positions;
    Index block = 0;
    for_each_block<Sum>(g.in, 0, [&](auto vector, auto k, Index first, Index) {
      if (slice.takes(block++)) block_weights<decltype(vector), decltype(k)::value>(g, rows, x, dy, grads, first);
    });
    if (g.bias && slice.first()) offsets(g, rows, dy, grads + g.out * g.in);
  }

 private:
  // Inputs of a block of this many rows stay in the first-level cache for all outputs; and partial sums round less
  // than one long sum.
  static constexpr Index kRows = 64;

  template <class V, int K>
  static void block_weights(const G& g, Index rows, const T* x, const T* dy, T* grads, Index first) {
    constexpr int Most = max_pixels(K);
    const Index rest = g.in - first - (K - 1) * kLanes<V>;
    const Index last_lanes = rest < kLanes<V> ? rest : Index{kLanes<V>};
    const Index tiles = (g.out + Most - 1) / Most;
    for (Index row = 0; row < rows; row += kRows) {
      const Index count_of_rows = rows - row < kRows ? rows - row : kRows;
      for (Index tile = 0, o = 0; tile < tiles; ++tile) {
        const Index count = g.out * (tile + 1) / tiles - o;  // nearly equal: 7 outputs go as 4 + 3, not as 6 + 1
        with_count<Most>(count, [&](auto constant) {
          outer_products<V, decltype(constant)::value, K>(count_of_rows, x + row * g.in + first, g.in,
                                                          dy + row * g.out + o, g.out, grads + o * g.in + first,
                                                          last_lanes, row > 0);
        });
        o += count;
      }
    }
  }
  static void offsets(const G& g, Index rows, const T* dy, T* db) {
    std::memcpy(db, dy, static_cast<std::size_t>(g.out) * sizeof(T));
    for (Index i = 1; i < rows; ++i) {
      map(g.out, db, [](const auto& sum, const auto& d) { return ei::padd(sum, d); }, db, dy + i * g.out);
    }
  }
};

CNNFAST_KERNELS_END
