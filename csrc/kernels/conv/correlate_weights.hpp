// Gradient of a correlation's weights and bias, added to packed blocks, or (not `accumulate`) written over them:
//
//   dw[tap][r][co] += sum_p x[p][tap][r] * dy[p][co]        db[co] += sum_p dy[p][co]
//
// Register tile: P of the inputs of all taps x K vectors of co, held while all pixels of all images pass by;
// each pixel loads K vectors of dy and broadcasts P inputs. Pixels are taken in order, one after the other.
#pragma once

#include "kernels/conv/correlate.hpp"

CNNFAST_KERNELS_BEGIN

template <class V, int P, int K, class T, class Sum>
CNNFAST_INLINE void weights_tile(const Correlation& g, const T* const* x, const T* dy, Sum* dw, bool accumulate) {
  constexpr int L = kLanes<V>;
  V acc[P][K];
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) {
    CNNFAST_UNROLL
    for (int k = 0; k < K; ++k) acc[p][k] = accumulate ? load<V>(dw + (p * K + k) * L) : zero<V>();
  }
  const T* xp[P];
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) xp[p] = x[p];
  for (Index image = 0; image < g.images; ++image) {
    for (Index row = 0; row < g.rows; ++row) {
      Index at = image * g.x_image + row * g.x_row;
      const T* d = dy + image * g.y_image + row * g.y_row;
      for (Index col = 0; col < g.cols; ++col, at += g.x_col, d += g.y_col) {
        V dv[K];
        CNNFAST_UNROLL
        for (int k = 0; k < K; ++k) dv[k] = load<V>(d + k * L);  // may read past the pixel: lanes never unpacked
        CNNFAST_UNROLL
        for (int p = 0; p < P; ++p) {
          const V xv = broadcast<V>(xp[p][at]);
          CNNFAST_UNROLL
          for (int k = 0; k < K; ++k) acc[p][k] = ei::pmadd(xv, dv[k], acc[p][k]);
        }
      }
    }
  }
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) {
    CNNFAST_UNROLL
    for (int k = 0; k < K; ++k) store(dw + (p * K + k) * L, acc[p][k]);
  }
}

template <class V, int K, class T, class Sum>
void weights_block(const Correlation& g, const T* x, const T* dy, Sum* dw, bool accumulate) {
  constexpr int P = max_pixels(K);
  const Index inputs = g.inputs();
  // Tiles of nearly equal size: 9 inputs go as 5 + 4, not as 8 + 1 (one accumulator row waits for itself).
  const Index tiles = (inputs + P - 1) / P;
  Index tap_row = 0, tap = 0, r = 0;
  for (Index tile = 0, done = 0; tile < tiles; ++tile) {
    const Index count = inputs * (tile + 1) / tiles - done;
    const T* xs[P];
    for (Index p = 0; p < count; ++p) {
      xs[p] = x + tap_row * g.x_tap_row + tap * g.x_tap + r;
      if (++r < g.run) continue;
      r = 0;
      if (++tap < g.taps) continue;
      tap = 0;
      ++tap_row;
    }
    with_count<P>(count, [&](auto constant) {
      weights_tile<V, decltype(constant)::value, K>(g, xs, dy, dw + done * K * kLanes<V>, accumulate);
    });
    done += count;
  }
}

template <class V, class T, class Sum>
void bias_sums(const Correlation& g, const T* dy, Sum* db, bool accumulate) {
  V acc = accumulate ? load<V>(db) : zero<V>();
  for (Index image = 0; image < g.images; ++image) {
    for (Index row = 0; row < g.rows; ++row) {
      const T* d = dy + image * g.y_image + row * g.y_row;
      for (Index col = 0; col < g.cols; ++col, d += g.y_col) acc = ei::padd(acc, load<V>(d));
    }
  }
  store(db, acc);
}

// db += the sum of dy over all pixels; dy may be read up to one vector past its last element.
template <class T, class Sum>
void bias_gradient(const Correlation& g, const T* dy, Sum* db, bool accumulate) {
  for_each_block<Sum>(g.c_out, 0, [&](auto vector, auto k, Index first, Index) {
    using V = decltype(vector);
    for (int i = 0; i < decltype(k)::value; ++i) {
      bias_sums<V>(g, dy + first + i * kLanes<V>, db + first + i * kLanes<V>, accumulate);
    }
  });
}

// The same for gradients that lie one pixel after the other.
template <class T, class Sum>
void bias_gradient(Index pixels, Index c_out, const T* dy, Sum* db, bool accumulate) {
  Correlation c{};
  c.images = c.rows = 1, c.cols = pixels, c.y_col = c_out, c.c_out = c_out;
  bias_gradient(c, dy, db, accumulate);
}

// dy may be read up to one vector past its last element.
template <class T, class Sum>
void correlate_weights(const Correlation& g, const T* x, const T* dy, Sum* dw, bool accumulate) {
  for_each_block<Sum>(g.c_out, g.inputs(), [&](auto vector, auto k, Index first, Index offset) {
    weights_block<decltype(vector), decltype(k)::value>(g, x, dy + first, dw + offset, accumulate);
  });
}

// Compiled once, in instantiate/correlate.cpp.
extern template void bias_gradient(const Correlation&, const CNNFAST_ELEMENT*, CNNFAST_ELEMENT*, bool);
extern template void correlate_weights(const Correlation&, const CNNFAST_ELEMENT*, const CNNFAST_ELEMENT*,
                                       CNNFAST_ELEMENT*, bool);

CNNFAST_KERNELS_END
