// Pages of 2 MB, where the system has them on request: weights larger than the caches are read half as fast again in
// these as in pages of 4 KB, whose addresses take time to look up.
#pragma once

#include <cstddef>

namespace cnnfast {

// For memory that has not been written yet: asks for those large pages that lie in it as a whole. Without effect where
// there are none.
void advise_large_pages(std::byte* memory, std::size_t bytes);

}  // namespace cnnfast
