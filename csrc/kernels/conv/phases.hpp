// The data gradient of a convolution as correlations: which kernel rows are multiplied with which input rows, along one
// axis.
//
// Row p of the padded input is multiplied by kernel row k at output row o where o * stride + k * dilation = p. The
// input rows fall into `stride` phases, by p modulo the stride. Within a phase the same kernel rows apply to every row:
// those with k * dilation = p (mod stride), which are every (stride / common)-th from the first on, common the greatest
// common divisor of stride and dilation; from one of them to the next, o falls by dilation / common. So the gradient of
// a phase is a correlation of stride 1 of dy with some of the weights, rotated by half a turn. Without dilation the
// kernel rows are every stride-th and the output rows are adjacent.
#pragma once

#include "kernels/layout.hpp"
#include "ops/window.hpp"

CNNFAST_KERNELS_BEGIN

inline Index greatest_common_divisor(Index a, Index b) {
  while (b != 0) {
    const Index rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// One axis of a window on an image.
struct Axis {
  Index in, out, kernel, stride, dilation, before;

  Index common() const { return greatest_common_divisor(stride, dilation); }
  Index output_step() const { return dilation / common(); }  // from one output row that a phase reads to the next
  // Rows of zeros that dy needs before and after: as many as any phase reads there.
  Index padding_before() const { return (kernel - 1) * dilation / stride; }
  Index padding_after() const {
    const Index last = (in - 1 + before) / stride;
    return last >= out ? last - out + 1 : 0;
  }

  struct Phase {
    Index first;   // input row
    Index count;   // input rows
    Index taps;    // kernel rows that apply to them
    Index kernel;  // the first of those
    Index step;    // ... and from one of them to the next
    Index start;   // output row, counted from the padding, under the last of those: taps go by rising output row
    Index kernel_row(Index tap) const { return kernel + (taps - 1 - tap) * step; }
  };
  Phase phase(Index residue) const {
    Phase p{};
    p.first = ((residue - before) % stride + stride) % stride;
    p.count = p.first < in ? (in - 1 - p.first) / stride + 1 : 0;
    p.step = stride / common();
    if (dilation == 1) {
      p.kernel = residue;
    } else {
      while (p.kernel < p.step && p.kernel < kernel && (p.kernel * dilation - residue) % stride != 0) ++p.kernel;
    }
    if (p.kernel >= kernel || (p.kernel * dilation - residue) % stride != 0) return p;
    p.taps = (kernel - 1 - p.kernel) / p.step + 1;
    p.start = (p.first + before - p.kernel * dilation) / stride - (p.taps - 1) * output_step() + padding_before();
    return p;
  }
};

inline Axis vertical(const Window& w) { return {w.h, w.h_out, w.kernel.h, w.stride.h, w.dilation.h, w.pad.top}; }
inline Axis horizontal(const Window& w) { return {w.w, w.w_out, w.kernel.w, w.stride.w, w.dilation.w, w.pad.left}; }

inline Padding dy_padding(const Window& w) {
  const Axis v = vertical(w), u = horizontal(w);
  return {v.padding_before(), v.padding_after(), u.padding_before(), u.padding_after()};
}

// Calls f(vertical phase, horizontal phase, kernel elements of the phases before). Every kernel element belongs to one.
template <class F>
void for_each_phase(const Window& w, const F& f) {
  const Axis vertical_axis = vertical(w), horizontal_axis = horizontal(w);
  Index before = 0;
  for (Index a = 0; a < w.stride.h; ++a) {
    const Axis::Phase v = vertical_axis.phase(a);
    for (Index b = 0; b < w.stride.w; ++b) {
      const Axis::Phase u = horizontal_axis.phase(b);
      f(v, u, before);
      before += v.taps * u.taps;
    }
  }
}
// The kernel element of tap number `tap` of a pair of phases.
inline Index kernel_element(const Window& w, const Axis::Phase& v, const Axis::Phase& u, Index tap) {
  return v.kernel_row(tap / u.taps) * w.kernel.w + u.kernel_row(tap % u.taps);
}

CNNFAST_KERNELS_END
