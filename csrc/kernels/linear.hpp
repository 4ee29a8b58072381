// Linear as a 1x1 convolution whose pixels are the images of the tile: one set of loops serves both.
#pragma once

#include "kernels/conv2d_direct.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct LinearKernels {
  using G = Linear::Geometry;
  using Conv = DirectConv2d<T>;

  static Conv2d::Geometry as_conv(const G& g) {
    Conv2d::Geometry c;
    c.h = c.w = c.h_out = c.w_out = 1;
    c.c_in = g.in, c.c_out = g.out, c.bias = g.bias;
    return c;
  }
  static KernelSizes sizes(const G& g, Index n) { return Conv::sizes(as_conv(g), n); }
  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
    Conv::pack(as_conv(g), params, packed, training, slice);
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    Conv::unpack(as_conv(g), packed_grads, grads, slice);
  }
  static void forward(const G& g, const ForwardArgs<T>& a) { Conv::forward(as_conv(g), a); }
  static void backward(const G& g, const BackwardArgs<T>& a) { Conv::backward(as_conv(g), a); }
};

CNNFAST_KERNELS_END
