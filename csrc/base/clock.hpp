// Seconds on a monotonic clock, for profiles and for deciding how many threads to use.
#pragma once

#include <chrono>

namespace cnnfast {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cnnfast
