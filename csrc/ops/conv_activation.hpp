// A convolution, a bias for each position, a residual add and an activation as one node of a plan. Not built by users:
// csrc/plan/fuse.cpp fuses consecutive layers into it.
#pragma once

#include "ops/activations.hpp"
#include "ops/planned_conv.hpp"

namespace cnnfast {

struct ConvActivation : OpBase {
  static constexpr const char* kName = "ConvActivation";
  static constexpr bool kReadsX = true;

  struct Geometry {
    PlannedConv conv;
    bool position_bias = false;
    bool residual = false;  // add the second input, before the activation
    Function activation;
    Index outputs() const { return conv.h_out * conv.w_out * conv.c_out; }
    bool activated() const { return activation.kind != Function::Kind::identity; }
    bool keeps_slope() const { return activated() && !activation.slope_from_y(); }
  };
};

}  // namespace cnnfast
