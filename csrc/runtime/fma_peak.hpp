// The speed of the processor's multiply-adds.
#pragma once

#include "base/cpu.hpp"

namespace cnnfast {

// Floating-point operations in a second, on one core: the best of many short runs during `seconds`.
template <class T>
double fma_peak(Isa isa, double seconds);

}  // namespace cnnfast
