// Normalization of an image. As the first step of the input stage it also converts bytes and their layout, in one loop.
#pragma once

#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
void normalize(const T* scale, const T* shift, const InputArgs<T>& image) {
  const Index channels = image.channels, positions = image.positions;
  for (Index c = 0; c < channels; ++c) {
    const T a = scale[c], b = shift[c];
    T* x = image.x + c;
    if (image.bytes != nullptr) {
      const std::uint8_t* plane = image.bytes + c * positions;
      for (Index p = 0; p < positions; ++p) x[p * channels] = static_cast<T>(plane[p]) * a + b;
    } else {
      for (Index p = 0; p < positions; ++p) x[p * channels] = x[p * channels] * a + b;
    }
  }
}

CNNFAST_KERNELS_END
