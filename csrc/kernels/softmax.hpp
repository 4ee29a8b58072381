// Softmax and log-softmax, one row of c channels at a time; the largest value is
// subtracted first, so that no exponential overflows (log-sum-exp).
#pragma once

#include <type_traits>

#include "kernels/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct Rowwise {
  static T largest(Index c, const T* x) {
    T m = x[0];
    for (Index i = 1; i < c; ++i) m = x[i] > m ? x[i] : m;  // a NaN elsewhere reaches the sum by itself
    return m;
  }
  // y = exp(x - m); returns the sum, taken in order.
  static T exponentials(Index c, const T* x, T m, T* y) {
    if constexpr (std::is_same_v<T, float>) {
      const auto shift = broadcast<Packet<T>>(m);
      map(c, y, [&](const auto& v) { return exp_float(ei::psub(v, shift)); }, x);
    } else {
      for (Index i = 0; i < c; ++i) y[i] = ::exp(x[i] - m);
    }
    T sum = 0;
    for (Index i = 0; i < c; ++i) sum += y[i];
    return sum;
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
    T sum = 0;
    for (Index i = 0; i < c; ++i) sum += x[i] * y[i];
    return sum;
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
      T sum = 0;
      for (Index i = at; i < at + g.channels; ++i) sum += a.dy[i];
      Rowwise<T>::exponentials(g.channels, a.y + at, T(0), a.dx + at);
      for (Index i = at; i < at + g.channels; ++i) a.dx[i] = a.dy[i] - a.dx[i] * sum;
    }
  }
};

CNNFAST_KERNELS_END
