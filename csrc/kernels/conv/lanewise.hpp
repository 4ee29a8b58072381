// Lanewise products, the core of convolutions in groups of a few channels, mainly depthwise ones.
//
//   y[p][c] = offset[c] + sum_i sum_tap  x_i[p + tap][c] * w[i][tap][c]
//   dw[i][tap][c] += sum_p  x_i[p + tap][c] * dy[p][c]
//
// Lanes run over channels. x_i is the plane that holds, for every channel, input i of its group: the image itself where
// a group is one channel on both sides, else a copy made by `spread`. One image at a time, so that its copies stay in
// the second-level cache. Where no copy is needed, taps in the padding are left out instead (`lanewise_clipped`).
//
// Register tiles: forward, P pixels of a row of one vector of channels, so that a vector of weights is loaded once
// for P multiply-adds, each of which reads its input from the cache. Weight gradient, N taps of one vector: each
// pixel loads dy once for N multiply-adds, and the sums stay in registers over the whole image.
#pragma once

#include "kernels/conv/correlate.hpp"
#include "kernels/layout.hpp"

CNNFAST_KERNELS_BEGIN

// Strides in elements. Planes and taps as described above.
struct Lanewise {
  Index rows, cols, channels;
  Index x_row, x_col, y_row, y_col;
  Index planes, x_plane;
  Index tap_rows, x_tap_row, taps, x_tap;
};

// Calls f(V, first channel, channels of the vector).
template <class Sum, class F>
CNNFAST_INLINE void for_each_lane_vector(Index channels, const F& f) {
  const auto with = [&](auto vector) {
    for_each_group<decltype(vector)>(channels, [&](Index first, Index count) { f(vector, first, count); });
  };
  use_half<Sum>(channels) ? with(HalfPacket<Sum>()) : with(Packet<Sum>());
}

// The taps of a window that lie on the image.
struct Taps {
  Index first_row, rows, first, count;
};

template <class V, int P, class T, class Packed>
CNNFAST_INLINE void lanewise_tile(const Lanewise& g, const Taps& taps, const T* x, const Packed* w, Index w_step,
                                  const Packed* offsets, T* y, Index lanes) {
  V acc[P];
  const V start = offsets == nullptr ? zero<V>() : load<V>(offsets);
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) acc[p] = start;
  x += taps.first_row * g.x_tap_row + taps.first * g.x_tap;
  w += (taps.first_row * g.taps + taps.first) * w_step;
  for (Index plane = 0; plane < g.planes; ++plane, x += g.x_plane, w += g.tap_rows * g.taps * w_step) {
    for (Index tap_row = 0; tap_row < taps.rows; ++tap_row) {
      const T* from = x + tap_row * g.x_tap_row;
      const Packed* weight = w + tap_row * g.taps * w_step;
      for (Index tap = 0; tap < taps.count; ++tap, from += g.x_tap, weight += w_step) {
        const V wv = load<V>(weight);
        CNNFAST_UNROLL
        for (int p = 0; p < P; ++p) acc[p] = ei::pmadd(load<V>(from + p * g.x_col), wv, acc[p]);
      }
    }
  }
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) store_upto(y + p * g.y_col, acc[p], lanes);
}

// P adjacent windows of 3x3 pixels that begin one pixel apart: each pixel is loaded once for the three of them it
// lies in, and weights stay in registers.
template <class V, int P, class T>
CNNFAST_INLINE void lanewise_tile_3x3(const Lanewise& g, const V (&w)[9], const V& start, const T* x, T* y,
                                      Index lanes) {
  V acc[P];
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) acc[p] = start;
  CNNFAST_UNROLL
  for (int row = 0; row < 3; ++row, x += g.x_tap_row) {
    CNNFAST_UNROLL
    for (int j = 0; j < P + 2; ++j) {
      const V in = load<V>(x + j * g.x_col);
      if (j < P) acc[j] = ei::pmadd(in, w[3 * row], acc[j]);
      if (j >= 1 && j <= P) acc[j - 1] = ei::pmadd(in, w[3 * row + 1], acc[j - 1]);
      if (j >= 2) acc[j - 2] = ei::pmadd(in, w[3 * row + 2], acc[j - 2]);
    }
  }
  CNNFAST_UNROLL
  for (int p = 0; p < P; ++p) store_upto(y + p * g.y_col, acc[p], lanes);
}
template <class Sum, class T, class Packed>
CNNFAST_INLINE void lanewise_row_3x3(const Lanewise& g, Index first, Index end, const T* x, const Packed* w,
                                     const Packed* offsets, T* y) {
  constexpr int Most = 8;
  const Index w_step = padded_channels<Sum>(g.channels), tiles = (end - first + Most - 1) / Most;
  for_each_lane_vector<Sum>(g.channels, [&](auto vector, Index c, Index lanes) {
    using V = decltype(vector);
    V weights[9];
    CNNFAST_UNROLL
    for (int tap = 0; tap < 9; ++tap) weights[tap] = load<V>(w + tap * w_step + c);
    const V start = offsets == nullptr ? zero<V>() : load<V>(offsets + c);
    for (Index tile = 0, col = first; tile < tiles; ++tile) {
      const Index count = first + (end - first) * (tile + 1) / tiles - col;
      with_count<Most>(count, [&](auto constant) {
        lanewise_tile_3x3<V, decltype(constant)::value>(g, weights, start, x + col * g.x_col + c, y + col * g.y_col + c,
                                                        lanes);
      });
      col += count;
    }
  });
}

// Columns first .. end of a row of the output, x and y pointing to its column 0.
template <class Sum, class T, class Packed>
CNNFAST_INLINE void lanewise_row(const Lanewise& g, const Taps& taps, Index first, Index end, const T* x,
                                 const Packed* w, const Packed* offsets, T* y) {
  const bool whole = taps.rows == 3 && taps.count == 3;
  if (whole && g.planes == 1 && g.tap_rows == 3 && g.taps == 3 && g.x_tap == g.x_col) {
    return lanewise_row_3x3<Sum>(g, first, end, x, w, offsets, y);
  }
  constexpr int Most = 8;
  const Index w_step = padded_channels<Sum>(g.channels);
  for (Index col = first; col < end; col += Most) {
    const T* from = x + col * g.x_col;
    T* to = y + col * g.y_col;
    with_count<Most>(end - col < Most ? end - col : Index{Most}, [&](auto constant) {
      for_each_lane_vector<Sum>(g.channels, [&](auto vector, Index c, Index lanes) {
        lanewise_tile<decltype(vector), decltype(constant)::value>(
            g, taps, from + c, w + c, w_step, offsets == nullptr ? nullptr : offsets + c, to + c, lanes);
      });
    });
  }
}

// One image; x may be read up to one vector past its last element. w and offsets hold whole vectors.
template <class Sum, class T, class Packed>
void lanewise_product(const Lanewise& g, const T* x, const Packed* w, const Packed* offsets, T* y) {
  const Taps all{0, g.tap_rows, 0, g.taps};
  for (Index row = 0; row < g.rows; ++row) {
    lanewise_row<Sum>(g, all, 0, g.cols, x + row * g.x_row, w, offsets, y + row * g.y_row);
  }
}

// One axis of an image without padding: windows of `taps` positions, `dilation` apart, that begin `stride`
// apart and, the first of them, `pad` before the image.
struct ClippedAxis {
  Index extent, taps, stride, dilation, pad;

  Index begin(Index window) const { return window * stride - pad; }
  // The first tap inside, and the first behind them.
  Index first(Index window) const {
    const Index at = begin(window);
    const Index outside = at < 0 ? (dilation - 1 - at) / dilation : 0;
    return outside < taps ? outside : taps;
  }
  Index end(Index window) const {
    const Index left = extent - begin(window);
    const Index inside = left > 0 ? (left + dilation - 1) / dilation : 0;
    return inside < taps ? inside : taps;
  }
  bool whole(Index window) const { return first(window) == 0 && end(window) == taps; }
};

// The windows first .. end of an axis that lie completely on the image.
struct Inside {
  Index first = 0, end;
  Inside(const ClippedAxis& axis, Index windows) : end(windows) {
    while (first < windows && !axis.whole(first)) ++first;
    while (end > first && !axis.whole(end - 1)) --end;
  }
};

// One image without its padding, x being where its first window begins: taps outside of it are left out. Columns at
// the borders are computed downwards, so that tiles are full there too.
template <class Sum, class T, class Packed>
void lanewise_clipped(const Lanewise& g, const ClippedAxis& v, const ClippedAxis& u, const T* x, const Packed* w,
                      const Packed* offsets, T* y) {
  const Inside rows(v, g.rows), cols(u, g.cols);
  const auto taps = [&](Index row, Index col) {
    const Index down = v.end(row) - v.first(row), along = u.end(col) - u.first(col);
    return Taps{v.first(row), down > 0 ? down : 0, u.first(col), along > 0 ? along : 0};
  };
  for (Index row = 0; row < g.rows; ++row) {
    const bool inside = row >= rows.first && row < rows.end;
    const T* from = x + row * g.x_row;
    T* to = y + row * g.y_row;
    for (Index col = 0; col < g.cols && !inside; ++col) {
      if (col == cols.first && col < cols.end) col = cols.end;
      if (col < g.cols) lanewise_row<Sum>(g, taps(row, col), col, col + 1, from, w, offsets, to);
    }
    if (cols.first < cols.end) lanewise_row<Sum>(g, taps(row, cols.first), cols.first, cols.end, from, w, offsets, to);
  }
  if (rows.first == rows.end) return;
  Lanewise down = g;
  down.x_col = g.x_row, down.y_col = g.y_row;
  for (Index col = 0; col < g.cols; ++col) {
    if (col == cols.first && col < cols.end) col = cols.end;
    if (col == g.cols) break;
    lanewise_row<Sum>(down, taps(rows.first, col), rows.first, rows.end, x + col * g.x_col, w, offsets,
                      y + col * g.y_col);
  }
}

template <class V, int N, class T, class Sum>
CNNFAST_INLINE void lanewise_weights_tile(const Lanewise& g, const T* const* x, const T* dy, Sum* dw, Index w_step,
                                          bool accumulate) {
  V acc[N];
  const T* from[N];
  CNNFAST_UNROLL
  for (int t = 0; t < N; ++t) {
    acc[t] = accumulate ? load<V>(dw + t * w_step) : zero<V>();
    from[t] = x[t];
  }
  for (Index row = 0; row < g.rows; ++row) {
    Index at = row * g.x_row;
    const T* d = dy + row * g.y_row;
    for (Index col = 0; col < g.cols; ++col, at += g.x_col, d += g.y_col) {
      const V dv = load<V>(d);  // may read past the pixel: lanes never unpacked
      CNNFAST_UNROLL
      for (int t = 0; t < N; ++t) acc[t] = ei::pmadd(load<V>(from[t] + at), dv, acc[t]);
    }
  }
  CNNFAST_UNROLL
  for (int t = 0; t < N; ++t) store(dw + t * w_step, acc[t]);
}

// One image; x and dy may be read up to one vector past their last elements.
template <class T, class Sum>
void lanewise_weights(const Lanewise& g, const T* x, const T* dy, Sum* dw, bool accumulate) {
  constexpr int Most = 9;  // a window of 3x3
  const Index all = g.planes * g.tap_rows * g.taps, tiles = (all + Most - 1) / Most;
  const Index w_step = padded_channels<Sum>(g.channels);
  for_each_lane_vector<Sum>(g.channels, [&](auto vector, Index c, Index) {
    Index plane = 0, tap_row = 0, tap = 0;
    for (Index tile = 0, done = 0; tile < tiles; ++tile) {
      const Index count = all * (tile + 1) / tiles - done;
      const T* xs[Most];
      for (Index t = 0; t < count; ++t) {
        xs[t] = x + plane * g.x_plane + tap_row * g.x_tap_row + tap * g.x_tap + c;
        if (++tap < g.taps) continue;
        tap = 0;
        if (++tap_row < g.tap_rows) continue;
        tap_row = 0;
        ++plane;
      }
      with_count<Most>(count, [&](auto constant) {
        lanewise_weights_tile<decltype(vector), decltype(constant)::value>(g, xs, dy + c, dw + done * w_step + c,
                                                                           w_step, accumulate);
      });
      done += count;
    }
  });
}

// ---- planes ---------------------------------------------------------------------------------------

// How the channels of an image become those of planes: group by group, each of the `from` values of a group in turn
// is copied to all its `to` channels.
struct Spread {
  Index groups, from, to;
  bool any() const { return from != 1 || to != 1; }
  Index planes() const { return from; }
  Index channels() const { return groups * to; }
};

template <class T>
CNNFAST_INLINE void spread_pixels(Index pixels, const Spread& s, Index plane, const T* x, T* y) {
  if (!s.any()) {
    std::memcpy(y, x, static_cast<std::size_t>(pixels * s.groups) * sizeof(T));
    return;
  }
  const auto copies = [&](auto constant) {  // a constant number of copies is one store
    for (Index i = 0; i < pixels * s.groups; ++i) {
      const T value = x[i * s.from + plane];
      for (Index c = 0; c < Index{constant}; ++c) y[i * Index{constant} + c] = value;
    }
  };
  switch (s.to) {
    case 1: return copies(std::integral_constant<Index, 1>());
    case 2: return copies(std::integral_constant<Index, 2>());
    case 4: return copies(std::integral_constant<Index, 4>());
    case 8: return copies(std::integral_constant<Index, 8>());
    default: return copies(s.to);
  }
}

// The planes of one image of h x w, each padded with zeros.
template <class T>
void spread(Index h, Index w, const Spread& s, const Padding& m, const T* x, T* y) {
  const Index channels = s.channels(), width = m.left + w + m.right;
  const auto clear = [&](Index cols) {
    std::memset(y, 0, static_cast<std::size_t>(cols * channels) * sizeof(T));
    y += cols * channels;
  };
  for (Index plane = 0; plane < s.planes(); ++plane) {
    clear(m.top * width);
    for (Index row = 0; row < h; ++row) {
      clear(m.left);
      spread_pixels(w, s, plane, x + row * w * s.groups * s.from, y);
      y += w * channels;
      clear(m.right);
    }
    clear(m.bottom * width);
  }
}

CNNFAST_KERNELS_END
