// Dense convolution of stride 1 by Winograd's F(M x M, R x R), all directions.
//
// The output is cut into tiles of M x M pixels, each computed from a patch of A x A inputs, A = M + R - 1.
// The convolution becomes A^2 products of matrices, tiles x c_in times c_in x c_out:
//
//   forward    V = B^T x B,   m[f] = V[f] U[f],        y = A^T m A
//   backward   Z = A dy A^T,  dU[f] += V[f]^T Z[f],    dw = G^T dU G
//                             dV[f] = Z[f] U[f]^T,     dx += B dV B^T    (patches overlap by R - 1 pixels)
//
// Tiles are taken in blocks whose V and m stay in the second-level cache. Lanes run over channels, of which there
// must be whole vectors (or half of one, see `with_vectors`). A value that is not finite makes every output of its tile
// that depends on it not finite, and perhaps others of the tile: it is never lost.
#pragma once

#include "kernels/conv/winograd_weights.hpp"

CNNFAST_KERNELS_BEGIN

template <class T, int M, int R>
struct Winograd : WinogradWeights<T, M, R> {
  using Base = WinogradWeights<T, M, R>;
  using G = typename Base::G;
  using Base::A, Base::kTaps, Base::kFrequencies;
  using Base::channel_pairs, Base::forward_packed, Base::add_weights, Base::for_each_channel_block;
  using Base::clear, Base::load_frequencies, Base::store_frequencies, Base::with_vectors;
  static constexpr Index kBlockBytes = Index{512} << 10;
  static constexpr Index kMinBlock = 32, kMaxBlock = 96;  // tiles
  static constexpr Index kChunk = 64;                     // inputs, see `weights_in_chunks`

  // ---- sizes --------------------------------------------------------------------------------------

  static Index tile_cols(const G& g) { return (g.w_out + M - 1) / M; }
  static Index tiles(const G& g) { return (g.h_out + M - 1) / M * tile_cols(g); }

  // Most tiles of a block.
  static Index largest_block(const G& g, Index n) {
    const Index all = n * tiles(g), tile_bytes = kFrequencies * (g.c_in + g.c_out) * static_cast<Index>(sizeof(T));
    const Index fit = kBlockBytes / tile_bytes;
    const Index most = fit < kMinBlock ? kMinBlock : fit > kMaxBlock ? kMaxBlock : fit;
    return all < most ? all : most;
  }
  // Tiles of each block but the last; blocks are of nearly equal size, so that fewer images may make larger ones.
  static Index block(const G& g, Index n) {
    const Index all = n * tiles(g), most = largest_block(g, n), blocks = (all + most - 1) / most;
    return (all + blocks - 1) / blocks;
  }
  // Elements from one frequency to the next: an odd number of cache lines, so that the frequencies of a tile do
  // not fall on the same few lines of the first-level cache.
  static Index stride(Index block, Index channels) {
    constexpr Index line = 64 / sizeof(T);
    return ((block * channels + line - 1) / line | 1) * line;
  }
  static Index edge(const G& g) { return g.c_in; }

  static KernelSizes sizes(const G& g, Index n) {
    const Index b = largest_block(g, n);
    KernelSizes s;
    s.packed = forward_packed(g) + kFrequencies * channel_pairs(g);
    s.packed_grads = DirectConv2d<T>::forward_packed(g);
    s.forward_scratch = edge(g) + kFrequencies * (stride(b, g.c_in) + stride(b, g.c_out));
    s.backward_scratch = s.forward_scratch + kFrequencies * channel_pairs(g);
    return s;
  }

  struct Scratch {
    T* edge;  // stands for the pixels outside of the image: zeros to read, or memory to write to
    T* v;
    T* m;
    T* du;
    Index v_stride, m_stride;
  };
  static Scratch divide(const G& g, Index block, T* scratch) {
    Scratch s;
    s.v_stride = stride(block, g.c_in), s.m_stride = stride(block, g.c_out);
    s.v = scratch;
    s.m = s.v + kFrequencies * s.v_stride;
    s.du = s.m + kFrequencies * s.m_stride;
    s.edge = s.du;  // forward has no dU
    return s;
  }

  // ---- tiles --------------------------------------------------------------------------------------

  struct Tile {
    Index image, row, col;  // of the first output pixel
  };
  static Tile tile_at(const G& g, Index number) {
    const Index in_image = number % tiles(g);
    return {number / tiles(g), in_image / tile_cols(g) * M, in_image % tile_cols(g) * M};
  }
  // Offsets of a tile's patch in x (or dx); `edge` for those outside of the image.
  template <class P>
  static void patch(const G& g, const Tile& t, P* x, P* edge, P* (&at)[A][A]) {
    for (int i = 0; i < A; ++i) {
      const Index row = t.row - g.pad.top + i;
      P* line = x + (t.image * g.h + row) * g.w * g.c_in;
      for (int j = 0; j < A; ++j) {
        const Index col = t.col - g.pad.left + j;
        at[i][j] = row >= 0 && row < g.h && col >= 0 && col < g.w ? line + col * g.c_in : edge;
      }
    }
  }

  // V of the tiles first .. first + count.
  static void transform_input(const G& g, Index first, Index count, const T* x, const Scratch& s);
  // The rows of a matrix as the pixels of a 1x1 convolution.
  static Correlation product(Index rows, Index c_in, Index c_out) {
    Correlation c;
    c.images = 1, c.rows = 1, c.cols = rows;
    c.x_image = c.x_row = 0, c.x_col = c_in;
    c.y_image = c.y_row = 0, c.y_col = c_out;
    c.taps = 1, c.x_tap = 0, c.run = c_in;
    c.c_out = c_out;
    return c;
  }

  // Calls emit(tile, channel, y) for every tile and group of channels of a slice, y being M x M vectors of outputs.
  template <class Emit>
  static void forward(const G& g, const ForwardArgs<T>& a, const Emit& emit) {
    const auto mine = WinogradPartition<T>::of(g, a.n, a.slice);
    const Index b = block(g, a.n);
    const Scratch s = divide(g, b, a.scratch);
    clear(s.edge, edge(g));
    for (Index first = mine.first; first < mine.end; first += b) {
      const Index count = mine.end - first < b ? mine.end - first : b;
      transform_input(g, first, count, a.x, s);
      const Correlation c = product(count, g.c_in, g.c_out);
      for (Index f = 0; f < kFrequencies; ++f) {
        correlate<T>(c, s.v + f * s.v_stride, packed_as<T>(a) + f * channel_pairs(g), nullptr, s.m + f * s.m_stride,
                     mine.channels);
      }
      for (Index t = 0; t < count; ++t) {
        const Tile tile = tile_at(g, first + t);
        WinogradPartition<T>::for_each_block(g, mine.channels, [&](Index channels, Index lanes) {
          with_vectors(g.c_out, [&](auto vector) {
            using V = decltype(vector);
            for (Index co = channels; co < channels + lanes; co += kLanes<V>) {
              V in[A][A], out[M][M];
              load_frequencies(s.m + t * g.c_out + co, s.m_stride, in);
              along_both<A, M>(in, out, [](const V(&u)[A], V(&r)[M]) { WinogradAxis<V, T, M, R>::output(u, r); });
              emit(tile, co, out);
            }
          });
        });
      }
    }
  }

  // fetch(tile, channel, dy) gives the gradient of M x M outputs. Adds to dw, in the layout of DirectConv2d;
  // either gradient may be null.
  template <class Fetch>
  static void backward(const G& g, Index n, const T* x, const T* packed, T* scratch, const Fetch& fetch, T* dw,
                       bool accumulate, T* dx) {
    const Index all = n * tiles(g), b = block(g, n), pairs = channel_pairs(g);
    Scratch s = divide(g, b, scratch);
    s.edge = s.du + kFrequencies * pairs;
    clear(s.edge, edge(g));
    if (dx != nullptr) clear(dx, n * g.h * g.w * g.c_in);
    const T* packed_back = packed + forward_packed(g);
    for (Index first = 0; first < all; first += b) {
      const Index count = all - first < b ? all - first : b;
      for (Index t = 0; t < count; ++t) {
        const Tile tile = tile_at(g, first + t);
        with_vectors(g.c_out, [&](auto vector) {
          using V = decltype(vector);
          for (Index co = 0; co < g.c_out; co += kLanes<V>) {
            V dy[M][M], out[A][A];
            fetch(tile, co, dy);
            along_both<M, A>(dy, out, [](const V(&u)[M], V(&r)[A]) { WinogradAxis<V, T, M, R>::d_output(u, r); });
            store_frequencies(out, s.m + t * g.c_out + co, s.m_stride);
          }
        });
      }
      if (dw != nullptr) weights_of_block(g, first, count, count == all, x, s, dw, accumulate);
      if (dx != nullptr) data_of_block(g, first, count, packed_back, s, dx);
    }
    if (dw != nullptr && all > b) add_weights(g, s.du, dw, accumulate);
  }
  static void weights_of_block(const G& g, Index first, Index count, bool all, const T* x, const Scratch& s, T* dw,
                               bool accumulate);
  static void data_of_block(const G& g, Index first, Index count, const T* packed_back, const Scratch& s, T* dx);

  static void add_patches(const G& g, Index first, Index count, const Scratch& s, T* dx) {
    for (Index t = 0; t < count; ++t) {
      T* at[A][A];
      patch<T>(g, tile_at(g, first + t), dx, s.edge, at);
      with_vectors(g.c_in, [&](auto vector) {
        using V = decltype(vector);
        for (Index c = 0; c < g.c_in; c += kLanes<V>) {
          V in[A][A], out[A][A];
          load_frequencies(s.v + t * g.c_in + c, s.v_stride, in);
          along_both<A, A>(in, out, [](const V(&u)[A], V(&r)[A]) { WinogradAxis<V, T, M, R>::d_input(u, r); });
          CNNFAST_UNROLL
          for (int i = 0; i < A; ++i) {
            CNNFAST_UNROLL
            for (int j = 0; j < A; ++j) store(at[i][j] + c, ei::padd(load<V>(at[i][j] + c), out[i][j]));
          }
        }
      });
    }
    // Border gradients of several tiles were summed in `edge`, and must read as zeros again.
    clear(s.edge, edge(g));
  }
  // Where all tiles make one block, each chunk of dU is transformed back at once, while it is in the cache.
  static void weights_in_chunks(const G& g, Index count, const Scratch& s, T* dw, bool accumulate) {
    for_each_channel_block(g, [&](Index block, Index lanes) {
      for (Index ci = 0; ci < g.c_in; ci += kChunk) {
        const Index inputs = g.c_in - ci < kChunk ? g.c_in - ci : kChunk, size = inputs * lanes;
        Correlation c = product(count, inputs, lanes);
        c.x_col = g.c_in, c.y_col = g.c_out;
        for (Index f = 0; f < kFrequencies; ++f) {
          correlate_weights<T>(c, s.v + f * s.v_stride + ci, s.m + f * s.m_stride + block, s.du + f * size, false);
        }
        add_weights(g, s.du, size, lanes, inputs, dw + block * kTaps * g.c_in + ci * lanes, accumulate);
      }
    });
  }
};

// Not inline: compiled once, in instantiate/winograd.cpp.

template <class T, int M, int R>
void Winograd<T, M, R>::transform_input(const G& g, Index first, Index count, const T* x, const Scratch& s) {
  for (Index t = 0; t < count; ++t) {
    const T* at[A][A];
    patch<const T>(g, tile_at(g, first + t), x, s.edge, at);
    with_vectors(g.c_in, [&](auto vector) {
      using V = decltype(vector);
      for (Index c = 0; c < g.c_in; c += kLanes<V>) {
        V in[A][A], out[A][A];
        CNNFAST_UNROLL
        for (int i = 0; i < A; ++i) {
          CNNFAST_UNROLL
          for (int j = 0; j < A; ++j) in[i][j] = load<V>(at[i][j] + c);
        }
        along_both<A, A>(in, out, [](const V(&u)[A], V(&r)[A]) { WinogradAxis<V, T, M, R>::input(u, r); });
        store_frequencies(out, s.v + t * g.c_in + c, s.v_stride);
      }
    });
  }
}
template <class T, int M, int R>
void Winograd<T, M, R>::weights_of_block(const G& g, Index first, Index count, bool all, const T* x, const Scratch& s,
                                         T* dw, bool accumulate) {
  transform_input(g, first, count, x, s);
  if (all) return weights_in_chunks(g, count, s, dw, accumulate);
  const Correlation c = product(count, g.c_in, g.c_out);
  for (Index f = 0; f < kFrequencies; ++f) {
    correlate_weights<T>(c, s.v + f * s.v_stride, s.m + f * s.m_stride, s.du + f * channel_pairs(g), first > 0);
  }
}
template <class T, int M, int R>
void Winograd<T, M, R>::data_of_block(const G& g, Index first, Index count, const T* packed_back, const Scratch& s,
                                      T* dx) {
  const Correlation c = product(count, g.c_out, g.c_in);
  for (Index f = 0; f < kFrequencies; ++f) {
    correlate<T>(c, s.m + f * s.m_stride, packed_back + f * channel_pairs(g), nullptr, s.v + f * s.v_stride);
  }
  add_patches(g, first, count, s, dx);
}

extern template struct Winograd<CNNFAST_ELEMENT, 2, 3>;
extern template struct Winograd<CNNFAST_ELEMENT, 2, 5>;
extern template struct Winograd<CNNFAST_ELEMENT, 4, 3>;

CNNFAST_KERNELS_END
