// Random numbers that are the same on every machine, exact in float32 and in float64.
#pragma once

#include <random>

#include "reference.hpp"

namespace cnnfast::selftest {

class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}

  // 0 .. bound - 1. Not a standard distribution: those differ from library to library.
  Index below(Index bound) { return static_cast<Index>(engine_() % static_cast<std::uint64_t>(bound)); }

  // Multiples of 2^-22 in [-1, 1), times a power of two.
  Values values(Index count, double scale = 1) {
    Values v(static_cast<std::size_t>(count));
    for (double& x : v) x = scale * (static_cast<double>(below(Index{1} << 23)) / (1 << 22) - 1);
    return v;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace cnnfast::selftest
