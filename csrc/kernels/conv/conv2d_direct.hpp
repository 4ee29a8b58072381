// Convolution of any geometry as direct correlation over channels-last images: forward, data gradient, weight
// gradient. Each group of channels is a convolution of its own, whose pixels lie all channels apart.
//
// A padded input is a copy with zeros around it: h w c stores against h w c kh kw c_out multiply-adds, and no
// kernel below needs to handle edges.
//
// Data gradient: the input pixels fall into phases (phases.hpp); each has weights packed for it and writes its own
// pixels, so nothing is scattered.
#pragma once

#include "kernels/conv/correlate_weights.hpp"
#include "kernels/conv/phases.hpp"
#include "kernels/layout.hpp"
#include "kernels/table.hpp"

CNNFAST_KERNELS_BEGIN

template <class N>
struct DirectConv2d {
  using T = ValueOf<N>;
  using Packed = PackedOf<N>;
  using Sum = AccumulatorOf<N>;
  using G = Conv2d::Geometry;

  static Index kernel_size(const G& g) { return g.kernel.h * g.kernel.w; }
  static Index group_weights(const G& g) { return kernel_size(g) * g.group_in() * padded_channels<Sum>(g.group_out()); }
  static Index weights(const G& g) { return g.groups * group_weights(g); }
  static Index forward_packed(const G& g) { return weights(g) + padded_offsets(g.groups, g.c_out); }
  static Index padded_x(const G& g) {
    return (g.h + g.pad.top + g.pad.bottom) * (g.w + g.pad.left + g.pad.right) * g.c_in;
  }

  // ---- offsets of channels ------------------------------------------------------------------------

  // Those of each group fill whole vectors.
  static Index padded_offsets(Index groups, Index channels) { return groups * padded_channels<Sum>(channels / groups); }
  static Index padded_offset(Index groups, Index channels, Index c) {
    const Index in_group = channels / groups;
    return c / in_group * padded_channels<Sum>(in_group) + c % in_group;
  }
  static void pack_offsets(Index groups, Index channels, const T* offsets, Packed* packed) {
    std::memset(packed, 0, static_cast<std::size_t>(padded_offsets(groups, channels)) * sizeof(Packed));
    for (Index c = 0; c < channels; ++c) packed[padded_offset(groups, channels, c)] = static_cast<Packed>(offsets[c]);
  }
  static void unpack_offsets(Index groups, Index channels, const Sum* packed, T* offsets) {
    for (Index c = 0; c < channels; ++c) offsets[c] = static_cast<T>(packed[padded_offset(groups, channels, c)]);
  }
  static void sum_offsets(Index groups, Index channels, Index pixels, const T* dy, Sum* db, bool accumulate) {
    Correlation c{};
    c.images = c.rows = 1, c.cols = pixels, c.y_col = channels, c.c_out = channels / groups;
    for (Index group = 0; group < groups; ++group) {
      bias_gradient(c, dy + group * c.c_out, db + group * padded_channels<Sum>(c.c_out), accumulate);
    }
  }

  // ---- forward ------------------------------------------------------------------------------------

  // Of one group.
  static Correlation forward_correlation(const G& g, Index n) {
    const Index width = g.w + g.pad.left + g.pad.right;
    Correlation c{};
    c.images = n, c.rows = g.h_out, c.cols = g.w_out;
    c.x_image = padded_x(g), c.x_row = g.stride.h * width * g.c_in, c.x_col = g.stride.w * g.c_in;
    c.y_image = g.h_out * g.w_out * g.c_out, c.y_row = g.w_out * g.c_out, c.y_col = g.c_out;
    c.c_out = g.group_out();
    set_taps(c, g.groups, {g.kernel.h, g.kernel.w}, {g.dilation.h * width * g.c_in, g.dilation.w * g.c_in}, g.c_in);
    return c;
  }
  // A window of `count` pixels, `step` elements apart, each of `channels` in all groups.
  static void set_taps(Correlation& c, Index groups, const Extent& count, const Extent& step, Index channels) {
    c.tap_rows = 1;
    if (count.h == 0 || count.w == 0) return;
    if (groups == 1 && (count.w == 1 || step.w == channels)) {  // a row of the window in one piece
      c.taps = count.h, c.x_tap = step.h, c.run = count.w * channels;
    } else {
      c.taps = count.w, c.x_tap = step.w, c.run = channels / groups;
      c.tap_rows = count.h, c.x_tap_row = step.h;
    }
  }

  static const T* pad_input(const G& g, Index n, const T* x, T* scratch) {
    if (!g.pad.any()) return x;
    copy_padded(n, g.h, g.w, g.c_in, g.pad, x, scratch);
    return scratch;
  }
  static Index product_scratch(const G& g, Index n) { return g.pad.any() ? n * padded_x(g) : 0; }

  // y = offsets (null: 0) + x * w; slices are of each group's blocks of output channels.
  static void product(const G& g, Index n, const T* x, const Packed* w, const Packed* offsets, T* y, T* scratch,
                      const Slice& slice = {}) {
    const T* padded = pad_input(g, n, x, scratch);
    const Correlation c = forward_correlation(g, n);
    for (Index group = 0; group < g.groups; ++group) {
      const Packed* start = offsets == nullptr ? nullptr : offsets + group * padded_channels<Sum>(c.c_out);
      correlate<N>(c, padded + group * g.group_in(), w + group * group_weights(g), start, y + group * c.c_out, slice);
    }
  }

  // ---- data gradient ------------------------------------------------------------------------------

  static Index padded_dy(const G& g) {
    const Padding m = dy_padding(g);
    return (m.top + g.h_out + m.bottom) * (m.left + g.w_out + m.right) * g.c_out;
  }
  static Index backward_group(const G& g) {
    return kernel_size(g) * g.group_out() * padded_channels<Sum>(g.group_in());
  }
  static Index backward_packed(const G& g) { return g.groups * backward_group(g); }
  static Index gradient_scratch(const G& g, Index n) { return dy_padding(g).any() ? n * padded_dy(g) : 0; }

  // dx = offsets (null: 0) + the data gradient of dy
  static void data_gradient(const G& g, Index n, const T* dy, const Packed* w, const Packed* offsets, T* dx,
                            T* scratch) {
    const Padding m = dy_padding(g);
    const T* padded = dy;
    if (m.any()) {
      copy_padded(n, g.h_out, g.w_out, g.c_out, m, dy, scratch);
      padded = scratch;
    }
    const Index width = m.left + g.w_out + m.right;
    const Extent step{vertical(g).output_step() * width * g.c_out, horizontal(g).output_step() * g.c_out};
    for_each_phase(g, [&](const Axis::Phase& v, const Axis::Phase& u, Index before) {
      Correlation c{};
      c.images = n, c.rows = v.count, c.cols = u.count;
      c.x_image = padded_dy(g), c.x_row = width * g.c_out, c.x_col = g.c_out;
      c.y_image = g.h * g.w * g.c_in, c.y_row = g.stride.h * g.w * g.c_in, c.y_col = g.stride.w * g.c_in;
      c.c_out = g.group_in();
      set_taps(c, g.groups, {v.taps, u.taps}, step, g.c_out);
      if (c.rows == 0 || c.cols == 0) return;
      const T* from = padded + (v.start * width + u.start) * g.c_out;
      const Packed* weights = w + before * g.group_out() * padded_channels<Sum>(c.c_out);
      T* to = dx + (v.first * g.w + u.first) * g.c_in;
      for (Index group = 0; group < g.groups; ++group) {
        const Packed* start = offsets == nullptr ? nullptr : offsets + group * padded_channels<Sum>(c.c_out);
        correlate<N>(c, from + group * g.group_out(), weights + group * backward_group(g), start, to + group * c.c_out);
      }
    });
  }

  // ---- weight gradient ----------------------------------------------------------------------------

  // dw = (or, if `accumulate`, +=) the products of x and dy
  static void weight_gradient(const G& g, Index n, const T* x, const T* dy, Sum* dw, bool accumulate, T* scratch) {
    const T* padded = pad_input(g, n, x, scratch);
    const Correlation c = forward_correlation(g, n);
    for (Index group = 0; group < g.groups; ++group) {
      correlate_weights(c, padded + group * g.group_in(), dy + group * c.c_out, dw + group * group_weights(g),
                        accumulate);
    }
  }

  // ---- the operation ------------------------------------------------------------------------------

  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s;
    s.packed = forward_packed(g) + backward_packed(g);
    s.packed_grads = forward_packed(g);
    s.forward_scratch = product_scratch(g, n);
    s.backward_scratch = gradient_scratch(g, n);
    if (s.backward_scratch < s.forward_scratch) s.backward_scratch = s.forward_scratch;
    return s;
  }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    const Packed* packed = packed_as<Packed>(a);
    product(g, a.n, a.x, packed, g.bias ? packed + weights(g) : nullptr, a.y, a.scratch, a.slice);
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.packed_grads != nullptr) {
      weight_gradient(g, a.n, a.x, a.dy, a.packed_grads, a.accumulate, a.scratch);
      const Index pixels = a.n * g.h_out * g.w_out;
      if (g.bias) sum_offsets(g.groups, g.c_out, pixels, a.dy, a.packed_grads + weights(g), a.accumulate);
    }
    if (a.dx != nullptr)
      data_gradient(g, a.n, a.dy, packed_as<Packed>(a) + forward_packed(g), nullptr, a.dx, a.scratch);
  }
  static void pack(const G& g, const T* params, Packed* packed, bool training, const Slice& slice) {
    pack_forward(g, params, packed, slice);
    if (training) pack_backward(g, params, packed + forward_packed(g), slice);
  }
  static void unpack(const G& g, const Sum* packed_grads, T* grads, const Slice& slice) {
    unpack_weights(g, packed_grads, grads, slice);
    if (!g.bias || !slice.first()) return;
    unpack_offsets(g.groups, g.c_out, packed_grads + weights(g), grads + g.c_out * inputs(g));
  }

  // ---- weights ------------------------------------------------------------------------------------

  static Index inputs(const G& g) { return kernel_size(g) * g.group_in(); }  // of one output channel

  // Calls f(group, slice of the group): threads divide the vectors of a single group, or the groups.
  template <class F>
  static void for_each_group_of(const G& g, const Slice& slice, const F& f) {
    for (Index group = 0; group < g.groups; ++group) {
      if (g.groups == 1) {
        f(group, slice);
      } else if (slice.takes(group)) {
        f(group, Slice());
      }
    }
  }

  // Of the vector for input r = ci * taps + tap, the order of a parameter.
  static Index packed_place(const G& g, const PackedVector& v, Index r) {
    const Index taps = kernel_size(g), input = taps == 1 ? r : r % taps * g.group_in() + r / taps;
    return v.block * inputs(g) + input * v.lanes + v.lane;
  }

  static void pack_forward(const G& g, const T* params, Packed* packed, const Slice& slice) {
    pack_weights(g, params, packed, slice);
    if (!slice.first()) return;
    Packed* offsets = packed + weights(g);
    if (g.bias) {
      pack_offsets(g.groups, g.c_out, params + g.c_out * inputs(g), offsets);
    } else {
      std::memset(offsets, 0, static_cast<std::size_t>(padded_offsets(g.groups, g.c_out)) * sizeof(Packed));
    }
  }
  static void pack_weights(const G& g, const T* params, Packed* packed, const Slice& slice) {
    for_each_group_of(g, slice, [&](Index group, const Slice& part) {
      const T* from = params + group * g.group_out() * inputs(g);
      Packed* to = packed + group * group_weights(g);
      for_each_packed_vector<Sum>(g.group_out(), part, [&](auto vector, const PackedVector& v) {
        rows_to_lanes<decltype(vector)>(v.valid, inputs(g), from + v.channel() * inputs(g), inputs(g),
                                        [&](Index r) { return to + packed_place(g, v, r); });
      });
    });
  }
  static void unpack_weights(const G& g, const Sum* packed, T* params, const Slice& slice) {
    for_each_group_of(g, slice, [&](Index group, const Slice& part) {
      const Sum* from = packed + group * group_weights(g);
      T* to = params + group * g.group_out() * inputs(g);
      for_each_packed_vector<Sum>(g.group_out(), part, [&](auto vector, const PackedVector& v) {
        lanes_to_rows<decltype(vector)>(
            v.valid, inputs(g), [&](Index r) { return from + packed_place(g, v, r); }, to + v.channel() * inputs(g),
            inputs(g));
      });
    });
  }

  static void pack_backward(const G& g, const T* params, Packed* packed, const Slice& slice) {
    for_each_group_of(g, slice, [&](Index group, const Slice& part) {
      const T* from = params + group * g.group_out() * inputs(g);
      Packed* to = packed + group * backward_group(g);
      if (kernel_size(g) == 1) {
        pack_product(g, from, to, part);
      } else if (part.first()) {
        pack_phases(g, from, to);
      }
    });
  }
  static void pack_phases(const G& g, const T* params, Packed* packed) {
    std::memset(packed, 0, static_cast<std::size_t>(backward_group(g)) * sizeof(Packed));
    for_each_phase(g, [&](const Axis::Phase& v, const Axis::Phase& u, Index before) {
      Packed* to = packed + before * g.group_out() * padded_channels<Sum>(g.group_in());
      for_each_packed<Sum>(g.group_in(), v.taps * u.taps, g.group_out(), [&](Index at, Index tap, Index co, Index ci) {
        const Index from = (co * g.group_in() + ci) * kernel_size(g) + kernel_element(g, v, u, tap);
        to[at] = static_cast<Packed>(params[from]);
      });
    });
  }

  // Windows of one pixel: whole blocks of channels lie together.
  static void pack_product(const G& g, const T* params, Packed* packed, const Slice& slice) {
    const Index in = g.group_in(), most = kMaxVectors<Sum> * lanes_for<Sum>(in), all = padded_channels<Sum>(in);
    for (Index first = 0; first < all; first += most) {
      if (!slice.takes(first / most)) continue;
      const Index lanes = all - first < most ? all - first : most;
      const Index valid = in - first < lanes ? in - first : lanes;
      for (Index co = 0; co < g.group_out(); ++co) {
        Packed* to = packed + first * g.group_out() + co * lanes;
        convert(valid, params + co * in + first, to);
        std::memset(to + valid, 0, static_cast<std::size_t>(lanes - valid) * sizeof(Packed));
      }
    }
  }
};

CNNFAST_KERNELS_END
