// Padding of channels-last images.
//
// Forward goes from row to row of y: the inputs are one copy, the pixels beside them are looked up. Backward goes from
// row to row of dx and adds the rows of dy that hold it, each in the same way, so that dx is written while it is in the
// first-level cache.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/simd/packet.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct Pad2dKernels {
  using G = Pad2d::Geometry;

  static KernelSizes sizes(const G&, Index) { return {}; }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const Index x_row = g.cols.in * g.channels, y_row = g.cols.out() * g.channels;
    T* y = a.y;
    for (Index image = 0; image < a.n; ++image) {
      const T* x = a.x + image * g.rows.in * x_row;
      for (Index row = 0; row < g.rows.out(); ++row, y += y_row) {
        const bool inside = row >= g.rows.first() && row < g.rows.end();
        const Index from = inside ? row - g.rows.before : g.rows.source(row);
        from < 0 ? fill(y, y_row, g.value) : pad_row(g, x + from * x_row, y);
      }
    }
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    const Index x_row = g.cols.in * g.channels, y_row = g.cols.out() * g.channels;
    T* dx = a.dx;
    for (Index image = 0; image < a.n; ++image) {
      const T* dy = a.dy + image * g.rows.out() * y_row;
      for (Index row = 0; row < g.rows.in; ++row, dx += x_row) {
        bool first = true;
        for_each_output(g.rows, row, [&](Index from) {
          add_row(g, dy + from * y_row, dx, first);
          first = false;
        });
        if (first) fill(dx, x_row, 0);
      }
    }
  }

 private:
  static void fill(T* y, Index count, double value) { std::fill_n(y, count, static_cast<T>(value)); }
  static void copy(const T* x, T* y, Index count) { std::memcpy(y, x, static_cast<std::size_t>(count) * sizeof(T)); }
  static void add(const T* x, T* y, Index count) {
    for (Index i = 0; i < count; ++i) y[i] += x[i];
  }

  // Calls f(first, end) for the outputs before the inputs and for those behind.
  template <class F>
  static CNNFAST_INLINE void for_both_ends(const PadAxis& axis, const F& f) {
    f(Index{0}, axis.first());
    f(axis.end(), axis.out());
  }

  static void pad_row(const G& g, const T* x, T* y) {
    const Index c = g.channels, first = g.cols.first(), end = g.cols.end();
    copy(x + (first - g.cols.before) * c, y + first * c, (end - first) * c);
    for_both_ends(g.cols, [&](Index from, Index to) {
      if (g.cols.mode == PadMode::constant) return fill(y + from * c, (to - from) * c, g.value);
      for (Index col = from; col < to; ++col) copy(x + g.cols.source(col) * c, y + col * c, c);
    });
  }

  // Calls f for the outputs that hold input `place`, in rising order.
  template <class F>
  static CNNFAST_INLINE void for_each_output(const PadAxis& a, Index place, const F& f) {
    const bool reflect = a.mode == PadMode::reflect, replicate = a.mode == PadMode::replicate;
    const Index output = place + a.before, last = a.in - 1, behind = output + 2 * (last - place);
    if (reflect && place > 0 && place <= a.before) f(a.before - place);
    for (Index i = 0; replicate && place == 0 && i < a.first(); ++i) f(i);
    if (output >= a.first() && output < a.end()) f(output);
    if (reflect && place < last && behind < a.out()) f(behind);
    for (Index i = a.end(); replicate && place == last && i < a.out(); ++i) f(i);
  }

  // A row of dy onto one of dx, or in its place if it is the first.
  static void add_row(const G& g, const T* dy, T* dx, bool first_row) {
    const Index c = g.channels, first = g.cols.first(), end = g.cols.end(), to = first - g.cols.before;
    if (first_row) {
      fill(dx, to * c, 0);
      copy(dy + first * c, dx + to * c, (end - first) * c);
      const Index behind = to + end - first;
      fill(dx + behind * c, (g.cols.in - behind) * c, 0);
    } else {
      add(dy + first * c, dx + to * c, (end - first) * c);
    }
    if (g.cols.mode == PadMode::constant) return;
    for_both_ends(g.cols, [&](Index from, Index until) {
      for (Index col = from; col < until; ++col) add(dy + col * c, dx + g.cols.source(col) * c, c);
    });
  }
};

CNNFAST_KERNELS_END
