// Squared distances from centers: y[o] = s sum over i of (x[i] - w[o,i])^2.
//
//   dx[i] = sum over o of 2 s dy[o] (x[i] - w[o,i])      dw[o,i] = - sum over images of 2 s dy[o] (x[i] - w[o,i])
//
// Differences are squared, not expanded to |x|^2 - 2 x w + |w|^2, which cancels for an x near a center. Lanes run over
// the features, which are contiguous in x and w; four outputs at a time share a load of x and hide the latency of their
// sums.
#pragma once

#include <cstring>

#include "kernels/simd/math.hpp"
#include "kernels/simd/packet.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct RBFKernels {
  using G = RBF::Geometry;
  using V = Packet<T>;

  static KernelSizes sizes(const G& g, Index) { return {g.in * g.out, g.fixed ? 0 : g.in * g.out, 0, 0}; }
  static void pack(const G& g, const T* params, T* packed, bool, const Slice& slice) {
    if (slice.first()) std::memcpy(packed, params, static_cast<std::size_t>(g.in * g.out) * sizeof(T));
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (!slice.first()) return;
    for (Index i = 0; i < g.in * g.out; ++i) grads[i] = g.fixed ? T(0) : packed_grads[i];
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    for (Index image = 0; image < a.n; ++image) {
      const T *x = a.x + image * g.in, *w = packed_as<T>(a);
      T* y = a.y + image * g.out;
      Index o = 0;
      for (; o + 4 <= g.out; o += 4) distances<4>(g, x, w + o * g.in, y + o);
      for (; o < g.out; ++o) distances<1>(g, x, w + o * g.in, y + o);
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    const bool weights = a.packed_grads != nullptr && !g.fixed;
    if (weights && !a.accumulate) std::fill_n(a.packed_grads, g.in * g.out, T(0));
    for (Index image = 0; image < a.n; ++image) {
      const T *x = a.x + image * g.in, *dy = a.dy + image * g.out;
      if (weights) add_weight_gradient(g, x, dy, packed_as<T>(a), a.packed_grads);
      if (a.dx != nullptr) input_gradient(g, x, dy, packed_as<T>(a), a.dx + image * g.in);
    }
  }

 private:
  template <int K>
  static void distances(const G& g, const T* x, const T* w, T* y) {
    V sums[K];
    for (V& sum : sums) sum = zero<V>();
    for_each_group<V>(g.in, [&](Index i, Index count) {
      const V xi = load_upto<V>(x + i, count);
      CNNFAST_UNROLL
      for (int k = 0; k < K; ++k) {
        const V d = ei::psub(xi, load_upto<V>(w + k * g.in + i, count));
        sums[k] = ei::pmadd(d, d, sums[k]);
      }
    });
    for (int k = 0; k < K; ++k) y[k] = static_cast<T>(g.scale) * ei::predux(sums[k]);
  }

  static V slope(const G& g, T dy) { return constant<V>(2 * g.scale * static_cast<double>(dy)); }

  static void add_weight_gradient(const G& g, const T* x, const T* dy, const T* w, T* dw) {
    for (Index o = 0; o < g.out; ++o, w += g.in, dw += g.in) {
      const V back = ei::pnegate(slope(g, dy[o]));
      for_each_group<V>(g.in, [&](Index i, Index count) {
        const V d = ei::psub(load_upto<V>(x + i, count), load_upto<V>(w + i, count));
        store_upto(dw + i, V(ei::pmadd(back, d, load_upto<V>(dw + i, count))), count);
      });
    }
  }

  static void input_gradient(const G& g, const T* x, const T* dy, const T* w, T* dx) {
    for_each_group<V>(g.in, [&](Index i, Index count) {
      const V xi = load_upto<V>(x + i, count);
      V sum = zero<V>();
      for (Index o = 0; o < g.out; ++o) {
        sum = ei::pmadd(slope(g, dy[o]), V(ei::psub(xi, load_upto<V>(w + o * g.in + i, count))), sum);
      }
      store_upto(dx + i, sum, count);
    });
  }
};

CNNFAST_KERNELS_END
