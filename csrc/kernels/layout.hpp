// Conversion between layouts (NCHW at the interface, channels-last inside), and padding of images with zeros.
#pragma once

#include <cstring>

#include "kernels/simd/packet.hpp"
#include "ops/window.hpp"

CNNFAST_KERNELS_BEGIN

// Elements rounded up to whole cache lines.
template <class T>
constexpr Index round_up(Index elements) {
  constexpr Index line = 64 / sizeof(T);
  return (elements + line - 1) / line * line;
}

// A copy, in another type where the types differ.
template <class From, class To>
void convert(Index count, const From* from, To* to) {
  if constexpr (std::is_same_v<From, To>) {
    std::memcpy(to, from, static_cast<std::size_t>(count) * sizeof(To));
  } else {
    for (Index i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
  }
}

// By squares of lanes; the last of a row or column overlap those before them, where they write the same.
template <class V, class T>
void transpose_squares(Index rows, Index cols, const T* x, T* y) {
  constexpr Index L = kLanes<V>;
  for (Index i = 0; i < rows; i += L) {
    const Index row = i + L <= rows ? i : rows - L;
    for (Index j = 0; j < cols; j += L) {
      const Index col = j + L <= cols ? j : cols - L;
      transpose_square<V>([&](int k) { return x + (row + k) * cols + col; },
                          [&](int k) { return y + (col + k) * rows + row; });
    }
  }
}

// Rows of an image transposed: (rows, cols) to (cols, rows).
template <class T>
void transpose(Index rows, Index cols, const T* x, T* y) {
  if (rows == 1 || cols == 1) {
    std::memcpy(y, x, static_cast<std::size_t>(rows * cols) * sizeof(T));
    return;
  }
  const Index least = rows < cols ? rows : cols;
  if (least >= kLanes<Packet<T>>) return transpose_squares<Packet<T>>(rows, cols, x, y);
  if (least >= kLanes<HalfPacket<T>>) return transpose_squares<HalfPacket<T>>(rows, cols, x, y);
  for (Index j = 0; j < cols; ++j) {
    for (Index i = 0; i < rows; ++i) y[j * rows + i] = x[i * cols + j];
  }
}

template <class T>
void from_nchw(Index channels, Index positions, const T* x, T* y) {
  transpose(channels, positions, x, y);
}
template <class T>
void to_nchw(Index channels, Index positions, const T* x, T* y) {
  transpose(positions, channels, x, y);
}

// n images of h x w x c become images of (top + h + bottom) x (left + w + right) x c, zeros around the values.
template <class T>
void copy_padded(Index n, Index h, Index w, Index c, const Padding& m, const T* x, T* y) {
  const auto bytes = [c](Index cols) { return static_cast<std::size_t>(cols * c) * sizeof(T); };
  const Index w_out = m.left + w + m.right;
  for (Index image = 0; image < n; ++image) {
    std::memset(y, 0, bytes(m.top * w_out));
    y += m.top * w_out * c;
    for (Index row = 0; row < h; ++row, x += w * c, y += w_out * c) {
      std::memset(y, 0, bytes(m.left));
      std::memcpy(y + m.left * c, x, bytes(w));
      std::memset(y + (m.left + w) * c, 0, bytes(m.right));
    }
    std::memset(y, 0, bytes(m.bottom * w_out));
    y += m.bottom * w_out * c;
  }
}

CNNFAST_KERNELS_END
