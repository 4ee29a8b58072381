// Operations that only rearrange or join values.
#pragma once

#include "ops/op.hpp"

namespace cnnfast {

// (c, h, w) -> (c h w,), in that order.
struct Flatten : OpBase {
  static constexpr const char* kName = "Flatten";
  struct Geometry : Rows {};
  Shape output_shape(const Shapes& inputs) const { return {inputs[0].size()}; }
  Geometry place(const Shapes& inputs) const { return {rows_of(inputs[0])}; }
};

// Sum of two values of one shape: the join of a residual branch.
struct Add : OpBase {
  static constexpr const char* kName = "Add";
  static constexpr int kInputs = 2;
  struct Geometry : Rows {};
  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0] != inputs[1]) {
      fail(kName, ": both inputs must have one shape, got ", to_string(inputs[0]), " and ", to_string(inputs[1]));
    }
    return inputs[0];
  }
  Geometry place(const Shapes& inputs) const { return {rows_of(output_shape(inputs))}; }
};

}  // namespace cnnfast
