// Memory for a kernel: not-a-number until written, and a guard on both sides that nobody may write.
#pragma once

#include <algorithm>

#include "base/arena.hpp"
#include "reference.hpp"

namespace cnnfast::selftest {

template <class T>
class Guarded {
 public:
  explicit Guarded(Index size) : size_(size), arena_(bytes() + 2 * kAlignment) {
    std::fill_n(arena_.data(), arena_.size(), kFill);
  }
  // Null for no elements, as the plan passes it.
  T* data() const { return size_ == 0 ? nullptr : arena_.template at<T>(kAlignment); }
  Index size() const { return size_; }
  void fill(T value) const { std::fill_n(data(), size_, value); }

  bool intact() const {
    const auto filled = [](const std::byte* first) {
      return std::all_of(first, first + kAlignment, [](std::byte b) { return b == kFill; });
    };
    return filled(arena_.data()) && filled(arena_.data() + kAlignment + bytes());
  }

 private:
  static constexpr std::byte kFill{0xff};  // a NaN of either type
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * sizeof(T); }

  Index size_;
  Arena arena_;
};

template <class T>
Guarded<T> guarded(const Values& values) {
  Guarded<T> buffer(static_cast<Index>(values.size()));
  std::transform(values.begin(), values.end(), buffer.data(), [](double v) { return static_cast<T>(v); });
  return buffer;
}

}  // namespace cnnfast::selftest
