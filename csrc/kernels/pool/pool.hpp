// The windows of a pool on one channels-last image, and the forward loops over them, shared by max and average pooling.
// The backward loops are in pool_gather.hpp.
//
// Lanes run over channels, in whole vectors: the last overlaps the one before. Where a pixel has less than a vector of
// channels, the vector extends into the next pixel, which is written later; only the last pixels are written
// exactly. Half vectors are used where they hold all channels: less is written twice.
#pragma once

#include <type_traits>

#include "kernels/conv/correlate.hpp"
#include "ops/pool.hpp"

CNNFAST_KERNELS_BEGIN

// Calls f with the vector type for a pixel's channels.
template <class T, class F>
CNNFAST_INLINE void with_vector(Index channels, const F& f) {
  use_half<T>(channels) ? f(HalfPacket<T>()) : f(Packet<T>());
}

// Calls f(c, count) for vectors that cover a pixel's channels from `first` on; count is a constant, the lanes, but
// where there is no room for a vector. `room`: elements from channel 0 to where reading or writing must end.
template <class V, class F>
CNNFAST_INLINE void for_each_lanes(Index first, Index channels, Index room, const F& f) {
  constexpr std::integral_constant<Index, kLanes<V>> whole{};
  const Index last = channels < whole ? 0 : channels - whole;
  if (channels >= whole || room >= whole) {
    for (Index c = first; c < channels; c += whole) f(c < last ? c : last, whole);
  } else {
    f(first, channels);
  }
}

// The taps of a window that lie on the image: first .. end - 1; tap 0 is at `origin`.
struct Span {
  Index origin, first, end;
};
CNNFAST_INLINE Span span(const PoolAxis& a, Index window) {
  const Index origin = a.origin(window), end = a.end(window) < a.in ? a.end(window) : a.in;
  const auto steps = [&](Index places) { return a.dilation == 1 ? places : (places + a.dilation - 1) / a.dilation; };
  return {origin, origin < 0 ? steps(-origin) : 0, steps(end - origin)};
}

// The part of a window on the image: rows x cols taps from `corner` on, the first of which has `number` in the window.
// Taps are row_step and col_step apart, which are offsets like `corner`.
struct Part {
  Index corner, rows, cols, number, row_step, col_step;
  Index last() const { return corner + (rows - 1) * row_step + (cols - 1) * col_step; }
};
CNNFAST_INLINE Part part(const Pool& g, const Span& r, const Span& c) {
  const Index row = r.origin + r.first * g.dilation.h, col = c.origin + c.first * g.dilation.w;
  return {(row * g.w + col) * g.channels,  r.end - r.first,          c.end - c.first, r.first * g.kernel.w + c.first,
          g.dilation.h * g.w * g.channels, g.dilation.w * g.channels};
}

// Calls f(index of the window in y, rows, cols) for each window of an image.
template <class F>
CNNFAST_INLINE void for_each_window(const Pool& g, const F& f) {
  const PoolAxis rows = g.rows(), cols = g.cols();
  // Columns of windows that lie on the image as a whole.
  const Index room = g.w - g.reach_w();
  const Index first = (g.pad.left + g.stride.w - 1) / g.stride.w;
  const Index end = g.adaptive || room + g.pad.left < 0 ? 0 : (room + g.pad.left) / g.stride.w + 1;
  for (Index row = 0, y = 0; row < g.h_out; ++row) {
    const Span r = span(rows, row);
    for (Index col = 0; col < g.w_out; ++col, y += g.channels) {
      const bool whole = col >= first && col < end;
      f(y, r, whole ? Span{col * g.stride.w - g.pad.left, 0, g.kernel.w} : span(cols, col));
    }
  }
}

// Calls f(offset from the corner, number) for the taps of a part. K: it is a whole window of K x K, whose numbers are
// constants, and whose first taps may be left out.
template <int K, int First, class F>
CNNFAST_INLINE void for_each_tap(const Part& p, Index kernel_w, const F& f) {
  if constexpr (K > 0) {
    CNNFAST_UNROLL
    for (int t = First; t < K * K; ++t) f(t / K * p.row_step + t % K * p.col_step, t);
  } else {
    for (Index i = 0; i < p.rows; ++i) {
      for (Index j = 0; j < p.cols; ++j) f(i * p.row_step + j * p.col_step, p.number + i * kernel_w + j);
    }
  }
}

// Calls run(constant) with the K of pools whose windows are K x K where they lie on the image, 0 for all others.
template <class F>
CNNFAST_INLINE void with_kernel(const Pool& g, const F& run) {
  const bool square = g.kernel.h == g.kernel.w && !g.adaptive;
  if (square && g.kernel.h == 2) {
    run(std::integral_constant<int, 2>());
  } else if (square && g.kernel.h == 3) {
    run(std::integral_constant<int, 3>());
  } else {
    run(std::integral_constant<int, 0>());
  }
}

CNNFAST_KERNELS_END
