// The images and targets of a call.
#pragma once

#include <cstdint>

#include "base/shape.hpp"
#include "ops/augmentation.hpp"

namespace cnnfast {

// The images of a call: uint8 or the plan's element type, C-contiguous NCHW; `index` picks rows, or is null.
struct Batch {
  const void* images = nullptr;
  bool is_u8 = false;
  Index n = 0;
  const std::int64_t* index = nullptr;
  const std::int64_t* origin = nullptr;        // where images are copies of some rows of a data set: those rows
  const Augmentation* augmentation = nullptr;  // of bytes; null in inference
  AugmentationKey augmentation_key;
  const Mix* mixes = nullptr;       // of each image with the next one; null without mixing
  const double* weights = nullptr;  // of each row of the arrays in the loss; null: all 1
  Index row(Index i) const { return index == nullptr ? i : index[i]; }
  double weight(Index i) const { return weights == nullptr ? 1 : weights[row(i)]; }
  double own_weight(Index i) const { return mixes == nullptr ? 1 : mixes[i].weight; }
  Index next(Index i) const { return i + 1 < n ? i + 1 : 0; }  // the image that is mixed into image i
  Index data_set_row(Index i) const { return origin == nullptr ? row(i) : origin[row(i)]; }
};

// Targets by row of the arrays: a class each, or numbers of the output's shape.
template <class T>
struct Target {
  const std::int64_t* classes = nullptr;
  const T* values = nullptr;
};

}  // namespace cnnfast
