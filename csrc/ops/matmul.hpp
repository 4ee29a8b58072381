// The matrix product of two values, image by image.
#pragma once

#include "ops/op.hpp"

namespace cnnfast {

// (i, k) times (k, j) is (i, j).
struct MatMul : OpBase {
  static constexpr const char* kName = "MatMul";
  static constexpr int kInputs = 2;
  static constexpr bool kReadsX = true;
  struct Geometry {
    Index i = 0, k = 0, j = 0;
  };

  Shape output_shape(const Shapes& inputs) const {
    const Shape &a = inputs[0], &b = inputs[1];
    if (a.rank() != 2 || b.rank() != 2 || a[1] != b[0]) {
      fail(kName, ": expected inputs of shapes (i, k) and (k, j), got ", to_string(a), " and ", to_string(b));
    }
    return {a[0], b[1]};
  }
  Geometry bind_shape(const Shapes& inputs) const {
    output_shape(inputs);
    return {inputs[0][0], inputs[0][1], inputs[1][1]};
  }
  Index macs(const Shapes& inputs) const { return inputs[0].size() * inputs[1][1]; }
};

}  // namespace cnnfast
