// The weights of Winograd's algorithm: transformed (U = G w G^T, for both directions), and their gradient
// transformed back (dw = G^T dU G). Layout: [frequency][block of outputs][input][lane], blocks as in `for_each_block`.
#pragma once

#include "kernels/conv/conv2d_direct.hpp"
#include "kernels/conv/winograd_partition.hpp"
#include "kernels/conv/winograd_transforms.hpp"

CNNFAST_KERNELS_BEGIN

template <class T, int M, int R>
struct WinogradWeights {
  using G = PlannedConv;
  static constexpr int A = M + R - 1;
  static constexpr int kTaps = R * R;
  static constexpr int kFrequencies = A * A;

  static Index channel_pairs(const G& g) { return g.c_in * g.c_out; }
  static Index forward_packed(const G& g) { return kFrequencies * channel_pairs(g) + g.c_out; }
  static void clear(T* p, Index count) { std::memset(p, 0, static_cast<std::size_t>(count) * sizeof(T)); }

  // Calls f with the vector type that fits the channels.
  template <class F>
  static CNNFAST_INLINE void with_vectors(Index channels, const F& f) {
    use_half<T>(channels) ? f(HalfPacket<T>()) : f(Packet<T>());
  }

  template <class V>
  static CNNFAST_INLINE void store_frequencies(const V (&f)[A][A], T* to, Index stride) {
    CNNFAST_UNROLL
    for (int i = 0; i < A; ++i) {
      CNNFAST_UNROLL
      for (int j = 0; j < A; ++j) store(to + (i * A + j) * stride, f[i][j]);
    }
  }
  template <class V>
  static CNNFAST_INLINE void load_frequencies(const T* from, Index stride, V (&f)[A][A]) {
    CNNFAST_UNROLL
    for (int i = 0; i < A; ++i) {
      CNNFAST_UNROLL
      for (int j = 0; j < A; ++j) f[i][j] = load<V>(from + (i * A + j) * stride);
    }
  }

  // ---- gradients ----------------------------------------------------------------------------------

  // A block of output channels and some of its inputs, transformed back.
  static void add_weights(const G& g, const T* du, Index stride, Index lanes, Index inputs, T* dw, bool accumulate) {
    with_vectors(g.c_out, [&](auto vector) {
      using V = decltype(vector);
      for (Index at = 0; at < inputs * lanes; at += kLanes<V>) {
        V in[A][A], out[R][R];
        load_frequencies(du + at, stride, in);
        along_both<A, R>(in, out, [](const V(&u)[A], V(&r)[R]) { WinogradAxis<V, T, M, R>::d_weights(u, r); });
        CNNFAST_UNROLL
        for (int tap = 0; tap < kTaps; ++tap) {
          T* to = dw + at + tap * g.c_in * lanes;
          store(to, accumulate ? ei::padd(load<V>(to), out[tap / R][tap % R]) : out[tap / R][tap % R]);
        }
      }
    });
  }

  // Calls f(first channel, lanes) for every block of packed output channels.
  template <class F>
  static void for_each_channel_block(const G& g, const F& f) {
    WinogradPartition<T>::for_each_block(g, Slice(), f);
  }
  static void add_weights(const G& g, const T* du, T* dw, bool accumulate);

  // ---- packing ------------------------------------------------------------------------------------

  // U of one vector of outputs and one input, from its vectors of weights.
  template <class V>
  static CNNFAST_INLINE void store_weights(const T* taps, T* to, Index stride) {
    V w[R][R], u[A][A];
    CNNFAST_UNROLL
    for (int tap = 0; tap < kTaps; ++tap) w[tap / R][tap % R] = load<V>(taps + tap * kLanes<V>);
    along_both<R, A>(w, u, [](const V(&p)[R], V(&r)[A]) { WinogradAxis<V, T, M, R>::weights(p, r); });
    store_frequencies(u, to, stride);
  }

  // U[f][block of outputs][input][lane], the outputs being c_out (forward) or c_in (backward) of the parameter.
  static void pack_direction(Index outputs, Index inputs, Index output_step, Index input_step, const T* params, T* to,
                             const Slice& slice) {
    for_each_packed_vector<T>(outputs, slice, [&](auto vector, const PackedVector& v) {
      using V = decltype(vector);
      constexpr Index L = kLanes<V>;
      for (Index input = 0; input < inputs; ++input) {
        alignas(64) T taps[kTaps * L];
        const T* from = params + v.channel() * output_step + input * input_step;
        for (Index l = 0; l < L; ++l) {
          for (int tap = 0; tap < kTaps; ++tap) taps[tap * L + l] = from[l * output_step + tap];
        }
        store_weights<V>(taps, to + v.block * inputs + input * v.lanes + v.lane, inputs * outputs);
      }
    });
  }

  // Both directions at once, squares of L outputs and L inputs at a time; whole vectors only.
  static void pack_squares(const G& g, const T* params, T* forward, T* backward, const Slice& slice) {
    using V = Packet<T>;
    constexpr Index L = kLanes<V>;
    for_each_packed_vector_of<V, T>(g.c_out, slice, [&](V, const PackedVector& out) {
      for_each_packed_vector_of<V, T>(g.c_in, Slice(), [&](V, const PackedVector& in) {
        alignas(64) T by_in[L * kTaps * L], by_out[L * kTaps * L];  // [ci][tap][co], [co][tap][ci]
        const T* from = params + (out.channel() * g.c_in + in.channel()) * kTaps;
        rows_to_lanes<V>(L, kTaps * L, from, g.c_in * kTaps, [&](Index r) { return by_in + r * L; });
        for (int tap = 0; tap < kTaps; ++tap) {
          transpose_square<V>([&](int ci) { return by_in + (ci * kTaps + tap) * L; },
                              [&](int co) { return by_out + (co * kTaps + tap) * L; });
        }
        T* u = forward + out.block * g.c_in + in.channel() * out.lanes + out.lane;
        T* v = backward + in.block * g.c_out + out.channel() * in.lanes + in.lane;
        for (Index i = 0; i < L; ++i) {
          store_weights<V>(by_in + i * kTaps * L, u + i * out.lanes, channel_pairs(g));
          store_weights<V>(by_out + i * kTaps * L, v + i * in.lanes, channel_pairs(g));
        }
      });
    });
  }

  static void pack_bias(const G& g, const T* params, T* packed) {
    if (g.bias) {
      std::memcpy(packed, params, static_cast<std::size_t>(g.c_out) * sizeof(T));
    } else {
      clear(packed, g.c_out);
    }
  }
  static void pack(const G& g, const T* params, T* packed, bool training, const Slice& slice);
};

// Not inline, so that their code is compiled once, in instantiate/winograd.cpp.

template <class T, int M, int R>
void WinogradWeights<T, M, R>::add_weights(const G& g, const T* du, T* dw, bool accumulate) {
  for_each_channel_block(g, [&](Index block, Index lanes) {
    add_weights(g, du + block * g.c_in, channel_pairs(g), lanes, g.c_in, dw + block * kTaps * g.c_in, accumulate);
  });
}
template <class T, int M, int R>
void WinogradWeights<T, M, R>::pack(const G& g, const T* params, T* packed, bool training, const Slice& slice) {
  const Index pairs = channel_pairs(g);
  if (slice.first()) pack_bias(g, params + pairs * kTaps, packed + kFrequencies * pairs);
  T* back = packed + forward_packed(g);
  if (training && !use_half<T>(g.c_in) && !use_half<T>(g.c_out)) {
    return pack_squares(g, params, packed, back, slice);
  }
  pack_direction(g.c_out, g.c_in, g.c_in * kTaps, kTaps, params, packed, slice);
  if (training) pack_direction(g.c_in, g.c_out, kTaps, g.c_in * kTaps, params, back, slice);
}

extern template struct WinogradWeights<CNNFAST_ELEMENT, 2, 3>;
extern template struct WinogradWeights<CNNFAST_ELEMENT, 2, 5>;
extern template struct WinogradWeights<CNNFAST_ELEMENT, 4, 3>;

CNNFAST_KERNELS_END
