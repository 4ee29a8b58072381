// Max-pooling over channels-last images, lanes over channels.
//
// Forward keeps, for each output, the position of the largest value in its window (row by row, as a number
// of the element type so that one comparison serves any width). A value takes the place only if it is
// strictly larger, so ties go to the first in row order; NaN takes it always, as in PyTorch.
#pragma once

#include "kernels/math.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct MaxPool2dKernels {
  using G = MaxPool2d::Geometry;
  using V = Packet<T>;

  static KernelSizes sizes(const G&, Index) { return {}; }

  // Part of a window that lies on the image.
  struct Span {
    Index first, end;  // kernel rows (columns)
    Index origin;      // image row (column) under kernel row 0
  };
  static Span span(Index out, Index in, Index kernel, Index stride, Index before) {
    const Index origin = out * stride - before;
    const Index first = origin < 0 ? -origin : 0;
    const Index end = kernel < in - origin ? kernel : in - origin;
    return {first, end, origin};
  }

  // Calls f(rows, cols, output pixel) for each window of n images; f gets the image's base offset too.
  template <class F>
  static CNNFAST_INLINE void for_each_window(const G& g, Index n, const F& f) {
    for (Index image = 0, pixel = 0; image < n; ++image) {
      for (Index row = 0; row < g.h_out; ++row) {
        const Span rows = span(row, g.h, g.kernel.h, g.stride.h, g.pad.top);
        for (Index col = 0; col < g.w_out; ++col, ++pixel) {
          f(rows, span(col, g.w, g.kernel.w, g.stride.w, g.pad.left), image * g.h * g.w, pixel);
        }
      }
    }
  }
  static Index offset(const G& g, Index base, const Span& rows, const Span& cols, Index i, Index j) {
    return (base + (rows.origin + i) * g.w + cols.origin + j) * g.channels;
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    for_each_window(g, a.n, [&](const Span& rows, const Span& cols, Index base, Index pixel) {
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        V best = load_upto<V>(a.x + offset(g, base, rows, cols, rows.first, cols.first) + c, count);
        V at = broadcast<V>(static_cast<T>(rows.first * g.kernel.w + cols.first));
        for (Index i = rows.first; i < rows.end; ++i) {
          for (Index j = cols.first; j < cols.end; ++j) {
            const V x = load_upto<V>(a.x + offset(g, base, rows, cols, i, j) + c, count);
            meet(x, broadcast<V>(static_cast<T>(i * g.kernel.w + j)), best, at);
          }
        }
        store_upto(a.y + pixel * g.channels + c, best, count);
        if (a.saved != nullptr) store_upto(a.saved + pixel * g.channels + c, at, count);
      });
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    std::memset(a.dx, 0, static_cast<std::size_t>(a.n * g.h * g.w * g.channels) * sizeof(T));
    for_each_window(g, a.n, [&](const Span& rows, const Span& cols, Index base, Index pixel) {
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        const V dy = load_upto<V>(a.dy + pixel * g.channels + c, count);
        const V at = load_upto<V>(a.saved + pixel * g.channels + c, count);
        for (Index i = rows.first; i < rows.end; ++i) {
          for (Index j = cols.first; j < cols.end; ++j) {
            T* dx = a.dx + offset(g, base, rows, cols, i, j) + c;
            const V here = where_equal(at, broadcast<V>(static_cast<T>(i * g.kernel.w + j)), dy, zero<V>());
            store_upto(dx, ei::padd(load_upto<V>(dx, count), here), count);
          }
        }
      });
    });
  }
};

CNNFAST_KERNELS_END
