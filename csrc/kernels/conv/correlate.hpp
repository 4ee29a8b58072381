// Direct correlation over channels-last data, the core of convolution and Linear in all directions.
//
//   y[p][co] = bias[co] + sum_tap sum_r  x[p][tap][r] * w[tap][r][co]
//
// p runs over output pixels of all images; a tap is one row of the window, and because channels lie last
// its kw * c_in inputs are one contiguous run r. Where the window's pixels are not adjacent (dilation, groups of
// channels), a tap is one pixel, and taps form rows. Lanes run over co, so strides, odd sizes and edges cost
// nothing special. Register tile: P pixels x K vectors of co; each step loads K weight vectors and
// broadcasts P inputs for P * K multiply-adds. Each output is summed in the same order whatever the tile
// it falls in, so results do not depend on the batch.
#pragma once

#include <type_traits>

#include "kernels/simd/packet.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// Strides in elements. Output pixels are images x rows x cols.
struct Correlation {
  Index images, rows, cols;
  Index x_image, x_row, x_col;  // from one output pixel to the next, in the input
  Index y_image, y_row, y_col;  // in the output
  Index taps, x_tap, run;
  Index c_out;
  Index tap_rows = 1, x_tap_row = 0;  // rows of `taps` taps each, and from the start of one row to that of the next

  Index inputs() const { return tap_rows * taps * run; }
};

// Narrow outputs use half vectors: 8 channels in 16 lanes would waste half of every multiply-add.
template <class T>
constexpr bool use_half(Index c_out) {
  return kLanes<HalfPacket<T>> < kLanes<Packet<T>> && c_out <= kLanes<HalfPacket<T>>;
}
template <class T>
constexpr Index lanes_for(Index c_out) {
  return use_half<T>(c_out) ? kLanes<HalfPacket<T>> : kLanes<Packet<T>>;
}
template <class T>
constexpr Index padded_channels(Index c_out) {
  return (c_out + lanes_for<T>(c_out) - 1) / lanes_for<T>(c_out) * lanes_for<T>(c_out);
}

// Calls f(P) for P = count <= Most, as a constant: the remainder of a row of full tiles.
template <int Most, class F>
CNNFAST_INLINE void with_count(Index count, const F& f) {
  if constexpr (Most > 0) {
    if (count < Most) return with_count<Most - 1>(count, f);
    f(std::integral_constant<int, Most>());
  }
}

// Output channels are cut into blocks of at most kMaxVectors vectors; a block's weights lie together as
// [tap][r][lanes of the block], its missing lanes zero. Calls f(V, K, first channel, offset of the weights)
// for each block, V a vector type and K a constant, so that each block size has kernels of its own.
template <class T, class F>
CNNFAST_INLINE void for_each_block(Index c_out, Index taps_run, const F& f) {
  using V = Packet<T>;
  if (use_half<T>(c_out)) {
    f(HalfPacket<T>(), std::integral_constant<int, 1>(), Index{0}, Index{0});
    return;
  }
  const Index vectors = (c_out + kLanes<V> - 1) / kLanes<V>;
  for (Index v = 0; v < vectors; v += kMaxVectors<T>) {
    const Index first = v * kLanes<V>, offset = first * taps_run, k = vectors - v;
    with_count<kMaxVectors<T>>(k < kMaxVectors<T> ? k : Index{kMaxVectors<T>},
                               [&](auto count) { f(V(), count, first, offset); });
  }
}

// Calls f(V, vector) for every vector of output channels of packed weights: the layout of `for_each_block`, for
// packing.
struct PackedVector {
  Index block;  // first channel of its block
  Index lanes;  // of its block
  Index lane;   // its first, in the block
  Index valid;  // lanes that are channels
  Index channel() const { return block + lane; }
};
template <class V, class T, class F>
CNNFAST_INLINE void for_each_packed_vector_of(Index c_out, const Slice& slice, const F& f) {
  constexpr Index L = kLanes<V>, most = kMaxVectors<T> * L;
  const Index all = padded_channels<T>(c_out);
  for (Index block = 0; block < all; block += most) {
    const Index lanes = all - block < most ? all - block : most;
    for (Index lane = 0; lane < lanes; lane += L) {
      const Index rest = c_out - block - lane;
      if (!slice.takes((block + lane) / L)) continue;
      f(V(), PackedVector{block, lanes, lane, rest < L ? rest : L});
    }
  }
}
template <class T, class F>
CNNFAST_INLINE void for_each_packed_vector(Index c_out, const Slice& slice, const F& f) {
  use_half<T>(c_out) ? for_each_packed_vector_of<HalfPacket<T>, T>(c_out, slice, f)
                     : for_each_packed_vector_of<Packet<T>, T>(c_out, slice, f);
}

// Calls f(index in the packed weights, tap, ci, channel) for every weight of a window of `taps` x c_in inputs: the
// same layout, one by one. Missing lanes are not visited. Taps before lanes, because a parameter's
// taps lie together.
template <class T, class F>
CNNFAST_INLINE void for_each_packed(Index c_out, Index taps, Index c_in, const F& f) {
  const Index most = kMaxVectors<T> * lanes_for<T>(c_out), all = padded_channels<T>(c_out);
  for (Index first = 0; first < all; first += most) {
    const Index lanes = all - first < most ? all - first : most;
    const Index valid = c_out - first < lanes ? c_out - first : lanes;
    for (Index ci = 0; ci < c_in; ++ci) {
      for (Index tap = 0; tap < taps; ++tap) {
        const Index at = first * taps * c_in + (tap * c_in + ci) * lanes;
        for (Index lane = 0; lane < valid; ++lane) f(at + lane, tap, ci, first + lane);
      }
    }
  }
}

// The pixels of a register tile: where input r of a tap lies, and the step to the next tap. Without
// kTapRows there is only one row of taps: the loop over rows would cost registers.
template <class T, int P>
struct ScatteredPixels {
  static constexpr bool kTapRows = true;
  const T* x[P];
  CNNFAST_INLINE T at(int p, Index r) const { return x[p][r]; }
  CNNFAST_INLINE void advance(Index step) {
    CNNFAST_UNROLL
    for (int p = 0; p < P; ++p) x[p] += step;
  }
};
// Adjacent pixels of one row, one element apart: a single pointer is enough.
template <class T>
struct AdjacentPixels {
  static constexpr bool kTapRows = false;
  const T* x;
  CNNFAST_INLINE T at(int p, Index r) const { return x[p + r]; }
  CNNFAST_INLINE void advance(Index step) { x += step; }
};

// Sums a tile and passes the accumulators to `finish`.
template <class V, int P, int K, class Packed, class Pixels, class Finish>
CNNFAST_INLINE void correlate_tile(const Correlation& g, Pixels x, const Packed* w, const Packed* bias,
                                   const Finish& finish) {
  constexpr int L = kLanes<V>;
  V acc[P][K];
  CNNFAST_UNROLL
  for (int k = 0; k < K; ++k) {
    const V start = bias != nullptr ? load<V>(bias + k * L) : zero<V>();
    CNNFAST_UNROLL
    for (int p = 0; p < P; ++p) acc[p][k] = start;
  }
  for (Index tap_row = 0;;) {
    for (Index tap = 0; tap < g.taps; ++tap, x.advance(g.x_tap)) {
      for (Index r = 0; r < g.run; ++r, w += K * L) {
        V wv[K];
        CNNFAST_UNROLL
        for (int k = 0; k < K; ++k) wv[k] = load<V>(w + k * L);
        CNNFAST_UNROLL
        for (int p = 0; p < P; ++p) {
          const V xv = broadcast<V>(x.at(p, r));
          CNNFAST_UNROLL
          for (int k = 0; k < K; ++k) acc[p][k] = ei::pmadd(xv, wv[k], acc[p][k]);
        }
      }
    }
    if (!Pixels::kTapRows || ++tap_row == g.tap_rows) break;
    x.advance(g.x_tap_row - g.taps * g.x_tap);
  }
  finish(acc);
}

template <class V, int P, int K, class Packed, class Pixels, class Outputs>
CNNFAST_INLINE void correlate_and_store(const Correlation& g, const Pixels& x, const Packed* w, const Packed* bias,
                                        const Outputs& y, Index last_lanes) {
  correlate_tile<V, P, K>(g, x, w, bias, [&](const V(&acc)[P][K]) {
    constexpr int L = kLanes<V>;
    CNNFAST_UNROLL
    for (int p = 0; p < P; ++p) {
      CNNFAST_UNROLL
      for (int k = 0; k + 1 < K; ++k) store(y(p) + k * L, acc[p][k]);
      store_upto(y(p) + (K - 1) * L, acc[p][K - 1], last_lanes);
    }
  });
}

template <class V, int K, class T, class Packed>
void correlate_block(const Correlation& g, const T* x, const Packed* w, const Packed* bias, T* y, Index last_lanes) {
  constexpr int Most = max_pixels(K);
  const Index pixels = g.images * g.rows * g.cols;
  if (g.images * g.rows == 1) {                      // a product of matrices: nothing to look up
    const Index tiles = (pixels + Most - 1) / Most;  // nearly equal: 8 pixels go as 4 + 4, not as 6 + 2
    for (Index tile = 0, q = 0; tile < tiles; ++tile) {
      const Index count = pixels * (tile + 1) / tiles - q;
      with_count<Most>(count, [&](auto constant) {
        constexpr int P = decltype(constant)::value;
        ScatteredPixels<T, P> xs;
        T* ys[P];
        CNNFAST_UNROLL
        for (int p = 0; p < P; ++p) {
          xs.x[p] = x + (q + p) * g.x_col;
          ys[p] = y + (q + p) * g.y_col;
        }
        correlate_and_store<V, P, K>(g, xs, w, bias, [&](int p) { return ys[p]; }, last_lanes);
      });
      q += count;
    }
    return;
  }
  Index image = 0, row = 0, col = 0;
  for (Index q = 0; q < pixels; q += Most) {
    const Index count = pixels - q < Most ? pixels - q : Index{Most};
    ScatteredPixels<T, Most> xs;
    T* ys[Most];
    for (Index p = 0; p < count; ++p) {
      xs.x[p] = x + image * g.x_image + row * g.x_row + col * g.x_col;
      ys[p] = y + image * g.y_image + row * g.y_row + col * g.y_col;
      if (++col == g.cols) {
        col = 0;
        if (++row == g.rows) {
          row = 0;
          ++image;
        }
      }
    }
    with_count<Most>(count, [&](auto constant) {
      constexpr int P = decltype(constant)::value;
      ScatteredPixels<T, P> some;
      CNNFAST_UNROLL
      for (int p = 0; p < P; ++p) some.x[p] = xs.x[p];
      correlate_and_store<V, P, K>(g, some, w, bias, [&](int p) { return ys[p]; }, last_lanes);
    });
  }
}

// The same for inputs of one channel and stride 1, row by row: windows are so short there that finding the pixels
// would take as long as the sums.
template <class V, int K, class T, class Packed>
void correlate_rows(const Correlation& g, const T* x, const Packed* w, const Packed* bias, T* y, Index last_lanes) {
  constexpr int Most = max_pixels(K);
  for (Index image = 0; image < g.images; ++image) {
    for (Index row = 0; row < g.rows; ++row) {
      const T* from = x + image * g.x_image + row * g.x_row;
      T* to = y + image * g.y_image + row * g.y_row;
      for (Index col = 0; col < g.cols; col += Most) {
        with_count<Most>(g.cols - col < Most ? g.cols - col : Index{Most}, [&](auto constant) {
          constexpr int P = decltype(constant)::value;
          const auto place = [&](int p) { return to + (col + p) * g.y_col; };
          correlate_and_store<V, P, K>(g, AdjacentPixels<T>{from + col}, w, bias, place, last_lanes);
        });
      }
    }
  }
}

// w: packed blocks; bias: padded_channels(c_out) values, or null. Slices are of blocks.
template <class N>
void correlate(const Correlation& g, const ValueOf<N>* x, const PackedOf<N>* w, const PackedOf<N>* bias, ValueOf<N>* y,
               const Slice& slice = {}) {
  Index number = 0;
  for_each_block<AccumulatorOf<N>>(g.c_out, g.inputs(), [&](auto vector, auto k, Index first, Index offset) {
    if (!slice.takes(number++)) return;
    using V = decltype(vector);
    constexpr int K = decltype(k)::value;
    const Index rest = g.c_out - first - (K - 1) * kLanes<V>;
    const Index last_lanes = rest < kLanes<V> ? rest : Index{kLanes<V>};
    const PackedOf<N>* start = bias == nullptr ? nullptr : bias + first;
    if (g.x_col == 1 && g.tap_rows == 1) {
      correlate_rows<V, K>(g, x, w + offset, start, y + first, last_lanes);
    } else {
      correlate_block<V, K>(g, x, w + offset, start, y + first, last_lanes);
    }
  });
}

// Compiled once, in instantiate/correlate.cpp: for the other files this is a call.
extern template void correlate<CNNFAST_ELEMENT>(const Correlation&, const CNNFAST_ELEMENT*, const CNNFAST_ELEMENT*,
                                                const CNNFAST_ELEMENT*, CNNFAST_ELEMENT*, const Slice&);

CNNFAST_KERNELS_END
