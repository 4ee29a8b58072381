// Convolution in groups of a few channels, lanes over the channels of all groups (lanewise.hpp): as many multiply-adds
// as the definition has, where a correlation of each group would leave most lanes of a vector empty.
//
// The same parts as DirectConv2d: forward has a plane for each input of a group, the data gradient one for each of
// its outputs, taken phase by phase (phases.hpp). Packed weights: [plane][tap][channels, whole vectors].
#pragma once

#include "kernels/conv/conv2d_direct.hpp"
#include "kernels/conv/lanewise.hpp"

CNNFAST_KERNELS_BEGIN

template <class N>
struct LanewiseConv2d {
  using T = ValueOf<N>;
  using Packed = PackedOf<N>;
  using Sum = AccumulatorOf<N>;
  using G = Conv2d::Geometry;
  using Direct = DirectConv2d<N>;

  static Index kernel_size(const G& g) { return g.kernel.h * g.kernel.w; }
  static Index weights(const G& g) { return g.group_in() * kernel_size(g) * padded_channels<Sum>(g.c_out); }
  static Index forward_packed(const G& g) { return weights(g) + padded_channels<Sum>(g.c_out); }
  static Index backward_packed(const G& g) { return g.group_out() * kernel_size(g) * padded_channels<Sum>(g.c_in); }

  // ---- offsets of channels: as of one group -------------------------------------------------------

  static Index padded_offsets(Index, Index channels) { return Direct::padded_offsets(1, channels); }
  static void pack_offsets(Index, Index channels, const T* offsets, Packed* packed) {
    Direct::pack_offsets(1, channels, offsets, packed);
  }
  static void unpack_offsets(Index, Index channels, const Sum* packed, T* offsets) {
    Direct::unpack_offsets(1, channels, packed, offsets);
  }
  static void sum_offsets(Index, Index channels, Index pixels, const T* dy, Sum* db, bool accumulate) {
    Direct::sum_offsets(1, channels, pixels, dy, db, accumulate);
  }

  // ---- planes -------------------------------------------------------------------------------------

  static Spread x_spread(const G& g) { return {g.groups, g.group_in(), g.group_out()}; }
  static Spread dy_spread(const G& g) { return {g.groups, g.group_out(), g.group_in()}; }
  static Index padded_height(Index h, const Padding& m) { return m.top + h + m.bottom; }
  static Index padded_width(Index w, const Padding& m) { return m.left + w + m.right; }

  // Of one image, plus one vector, because lanes may be read past the end.
  static Index planes_scratch(Index h, Index w, const Spread& s, const Padding& m) {
    if (!m.any() && !s.any()) return 0;
    return s.planes() * padded_height(h, m) * padded_width(w, m) * s.channels() + kLanes<Packet<Sum>>;
  }
  static const T* planes(Index h, Index w, const Spread& s, const Padding& m, const T* x, T* scratch) {
    if (!m.any() && !s.any()) return x;
    spread(h, w, s, m, x, scratch);
    return scratch;
  }
  static Index product_scratch(const G& g, Index) { return planes_scratch(g.h, g.w, x_spread(g), g.pad); }
  static Index gradient_scratch(const G& g, Index) {
    return planes_scratch(g.h_out, g.w_out, dy_spread(g), dy_padding(g));
  }

  // ---- forward, data gradient, weight gradient ----------------------------------------------------

  static Lanewise forward_walk(const G& g, const Padding& m) {
    const Index width = padded_width(g.w, m), pixel = g.c_out;
    Lanewise l;
    l.rows = g.h_out, l.cols = g.w_out, l.channels = g.c_out;
    l.x_row = g.stride.h * width * pixel, l.x_col = g.stride.w * pixel;
    l.y_row = g.w_out * g.c_out, l.y_col = g.c_out;
    l.planes = g.group_in(), l.x_plane = padded_height(g.h, m) * width * pixel;
    l.tap_rows = g.kernel.h, l.x_tap_row = g.dilation.h * width * pixel;
    l.taps = g.kernel.w, l.x_tap = g.dilation.w * pixel;
    return l;
  }
  // Calls f(planes of x, image) for every image.
  template <class F>
  static void for_each_image(const G& g, Index n, const T* x, T* scratch, const F& f) {
    for (Index image = 0; image < n; ++image) {
      f(planes(g.h, g.w, x_spread(g), g.pad, x + image * g.h * g.w * g.c_in, scratch), image);
    }
  }

  static void product(const G& g, Index n, const T* x, const Packed* w, const Packed* offsets, T* y, T* scratch) {
    if (!x_spread(g).any()) return depthwise_product(g, n, x, w, offsets, y);
    const Lanewise l = forward_walk(g, g.pad);
    for_each_image(g, n, x, scratch, [&](const T* from, Index image) {
      lanewise_product<Sum>(l, from, w, offsets, y + image * g.h_out * g.w_out * g.c_out);
    });
  }
  // No copies: padding would cost as much as half of the products.
  static void depthwise_product(const G& g, Index n, const T* x, const Packed* w, const Packed* offsets, T* y) {
    const Lanewise l = forward_walk(g, {0, 0, 0, 0});
    const ClippedAxis v{g.h, g.kernel.h, g.stride.h, g.dilation.h, g.pad.top};
    const ClippedAxis u{g.w, g.kernel.w, g.stride.w, g.dilation.w, g.pad.left};
    for (Index image = 0; image < n; ++image) {
      const T* from = x + (image * g.h - g.pad.top) * g.w * g.c_in - g.pad.left * g.c_in;
      lanewise_clipped<Sum>(l, v, u, from, w, offsets, y + image * g.h_out * g.w_out * g.c_out);
    }
  }
  static void weight_gradient(const G& g, Index n, const T* x, const T* dy, Sum* dw, bool accumulate, T* scratch) {
    const Lanewise l = forward_walk(g, g.pad);
    for_each_image(g, n, x, scratch, [&](const T* from, Index image) {
      lanewise_weights(l, from, dy + image * g.h_out * g.w_out * g.c_out, dw, accumulate || image > 0);
    });
  }
  static void data_gradient(const G& g, Index n, const T* dy, const Packed* w, const Packed* offsets, T* dx,
                            T* scratch) {
    const Padding m = dy_padding(g);
    const Index width = padded_width(g.w_out, m), pixel = g.c_in;
    for (Index image = 0; image < n; ++image) {
      const T* from = planes(g.h_out, g.w_out, dy_spread(g), m, dy + image * g.h_out * g.w_out * g.c_out, scratch);
      T* to = dx + image * g.h * g.w * g.c_in;
      for_each_phase(g, [&](const Axis::Phase& v, const Axis::Phase& u, Index before) {
        Lanewise l;
        l.rows = v.count, l.cols = u.count, l.channels = g.c_in;
        l.x_row = width * pixel, l.x_col = pixel;
        l.y_row = g.stride.h * g.w * g.c_in, l.y_col = g.stride.w * g.c_in;
        l.planes = g.group_out(), l.x_plane = padded_height(g.h_out, m) * width * pixel;
        l.tap_rows = v.taps, l.x_tap_row = vertical(g).output_step() * width * pixel;
        l.taps = u.taps, l.x_tap = horizontal(g).output_step() * pixel;
        lanewise_product<Sum>(l, from + (v.start * width + u.start) * pixel,
                              w + before * g.group_out() * padded_channels<Sum>(g.c_in), offsets,
                              to + (v.first * g.w + u.first) * g.c_in);
      });
    }
  }

  // ---- the operation ------------------------------------------------------------------------------

  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s;
    s.packed = forward_packed(g) + backward_packed(g);
    s.packed_grads = forward_packed(g);
    const Index forward = product_scratch(g, n), backward = gradient_scratch(g, n);
    s.forward_scratch = x_spread(g).any() ? forward : 0;
    s.backward_scratch = forward < backward ? backward : forward;
    return s;
  }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    const Packed* packed = packed_as<Packed>(a);
    product(g, a.n, a.x, packed, g.bias ? packed + weights(g) : nullptr, a.y, a.scratch);
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
    pack_weights(g, params, packed, slice);
    if (slice.first() && g.bias) {
      pack_offsets(g.groups, g.c_out, params + g.c_out * Direct::inputs(g), packed + weights(g));
    }
    if (training) pack_backward(g, params, packed + forward_packed(g), slice);
  }
  static void unpack(const G& g, const Sum* packed_grads, T* grads, const Slice& slice) {
    unpack_weights(g, packed_grads, grads, slice);
    if (!g.bias || !slice.first()) return;
    unpack_offsets(g.groups, g.c_out, packed_grads + weights(g), grads + g.c_out * Direct::inputs(g));
  }

  // ---- weights ------------------------------------------------------------------------------------

  static void pack_weights(const G& g, const T* params, Packed* packed, const Slice& slice) {
    const Index length = Direct::inputs(g), step = padded_channels<Sum>(g.c_out);
    for_each_lane_vector<Sum>(g.c_out, [&](auto vector, Index c, Index count) {
      if (!slice.takes(c / kLanes<decltype(vector)>)) return;
      rows_to_lanes<decltype(vector)>(count, length, params + c * length, length,
                                      [&](Index r) { return packed + r * step + c; });
    });
  }
  static void unpack_weights(const G& g, const Sum* packed, T* params, const Slice& slice) {
    const Index length = Direct::inputs(g), step = padded_channels<Sum>(g.c_out);
    for_each_lane_vector<Sum>(g.c_out, [&](auto vector, Index c, Index count) {
      if (!slice.takes(c / kLanes<decltype(vector)>)) return;
      lanes_to_rows<decltype(vector)>(
          count, length, [&](Index r) { return packed + r * step + c; }, params + c * length, length);
    });
  }
  static void pack_backward(const G& g, const T* params, Packed* packed, const Slice& slice) {
    if (!slice.first()) return;
    const Index step = padded_channels<Sum>(g.c_in);
    std::memset(packed, 0, static_cast<std::size_t>(backward_packed(g)) * sizeof(Packed));
    for_each_phase(g, [&](const Axis::Phase& v, const Axis::Phase& u, Index before) {
      Packed* to = packed + before * g.group_out() * step;
      for (Index plane = 0; plane < g.group_out(); ++plane) {
        for (Index tap = 0; tap < v.taps * u.taps; ++tap, to += step) {
          const Index element = kernel_element(g, v, u, tap);
          for (Index ci = 0; ci < g.c_in; ++ci) {
            const Index co = ci / g.group_in() * g.group_out() + plane;
            to[ci] = static_cast<Packed>(params[(co * g.group_in() + ci % g.group_in()) * kernel_size(g) + element]);
          }
        }
      }
    });
  }
};

CNNFAST_KERNELS_END
