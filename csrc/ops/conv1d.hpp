// 1-D cross-correlation over sequences (c, l), weights (c_out, c_in / groups, k): a Conv2d over images of one row.
#pragma once

#include "ops/conv2d.hpp"

namespace cnnfast {

struct Conv1d : OpBase {
  static constexpr const char* kName = "Conv1d";
  static constexpr bool kReadsX = true;
  static constexpr bool kWeightRowPerOutput = true;

  using Geometry = Conv2d::Geometry;

  Conv1d(Index in_channels, Index out_channels, Index kernel_size, Index stride, const EndsOrSame& padding,
         Index dilation, Index groups_, bool with_bias)
      : c_in(in_channels),
        c_out(out_channels),
        window(sliding_line(kName, kernel_size, stride, padding, dilation)),
        groups(groups_),
        bias(with_bias) {
    check_channels(kName, c_in, c_out, groups);
    check_sliding_line(kName, window);
    check_elements(kName, "weight", {c_out, c_in / groups, window.kernel.w});
  }

  Shape output_shape(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    check_elements(kName, "output", {g.c_out, g.w_out});
    return {g.c_out, g.w_out};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    check_line(kName, inputs[0], c_in);
    return {bind_line(kName, inputs[0], window, false), c_in, c_out, bias, groups};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("in_channels"), argument<Index>("out_channels"), argument<Index>("kernel_size"),
                argument<Index>("stride", 1), argument<EndsOrSame>("padding", 0), argument<Index>("dilation", 1),
                argument<Index>("groups", 1), argument<bool>("bias", true));
  }
  template <class List>
  auto values(const List& list) const {
    return list(c_in, c_out, window.kernel.w, window.stride.w, Ends{window.pad.left, window.pad.right},
                window.dilation.w, groups, bias);
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list{{"weight", {c_out, c_in / groups, window.kernel.w}}};
    if (bias) list.push_back({"bias", {c_out}});
    return list;
  }
  Index macs(const Shapes& inputs) const {
    const Geometry g = bind_shape(inputs);
    return g.w_out * c_out * g.group_in() * window.kernel.w;
  }

  Index c_in, c_out;
  Sliding window;
  Index groups;
  bool bias;
};

}  // namespace cnnfast
