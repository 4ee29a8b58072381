// One operation without parameters on whole arrays, for those with several inputs: a Graph has only one.
#pragma once

#include <vector>

#include "base/cpu.hpp"
#include "plan/graph.hpp"

namespace cnnfast {

// y of n images; `xs` holds the arrays of the inputs, whose images have `shapes`. All arrays are NCHW.
template <class T>
void apply_op(const Op& op, const Shapes& shapes, Isa isa, Index n, const std::vector<const T*>& xs, T* y);

// The gradient of each input.
template <class T>
void apply_op_backward(const Op& op, const Shapes& shapes, Isa isa, Index n, const std::vector<const T*>& xs,
                       const T* dy, const std::vector<T*>& dxs);

}  // namespace cnnfast
