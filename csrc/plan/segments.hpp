// The segments of a program, and what follows from them for its memory.
#pragma once

#include <vector>

#include "plan/plan.hpp"

namespace cnnfast {

// A segment begins with each external layer, and in training with each node that needs statistics of the whole batch.
void find_segments(Program& p, bool training);

// With several segments and large weights, those of one segment are packed at a time, into memory that all segments
// share. The node that waits for statistics keeps its own: it is read in two phases of backward.
void share_packed(Program& p);

// By step of make_layout: steps of equal phase run for a tile without a barrier between them. A segment's backward
// ends before its first node, which needs something of the whole batch.
std::vector<int> phases_of(const Program& p);

}  // namespace cnnfast
