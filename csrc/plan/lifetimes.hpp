// Offsets of the buffers of a run in the arena: buffers with disjoint lifetimes may overlap.
#pragma once

#include <cstddef>
#include <vector>

namespace cnnfast {

constexpr std::size_t kNoBuffer = static_cast<std::size_t>(-1);

class LifetimePlanner {
 public:
  // A buffer alive from step `first` to step `last`, both included; returns its handle, or kNoBuffer for
  // an empty one.
  std::size_t add(std::size_t bytes, int first, int last);
  void extend(std::size_t handle, int last);

  // Greedy: largest first, each at the lowest offset free for its whole life.
  void place();
  std::size_t offset(std::size_t handle) const { return handle == kNoBuffer ? kNoBuffer : buffers_[handle].offset; }
  std::size_t total() const { return total_; }

 private:
  struct Buffer {
    std::size_t bytes;
    int first, last;
    std::size_t offset = 0;
  };
  std::vector<Buffer> buffers_;
  std::size_t total_ = 0;
};

}  // namespace cnnfast
