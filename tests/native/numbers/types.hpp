// Two number types for the self-test, which show that another one needs no change of the kernels: weights in bfloat16,
// and sums in float64, everything else being float32. Not a part of the engine.
#pragma once

#include <cstdint>
#include <cstring>

#include "base/numbers.hpp"
#include "kernels/simd/packet.hpp"

CNNFAST_KERNELS_BEGIN

// The upper half of a float32.
struct BFloat16 {
  BFloat16() = default;
  // The nearest, of two equally near the even one. Not for NaN.
  explicit BFloat16(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    upper = static_cast<std::uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
  }
  explicit operator float() const {
    const std::uint32_t bits = std::uint32_t{upper} << 16;
    float value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  std::uint16_t upper;
};

struct BFloat16Weights {};
struct WideSums {};

CNNFAST_KERNELS_END

namespace cnnfast {

template <>
struct Numbers<CNNFAST_ISA::BFloat16Weights> {
  using Value = float;
  using Packed = CNNFAST_ISA::BFloat16;
  using Accumulator = float;
};

template <>
struct Numbers<CNNFAST_ISA::WideSums> {
  using Value = float;
  using Packed = float;
  using Accumulator = double;
};

}  // namespace cnnfast
