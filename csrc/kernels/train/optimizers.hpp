// One optimizer step over a flat block of parameters, in place; arithmetic as in PyTorch's optimizers.
// Every element takes the same vector path wherever it lies in the block, so that a step gives the same bits
// whatever the block's address.
#pragma once

#include <math.h>

#include "kernels/simd/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// a + weight (b - a), written from the nearer end: exactly b for a weight of 1.
template <class V>
CNNFAST_INLINE V between(const V& a, const V& b, double weight) {
  if (weight < 0.5) return ei::pmadd(constant<V>(weight), ei::psub(b, a), a);
  return ei::pmadd(constant<V>(1 - weight), ei::psub(a, b), b);
}

// A step along the gradient is one against its negative.
template <class V, class T>
CNNFAST_INLINE V gradient(bool maximize, const T* grads, Index count) {
  const V g = load_upto<V>(grads, count);
  return maximize ? V(ei::pnegate(g)) : g;
}

// g += weight_decay p;  m = momentum m + (1 - dampening) g;  g = nesterov ? g + momentum m : m;  p -= lr g
template <class T>
void sgd(Index size, const SgdSettings& s, T* params, const T* grads, T* momentum) {
  using V = Packet<T>;
  const auto constant = [](double value) { return broadcast<V>(static_cast<T>(value)); };
  const V minus_lr = constant(-s.lr), decay = constant(s.weight_decay), mu = constant(s.momentum);
  const V keep = constant(1 - s.dampening);
  for_each_group<V>(size, [&](Index i, Index count) {
    V p = load_upto<V>(params + i, count);
    V g = gradient<V>(s.maximize, grads + i, count);
    if (s.weight_decay != 0) g = ei::pmadd(decay, p, g);
    if (momentum != nullptr) {
      const V m = s.first ? g : ei::pmadd(mu, load_upto<V>(momentum + i, count), ei::pmul(keep, g));
      store_upto(momentum + i, m, count);
      g = s.nesterov ? ei::pmadd(mu, m, g) : m;
    }
    store_upto(params + i, ei::pmadd(minus_lr, g, p), count);
  });
}

// Kingma & Ba 2015 (arXiv:1412.6980); decoupled: Loshchilov & Hutter 2019 (arXiv:1711.05101); with max_exp_avg_sq
// (may be null) its largest value so far divides: Reddi et al. 2018 (arXiv:1904.09237).
template <class T>
void adam(Index size, const AdamSettings& s, T* params, const T* grads, T* exp_avg, T* exp_avg_sq, T* max_exp_avg_sq) {
  using V = Packet<T>;
  const auto constant = [](double value) { return broadcast<V>(static_cast<T>(value)); };
  const V decay = constant(s.weight_decay), shrink = constant(1 - s.lr * s.weight_decay);
  const V beta2 = constant(s.beta2), rest2 = constant(1 - s.beta2);
  const V minus_step = constant(-s.lr / s.bias_correction1), eps = constant(s.eps);
  const V root = constant(::sqrt(s.bias_correction2));
  for_each_group<V>(size, [&](Index i, Index count) {
    V p = load_upto<V>(params + i, count);
    V g = gradient<V>(s.maximize, grads + i, count);
    if (s.weight_decay != 0) {
      if (s.decoupled) {
        p = ei::pmul(p, shrink);
      } else {
        g = ei::pmadd(decay, p, g);
      }
    }
    V m = load_upto<V>(exp_avg + i, count);
    m = between(m, g, 1 - s.beta1);
    const V v = ei::pmadd(beta2, load_upto<V>(exp_avg_sq + i, count), ei::pmul(rest2, ei::pmul(g, g)));
    V largest = v;
    if (max_exp_avg_sq != nullptr) {
      largest = ei::pmax(load_upto<V>(max_exp_avg_sq + i, count), v);
      store_upto(max_exp_avg_sq + i, largest, count);
    }
    const V denominator = ei::padd(ei::pdiv(ei::psqrt(largest), root), eps);
    store_upto(exp_avg + i, m, count);
    store_upto(exp_avg_sq + i, v, count);
    store_upto(params + i, ei::pmadd(minus_step, ei::pdiv(m, denominator), p), count);
  });
}

// v = alpha v + (1 - alpha) g^2, Hinton 2012 (lecture 6e of Neural networks for machine learning); with grad_avg a
// (may be null) a += (1 - alpha) (g - a) and v - a^2 divides, which counts as 0 where rounding leaves less:
// Graves 2013 (arXiv:1308.0850). With momentum (may be null) m = momentum m + step.
template <class T>
void rmsprop(Index size, const RmspropSettings& s, T* params, const T* grads, T* square_avg, T* grad_avg, T* momentum) {
  using V = Packet<T>;
  const auto constant = [](double value) { return broadcast<V>(static_cast<T>(value)); };
  const V minus_lr = constant(-s.lr), decay = constant(s.weight_decay), mu = constant(s.momentum);
  const V alpha = constant(s.alpha), rest = constant(1 - s.alpha), eps = constant(s.eps);
  for_each_group<V>(size, [&](Index i, Index count) {
    const V p = load_upto<V>(params + i, count);
    V g = gradient<V>(s.maximize, grads + i, count);
    if (s.weight_decay != 0) g = ei::pmadd(decay, p, g);
    const V v = ei::pmadd(alpha, load_upto<V>(square_avg + i, count), ei::pmul(rest, ei::pmul(g, g)));
    store_upto(square_avg + i, v, count);
    V spread = v;
    if (grad_avg != nullptr) {
      V a = load_upto<V>(grad_avg + i, count);
      a = between(a, g, 1 - s.alpha);
      store_upto(grad_avg + i, a, count);
      spread = ei::pmax(ei::psub(v, ei::pmul(a, a)), zero<V>());
    }
    V step = ei::pdiv(g, ei::padd(ei::psqrt(spread), eps));
    if (momentum != nullptr) {
      step = ei::pmadd(mu, load_upto<V>(momentum + i, count), step);
      store_upto(momentum + i, step, count);
    }
    store_upto(params + i, ei::pmadd(minus_lr, step, p), count);
  });
}

// v += g^2;  p -= lr g / (sqrt(v) + eps). Duchi, Hazan & Singer 2011, JMLR 12.
template <class T>
void adagrad(Index size, const AdagradSettings& s, T* params, const T* grads, T* sum) {
  using V = Packet<T>;
  const auto constant = [](double value) { return broadcast<V>(static_cast<T>(value)); };
  const V minus_lr = constant(-s.lr), decay = constant(s.weight_decay), eps = constant(s.eps);
  for_each_group<V>(size, [&](Index i, Index count) {
    const V p = load_upto<V>(params + i, count);
    V g = gradient<V>(s.maximize, grads + i, count);
    if (s.weight_decay != 0) g = ei::pmadd(decay, p, g);
    const V v = ei::pmadd(g, g, load_upto<V>(sum + i, count));
    store_upto(sum + i, v, count);
    store_upto(params + i, ei::pmadd(minus_lr, ei::pdiv(g, ei::padd(ei::psqrt(v), eps)), p), count);
  });
}

// In double, on lanes of its own whatever the instruction set: squares of floats are exact there, cannot overflow,
// and every variant adds them up alike.
template <class T>
double squared_norm(Index size, const T* x) {
  constexpr Index lanes = 16;
  double sums[lanes] = {};
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (Index k = 0; k < lanes; ++k) sums[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  }
  for (Index k = 0; i + k < size; ++k) sums[k] += static_cast<double>(x[i + k]) * static_cast<double>(x[i + k]);
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

CNNFAST_KERNELS_END
