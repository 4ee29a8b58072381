// Counter-based random numbers: a hash of a key, an image and an index instead of a generator's state, so that they do
// not depend on the order of images, tiles and threads.
#pragma once

#include <cstdint>

#include "kernels/simd/isa.hpp"

CNNFAST_KERNELS_BEGIN

// Two rounds of a 32-bit mixing function (the constants are Wellons's "lowbias32",
// https://nullprogram.com/blog/2018/07/31/).
CNNFAST_INLINE std::uint32_t mix(std::uint32_t v) {
  v ^= v >> 16;
  v *= 0x7feb352dU;
  v ^= v >> 15;
  v *= 0x846ca68bU;
  v ^= v >> 16;
  return v;
}

// The numbers of one image: 32 random bits for each index.
struct Draws {
  std::uint32_t low, high;

  CNNFAST_INLINE Draws(std::uint64_t key, std::uint64_t image)
      : low(mix(static_cast<std::uint32_t>(key) ^ static_cast<std::uint32_t>(image))),
        high(mix(static_cast<std::uint32_t>(key >> 32) + low)) {}

  CNNFAST_INLINE std::uint32_t operator()(std::uint32_t index) const { return mix(mix(index ^ low) + high); }
};

CNNFAST_KERNELS_END
