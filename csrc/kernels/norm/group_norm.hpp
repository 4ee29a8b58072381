// Normalization of single images: GroupNorm with a weight for each channel, LayerNorm with one for each value.
//
//   forward    xhat = (x - mean) / sqrt(var + eps), y = xhat weight + bias; mean and var over m values
//   backward   g = dy weight, dx = (g - sum(g) / m - xhat sum(g xhat) / m) / sqrt(var + eps)
//              dweight = sum dy xhat, dbias = sum dy
//
// Mean and variance are summed in two passes, and once more in backward, the second time together with the sums of the
// gradient, so that they need not be stored.
#pragma once

#include <math.h>

#include "kernels/layout.hpp"
#include "kernels/simd/channel_pattern.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct GroupNormKernels {
  using G = GroupNorm::Geometry;
  using V = Packet<T>;

  static Index length(const G& g) { return ChannelPattern<T>(g.channels).length(); }
  static Index values(const G& g) { return g.positions * g.group_channels(); }

  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.packed = g.affine ? 2 * g.channels : 0;
    s.packed_grads = s.packed;
    s.forward_scratch = 3 * length(g);
    s.backward_scratch = 7 * length(g);
    return s;
  }
  static void pack(const G& g, const T* params, T* packed, bool, const Slice& slice) {
    if (!slice.first() || !g.affine) return;
    for (Index i = 0; i < 2 * g.channels; ++i) packed[i] = params[i];
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (!slice.first() || !g.affine) return;
    for (Index i = 0; i < 2 * g.channels; ++i) grads[i] = packed_grads[i];
  }

  // The mean of each channel's group, along the pattern.
  static void find_means(const G& g, const ChannelPattern<T>& along, const T* x, T* sums, T* means) {
    const double m = static_cast<double>(values(g));
    along.clear(sums);
    along.add(g.size(), x, sums);
    along.fold(sums);
    by_group(g, along, means, [&](Index c) { return along.folded(sums, c); }, [&](double sum) { return sum / m; });
  }
  // The inverse standard deviation, from sums of squared distances.
  static void find_inverse(const G& g, const ChannelPattern<T>& along, T* squares, T* inverse) {
    const double m = static_cast<double>(values(g));
    along.fold(squares);
    by_group(
        g, along, inverse, [&](Index c) { return along.folded(squares, c); },
        [&](double sum) { return 1 / ::sqrt(sum / m + g.eps); });
  }
  // to[c] = finish(the sum of `each` over the channels of c's group), along the pattern.
  template <class Each, class Finish>
  static void by_group(const G& g, const ChannelPattern<T>& along, T* to, const Each& each, const Finish& finish) {
    const Index size = g.group_channels();
    for (Index first = 0; first < g.channels; first += size) {
      double sum = 0;
      for (Index c = first; c < first + size; ++c) sum += each(c);
      const T value = static_cast<T>(finish(sum));
      for (Index c = first; c < first + size; ++c) to[c] = value;
    }
    along.lay_out(to, [&](Index c) { return to[c]; });
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const ChannelPattern<T> along(g.channels);
    T *sums = a.scratch, *means = sums + along.length(), *scale = means + along.length();
    const T *weight = packed_as<T>(a), *bias = weight + g.channels;
    for (Index image = 0; image < a.n; ++image) {
      const T* x = a.x + image * g.size();
      T* y = a.y + image * g.size();
      find_means(g, along, x, sums, means);
      along.clear(sums);
      along.add_squares(g.size(), x, means, sums);
      find_inverse(g, along, sums, scale);
      along.lay_out(sums, [&](Index c) { return g.affine ? bias[c] : T(0); });
      along.lay_out(scale, [&](Index c) { return g.affine ? scale[c] * weight[c] : scale[c]; });
      along.for_each_vector(g.size(), [&](Index i, Index k, Index count) {
        const V d = ei::psub(load_upto<V>(x + i, count), load<V>(means + k));
        store_upto(y + i, V(ei::pmadd(d, load<V>(scale + k), load<V>(sums + k))), count);
      });
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    const ChannelPattern<T> along(g.channels);
    const Index length = along.length();
    T *sums = a.scratch, *means = sums + length, *inverse = means + length, *products = inverse + length;
    T *squares = products + length, *u = squares + length, *v = u + length;
    const auto weight = [&](Index c) { return g.affine ? packed_as<T>(a)[c] : T(1); };
    const double m = static_cast<double>(values(g));
    bool accumulate = a.accumulate;
    for (Index image = 0; image < a.n; ++image) {
      const T *x = a.x + image * g.size(), *dy = a.dy + image * g.size();
      find_means(g, along, x, sums, means);
      along.clear(sums);
      along.clear(squares);
      along.clear(products);
      along.for_each_vector(g.size(), [&](Index i, Index k, Index count) {
        const V d = load_upto<V>(dy + i, count);
        const V distance = along.distance(x + i, means + k, count);
        store(sums + k, ei::padd(load<V>(sums + k), d));
        store(squares + k, ei::pmadd(distance, distance, load<V>(squares + k)));
        store(products + k, ei::pmadd(d, distance, load<V>(products + k)));
      });
      find_inverse(g, along, squares, inverse);
      along.fold(sums);
      along.fold(products);
      if (a.packed_grads != nullptr && g.affine) {
        for (Index c = 0; c < g.channels; ++c) {
          T *dw = a.packed_grads + c, *db = dw + g.channels;
          const double w = along.folded(products, c) * static_cast<double>(inverse[c]), b = along.folded(sums, c);
          *dw = static_cast<T>(w + (accumulate ? static_cast<double>(*dw) : 0));
          *db = static_cast<T>(b + (accumulate ? static_cast<double>(*db) : 0));
        }
        accumulate = true;
      }
      if (a.dx == nullptr) continue;
      // dx = (dy w + u + (x - mean) v) / deviation
      by_group(
          g, along, u, [&](Index c) { return static_cast<double>(weight(c)) * along.folded(sums, c); },
          [&](double sum) { return -sum / m; });
      by_group(
          g, along, v, [&](Index c) { return static_cast<double>(weight(c)) * along.folded(products, c); },
          [&](double sum) { return -sum / m; });
      along.lay_out(v, [&](Index c) { return v[c] * inverse[c] * inverse[c]; });
      along.lay_out(sums, weight);
      T* dx = a.dx + image * g.size();
      along.for_each_vector(g.size(), [&](Index i, Index k, Index count) {
        const V distance = ei::psub(load_upto<V>(x + i, count), load<V>(means + k));
        const V rest = ei::pmadd(distance, load<V>(v + k), load<V>(u + k));
        const V d = ei::pmadd(load_upto<V>(dy + i, count), load<V>(sums + k), rest);
        store_upto(dx + i, V(ei::pmul(d, load<V>(inverse + k))), count);
      });
    }
  }
};

template <class T>
struct LayerNormKernels {
  using G = LayerNorm::Geometry;
  using V = Packet<T>;

  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.packed = g.affine ? 2 * g.size() : 0;
    s.packed_grads = s.packed;
    return s;
  }
  static void pack(const G& g, const T* params, T* packed, bool, const Slice& slice) {
    if (!slice.first() || !g.affine) return;
    for (Index k = 0; k < 2; ++k) from_nchw(g.channels, g.positions, params + k * g.size(), packed + k * g.size());
  }
  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    if (!slice.first() || !g.affine) return;
    for (Index k = 0; k < 2; ++k) to_nchw(g.channels, g.positions, packed_grads + k * g.size(), grads + k * g.size());
  }

  // A sum over all vectors, to which f(sum, index, count) adds the one at `index`; several independent partial sums.
  template <class F>
  static CNNFAST_INLINE double sum(Index size, const F& f) {
    constexpr Index lanes = kLanes<V>;
    constexpr int chains = kRegisters == 32 ? 8 : 4;
    V sums[chains];
    CNNFAST_UNROLL
    for (int k = 0; k < chains; ++k) sums[k] = zero<V>();
    Index i = 0;
    for (; i + chains * lanes <= size; i += chains * lanes) {
      CNNFAST_UNROLL
      for (int k = 0; k < chains; ++k) sums[k] = f(sums[k], i + k * lanes, lanes);
    }
    for_each_group<V>(size - i, [&](Index k, Index count) {
      alignas(64) T part[lanes];
      store(part, V(f(zero<V>(), i + k, count)));
      for (Index l = count; l < lanes; ++l) part[l] = T(0);
      sums[0] = ei::padd(sums[0], load<V>(part));
    });
    double total = 0;
    CNNFAST_UNROLL
    for (int k = 0; k < chains; ++k) total += static_cast<double>(ei::predux(sums[k]));
    return total;
  }
  struct Statistics {
    T mean, inverse;
  };
  static Statistics statistics(const G& g, const T* x) {
    const double m = static_cast<double>(g.size());
    const auto add = [&](const V& s, Index i, Index n) { return V(ei::padd(s, load_upto<V>(x + i, n))); };
    const T mean = static_cast<T>(sum(g.size(), add) / m);
    const V center = broadcast<V>(mean);
    const double spread = sum(g.size(), [&](const V& s, Index i, Index n) {
      const V d = ei::psub(load_upto<V>(x + i, n), center);
      return V(ei::pmadd(d, d, s));
    });
    return {mean, static_cast<T>(1 / ::sqrt(spread / m + g.eps))};
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    for (Index image = 0; image < a.n; ++image) {
      const T* x = a.x + image * g.size();
      T* y = a.y + image * g.size();
      const Statistics s = statistics(g, x);
      const V mean = broadcast<V>(s.mean), inverse = broadcast<V>(s.inverse);
      for_each_group<V>(g.size(), [&](Index i, Index n) {
        V v = ei::pmul(ei::psub(load_upto<V>(x + i, n), mean), inverse);
        if (g.affine)
          v = ei::pmadd(v, load_upto<V>(packed_as<T>(a) + i, n), load_upto<V>(packed_as<T>(a) + g.size() + i, n));
        store_upto(y + i, v, n);
      });
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    const double m = static_cast<double>(g.size());
    bool accumulate = a.accumulate;
    for (Index image = 0; image < a.n; ++image) {
      const T *x = a.x + image * g.size(), *dy = a.dy + image * g.size();
      const Statistics s = statistics(g, x);
      const V mean = broadcast<V>(s.mean), inverse = broadcast<V>(s.inverse);
      const auto normal = [&](Index i, Index n) {
        return V(ei::pmul(ei::psub(load_upto<V>(x + i, n), mean), inverse));
      };
      if (a.packed_grads != nullptr && g.affine) {
        T *dw = a.packed_grads, *db = dw + g.size();
        for_each_group<V>(g.size(), [&](Index i, Index n) {
          const V d = load_upto<V>(dy + i, n), x_hat = normal(i, n);
          store_upto(dw + i, accumulate ? V(ei::pmadd(d, x_hat, load_upto<V>(dw + i, n))) : V(ei::pmul(d, x_hat)), n);
          store_upto(db + i, accumulate ? V(ei::padd(load_upto<V>(db + i, n), d)) : d, n);
        });
        accumulate = true;
      }
      if (a.dx == nullptr) continue;
      const auto weighted = [&](Index i, Index n) {
        const V d = load_upto<V>(dy + i, n);
        return g.affine ? V(ei::pmul(d, load_upto<V>(packed_as<T>(a) + i, n))) : d;
      };
      const auto mean_of = [&](const auto& add) { return sum(g.size(), add) / m; };
      const V u = broadcast<V>(
          static_cast<T>(mean_of([&](const V& s, Index i, Index n) { return V(ei::padd(s, weighted(i, n))); })));
      const V minus_v = broadcast<V>(static_cast<T>(
          -mean_of([&](const V& s, Index i, Index n) { return V(ei::pmadd(weighted(i, n), normal(i, n), s)); })));
      T* dx = a.dx + image * g.size();
      for_each_group<V>(g.size(), [&](Index i, Index n) {
        const V d = ei::pmadd(normal(i, n), minus_v, ei::psub(weighted(i, n), u));
        store_upto(dx + i, V(ei::pmul(d, inverse)), n);
      });
    }
  }
};

CNNFAST_KERNELS_END
