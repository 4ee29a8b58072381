// The windows of every pool, as lists of positions: the reference for csrc/kernels/pool/pool.hpp.
#pragma once

#include <type_traits>

#include "plan/graph.hpp"

namespace cnnfast::selftest {

template <class O, class... Pools>
constexpr bool is_one_of = (std::is_same_v<O, Pools> || ...);
template <class O>
constexpr bool is_adaptive_pool =
    is_one_of<O, AdaptiveMaxPool1d, AdaptiveMaxPool2d, AdaptiveAvgPool1d, AdaptiveAvgPool2d>;
template <class O>
constexpr bool is_max_pool = is_one_of<O, MaxPool1d, MaxPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d>;
template <class O>
constexpr bool is_average_pool = is_one_of<O, AvgPool1d, AvgPool2d, AdaptiveAvgPool1d, AdaptiveAvgPool2d>;

// Along one axis, for each window: the positions on the image, and their number including padding.
struct AxisWindows {
  std::vector<std::vector<Index>> places;
  std::vector<Index> padded;
};

inline AxisWindows slide(Index in, Index out, Index kernel, Index stride, Index before, Index after, Index dilation) {
  AxisWindows all;
  for (Index window = 0; window < out; ++window) {
    std::vector<Index> places;
    Index padded = 0;
    for (Index tap = 0; tap < kernel; ++tap) {
      const Index place = window * stride - before + tap * dilation;
      if (place >= 0 && place < in) places.push_back(place);
      if (place < in + after) ++padded;
    }
    all.places.push_back(places);
    all.padded.push_back(padded);
  }
  return all;
}

inline AxisWindows divide(Index in, Index out) {
  AxisWindows all;
  for (Index window = 0; window < out; ++window) {
    std::vector<Index> places;
    for (Index place = 0; place < in; ++place) {  // floor(window in / out) <= place < ceil((window + 1) in / out)
      if ((place + 1) * out > window * in && place * out < (window + 1) * in) places.push_back(place);
    }
    all.places.push_back(places);
    all.padded.push_back(static_cast<Index>(places.size()));
  }
  return all;
}

// Calls f(index in y, indices in x of its window, its number of pixels with padding) for n images or sequences.
template <class O, class F>
void for_each_window(const O& op, const Shape& in, Index n, const F& f) {
  const Shape out = op.output_shape({in});
  const bool line = in.rank() == 2;
  const Index h = line ? 1 : in[1], w = in[line ? 1 : 2], h_out = line ? 1 : out[1], w_out = out[line ? 1 : 2];
  AxisWindows rows = divide(h, h_out), cols = divide(w, w_out);
  if constexpr (!is_adaptive_pool<O>) {
    const Sliding& s = op.window;
    rows = slide(h, h_out, s.kernel.h, s.stride.h, s.pad.top, s.pad.bottom, s.dilation.h);
    cols = slide(w, w_out, s.kernel.w, s.stride.w, s.pad.left, s.pad.right, s.dilation.w);
  }
  std::size_t y = 0;
  for (Index plane = 0; plane < n * in[0]; ++plane) {
    for (std::size_t i = 0; i < rows.places.size(); ++i) {
      for (std::size_t j = 0; j < cols.places.size(); ++j, ++y) {
        std::vector<std::size_t> window;
        for (Index row : rows.places[i]) {
          for (Index col : cols.places[j]) window.push_back(static_cast<std::size_t>((plane * h + row) * w + col));
        }
        f(y, window, rows.padded[i] * cols.padded[j]);
      }
    }
  }
}

// The divisor of the sum of a window.
template <class O>
double divisor(const O& op, std::size_t inside, Index padded) {
  if constexpr (std::is_same_v<O, AvgPool2d>) {
    if (op.divisor_override) return static_cast<double>(*op.divisor_override);
  }
  if constexpr (is_one_of<O, AvgPool1d, AvgPool2d>) {
    if (op.count_include_pad) return static_cast<double>(padded);
  }
  return static_cast<double>(inside);
}

}  // namespace cnnfast::selftest
