// The images and targets of a call.
#pragma once

#include <cstdint>

#include "base/shape.hpp"

namespace cnnfast {

// The images of a call: uint8 or the plan's element type, C-contiguous NCHW; `index` picks rows, or is null.
struct Batch {
  const void* images = nullptr;
  bool is_u8 = false;
  Index n = 0;
  const std::int64_t* index = nullptr;
  const std::int64_t* origin = nullptr;  // where images are copies of some rows of a data set: those rows
  Index row(Index i) const { return index == nullptr ? i : index[i]; }
  Index data_set_row(Index i) const { return origin == nullptr ? row(i) : origin[row(i)]; }
};

// Targets by row of the arrays: a class each, or numbers of the output's shape.
template <class T>
struct Target {
  const std::int64_t* classes = nullptr;
  const T* values = nullptr;
};

}  // namespace cnnfast
