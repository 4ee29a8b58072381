// Flatten (channels-last back to the c, h, w order that weights expect) and Add.
#pragma once

#include "kernels/bias.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct FlattenKernels {
  using G = Flatten::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    for (Index i = 0; i < a.n; ++i) to_nchw(g.channels, g.positions, a.x + i * g.size(), a.y + i * g.size());
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    for (Index i = 0; i < a.n; ++i) from_nchw(g.channels, g.positions, a.dy + i * g.size(), a.dx + i * g.size());
  }
};

template <class T>
struct AddKernels {
  using G = Add::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    map(a.n * g.size(), a.y, [](const auto& u, const auto& v) { return ei::padd(u, v); }, a.x, a.x2);
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    pass_gradient(a.n * g.size(), a.dy, a.dx);
    pass_gradient(a.n * g.size(), a.dy, a.dx2);
  }
};

CNNFAST_KERNELS_END
