// Reshape, which is Flatten too (the same numbers in the c, h, w order that users count in), Add, Mul, Concat and
// SelectChannels.
#pragma once

#include <type_traits>

#include "kernels/pointwise/bias.hpp"

CNNFAST_KERNELS_BEGIN

// Images of positions x channels become images of positions_out x channels_out of the same NCHW order, one after the
// other. Where one side is a plain vector, that is one transposition; else two, with NCHW in `scratch` between them.
template <class T>
struct ReshapeKernels {
  using G = Reshape::Geometry;
  static KernelSizes sizes(const G& g, Index) {
    const bool at_once = g.alike() || g.positions == 1 || g.positions_out == 1;
    const Index scratch = at_once ? 0 : g.size();
    return {0, 0, scratch, scratch};
  }
  static void forward(const G& g, const ForwardArgs<T>& a) { change(g, a.n, a.x, a.y, a.scratch); }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx != nullptr) change({g.channels_out, g.positions_out, g.channels, g.positions}, a.n, a.dy, a.dx, a.scratch);
  }

 private:
  static void change(const G& g, Index n, const T* x, T* y, T* scratch) {
    for (Index i = 0; i < n; ++i, x += g.size(), y += g.size()) {
      if (g.alike()) {
        std::memcpy(y, x, static_cast<std::size_t>(g.size()) * sizeof(T));
      } else if (g.positions_out == 1) {
        to_nchw(g.channels, g.positions, x, y);
      } else if (g.positions == 1) {
        from_nchw(g.channels_out, g.positions_out, x, y);
      } else {
        to_nchw(g.channels, g.positions, x, scratch);
        from_nchw(g.channels_out, g.positions_out, scratch, y);
      }
    }
  }
};

template <class T>
struct AddKernels {
  using G = Add::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    map(a.n * g.size(), a.y, [](const auto& u, const auto& v) { return ei::padd(u, v); }, a.xs[0], a.xs[1]);
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    pass_gradient(a.n * g.size(), a.dy, a.dxs[0]);
    pass_gradient(a.n * g.size(), a.dy, a.dxs[1]);
  }
};

template <class T>
struct MulKernels {
  using G = Mul::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) { multiply(a.n * g.size(), a.xs[0], a.xs[1], a.y); }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    for (int i : {0, 1}) {
      if (a.dxs[i] != nullptr) multiply(a.n * g.size(), a.dy, a.xs[1 - i], a.dxs[i]);
    }
  }

 private:
  static void multiply(Index size, const T* u, const T* v, T* y) {
    map(size, y, [](const auto& s, const auto& t) { return ei::pmul(s, t); }, u, v);
  }
};

// `rows` runs of `count` elements, each `x_step` (`y_step`) behind the one before. A constant count is a few moves.
template <class T, class Count>
CNNFAST_INLINE void copy_runs_of(Index rows, Count count, const T* x, Index x_step, T* y, Index y_step) {
  using V = Packet<T>;
  for (Index row = 0; row < rows; ++row, x += x_step, y += y_step) {
    Index i = 0;
    for (; i + kLanes<V> <= count; i += kLanes<V>) store(y + i, load<V>(x + i));
    for (; i < count; ++i) y[i] = x[i];
  }
}
template <class T>
void copy_runs(Index rows, Index count, const T* x, Index x_step, T* y, Index y_step) {
  switch (count) {
    case 8: return copy_runs_of(rows, std::integral_constant<Index, 8>(), x, x_step, y, y_step);
    case 16: return copy_runs_of(rows, std::integral_constant<Index, 16>(), x, x_step, y, y_step);
    case 32: return copy_runs_of(rows, std::integral_constant<Index, 32>(), x, x_step, y, y_step);
    default: return copy_runs_of(rows, count, x, x_step, y, y_step);
  }
}

// Channels-last, a position of the output is the inputs' channels one behind the other: each input is copied in runs
// of its channels. Input by input, so that one stream is read and one written at a time, a few positions at a time, so
// that all of an output's cache line is written while it is at hand.
template <class T>
struct ConcatKernels {
  using G = Concat::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    for_each_stretch(g, a.n, [&](int i, Index first, Index count, Index offset) {
      const Index channels = g.channels_in[i];
      copy_runs(count, channels, a.xs[i] + first * channels, channels, a.y + first * g.channels + offset, g.channels);
    });
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    for_each_stretch(g, a.n, [&](int i, Index first, Index count, Index offset) {
      if (a.dxs[i] == nullptr) return;
      const Index channels = g.channels_in[i];
      copy_runs(count, channels, a.dy + first * g.channels + offset, g.channels, a.dxs[i] + first * channels, channels);
    });
  }

 private:
  // Calls f(input, first position, positions, the input's first channel in the output).
  template <class F>
  static CNNFAST_INLINE void for_each_stretch(const G& g, Index n, const F& f) {
    constexpr Index values = 8192 / sizeof(T);  // of the output, in the first-level cache
    const Index all = n * g.positions, most = 1 + values / g.channels;
    for (Index first = 0; first < all; first += most) {
      Index offset = 0;
      for (int i = 0; i < g.inputs; offset += g.channels_in[i++]) {
        f(i, first, all - first < most ? all - first : most, offset);
      }
    }
  }
};

// Position by position, as channels-last the channels of one are neighbors.
template <class T>
struct SelectChannelsKernels {
  using G = SelectChannels::Geometry;
  static KernelSizes sizes(const G&, Index) { return {}; }
  static void forward(const G& g, const ForwardArgs<T>& a) {
    for_each_position(g, a.n, [&](Index x, Index y) {
      for (Index index : g.indices) a.y[y++] = a.x[x + index];
    });
  }
  static void backward(const G& g, const BackwardArgs<T>& a) {
    if (a.dx == nullptr) return;
    for_each_position(g, a.n, [&](Index x, Index y) {
      for (Index c = 0; c < g.channels; ++c) a.dx[x + c] = T(0);
      for (Index index : g.indices) a.dx[x + index] += a.dy[y++];
    });
  }

 private:
  // Calls f(first element of a position in x, in y).
  template <class F>
  static CNNFAST_INLINE void for_each_position(const G& g, Index n, const F& f) {
    const Index selected = static_cast<Index>(g.indices.size());
    for (Index position = 0; position < n * g.positions; ++position) f(position * g.channels, position * selected);
  }
};

CNNFAST_KERNELS_END
