// Conv2d by the algorithm that a plan has chosen: direct, lanewise for groups of few channels, or Winograd's for
// dense 3x3 and 5x5 windows. Declared here, defined in conv2d_algorithms.hpp and compiled once, in
// instantiate/products.cpp, for Conv2d alone and for the nodes that fuse something with it.
#pragma once

#include "kernels/conv/winograd_partition.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct Conv2dKernels {
  using G = PlannedConv;

  static KernelSizes sizes(const G& g, Index n);
  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice);
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice);
  static void forward(const G& g, const ForwardArgs<T>& a);
  static void backward(const G& g, const BackwardArgs<T>& a);

  // Calls f(first, count) for the runs of an image's outputs that a slice of the forward pass computes.
  template <class F>
  static void for_each_run(const G& g, const Slice& slice, const F& f) {
    if (slice.parts == 1) return f(Index{0}, g.h_out * g.w_out * g.c_out);
    if (g.algorithm.winograd != 0) {
      return WinogradPartition<T>::for_each_run(g, slice, g.algorithm.winograd, g.h_out, g.w_out, f);
    }
    for (Index pixel = 0; pixel < g.h_out * g.w_out; ++pixel) {
      WinogradPartition<T>::for_each_block(g, slice,
                                           [&](Index block, Index lanes) { f(pixel * g.c_out + block, lanes); });
    }
  }
};

extern template struct Conv2dKernels<CNNFAST_ELEMENT>;

CNNFAST_KERNELS_END
