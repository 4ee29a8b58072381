// Max pooling that also returns where each maximum lies, as PyTorch's return_indices does.
#pragma once

#include <cstdint>

#include "base/cpu.hpp"
#include "ops/max_pool.hpp"

namespace cnnfast {

// n images x and outputs y, NCHW. Indices count the pixels of a channel row by row.
template <class T>
void max_pool_indices(const MaxPool2d::Geometry& g, Isa isa, Index n, const T* x, T* y, std::int64_t* indices);

}  // namespace cnnfast
