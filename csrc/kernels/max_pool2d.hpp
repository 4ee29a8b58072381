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
  // The part of a window on the image: `rows` x `cols` pixels from `corner` on (an offset), the first of which has
  // `number` in the window.
  struct Part {
    Index corner, rows, cols, number;
  };
  static Part part(const G& g, Index base, const Span& rows, const Span& cols) {
    return {(base + (rows.origin + rows.first) * g.w + cols.origin + cols.first) * g.channels, rows.end - rows.first,
            cols.end - cols.first, rows.first * g.kernel.w + cols.first};
  }
  // Calls f(offset of the pixel, its number as a vector).
  template <class F>
  static CNNFAST_INLINE void for_each_pixel(const G& g, const Part& p, const F& f) {
    const V one = broadcast<V>(T(1)), row_step = broadcast<V>(static_cast<T>(g.kernel.w));
    V row_number = broadcast<V>(static_cast<T>(p.number));
    for (Index i = 0, row = p.corner; i < p.rows; ++i, row += g.w * g.channels) {
      V number = row_number;
      for (Index j = 0, pixel = row; j < p.cols; ++j, pixel += g.channels) {
        f(pixel, number);
        number = ei::padd(number, one);
      }
      row_number = ei::padd(row_number, row_step);
    }
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    for_each_window(g, a.n, [&](const Span& rows, const Span& cols, Index base, Index pixel) {
      const Part p = part(g, base, rows, cols);
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        const T* x = a.x + c;
        T* y = a.y + pixel * g.channels + c;
        V best = load_upto<V>(x + p.corner, count);
        if (a.saved == nullptr) {
          for_each_pixel(g, p, [&](Index from, const V&) {
            const V v = load_upto<V>(x + from, count);
            best = where_less(best, v, v, where_nan(v, v, best));
          });
        } else {
          V at = broadcast<V>(static_cast<T>(p.number));
          for_each_pixel(g, p,
                         [&](Index from, const V& number) { meet(load_upto<V>(x + from, count), number, best, at); });
          store_upto(a.saved + pixel * g.channels + c, at, count);
        }
        store_upto(y, best, count);
      });
    });
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    std::memset(a.dx, 0, static_cast<std::size_t>(a.n * g.h * g.w * g.channels) * sizeof(T));
    for_each_window(g, a.n, [&](const Span& rows, const Span& cols, Index base, Index pixel) {
      const Part p = part(g, base, rows, cols);
      for_each_group<V>(g.channels, [&](Index c, Index count) {
        const V dy = load_upto<V>(a.dy + pixel * g.channels + c, count);
        const V at = load_upto<V>(a.saved + pixel * g.channels + c, count);
        for_each_pixel(g, p, [&](Index to, const V& number) {
          T* dx = a.dx + to + c;
          store_upto(dx, V(ei::padd(load_upto<V>(dx, count), where_equal(at, number, dy, zero<V>()))), count);
        });
      });
    });
  }
};

CNNFAST_KERNELS_END
