// Offsets of the buffers of a run in the arena: buffers with disjoint lifetimes may overlap.
#pragma once

#include <cstddef>
#include <vector>

namespace cnnfast {

constexpr std::size_t kNoBuffer = static_cast<std::size_t>(-1);

class LifetimePlanner {
 public:
  struct Buffer {
    std::size_t bytes;
    int first, last;
    std::size_t image_bytes;  // of the first image of the tile
    std::size_t offset = 0;
  };

  // A buffer alive from step `first` to step `last`, both included; returns its handle, or kNoBuffer for
  // an empty one.
  std::size_t add(std::size_t bytes, int first, int last, std::size_t image_bytes);
  void extend(std::size_t handle, int last);

  // Greedy: largest first, each at the lowest offset free for its whole life.
  void place();
  // Steps belong to phases (by step). Buffers that live in one phase only are placed behind all others.
  void place(const std::vector<int>& phases);
  std::size_t offset(std::size_t handle) const { return handle == kNoBuffer ? kNoBuffer : buffers_[handle].offset; }
  std::size_t total() const { return total_; }
  // Bytes of the buffers that live in several phases.
  std::size_t kept() const { return kept_; }
  const std::vector<Buffer>& buffers() const { return buffers_; }

 private:
  // Places the buffers for which `chosen` holds, from `start` on.
  template <class F>
  void place(std::size_t start, const F& chosen);

  std::vector<Buffer> buffers_;
  std::size_t total_ = 0, kept_ = 0;
};

}  // namespace cnnfast
