// One picture as the work of several threads: the rows of a node's output, cut into pieces that are nodes of their own.
//
// Values lie channels-last, so that rows of a picture are contiguous, and some rows of an output are the output of a
// smaller window operation on some rows of its input. Kernels need not know, weights are packed once for all pieces,
// and cuts fall between the tiles of Winograd's algorithm, so that results are the same bits.
#pragma once

#include "ops/op_list.hpp"

namespace cnnfast {

struct Piece {
  PlacedOp op;
  Index x = 0, y = 0;  // offsets of its rows in the input and in the output, in elements
};

// Into how many pieces the rows of an output can be cut; 1 for what cannot be cut at all.
Index most_pieces(const PlacedOp& op);

// Piece `part` of `parts`, parts <= most_pieces. Pieces are of nearly equal size.
Piece piece_of(const PlacedOp& op, Index part, Index parts);

}  // namespace cnnfast
