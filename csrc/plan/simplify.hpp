// What a graph becomes for inference: dropout is gone, and batch normalization is part of the weights before it.
#pragma once

#include <vector>

#include "plan/graph.hpp"

namespace cnnfast {

// Makes some of a simplified graph's parameters out of the original ones: copies `count` numbers; or scales the
// weights of a layer, `outputs` rows of them, and makes its bias, by the batch normalization behind it:
//
//   s = weight / sqrt(running_var + eps),   w' = s w,   b' = s (b - running_mean) + bias
struct ParameterStep {
  Index from = 0, to = 0, count = 0;
  Index outputs = 0;        // 0: a copy
  Index bias = -1;          // of the layer; negative: it has none
  Index normalization = 0;  // weight and bias where `affine`, running mean and variance
  bool affine = true;
  double eps = 0;
};

struct Simplified {
  Graph graph;
  std::vector<ParameterStep> steps;  // none: the graph is the original
};
Simplified simplified(const Graph& graph);

template <class T>
void make_parameters(const ParameterStep& step, const T* params, T* to);

}  // namespace cnnfast
