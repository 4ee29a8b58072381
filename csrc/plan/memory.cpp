// The memory that a plan's calls need, computed without running them.
#include <algorithm>

#include "base/large_pages.hpp"
#include "plan/algorithm.hpp"
#include "plan/plan.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

namespace {

// The part of the memory from `first` to `end` that buffers of `images` images cover: fewer images than the tile has
// leave the ends of its buffers untouched, which then take no memory.
std::size_t touched(const Layout& layout, Index images, std::size_t first, std::size_t end) {
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  const auto more = static_cast<std::size_t>(images - 1), most = static_cast<std::size_t>(layout.tile - 1);
  for (const LifetimePlanner::Buffer& buffer : layout.buffers) {
    const std::size_t rest = most == 0 ? 0 : (buffer.bytes - std::min(buffer.bytes, buffer.image_bytes)) * more / most;
    if (buffer.offset < first || buffer.offset >= end) continue;
    spans.emplace_back(buffer.offset, buffer.offset + buffer.image_bytes + rest);
  }
  std::sort(spans.begin(), spans.end());
  std::size_t total = 0, covered = first;
  for (const auto& [from, to] : spans) {
    if (to > covered) total += to - std::max(from, covered);
    covered = std::max(covered, to);
  }
  return total;
}

}  // namespace

template <class T>
PlanMemory Plan<T>::memory(Index n, bool training) const {
  const Program& p = program(training);
  const Layout& layout = p.layout;
  PlanMemory m;
  if (!training) {
    for (const PlanNode& node : p.nodes) m.packed += forward_bytes(node);
    if (n == 0) return m;
    m.folded = p.steps.empty() ? 0 : static_cast<std::size_t>(p.parameter_count) * sizeof(T);
    const int threads = threads_for(p, n, n);
    const Index images = std::min(layout.tile, (n + threads - 1) / threads);
    m.arenas = static_cast<std::size_t>(threads) * touched(layout, images, 0, layout.bytes);
    return m;
  }
  m.packed = p.packed_bytes;
  if (n == 0) return m;
  const Index count = shards(n), largest = (n + count - 1) / count;
  const Index images = std::min(layout.tile, largest);
  const auto threads = static_cast<std::size_t>(threads_for(p, n, count));
  const bool segmented = p.segments.size() > 1;
  const std::size_t arenas = segmented ? static_cast<std::size_t>(first_tile(n, count)) : threads;
  m.arenas = arenas * touched(layout, images, 0, layout.bytes) +
             threads * touched(layout, images, layout.bytes, layout.bytes + layout.thread_bytes);
  m.shards = static_cast<std::size_t>(count * p.packed_grad_count) * sizeof(AccumulatorOf<T>);
  m.batch = static_cast<std::size_t>(n * (p.batch_values.count + p.batch_gradients.count)) * sizeof(T);
  return m;
}

template <class T>
std::size_t Plan<T>::forward_bytes(const PlanNode& node) const {
  const Index packed = visit([&](const auto& g) { return table_.of(g).sizes(g, 1).packed; }, node.op);
  return static_cast<std::size_t>(packed_for_forward(node.op, packed, node.param_count)) * sizeof(T);
}

// In inference, what only backward reads is never written, and must not become part of a large page.
template <class T>
void Plan<T>::reserve_packed(const Program& p, bool training, Arena& memory) const {
  if (memory.size() >= p.packed_bytes) return;
  memory.reserve(p.packed_bytes);
  if (training) return advise_large_pages(memory.data(), p.packed_bytes);
  for (const PlanNode& node : p.nodes) advise_large_pages(memory.data() + node.packed, forward_bytes(node));
}

template PlanMemory Plan<float>::memory(Index, bool) const;
template PlanMemory Plan<double>::memory(Index, bool) const;
template void Plan<float>::reserve_packed(const Program&, bool, Arena&) const;
template void Plan<double>::reserve_packed(const Program&, bool, Arena&) const;

}  // namespace cnnfast
