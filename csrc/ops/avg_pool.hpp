// Mean of each window, per channel. Windows slide, or their number is given (adaptive). A 1-D pool is a 2-D pool over
// an image of one row.
#pragma once

#include <optional>

#include "ops/op.hpp"
#include "ops/pool.hpp"

namespace cnnfast {

struct AvgPool2d : OpBase {
  static constexpr const char* kName = "AvgPool2d";

  struct Geometry : Pool {
    bool count_padding = true;  // as pixels of a window; never what lies beyond the padding
    Index divisor = 0;          // 0: the number of pixels
  };

  AvgPool2d(Extent kernel_size, std::optional<Extent> stride, Padding padding, bool ceil, bool count_include_pad_,
            std::optional<Index> divisor, Extent dilation = {})
      : window{kernel_size, stride.value_or(kernel_size), padding, dilation},
        ceil_mode(ceil),
        count_include_pad(count_include_pad_),
        divisor_override(divisor) {
    check_pool(kName, window);
    if (divisor) check_extent(kName, "divisor_override", *divisor);
  }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Extent>("kernel_size"), argument<std::optional<Extent>>("stride", std::nullopt),
                argument<Padding>("padding", 0), argument<bool>("ceil_mode", false),
                argument<bool>("count_include_pad", true),
                argument<std::optional<Index>>("divisor_override", std::nullopt), argument<Extent>("dilation", 1));
  }
  template <class List>
  auto values(const List& list) const {
    return list(window.kernel, window.stride, window.pad, ceil_mode, count_include_pad, divisor_override,
                window.dilation);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.h_out, g.w_out};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    return {bind_pool(kName, inputs[0], window, ceil_mode), count_include_pad, divisor_override.value_or(0)};
  }

  Sliding window;
  bool ceil_mode, count_include_pad;
  std::optional<Index> divisor_override;
};

struct AvgPool1d : OpBase {
  static constexpr const char* kName = "AvgPool1d";

  using Geometry = AvgPool2d::Geometry;

  AvgPool1d(Index kernel_size, std::optional<Index> stride, Ends padding, bool ceil, bool count_include_pad_,
            Index dilation = 1)
      : window(on_line(kernel_size, stride.value_or(kernel_size), padding, dilation)),
        ceil_mode(ceil),
        count_include_pad(count_include_pad_) {
    check_pool_line(kName, window);
  }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("kernel_size"), argument<std::optional<Index>>("stride", std::nullopt),
                argument<Ends>("padding", 0), argument<bool>("ceil_mode", false),
                argument<bool>("count_include_pad", true), argument<Index>("dilation", 1));
  }
  template <class List>
  auto values(const List& list) const {
    return list(window.kernel.w, window.stride.w, Ends{window.pad.left, window.pad.right}, ceil_mode, count_include_pad,
                window.dilation.w);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.w_out};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    return {bind_pool_line(kName, inputs[0], window, ceil_mode), count_include_pad, 0};
  }

  Sliding window;
  bool ceil_mode, count_include_pad;
};

struct AdaptiveAvgPool2d : OpBase {
  static constexpr const char* kName = "AdaptiveAvgPool2d";

  using Geometry = AvgPool2d::Geometry;

  explicit AdaptiveAvgPool2d(Extent output_size) : windows(output_size) { check_adaptive(kName, windows); }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Extent>("output_size"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(windows);
  }
  Shape output_shape(const Shapes& inputs) const { return {bind_shape(inputs).channels, windows.h, windows.w}; }
  Geometry bind_shape(const Shapes& inputs) const { return {bind_adaptive(kName, inputs[0], windows), true, 0}; }

  Extent windows;
};

struct AdaptiveAvgPool1d : OpBase {
  static constexpr const char* kName = "AdaptiveAvgPool1d";

  using Geometry = AvgPool2d::Geometry;

  explicit AdaptiveAvgPool1d(Index output_size) : windows(output_size) { check_extent(kName, "output_size", windows); }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("output_size"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(windows);
  }
  Shape output_shape(const Shapes& inputs) const { return {bind_shape(inputs).channels, windows}; }
  Geometry bind_shape(const Shapes& inputs) const { return {bind_adaptive_line(kName, inputs[0], windows), true, 0}; }

  Index windows;
};

}  // namespace cnnfast
