// One aligned block of memory that grows on request and never shrinks: holds the activations of a run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace cnnfast {

constexpr std::size_t kAlignment = 64;  // a cache line, and the widest vector we load

// Readers may load one whole vector past the last element of a buffer; never write there.
constexpr std::size_t kReadSlack = 64;

constexpr std::size_t align_up(std::size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

class Arena {
 public:
  Arena() = default;
  explicit Arena(std::size_t bytes) { reserve(bytes); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  Arena(Arena&& other) noexcept : data_(other.data_), size_(other.size_) {
    other.data_ = nullptr;
    other.size_ = 0;
  }
  Arena& operator=(Arena&& other) noexcept {
    if (this != &other) {
      release();
      data_ = other.data_;
      size_ = other.size_;
      other.data_ = nullptr;
      other.size_ = 0;
    }
    return *this;
  }
  ~Arena() { release(); }

  // The content is lost when the block grows.
  void reserve(std::size_t bytes) {
    if (bytes <= size_) return;
    release();
    data_ = static_cast<std::byte*>(::operator new(align_up(bytes) + kReadSlack, std::align_val_t{kAlignment}));
    size_ = bytes;
  }
  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

  template <class T>
  T* at(std::size_t offset) const {
    return reinterpret_cast<T*>(data_ + offset);
  }

 private:
  void release() {
    if (data_ != nullptr) ::operator delete(data_, std::align_val_t{kAlignment});
    data_ = nullptr;
    size_ = 0;
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace cnnfast
