// Transposed convolutions: the data gradient of a convolution as an operation of its own, weights
// (c_in, c_out / groups, kh, kw). Dumoulin and Visin 2016, arXiv:1603.07285.
#pragma once

#include "ops/conv1d.hpp"
#include "ops/planned_conv.hpp"

namespace cnnfast {

// `window` is that of the convolution whose input is our output: strides and padding refer to it.
struct ConvTranspose2d : OpBase {
  static constexpr const char* kName = "ConvTranspose2d";
  static constexpr bool kReadsX = true;

  struct Geometry {
    PlannedConv conv;  // from our output to our input, without bias
    bool bias = true;
    Index c_out() const { return conv.c_in; }
  };

  ConvTranspose2d(Index in_channels, Index out_channels, Extent kernel_size, Extent stride, Padding padding,
                  Extent output_padding_, Index groups_, bool with_bias, Extent dilation)
      : c_in(in_channels),
        c_out(out_channels),
        window{kernel_size, stride, padding, dilation},
        output_padding(output_padding_),
        groups(groups_),
        bias(with_bias) {
    check_channels(kName, c_in, c_out, groups);
    check_sliding(kName, window);
    if (!below_step(output_padding.h, window.stride.h, window.dilation.h) ||
        !below_step(output_padding.w, window.stride.w, window.dilation.w)) {
      fail(kName, ": output_padding must be at least 0 and smaller than stride or dilation, got (", output_padding.h,
           ", ", output_padding.w, ") for stride (", window.stride.h, ", ", window.stride.w, ") and dilation (",
           window.dilation.h, ", ", window.dilation.w, ")");
    }
    check_elements(kName, "weight", {c_in, c_out / groups, window.kernel.h, window.kernel.w});
  }

  // More would only add rows that no window reaches.
  static bool below_step(Index extra, Index stride, Index dilation) {
    return extra >= 0 && (extra < stride || extra < dilation);
  }
  static Index extent(Index in, Index stride, Index reach, Index before, Index after, Index extra) {
    return (in - 1) * stride + reach - before - after + extra;
  }

  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    check_elements(kName, "output", {c_out, g.conv.h, g.conv.w});
    return {c_out, g.conv.h, g.conv.w};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_image(kName, inputs[0], c_in);
    const Sliding& s = window;
    const Index in_h = inputs[0][1], in_w = inputs[0][2];
    const Index h = extent(in_h, s.stride.h, s.reach_h(), s.pad.top, s.pad.bottom, output_padding.h);
    const Index w = extent(in_w, s.stride.w, s.reach_w(), s.pad.left, s.pad.right, output_padding.w);
    if (h < 1 || w < 1) {
      fail(kName, ": padding ", to_string(s.pad), " leaves an output of ", h, "x", w, " for input ",
           to_string(inputs[0]), " [c, h, w]; need at least 1x1");
    }
    return {planned(Conv2d::Geometry{{s, h, w, in_h, in_w}, c_out, c_in, false, groups}), bias};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("in_channels"), argument<Index>("out_channels"), argument<Extent>("kernel_size"),
                argument<Extent>("stride", 1), argument<Padding>("padding", 0), argument<Extent>("output_padding", 0),
                argument<Index>("groups", 1), argument<bool>("bias", true), argument<Extent>("dilation", 1));
  }
  template <class List>
  auto values(const List& list) const {
    return list(c_in, c_out, window.kernel, window.stride, window.pad, output_padding, groups, bias, window.dilation);
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list{{"weight", {c_in, c_out / groups, window.kernel.h, window.kernel.w}}};
    if (bias) list.push_back({"bias", {c_out}});
    return list;
  }
  // Every input is multiplied by every weight of its channel, also where padding crops the result.
  Index macs(const Shapes& inputs) const {
    return inputs[0].size() * (c_out / groups) * window.kernel.h * window.kernel.w;
  }

  Index c_in, c_out;
  Sliding window;
  Extent output_padding;
  Index groups;
  bool bias;
};

struct ConvTranspose1d : OpBase {
  static constexpr const char* kName = "ConvTranspose1d";
  static constexpr bool kReadsX = true;

  using Geometry = ConvTranspose2d::Geometry;

  ConvTranspose1d(Index in_channels, Index out_channels, Index kernel_size, Index stride, Ends padding,
                  Index output_padding_, Index groups_, bool with_bias, Index dilation)
      : c_in(in_channels),
        c_out(out_channels),
        window(on_line(kernel_size, stride, padding, dilation)),
        output_padding(output_padding_),
        groups(groups_),
        bias(with_bias) {
    check_channels(kName, c_in, c_out, groups);
    check_sliding_line(kName, window);
    if (!ConvTranspose2d::below_step(output_padding, window.stride.w, window.dilation.w)) {
      fail(kName, ": output_padding must be at least 0 and smaller than stride or dilation, got ", output_padding,
           " for stride ", window.stride.w, " and dilation ", window.dilation.w);
    }
    check_elements(kName, "weight", {c_in, c_out / groups, window.kernel.w});
  }

  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    check_elements(kName, "output", {c_out, g.conv.w});
    return {c_out, g.conv.w};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_line(kName, inputs[0], c_in);
    const Sliding& s = window;
    const Index in = inputs[0][1];
    const Index l = ConvTranspose2d::extent(in, s.stride.w, s.reach_w(), s.pad.left, s.pad.right, output_padding);
    if (l < 1) {
      fail(kName, ": padding ", to_string(Ends{s.pad.left, s.pad.right}), " leaves an output of ", l, " for input ",
           to_string(inputs[0]), " [c, l]; need at least 1");
    }
    return {planned(Conv2d::Geometry{{s, 1, l, 1, in}, c_out, c_in, false, groups}), bias};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("in_channels"), argument<Index>("out_channels"), argument<Index>("kernel_size"),
                argument<Index>("stride", 1), argument<Ends>("padding", 0), argument<Index>("output_padding", 0),
                argument<Index>("groups", 1), argument<bool>("bias", true), argument<Index>("dilation", 1));
  }
  template <class List>
  auto values(const List& list) const {
    return list(c_in, c_out, window.kernel.w, window.stride.w, Ends{window.pad.left, window.pad.right}, output_padding,
                groups, bias, window.dilation.w);
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list{{"weight", {c_in, c_out / groups, window.kernel.w}}};
    if (bias) list.push_back({"bias", {c_out}});
    return list;
  }
  Index macs(const Shapes& inputs) const { return inputs[0].size() * (c_out / groups) * window.kernel.w; }

  Index c_in, c_out;
  Sliding window;
  Index output_padding;
  Index groups;
  bool bias;
};

}  // namespace cnnfast
