#include "train/reductions.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

#include "kernels/table.hpp"
#include "runtime/ranges.hpp"

namespace cnnfast {

template <class T>
T max_magnitude(Index size, const T* x) {
  const KernelTable<T>& table = kernel_table<T>(default_isa());
  std::mutex mutex;
  T largest = 0;
  parallel_ranges(size, 1, [&](Index first, Index count) {
    const T found = table.magnitude(count, x + first);
    const std::lock_guard<std::mutex> guard(mutex);
    largest = larger(largest, found);
  });
  return largest;
}

// Chunks of one length are summed each by itself, and their sums in order.
template <class T>
double squared_norm(Index size, const T* x) {
  constexpr Index kChunk = 4096;
  const KernelTable<T>& table = kernel_table<T>(default_isa());
  const Index chunks = (size + kChunk - 1) / kChunk;
  std::vector<double> sums(static_cast<std::size_t>(chunks));
  parallel_ranges(chunks, kChunk, [&](Index first, Index count) {
    for (Index i = first; i < first + count; ++i) {
      sums[static_cast<std::size_t>(i)] = table.squared_norm(std::min(kChunk, size - i * kChunk), x + i * kChunk);
    }
  });
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

template float max_magnitude(Index, const float*);
template double max_magnitude(Index, const double*);
template double squared_norm(Index, const float*);
template double squared_norm(Index, const double*);

}  // namespace cnnfast
