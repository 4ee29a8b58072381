// 2-D cross-correlation over NCHW images, weights OIHW: what deep learning calls a convolution.
#pragma once

#include "ops/op.hpp"
#include "ops/window.hpp"

namespace cnnfast {

// Checks of the channels of every convolution: `groups` must divide both.
inline void check_channels(const char* op, Index in, Index out, Index groups) {
  check_extent(op, "in_channels", in);
  check_extent(op, "out_channels", out);
  check_extent(op, "groups", groups);
  if (in % groups != 0 || out % groups != 0) {
    fail(op, ": groups must divide in_channels and out_channels, got groups ", groups, " for ", in, " and ", out);
  }
}

struct Conv2d : OpBase {
  static constexpr const char* kName = "Conv2d";
  static constexpr bool kReadsX = true;
  static constexpr bool kWeightRowPerOutput = true;

  struct Geometry : Window {
    Index c_in = 0, c_out = 0;
    bool bias = true;
    Index groups = 1;  // of channels: each output channel reads the inputs of its own group

    Index group_in() const { return c_in / groups; }
    Index group_out() const { return c_out / groups; }
  };

  Conv2d(Index in_channels, Index out_channels, Extent kernel_size, Extent stride, const PaddingOrSame& padding,
         Extent dilation, Index groups_, bool with_bias)
      : c_in(in_channels),
        c_out(out_channels),
        window(sliding(kName, kernel_size, stride, padding, dilation)),
        groups(groups_),
        bias(with_bias) {
    check_channels(kName, c_in, c_out, groups);
    check_sliding(kName, window);
    check_elements(kName, "weight", {c_out, c_in / groups, window.kernel.h, window.kernel.w});
  }

  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    check_elements(kName, "output", {g.c_out, g.h_out, g.w_out});
    return {g.c_out, g.h_out, g.w_out};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_image(kName, inputs[0], c_in);
    return {bind_window(kName, inputs[0], window, false), c_in, c_out, bias, groups};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("in_channels"), argument<Index>("out_channels"), argument<Extent>("kernel_size"),
                argument<Extent>("stride", 1), argument<PaddingOrSame>("padding", 0), argument<Extent>("dilation", 1),
                argument<Index>("groups", 1), argument<bool>("bias", true));
  }
  template <class List>
  auto values(const List& list) const {
    return list(c_in, c_out, window.kernel, window.stride, window.pad, window.dilation, groups, bias);
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list{{"weight", {c_out, c_in / groups, window.kernel.h, window.kernel.w}}};
    if (bias) list.push_back({"bias", {c_out}});
    return list;
  }
  Index macs(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return g.h_out * g.w_out * c_out * g.group_in() * window.kernel.h * window.kernel.w;
  }

  Index c_in, c_out;
  Sliding window;
  Index groups;
  bool bias;
};

}  // namespace cnnfast
