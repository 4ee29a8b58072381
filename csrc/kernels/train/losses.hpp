// Losses and their gradients by the output x, unreduced; t target, w weight of its class.
//
//   cross entropy    sum q (log sum exp(x) - x)      d/dx = softmax(x) sum q - q
//                    q: w at the target; w p for probabilities p; smoothed by s: (1 - s) of that, s w / c everywhere
//   nll              -w x[t]                         d/dx = -w at t
//   mse, l1          d^2, |d|, d = x - t             d/dx = 2 d, sign d
//   huber            d^2 / 2 up to |d| = delta, delta (|d| - delta / 2) beyond; smooth_l1 is huber / delta
//   bce_with_logits  (1 - t) softplus(x) + w t softplus(-x)
//
// The largest logit is taken off first, so that no exponential overflows (log-sum-exp). Sums over a row's losses are
// in double.
#pragma once

#include "kernels/norm/softmax.hpp"
#include "kernels/pointwise/activations.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct RowLoss {
  using R = Rowwise<T>;

  // All weight on one class.
  static T cross_entropy(Index c, const T* x, Index t, T weight, T scale, T* dx) {
    const T m = R::largest(c, x);
    const T sum = R::exponentials(c, x, m, dx);
    for (Index i = 0; i < c; ++i) dx[i] = dx[i] / sum * (weight * scale);
    dx[t] -= weight * scale;
    return weight * (R::log(sum) - (x[t] - m));
  }
  // Weight q(i) >= 0 on each class. Where it is 0, an infinite logit does not matter.
  template <class Q>
  static T cross_entropy(Index c, const T* x, const Q& q, T scale, T* dx) {
    const T m = R::largest(c, x);
    const T sum = R::exponentials(c, x, m, dx);
    const T log_sum = R::log(sum);
    double total = 0, loss = 0;
    for (Index i = 0; i < c; ++i) {
      const T qi = q(i);
      total += static_cast<double>(qi);
      if (qi != 0) loss += static_cast<double>(qi * (log_sum - (x[i] - m)));
    }
    for (Index i = 0; i < c; ++i) dx[i] = (dx[i] / sum * static_cast<T>(total) - q(i)) * scale;
    return static_cast<T>(loss);
  }
  static T nll(Index c, const T* x, Index t, T weight, T scale, T* dx) {
    for (Index i = 0; i < c; ++i) dx[i] = 0;
    dx[t] = -weight * scale;
    return -x[t] * weight;
  }
};

template <class T>
T class_loss(const LossRule& rule, const LossArgs<T>& a, Index row) {
  const Index c = a.c;
  const T *x = a.x + row * c, *p = a.values == nullptr ? nullptr : a.values + row;
  T* dx = a.dx + row * c;
  const auto weight = [&](Index i) { return a.weight == nullptr ? T(1) : a.weight[i]; };
  const T kept = static_cast<T>(1 - rule.label_smoothing),
          spread = static_cast<T>(rule.label_smoothing / static_cast<double>(c));
  if (p != nullptr) {
    return RowLoss<T>::cross_entropy(
        c, x, [&](Index i) { return weight(i) * (p[i * a.n] * kept + spread); }, a.scale, dx);
  }
  const Index t = a.classes[row];
  if (t == rule.ignore_index) {
    for (Index i = 0; i < c; ++i) dx[i] = 0;
    return 0;
  }
  if (rule.kind == LossKind::nll) return RowLoss<T>::nll(c, x, t, weight(t), a.scale, dx);
  if (rule.label_smoothing == 0) return RowLoss<T>::cross_entropy(c, x, t, weight(t), a.scale, dx);
  const T at_target = kept * weight(t);
  return RowLoss<T>::cross_entropy(
      c, x, [&](Index i) { return spread * weight(i) + (i == t ? at_target : T(0)); }, a.scale, dx);
}

// Losses of single elements: loss and slope at x, for target t and weight w.
struct SquaredAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x, const V& t, const V&) const {
    const V d = ei::psub(x, t);
    return {ei::pmul(d, d), ei::padd(d, d)};
  }
};
struct AbsoluteAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x, const V& t, const V&) const {
    const V d = ei::psub(x, t), one = constant<V>(1), none = zero<V>();
    return {ei::pabs(d), where_less(none, d, one, where_less(d, none, V(ei::pnegate(one)), d))};
  }
};
struct HuberAt {
  double delta, factor;
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x, const V& t, const V&) const {
    const V d = ei::psub(x, t), z = ei::pabs(d), end = constant<V>(delta), half = constant<V>(0.5);
    const V inside = ei::pmul(ei::pmul(z, z), half), outside = ei::pmul(end, ei::psub(z, ei::pmul(end, half)));
    const V slope = where_less(end, d, end, where_less(d, V(ei::pnegate(end)), V(ei::pnegate(end)), d));
    const V by = constant<V>(factor);
    return {ei::pmul(where_less(z, end, inside, outside), by), ei::pmul(slope, by)};
  }
};
struct BinaryAt {
  template <class V>
  CNNFAST_INLINE ValueSlope<V> operator()(const V& x, const V& t, const V& w) const {
    const V none = zero<V>(), one = constant<V>(1);
    const Decay<V> e(ei::pnegate(ei::pabs(x)));
    const V rest = log1p_unit(e.value()), d = ei::pdiv(one, ei::padd(one, e.value()));
    const V small = e.times(d);
    const V no = ei::psub(one, t), yes = ei::pmul(w, t);
    const V of_no = ei::padd(where_less(none, x, x, none), rest);
    const V of_yes = ei::padd(where_less(x, none, V(ei::pnegate(x)), none), rest);
    const V rise = where_less(x, none, small, d), fall = where_less(x, none, d, small);
    return {ei::pmadd(no, of_no, ei::pmul(yes, of_yes)), ei::psub(ei::pmul(no, rise), ei::pmul(yes, fall))};
  }
};

// `values` may be the same memory as the gradient: each element is read before it is written.
template <class T, class F>
double element_losses(const LossArgs<T>& a, const F& f) {
  const bool weighted = a.weight != nullptr;
  const Index size = weighted ? a.c : a.n * a.c;
  double sum = 0;
  for (Index first = 0; first < a.n * a.c; first += size) {
    each_element<T>(size, [&](Index i, Index count, auto lane) {
      using V = decltype(lane);
      const Index at = first + i;
      const V w = weighted ? load_upto<V>(a.weight + i, count) : constant<V>(1);
      const auto both = f(load_upto<V>(a.x + at, count), load_upto<V>(a.values + at, count), w);
      store_upto(a.dx + at, V(ei::pmul(both.slope, broadcast<V>(a.scale))), count);
      alignas(64) T losses[kLanes<V>];
      store(losses, both.value);
      for (Index k = 0; k < count; ++k) {
        sum += static_cast<double>(losses[k]);
        if (a.each != nullptr) a.each[at + k] = losses[k];
      }
    });
  }
  return sum;
}

// The sum of the losses; and the gradient of each, times `scale`.
template <class T>
double losses(const LossRule& rule, const LossArgs<T>& a) {
  switch (rule.kind) {
    case LossKind::cross_entropy:
    case LossKind::nll: {
      double sum = 0;
      for (Index row = 0; row < a.n; ++row) {
        const T loss = class_loss(rule, a, row);
        sum += static_cast<double>(loss);
        if (a.each != nullptr) a.each[row] = loss;
      }
      return sum;
    }
    case LossKind::mse: return element_losses(a, SquaredAt());
    case LossKind::l1: return element_losses(a, AbsoluteAt());
    case LossKind::huber: return element_losses(a, HuberAt{rule.delta, 1});
    case LossKind::smooth_l1: return element_losses(a, HuberAt{rule.delta, 1 / rule.delta});
    case LossKind::bce_with_logits: return element_losses(a, BinaryAt());
  }
  return 0;
}

CNNFAST_KERNELS_END
