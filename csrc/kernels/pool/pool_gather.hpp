// Backward of max and average pooling, from pixel to pixel of dx: each sums the windows over it in one fixed order, so
// that dx is written once and nothing is scattered.
#pragma once

#include "kernels/pool/pool.hpp"

CNNFAST_KERNELS_BEGIN

// Windows along an axis, one after the other: positions as in PoolAxis, without its divisions.
class Steps {
 public:
  explicit Steps(const PoolAxis& a)
      : windows_(a.out),
        step_(a.adaptive ? a.in / a.out : a.stride),
        rest_(a.adaptive ? a.in % a.out : 0),
        reach_(a.adaptive ? step_ : (a.kernel - 1) * a.dilation + 1),
        origin_(a.adaptive ? 0 : -a.before) {}
  CNNFAST_INLINE void next() {
    origin_ += step_, carry_ += rest_;
    if (carry_ >= windows_) ++origin_, carry_ -= windows_;
  }
  Index origin() const { return origin_; }
  // The next window's origin, rounded up.
  Index end() const { return origin_ + reach_ + (carry_ + rest_ > 0) + (carry_ + rest_ > windows_); }

 private:
  Index windows_, step_, rest_, reach_, origin_, carry_ = 0;  // the origin is origin_ + carry_ / windows_
};

// The windows over a position: first .. end - 1. The position may only increase.
class Over {
 public:
  explicit Over(const PoolAxis& axis) : in_(axis.in), out_(axis.out), oldest_(axis), next_(axis) {}
  CNNFAST_INLINE void move_to(Index place) {
    for (; first < out_ && oldest_.end() <= place; oldest_.next()) ++first;
    for (; end < out_ && next_.origin() <= place; next_.next()) ++end;
  }
  // One past the last position with the same windows.
  CNNFAST_INLINE Index until() const {
    Index place = in_;
    if (first < out_ && oldest_.end() < place) place = oldest_.end();
    if (end < out_ && next_.origin() < place) place = next_.origin();
    return place;
  }
  Index count() const { return end - first; }
  Steps steps() const { return oldest_; }  // from `first` on
  Index first = 0, end = 0;

 private:
  Index in_, out_;
  Steps oldest_, next_;
};

// Pixels of a row with the same windows over them, and room for whole vectors or not: see for_each_lanes.
template <class T>
struct Run {
  T* dx;
  Index row, col, pixels, channels, room;
  const Over &rows, &cols;
  Index kernel_w;

  // There are R x C windows, whose taps are adjacent: they are kept in registers. Vectors are whole. `load(i, j,
  // channel, count)` is a window.
  template <class V, int R, int C, class Load, class Term>
  CNNFAST_INLINE void in_registers(const Load& load, const Term& term) const {
    V numbers[R * C];
    Steps down = rows.steps();
    CNNFAST_UNROLL
    for (int i = 0; i < R; ++i, down.next()) {
      Steps right = cols.steps();
      CNNFAST_UNROLL
      for (int j = 0; j < C; ++j, right.next()) {
        numbers[i * C + j] = broadcast<V>(static_cast<T>((row - down.origin()) * kernel_w + col - right.origin()));
      }
    }
    for_each_lanes<V>(0, channels, kLanes<V>, [&](Index lane, auto) {
      constexpr std::integral_constant<Index, kLanes<V>> whole{};
      decltype(load(0, 0, lane, whole)) over[R * C];
      V number[R * C];
      CNNFAST_UNROLL
      for (int m = 0; m < R * C; ++m) over[m] = load(m / C, m % C, lane, whole), number[m] = numbers[m];
      T* to = dx + lane;
      for (Index left = pixels;; to += channels) {
        V sum = zero<V>();
        CNNFAST_UNROLL
        for (int m = 0; m < R * C; ++m) sum = ei::padd(sum, term(over[m], number[m]));
        store(to, sum);
        if (--left == 0) break;
        CNNFAST_UNROLL
        for (int m = 0; m < R * C; ++m) number[m] = ei::padd(number[m], broadcast<V>(T(1)));
      }
    });
  }

  // Any number of windows, which may step over a pixel.
  template <class V, class Load, class Term>
  CNNFAST_INLINE void looked_up(const Extent& dilation, const Load& load, const Term& term) const {
    for_each_lanes<V>(0, channels, room, [&](Index lane, auto count) {
      T* to = dx + lane;
      for (Index p = 0; p < pixels; ++p, to += channels) {
        V sum = zero<V>();
        Steps down = rows.steps();
        for (Index i = 0; i < rows.count(); ++i, down.next()) {
          const Index tap_row = tap(row - down.origin(), dilation.h);
          if (tap_row < 0) continue;
          Steps right = cols.steps();
          for (Index j = 0; j < cols.count(); ++j, right.next()) {
            const Index tap_col = tap(col + p - right.origin(), dilation.w);
            if (tap_col < 0) continue;
            const V number = broadcast<V>(static_cast<T>(tap_row * kernel_w + tap_col));
            sum = ei::padd(sum, term(load(i, j, lane, count), number));
          }
        }
        store_upto(to, sum, count);
      }
    });
  }

 private:
  // The tap at this distance from the origin, or -1.
  static CNNFAST_INLINE Index tap(Index distance, Index dilation) {
    if (dilation == 1) return distance;
    return distance % dilation == 0 ? distance / dilation : -1;
  }
};

// dx of each pixel: the sum of term(load(index of the window in y, count), number of the pixel in the window) over the
// windows over it, in order.
template <class V, class T, class Load, class Term>
void gather(const Pool& geometry, T* dx, const Load& load, const Term& term) {
  const Pool g = geometry;
  const Index pixels = g.h * g.w, y_size = g.h_out * g.w_out * g.channels, y_row = g.w_out * g.channels;
  const bool neighbors = g.dilation.h == 1 && g.dilation.w == 1;
  // From here on a pixel and all behind it have no room for a vector.
  const Index crowded = g.channels >= kLanes<V> ? pixels : pixels - (kLanes<V> - 1) / g.channels;
  Over r(g.rows());
  for (Index row = 0; row < g.h; ++row) {
    r.move_to(row);
    Over c(g.cols());
    for (Index col = 0, end; col < g.w; col = end) {
      c.move_to(col);
      end = c.until();
      const Index x = row * g.w + col;
      if (x < crowded && x + end - col > crowded) end = col + crowded - x;
      const Index first = r.first * y_row + c.first * g.channels;
      const Index x_room = (pixels - x - (end - col) + 1) * g.channels;
      const Index y_room = y_size - (r.end - 1) * y_row - (c.end - 1) * g.channels;
      const Index room = x_room < y_room ? x_room : y_room;
      const Run<T> run{dx + x * g.channels, row, col, end - col, g.channels, room, r, c, g.kernel.w};
      const auto window = [&](Index i, Index j, Index lane, auto count) {
        return load(first + i * y_row + j * g.channels + lane, count);
      };
      const bool few = r.count() < 3 && c.count() < 3, whole = g.channels >= kLanes<V> || room >= kLanes<V>;
      switch (neighbors && few && whole ? r.count() * 3 + c.count() : 0) {
        case 4: run.template in_registers<V, 1, 1>(window, term); break;
        case 5: run.template in_registers<V, 1, 2>(window, term); break;
        case 7: run.template in_registers<V, 2, 1>(window, term); break;
        case 8: run.template in_registers<V, 2, 2>(window, term); break;
        default: run.template looked_up<V>(g.dilation, window, term);
      }
    }
  }
}

// The same for kernel KH x KW and stride SH x SW, a block of SH x SW pixels at a time: the few windows over a block
// are kept in registers.
template <class V, int KH, int SH, int KW, int SW>
class Blocks {
 public:
  using T = typename ei::unpacket_traits<V>::type;

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
        // A vector may extend into the next pixel of its row, not into the next row, which may be written already.
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

// The usual pools by blocks, the others run by run.
template <class V, class T, class Window, class Load, class Term>
CNNFAST_INLINE void gather_windows(const Pool& g, T* dx, const Window& none, const Load& load, const Term& term) {
  const auto is = [&](Index kh, Index sh, Index kw, Index sw) {
    const bool sizes = g.kernel.h == kh && g.stride.h == sh && g.kernel.w == kw && g.stride.w == sw;
    return sizes && g.dilation.h == 1 && g.dilation.w == 1 && !g.adaptive;
  };
  if (is(2, 2, 2, 2)) {
    Blocks<V, 2, 2, 2, 2>(g).gather(dx, none, load, term);
  } else if (is(3, 2, 3, 2)) {
    Blocks<V, 3, 2, 3, 2>(g).gather(dx, none, load, term);
  } else if (is(3, 1, 3, 1)) {
    Blocks<V, 3, 1, 3, 1>(g).gather(dx, none, load, term);
  } else if (is(1, 1, 2, 2)) {
    Blocks<V, 1, 1, 2, 2>(g).gather(dx, none, load, term);
  } else {
    gather<V>(g, dx, load, term);
  }
}

CNNFAST_KERNELS_END
