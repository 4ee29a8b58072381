// Augmentation of the images of a batch.
#pragma once

#include <vector>

#include "base/shape.hpp"
#include "kernels/table.hpp"
#include "runtime/batch.hpp"

namespace cnnfast {

// Image i of the batch, bytes of shape (c, h, w), to values from 0 to 255 in y, channels-last.
template <class T>
void augment_image(const KernelTable<T>& table, const Batch& batch, Index i, const Shape& shape, T* y);

// All images, to y, NCHW.
template <class T>
void augment_batch(const KernelTable<T>& table, const Batch& batch, const Shape& shape, T* y);

// The mixture of each image with the next one, for Batch::mixes; empty if the augmentation does not mix.
std::vector<Mix> draw_mixes(const Batch& batch, const Shape& shape);

}  // namespace cnnfast
