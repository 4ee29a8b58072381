#include "runtime/fma_peak.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "kernels/table.hpp"

namespace cnnfast {

template <class T>
double fma_peak(Isa isa, double duration) {
  const KernelTable<T>& table = kernel_table<T>(isa);
  const double start = seconds();
  double best = 0, chunk = 1e6;
  // The best run is one during which nothing else used the core.
  while (seconds() - start < duration) {
    const double begin = seconds();
    const double flops = table.fma_loop(chunk);
    const double time = seconds() - begin;
    if (time < 1e-3) {
      chunk *= 2;
      continue;
    }
    best = std::max(best, flops / time);
  }
  return best;
}

template double fma_peak<float>(Isa, double);
template double fma_peak<double>(Isa, double);

}  // namespace cnnfast
