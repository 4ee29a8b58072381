// ReLU and GELU, forward above backward.
//
//   ReLU   y = max(x, 0)          dx = dy where y > 0 (or NaN), else 0
//   GELU   y = x Phi(x)           dx = dy (Phi(x) + x phi(x))
//   tanh   y = x s(2 u), u = sqrt(2/pi) (x + 0.044715 x^3), s the logistic function
#pragma once

#include <type_traits>

#include "kernels/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// Value and derivative of an activation at a packet (float) or a number (double).
template <class T>
struct ActivationAt {
  T value, slope;
};

template <class V>
CNNFAST_INLINE ActivationAt<V> relu_at(const V& x) {
  const V none = zero<V>();  // NaN is not <= 0 and stays
  return {where_less_equal(x, none, none, x), where_less_equal(x, none, none, broadcast<V>(1.0f))};
}
inline ActivationAt<double> relu_at(double x) { return {x <= 0 ? 0 : x, x <= 0 ? 0.0 : 1.0}; }

template <class T>
struct ReLUKernels {
  using G = ReLU::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    map(
        a.n * g.size(), a.y,
        [](const auto& x) {
          const auto none = ei::pzero(x);
          return where_less_equal(x, none, none, x);  // NaN is not <= 0 and stays
        },
        a.x);
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    map(
        a.n * g.size(), a.dx,
        [](const auto& y, const auto& dy) {
          const auto none = ei::pzero(y);
          return where_less_equal(y, none, none, dy);
        },
        a.y, a.dy);
  }
};

template <class V>
CNNFAST_INLINE ActivationAt<V> gelu_erf(const V& x) {
  const Normal<V> normal = normal_float(x);
  return {ei::pmul(x, normal.distribution), ei::pmadd(x, normal.density, normal.distribution)};
}
inline ActivationAt<double> gelu_erf(double x) {
  const double distribution = 0.5 * ::erfc(-x * 0.70710678118654752440);
  const double density = ::exp(-0.5 * x * x) * 0.39894228040143267794;
  return {x * distribution, distribution + (density == 0 ? 0 : x * density)};
}

// 1.5957... = 2 sqrt(2 / pi).
template <class V>
CNNFAST_INLINE ActivationAt<V> gelu_tanh(const V& x) {
  const V one = broadcast<V>(1.0f);
  const V square = ei::pmul(x, x);
  const V u2 = ei::pmul(ei::pmul(x, broadcast<V>(1.5957691216f)), ei::pmadd(square, broadcast<V>(0.044715f), one));
  const V e = exp_float(ei::pnegate(u2));
  const V s = ei::pdiv(one, ei::padd(one, e));
  const V slope = ei::pmul(broadcast<V>(1.5957691216f), ei::pmadd(square, broadcast<V>(0.134145f), one));
  // 1 - s = e s keeps its digits; the product is 0 in the far tails, where e or the slope overflow
  const V bend = where_less(broadcast<V>(80.0f), ei::pabs(u2), zero<V>(), ei::pmul(s, ei::pmul(e, s)));
  const V product = ei::pmul(ei::pmul(x, bend), slope);
  return {ei::pmul(x, s), ei::padd(s, where_equal(bend, zero<V>(), zero<V>(), product))};
}
inline ActivationAt<double> gelu_tanh(double x) {
  const double k = 1.59576912160573071176;
  const double e = ::exp(-k * (x + 0.044715 * x * x * x));
  const double s = 1.0 / (1.0 + e);
  const double bend = s == 0 || ::isinf(e) ? 0 : s * (e * s);
  return {x * s, s + (bend == 0 ? 0 : x * bend * k * (1.0 + 0.134145 * x * x))};
}

template <class T>
struct GELUKernels {
  using G = GELU::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }

  template <class F>
  static CNNFAST_INLINE void forward_with(Index size, const ForwardArgs<T>& a, const F& at) {
    if constexpr (std::is_same_v<T, float>) {
      map(size, a.y, [&](const auto& x) { return at(x).value; }, a.x);
    } else {
      for (Index i = 0; i < size; ++i) a.y[i] = at(a.x[i]).value;
    }
  }
  template <class F>
  static CNNFAST_INLINE void backward_with(Index size, const BackwardArgs<T>& a, const F& at) {
    if constexpr (std::is_same_v<T, float>) {
      map(size, a.dx, [&](const auto& x, const auto& dy) { return ei::pmul(dy, at(x).slope); }, a.x, a.dy);
    } else {
      for (Index i = 0; i < size; ++i) a.dx[i] = a.dy[i] * at(a.x[i]).slope;
    }
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    if (g.tanh) {
      forward_with(a.n * g.size(), a, [](const auto& x) { return gelu_tanh(x); });
    } else {
      forward_with(a.n * g.size(), a, [](const auto& x) { return gelu_erf(x); });
    }
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    if (g.tanh) {
      backward_with(a.n * g.size(), a, [](const auto& x) { return gelu_tanh(x); });
    } else {
      backward_with(a.n * g.size(), a, [](const auto& x) { return gelu_erf(x); });
    }
  }
};

CNNFAST_KERNELS_END
