// Building a plan from a graph: placing operations, parameter windows, tile size and arena layout.
#include <algorithm>

#include "base/error.hpp"
#include "plan/algorithm.hpp"
#include "plan/plan.hpp"
#include "plan/threads.hpp"

namespace cnnfast {

namespace {

// Every tile of images reads all weights once: the more images, the less that costs, until their activations fall
// out of the caches. Heavy weights outweigh heavy activations. Fixed numbers, so that results do not depend on the
// machine.
constexpr std::size_t kMinTileBytes = std::size_t{7} << 19;
constexpr std::size_t kMaxTileBytes = std::size_t{64} << 20;
constexpr Index kMaxTile = 16;

// Enough shards to keep a few threads busy, few enough that summing them stays cheap.
constexpr Index kImagesPerShard = 16;
constexpr Index kMinShards = 4;
constexpr Index kMaxShards = 16;

// About 20 microseconds of one core.
constexpr Index kWorkPerThread = 500'000;
constexpr Index kWorkPerElement = 4;
constexpr std::size_t kShardGradBytes = std::size_t{64} << 20;

// Weights that a thread packs or unpacks at a time.
constexpr Index kWeightsPerSlice = Index{1} << 13;
constexpr Index kMaxSlices = 16;

template <class T>
KernelSizes kernel_sizes(const KernelTable<T>& table, const PlanNode& node, Index n) {
  return std::visit([&](const auto& g) { return table.of(g).sizes(g, n); }, node.op);
}

template <class T>
std::vector<T> per_channel(const char* argument, const std::vector<double>& given, double fallback, Index channels) {
  if (given.empty()) return std::vector<T>(static_cast<std::size_t>(channels), static_cast<T>(fallback));
  if (given.size() != 1 && static_cast<Index>(given.size()) != channels) {
    fail("Plan: ", argument, " must have 1 or ", channels, " entries (one a channel), got ", given.size());
  }
  std::vector<T> all(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < all.size(); ++c) all[c] = static_cast<T>(given[given.size() == 1 ? 0 : c]);
  return all;
}

}  // namespace

template <class T>
Plan<T>::Plan(const Graph& graph, std::vector<double> scale, std::vector<double> shift, Isa isa, bool exact)
    : table_(kernel_table<T>(isa)), shapes_(graph.shapes()) {
  if (graph.nodes().empty()) fail("Plan: the graph has no layers; add at least one");
  scale_ = per_channel<T>("scale", scale, 1.0 / 255, input_shape().channels());
  shift_ = per_channel<T>("shift", shift, 0.0, input_shape().channels());
  add_nodes(graph, exact);
  find_gradient_paths();
  inference_ = make_layout(false, choose_tile(false));
  training_ = make_layout(true, choose_tile(true));
}

template <class T>
void Plan<T>::add_nodes(const Graph& graph, bool exact) {
  nodes_ = make_nodes(graph, exact, table_.lanes);
  for (PlanNode& node : nodes_) {
    const KernelSizes sizes = kernel_sizes(table_, node, 1);
    const Index per_line = static_cast<Index>(kAlignment / sizeof(T));
    node.algorithm = algorithm_name(node.op);
    node.executed = executed_macs(node.op, node.macs);
    node.params = parameter_count_;
    node.packed = packed_count_;
    node.packed_grads = packed_grad_count_;
    node.packed_grad_count = sizes.packed_grads;
    parameter_count_ += node.param_count;
    packed_count_ += (sizes.packed + per_line - 1) / per_line * per_line;
    packed_grad_count_ += (sizes.packed_grads + per_line - 1) / per_line * per_line;
    work_ += node.macs + kWorkPerElement * shapes_[static_cast<std::size_t>(node.output)].size();
    const Index parts = std::clamp<Index>(node.param_count / kWeightsPerSlice, 1, kMaxSlices);
    for (int part = 0; part < parts && node.param_count > 0; ++part) {
      slices_.push_back({static_cast<std::size_t>(&node - nodes_.data()), {part, static_cast<int>(parts)}});
    }
    if (parameter_count_ > kMaxElements) fail("Plan: more than ", kMaxElements, " parameters");
  }
}

// Which values need a gradient for the parameters' sake, and which input slot writes each gradient first
// when nodes are taken in reverse.
template <class T>
void Plan<T>::find_gradient_paths() {
  needs_gradient_.assign(shapes_.size(), false);
  for (const PlanNode& node : nodes_) {
    bool needs = node.param_count > 0;
    for (int value : node.inputs) needs = needs || needs_gradient_[static_cast<std::size_t>(value)];
    needs_gradient_[static_cast<std::size_t>(node.output)] = needs;
  }
  std::vector<bool> written(shapes_.size(), false);
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    for (int value : node->inputs) {
      node->writes_first.push_back(!written[static_cast<std::size_t>(value)]);
      written[static_cast<std::size_t>(value)] = true;
    }
  }
}

// Steps: node i runs forward at step i and backward at step 2 N - 1 - i.
template <class T>
Layout Plan<T>::make_layout(bool training, Index tile) const {
  const int count = static_cast<int>(nodes_.size());
  const auto back = [count](int node) { return 2 * count - 1 - node; };
  const auto bytes = [&](int value) {
    return static_cast<std::size_t>(shapes_[static_cast<std::size_t>(value)].size() * tile) * sizeof(T);
  };
  const auto scratch_bytes = [](Index elements) { return static_cast<std::size_t>(elements) * sizeof(T); };

  LifetimePlanner planner;
  std::vector<std::size_t> values(shapes_.size(), kNoBuffer), gradients(shapes_.size(), kNoBuffer);
  std::vector<std::size_t> saved, scratch, d_scratch;
  std::vector<std::vector<std::size_t>> branch;
  std::vector<int> made(shapes_.size(), -1), last_read(shapes_.size(), -1);  // nodes
  values.front() = planner.add(bytes(0), 0, 0);
  for (int i = 0; i < count; ++i) {
    const PlanNode& node = nodes_[static_cast<std::size_t>(i)];
    const auto out = static_cast<std::size_t>(node.output);
    values[out] = planner.add(bytes(node.output), i, i);
    made[out] = i;
    const KernelSizes sizes = kernel_sizes(table_, node, tile);
    for (int value : node.inputs) {
      planner.extend(values[static_cast<std::size_t>(value)], training && node.reads_x ? back(i) : i);
      last_read[static_cast<std::size_t>(value)] = i;
    }
    scratch.push_back(planner.add(scratch_bytes(sizes.forward_scratch), i, i));
    if (!training) continue;
    if (node.reads_y) planner.extend(values[out], back(i));
    saved.push_back(planner.add(static_cast<std::size_t>(node.saved) * bytes(node.output), i, back(i)));
    d_scratch.push_back(planner.add(scratch_bytes(sizes.backward_scratch), back(i), back(i)));
    branch.emplace_back();
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const std::size_t branch_bytes = node.writes_first[slot] ? 0 : bytes(node.inputs[slot]);
      branch.back().push_back(planner.add(branch_bytes, back(i), back(i)));
    }
  }
  // The output is read out after its step; in training the loss reads it before the first backward step, and
  // writes its gradient.
  planner.extend(values.back(), training ? count : count - 1);
  if (training) {
    for (int value = 0; value < static_cast<int>(shapes_.size()); ++value) {
      const auto v = static_cast<std::size_t>(value);
      if (values[v] == kNoBuffer) continue;
      const int first = value == output_value() ? count - 1 : back(last_read[v]);
      gradients[v] = planner.add(bytes(value), first, back(std::max(made[v], 0)));
    }
  }
  planner.place();

  const auto offsets = [&](const std::vector<std::size_t>& handles) {
    std::vector<std::size_t> list;
    for (std::size_t handle : handles) list.push_back(planner.offset(handle));
    return list;
  };
  Layout layout{tile,           planner.total(),  offsets(values),    offsets(gradients),
                offsets(saved), offsets(scratch), offsets(d_scratch), {}};
  for (const auto& slots : branch) layout.branch.push_back(offsets(slots));
  return layout;
}

template <class T>
Index Plan<T>::choose_tile(bool training) const {
  const auto weights = static_cast<std::size_t>(packed_count_) * sizeof(T);
  const std::size_t most = std::clamp(weights, kMinTileBytes, kMaxTileBytes);
  Index tile = kMaxTile;
  while (tile > 1 && make_layout(training, tile).bytes > most) tile /= 2;  // shards of 16 images stay whole tiles
  return tile;
}

template <class T>
Index Plan<T>::shards(Index n) const {
  const std::size_t grad_bytes = static_cast<std::size_t>(packed_grad_count_) * sizeof(T);
  const auto affordable = static_cast<Index>(kShardGradBytes / std::max<std::size_t>(grad_bytes, 1));
  const Index wanted = std::clamp((n + kImagesPerShard - 1) / kImagesPerShard, kMinShards, kMaxShards);
  return std::max<Index>(1, std::min({wanted, affordable, n}));
}

template <class T>
int Plan<T>::threads_for(Index n, Index tasks) const {
  const Index useful = 1 + n * work_ / kWorkPerThread;
  return static_cast<int>(std::min<Index>({get_num_threads(), tasks, useful}));
}

template <class T>
typename Plan<T>::Range Plan<T>::shard_images(Index n, Index shard) const {
  const Index count = shards(n);
  return {n * shard / count, n * (shard + 1) / count};
}

template <class T>
Index Plan<T>::first_tile(Index n, Index shard) const {
  Index tiles = 0;
  for (Index s = 0; s < shard; ++s) {
    const Range images = shard_images(n, s);
    tiles += (images.end - images.first + training_.tile - 1) / training_.tile;
  }
  return tiles;
}

template class Plan<float>;
template class Plan<double>;

}  // namespace cnnfast
