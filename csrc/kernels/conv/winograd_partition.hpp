// How threads divide one forward pass of Winograd's algorithm: by tiles or, where tiles are few, by blocks of output
// channels, so that each weight is read by one thread only. The outputs of a slice form several contiguous runs.
#pragma once

#include "kernels/conv/correlate.hpp"
#include "ops/planned_conv.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct WinogradPartition {
  using G = PlannedConv;
  static constexpr Index kFewTiles = 4;  // per thread

  Index first, end;  // tiles
  Slice channels;    // of blocks

  static WinogradPartition of(const G& g, Index n, const Slice& slice) {
    const Index all = n * g.tile_rows() * g.tile_cols();
    const Index blocks = (g.c_out + block_lanes(g) - 1) / block_lanes(g);
    if (all < kFewTiles * slice.parts && blocks >= slice.parts) return {0, all, slice};
    return {all * slice.part / slice.parts, all * (slice.part + 1) / slice.parts, {}};
  }

  static Index block_lanes(const G& g) { return kMaxVectors<T> * lanes_for<T>(g.c_out); }

  // Calls f(first channel, lanes) for every block of output channels of a slice.
  template <class F>
  static void for_each_block(const G& g, const Slice& slice, const F& f) {
    const Index most = block_lanes(g);
    for (Index block = 0, number = 0; block < g.c_out; block += most) {
      if (slice.takes(number++)) f(block, g.c_out - block < most ? g.c_out - block : most);
    }
  }

  // Calls f(first, count) for the runs of outputs that a slice of one image computes, where tiles make `edge` x `edge`
  // pixels of h x w.
  template <class F>
  static void for_each_run(const G& g, const Slice& slice, Index edge, Index h, Index w, const F& f) {
    const WinogradPartition part = of(g, 1, slice);
    for (Index t = part.first; t < part.end; ++t) {
      const Index row = t / g.tile_cols() * edge, col = t % g.tile_cols() * edge;
      const Index rows = h - row < edge ? h - row : edge, cols = w - col < edge ? w - col : edge;
      for (Index i = 0; i < rows; ++i) {
        const Index first = ((row + i) * w + col) * g.c_out;
        if (part.channels.parts == 1) {
          f(first, cols * g.c_out);
        } else {
          for (Index j = 0; j < cols; ++j) {
            for_each_block(g, part.channels, [&](Index block, Index lanes) { f(first + j * g.c_out + block, lanes); });
          }
        }
      }
    }
  }
};

CNNFAST_KERNELS_END
