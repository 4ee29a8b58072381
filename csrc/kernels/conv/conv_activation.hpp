// Convolution, bias for each position, residual add and activation in one node.
//
// Forward: the offset and the activation are applied to a few images at a time, while they are in the first-level
// cache; to more where the weights are larger than that, as each group of images reads them all. Backward: one pass
// computes the gradient before the activation and adds it to that of the biases; the convolution's kernels do the rest.
#pragma once

#include "kernels/conv/conv2d.hpp"
#include "kernels/pointwise/activations.hpp"
#include "kernels/pointwise/bias.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct ConvActivationKernels {
  using G = ConvActivation::Geometry;
  using Conv = Conv2dKernels<T>;
  static constexpr Index kGroupBytes = Index{64} << 10;

  static Index offsets(const G& g) { return g.position_bias ? g.outputs() : 0; }
  static Index conv_packed(const G& g) { return round_up<T>(Conv::sizes(g.conv, 1).packed); }
  static Index conv_packed_grads(const G& g) { return round_up<T>(Conv::sizes(g.conv, 1).packed_grads); }

  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s = Conv::sizes(g.conv, n);
    s.packed = conv_packed(g) + offsets(g);
    s.packed_grads = conv_packed_grads(g) + offsets(g);
    s.backward_scratch += gradients(g, n);
    return s;
  }
  // The gradient before the activation lies before the scratch of the convolution.
  static Index gradients(const G& g, Index n) {
    return g.activated() ? round_up<T>(n * g.outputs() + kLanes<Packet<T>>) : 0;
  }

  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
    Conv::pack(g.conv, params, packed, training, slice);
    if (g.position_bias && slice.first()) {
      from_nchw(g.conv.c_out, g.conv.h_out * g.conv.w_out, params + conv_params(g), packed + conv_packed(g));
    }
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    Conv::unpack(g.conv, packed_grads, grads, slice);
    if (g.position_bias && slice.first()) {
      to_nchw(g.conv.c_out, g.conv.h_out * g.conv.w_out, packed_grads + conv_packed_grads(g), grads + conv_params(g));
    }
  }
  static Index conv_params(const G& g) {
    return (g.conv.kernel.h * g.conv.kernel.w * g.conv.group_in() + (g.conv.bias ? 1 : 0)) * g.conv.c_out;
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const Index bytes = static_cast<Index>(sizeof(T)), image_bytes = g.outputs() * bytes;
    const Index weight_bytes = conv_params(g) * bytes;
    const Index group_bytes = weight_bytes < kGroupBytes ? kGroupBytes : weight_bytes;
    const Index group = image_bytes < group_bytes ? group_bytes / image_bytes : 1;
    for (Index first = 0; first < a.n; first += group) {
      ForwardArgs<T> part = a;
      part.n = a.n - first < group ? a.n - first : group;
      part.x = a.x + first * g.conv.h * g.conv.w * g.conv.c_in;
      part.y = a.y + first * g.outputs();
      part.saved = a.saved == nullptr ? nullptr : a.saved + first * g.outputs();
      Conv::forward(g.conv, part);
      finish(g, part, g.residual ? a.xs[1] + first * g.outputs() : nullptr);
    }
  }

  static void finish(const G& g, const ForwardArgs<T>& a, const T* residual) {
    const T* offset = g.position_bias ? packed_as<T>(a) + conv_packed(g) + a.first_output : nullptr;
    for (Index image = 0; image < a.n; ++image) {
      T* y = a.y + image * g.outputs();
      T* slope = a.saved == nullptr || !g.keeps_slope() ? nullptr : a.saved + image * g.outputs();
      const T* other = residual == nullptr ? nullptr : residual + image * g.outputs();
      const auto from = [](auto* values, Index at) { return values == nullptr ? nullptr : values + at; };
      Conv::for_each_run(g.conv, a.slice, [&](Index at, Index count) {
        activate(g.activation, count, y + at, from(offset, at), from(other, at), y + at, from(slope, at));
      });
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    BackwardArgs<T> conv = a;
    conv.scratch = a.scratch + gradients(g, a.n);
    T* sums = a.packed_grads == nullptr || !g.position_bias ? nullptr : a.packed_grads + conv_packed_grads(g);
    if (sums != nullptr && !a.accumulate) std::memset(sums, 0, static_cast<std::size_t>(g.outputs()) * sizeof(T));
    if (!g.activated()) {
      if (sums != nullptr) sum_repeated(a.n, g.outputs(), a.dy, sums, true);
    } else {
      conv.dy = a.scratch;
      for (Index image = 0; image < a.n; ++image) through_activation(g, a, image * g.outputs(), sums);
    }
    if (g.residual) pass_gradient(a.n * g.outputs(), conv.dy, a.dxs[1]);
    Conv::backward(g.conv, conv);
  }

  // One image's gradient before the activation, to scratch and onto `sums`.
  static void through_activation(const G& g, const BackwardArgs<T>& a, Index first, T* sums) {
    const T* by = (g.keeps_slope() ? a.saved : a.y) + first;
    const bool relu = !g.keeps_slope();
    for_each_group<Packet<T>>(g.outputs(), [&](Index i, Index count) {
      using V = Packet<T>;
      const V dy = load_upto<V>(a.dy + first + i, count), b = load_upto<V>(by + i, count);
      const V d = relu ? where_less_equal(b, zero<V>(), zero<V>(), dy) : V(ei::pmul(dy, b));
      store_upto(a.scratch + first + i, d, count);
      if (sums != nullptr) store_upto(sums + i, V(ei::padd(load_upto<V>(sums + i, count), d)), count);
    });
  }
};

CNNFAST_KERNELS_END
