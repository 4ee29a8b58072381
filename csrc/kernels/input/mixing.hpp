// Mixing of an image with another one: MixUp and CutMix.
#pragma once

#include <algorithm>
#include <cmath>

#include "kernels/input/draws.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

// From Beta(a, a) (Johnk 1964): of pairs u^(1/a), v^(1/a) the first whose sum is at most 1. In logarithms, as the
// powers underflow for small a.
inline double draw_beta(const StepDraws& draw, double a) {
  constexpr std::uint32_t pairs = 10000;
  for (std::uint32_t k = 0; k < pairs; ++k) {
    const double u = std::log(1 - draw.uniform(kFirstOfMany + 2 * k)) / a;
    const double v = std::log(1 - draw.uniform(kFirstOfMany + 2 * k + 1)) / a;
    const double most = std::max(u, v), sum = most + std::log(std::exp(u - most) + std::exp(v - most));
    if (sum <= 0) return std::exp(u - sum);
  }
  return 0.5;
}

inline Mix draw_mix(const Augmentation& augmentation, const AugmentationKey& key, Index row, Index h, Index w) {
  const Mixing& mixing = augmentation.mixing;
  Mix mix;
  if (mixing.kind == Mixing::Kind::none) return mix;
  const StepDraws draw(step_key(key, augmentation.steps.size(), false), static_cast<std::uint64_t>(row));
  if (!draw.applies(mixing.p)) return mix;
  mix.weight = draw_beta(draw, mixing.alpha);
  if (mixing.kind == Mixing::Kind::mixup) return mix;
  const double side = std::sqrt(1 - mix.weight);
  const auto range = [&](std::uint32_t index, Index size, Index& first, Index& length) {
    const double center = draw.uniform(index) * static_cast<double>(size);
    const double half = 0.5 * side * static_cast<double>(size);
    first = std::max<Index>(0, static_cast<Index>(std::floor(center - half + 0.5)));
    length = std::min(size, static_cast<Index>(std::floor(center + half + 0.5))) - first;
  };
  range(1, h, mix.top, mix.h);
  range(2, w, mix.left, mix.w);
  mix.weight = 1 - static_cast<double>(mix.h * mix.w) / static_cast<double>(h * w);
  return mix;
}

template <class T>
void apply(const AugmentArgs<T>& args, const T* other, T* values) {
  const Mix& mix = args.mix;
  const Index size = args.channels * args.h * args.w;
  if (mix.h == 0) {
    const T weight = static_cast<T>(mix.weight);
    for (Index i = 0; i < size; ++i) values[i] = other[i] + weight * (values[i] - other[i]);
    return;
  }
  for (Index c = 0; c < args.channels; ++c) {
    for (Index r = mix.top; r < mix.top + mix.h; ++r) {
      const Index first = (c * args.h + r) * args.w + mix.left;
      std::copy_n(other + first, mix.w, values + first);
    }
  }
}

CNNFAST_KERNELS_END
