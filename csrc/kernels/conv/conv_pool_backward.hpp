// Pool-sparse backward of convolution -> 2x2 max-pool -> activation.
//
// After a 2x2 max-pool only one of four convolution outputs per channel has a gradient, and after ReLU
// about half of those are zero too. With g = dy * slope, one value per window q and channel co, at
// the convolution output p(q, co) that is the largest of its window:
//
//   dw[co][tap][ci] += g[q][co] * x[p(q, co) + tap][ci]      one list of (g, p) per channel
//   dx[p(q, co) + tap][ci] += g[q][co] * w[co][tap][ci]      four lists per window, by winner
//
// Lanes run over the contiguous (kernel column, ci) run of a window row, respectively over ci, and
// accumulators stay in registers over a whole list; only gradients that are not zero are touched, so a
// quarter (or less) of the dense multiply-adds is done. Each multiply-add loads a vector (of x, of w) that no
// other uses, so what is loaded must lie in the first-level cache: dw takes a few images at a time, dx some
// channels and one kernel row at a time. Where c_in is so small that runs are shorter than a
// vector, dw is computed with lanes over co instead (conv_pool_masked.hpp).
#pragma once

#include "kernels/conv/conv2d_direct.hpp"
#include "kernels/conv/conv_pool_masked.hpp"

CNNFAST_KERNELS_BEGIN

// dw rows += g[e] * x[place[e] ...], for R window rows of N vectors.
template <class V, int R, int N, class T>
CNNFAST_INLINE void sparse_weights_tile(Index count, const T* g, const std::int32_t* place, const T* x, Index x_row,
                                        T* dw, Index dw_row) {
  constexpr int L = kLanes<V>;
  V acc[R][N];
  CNNFAST_UNROLL
  for (int r = 0; r < R; ++r) {
    CNNFAST_UNROLL
    for (int v = 0; v < N; ++v) acc[r][v] = load<V>(dw + r * dw_row + v * L);
  }
  for (Index e = 0; e < count; ++e) {
    const V gv = broadcast<V>(g[e]);
    const T* from = x + place[e];
    CNNFAST_UNROLL
    for (int r = 0; r < R; ++r) {
      CNNFAST_UNROLL
      for (int v = 0; v < N; ++v) acc[r][v] = ei::pmadd(load<V>(from + r * x_row + v * L), gv, acc[r][v]);
    }
  }
  CNNFAST_UNROLL
  for (int r = 0; r < R; ++r) {
    CNNFAST_UNROLL
    for (int v = 0; v < N; ++v) store(dw + r * dw_row + v * L, acc[r][v]);
  }
}

// dx[pixel c] += g[e] * w[weights[e] ...], for C pixels of a row, N vectors of ci.
template <class V, int C, int N, class T>
CNNFAST_INLINE void sparse_data_tile(Index count, const T* g, const std::int32_t* weights, const T* w, T* dx,
                                     Index pixel) {
  constexpr int L = kLanes<V>;
  V acc[C][N];
  const auto each = [&](const auto& f) {
    CNNFAST_UNROLL
    for (int c = 0; c < C; ++c) {
      CNNFAST_UNROLL
      for (int v = 0; v < N; ++v) f(acc[c][v], c * pixel + v * L);
    }
  };
  each([&](V& a, Index at) { a = load<V>(dx + at); });
  for (Index e = 0; e < count; ++e) {
    const V gv = broadcast<V>(g[e]);
    const T* from = w + weights[e];
    each([&](V& a, Index at) { a = ei::pmadd(load<V>(from + at), gv, a); });
  }
  each([&](V& a, Index at) { store(dx + at, a); });
}

template <class T>
struct PoolSparse {
  using G = ConvPool::Geometry;
  using Conv = DirectConv2d<T>;
  static constexpr int kMaxRun = kRegisters == 32 ? 8 : 4;  // vectors of a run kept in registers, for each of 3 rows
  static constexpr int kDataVectors = kRegisters == 32 ? 2 : 4;  // vectors of ci, for each pixel of a kernel row
  static constexpr Index kCacheBytes = Index{24} << 10;          // of a first-level cache of 32 KB or more

  // ---- sizes and offsets --------------------------------------------------------------------------

  static Index lanes(const G& g) { return lanes_for<T>(g.conv.c_in); }
  static Index run_lanes(const G& g) {  // one window row in dw, whole vectors
    const Index run = g.conv.kernel.w * g.conv.c_in;
    return (run + lanes(g) - 1) / lanes(g) * lanes(g);
  }
  static Index pixel(const G& g) { return padded_channels<T>(g.conv.c_in); }  // one pixel of dx while it is summed
  static Index taps(const G& g) { return g.conv.kernel.h * g.conv.kernel.w; }
  static Index padded_h(const G& g) { return g.conv.h + g.conv.pad.top + g.conv.pad.bottom; }
  static Index padded_w(const G& g) { return g.conv.w + g.conv.pad.left + g.conv.pad.right; }
  static bool dx_in_place(const G& g) { return !g.conv.pad.any() && pixel(g) == g.conv.c_in; }

  // Lanes over co cost four masked multiply-adds a weight, lanes over the run one and the broadcast.
  static bool masked(const G& g) {
    const Index all = 4 * taps(g) * g.conv.c_in / lanes_for<T>(g.conv.c_out);
    return all < g.conv.kernel.h * run_lanes(g) / lanes(g) + 4;
  }
  static Index grad_weights(const G& g) {
    return masked(g) ? MaskedWeights<T>::size(g) : g.conv.c_out * g.conv.kernel.h * run_lanes(g);
  }

  // Scratch: g of every window; a region that holds first the padded x, then the padded dx; the lists
  // of dw, then of dx, their sizes, and for dx the positions of each window.
  struct Scratch {
    const T* g;
    T* region;
    T* list_g;
    std::int32_t* list_at;
    std::int32_t* counts;
    std::int32_t* places;
  };
  static Index region_size(const G& g, Index n) {
    const Index padded = n * padded_h(g) * padded_w(g);
    const Index x = g.conv.pad.any() ? padded * g.conv.c_in : 0;
    const Index dx = dx_in_place(g) ? 0 : padded * pixel(g);
    return x < dx ? dx : x;
  }
  // Elements of T, each at least as large as an int32.
  static Index list_size(const G& g, Index n) { return round_up<T>((n * g.windows() + 4) * g.conv.c_out); }
  static Index counts_size(const G& g, Index n) { return round_up<T>(g.conv.c_out + 4 * n * g.windows()); }
  static Scratch divide(const G& g, Index n, T* scratch) {
    Scratch s;
    s.g = scratch;
    s.region = scratch + round_up<T>(n * g.outputs() + kLanes<Packet<T>>);
    s.list_g = s.region + round_up<T>(region_size(g, n) + kLanes<Packet<T>>);
    s.list_at = reinterpret_cast<std::int32_t*>(s.list_g + list_size(g, n));
    s.counts = reinterpret_cast<std::int32_t*>(s.list_g + 2 * list_size(g, n));
    s.places = reinterpret_cast<std::int32_t*>(s.list_g + 2 * list_size(g, n) + counts_size(g, n));
    return s;
  }
  static KernelSizes sizes(const G& g, Index n) {
    KernelSizes s;
    s.packed = Conv::forward_packed(g.conv) + g.conv.c_out * taps(g) * pixel(g);
    s.packed_grads = grad_weights(g) + padded_channels<T>(g.conv.c_out);
    s.backward_scratch = round_up<T>(n * g.outputs() + kLanes<Packet<T>>) +
                         round_up<T>(region_size(g, n) + kLanes<Packet<T>>) + 2 * list_size(g, n) +
                         2 * counts_size(g, n);
    return s;
  }

  // ---- backward -----------------------------------------------------------------------------------

  // dy * slope, or dy itself without an activation; `to` takes the product.
  static const T* through_activation(const G& g, const BackwardArgs<T>& a, T* to) {
    if (g.activation.kind == Function::Kind::identity) return a.dy;
    const Index size = a.n * g.outputs();
    map(size, to, [](const auto& dy, const auto& slope) { return ei::pmul(dy, slope); }, a.dy, a.saved + size);
    return to;
  }

  static void backward(const G& g, const BackwardArgs<T>& a) {
    Scratch s = divide(g, a.n, a.scratch);
    s.g = through_activation(g, a, a.scratch);
    if (a.packed_grads != nullptr) {
      if (g.conv.bias)
        bias_gradient(a.n * g.windows(), g.conv.c_out, s.g, a.packed_grads + grad_weights(g), a.accumulate);
      if (!a.accumulate) std::memset(a.packed_grads, 0, static_cast<std::size_t>(grad_weights(g)) * sizeof(T));
      const T* x = Conv::pad_input(g.conv, a.n, a.x, s.region);
      if (masked(g)) {
        MaskedWeights<T>::add(g, a.n, x, s.g, a.saved, a.packed_grads);
      } else {
        weights(g, a, s, x);
      }
    }
    if (a.dx != nullptr) data(g, a, s);
  }

  // Offsets of the four convolution outputs of a window, for a row of `row` and a pixel of `pixel` elements.
  struct Corners {
    std::int32_t at[4];
  };
  static Corners corners(const PoolWindow& w, Index image, Index row, Index pixel) {
    Corners c;
    for (int j = 0; j < 4; ++j) c.at[j] = static_cast<std::int32_t>(w.offset(j, image, row, pixel));
    return c;
  }

  // A few images at a time, so that their x stays in the cache for all channels.
  static void weights(const G& g, const BackwardArgs<T>& a, const Scratch& s, const T* x) {
    const Index image_bytes = padded_h(g) * padded_w(g) * g.conv.c_in * static_cast<Index>(sizeof(T));
    const Index group = image_bytes < kCacheBytes ? kCacheBytes / image_bytes : 1;
    for (Index first = 0; first < a.n; first += group) {
      weights_of(g, a, s, x, first, a.n - first < group ? a.n - first : group);
    }
  }

  static void weights_of(const G& g, const BackwardArgs<T>& a, const Scratch& s, const T* x, Index first, Index n) {
    const Index c_out = g.conv.c_out, windows = n * g.windows();
    const Index row = padded_w(g) * g.conv.c_in;
    std::memset(s.counts, 0, static_cast<std::size_t>(c_out) * sizeof(std::int32_t));
    PoolWindow window(g, first);
    for (Index q = 0; q < windows; ++q, window.next()) {
      const Corners c = corners(window, padded_h(g) * row, row, g.conv.c_in);
      const T* gq = s.g + (first * g.windows() + q) * c_out;
      const T* winner = a.saved + (first * g.windows() + q) * c_out;
      for (Index co = 0; co < c_out; ++co) {
        const Index at = co * windows + s.counts[co];
        s.list_g[at] = gq[co];
        s.list_at[at] = c.at[static_cast<int>(winner[co])];
        s.counts[co] += gq[co] != 0 ? 1 : 0;
      }
    }
    const Index per_channel = g.conv.kernel.h * run_lanes(g);
    for (Index co = 0; co < c_out; ++co) {
      const List list{s.counts[co], s.list_g + co * windows, s.list_at + co * windows};
      T* dw = a.packed_grads + co * per_channel;
      if (use_half<T>(g.conv.c_in)) {
        channel_weights<HalfPacket<T>>(g, list, x, row, dw);
      } else {
        channel_weights<Packet<T>>(g, list, x, row, dw);
      }
    }
  }

  struct List {
    Index count;
    const T* g;
    const std::int32_t* at;
  };

  // One channel's window rows, three at a time, in chunks of nearly equal numbers of vectors.
  template <class V>
  static void channel_weights(const G& g, const List& list, const T* x, Index x_row, T* dw) {
    const Index vectors = run_lanes(g) / kLanes<V>;
    const Index pieces = (vectors + kMaxRun - 1) / kMaxRun;
    for (Index row = 0; row < g.conv.kernel.h;) {
      const Index rows = g.conv.kernel.h - row >= 3 ? 3 : 1;
      for (Index piece = 0; piece < pieces; ++piece) {
        const Index first = vectors * piece / pieces, count = vectors * (piece + 1) / pieces - first;
        const Index at = first * kLanes<V>;
        const T* from = x + row * x_row + at;
        T* to = dw + row * run_lanes(g) + at;
        rows == 3 ? weights_chunk<V, 3, kMaxRun>(count, list, from, x_row, to, run_lanes(g))
                  : weights_chunk<V, 1, kMaxRun>(count, list, from, x_row, to, run_lanes(g));
      }
      row += rows;
    }
  }
  template <class V, int R, int N>
  static CNNFAST_INLINE void weights_chunk(Index count, const List& list, const T* x, Index x_row, T* dw,
                                           Index dw_row) {
    if constexpr (N > 0) {
      if (count < N) return weights_chunk<V, R, N - 1>(count, list, x, x_row, dw, dw_row);
      sparse_weights_tile<V, R, N>(list.count, list.g, list.at, x, x_row, dw, dw_row);
    }
  }

  static void data(const G& g, const BackwardArgs<T>& a, const Scratch& s) {
    const Index row = padded_w(g) * pixel(g), image = padded_h(g) * row;
    T* dx = dx_in_place(g) ? a.dx : s.region;
    std::memset(dx, 0, static_cast<std::size_t>(a.n * image) * sizeof(T));
    PoolWindow window(g);
    for (Index q = 0; q < a.n * g.windows(); ++q, window.next()) {
      const Corners c = corners(window, image, row, pixel(g));
      std::memcpy(s.places + 4 * q, c.at, sizeof(c.at));
    }
    if (use_half<T>(g.conv.c_in)) {
      data_with<HalfPacket<T>, 1>(g, a, s, dx);
    } else {
      data_with<Packet<T>, kDataVectors>(g, a, s, dx);
    }
    if (!dx_in_place(g)) crop(g, a.n, s.region, a.dx);
  }

  // Some channels and one kernel row at a time, so that their weights stay in the cache for all windows.
  template <class V, int N>
  static void data_with(const G& g, const BackwardArgs<T>& a, const Scratch& s, T* dx) {
    constexpr Index L = kLanes<V>;
    const T* w = packed_as<T>(a) + Conv::forward_packed(g.conv);
    const Index channel_bytes = g.conv.kernel.w * N * L * static_cast<Index>(sizeof(T));
    const Index fit = kCacheBytes / channel_bytes, group = fit < 16 ? 16 : fit;
    for (Index first = 0; first < g.conv.c_out; first += group) {
      const Index channels = g.conv.c_out - first < group ? g.conv.c_out - first : group;
      by_winner(g, a, s, first, channels);
      for (Index ky = 0; ky < g.conv.kernel.h; ++ky) {
        const T* w_row = w + ky * g.conv.kernel.w * pixel(g);
        T* dx_row = dx + ky * padded_w(g) * pixel(g);
        Index ci = 0;
        for (; ci + N * L <= pixel(g); ci += N * L) windows_data<V, N>(g, a.n, s, w_row + ci, dx_row + ci);
        for (; ci < pixel(g); ci += L) windows_data<V, 1>(g, a.n, s, w_row + ci, dx_row + ci);
      }
    }
  }

  // The channels first .. first + channels of every window, sorted by the position of the largest: gradient and index
  // of their weights. The lists of a window follow each other; `counts` has their four lengths.
  static void by_winner(const G& g, const BackwardArgs<T>& a, const Scratch& s, Index first, Index channels) {
    const Index per_channel = taps(g) * pixel(g), windows = a.n * g.windows();
    // Room for four lists of all channels, behind the sorted ones.
    T* bucket_g = s.list_g + windows * channels;
    std::int32_t* bucket_at = s.list_at + windows * channels;
    Index end = 0;
    for (Index q = 0; q < windows; ++q) {
      const T* gq = s.g + q * g.conv.c_out + first;
      const T* winner = a.saved + q * g.conv.c_out + first;
      Index counts[4] = {0, 0, 0, 0};
      for (Index co = 0; co < channels; ++co) {
        const int j = static_cast<int>(winner[co]);
        const Index at = j * channels + counts[j];
        bucket_g[at] = gq[co];
        bucket_at[at] = static_cast<std::int32_t>((first + co) * per_channel);
        counts[j] += gq[co] != 0 ? 1 : 0;
      }
      for (Index j = 0; j < 4; ++j) {
        const auto length = static_cast<std::size_t>(counts[j]);
        std::memcpy(s.list_g + end, bucket_g + j * channels, length * sizeof(T));
        std::memcpy(s.list_at + end, bucket_at + j * channels, length * sizeof(std::int32_t));
        s.counts[4 * q + j] = static_cast<std::int32_t>(counts[j]);
        end += counts[j];
      }
    }
  }

  // All lists, for one kernel row and N vectors of ci.
  template <class V, int N>
  static void windows_data(const G& g, Index n, const Scratch& s, const T* w, T* dx) {
    Index at = 0;
    for (Index list = 0; list < 4 * n * g.windows(); at += s.counts[list], ++list) {
      const Index count = s.counts[list];
      if (count == 0) continue;
      T* to = dx + s.places[list];
      if (g.conv.kernel.w == 3) {
        sparse_data_tile<V, 3, N>(count, s.list_g + at, s.list_at + at, w, to, pixel(g));
      } else {
        sparse_data_tile<V, 5, N>(count, s.list_g + at, s.list_at + at, w, to, pixel(g));
      }
    }
  }

  // Removes padding of pixels and images.
  static void crop(const G& g, Index n, const T* padded, T* dx) {
    const Index width = padded_w(g), p = pixel(g), c = g.conv.c_in;
    for (Index image = 0; image < n; ++image) {
      for (Index row = 0; row < g.conv.h; ++row) {
        const T* from = padded + ((image * padded_h(g) + row + g.conv.pad.top) * width + g.conv.pad.left) * p;
        T* to = dx + (image * g.conv.h + row) * g.conv.w * c;
        for (Index col = 0; col < g.conv.w; ++col) {
          std::memcpy(to + col * c, from + col * p, static_cast<std::size_t>(c) * sizeof(T));
        }
      }
    }
  }

  // ---- weights ------------------------------------------------------------------------------------

  // [co][tap][ci], ci padded to whole vectors.
  static void pack(const G& g, const T* params, T* packed) {
    const Index c_in = g.conv.c_in, count = taps(g), p = pixel(g);
    if (p != c_in) std::memset(packed, 0, static_cast<std::size_t>(g.conv.c_out * count * p) * sizeof(T));
    for (Index co = 0; co < g.conv.c_out; ++co) {
      for (Index ci = 0; ci < c_in; ++ci) {
        const T* from = params + (co * c_in + ci) * count;
        T* to = packed + co * count * p + ci;
        for (Index tap = 0; tap < count; ++tap) to[tap * p] = from[tap];
      }
    }
  }

  static void unpack(const G& g, const T* packed_grads, T* grads) {
    const Index c_in = g.conv.c_in, c_out = g.conv.c_out, count = taps(g);
    if (masked(g)) {
      MaskedWeights<T>::unpack(g, packed_grads, grads);
    } else {
      for (Index co = 0; co < c_out; ++co) {
        for (Index ky = 0; ky < g.conv.kernel.h; ++ky) {
          const T* from = packed_grads + (co * g.conv.kernel.h + ky) * run_lanes(g);
          for (Index kx = 0; kx < g.conv.kernel.w; ++kx) {
            for (Index ci = 0; ci < c_in; ++ci) {
              grads[(co * c_in + ci) * count + ky * g.conv.kernel.w + kx] = from[kx * c_in + ci];
            }
          }
        }
      }
    }
    if (g.conv.bias) {
      std::memcpy(grads + c_out * c_in * count, packed_grads + grad_weights(g),
                  static_cast<std::size_t>(c_out) * sizeof(T));
    }
  }
};

CNNFAST_KERNELS_END
