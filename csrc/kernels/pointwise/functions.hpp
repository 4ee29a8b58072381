// Value and slope of each elementwise function, for a packet of floats or one double. Formulas are written so that
// nothing cancels and nothing overflows on the way: with e = exp(-|x|) and d = 1 / (1 + e),
//
//   logistic function   s(x) = d, s'(x) = e d^2                            for x >= 0, and e d for x < 0
//   tanh                |y| = (1 - e^2) / (1 + e^2)                        1 - e^2 by expm1
//   softplus            max(x, 0) + log1p(e)
//
// At +-infinity and NaN the formulas give what PyTorch's give: -inf * 0 is NaN.
#pragma once

#include <type_traits>

#include "kernels/simd/math.hpp"
#include "ops/activations.hpp"

CNNFAST_KERNELS_BEGIN

template <class V>
struct ValueSlope {
  V value, slope;
};

struct IdentityAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    return {x, constant<V>(1)};
  }
};

struct ReLUAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>();  // NaN is not <= 0 and stays
    return {where_less_equal(x, none, none, x), where_less_equal(x, none, none, constant<V>(1))};
  }
};

struct LeakyReLUAt {
  double negative_slope;
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V below = constant<V>(negative_slope);
    return {where_less(zero<V>(), x, x, V(ei::pmul(x, below))), where_less(zero<V>(), x, constant<V>(1), below)};
  }
};

struct ELUAt {
  double alpha, scale;
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>(), above = constant<V>(scale), below = constant<V>(alpha * scale);
    const Decay<V> e(where_less(none, x, none, x));
    return {where_less(none, x, V(ei::pmul(x, above)), V(ei::pmul(below, e.minus_one()))),
            where_less(none, x, above, e.times(below))};
  }
};

struct GELUAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    if constexpr (std::is_same_v<V, double>) {
      const double distribution = 0.5 * ::erfc(-x * 0.70710678118654752440);
      const double density = ::exp(-0.5 * x * x) * 0.39894228040143267794;
      return {x * distribution, distribution + (density == 0 ? 0 : x * density)};
    } else {
      const Normal<V> normal = normal_float(x);
      return {ei::pmul(x, normal.distribution), ei::pmadd(x, normal.density, normal.distribution)};
    }
  }
};

// y = x s(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3); 1.5957... = 2 sqrt(2 / pi).
struct GELUTanhAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    if constexpr (std::is_same_v<V, double>) {
      const double k = 1.59576912160573071176;
      const double e = ::exp(-k * (x + 0.044715 * x * x * x));
      const double s = 1.0 / (1.0 + e);
      const double bend = s == 0 || ::isinf(e) ? 0 : s * (e * s);
      return {x * s, s + (bend == 0 ? 0 : x * bend * k * (1.0 + 0.134145 * x * x))};
    } else {
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
  }
};

struct SigmoidAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V one = constant<V>(1);
    const Decay<V> e(ei::pnegate(ei::pabs(x)));
    const V d = ei::pdiv(one, ei::padd(one, e.value()));
    const V less = e.times_bounded(d);  // s(-|x|)
    return {where_less(x, zero<V>(), less, d), ei::pmul(less, d)};
  }
};

// y = x s, s' = s + y (1 - s). Where exp(x) is 0, x is bounded, and x 0 brings back the NaN of -inf.
struct SiLUAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>();
    const Decay<V> e(ei::pnegate(ei::pabs(x)));
    const V d = ei::pdiv(constant<V>(1), ei::padd(constant<V>(1), e.value()));
    const V less = e.times_bounded(d);  // s(-|x|)
    const V xd = ei::pmul(ei::pmax(x, constant<V>(-2000)), d);
    const V y = where_less(x, none, V(ei::pmadd(x, none, e.times_bounded(xd))), xd);
    return {y, ei::pmadd(y, where_less(x, none, d, less), where_less(x, none, less, d))};
  }
};

// tanh(log(1 + exp(x))) = p / (p + 2), p = E (E + 2), E = exp(x); for x >= 0 with e = 1 / E,
// (1 + 2 e) / (1 + 2 e + 2 e^2). Its slope is 4 E (1 + E) / (p + 2)^2.
struct MishAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>(), one = constant<V>(1), two = constant<V>(2);
    const Decay<V> decay(ei::pnegate(ei::pabs(x)));
    const V e = decay.value();
    // e times these is y / x, for x < 0
    const V inverse = ei::pdiv(one, ei::pmadd(e, ei::padd(e, two), two));
    const V share = ei::pmul(ei::padd(e, two), inverse);
    const V bend = ei::pmul(ei::pmul(constant<V>(4), ei::padd(one, e)), ei::pmul(inverse, inverse));
    // for x >= 0
    const V whole = ei::pmadd(e, two, one);
    const V inverse_above = ei::pdiv(one, ei::pmadd(ei::pmul(two, e), e, whole));
    const V share_above = ei::pmul(whole, inverse_above);
    const V bend_above = ei::pmul(ei::pmul(ei::pmul(constant<V>(4), ei::pmul(e, e)), ei::padd(one, e)),
                                  ei::pmul(inverse_above, inverse_above));
    return {where_less(x, none, decay.times(ei::pmul(x, share)), V(ei::pmul(x, share_above))),
            where_less(x, none, decay.times(ei::pmadd(x, bend, share)), V(ei::pmadd(x, bend_above, share_above)))};
  }
};

// y' = 4 e / (1 + e)^2, e = exp(-2 |x|).
struct TanhAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V one = constant<V>(1), two = constant<V>(2);
    const Decay<V> e(ei::pmul(ei::pabs(x), constant<V>(-2)));
    const V less = e.minus_one();
    const V y = ei::pdiv(less, ei::padd(less, two));  // -|y|
    const V d = ei::pdiv(two, ei::padd(one, e.value()));
    const V value = where_less(zero<V>(), x, V(ei::pnegate(y)), x);  // zeros of both signs, and NaN, stay
    return {where_less(x, zero<V>(), y, value), e.times_bounded(ei::pmul(d, d))};
  }
};

struct ScaledTanhAt {
  double alpha, beta;
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const auto at = TanhAt()(V(ei::pmul(x, constant<V>(beta))));
    return {ei::pmul(at.value, constant<V>(alpha)), ei::pmul(at.slope, constant<V>(alpha * beta))};
  }
};

struct SoftplusAt {
  double beta, threshold;
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>(), one = constant<V>(1), limit = constant<V>(threshold);
    const V bx = ei::pmul(x, constant<V>(beta));
    const Decay<V> e(ei::pnegate(ei::pabs(bx)));
    const V y = ei::pdiv(ei::padd(where_less(none, bx, bx, none), log1p_unit(e.value())), constant<V>(beta));
    const V d = ei::pdiv(one, ei::padd(one, e.value()));
    return {where_less(limit, bx, x, y), where_less(limit, bx, one, where_less(bx, none, e.times_bounded(d), d))};
  }
};

struct HardswishAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>(), three = constant<V>(3);
    const V inside = ei::pmul(x, ei::pmul(ei::padd(x, three), constant<V>(1.0 / 6)));
    const V rise = ei::pmadd(x, constant<V>(1.0 / 3), constant<V>(0.5));
    const V left = ei::pmul(x, none);  // NaN of -inf
    const V far = ei::pnegate(three);
    return {where_less_equal(three, x, x, where_less_equal(x, far, left, inside)),
            where_less_equal(three, x, constant<V>(1), where_less_equal(x, far, none, rise))};
  }
};

// alpha (x - left) between left, where it reaches 0, and right, where it reaches 1.
struct HardsigmoidAt {
  double alpha, left, right;
  HardsigmoidAt(double alpha_, double beta) : alpha(alpha_), left(-beta / alpha_), right((1 - beta) / alpha_) {}
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>(), one = constant<V>(1), rise = constant<V>(alpha);
    const V low = constant<V>(left), high = constant<V>(right);
    const V inside = ei::pmul(ei::psub(x, low), rise);
    return {where_less_equal(high, x, one, where_less_equal(x, low, none, inside)),
            where_less(low, x, where_less(x, high, rise, none), none)};
  }
};

struct ClampAt {
  double lower, upper;
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V none = zero<V>(), low = constant<V>(lower), high = constant<V>(upper);  // NaN is in neither half and stays
    return {where_less_equal(x, low, low, where_less_equal(high, x, high, x)),
            where_less(low, x, where_less(x, high, constant<V>(1), none), none)};
  }
};

struct SoftsignAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x) const {
    const V one = constant<V>(1), above = ei::padd(one, V(ei::pabs(x)));
    const V d = ei::pdiv(one, above);
    return {ei::pdiv(x, above), ei::pmul(d, d)};
  }
};

// Calls f(the function at a packet or number).
template <class F>
CNNFAST_INLINE void with_function(const Function& g, const F& f) {
  using Kind = Function::Kind;
  switch (g.kind) {
    case Kind::identity: return f(IdentityAt());
    case Kind::relu: return f(ReLUAt());
    case Kind::leaky_relu: return f(LeakyReLUAt{g.a});
    case Kind::elu: return f(ELUAt{g.a, g.b});
    case Kind::gelu: return f(GELUAt());
    case Kind::gelu_tanh: return f(GELUTanhAt());
    case Kind::silu: return f(SiLUAt());
    case Kind::mish: return f(MishAt());
    case Kind::sigmoid: return f(SigmoidAt());
    case Kind::tanh: return f(TanhAt());
    case Kind::scaled_tanh: return f(ScaledTanhAt{g.a, g.b});
    case Kind::softplus: return f(SoftplusAt{g.a, g.b});
    case Kind::hardswish: return f(HardswishAt());
    case Kind::hardsigmoid: return f(HardsigmoidAt(g.a, g.b));
    case Kind::clamp: return f(ClampAt{g.a, g.b});
    case Kind::softsign: return f(SoftsignAt());
  }
}

CNNFAST_KERNELS_END
