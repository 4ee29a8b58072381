// Each value divided by a power of the sum of squares of the neighboring channels at its position. Krizhevsky,
// Sutskever & Hinton 2012, ImageNet classification with deep convolutional neural networks, section 3.3; alpha is
// divided by size, as in PyTorch.
#pragma once

#include <cmath>

#include "ops/op.hpp"

namespace cnnfast {

struct LocalResponseNorm : OpBase {
  static constexpr const char* kName = "LocalResponseNorm";
  static constexpr bool kReadsX = true;
  static constexpr int kSaved = 1;  // the sum that is raised to the power

  struct Geometry : Rows {
    Index size = 5;
    double alpha = 1e-4, beta = 0.75, k = 1;
  };

  LocalResponseNorm(Index size_, double alpha_, double beta_, double k_)
      : size(size_), alpha(alpha_), beta(beta_), k(k_) {
    check_extent(kName, "size", size);
    if (!std::isfinite(alpha) || alpha < 0) fail(kName, ": alpha must be a finite number of at least 0, got ", alpha);
    if (!std::isfinite(beta)) fail(kName, ": beta must be a finite number, got ", beta);
    if (!std::isfinite(k) || k <= 0) fail(kName, ": k must be a finite number above 0, got ", k);
  }

  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("size"), argument<double>("alpha", 1e-4), argument<double>("beta", 0.75),
                argument<double>("k", 1.0));
  }
  template <class List>
  auto values(const List& list) const {
    return list(size, alpha, beta, k);
  }
  Shape output_shape(const Shapes& inputs) const { return inputs[0]; }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(inputs[0]), size, alpha, beta, k}; }

  Index size;
  double alpha, beta, k;
};

}  // namespace cnnfast
