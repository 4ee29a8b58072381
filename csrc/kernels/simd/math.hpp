// Exponentials and the normal distribution on float packets, accurate to about one unit in the last place over the
// whole range. double uses the C library, element by element: it is for gradient checks.
//
// Coefficients: minimax (Remez) fits of our own; the stated error is that of the polynomial alone.
#pragma once

#include <math.h>

#include <type_traits>

#include "kernels/simd/packet.hpp"

CNNFAST_KERNELS_BEGIN

// yes where the comparison holds, else no; false for NaN. The compiler's own vector comparisons go through mask
// registers where there are some, Eigen's through whole vectors of bits.
#if defined(__GNUC__) || defined(__clang__)
#define CNNFAST_WHERE(condition, eigen) return (condition) ? yes : no
#else
#define CNNFAST_WHERE(condition, eigen) return ei::pselect(eigen, yes, no)
#endif
template <class V>
CNNFAST_INLINE V where_less(const V& a, const V& b, const V& yes, const V& no) {
  CNNFAST_WHERE(a < b, ei::pcmp_lt(a, b));
}
template <class V>
CNNFAST_INLINE V where_less_equal(const V& a, const V& b, const V& yes, const V& no) {
  CNNFAST_WHERE(a <= b, ei::pcmp_le(a, b));
}
template <class V>
CNNFAST_INLINE V where_equal(const V& a, const V& b, const V& yes, const V& no) {
  CNNFAST_WHERE(a == b, ei::pcmp_eq(a, b));
}
// yes where x replaces the largest value so far: it is larger, or NaN.
template <class V>
CNNFAST_INLINE V where_wins(const V& x, const V& best, const V& yes, const V& no) {
  CNNFAST_WHERE((best < x) | (x != x), ei::por(ei::pcmp_lt(best, x), ei::pxor(ei::pcmp_eq(x, x), ei::ptrue(x))));
}
#undef CNNFAST_WHERE

// Updates a maximum and the index of it.
template <class V>
CNNFAST_INLINE void update_max(const V& x, const V& number, V& best, V& at) {
  at = where_wins(x, best, number, at);
  best = where_wins(x, best, x, best);
}

// Value of c[0] + c[1] x + ..., by Horner's rule.
template <class V, int N>
CNNFAST_INLINE V polynomial(const V& x, const float (&c)[N]) {
  V y = broadcast<V>(c[N - 1]);
  CNNFAST_UNROLL
  for (int i = N - 2; i >= 0; --i) y = ei::pmadd(y, x, broadcast<V>(c[i]));
  return y;
}

// x * 2^n for integers -126 <= n <= 127.
template <class V>
CNNFAST_INLINE V times_power_of_two(const V& x, const V& n) {
  using Integers = typename ei::unpacket_traits<V>::integer_packet;
  const auto exponent = ei::padd(ei::pcast<V, Integers>(n), ei::pset1<Integers>(127));
  return ei::pmul(x, ei::preinterpret<V>(ei::plogical_shift_left<23>(exponent)));
}

// x * 2^n for integers -252 <= n <= 254, rounded once where x is about 1; NaN where x is.
template <class V>
CNNFAST_INLINE V times_power_in_two(const V& x, const V& n) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<V, ei::Packet16f>) {
    return _mm512_scalef_ps(x, n);
  } else
#endif
  {  // in two steps, the first of them exact
    using Integers = typename ei::unpacket_traits<V>::integer_packet;
    const Integers all = ei::pcast<V, Integers>(n), bias = ei::pset1<Integers>(127);
    const Integers half = ei::parithmetic_shift_right<1>(all), rest = ei::psub(all, half);
    const V first = ei::preinterpret<V>(ei::plogical_shift_left<23>(Integers(ei::padd(half, bias))));
    const V second = ei::preinterpret<V>(ei::plogical_shift_left<23>(Integers(ei::padd(rest, bias))));
    return ei::pmul(ei::pmul(x, first), second);
  }
}

// A number in all lanes, rounded to their type.
template <class V>
CNNFAST_INLINE V constant(double value) {
  return broadcast<V>(static_cast<typename ei::unpacket_traits<V>::type>(value));
}

// exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln(2) / 2; relative error of the fit 3.1e-9.
template <class V>
struct Exponential {
  V fraction, n;  // exp(r), about 0.7 to 1.4, and n
  V tail;         // exp(r) - 1
};
template <class V>
CNNFAST_INLINE Exponential<V> exp_parts(const V& x) {
  constexpr float q[] = {0.499999934478f, 0.166665206317f, 0.0416683880453f, 0.00836871687973f, 0.00138145986467f};
  const V n = ei::print(ei::pmul(x, broadcast<V>(1.44269504f)));
  // ln 2 in two parts, so that n * ln 2 is exact enough to subtract.
  V r = ei::pmadd(n, broadcast<V>(-0.693359375f), x);
  r = ei::pmadd(n, broadcast<V>(2.12194440e-4f), r);
  const V tail = ei::pmadd(ei::pmul(r, r), polynomial(r, q), r);
  return {ei::padd(tail, broadcast<V>(1.0f)), n, tail};
}
template <class V>
CNNFAST_INLINE V exp_float(const V& x) {
  const V low = broadcast<V>(-104.0f);  // below: rounds to zero
  const V high = broadcast<V>(89.0f);   // above: infinite
  const V bounded = where_less(x, low, low, where_less(high, x, high, x));
  const Exponential<V> e = exp_parts(bounded);
  return times_power_in_two(e.fraction, e.n);
}

// exp(x) for x <= 0 or NaN, in the forms that activations need: its value, exp(x) - 1, and products in which it may
// be too small to be a normal number while the product is not.
template <class V>
class Decay {
 public:
  CNNFAST_INLINE explicit Decay(const V& x) : x_(x) {
    const V low = broadcast<V>(-kFar);
    parts_ = exp_parts(where_less(x, low, low, x));
  }
  CNNFAST_INLINE V value() const { return times_power_in_two(parts_.fraction, parts_.n); }
  // 2^n tail + (2^n - 1): exact near 0, where the second term vanishes.
  CNNFAST_INLINE V minus_one() const {
    const V one = broadcast<V>(1.0f);
    const V scale = times_power_of_two(one, ei::pmax(parts_.n, broadcast<V>(-126.0f)));
    return ei::pmadd(scale, parts_.tail, ei::psub(scale, one));
  }
  // y exp(x), rounded once where it is subnormal; y 0 where it is too small for that.
  CNNFAST_INLINE V times(const V& y) const {
    return where_less(x_, broadcast<V>(-kFar), V(ei::pmul(y, zero<V>())), times_bounded(y));
  }
  // The same for |y| <= 2^40.
  CNNFAST_INLINE V times_bounded(const V& y) const {
    return times_power_in_two(V(ei::pmul(y, parts_.fraction)), parts_.n);
  }

 private:
  static constexpr float kFar = 150.0f;  // times 2^40 and more, exp(-150) still rounds to zero
  V x_;
  Exponential<V> parts_;
};
template <>
class Decay<double> {
 public:
  CNNFAST_INLINE explicit Decay(double x) : x_(x) {}
  CNNFAST_INLINE double value() const { return ::exp(x_); }
  CNNFAST_INLINE double minus_one() const { return ::expm1(x_); }
  CNNFAST_INLINE double times(double y) const {
    if (x_ < -1000) return y * 0;
    const double half = ::exp(x_ / 2);
    return x_ < -700 ? y * half * half : y * ::exp(x_);
  }
  CNNFAST_INLINE double times_bounded(double y) const { return times(y); }

 private:
  double x_;
};

// log(1 + e) for 0 <= e <= 1 or NaN: 2 s p(s^2), s = e / (2 + e), p(s^2) = atanh(s) / s; relative error of the fit
// 1.1e-10.
template <class V>
CNNFAST_INLINE V log1p_unit(const V& e) {
  if constexpr (std::is_same_v<V, double>) {
    return ::log1p(e);
  } else {
    constexpr float p[] = {1.0f, 0.333333377502f, 0.199994441766f, 0.143082983903f, 0.107153701831f, 0.121447796883f};
    const V two = broadcast<V>(2.0f);
    const V q = ei::pdiv(two, ei::padd(two, e));
    const V s = ei::pmul(ei::pmul(e, q), broadcast<V>(0.5f));
    return ei::pmul(ei::pmul(e, q), polynomial(V(ei::pmul(s, s)), p));
  }
}

// The normal distribution function Phi(x) and its density phi(x); of NaN any number.
template <class V>
struct Normal {
  V distribution, density;
};

// Phi(-t) = exp(-t^2 / 2) q(t) for t >= 0, where q(t) (t + 4) is a polynomial in (t - 4) / (t + 4);
// relative error of the fit 7.7e-9. One exponential serves both values, and the small tail keeps its digits.
template <class V>
CNNFAST_INLINE Normal<V> normal_float(const V& x) {
  constexpr float c[] = {0.755285135467f,    -0.607896606456f,   0.387136883715f,    -0.186522950487f,
                         0.0604044132083f,   -0.00752839461303f, -0.00351747122234f, 0.00157431023518f,
                         0.000190572725886f, -0.00012684010808f};
  const V t = ei::pabs(x);
  const V bounded = ei::pmin(t, broadcast<V>(14.5f));  // there the bell rounds to zero
  const V inverse = ei::pdiv(broadcast<V>(1.0f), ei::padd(bounded, broadcast<V>(4.0f)));
  const V v = ei::pmadd(inverse, broadcast<V>(-8.0f), broadcast<V>(1.0f));
  const V q = ei::pmul(inverse, polynomial(v, c));
  // -t^2 / 2 rounded loses digits that exp would magnify: bring them back to first order.
  const V half = ei::pmul(bounded, broadcast<V>(-0.5f));
  const V power = ei::pmul(bounded, half);
  const V lost = ei::pmadd(bounded, half, ei::pnegate(power));
  const Exponential<V> e = exp_parts(power);  // down to 2^-152
  V bell = times_power_in_two(e.fraction, e.n);
  bell = ei::pmadd(bell, lost, bell);
  const V tail = ei::pmul(bell, q);
  const V upper = ei::psub(broadcast<V>(1.0f), tail);
  const V distribution = where_less(x, zero<V>(), tail, upper);
  return {distribution, ei::pmul(bell, broadcast<V>(0.3989422804f))};
}

CNNFAST_KERNELS_END
