// Loops over channels-last values with coefficients or sums for each channel.
//
// The channels that the lanes of a vector hold repeat with a period. A pattern is a run of whole vectors, at least
// eight, after which they do: coefficients and sums are laid out along it, so that every vector is full for any
// number of channels, and consecutive sums are independent.
#pragma once

#include <cstring>

#include "kernels/simd/packet.hpp"

CNNFAST_KERNELS_BEGIN

template <class T>
class ChannelPattern {
 public:
  using V = Packet<T>;
  static constexpr Index L = kLanes<V>;

  explicit ChannelPattern(Index channels) : channels_(channels) {
    Index a = channels, b = L;
    while (b != 0) {
      const Index rest = a % b;
      a = b, b = rest;
    }
    period_ = channels / a * L;
    length_ = (kMinVectors * L + period_ - 1) / period_ * period_;
  }
  Index length() const { return length_; }

  // to[i] = f(channel of element i).
  template <class F>
  void lay_out(T* to, const F& f) const {
    for (Index c = 0; c < channels_; ++c) to[c] = f(c);
    for (Index done = channels_; done < length_; done *= 2) {
      const Index count = done < length_ - done ? done : length_ - done;
      std::memcpy(to + done, to, static_cast<std::size_t>(count) * sizeof(T));
    }
  }
  void clear(T* to) const {
    for (Index i = 0; i < length_; ++i) to[i] = T(0);
  }
  // The sum of the elements of a channel.
  double total(const T* along, Index channel) const { return total(along, channel, length_); }
  // The same in two steps, for sums that are read often and for every channel.
  void fold(T* along) const {
    for (Index from = period_; from < length_; from += period_) {
      for (Index k = 0; k < period_; k += L) store(along + k, ei::padd(load<V>(along + k), load<V>(along + from + k)));
    }
  }
  double folded(const T* along, Index channel) const { return total(along, channel, period_); }
  // Calls f(index, index in the pattern, count) for all vectors of `size` values.
  template <class F>
  CNNFAST_INLINE void for_each_vector(Index size, const F& f) const {
    Index i = 0;
    for (; i + length_ <= size; i += length_) {
      for (Index k = 0; k < length_; k += L) f(i + k, k, Index{L});
    }
    for_each_group<V>(size - i, [&](Index k, Index count) { f(i + k, k, count); });
  }

  // sums += x, along the pattern.
  void add(Index size, const T* x, T* sums) const {
    for_each_vector(size, [&](Index i, Index k, Index count) {
      store(sums + k, ei::padd(load<V>(sums + k), load_upto<V>(x + i, count)));
    });
  }
  // x - mean of a vector; 0 past the end of x.
  static CNNFAST_INLINE V distance(const T* x, const T* means, Index count) {
    return ei::psub(count == L ? load<V>(x) : filled(x, means, count), load<V>(means));
  }
  // sums += (x - means)^2
  void add_squares(Index size, const T* x, const T* means, T* sums) const {
    for_each_vector(size, [&](Index i, Index k, Index count) {
      const V d = distance(x + i, means + k, count);
      store(sums + k, ei::pmadd(d, d, load<V>(sums + k)));
    });
  }

 private:
  static constexpr Index kMinVectors = 8;

  double total(const T* along, Index channel, Index end) const {
    double sum = 0;
    for (Index i = channel; i < end; i += channels_) sum += static_cast<double>(along[i]);
    return sum;
  }
  static V filled(const T* x, const T* rest, Index count) {
    alignas(64) T buffer[L];
    for (Index i = 0; i < L; ++i) buffer[i] = i < count ? x[i] : rest[i];
    return load<V>(buffer);
  }

  Index channels_, period_, length_;
};

CNNFAST_KERNELS_END
