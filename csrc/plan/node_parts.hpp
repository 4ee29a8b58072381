// One image as the work of several threads: a node's output in pieces.
//
// Values lie channels-last, so that rows of a image are contiguous, and some rows of an output are the output of a
// smaller window operation on some rows of its input: a piece is a node of its own, and kernels need not know. Where
// rows are few and weights many, in Linear and by Winograd's algorithm, a piece is the whole node and a slice that its
// kernels take of it: tiles, or blocks of output channels. Weights are packed once for all pieces, and results are the
// same bits.
#pragma once

#include "kernels/table.hpp"

namespace cnnfast {

struct NodePart {
  BoundOp op;
  Index x = 0, y = 0;  // offsets of its rows in the input and in the output, in elements
  Slice slice = {};    // of the node
};

// Into how many pieces an output can be cut; 1 for what cannot be cut at all.
Index max_parts(const BoundOp& op);

// NodePart `part` of `parts`, parts <= max_parts. Pieces of rows are of nearly equal size; slices may be empty.
NodePart part_of(const BoundOp& op, Index part, Index parts);

}  // namespace cnnfast
