// Batch normalization, and the residual add and activation that may follow it.
//
//   forward    y = f(x a + b + other?)   a = weight / sqrt(var + eps), b = bias - mean a
//   backward   dz = dy f'     s = sum dz, q = sum dz (x - mean), over all values of a channel
//              dx = a (dz - s / m - (x - mean) q / (m (var + eps))), m their number
//              dbias = s, dweight = q / sqrt(var + eps)
#pragma once

#include <math.h>

#include "kernels/norm/batch_norm_statistics.hpp"
#include "kernels/pointwise/activations.hpp"
#include "kernels/simd/channel_pattern.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct BatchNormKernels : BatchNormTotals<T> {
  using G = BatchNorm2d::Geometry;
  using V = Packet<T>;

  static ChannelPattern<T> pattern(const G& g) { return ChannelPattern<T>(g.channels); }

  // Packed: a and b by the running statistics, then weight and bias.
  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.packed = 4 * g.channels;
    s.packed_grads = g.trained() + g.averages();
    s.forward_scratch = 2 * pattern(g).length();
    s.backward_scratch = 3 * pattern(g).length();
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
    const Index made = g.trained() + g.averages();
    for (Index i = 0; i < g.parameters(); ++i) grads[i] = i < made ? packed_grads[i] : T(0);
  }

  // ---- forward ------------------------------------------------------------------------------------

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const ChannelPattern<T> along(g.channels);
    T *scale = a.scratch, *shift = scale + along.length();
    const Index n = g.channels;
    if (a.statistics == nullptr) {
      along.lay_out(scale, [&](Index c) { return packed_as<T>(a)[c]; });
      along.lay_out(shift, [&](Index c) { return packed_as<T>(a)[n + c]; });
    } else {
      const T *mean = a.statistics, *inverse = mean + 2 * n;
      along.lay_out(scale, [&](Index c) { return packed_as<T>(a)[2 * n + c] * inverse[c]; });
      along.lay_out(shift, [&](Index c) { return packed_as<T>(a)[3 * n + c] - mean[c] * scale[c]; });
    }
    if (!g.keeps_slope()) {
      return g.activated() ? apply<true>(g, a, scale, shift) : apply<false>(g, a, scale, shift);
    }
    // One image at a time, while it is in the first-level cache.
    for (Index first = 0; first < a.n * g.size(); first += g.size()) {
      ForwardArgs<T> image = a;
      const T* const xs[] = {a.x + first, g.residual ? a.xs[1] + first : nullptr};
      image.n = 1, image.x = xs[0], image.xs = xs, image.y = a.y + first;
      apply<false>(g, image, scale, shift);
      activate<T>(g.activation, g.size(), image.y, nullptr, nullptr, image.y,
                  a.saved == nullptr ? nullptr : a.saved + first);
    }
  }
  template <bool relu>
  static void apply(const G& g, const ForwardArgs<T>& a, const T* scale, const T* shift) {
    pattern(g).for_each_vector(a.n * g.size(), [&](Index i, Index k, Index count) {
      V y = ei::pmadd(load_upto<V>(a.x + i, count), load<V>(scale + k), load<V>(shift + k));
      if (g.residual) y = ei::padd(y, load_upto<V>(a.xs[1] + i, count));
      if (relu) y = where_less_equal(y, zero<V>(), zero<V>(), y);
      store_upto(a.y + i, y, count);
    });
  }

  // A tile's mean and squared distances in two passes, then combined with those of the shard (Chan, Golub & LeVeque
  // 1983, Algorithms for computing the sample variance).
  static void collect(const G& g, const ForwardArgs<T>& a, double* shard) {
    if (g.use_running_stats) return;
    const ChannelPattern<T> along(g.channels);
    T *sums = a.scratch, *means = sums + along.length();
    double *mean = shard + 1, *spread = mean + g.channels;
    const double before = shard[0], added = static_cast<double>(a.n * g.positions), all = before + added;
    along.clear(sums);
    along.add(a.n * g.size(), a.x, sums);
    along.lay_out(means, [&](Index c) { return static_cast<T>(along.total(sums, c) / added); });
    along.clear(sums);
    along.add_squares(a.n * g.size(), a.x, means, sums);
    for (Index c = 0; c < g.channels; ++c) {
      const double m = static_cast<double>(means[c]), distance = m - mean[c];
      mean[c] += distance * added / all;
      spread[c] += along.total(sums, c) + distance * distance * before * added / all;
    }
    shard[0] = all;
  }

  // ---- backward -----------------------------------------------------------------------------------

  // What the slope of the activation follows from: nothing (there is none), its output, or what forward saved.
  enum class By { nothing, output, slope };
  template <class F>
  static void with_slope(const G& g, const F& f) {
    if (g.keeps_slope()) return f(std::integral_constant<By, By::slope>());
    if (g.activated()) return f(std::integral_constant<By, By::output>());
    f(std::integral_constant<By, By::nothing>());
  }
  template <By by>
  static CNNFAST_INLINE V before_activation(const BackwardArgs<T>& a, Index i, Index count) {
    const V dy = load_upto<V>(a.dy + i, count);
    if (by == By::nothing) return dy;
    if (by == By::slope) return ei::pmul(dy, load_upto<V>(a.saved + i, count));
    return where_less_equal(load_upto<V>(a.y + i, count), zero<V>(), zero<V>(), dy);
  }

  static void d_collect(const G& g, const BackwardArgs<T>& a, double* shard) {
    with_slope(g, [&](auto by) { d_collect_by<decltype(by)::value>(g, a, shard); });
  }
  template <By by>
  static void d_collect_by(const G& g, const BackwardArgs<T>& a, double* shard) {
    const ChannelPattern<T> along(g.channels);
    T *sums = a.scratch, *products = sums + along.length(), *means = products + along.length();
    along.clear(sums);
    along.clear(products);
    along.lay_out(means, [&](Index c) { return a.statistics[c]; });
    along.for_each_vector(a.n * g.size(), [&](Index i, Index k, Index count) {
      const V dz = before_activation<by>(a, i, count);
      store(sums + k, ei::padd(load<V>(sums + k), dz));
      const V d = ei::psub(load_upto<V>(a.x + i, count), load<V>(means + k));
      store(products + k, ei::pmadd(dz, d, load<V>(products + k)));
    });
    for (Index c = 0; c < g.channels; ++c) {
      shard[c] += along.total(sums, c);
      shard[g.channels + c] += along.total(products, c);
    }
  }

  // dx = dz a + x b + d. `d_combine` computes the gradients of the parameters.
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (g.residual && a.dxs[1] != nullptr) {
      with_slope(g, [&](auto by) {
        for_each_group<V>(a.n * g.size(), [&](Index i, Index count) {
          store_upto(a.dxs[1] + i, before_activation<decltype(by)::value>(a, i, count), count);
        });
      });
    }
    if (a.dx == nullptr) return;
    const ChannelPattern<T> along(g.channels);
    const Index n = g.channels;
    const T *mean = a.statistics, *inverse = mean + 2 * n, *s = a.d_statistics, *q = s + n;  // s / m, q / m
    T *u = a.scratch, *v = u + along.length(), *w = v + along.length();
    along.lay_out(u, [&](Index c) { return packed_as<T>(a)[2 * n + c] * inverse[c]; });
    along.lay_out(v, [&](Index c) { return -u[c] * q[c] * inverse[c] * inverse[c]; });
    along.lay_out(w, [&](Index c) { return -u[c] * s[c] - mean[c] * v[c]; });
    with_slope(g, [&](auto by) { d_apply<decltype(by)::value>(g, a, u, v, w); });
  }
  template <By by>
  static void d_apply(const G& g, const BackwardArgs<T>& a, const T* u, const T* v, const T* w) {
    pattern(g).for_each_vector(a.n * g.size(), [&](Index i, Index k, Index count) {
      const V dz = before_activation<by>(a, i, count);
      const V rest = ei::pmadd(load_upto<V>(a.x + i, count), load<V>(v + k), load<V>(w + k));
      store_upto(a.dx + i, V(ei::pmadd(dz, load<V>(u + k), rest)), count);
    });
  }
};

CNNFAST_KERNELS_END
