// Simplifies a graph for inference: removes dropout and auxiliary outputs, and folds batch normalization into the
// weights before it.
#pragma once

#include <vector>

#include "plan/graph.hpp"

namespace cnnfast {

// Computes some parameters of a simplified graph from the original ones: copies `count` numbers; or folds a batch
// normalization into the layer before it, whose weights have `outputs` rows:
//
//   s = weight / sqrt(running_var + eps),   w' = s w,   b' = s (b - running_mean) + bias
struct ParameterStep {
  Index from = 0, to = 0, count = 0;
  Index outputs = 0;        // 0: a copy
  Index bias = -1;          // of the layer; negative: none
  Index normalization = 0;  // weight and bias where `affine`, running mean and variance
  bool affine = true;
  double eps = 0;
};

struct Simplified {
  Graph graph;
  std::vector<ParameterStep> steps;  // empty: the graph is the original
};
// exact: every layer remains as it is, except those that only auxiliary outputs need.
Simplified simplified(const Graph& graph, bool exact);

template <class T>
void make_parameters(const ParameterStep& step, const T* params, T* to);

}  // namespace cnnfast
