// Vector registers: names for Eigen's packets, register-tile sizes, partial loads and stores.
#pragma once

#include <type_traits>

#include "base/shape.hpp"
#include "kernels/simd/isa.hpp"

CNNFAST_KERNELS_BEGIN

namespace ei = Eigen::internal;

template <class T>
using Packet = typename ei::packet_traits<T>::type;
template <class V>
constexpr int kLanes = ei::unpacket_traits<V>::size;
// Half of a vector of 8 lanes or more; shorter ones are not worth loops of their own.
template <class T>
using HalfPacket =
    std::conditional_t<(kLanes<Packet<T>> >= 8), typename ei::unpacket_traits<Packet<T>>::half, Packet<T>>;

// Vector registers: accumulators of P pixels x K vectors, K weight vectors and one broadcast must fit.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif
// float64 is for gradient checks: one vector is fast enough, and compiles in a third of the time.
template <class T>
constexpr int kMaxVectors = sizeof(T) == 8     ? 1
                            : kRegisters == 32 ? 4
                                               : 2;

// Largest pixel tile for K vectors. At least 8 accumulators hide the latency of a multiply-add; more than
// 8 pixel pointers do not fit the general registers.
constexpr int max_pixels(int vectors) {
#if defined(__FMA__) || defined(__aarch64__)
  constexpr int temporaries = 1;
#else
  constexpr int temporaries = 3;  // without a fused multiply-add the product needs a register
#endif
  const int fit = (kRegisters - vectors - temporaries) / vectors;
  return fit < 8 ? fit : 8;
}

template <class V>
using Lane = typename ei::unpacket_traits<V>::type;

// Elements of another type than the lanes are converted one by one. A number type (base/numbers.hpp) may have overloads
// that are faster.
template <class V, class T>
CNNFAST_INLINE V load(const T* p) {
  if constexpr (std::is_same_v<T, Lane<V>>) {
    return ei::ploadu<V>(p);
  } else {
    Lane<V> lanes[kLanes<V>];
    for (int i = 0; i < kLanes<V>; ++i) lanes[i] = static_cast<Lane<V>>(p[i]);
    return ei::ploadu<V>(lanes);
  }
}
template <class V, class T>
CNNFAST_INLINE void store(T* p, const V& v) {
  if constexpr (std::is_same_v<T, Lane<V>>) {
    ei::pstoreu(p, v);
  } else {
    Lane<V> lanes[kLanes<V>];
    ei::pstoreu(lanes, v);
    for (int i = 0; i < kLanes<V>; ++i) p[i] = static_cast<T>(lanes[i]);
  }
}
template <class V, class T>
CNNFAST_INLINE V broadcast(T value) {
  return ei::pset1<V>(static_cast<Lane<V>>(value));
}
template <class V>
CNNFAST_INLINE V zero() {
  return ei::pzero(V());
}

template <class V, class T>
CNNFAST_INLINE V load_partial(const T* p, Index count) {
  alignas(64) Lane<V> buffer[kLanes<V>] = {};
  for (Index i = 0; i < count; ++i) buffer[i] = static_cast<Lane<V>>(p[i]);
  return ei::pload<V>(buffer);
}
template <class V, class T>
CNNFAST_INLINE void store_partial(T* p, const V& v, Index count) {
  alignas(64) Lane<V> buffer[kLanes<V>];
  ei::pstore(buffer, v);
  for (Index i = 0; i < count; ++i) p[i] = static_cast<T>(buffer[i]);
}

// The first `count` lanes, count <= lanes.
template <class V, class T>
CNNFAST_INLINE V load_upto(const T* p, Index count) {
  return count == kLanes<V> ? load<V>(p) : load_partial<V>(p, count);
}
template <class V, class T>
CNNFAST_INLINE void store_upto(T* p, const V& v, Index count) {
  count == kLanes<V> ? store(p, v) : store_partial(p, v, count);
}

// Calls f(first, count) for groups of lanes; count is the number of lanes but in the last group.
template <class V, class F>
CNNFAST_INLINE void for_each_group(Index size, const F& f) {
  Index i = 0;
  for (; i + kLanes<V> <= size; i += kLanes<V>) f(i, Index{kLanes<V>});
  if (i < size) f(i, size - i);
}

// y[i] = f(x0[i], x1[i], ...) for i < size, a whole vector at a time; f maps packets to a packet.
template <class T, class F, class... Inputs>
CNNFAST_INLINE void map(Index size, T* y, const F& f, const Inputs*... x) {
  using V = Packet<T>;
  for_each_group<V>(size, [&](Index i, Index count) { store_upto(y + i, f(load_upto<V>(x + i, count)...), count); });
}

// A square of lanes: L rows of L elements, at the addresses `row(i)`, to the addresses `column(i)`.
template <class V, class Row, class Column>
CNNFAST_INLINE void transpose_square(const Row& row, const Column& column) {
  constexpr int L = kLanes<V>;
  ei::PacketBlock<V, L> square;
  CNNFAST_UNROLL
  for (int i = 0; i < L; ++i) square.packet[i] = load<V>(row(i));
  ei::ptranspose(square);
  CNNFAST_UNROLL
  for (int i = 0; i < L; ++i) store(column(i), V(square.packet[i]));
}

// Rows of a matrix become lanes: element r of up to L rows becomes the vector at address `place(r)`, missing rows zero.
template <class V, class T, class Place>
CNNFAST_INLINE void rows_to_lanes(Index rows, Index length, const T* x, Index stride, const Place& place) {
  constexpr Index L = kLanes<V>;
  const Index squares = length / L * L;
  const T zeros[L] = {};  // in place of the missing rows
  for (Index r = 0; r < squares; r += L) {
    transpose_square<V>([&](int i) { return i < rows ? x + i * stride + r : zeros; },
                        [&](int i) { return place(r + i); });
  }
  for (Index r = squares; r < length; ++r) {
    auto* to = place(r);
    using To = std::decay_t<decltype(*to)>;
    for (Index i = 0; i < L; ++i) to[i] = i < rows ? static_cast<To>(x[i * stride + r]) : To(0);
  }
}

// ... and back.
template <class V, class T, class Place>
CNNFAST_INLINE void lanes_to_rows(Index rows, Index length, const Place& place, T* y, Index stride) {
  constexpr Index L = kLanes<V>;
  const Index squares = length / L * L;
  T unused[L];  // in place of the missing rows
  for (Index r = 0; r < squares; r += L) {
    transpose_square<V>([&](int i) { return place(r + i); },
                        [&](int i) { return i < rows ? y + i * stride + r : unused; });
  }
  for (Index r = squares; r < length; ++r) {
    const auto* from = place(r);
    for (Index i = 0; i < L; ++i) {
      if (i < rows) y[i * stride + r] = static_cast<T>(from[i]);
    }
  }
}

CNNFAST_KERNELS_END
