// How the windows of a pool lie on one channels-last image: walks shared by max- and average-pooling.
//
// Forward goes from window to window, backward from pixel to pixel (of x and dx): each pixel looks up the windows
// over it, so that dx is written once, and sums in one fixed order. Lanes run over channels, in whole vectors: the
// last overlaps the one before. Where a pixel has less than a vector of channels, the vector spills over into the next
// pixel, which is written later; only where there is none must the channels be taken by themselves.
#pragma once

#include <type_traits>

#include "kernels/packet.hpp"
#include "ops/pool.hpp"

CNNFAST_KERNELS_BEGIN

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

// Calls f(window's place in y, rows, cols) for each window of an image.
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

// The windows over a place: first .. end - 1. The place may only move on.
class Over {
 public:
  explicit Over(const PoolAxis& axis) : axis_(axis) {}
  CNNFAST_INLINE void move_to(Index place) {
    while (first < axis_.out && axis_.end(first) <= place) ++first;
    while (end < axis_.out && axis_.origin(end) <= place) ++end;
  }
  Index first = 0, end = 0;

 private:
  PoolAxis axis_;
};

// dx of each pixel: the sum of term(load(window's place in y, count), number of the pixel in the window) over the
// windows over it, in order.
template <class T, class Load, class Term>
CNNFAST_INLINE void gather(const Pool& placed, T* dx, const Load& load, const Term& term) {
  using V = Packet<T>;
  const Pool g = placed;
  const PoolAxis rows = g.rows(), cols = g.cols();
  const Index x_size = g.h * g.w * g.channels, y_size = g.h_out * g.w_out * g.channels, y_row = g.w_out * g.channels;
  // From a window to the next, the number of a pixel falls by the same.
  const bool even = !g.adaptive && g.dilation.h == 1 && g.dilation.w == 1;
  const V row_step = broadcast<V>(static_cast<T>(g.stride.h * g.kernel.w));
  const V col_step = broadcast<V>(static_cast<T>(g.stride.w));
  Over r(rows);
  for (Index row = 0, x = 0; row < g.h; ++row) {
    r.move_to(row);
    Over c(cols);
    for (Index col = 0; col < g.w; ++col, x += g.channels) {
      c.move_to(col);
      const Index x_room = x_size - x, y_room = y_size - (r.end - 1) * y_row - (c.end - 1) * g.channels;
      const Index first = r.first * y_row + c.first * g.channels;
      const Index number = (row - rows.origin(r.first)) * g.kernel.w + col - cols.origin(c.first);
      for_each_lanes<V>(0, g.channels, x_room < y_room ? x_room : y_room, [&](Index lane, auto count) {
        V sum = zero<V>();
        if (even) {
          V row_number = broadcast<V>(static_cast<T>(number));
          for (Index i = r.first, y_i = first + lane; i < r.end; ++i, y_i += y_row) {
            V number_j = row_number;
            for (Index j = c.first, y = y_i; j < c.end; ++j, y += g.channels) {
              sum = ei::padd(sum, term(load(y, count), number_j));
              number_j = ei::psub(number_j, col_step);
            }
            row_number = ei::psub(row_number, row_step);
          }
        } else {
          for (Index i = r.first; i < r.end; ++i) {
            const Index down = row - rows.origin(i);
            if (down % g.dilation.h != 0) continue;  // the window steps over this pixel
            for (Index j = c.first; j < c.end; ++j) {
              const Index right = col - cols.origin(j);
              if (right % g.dilation.w != 0) continue;
              const V tap = broadcast<V>(static_cast<T>(down / g.dilation.h * g.kernel.w + right / g.dilation.w));
              sum = ei::padd(sum, term(load(i * y_row + j * g.channels + lane, count), tap));
            }
          }
        }
        store_upto(dx + x + lane, sum, count);
      });
    }
  }
}

// The same for kernel KH x KW and stride SH x SW, a block of SH x SW pixels at a time: the few windows over a block
// are held in registers.
template <class T, int KH, int SH, int KW, int SW>
class Blocks {
 public:
  using V = Packet<T>;

  explicit Blocks(const Pool& g)
      : h_(g.h), w_(g.w), h_out_(g.h_out), w_out_(g.w_out), top_(g.pad.top), left_(g.pad.left), c_(g.channels) {}

  // `none` stands for a window that does not exist.
  template <class Window, class Load, class Term>
  CNNFAST_INLINE void gather(T* dx, const Window& none, const Load& load, const Term& term) const {
    const Index y_size = h_out_ * w_out_ * c_;
    for (Index i = 0; i * SH < h_ + top_; ++i) {
      const Index row = i * SH - top_;
      const bool rows_inside = i >= MH - 1 && i < h_out_ && row >= 0 && row + SH <= h_;
      for (Index j = 0; j * SW < w_ + left_; ++j) {
        const Index col = j * SW - left_;
        const bool inside = rows_inside && j >= MW - 1 && j < w_out_ && col >= 0 && col + SW <= w_;
        // A vector may spill over into the next pixel of its row, not into the next row, which may be written already.
        const Index x_room = (w_ - col - SW + 1) * c_, y_room = y_size - (i * w_out_ + j) * c_;
        const Index room = x_room < y_room ? x_room : y_room;
        if (inside && (c_ >= kLanes<V> || room >= kLanes<V>)) {
          for_each_lanes<V>(0, c_, kLanes<V>, [&](Index lane, auto count) {
            block<true>(dx + lane, i, j, none, [&](Index at) { return load(at + lane, count); }, term, count);
          });
        } else {
          for_each_lanes<V>(0, c_, room, [&](Index lane, auto count) {
            block<false>(dx + lane, i, j, none, [&](Index at) { return load(at + lane, count); }, term, count);
          });
        }
      }
    }
  }

 private:
  static constexpr int MH = (KH + SH - 1) / SH, MW = (KW + SW - 1) / SW;  // windows over a block

  // Inside: all windows and pixels of the block exist.
  template <bool Inside, class Window, class Load, class Term, class Count>
  CNNFAST_INLINE void block(T* dx, Index i, Index j, const Window& none, const Load& load, const Term& term,
                            Count count) const {
    Window over[MH * MW];
    const Index y = (i * w_out_ + j) * c_, y_row = w_out_ * c_;
    CNNFAST_UNROLL
    for (int m = 0; m < MH * MW; ++m) {
      const Index wi = i - m / MW, wj = j - m % MW;
      const bool exists = Inside || (wi >= 0 && wi < h_out_ && wj >= 0 && wj < w_out_);
      over[m] = exists ? load(y - m / MW * y_row - m % MW * c_) : none;
    }
    const Index row = i * SH - top_, col = j * SW - left_;
    const Index x = (row * w_ + col) * c_;
    CNNFAST_UNROLL
    for (int p = 0; p < SH * SW; ++p) {
      const Index x_row = row + p / SW, x_col = col + p % SW;
      if (!Inside && (x_row < 0 || x_row >= h_ || x_col < 0 || x_col >= w_)) continue;
      V sum = zero<V>();
      CNNFAST_UNROLL
      for (int m = MH * MW - 1; m >= 0; --m) {  // windows in rising order
        const int down = p / SW + m / MW * SH, right = p % SW + m % MW * SW;
        if (down < KH && right < KW) sum = ei::padd(sum, term(over[m], broadcast<V>(T(down * KW + right))));
      }
      store_upto(dx + x + (p / SW * w_ + p % SW) * c_, sum, count);
    }
  }

  Index h_, w_, h_out_, w_out_, top_, left_, c_;
};

// The usual pools by blocks, the others pixel by pixel.
template <class T, class Window, class Load, class Term>
CNNFAST_INLINE void gather_windows(const Pool& g, T* dx, const Window& none, const Load& load, const Term& term) {
  const auto is = [&](Index kh, Index sh, Index kw, Index sw) {
    const bool sizes = g.kernel.h == kh && g.stride.h == sh && g.kernel.w == kw && g.stride.w == sw;
    return sizes && g.dilation.h == 1 && g.dilation.w == 1 && !g.adaptive;
  };
  if (is(2, 2, 2, 2)) {
    Blocks<T, 2, 2, 2, 2>(g).gather(dx, none, load, term);
  } else if (is(3, 2, 3, 2)) {
    Blocks<T, 3, 2, 3, 2>(g).gather(dx, none, load, term);
  } else if (is(3, 1, 3, 1)) {
    Blocks<T, 3, 1, 3, 1>(g).gather(dx, none, load, term);
  } else if (is(1, 1, 2, 2)) {
    Blocks<T, 1, 1, 2, 2>(g).gather(dx, none, load, term);
  } else {
    gather(g, dx, load, term);
  }
}

CNNFAST_KERNELS_END
