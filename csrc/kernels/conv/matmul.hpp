// The matrix product of two values, image by image. Channels-last, a value lies as its transpose, row by row: with A
// the k x i rows of a, B the j x k of b and Y the j x i of y,
//
//   Y = B A      dB = dY A^T      dA = B^T dY
//
// which is Linear (linear.hpp) over j rows, A being its weights (out k, in i): Y is the data gradient of B, dB what
// forward makes of dY, dA the gradient of the weights.
#pragma once

#include "kernels/conv/linear.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct MatMulKernels {
  using G = MatMul::Geometry;
  using Conv = DirectConv2d<T>;

  static Linear::Geometry as_linear(const G& g) { return {g.i, g.k, false}; }
  static Conv2d::Geometry as_conv(const G& g) { return LinearKernels<T>::as_conv(as_linear(g)); }

  // Packed weights of one image.
  static KernelSizes sizes(const G& g, Index) {
    return {0, 0, Conv::backward_packed(as_conv(g)), Conv::forward_packed(as_conv(g))};
  }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    const Conv2d::Geometry conv = as_conv(g);
    for (Index image = 0; image < a.n; ++image) {
      Conv::pack_backward(conv, a.xs[0] + image * g.i * g.k, a.scratch, {});
      Conv::data_gradient(conv, g.j, a.xs[1] + image * g.k * g.j, a.scratch, nullptr, a.y + image * g.i * g.j, nullptr);
    }
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    const Conv2d::Geometry conv = as_conv(g);
    for (Index image = 0; image < a.n; ++image) {
      const T *x = a.xs[0] + image * g.i * g.k, *w = a.xs[1] + image * g.k * g.j, *dy = a.dy + image * g.i * g.j;
      if (a.dxs[0] != nullptr) {
        LinearKernels<T>::weights(as_linear(g), g.j, dy, w, a.dxs[0] + image * g.i * g.k, {});
      }
      if (a.dxs[1] != nullptr) {
        Conv::pack_forward(conv, x, a.scratch, {});
        Conv::product(conv, g.j, dy, a.scratch, nullptr, a.dxs[1] + image * g.k * g.j, nullptr);
      }
    }
  }
};

CNNFAST_KERNELS_END
