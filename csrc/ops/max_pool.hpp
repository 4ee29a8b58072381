// Largest value of each window, per channel; padding counts as minus infinity. Windows slide, or their
// number is given (adaptive). A 1-D pool is a 2-D pool over an image of one row.
#pragma once

#include <optional>

#include "ops/op.hpp"
#include "ops/pool.hpp"

namespace cnnfast {

struct MaxPool2d : OpBase {
  static constexpr const char* kName = "MaxPool2d";
  static constexpr int kSaved = 1;  // position of the largest value inside its window

  struct Geometry : Pool {};

  MaxPool2d(Extent kernel_size, std::optional<Extent> stride, Padding padding, bool ceil, Extent dilation = {})
      : window{kernel_size, stride.value_or(kernel_size), padding, dilation}, ceil_mode(ceil) {
    check_pool(kName, window);
    check_numbers(kName, window.kernel);
  }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Extent>("kernel_size"), argument<std::optional<Extent>>("stride", std::nullopt),
                argument<Padding>("padding", 0), argument<bool>("ceil_mode", false), argument<Extent>("dilation", 1));
  }
  template <class List>
  auto values(const List& list) const {
    return list(window.kernel, window.stride, window.pad, ceil_mode, window.dilation);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.h_out, g.w_out};
  }
  Geometry bind_shape(const Shapes& inputs) const { return {bind_pool(kName, inputs[0], window, ceil_mode)}; }

  Sliding window;
  bool ceil_mode;
};

struct MaxPool1d : OpBase {
  static constexpr const char* kName = "MaxPool1d";
  static constexpr int kSaved = MaxPool2d::kSaved;

  using Geometry = MaxPool2d::Geometry;

  MaxPool1d(Index kernel_size, std::optional<Index> stride, Ends padding, bool ceil, Index dilation = 1)
      : window(on_line(kernel_size, stride.value_or(kernel_size), padding, dilation)), ceil_mode(ceil) {
    check_pool_line(kName, window);
    check_numbers(kName, window.kernel);
  }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("kernel_size"), argument<std::optional<Index>>("stride", std::nullopt),
                argument<Ends>("padding", 0), argument<bool>("ceil_mode", false), argument<Index>("dilation", 1));
  }
  template <class List>
  auto values(const List& list) const {
    return list(window.kernel.w, window.stride.w, Ends{window.pad.left, window.pad.right}, ceil_mode,
                window.dilation.w);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return {g.channels, g.w_out};
  }
  Geometry bind_shape(const Shapes& inputs) const { return {bind_pool_line(kName, inputs[0], window, ceil_mode)}; }

  Sliding window;
  bool ceil_mode;
};

struct AdaptiveMaxPool2d : OpBase {
  static constexpr const char* kName = "AdaptiveMaxPool2d";
  static constexpr int kSaved = MaxPool2d::kSaved;

  using Geometry = MaxPool2d::Geometry;

  explicit AdaptiveMaxPool2d(Extent output_size) : windows(output_size) { check_adaptive(kName, windows); }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Extent>("output_size"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(windows);
  }
  Shape output_shape(const Shapes& inputs) const { return {bind_shape(inputs).channels, windows.h, windows.w}; }
  Geometry bind_shape(const Shapes& inputs) const {
    const Geometry g{bind_adaptive(kName, inputs[0], windows)};
    check_numbers(kName, g.kernel);
    return g;
  }

  Extent windows;
};

struct AdaptiveMaxPool1d : OpBase {
  static constexpr const char* kName = "AdaptiveMaxPool1d";
  static constexpr int kSaved = MaxPool2d::kSaved;

  using Geometry = MaxPool2d::Geometry;

  explicit AdaptiveMaxPool1d(Index output_size) : windows(output_size) { check_extent(kName, "output_size", windows); }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("output_size"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(windows);
  }
  Shape output_shape(const Shapes& inputs) const { return {bind_shape(inputs).channels, windows}; }
  Geometry bind_shape(const Shapes& inputs) const {
    const Geometry g{bind_adaptive_line(kName, inputs[0], windows)};
    check_numbers(kName, g.kernel);
    return g;
  }

  Index windows;
};

}  // namespace cnnfast
