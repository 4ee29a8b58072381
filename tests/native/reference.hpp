// Every operation in plain loops of double over NCHW values: the reference for the kernels. It takes shapes
// from csrc/ops and uses nothing else of the engine.
#pragma once

#include "plan/graph.hpp"

namespace cnnfast::selftest {

using Values = std::vector<double>;  // n images of one shape, or parameters

struct Gradients {
  std::vector<Values> dx;  // by input
  Values dparams;
};

// One operation applied to n images; `x` holds a value for each input.
struct Application {
  Op op;
  Shapes shapes;  // of the inputs
  Index n;

  Shape output() const { return output_shape(op, shapes); }
  Index parameter_count() const;
  Values forward(const std::vector<Values>& x, const Values& params) const;
  Gradients backward(const std::vector<Values>& x, const Values& params, const Values& dy) const;

  // How near the input is to a discontinuity of the gradient (zero of ReLU, equal candidates of a pool),
  // relative to its largest value. Exact ties do not count: the rule for them is part of the operation.
  double distance_to_kink(const std::vector<Values>& x) const;
};

double largest(const Values& values);

}  // namespace cnnfast::selftest
