#include "plan/lifetimes.hpp"

#include <algorithm>
#include <numeric>

#include "base/arena.hpp"

namespace cnnfast {

std::size_t LifetimePlanner::add(std::size_t bytes, int first, int last) {
  if (bytes == 0) return kNoBuffer;
  buffers_.push_back({align_up(bytes), first, last});
  return buffers_.size() - 1;
}

void LifetimePlanner::extend(std::size_t handle, int last) {
  if (handle != kNoBuffer) buffers_[handle].last = std::max(buffers_[handle].last, last);
}

void LifetimePlanner::place() {
  std::vector<std::size_t> order(buffers_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<const Buffer*> placed;  // by offset
  for (std::size_t handle : order) {
    Buffer& buffer = buffers_[handle];
    std::size_t offset = 0;
    for (const Buffer* other : placed) {
      const bool together = other->first <= buffer.last && buffer.first <= other->last;
      if (!together) continue;
      if (other->offset >= offset + buffer.bytes) break;  // the gap before it is wide enough
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer.offset = offset;
    total_ = std::max(total_, offset + buffer.bytes);
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &buffer,
                                   [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; }),
                  &buffer);
  }
}

}  // namespace cnnfast
