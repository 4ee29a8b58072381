// Nearest neighbors on channels-last images.
//
// Which columns belong together is worked out once a call. Forward copies pixel by pixel, and a row of y that is made
// of the same row of x as the one above it as a whole. Outputs of one input are neighbors, since positions only rise:
// so backward sums the block of dy that an input went to, in row order, and writes dx once.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/pointwise/structure.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct Resize2dKernels {
  using G = Resize2d::Geometry;
  using Place = std::int32_t;  // kMaxExtent fits
  static_assert(sizeof(Place) <= sizeof(T), "a place takes an element of scratch");

  static KernelSizes sizes(const G& g, Index) {
    KernelSizes s;
    s.forward_scratch = g.cols.out;
    s.backward_scratch = g.cols.in;
    return s;
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    auto* from = reinterpret_cast<Place*>(a.scratch);  // the column of each output
    for (Index col = 0; col < g.cols.out; ++col) from[col] = static_cast<Place>(g.cols.source(col));
    switch (g.channels) {
      case 1: return copy_images(g, std::integral_constant<Index, 1>(), from, a);
      case 16: return copy_images(g, std::integral_constant<Index, 16>(), from, a);
      case 32: return copy_images(g, std::integral_constant<Index, 32>(), from, a);
      default: return copy_images(g, g.channels, from, a);
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    auto* end = reinterpret_cast<Place*>(a.scratch);  // one behind the outputs of each column
    for (Index col = 0, output = 0; col < g.cols.in; ++col) {
      end[col] = static_cast<Place>(output = end_of(g.cols, col, output));
    }
    const Index y_row = g.cols.out * g.channels;
    T* dx = a.dx;
    for (Index image = 0; image < a.n; ++image) {
      const T* dy = a.dy + image * g.rows.out * y_row;
      for (Index row = 0, first = 0, last; row < g.rows.in; ++row, first = last) {
        last = end_of(g.rows, row, first);
        for (Index col = 0; col < g.cols.in; ++col, dx += g.channels) {
          const Index left = col == 0 ? 0 : end[col - 1];
          sum_block(dy + first * y_row + left * g.channels, last - first, end[col] - left, y_row, g.channels, dx);
        }
      }
    }
  }

 private:
  template <class Count>
  static void copy_images(const G& g, Count channels, const Place* from, const ForwardArgs<T>& a) {
    const Index x_row = g.cols.in * channels, y_row = g.cols.out * channels;
    T* y = a.y;
    for (Index image = 0; image < a.n; ++image) {
      const T* x = a.x + image * g.rows.in * x_row;
      for (Index row = 0, above = -1; row < g.rows.out; ++row, y += y_row) {
        const Index source = g.rows.source(row);
        if (source == above) {
          std::memcpy(y, y - y_row, static_cast<std::size_t>(y_row) * sizeof(T));
          continue;
        }
        above = source;
        for (Index col = 0; col < g.cols.out; ++col) {
          copy_runs_of(1, channels, x + source * x_row + from[col] * channels, 0, y + col * channels, 0);
        }
      }
    }
  }

  // The first output from `output` on that does not belong to `place`.
  static Index end_of(const ResizeAxis& axis, Index place, Index output) {
    while (output < axis.out && axis.source(output) == place) ++output;
    return output;
  }

  // dx[c] = sum of dy[c] over rows x cols pixels.
  static CNNFAST_INLINE void sum_block(const T* dy, Index rows, Index cols, Index y_row, Index channels, T* dx) {
    using V = Packet<T>;
    const Index in_vectors = channels / kLanes<V> * kLanes<V>;
    for (Index c = 0; c < in_vectors; c += kLanes<V>) {
      V total = zero<V>();
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < cols; ++j) total = ei::padd(total, load<V>(dy + i * y_row + j * channels + c));
      }
      store(dx + c, total);
    }
    for (Index c = in_vectors; c < channels; ++c) {
      T total = 0;
      for (Index i = 0; i < rows; ++i) {
        for (Index j = 0; j < cols; ++j) total += dy[i * y_row + j * channels + c];
      }
      dx[c] = total;
    }
  }
};

CNNFAST_KERNELS_END
