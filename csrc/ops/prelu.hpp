// A ReLU that learns how much to let through below zero: one slope for each channel, or one for all.
#pragma once

#include "ops/activations.hpp"

namespace cnnfast {

// x above 0, weight x elsewhere. He et al. 2015, arXiv:1502.01852.
struct PReLU : OpBase {
  static constexpr const char* kName = "PReLU";
  static constexpr bool kReadsX = true;
  struct Geometry : Rows {
    Index slopes = 1;
  };

  PReLU(Index num_parameters_, double init_)
      : num_parameters(num_parameters_), init(check_finite(kName, "init", init_)) {
    check_extent(kName, "num_parameters", num_parameters);
  }

  Shape output_shape(const Shapes& inputs) const {
    if (num_parameters != 1 && inputs[0].channels() != num_parameters) {
      fail(kName, ": expected ", num_parameters, " channels, one for each slope, got input ", to_string(inputs[0]));
    }
    return inputs[0];
  }
  Geometry bind_shape(const Shapes& inputs) const { return {rows_of(output_shape(inputs)), num_parameters}; }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<Index>("num_parameters", 1), argument<double>("init", 0.25));
  }
  template <class List>
  auto values(const List& list) const {
    return list(num_parameters, init);
  }
  std::vector<Parameter> parameters() const { return {{"weight", {num_parameters}}}; }

  Index num_parameters;
  double init;  // what the weights start from: no kernel reads it
};

}  // namespace cnnfast
