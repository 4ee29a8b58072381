// Largest value of each window, per channel; padding counts as minus infinity.
#pragma once

#include "ops/op.hpp"
#include "ops/window.hpp"

namespace cnnfast {

struct MaxPool2d : OpBase {
  static constexpr const char* kName = "MaxPool2d";
  static constexpr int kSaved = 1;  // position of the largest value inside its window

  struct Geometry : Window {
    Index channels = 0;
  };

  MaxPool2d(Extent kernel_size, Extent stride_, Padding padding, bool ceil)
      : window{kernel_size, stride_, padding, {}}, ceil_mode(ceil) {
    check_sliding(kName, window);
    if (padding.top >= kernel_size.h || padding.bottom >= kernel_size.h || padding.left >= kernel_size.w ||
        padding.right >= kernel_size.w) {
      fail(kName, ": padding must be smaller than the kernel on every side, got padding ", to_string(padding),
           " [(top, bottom), (left, right)] for kernel ", to_string(kernel_size));
    }
  }

  template <class F>
  void settings(const F& f) const {
    f("kernel_size", window.kernel);
    f("stride", window.stride);
    f("padding", window.pad);
    f("ceil_mode", ceil_mode);
  }
  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = place(inputs);
    return {g.channels, g.h_out, g.w_out};
  }
  Geometry place(const Shapes& inputs) const {
    return {place_window(kName, inputs[0], window, ceil_mode), inputs[0][0]};
  }

  Sliding window;
  bool ceil_mode;
};

}  // namespace cnnfast
