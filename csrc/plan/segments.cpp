#include "plan/segments.hpp"

#include <algorithm>

namespace cnnfast {

namespace {

// Packed weights of fewer bytes are kept for all segments.
constexpr std::size_t kSharedPackedBytes = std::size_t{32} << 20;

}  // namespace

void find_segments(Program& p, bool training) {
  p.segments.push_back({0, p.nodes.size()});
  const auto begin = [&](std::size_t i) {
    p.segments.back().end = i;
    p.segments.push_back({i, p.nodes.size()});
  };
  for (std::size_t i = 0; i < p.nodes.size(); ++i) {
    if (holds_alternative<External::Geometry>(p.nodes[i].op)) {
      p.nodes[i].external = p.external_count++;
      begin(i);
    }
    with_batch_statistics(p.nodes[i].op, [&](const auto& g) {
      if (!training) return;
      p.nodes[i].statistics = p.statistics_count;
      p.statistics_count += g.statistics();
      p.shard_statistics_count = std::max(p.shard_statistics_count, g.shard_statistics());
      begin(i);
    });
  }
}

void share_packed(Program& p) {
  if (p.segments.size() == 1 || p.packed_bytes < kSharedPackedBytes) return;
  std::vector<std::size_t> sizes;
  for (std::size_t i = 0; i < p.nodes.size(); ++i) {
    sizes.push_back((i + 1 < p.nodes.size() ? p.nodes[i + 1].packed : p.packed_bytes) - p.nodes[i].packed);
  }
  std::size_t shared = 0, end = 0;
  for (std::size_t s = 1; s < p.segments.size(); ++s) {
    p.nodes[p.segments[s].first].packed = shared;
    shared += sizes[p.segments[s].first];
  }
  for (const Segment& segment : p.segments) {
    std::size_t offset = shared;
    for (std::size_t i = segment.first; i < segment.end; ++i) {
      if (p.nodes[i].statistics >= 0) continue;
      p.nodes[i].packed = offset;
      offset += sizes[i];
    }
    end = std::max(end, offset);
  }
  p.packed_bytes = end;
  p.packed_by_segment = true;
}

std::vector<int> phases_of(const Program& p) {
  std::vector<int> forward, phases;
  const int segments = static_cast<int>(p.segments.size());
  for (int s = 0; s < segments; ++s) {
    const Segment& segment = p.segments[static_cast<std::size_t>(s)];
    forward.insert(forward.end(), segment.end - segment.first, s);
  }
  phases = forward;
  for (std::size_t i = p.nodes.size(); i-- > 0;) {
    const auto s = static_cast<std::size_t>(forward[i]);
    const bool waits = s > 0 && p.segments[s].first == i;
    phases.push_back(2 * segments - forward[i] + (waits ? 1 : 0));
  }
  phases.push_back(3 * segments);  // after backward
  return phases;
}

}  // namespace cnnfast
