// Parts of the output of a node, computed by several threads.
//
// Values lie channels-last, so that rows of an image are contiguous, and some rows of an output are the output of a
// smaller window operation on some rows of its input: such a part is an operation of its own, without support from
// kernels. In Linear, Winograd's algorithm and direct convolutions of more weights than inputs, which have few rows and
// many weights, a part is a slice of the operation that its kernels compute: tiles, or blocks of output channels.
// Weights are packed once for all parts, and results are the same bits.
#pragma once

#include "kernels/table.hpp"

namespace cnnfast {

struct NodePart {
  BoundOp op;
  Index x = 0, y = 0;  // offsets of its rows in the input and in the output, in elements
  Slice slice = {};    // of the node
};

// The largest number of parts of an output; 1 where it cannot be divided.
Index max_parts(const BoundOp& op);

// Part `part` of `parts`, parts <= max_parts. Parts of rows have nearly equal sizes; slices may be empty.
NodePart part_of(const BoundOp& op, Index part, Index parts);

}  // namespace cnnfast
