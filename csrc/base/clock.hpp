// Time that has passed, for profiles and for deciding how many threads are worth waking.
#pragma once

#include <chrono>

namespace cnnfast {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace cnnfast
