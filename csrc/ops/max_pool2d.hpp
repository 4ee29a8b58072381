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
      : kernel(kernel_size), stride(stride_), pad(padding), ceil_mode(ceil) {
    check_window(kName, kernel, stride, pad);
    if (pad.top >= kernel.h || pad.bottom >= kernel.h || pad.left >= kernel.w || pad.right >= kernel.w) {
      fail(kName, ": padding must be smaller than the kernel on every side, got padding ", to_string(pad),
           " [(top, bottom), (left, right)] for kernel ", to_string(kernel));
    }
  }

  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = place(inputs);
    return {g.channels, g.h_out, g.w_out};
  }
  Geometry place(const Shapes& inputs) const {
    return {place_window(kName, inputs[0], kernel, stride, pad, ceil_mode), inputs[0][0]};
  }

  Extent kernel, stride;
  Padding pad;
  bool ceil_mode;
};

}  // namespace cnnfast
