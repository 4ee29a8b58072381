// Weight gradient of convolution -> 2x2 max-pool for few input channels, lanes over output channels.
//
//   dw[tap][r][co] += sum over windows q and their four positions j of  x[q, j][tap][r] * (winner == j ? g : 0)
//
// All four positions are multiplied, but in registers: no gradient of the full convolution output is stored.
// Register tile: P of the taps * run inputs x K vectors of co, over all windows.
#pragma once

#include "kernels/conv/pool_window.hpp"
#include "kernels/simd/math.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct MaskedWeights {
  using G = ConvPool::Geometry;
  static constexpr int kVectors = kRegisters == 32 ? 2 : 1;
  static constexpr int kInputs = 9;  // of a register tile

  static Index inputs(const G& g) { return g.conv.kernel.h * g.conv.kernel.w * g.conv.c_in; }
  static Index size(const G& g) { return inputs(g) * padded_channels<T>(g.conv.c_out); }

  // R window rows of N inputs each; row pointers rather than one for each input leave enough general registers.
  template <class V, int R, int N, int K>
  static CNNFAST_INLINE void tile(const G& g, Index n, const T* x, const T* grad, const T* winner, T* dw) {
    const Index width = g.conv.w + g.conv.pad.left + g.conv.pad.right;
    const Index row = width * g.conv.c_in, image = (g.conv.h + g.conv.pad.top + g.conv.pad.bottom) * row;
    constexpr int L = kLanes<V>;
    V acc[R * N][K];
    CNNFAST_UNROLL
    for (int p = 0; p < R * N; ++p) {
      CNNFAST_UNROLL
      for (int k = 0; k < K; ++k) acc[p][k] = load<V>(dw + (p * K + k) * L);
    }
    PoolWindow at(g);
    for (Index q = 0; q < n * g.windows(); ++q, at.next(), grad += g.conv.c_out, winner += g.conv.c_out) {
      V gv[K], won[K];
      CNNFAST_UNROLL
      for (int k = 0; k < K; ++k) {
        gv[k] = load<V>(grad + k * L);  // may read past the pixel: lanes never unpacked
        won[k] = load<V>(winner + k * L);
      }
      CNNFAST_UNROLL
      for (int j = 0; j < 4; ++j) {
        const T* from = x + at.offset(j, image, row, g.conv.c_in);
        V gj[K];
        CNNFAST_UNROLL
        for (int k = 0; k < K; ++k) {
          gj[k] = where_equal(won[k], broadcast<V>(static_cast<T>(j)), gv[k], zero<V>());
        }
        CNNFAST_UNROLL
        for (int p = 0; p < R * N; ++p) {
          const V xv = broadcast<V>(from[p / N * row + p % N]);
          CNNFAST_UNROLL
          for (int k = 0; k < K; ++k) acc[p][k] = ei::pmadd(xv, gj[k], acc[p][k]);
        }
      }
    }
    CNNFAST_UNROLL
    for (int p = 0; p < R * N; ++p) {
      CNNFAST_UNROLL
      for (int k = 0; k < K; ++k) store(dw + (p * K + k) * L, acc[p][k]);
    }
  }

  // Three rows at a time where they are short, else chunks of one row.
  template <class V, int K>
  static void block(const G& g, Index n, const T* x, const T* grad, const T* winner, T* dw) {
    constexpr Index step = K * kLanes<V>;
    const Index run = g.conv.kernel.w * g.conv.c_in;
    const Index row = (g.conv.w + g.conv.pad.left + g.conv.pad.right) * g.conv.c_in;
    Index tap = 0;
    for (; 3 * run <= kInputs && tap + 3 <= g.conv.kernel.h; tap += 3) {
      with_count<kInputs / 3>(run, [&](auto constant) {
        tile<V, 3, decltype(constant)::value, K>(g, n, x + tap * row, grad, winner, dw + tap * run * step);
      });
    }
    const Index pieces = (run + kInputs - 1) / kInputs;
    for (; tap < g.conv.kernel.h; ++tap) {
      for (Index i = 0; i < pieces; ++i) {
        const Index first = run * i / pieces;
        with_count<kInputs>(run * (i + 1) / pieces - first, [&](auto constant) {
          tile<V, 1, decltype(constant)::value, K>(g, n, x + tap * row + first, grad, winner,
                                                   dw + (tap * run + first) * step);
        });
      }
    }
  }

  // Blocks of kVectors vectors of co, [block][input][lanes].
  static void add(const G& g, Index n, const T* x, const T* grad, const T* winner, T* dw) {
    if (use_half<T>(g.conv.c_out)) return block<HalfPacket<T>, 1>(g, n, x, grad, winner, dw);
    using V = Packet<T>;
    constexpr Index L = kLanes<V>;
    const Index all = padded_channels<T>(g.conv.c_out);
    for (Index first = 0; first < all;) {
      T* to = dw + first * inputs(g);
      if (all - first >= kVectors * L) {
        block<V, kVectors>(g, n, x, grad + first, winner + first, to);
        first += kVectors * L;
      } else {
        block<V, 1>(g, n, x, grad + first, winner + first, to);
        first += L;
      }
    }
  }

  static void unpack(const G& g, const T* packed, T* grads) {
    const Index most = (use_half<T>(g.conv.c_out) ? 1 : kVectors) * lanes_for<T>(g.conv.c_out);
    const Index all = padded_channels<T>(g.conv.c_out), taps = g.conv.kernel.h * g.conv.kernel.w;
    for (Index co = 0; co < g.conv.c_out; ++co) {
      const Index first = co / most * most, lanes = all - first < most ? lanes_for<T>(g.conv.c_out) : most;
      const Index base = first + (co - first) / lanes * lanes;
      for (Index r = 0; r < inputs(g); ++r) {
        const Index tap = r / g.conv.c_in, ci = r % g.conv.c_in;
        grads[(co * g.conv.c_in + ci) * taps + tap] = packed[base * inputs(g) + r * lanes + (co - base)];
      }
    }
  }
};

CNNFAST_KERNELS_END
