// One optimiser step over a flat block of parameters, in place; arithmetic as in PyTorch's optimizers.
// Every element takes the same vector path wherever it lies in the block, so that a step gives the same bits
// whatever the block's address.
#pragma once

#include <math.h>

#include "kernels/packet.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// g += weight_decay p;  m = momentum m + (1 - dampening) g;  g = nesterov ? g + momentum m : m;  p -= lr g
template <class T>
void sgd(Index size, const SgdSettings& s, T* params, const T* grads, T* momentum) {
  using V = Packet<T>;
  const auto constant = [](double value) { return broadcast<V>(static_cast<T>(value)); };
  const V minus_lr = constant(-s.lr), decay = constant(s.weight_decay), mu = constant(s.momentum);
  const V keep = constant(1 - s.dampening);
  for_each_group<V>(size, [&](Index i, Index count) {
    V p = load_upto<V>(params + i, count);
    V g = load_upto<V>(grads + i, count);
    if (s.weight_decay != 0) g = ei::pmadd(decay, p, g);
    if (momentum != nullptr) {
      const V m = s.first ? g : ei::pmadd(mu, load_upto<V>(momentum + i, count), ei::pmul(keep, g));
      store_upto(momentum + i, m, count);
      g = s.nesterov ? ei::pmadd(mu, m, g) : m;
    }
    store_upto(params + i, ei::pmadd(minus_lr, g, p), count);
  });
}

// Kingma & Ba 2015 (arXiv:1412.6980); decoupled: Loshchilov & Hutter 2019 (arXiv:1711.05101).
template <class T>
void adam(Index size, const AdamSettings& s, T* params, const T* grads, T* exp_avg, T* exp_avg_sq) {
  using V = Packet<T>;
  const auto constant = [](double value) { return broadcast<V>(static_cast<T>(value)); };
  const V decay = constant(s.weight_decay), shrink = constant(1 - s.lr * s.weight_decay);
  const V beta2 = constant(s.beta2), rest1 = constant(1 - s.beta1), rest2 = constant(1 - s.beta2);
  const V minus_step = constant(-s.lr / s.bias_correction1), eps = constant(s.eps);
  const V root = constant(::sqrt(s.bias_correction2));
  for_each_group<V>(size, [&](Index i, Index count) {
    V p = load_upto<V>(params + i, count);
    V g = load_upto<V>(grads + i, count);
    if (s.weight_decay != 0) {
      if (s.decoupled) {
        p = ei::pmul(p, shrink);
      } else {
        g = ei::pmadd(decay, p, g);
      }
    }
    V m = load_upto<V>(exp_avg + i, count);
    m = ei::pmadd(rest1, ei::psub(g, m), m);
    const V v = ei::pmadd(beta2, load_upto<V>(exp_avg_sq + i, count), ei::pmul(rest2, ei::pmul(g, g)));
    const V denominator = ei::padd(ei::pdiv(ei::psqrt(v), root), eps);
    store_upto(exp_avg + i, m, count);
    store_upto(exp_avg_sq + i, v, count);
    store_upto(params + i, ei::pmadd(minus_step, ei::pdiv(m, denominator), p), count);
  });
}

CNNFAST_KERNELS_END
