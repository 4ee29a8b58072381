// A convolution, an offset for each position and an activation, as one node of a plan. Users never build it:
// csrc/plan/fuse.cpp makes it of neighbouring layers.
#pragma once

#include "ops/activations.hpp"
#include "ops/conv2d.hpp"

namespace cnnfast {

enum class Activation { none, relu, gelu, gelu_tanh };

struct ConvActivation : OpBase {
  static constexpr const char* kName = "ConvActivation";
  static constexpr bool kReadsX = true;

  struct Geometry {
    Conv2d::Geometry conv;
    bool position_bias = false;
    Activation activation = Activation::none;
    Index outputs() const { return conv.h_out * conv.w_out * conv.c_out; }
    bool keeps_slope() const { return activation == Activation::gelu || activation == Activation::gelu_tanh; }
  };
};

}  // namespace cnnfast
