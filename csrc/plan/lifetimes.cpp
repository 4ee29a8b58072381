#include "plan/lifetimes.hpp"

#include <algorithm>

#include "base/arena.hpp"

namespace cnnfast {

std::size_t LifetimePlanner::add(std::size_t bytes, int first, int last, std::size_t image_bytes) {
  if (bytes == 0) return kNoBuffer;
  buffers_.push_back({align_up(bytes), first, last, image_bytes});
  return buffers_.size() - 1;
}

void LifetimePlanner::extend(std::size_t handle, int last) {
  if (handle != kNoBuffer) buffers_[handle].last = std::max(buffers_[handle].last, last);
}

template <class F>
void LifetimePlanner::place(std::size_t start, const F& chosen) {
  std::vector<std::size_t> order;
  for (std::size_t handle = 0; handle < buffers_.size(); ++handle) {
    if (chosen(buffers_[handle])) order.push_back(handle);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers_[a].bytes > buffers_[b].bytes; });
  std::vector<const Buffer*> placed;  // by offset
  total_ = std::max(total_, start);
  for (std::size_t handle : order) {
    Buffer& buffer = buffers_[handle];
    std::size_t offset = start;
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

void LifetimePlanner::place() {
  place(0, [](const Buffer&) { return true; });
  kept_ = total_;
}

void LifetimePlanner::place(const std::vector<int>& phases) {
  const auto in_one = [&](const Buffer& buffer) {
    return phases[static_cast<std::size_t>(buffer.first)] == phases[static_cast<std::size_t>(buffer.last)];
  };
  place(0, [&](const Buffer& buffer) { return !in_one(buffer); });
  kept_ = total_;
  place(kept_, in_one);
}

}  // namespace cnnfast
