// Transposed convolution: forward is the data gradient of a convolution, its data gradient that convolution, and the
// weight gradient that of the convolution with its two images swapped. No loops of its own.
#pragma once

#include "kernels/conv/conv2d_lanewise.hpp"

CNNFAST_KERNELS_BEGIN

template <class N>
struct ConvTranspose2dKernels {
  using T = ValueOf<N>;
  using Packed = PackedOf<N>;
  using Sum = AccumulatorOf<N>;
  using G = ConvTranspose2d::Geometry;

  template <class F>
  static auto with_algorithm(const G& g, const F& f) {
    return g.conv.algorithm.lanewise ? f(LanewiseConv2d<N>()) : f(DirectConv2d<N>());
  }

  // Packed: weights for forward, offsets of the channels, weights for backward. Gradients: weights, offsets.
  template <class A>
  static Index offsets_at(const A&, const G& g) {
    return A::backward_packed(g.conv);
  }
  template <class A>
  static Index offsets(const A&, const G& g) {
    return A::padded_offsets(g.conv.groups, g.c_out());
  }
  template <class A>
  static Index backward_at(const A& a, const G& g) {
    return offsets_at(a, g) + offsets(a, g);
  }

  static KernelSizes sizes(const G& g, Index n) {
    return with_algorithm(g, [&](auto a) {
      KernelSizes s;
      s.packed = backward_at(a, g) + a.weights(g.conv);
      s.packed_grads = a.weights(g.conv) + offsets(a, g);
      s.forward_scratch = a.gradient_scratch(g.conv, n);
      s.backward_scratch = a.product_scratch(g.conv, n);
      return s;
    });
  }
  static Index parameter_weights(const G& g) {
    return g.conv.c_out * g.conv.group_in() * g.conv.kernel.h * g.conv.kernel.w;
  }
  static void pack(const G& g, const T* params, Packed* packed, bool training, const Slice& slice) {
    with_algorithm(g, [&](auto a) {
      a.pack_backward(g.conv, params, packed, slice);
      if (g.bias && slice.first()) {
        a.pack_offsets(g.conv.groups, g.c_out(), params + parameter_weights(g), packed + offsets_at(a, g));
      }
      if (training) a.pack_weights(g.conv, params, packed + backward_at(a, g), slice);
    });
  }
  static void unpack(const G& g, const Sum* packed_grads, T* grads, const Slice& slice) {
    with_algorithm(g, [&](auto a) {
      a.unpack_weights(g.conv, packed_grads, grads, slice);
      if (!g.bias || !slice.first()) return;
      a.unpack_offsets(g.conv.groups, g.c_out(), packed_grads + a.weights(g.conv), grads + parameter_weights(g));
    });
  }

  static void forward(const G& g, const ForwardArgs<T>& f) {
    with_algorithm(g, [&](auto a) {
      const Packed* packed = packed_as<Packed>(f);
      a.data_gradient(g.conv, f.n, f.x, packed, g.bias ? packed + offsets_at(a, g) : nullptr, f.y, f.scratch);
    });
  }
  static void backward(const G& g, const BackwardArgs<T>& b) {
    with_algorithm(g, [&](auto a) {
      if (b.packed_grads != nullptr) {
        a.weight_gradient(g.conv, b.n, b.dy, b.x, b.packed_grads, b.accumulate, b.scratch);
        Sum* sums = b.packed_grads + a.weights(g.conv);
        const Index pixels = b.n * g.conv.h * g.conv.w;
        if (g.bias) a.sum_offsets(g.conv.groups, g.c_out(), pixels, b.dy, sums, b.accumulate);
      }
      if (b.dx != nullptr) {
        a.product(g.conv, b.n, b.dy, packed_as<Packed>(b) + backward_at(a, g), nullptr, b.dx, b.scratch);
      }
    });
  }
};

CNNFAST_KERNELS_END
