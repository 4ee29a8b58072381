// Convolution of any geometry as direct correlation over channels-last images: forward, data gradient, weight
// gradient.
//
// Padding is a copy of the input with a margin of zeros: h w c stores against h w c kh kw c_out
// multiply-adds, and every kernel below is then free of edges.
//
// Data gradient: the input pixels fall into stride.h x stride.w phases; within a phase the gradient is a
// stride-1 correlation of dy with every stride-th weight, rotated by half a turn. Each phase has weights
// packed for it and writes its own pixels, so nothing is scattered and nothing is added twice.
#pragma once

#include "kernels/correlate_weights.hpp"
#include "kernels/layout.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
struct DirectConv2d {
  using G = Conv2d::Geometry;

  static Margin x_margin(const G& g) { return {g.pad.top, g.pad.bottom, g.pad.left, g.pad.right}; }
  static Index weights(const G& g) { return g.kernel.h * g.kernel.w * g.c_in * padded_channels<T>(g.c_out); }
  static Index forward_packed(const G& g) { return weights(g) + padded_channels<T>(g.c_out); }
  static Index padded_x(const G& g) {
    return (g.h + g.pad.top + g.pad.bottom) * (g.w + g.pad.left + g.pad.right) * g.c_in;
  }

  // ---- forward ------------------------------------------------------------------------------------

  static Correlation forward_correlation(const G& g, Index n) {
    const Index width = g.w + g.pad.left + g.pad.right;
    Correlation c;
    c.images = n, c.rows = g.h_out, c.cols = g.w_out;
    c.x_image = padded_x(g), c.x_row = g.stride.h * width * g.c_in, c.x_col = g.stride.w * g.c_in;
    c.y_image = g.h_out * g.w_out * g.c_out, c.y_row = g.w_out * g.c_out, c.y_col = g.c_out;
    c.taps = g.kernel.h, c.x_tap = width * g.c_in, c.run = g.kernel.w * g.c_in;
    c.c_out = g.c_out;
    return c;
  }

  static const T* with_margin(const G& g, Index n, const T* x, T* scratch) {
    if (!g.pad.any()) return x;
    copy_with_margin(n, g.h, g.w, g.c_in, x_margin(g), x, scratch);
    return scratch;
  }

  static void forward(const G& g, const ForwardArgs<T>& a) {
    const T* x = with_margin(g, a.n, a.x, a.scratch);
    correlate(forward_correlation(g, a.n), x, a.packed, g.bias ? a.packed + weights(g) : nullptr, a.y);
  }

  // ---- data gradient ------------------------------------------------------------------------------

  // One residue of (row + padding) modulo the stride, along one axis.
  struct Phase {
    Index first;  // first input row of the phase
    Index count;  // rows of the phase
    Index taps;   // kernel rows that meet it
    Index start;  // output row, counted from the margin, under its first tap
  };
  static Index max_taps(Index kernel, Index stride) { return (kernel + stride - 1) / stride; }
  static Phase phase(Index residue, Index in, Index kernel, Index stride, Index before) {
    Phase p;
    p.first = ((residue - before) % stride + stride) % stride;
    p.count = p.first < in ? (in - 1 - p.first) / stride + 1 : 0;
    p.taps = residue < kernel ? (kernel - 1 - residue) / stride + 1 : 0;
    // Tap j of the phase reads output row (first + before - residue) / stride - j; the margin above dy is
    // max_taps - 1 rows, and taps go by rising row.
    p.start = (p.first + before - residue) / stride + max_taps(kernel, stride) - p.taps;
    return p;
  }
  static Index margin_after(Index in, Index out, Index stride, Index before) {
    const Index last = (in - 1 + before) / stride;  // last output row any phase reads
    return last >= out ? last - out + 1 : 0;
  }
  static Margin dy_margin(const G& g) {
    return {max_taps(g.kernel.h, g.stride.h) - 1, margin_after(g.h, g.h_out, g.stride.h, g.pad.top),
            max_taps(g.kernel.w, g.stride.w) - 1, margin_after(g.w, g.w_out, g.stride.w, g.pad.left)};
  }
  static Index padded_dy(const G& g) {
    const Margin m = dy_margin(g);
    return (m.top + g.h_out + m.bottom) * (m.left + g.w_out + m.right) * g.c_out;
  }

  // Calls f(vertical phase, horizontal phase, residues, offset of its packed weights).
  template <class F>
  static void for_each_phase(const G& g, const F& f) {
    Index offset = 0;
    for (Index a = 0; a < g.stride.h; ++a) {
      const Phase v = phase(a, g.h, g.kernel.h, g.stride.h, g.pad.top);
      for (Index b = 0; b < g.stride.w; ++b) {
        const Phase u = phase(b, g.w, g.kernel.w, g.stride.w, g.pad.left);
        f(v, u, a, b, offset);
        offset += v.taps * u.taps * g.c_out * padded_channels<T>(g.c_in);
      }
    }
  }
  // Every kernel element belongs to one phase.
  static Index backward_packed(const G& g) { return g.kernel.h * g.kernel.w * g.c_out * padded_channels<T>(g.c_in); }

  static void data_gradient(const G& g, const BackwardArgs<T>& a) {
    const Margin m = dy_margin(g);
    const T* dy = a.dy;
    if (m.any()) {
      copy_with_margin(a.n, g.h_out, g.w_out, g.c_out, m, a.dy, a.scratch);
      dy = a.scratch;
    }
    const Index width = m.left + g.w_out + m.right;
    const T* packed = a.packed + forward_packed(g);
    for_each_phase(g, [&](const Phase& v, const Phase& u, Index, Index, Index offset) {
      Correlation c;
      c.images = a.n, c.rows = v.count, c.cols = u.count;
      c.x_image = padded_dy(g), c.x_row = width * g.c_out, c.x_col = g.c_out;
      c.y_image = g.h * g.w * g.c_in, c.y_row = g.stride.h * g.w * g.c_in, c.y_col = g.stride.w * g.c_in;
      c.taps = v.taps, c.x_tap = width * g.c_out, c.run = u.taps * g.c_out;
      c.c_out = g.c_in;
      if (c.rows == 0 || c.cols == 0) return;
      correlate<T>(c, dy + (v.start * width + u.start) * g.c_out, packed + offset, nullptr,
                   a.dx + (v.first * g.w + u.first) * g.c_in);
    });
  }

  // ---- both gradients -----------------------------------------------------------------------------

  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.packed_grads != nullptr) {
      const Correlation c = forward_correlation(g, a.n);
      correlate_weights(c, with_margin(g, a.n, a.x, a.scratch), a.dy, a.packed_grads, a.fresh);
      if (g.bias) bias_gradient(c, a.dy, a.packed_grads + weights(g), a.fresh);
    }
    if (a.dx != nullptr) data_gradient(g, a);
  }

  // ---- weights ------------------------------------------------------------------------------------

  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s;
    s.packed = forward_packed(g) + backward_packed(g);
    s.packed_grads = forward_packed(g);
    s.forward_scratch = g.pad.any() ? n * padded_x(g) : 0;
    s.backward_scratch = n * (dy_margin(g).any() ? padded_dy(g) : 0);
    if (s.backward_scratch < s.forward_scratch) s.backward_scratch = s.forward_scratch;
    return s;
  }

  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
    pack_forward(g, params, packed, slice);
    if (training) pack_backward(g, params, packed + forward_packed(g), slice);
  }

  // Of the vector for input r = ci * taps + tap, the order of a parameter.
  static Index packed_place(const G& g, const PackedVector& v, Index r) {
    const Index taps = g.kernel.h * g.kernel.w;
    return v.block * taps * g.c_in + (r % taps * g.c_in + r / taps) * v.lanes + v.lane;
  }

  static void pack_forward(const G& g, const T* params, T* packed, const Slice& slice) {
    const Index inputs = g.kernel.h * g.kernel.w * g.c_in;
    for_each_packed_vector<T>(g.c_out, slice, [&](auto vector, const PackedVector& v) {
      rows_to_lanes<decltype(vector)>(v.valid, inputs, params + v.channel() * inputs, inputs,
                                      [&](Index r) { return packed + packed_place(g, v, r); });
    });
    if (!slice.first()) return;
    std::memset(packed + weights(g), 0, static_cast<std::size_t>(padded_channels<T>(g.c_out)) * sizeof(T));
    if (!g.bias) return;
    const T* bias = params + g.c_out * inputs;
    for (Index co = 0; co < g.c_out; ++co) packed[weights(g) + co] = bias[co];
  }

  static void pack_backward(const G& g, const T* params, T* packed, const Slice& slice) {
    if (g.kernel.h == 1 && g.kernel.w == 1) return pack_product(g, params, packed, slice);
    if (!slice.first()) return;
    std::memset(packed, 0, static_cast<std::size_t>(backward_packed(g)) * sizeof(T));
    for_each_phase(g, [&](const Phase& v, const Phase& u, Index a, Index b, Index offset) {
      // Taps by rising output row: kernel rows fall.
      const auto kernel_at = [&](Index tap) {
        const Index ky = a + (v.taps - 1 - tap / u.taps) * g.stride.h;
        const Index kx = b + (u.taps - 1 - tap % u.taps) * g.stride.w;
        return ky * g.kernel.w + kx;
      };
      const Index all = g.kernel.h * g.kernel.w;
      for_each_packed<T>(g.c_in, v.taps * u.taps, g.c_out, [&](Index at, Index tap, Index co, Index ci) {
        packed[offset + at] = params[(co * g.c_in + ci) * all + kernel_at(tap)];
      });
    });
  }

  // Windows of one pixel: whole blocks of channels lie together.
  static void pack_product(const G& g, const T* params, T* packed, const Slice& slice) {
    const Index most = kMaxVectors * lanes_for<T>(g.c_in), all = padded_channels<T>(g.c_in);
    for (Index first = 0; first < all; first += most) {
      if (!slice.takes(first / most)) continue;
      const Index lanes = all - first < most ? all - first : most;
      const Index valid = g.c_in - first < lanes ? g.c_in - first : lanes;
      for (Index co = 0; co < g.c_out; ++co) {
        T* to = packed + first * g.c_out + co * lanes;
        std::memcpy(to, params + co * g.c_in + first, static_cast<std::size_t>(valid) * sizeof(T));
        std::memset(to + valid, 0, static_cast<std::size_t>(lanes - valid) * sizeof(T));
      }
    }
  }

  static void unpack(const G& g, const T* packed_grads, T* grads, const Slice& slice) {
    const Index inputs = g.kernel.h * g.kernel.w * g.c_in;
    for_each_packed_vector<T>(g.c_out, slice, [&](auto vector, const PackedVector& v) {
      lanes_to_rows<decltype(vector)>(
          v.valid, inputs, [&](Index r) { return packed_grads + packed_place(g, v, r); }, grads + v.channel() * inputs,
          inputs);
    });
    if (!g.bias || !slice.first()) return;
    T* bias = grads + g.c_out * inputs;
    for (Index co = 0; co < g.c_out; ++co) bias[co] = packed_grads[weights(g) + co];
  }
};

CNNFAST_KERNELS_END
