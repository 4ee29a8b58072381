// A convolution, the 2x2 max-pool after it and an activation, as one node of a plan. Not built by
// users: csrc/plan/fuse.cpp fuses three layers into it where the result is the same.
#pragma once

#include "ops/conv_activation.hpp"
#include "ops/max_pool.hpp"

namespace cnnfast {

struct ConvPool : OpBase {
  static constexpr const char* kName = "ConvPool";
  static constexpr bool kReadsX = true;
  static constexpr int kSaved = 2;  // position of the largest value, and the activation's slope there

  struct Geometry {
    PlannedConv conv;            // stride 1
    Index h_out = 0, w_out = 0;  // pooled; a window may hang over the convolution's edge (ceil_mode)
    Function activation;
    Index windows() const { return h_out * w_out; }
    Index outputs() const { return h_out * w_out * conv.c_out; }
  };
};

}  // namespace cnnfast
