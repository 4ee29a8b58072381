// The transforms of Winograd's convolution F(M x M, R x R) and their adjoints, one axis at a time.
//
//   y = A^T [ (G w) * (B^T x) ]        M outputs from M + R - 1 inputs with as many products instead of M R
//
// Lavin & Gray 2016 (arXiv:1509.09308). F(4, 3) and F(2, 5) share their six points and with them B. These are 0,
// +-1/sqrt(2), +-sqrt(2) and infinity rather than the usual 0, +-1, +-2: every matrix then has smaller entries, and the
// rounding error of a convolution is half as large (the choice follows Barabasz et al. 2020, doi:10.1145/3412380, who
// search for such points).
//
// The gradients are the adjoints of these maps: dw = G^T (dU), dx = B (dV), with Z = A dy A^T.
#pragma once

#include "kernels/simd/packet.hpp"

CNNFAST_KERNELS_BEGIN

template <class V, class T, int M, int R>
struct WinogradAxis;

// Shared by the two with six points.
template <class V, class T>
struct SixPoints {
  static V times(double c, const V& x) { return ei::pmul(broadcast<V>(static_cast<T>(c)), x); }
  static V add(const V& y, double c, const V& x) { return ei::pmadd(broadcast<V>(static_cast<T>(c)), x, y); }
  static constexpr double a = 0.70710678118654752440;  // a^2 = 1/2, b = 2 a, b^2 = 2
  static constexpr double b = 1.41421356237309504880;

  static CNNFAST_INLINE void input(const V (&x)[6], V (&v)[6]) {
    v[0] = add(ei::padd(x[0], x[4]), -2.5, x[2]);
    v[5] = add(ei::padd(x[1], x[5]), -2.5, x[3]);
    const V even1 = add(x[4], -2, x[2]), odd1 = add(x[3], -2, x[1]);
    v[1] = add(even1, a, odd1);
    v[2] = add(even1, -a, odd1);
    const V even2 = add(x[4], -0.5, x[2]), odd2 = add(x[3], -0.5, x[1]);
    v[3] = add(even2, b, odd2);
    v[4] = add(even2, -b, odd2);
  }
  static CNNFAST_INLINE void d_input(const V (&v)[6], V (&x)[6]) {
    const V s1 = ei::padd(v[1], v[2]), d1 = ei::psub(v[1], v[2]);
    const V s2 = ei::padd(v[3], v[4]), d2 = ei::psub(v[3], v[4]);
    x[0] = v[0];
    x[1] = add(v[5], -a, add(d2, 2, d1));
    x[2] = add(add(times(-2.5, v[0]), -2, s1), -0.5, s2);
    x[3] = add(times(-2.5, v[5]), a, add(d1, 2, d2));
    x[4] = ei::padd(ei::padd(v[0], s1), s2);
    x[5] = v[5];
  }
};

template <class V, class T>
struct WinogradAxis<V, T, 4, 3> : SixPoints<V, T> {
  using P = SixPoints<V, T>;

  static CNNFAST_INLINE void output(const V (&m)[6], V (&y)[4]) {
    const V s1 = ei::padd(m[1], m[2]), d1 = ei::psub(m[1], m[2]);
    const V s2 = ei::padd(m[3], m[4]), d2 = ei::psub(m[3], m[4]);
    y[0] = ei::padd(ei::padd(m[0], s1), s2);
    y[1] = P::times(P::a, P::add(d1, 2, d2));
    y[2] = P::add(P::times(0.5, s1), 2, s2);
    y[3] = P::add(m[5], 0.5 * P::a, P::add(d1, 8, d2));
  }
  static CNNFAST_INLINE void d_output(const V (&y)[4], V (&z)[6]) {
    const V even1 = P::add(y[0], 0.5, y[2]), odd1 = P::add(y[1], 0.5, y[3]);
    const V even2 = P::add(y[0], 2, y[2]), odd2 = P::add(y[1], 2, y[3]);
    z[0] = y[0];
    z[1] = P::add(even1, P::a, odd1);
    z[2] = P::add(even1, -P::a, odd1);
    z[3] = P::add(even2, P::b, odd2);
    z[4] = P::add(even2, -P::b, odd2);
    z[5] = y[3];
  }
  static CNNFAST_INLINE void weights(const V (&w)[3], V (&u)[6]) {
    const V even1 = P::add(P::times(-2.0 / 3, w[0]), -1.0 / 3, w[2]);
    const V even2 = P::add(P::times(1.0 / 6, w[0]), 1.0 / 3, w[2]);
    u[0] = w[0];
    u[1] = P::add(even1, -2.0 / 3 * P::a, w[1]);
    u[2] = P::add(even1, 2.0 / 3 * P::a, w[1]);
    u[3] = P::add(even2, P::b / 6, w[1]);
    u[4] = P::add(even2, -P::b / 6, w[1]);
    u[5] = w[2];
  }
  static CNNFAST_INLINE void d_weights(const V (&u)[6], V (&w)[3]) {
    const V s1 = ei::padd(u[1], u[2]), d1 = ei::psub(u[1], u[2]);
    const V s2 = ei::padd(u[3], u[4]), d2 = ei::psub(u[3], u[4]);
    w[0] = P::add(P::add(u[0], -2.0 / 3, s1), 1.0 / 6, s2);
    w[1] = P::add(P::times(P::b / 6, d2), -2.0 / 3 * P::a, d1);
    w[2] = P::add(P::add(u[5], -1.0 / 3, s1), 1.0 / 3, s2);
  }
};

template <class V, class T>
struct WinogradAxis<V, T, 2, 5> : SixPoints<V, T> {
  using P = SixPoints<V, T>;

  static CNNFAST_INLINE void output(const V (&m)[6], V (&y)[2]) {
    const V d1 = ei::psub(m[1], m[2]), d2 = ei::psub(m[3], m[4]);
    y[0] = ei::padd(ei::padd(m[0], ei::padd(m[1], m[2])), ei::padd(m[3], m[4]));
    y[1] = P::add(m[5], P::a, P::add(d1, 2, d2));
  }
  static CNNFAST_INLINE void d_output(const V (&y)[2], V (&z)[6]) {
    z[0] = y[0];
    z[1] = P::add(y[0], P::a, y[1]);
    z[2] = P::add(y[0], -P::a, y[1]);
    z[3] = P::add(y[0], P::b, y[1]);
    z[4] = P::add(y[0], -P::b, y[1]);
    z[5] = y[1];
  }
  static CNNFAST_INLINE void weights(const V (&w)[5], V (&u)[6]) {
    const V even1 = P::times(-2.0 / 3, P::add(P::add(w[0], 0.5, w[2]), 0.25, w[4])), odd1 = P::add(w[1], 0.5, w[3]);
    const V even2 = P::times(1.0 / 6, P::add(P::add(w[0], 2, w[2]), 4, w[4])), odd2 = P::add(w[1], 2, w[3]);
    u[0] = w[0];
    u[1] = P::add(even1, -2.0 / 3 * P::a, odd1);
    u[2] = P::add(even1, 2.0 / 3 * P::a, odd1);
    u[3] = P::add(even2, P::b / 6, odd2);
    u[4] = P::add(even2, -P::b / 6, odd2);
    u[5] = w[4];
  }
  static CNNFAST_INLINE void d_weights(const V (&u)[6], V (&w)[5]) {
    const V s1 = P::times(-2.0 / 3, ei::padd(u[1], u[2])), d1 = P::times(-2.0 / 3 * P::a, ei::psub(u[1], u[2]));
    const V s2 = P::times(1.0 / 6, ei::padd(u[3], u[4])), d2 = P::times(P::b / 6, ei::psub(u[3], u[4]));
    w[0] = ei::padd(u[0], ei::padd(s1, s2));
    w[1] = ei::padd(d1, d2);
    w[2] = P::add(P::times(0.5, s1), 2, s2);
    w[3] = P::add(P::times(0.5, d1), 2, d2);
    w[4] = P::add(P::add(u[5], 0.25, s1), 4, s2);
  }
};

template <class V, class T>
struct WinogradAxis<V, T, 2, 3> {
  static V half(const V& x) { return ei::pmul(broadcast<V>(static_cast<T>(0.5)), x); }
  static V add(const V& y, double c, const V& x) { return ei::pmadd(broadcast<V>(static_cast<T>(c)), x, y); }

  static CNNFAST_INLINE void input(const V (&x)[4], V (&v)[4]) {
    v[0] = ei::psub(x[0], x[2]);
    v[1] = ei::padd(x[2], x[1]);
    v[2] = ei::psub(x[2], x[1]);
    v[3] = ei::psub(x[3], x[1]);
  }
  static CNNFAST_INLINE void d_input(const V (&v)[4], V (&x)[4]) {
    x[0] = v[0];
    x[1] = ei::psub(ei::psub(v[1], v[2]), v[3]);
    x[2] = ei::psub(ei::padd(v[1], v[2]), v[0]);
    x[3] = v[3];
  }
  static CNNFAST_INLINE void output(const V (&m)[4], V (&y)[2]) {
    y[0] = ei::padd(ei::padd(m[0], m[1]), m[2]);
    y[1] = ei::padd(ei::psub(m[1], m[2]), m[3]);
  }
  static CNNFAST_INLINE void d_output(const V (&y)[2], V (&z)[4]) {
    z[0] = y[0];
    z[1] = ei::padd(y[0], y[1]);
    z[2] = ei::psub(y[0], y[1]);
    z[3] = y[1];
  }
  static CNNFAST_INLINE void weights(const V (&w)[3], V (&u)[4]) {
    const V even = half(ei::padd(w[0], w[2]));
    u[0] = w[0];
    u[1] = add(even, 0.5, w[1]);
    u[2] = add(even, -0.5, w[1]);
    u[3] = w[2];
  }
  static CNNFAST_INLINE void d_weights(const V (&u)[4], V (&w)[3]) {
    const V sum = ei::padd(u[1], u[2]);
    w[0] = add(u[0], 0.5, sum);
    w[1] = half(ei::psub(u[1], u[2]));
    w[2] = add(u[3], 0.5, sum);
  }
};

// The transform f of one axis along both axes of a square.
template <int In, int Out, class V, class F>
CNNFAST_INLINE void along_both(const V (&x)[In][In], V (&y)[Out][Out], const F& f) {
  V half[Out][In];
  CNNFAST_UNROLL
  for (int j = 0; j < In; ++j) {
    V column[In], result[Out];
    CNNFAST_UNROLL
    for (int i = 0; i < In; ++i) column[i] = x[i][j];
    f(column, result);
    CNNFAST_UNROLL
    for (int i = 0; i < Out; ++i) half[i][j] = result[i];
  }
  CNNFAST_UNROLL
  for (int i = 0; i < Out; ++i) f(half[i], y[i]);
}

CNNFAST_KERNELS_END
