#include "base/large_pages.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdint>

namespace cnnfast {

void advise_large_pages([[maybe_unused]] std::byte* memory, [[maybe_unused]] std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t page = std::size_t{2} << 20;
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::size_t before = (page - address % page) % page;
  if (bytes < before + page) return;
  madvise(memory + before, (bytes - before) / page * page, MADV_HUGEPAGE);
#endif
}

}  // namespace cnnfast
