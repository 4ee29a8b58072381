// A convolution, an offset for each position, the join of a branch and an activation, as one node of a plan. Users
// never build it: csrc/plan/fuse.cpp makes it of neighboring layers.
#pragma once

#include "ops/activations.hpp"
#include "ops/conv2d.hpp"

namespace cnnfast {

struct ConvActivation : OpBase {
  static constexpr const char* kName = "ConvActivation";
  static constexpr bool kReadsX = true;

  struct Geometry {
    Conv2d::Geometry conv;
    bool position_bias = false;
    bool residual = false;  // add the second input, before the activation
    Function activation;
    Index outputs() const { return conv.h_out * conv.w_out * conv.c_out; }
    bool activated() const { return activation.kind != Function::Kind::identity; }
    bool keeps_slope() const { return activated() && !activation.slope_from_y(); }
  };
};

}  // namespace cnnfast
