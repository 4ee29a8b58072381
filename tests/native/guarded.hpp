// Memory for a kernel: NaN until written, with a guard on both sides that must not be written. While `crowded`,
// buffers are allocated one after the other instead, a few elements apart and not aligned.
#pragma once

#include <algorithm>

#include "base/arena.hpp"
#include "reference.hpp"

namespace cnnfast::selftest {

inline bool crowded = false;

// Returns memory that is reused after many more requests.
class Crowd {
 public:
  std::byte* take(std::size_t bytes, std::size_t element) {
    const std::size_t gap = ++taken_ * 5 % 7 * element;
    if (next_ + gap + bytes > arena_.size()) next_ = 0;
    std::byte* found = arena_.data() + next_ + gap;
    next_ += gap + bytes;
    return found;
  }

 private:
  Arena arena_{std::size_t{1} << 26};
  std::size_t next_ = 0, taken_ = 0;
};

template <class T>
class Guarded {
 public:
  explicit Guarded(Index size) : size_(size), guarded_(!crowded) {
    static Crowd crowd;
    if (guarded_) {
      arena_.reserve(bytes() + 2 * kAlignment);
      std::fill_n(arena_.data(), arena_.size(), kFill);
      data_ = arena_.template at<T>(kAlignment);
    } else {
      data_ = reinterpret_cast<T*>(crowd.take(bytes(), sizeof(T)));
      std::fill_n(reinterpret_cast<std::byte*>(data_), bytes(), kFill);
    }
  }
  // Null for no elements, as the plan passes it.
  T* data() const { return size_ == 0 ? nullptr : data_; }
  Index size() const { return size_; }
  void fill(T value) const { std::fill_n(data(), size_, value); }

  bool intact() const {
    const auto filled = [](const std::byte* first) {
      return std::all_of(first, first + kAlignment, [](std::byte b) { return b == kFill; });
    };
    return !guarded_ || (filled(arena_.data()) && filled(arena_.data() + kAlignment + bytes()));
  }

 private:
  static constexpr std::byte kFill{0xff};  // a NaN of either type
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }

  Index size_;
  bool guarded_;
  Arena arena_;
  T* data_;
};

template <class T>
Guarded<T> guarded(const Values& values) {
  Guarded<T> buffer(static_cast<Index>(values.size()));
  std::transform(values.begin(), values.end(), buffer.data(), [](double v) { return static_cast<T>(v); });
  return buffer;
}

}  // namespace cnnfast::selftest
