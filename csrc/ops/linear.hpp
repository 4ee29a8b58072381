// y = x W^T + b over the features of one image, weights (out, in).
#pragma once

#include <optional>

#include "ops/conv2d.hpp"

namespace cnnfast {

struct Linear : OpBase {
  static constexpr const char* kName = "Linear";
  static constexpr bool kReadsX = true;

  static constexpr bool kWeightRowPerOutput = true;

  struct Geometry {
    static constexpr bool kWholeBatchWeightGrad = true;
    Index in = 0, out = 0;
    bool bias = true;
    Index positions = 1;  // of an image, each with its own row of inputs and of outputs: a 1x1 convolution
  };

  Linear(Index in_features, Index out_features, bool with_bias) : in(in_features), out(out_features), bias(with_bias) {
    check_extent(kName, "in_features", in);
    check_extent(kName, "out_features", out);
    check_elements(kName, "weight", {out, in});
  }

  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0].rank() != 1) {
      fail(kName, ": expected an input of shape (", in, ",), got ", to_string(inputs[0]), "; put a Flatten before it");
    }
    if (inputs[0][0] != in) fail(kName, ": expected ", in, " input features, got ", inputs[0][0]);
    return {out};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    output_shape(inputs);
    return {in, out, bias};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("in_features"), argument<Index>("out_features"), argument<bool>("bias", true));
  }
  template <class List>
  auto values(const List& list) const {
    return list(in, out, bias);
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> list{{"weight", {out, in}}};
    if (bias) list.push_back({"bias", {out}});
    return list;
  }
  Index macs(const Shapes&) const { return in * out; }

  Index in, out;
  bool bias;
};

// A convolution that is a product for each position by itself: 1x1, without stride, padding and groups.
inline std::optional<Linear::Geometry> per_position(const Conv2d::Geometry& g) {
  const bool pointwise = g.kernel.h == 1 && g.kernel.w == 1 && g.stride.h == 1 && g.stride.w == 1 && !g.pad.any();
  if (!pointwise || g.groups > 1) return std::nullopt;
  return Linear::Geometry{g.c_in, g.c_out, g.bias, g.h_out * g.w_out};
}

}  // namespace cnnfast
