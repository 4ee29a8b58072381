// 2-D cross-correlation over NCHW images, weights OIHW: what deep learning calls a convolution.
#pragma once

#include "ops/op.hpp"
#include "ops/window.hpp"

namespace cnnfast {

struct Conv2d : OpBase {
  static constexpr const char* kName = "Conv2d";
  static constexpr bool kReadsX = true;

  struct Geometry : Window {
    Index c_in = 0, c_out = 0;
    bool bias = true;
    int winograd = 0;  // edge of the output tiles of Winograd's algorithm; 0: direct
  };

  Conv2d(Index in_channels, Index out_channels, Extent kernel_size, Extent stride_, Padding padding, bool with_bias)
      : c_in(in_channels), c_out(out_channels), kernel(kernel_size), stride(stride_), pad(padding), bias(with_bias) {
    check_extent(kName, "in_channels", c_in);
    check_extent(kName, "out_channels", c_out);
    check_window(kName, kernel, stride, pad);
    check_elements(kName, "weight", {c_out, c_in, kernel.h, kernel.w});
  }

  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = place(inputs);
    check_elements(kName, "output", {g.c_out, g.h_out, g.w_out});
    return {g.c_out, g.h_out, g.w_out};
  }
  Geometry place(const Shapes& inputs) const {
    check_image(kName, inputs[0], c_in);
    return {place_window(kName, inputs[0], kernel, stride, pad, false), c_in, c_out, bias};
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list{{"weight", {c_out, c_in, kernel.h, kernel.w}}};
    if (bias) list.push_back({"bias", {c_out}});
    return list;
  }
  Index macs(const Shapes& inputs) const {
    const Geometry g = place(inputs);
    return g.h_out * g.w_out * c_out * c_in * kernel.h * kernel.w;
  }

  Index c_in, c_out;
  Extent kernel, stride;
  Padding pad;
  bool bias;
};

}  // namespace cnnfast
