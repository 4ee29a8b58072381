// Blocks of elements, cut into one range for each thread.
#pragma once

#include <algorithm>

#include "base/shape.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

// Elements a thread must have to be worth waking.
constexpr Index kElementsPerThread = Index{1} << 16;

// Calls f(first, count) for ranges of `size` items of `elements` elements each, one range for each thread.
template <class F>
void parallel_ranges(Index size, Index elements, const F& f) {
  const auto parts = static_cast<int>(std::min<Index>(get_num_threads(), 1 + size * elements / kElementsPerThread));
  Tasks tasks(parts);
  parallel(parts, [&](const Team&) {
    for (int part = 0; tasks.next(part);) {
      const Index first = size * part / parts;
      f(first, size * (part + 1) / parts - first);
    }
  });
}

}  // namespace cnnfast
