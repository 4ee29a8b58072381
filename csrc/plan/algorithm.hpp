// The algorithm of a convolution: a function of geometry and vector length alone, so that results are the same on
// every run.
#pragma once

#include <optional>
#include <string>

#include "ops/op_list.hpp"

namespace cnnfast {

// Edge of the output tiles of Winograd's algorithm, 2 or 4; 0 where direct kernels are the better choice.
int winograd_tile(const Conv2d::Geometry& g, int lanes);

// Whether a convolution in groups is computed lanewise: its groups are too small for vectors of their own.
bool goes_lanewise(const Conv2d::Geometry& g, int lanes);

// A 1x1 convolution whose weights are large compared with the values of an image, as an operation whose weight gradient
// is one product over the batch; none for other convolutions.
std::optional<BoundOp> with_whole_batch_weight_grad(const Conv2d::Geometry& g);

// Whether it is, or contains, a convolution by Winograd's algorithm.
bool uses_winograd(const BoundOp& op);

// What a plan prints: "direct", "direct, depthwise", "winograd 4x4", ...
std::string algorithm_name(const BoundOp& op);

// Of `packed` elements of a node's packed weights, those that forward reads; `params` is the number of its parameters.
Index packed_for_forward(const BoundOp& op, Index packed, Index params);

// Multiply-adds of the forward kernels for one image of an operation that has `macs` by definition: those of the
// products, without transforms.
Index executed_macs(const BoundOp& op, Index macs);

}  // namespace cnnfast
