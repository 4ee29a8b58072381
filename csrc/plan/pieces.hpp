// One picture as the work of several threads: a node's output in pieces.
//
// Values lie channels-last, so that rows of a picture are contiguous, and some rows of an output are the output of a
// smaller window operation on some rows of its input: a piece is a node of its own, and kernels need not know. Where
// rows are few and weights many, in Linear and by Winograd's algorithm, a piece is the whole node and a slice that its
// kernels take of it: tiles, or blocks of output channels. Weights are packed once for all pieces, and results are the
// same bits.
#pragma once

#include "kernels/table.hpp"

namespace cnnfast {

struct Piece {
  PlacedOp op;
  Index x = 0, y = 0;  // offsets of its rows in the input and in the output, in elements
  Slice slice = {};    // of the node
};

// Into how many pieces an output can be cut; 1 for what cannot be cut at all.
Index most_pieces(const PlacedOp& op);

// Piece `part` of `parts`, parts <= most_pieces. Pieces of rows are of nearly equal size; slices may be empty.
Piece piece_of(const PlacedOp& op, Index part, Index parts);

}  // namespace cnnfast
