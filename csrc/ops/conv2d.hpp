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
      : c_in(in_channels), c_out(out_channels), window{kernel_size, stride_, padding, {}}, bias(with_bias) {
    check_extent(kName, "in_channels", c_in);
    check_extent(kName, "out_channels", c_out);
    check_sliding(kName, window);
    check_elements(kName, "weight", {c_out, c_in, window.kernel.h, window.kernel.w});
  }

  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = place(inputs);
    check_elements(kName, "output", {g.c_out, g.h_out, g.w_out});
    return {g.c_out, g.h_out, g.w_out};
  }
  Geometry place(const Shapes& inputs) const {
    check_image(kName, inputs[0], c_in);
    return {place_window(kName, inputs[0], window, false), c_in, c_out, bias};
  }
  template <class F>
  void settings(const F& f) const {
    f("in_channels", c_in);
    f("out_channels", c_out);
    f("kernel_size", window.kernel);
    f("stride", window.stride);
    f("padding", window.pad);
    f("bias", bias);
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list{{"weight", {c_out, c_in, window.kernel.h, window.kernel.w}}};
    if (bias) list.push_back({"bias", {c_out}});
    return list;
  }
  Index macs(const Shapes& inputs) const {
    const Geometry g = place(inputs);
    return g.h_out * g.w_out * c_out * c_in * window.kernel.h * window.kernel.w;
  }

  Index c_in, c_out;
  Sliding window;
  bool bias;
};

}  // namespace cnnfast
