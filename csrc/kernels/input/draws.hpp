// Random numbers of the steps of an augmentation.
#pragma once

#include "kernels/simd/random.hpp"
#include "ops/augmentation.hpp"

CNNFAST_KERNELS_BEGIN

// Index 0 decides whether a step is applied, 1 to 15 are its settings, those from 16 on its grids and pixels.
constexpr std::uint32_t kFirstOfMany = 16;

struct StepDraws : Draws {
  using Draws::Draws;

  // Uniform in [0, 1), a multiple of 2^-32.
  CNNFAST_INLINE double uniform(std::uint32_t index) const { return (*this)(index) * (1.0 / 4294967296.0); }
  double in(const Interval& range, std::uint32_t index) const {
    return range.low + (range.high - range.low) * uniform(index);
  }
  bool applies(double p) const { return uniform(0) < p; }
};

// The key of a step; in an epoch, unless all of them share its numbers.
inline std::uint64_t step_key(const AugmentationKey& key, std::uint64_t step, bool every_epoch) {
  std::uint64_t v = key.seed * 0x9E3779B97F4A7C15ULL + step * 0xD1B54A32D192ED03ULL;
  if (!every_epoch) v += (key.epoch + 1) * 0x8CB92BA72F3D8DD7ULL;
  v ^= v >> 32;
  v *= 0xD6E8FEB86659FD93ULL;
  return v ^ v >> 32;
}

CNNFAST_KERNELS_END
