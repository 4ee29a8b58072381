// Softmax and log-softmax, one row of c channels at a time; the largest value is
// subtracted first, so that no exponential overflows (log-sum-exp).
#pragma once

#include <type_traits>

#include "kernels/simd/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct Rowwise {
  using V = Packet<T>;
  static constexpr Index L = kLanes<V>;

  static T largest(Index c, const T* x) {
    Index i = 1;
    T m = x[0];
    if (c >= L) {  // a NaN that is lost here still reaches the sum
      V most = load<V>(x);
      for (i = L; i + L <= c; i += L) most = ei::pmax(most, load<V>(x + i));
      m = ei::predux_max(most);
    }
    for (; i < c; ++i) m = x[i] > m ? x[i] : m;
    return m;
  }
  // The sum of f(i, vector at i) over whole vectors and of g(i) over the rest.
  template <class F, class G>
  static CNNFAST_INLINE T sum_of(Index c, const F& f, const G& g) {
    Index i = 0;
    T sum = 0;
    if (c >= L) {
      V sums = zero<V>();
      for (; i + L <= c; i += L) sums = ei::padd(sums, V(f(i)));
      sum = ei::predux(sums);
    }
    for (; i < c; ++i) sum += g(i);
    return sum;
  }
  static T total(Index c, const T* x) {
    return sum_of(c, [&](Index i) { return load<V>(x + i); }, [&](Index i) { return x[i]; });
  }
  // y = exp(x - m); returns the sum.
  static T exponentials(Index c, const T* x, T m, T* y) {
    if constexpr (std::is_same_v<T, float>) {
      const auto shift = broadcast<Packet<T>>(m);
      map(c, y, [&](const auto& v) { return exp_float(ei::psub(v, shift)); }, x);
    } else {
      for (Index i = 0; i < c; ++i) y[i] = ::exp(x[i] - m);
    }
    return total(c, y);
  }
  static T log(T x) {
    if constexpr (std::is_same_v<T, float>) {
      return ::logf(x);
    } else {
      return ::log(x);
    }
  }
  // Softmax of one row; returns log sum exp(x).
  static T softmax(Index c, const T* x, T* y) {
    const T m = largest(c, x);
    const T sum = exponentials(c, x, m, y);
    for (Index i = 0; i < c; ++i) y[i] /= sum;
    return m + log(sum);
  }
  static T dot(Index c, const T* x, const T* y) {
    return sum_of(
        c, [&](Index i) { return ei::pmul(load<V>(x + i), load<V>(y + i)); }, [&](Index i) { return x[i] * y[i]; });
  }
};

template <class T>
struct SoftmaxKernels {
  using G = Softmax::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    for (Index row = 0; row < a.n * g.positions; ++row) {
      Rowwise<T>::softmax(g.channels, a.x + row * g.channels, a.y + row * g.channels);
    }
  }
  // dx = y (dy - sum dy y)
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    for (Index at = 0; at < a.n * g.size(); at += g.channels) {
      const T mean = Rowwise<T>::dot(g.channels, a.dy + at, a.y + at);
      for (Index i = at; i < at + g.channels; ++i) a.dx[i] = a.y[i] * (a.dy[i] - mean);
    }
  }
};

template <class T>
struct LogSoftmaxKernels {
  using G = LogSoftmax::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    for (Index at = 0; at < a.n * g.size(); at += g.channels) {
      const T m = Rowwise<T>::largest(g.channels, a.x + at);
      const T log_sum = Rowwise<T>::log(Rowwise<T>::exponentials(g.channels, a.x + at, m, a.y + at));
      for (Index i = at; i < at + g.channels; ++i) a.y[i] = (a.x[i] - m) - log_sum;
    }
  }
  // dx = dy - exp(y) sum dy
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    for (Index at = 0; at < a.n * g.size(); at += g.channels) {
      const T sum = Rowwise<T>::total(g.channels, a.dy + at);
      Rowwise<T>::exponentials(g.channels, a.y + at, T(0), a.dx + at);
      for (Index i = at; i < at + g.channels; ++i) a.dx[i] = a.dy[i] - a.dx[i] * sum;
    }
  }
};

CNNFAST_KERNELS_END
