// Squared distances of the features of one image from centers, weights (out, in).
#pragma once

#include "ops/activations.hpp"

namespace cnnfast {

// y[o] = scale sum over i of (x[i] - weight[o,i])^2. LeCun et al. 1998, Gradient-based learning applied to document
// recognition: the output layer of LeNet-5, where the centers are fixed.
struct RBF : OpBase {
  static constexpr const char* kName = "RBF";
  static constexpr bool kReadsX = true;
  struct Geometry {
    Index in = 0, out = 0;
    double scale = 1;
    bool fixed = false;
  };

  RBF(Index in_features, Index out_features, double scale_, bool fixed_)
      : in(in_features), out(out_features), scale(check_finite(kName, "scale", scale_)), fixed(fixed_) {
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
    return {in, out, scale, fixed};
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("in_features"), argument<Index>("out_features"), argument<double>("scale", 1.0),
                argument<bool>("fixed", false));
  }
  template <class List>
  auto values(const List& list) const {
    return list(in, out, scale, fixed);
  }
  std::vector<Parameter> parameters() const { return {{"weight", {out, in}, !fixed}}; }
  Index macs(const Shapes&) const { return in * out; }

  Index in, out;
  double scale;
  bool fixed;  // the centers are a buffer
};

}  // namespace cnnfast
