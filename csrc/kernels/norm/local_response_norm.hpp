// Normalization over adjacent channels.
//
//   forward    s[c] = k + alpha / size sum of x[c']^2 over the window of c, y[c] = x[c] s[c]^-beta
//   backward   dx[c] = dy[c] s[c]^-beta - 2 alpha beta / size x[c] sum of dy[c'] x[c'] s[c']^(-beta - 1)
//              over the c' whose window holds c
//
// The window of c begins size / 2 channels before it (rounded down), as in PyTorch, and channels beyond the ends
// count as 0. A row of scratch padded with zeros makes every window complete.
#pragma once

#include <math.h>

#include <cstring>

#include "kernels/layout.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct LocalResponseNormKernels {
  using G = LocalResponseNorm::Geometry;
  using V = Packet<T>;

  static Index row(const G& g) { return round_up<T>(g.channels + g.size + kLanes<V>); }
  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.forward_scratch = row(g);
    s.backward_scratch = 2 * row(g);  // terms, and powers in whole vectors
    return s;
  }
  static Index before(const G& g) { return g.size / 2; }

  // s^-beta. AlexNet's power by square roots; others by the C library.
  static CNNFAST_INLINE V power(const V& s, double beta) {
    if (beta == 0.75) {
      const V root = ei::psqrt(s);
      return ei::pdiv(broadcast<V>(T(1)), ei::pmul(root, ei::psqrt(root)));
    }
    alignas(64) T lanes[kLanes<V>];
    store(lanes, s);
    for (T& lane : lanes) lane = static_cast<T>(::pow(static_cast<double>(lane), -beta));
    return load<V>(lanes);
  }
  // The sum over `size` neighbors of each of the channels i .. i + lanes, from a padded row.
  static CNNFAST_INLINE V window(const G& g, const T* from) {
    V sum = load<V>(from);
    for (Index k = 1; k < g.size; ++k) sum = ei::padd(sum, load<V>(from + k));
    return sum;
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    T* squares = a.scratch;
    std::memset(squares, 0, static_cast<std::size_t>(row(g)) * sizeof(T));
    const V share = broadcast<V>(static_cast<T>(g.alpha / static_cast<double>(g.size)));
    const V offset = broadcast<V>(static_cast<T>(g.k));
    for (Index place = 0; place < a.n * g.positions; ++place) {
      const T* x = a.x + place * g.channels;
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        const V v = load_upto<V>(x + c, count);
        store_upto(squares + before(g) + c, V(ei::pmul(v, v)), count);
      });
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        const V s = ei::pmadd(window(g, squares + c), share, offset);
        if (a.saved != nullptr) store_upto(a.saved + place * g.channels + c, s, count);
        store_upto(a.y + place * g.channels + c, V(ei::pmul(load_upto<V>(x + c, count), power(s, g.beta))), count);
      });
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    T *terms = a.scratch, *powers = terms + row(g);
    std::memset(terms, 0, static_cast<std::size_t>(row(g)) * sizeof(T));
    // Those whose window holds c begin size - 1 - size / 2 channels before it.
    const Index first = g.size - 1 - before(g);
    const V factor = broadcast<V>(static_cast<T>(-2 * g.alpha * g.beta / static_cast<double>(g.size)));
    for (Index place = 0; place < a.n * g.positions; ++place) {
      const Index at = place * g.channels;
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        const V s = sums(a.saved + at + c, count);
        const V p = power(s, g.beta);
        store(powers + c, p);
        const V product = ei::pmul(load_upto<V>(a.dy + at + c, count), load_upto<V>(a.x + at + c, count));
        const V t = ei::pmul(product, V(ei::pdiv(p, s)));
        store_upto(terms + first + c, t, count);
      });
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        const V own = ei::pmul(load_upto<V>(a.dy + at + c, count), load<V>(powers + c));
        const V others = ei::pmul(ei::pmul(load_upto<V>(a.x + at + c, count), factor), window(g, terms + c));
        store_upto(a.dx + at + c, V(ei::padd(own, others)), count);
      });
    }
  }
  // Saved sums; lanes past the end are 1, of which every power is finite.
  static CNNFAST_INLINE V sums(const T* saved, Index count) {
    if (count == kLanes<V>) return load<V>(saved);
    alignas(64) T lanes[kLanes<V>];
    for (Index i = 0; i < kLanes<V>; ++i) lanes[i] = i < count ? saved[i] : T(1);
    return load<V>(lanes);
  }
};

CNNFAST_KERNELS_END
