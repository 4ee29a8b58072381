// Batch normalisation, and the ReLU that may follow it.
//
//   forward    y = relu?(x a + b)      a = weight / sqrt(var + eps), b = bias - mean a
//   backward   dz = dy where y > 0     s = sum dz, q = sum dz (x - mean), over all values of a channel
//              dx = a (dz - s / m - (x - mean) q / (m (var + eps))), m their number
//              dbias = s, dweight = q / sqrt(var + eps)
//
// Values lie channels-last, so the channels of a vector repeat with a period. `Pattern` is the shortest run of whole
// vectors after which they do, and coefficients and sums are laid out along it: every vector is full, whatever the
// number of channels.
#pragma once

#include <math.h>

#include "kernels/layout.hpp"
#include "kernels/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct BatchNormKernels {
  using G = BatchNorm2d::Geometry;
  using V = Packet<T>;
  static constexpr Index L = kLanes<V>;
  static constexpr Index kMinVectors = 8;  // sums that do not wait for each other

  // Elements after which channels and lanes repeat.
  static Index period(const G& g) {
    Index a = g.channels, b = L;
    while (b != 0) {
      const Index rest = a % b;
      a = b, b = rest;
    }
    return g.channels / a * L;
  }
  static Index pattern(const G& g) {
    const Index p = period(g);
    return (kMinVectors * L + p - 1) / p * p;
  }

  // Packed: a and b by the running statistics, then weight and bias.
  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.packed = 4 * g.channels;
    s.packed_grads = g.trained() + 2 * g.channels;
    s.forward_scratch = 2 * pattern(g);
    s.backward_scratch = 3 * pattern(g);
    return s;
  }
  static void pack(const G& g, const T* params, T* packed, bool, const Slice& slice) {
    if (!slice.first()) return;
    const Index n = g.channels;
    const T *mean = params + g.trained(), *var = mean + n;
    for (Index c = 0; c < n; ++c) {
      const T weight = g.affine ? params[c] : T(1), bias = g.affine ? params[n + c] : T(0);
      const double a = static_cast<double>(weight) / ::sqrt(static_cast<double>(var[c]) + g.eps);
      packed[c] = static_cast<T>(a);
      packed[n + c] = static_cast<T>(static_cast<double>(bias) - static_cast<double>(mean[c]) * a);
      packed[2 * n + c] = weight;
      packed[3 * n + c] = bias;
    }
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (!slice.first()) return;
    for (Index i = 0; i < g.trained() + 2 * g.channels; ++i) grads[i] = packed_grads[i];
  }

  // Along a pattern: f(channel).
  template <class F>
  static void lay_out(const G& g, T* to, const F& f) {
    for (Index c = 0; c < g.channels; ++c) to[c] = f(c);
    for (Index i = g.channels; i < pattern(g); ++i) to[i] = to[i - g.channels];
  }
  // Calls f(place, place in the pattern, count) for all vectors of n images.
  template <class F>
  static CNNFAST_INLINE void for_each_vector(const G& g, Index n, const F& f) {
    const Index size = n * g.size(), length = pattern(g);
    Index i = 0;
    for (; i + length <= size; i += length) {
      for (Index k = 0; k < length; k += L) f(i + k, k, Index{L});
    }
    for_each_group<V>(size - i, [&](Index k, Index count) { f(i + k, k, count); });
  }
  // sums[c] = f over all values of a channel, from sums along a pattern.
  static void gather(const G& g, const T* along, double* sums) {
    for (Index c = 0; c < g.channels; ++c) {
      double sum = 0;
      for (Index i = c; i < pattern(g); i += g.channels) sum += static_cast<double>(along[i]);
      sums[c] = sum;
    }
  }

  // ---- forward ------------------------------------------------------------------------------------

  static void forward(const G& g, const ForwardArgs<T>& a) {
    T *scale = a.scratch, *shift = a.scratch + pattern(g);
    const Index n = g.channels;
    if (a.statistics == nullptr) {
      lay_out(g, scale, [&](Index c) { return a.packed[c]; });
      lay_out(g, shift, [&](Index c) { return a.packed[n + c]; });
    } else {
      const T *mean = a.statistics, *inverse = mean + n;
      lay_out(g, scale, [&](Index c) { return a.packed[2 * n + c] * inverse[c]; });
      lay_out(g, shift, [&](Index c) { return a.packed[3 * n + c] - mean[c] * scale[c]; });
    }
    g.relu ? apply<true>(g, a, scale, shift) : apply<false>(g, a, scale, shift);
  }
  template <bool relu>
  static void apply(const G& g, const ForwardArgs<T>& a, const T* scale, const T* shift) {
    for_each_vector(g, a.n, [&](Index i, Index k, Index count) {
      V y = ei::pmadd(load_upto<V>(a.x + i, count), load<V>(scale + k), load<V>(shift + k));
      if (relu) y = where_less_equal(y, zero<V>(), zero<V>(), y);
      store_upto(a.y + i, y, count);
    });
  }

  // A tile's mean and squared distances in two passes, then joined to those of the shard (Chan, Golub & LeVeque
  // 1983, Algorithms for computing the sample variance).
  static void collect(const G& g, const ForwardArgs<T>& a, double* shard) {
    T *sums = a.scratch, *means = a.scratch + pattern(g);
    const Index rows = a.n * g.positions;
    double *mean = shard + 1, *spread = mean + g.channels;
    const double before = shard[0], added = static_cast<double>(rows), all = before + added;
    lay_out(g, sums, [](Index) { return T(0); });
    for_each_vector(g, a.n, [&](Index i, Index k, Index count) {
      store(sums + k, ei::padd(load<V>(sums + k), load_upto<V>(a.x + i, count)));
    });
    const auto total = [&](Index c) {
      double sum = 0;
      for (Index i = c; i < pattern(g); i += g.channels) sum += static_cast<double>(sums[i]);
      return sum;
    };
    lay_out(g, means, [&](Index c) { return static_cast<T>(total(c) / added); });
    lay_out(g, sums, [](Index) { return T(0); });
    for_each_vector(g, a.n, [&](Index i, Index k, Index count) {
      // Lanes past the end would count as zeros: give them the mean.
      const V m = load<V>(means + k);
      const V x = count == L ? load<V>(a.x + i) : rest_of(a.x + i, means + k, count);
      const V d = ei::psub(x, m);
      store(sums + k, ei::pmadd(d, d, load<V>(sums + k)));
    });
    for (Index c = 0; c < g.channels; ++c) {
      const double m = static_cast<double>(means[c]), distance = m - mean[c];
      mean[c] += distance * added / all;
      spread[c] += total(c) + distance * distance * before * added / all;
    }
    shard[0] = all;
  }
  static V rest_of(const T* x, const T* fill, Index count) {
    alignas(64) T buffer[L];
    for (Index i = 0; i < L; ++i) buffer[i] = i < count ? x[i] : fill[i];
    return load<V>(buffer);
  }

  // ---- backward -----------------------------------------------------------------------------------

  template <bool relu>
  static CNNFAST_INLINE V before_activation(const BackwardArgs<T>& a, Index i, Index count) {
    const V dy = load_upto<V>(a.dy + i, count);
    if (!relu) return dy;
    return where_less_equal(load_upto<V>(a.y + i, count), zero<V>(), zero<V>(), dy);
  }

  static void d_collect(const G& g, const BackwardArgs<T>& a, double* shard) {
    g.relu ? d_collect_by<true>(g, a, shard) : d_collect_by<false>(g, a, shard);
  }
  template <bool relu>
  static void d_collect_by(const G& g, const BackwardArgs<T>& a, double* shard) {
    const Index length = pattern(g);
    T *sums = a.scratch, *products = sums + length, *means = products + length;
    lay_out(g, sums, [](Index) { return T(0); });
    lay_out(g, products, [](Index) { return T(0); });
    lay_out(g, means, [&](Index c) { return a.statistics[c]; });
    for_each_vector(g, a.n, [&](Index i, Index k, Index count) {
      const V dz = before_activation<relu>(a, i, count);
      store(sums + k, ei::padd(load<V>(sums + k), dz));
      const V d = ei::psub(load_upto<V>(a.x + i, count), load<V>(means + k));
      store(products + k, ei::pmadd(dz, d, load<V>(products + k)));
    });
    for (Index c = 0; c < g.channels; ++c) {
      for (Index i = c; i < length; i += g.channels) {
        shard[c] += static_cast<double>(sums[i]);
        shard[g.channels + c] += static_cast<double>(products[i]);
      }
    }
  }

  // dx = dz a + x b + d. The gradients of the parameters are the totals that d_statistics come from: the plan has them.
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    const Index n = g.channels, length = pattern(g);
    const T *mean = a.statistics, *inverse = mean + n, *s = a.d_statistics, *q = s + n;  // s / m, q / m
    T *u = a.scratch, *v = u + length, *w = v + length;
    lay_out(g, u, [&](Index c) { return a.packed[2 * n + c] * inverse[c]; });
    lay_out(g, v, [&](Index c) { return -u[c] * q[c] * inverse[c] * inverse[c]; });
    lay_out(g, w, [&](Index c) { return -u[c] * s[c] - mean[c] * v[c]; });
    g.relu ? d_apply<true>(g, a, u, v, w) : d_apply<false>(g, a, u, v, w);
  }
  template <bool relu>
  static void d_apply(const G& g, const BackwardArgs<T>& a, const T* u, const T* v, const T* w) {
    for_each_vector(g, a.n, [&](Index i, Index k, Index count) {
      const V dz = before_activation<relu>(a, i, count);
      const V rest = ei::pmadd(load_upto<V>(a.x + i, count), load<V>(v + k), load<V>(w + k));
      store_upto(a.dx + i, V(ei::pmadd(dz, load<V>(u + k), rest)), count);
    });
  }
};

CNNFAST_KERNELS_END
