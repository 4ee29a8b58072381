// Reductions over a flat block of parameters or gradients, on all threads where it is large.
#pragma once

#include <cmath>

#include "base/shape.hpp"

namespace cnnfast {

// The larger of two magnitudes; NaN if one of them is NaN.
template <class T>
T larger(T a, T b) {
  return std::isnan(a) || a > b ? a : b;
}

// The largest |x|; NaN if a value is not finite.
template <class T>
T max_magnitude(Index size, const T* x);

// The sum of x[i]^2, in double. No bit depends on the number of threads.
template <class T>
double squared_norm(Index size, const T* x);

}  // namespace cnnfast
