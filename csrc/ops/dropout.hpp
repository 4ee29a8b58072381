// In training each value becomes 0 with probability p and else x / (1 - p); inference is the identity. Srivastava et
// al. 2014, Dropout: a simple way to prevent neural networks from overfitting.
#pragma once

#include "ops/op.hpp"

namespace cnnfast {

struct Dropout : OpBase {
  static constexpr const char* kName = "Dropout";
  static constexpr int kSaved = 1;  // the factor of each value
  static constexpr bool kIdentityInInference = true;

  struct Geometry : Rows {
    double p = 0.5;
    bool whole_channels = false;
  };

  explicit Dropout(double p_) : Dropout(kName, p_) {}

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("p", 0.5));
  }
  template <class List>
  auto values(const List& list) const {
    return list(p);
  }
  Shape output_shape(const Shapes& inputs) const { return inputs[0]; }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(inputs[0]), p, false}; }

  double p;

 protected:
  Dropout(const char* name, double p_) : p(p_) {
    if (!(p >= 0 && p <= 1)) fail(name, ": p must be from 0 to 1, got ", p);
  }
};

// Drops whole channels of an image. Tompson et al. 2015, arXiv:1411.4280.
struct Dropout2d : Dropout {
  static constexpr const char* kName = "Dropout2d";

  explicit Dropout2d(double p_) : Dropout(kName, p_) {}
  Shape output_shape(const Shapes& inputs) const {
    if (inputs[0].rank() != 3) fail(kName, ": expected an input of shape (c, h, w), got ", to_string(inputs[0]));
    return inputs[0];
  }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(output_shape(inputs)), p, true}; }
};

}  // namespace cnnfast
