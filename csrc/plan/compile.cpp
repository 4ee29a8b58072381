// Compiles a graph: parameter offsets, tile size and arena layout.
#include <algorithm>

#include "base/error.hpp"
#include "plan/algorithm.hpp"
#include "plan/plan.hpp"
#include "plan/segments.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

namespace {

// Every tile reads all weights once: larger tiles amortize that, until their activations no longer fit the caches.
// Large weights justify larger tiles. The numbers are fixed, so that results do not depend on the machine.
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
constexpr std::size_t kShardGradBytes = std::size_t{128} << 20;

// Weights that a thread packs, unpacks or checks at a time.
constexpr Index kWeightsPerSlice = Index{1} << 13;
constexpr Index kMaxSlices = 16;

template <class T>
KernelSizes kernel_sizes(const KernelTable<T>& table, const PlanNode& node, Index n) {
  return visit([&](const auto& g) { return table.of(g).sizes(g, n); }, node.op);
}

// Elements of the scratch memory that backward touches for one image. Winograd's algorithm needs the transformed
// gradient of all weights only where the tiles of an image make several blocks, which more images do not enlarge.
template <class T>
Index touched_scratch(const KernelTable<T>& table, const PlanNode& node) {
  const KernelSizes one = kernel_sizes(table, node, 1);
  const bool one_block = one.forward_scratch < kernel_sizes(table, node, 2).forward_scratch;
  return uses_winograd(node.op) && one_block ? one.forward_scratch : one.backward_scratch;
}

// An operation chooses the type of its packed weights.
template <class T>
std::size_t packed_bytes(const KernelTable<T>& table, const PlanNode& node, const KernelSizes& sizes) {
  const std::size_t element = visit([&](const auto& g) { return table.of(g).packed_element; }, node.op);
  return static_cast<std::size_t>(sizes.packed) * element;
}

}  // namespace

template <class T>
Plan<T>::Plan(const Graph& graph, const InputStage& stage, Isa isa, bool exact)
    : Plan(graph, stage, kernel_table<T>(isa), exact) {}

template <class T>
Plan<T>::Plan(const Graph& graph, const InputStage& stage, const KernelTable<T>& table, bool exact)
    : table_(table), input_stage_(table_, stage, graph.shape(0)) {
  if (graph.nodes().empty()) fail("Plan: the graph has no layers; add at least one");
  graph.check_auxiliary();
  training_ = make_program(graph, exact);
  const Simplified simple = simplified(graph, exact);
  inference_ = simple.steps.empty() && simple.graph.nodes().size() == graph.nodes().size()
                   ? training_
                   : make_program(simple.graph, exact);
  inference_.steps = simple.steps;
  find_segments(training_, true);
  find_segments(inference_, false);
  inference_.layout = make_layout(inference_, false, choose_tile(inference_, false));
  training_.layout = make_layout(training_, true, choose_tile(training_, true), training_.segments.size() > 1);
  share_packed(training_);
}

namespace {

// What backward computes if `trained(node)` tells whether a node's parameters are trained: values that depend on them
// need a gradient.
template <class F>
GradientPath gradient_path(const Program& p, const F& trained) {
  GradientPath path{std::vector<bool>(p.shapes.size(), false), {}, p.nodes.size()};
  for (std::size_t i = 0; i < p.nodes.size(); ++i) {
    const PlanNode& node = p.nodes[i];
    path.nodes.push_back(trained(node));
    bool needs = path.nodes.back();
    for (int value : node.inputs) needs = needs || path.values[static_cast<std::size_t>(value)];
    path.values[static_cast<std::size_t>(node.output)] = needs;
    if (needs) path.first = std::min(path.first, i);
  }
  return path;
}

// ... and which input slot writes each gradient first in backward order.
void find_gradient_paths(Program& p) {
  p.path = gradient_path(p, [](const PlanNode& node) { return node.param_count > 0; });
  std::vector<bool> written(p.shapes.size(), false);
  for (auto node = p.nodes.rbegin(); node != p.nodes.rend(); ++node) {
    for (int value : node->inputs) {
      node->writes_first.push_back(!written[static_cast<std::size_t>(value)]);
      written[static_cast<std::size_t>(value)] = true;
    }
  }
}

// The gradient of each input is that of the output.
bool passes_gradient(const BoundOp& op) {
  return visit(
      [](const auto& g) {
        if constexpr (kMayPassGradient<std::decay_t<decltype(g)>>) return g.passes_gradient();
        return false;
      },
      op);
}

// Neighbors that are trained become one range, ranges of many parameters several.
void find_trained(Program& p) {
  std::vector<Range>& list = p.trained;
  for (const PlanNode& node : p.nodes) {
    Index first = node.params;
    for (const NamedShape& parameter : node.parameters) {
      const Index end = first + parameter.shape.size();
      while (parameter.trained && first < end) {
        const bool joins = !list.empty() && list.back().end == first && first - list.back().first < kWeightsPerSlice;
        if (!joins) list.push_back({first, first});
        first = list.back().end = std::min(end, list.back().first + kWeightsPerSlice);
      }
      first = end;
    }
  }
}

// Operands of whole-batch weight gradients are kept for all images.
void find_batch_buffers(Program& p) {
  p.batch_values.first.assign(p.shapes.size(), -1);
  p.batch_gradients.first.assign(p.shapes.size(), -1);
  for (PlanNode& node : p.nodes) {
    node.whole_batch_weight_grad =
        visit([](const auto& g) { return kHasWholeBatchWeightGrad<std::decay_t<decltype(g)>>; }, node.op);
    if (!node.whole_batch_weight_grad) continue;
    const auto x = static_cast<std::size_t>(node.inputs[0]), y = static_cast<std::size_t>(node.output);
    p.batch_values.add(x, p.shapes[x].size());
    p.batch_gradients.add(y, p.shapes[y].size());
  }
}

}  // namespace

// The path of parameters that are not in `frozen`.
template <class T>
GradientPath Plan<T>::path_without(const std::vector<Range>& frozen) const {
  return gradient_path(training_, [&](const PlanNode& node) {
    Index first = node.params;
    for (const NamedShape& parameter : node.parameters) {
      const Index end = first + parameter.shape.size();
      const bool fixed =
          std::any_of(frozen.begin(), frozen.end(), [&](const Range& r) { return r.first <= first && end <= r.end; });
      if (parameter.trained && !fixed) return true;
      first = end;
    }
    return false;
  });
}

template <class T>
Program Plan<T>::make_program(const Graph& graph, bool exact) const {
  Program p;
  p.shapes = graph.shapes();
  p.nodes = make_nodes(graph, exact, table_.lanes);
  for (PlanNode& node : p.nodes) {
    const KernelSizes sizes = kernel_sizes(table_, node, 1);
    const Index per_line = static_cast<Index>(kAlignment / sizeof(AccumulatorOf<T>));
    node.algorithm = algorithm_name(node.op);
    node.executed = executed_macs(node.op, node.macs);
    node.params = p.parameter_count;
    node.packed = p.packed_bytes;
    node.packed_grads = p.packed_grad_count;
    node.packed_grad_count = sizes.packed_grads;
    node.passes_gradient = passes_gradient(node.op);
    p.parameter_count += node.param_count;
    p.packed_bytes += align_up(packed_bytes(table_, node, sizes));
    p.packed_grad_count += (sizes.packed_grads + per_line - 1) / per_line * per_line;
    p.work += node.macs + kWorkPerElement * p.shapes[static_cast<std::size_t>(node.output)].size();
    const Index parts = std::clamp<Index>(node.param_count / kWeightsPerSlice, 1, kMaxSlices);
    for (int part = 0; part < parts && node.param_count > 0; ++part) {
      p.slices.push_back({static_cast<std::size_t>(&node - p.nodes.data()), {part, static_cast<int>(parts)}});
    }
    if (node.auxiliary > 0) p.auxiliary.push_back({node.output, node.auxiliary});
    if (p.parameter_count > kMaxElements) fail("Plan: more than ", kMaxElements, " parameters");
  }
  find_gradient_paths(p);
  find_trained(p);
  find_batch_buffers(p);
  return p;
}

// Steps: node i runs forward at step i and backward at step 2 N - 1 - i.
template <class T>
Layout Plan<T>::make_layout(const Program& program, bool training, Index tile, bool by_segment) const {
  const std::vector<PlanNode>& nodes = program.nodes;
  const std::vector<Shape>& shapes = program.shapes;
  const int count = static_cast<int>(nodes.size());
  const auto back = [count](int node) { return 2 * count - 1 - node; };
  const auto bytes = [&](int value) {
    return static_cast<std::size_t>(shapes[static_cast<std::size_t>(value)].size() * tile) * sizeof(T);
  };
  const auto scratch_bytes = [](Index elements) { return static_cast<std::size_t>(elements) * sizeof(T); };

  LifetimePlanner planner;
  const auto add = [&](std::size_t size, int first, int last) {
    return planner.add(size, first, last, size / static_cast<std::size_t>(tile));
  };
  std::vector<std::size_t> values(shapes.size(), kNoBuffer), gradients(shapes.size(), kNoBuffer);
  std::vector<std::size_t> saved, scratch, d_scratch;
  std::vector<std::vector<std::size_t>> branch;
  std::vector<int> made(shapes.size(), -1), last_read(shapes.size(), -1);  // nodes
  std::vector<int> readers(shapes.size(), 0);
  // In training some are in batch buffers instead.
  const auto arena_bytes = [&](const BatchBuffers& buffers, int value) {
    return training && buffers.first[static_cast<std::size_t>(value)] >= 0 ? 0 : bytes(value);
  };
  values.front() = add(arena_bytes(program.batch_values, 0), 0, 0);
  for (int i = 0; i < count; ++i) {
    const PlanNode& node = nodes[static_cast<std::size_t>(i)];
    const auto out = static_cast<std::size_t>(node.output);
    values[out] = add(arena_bytes(program.batch_values, node.output), i, i);
    made[out] = i;
    const KernelSizes sizes = kernel_sizes(table_, node, tile), of_one = kernel_sizes(table_, node, 1);
    for (int value : node.inputs) {
      planner.extend(values[static_cast<std::size_t>(value)], training && node.reads_x ? back(i) : i);
      last_read[static_cast<std::size_t>(value)] = i;
      ++readers[static_cast<std::size_t>(value)];
    }
    scratch.push_back(planner.add(scratch_bytes(sizes.forward_scratch), i, i, scratch_bytes(of_one.forward_scratch)));
    if (!training) continue;
    if (node.reads_y) planner.extend(values[out], back(i));
    saved.push_back(add(static_cast<std::size_t>(node.saved) * bytes(node.output), i, back(i)));
    d_scratch.push_back(planner.add(scratch_bytes(sizes.backward_scratch), back(i), back(i),
                                    scratch_bytes(touched_scratch(table_, node))));
    branch.emplace_back();
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const bool written = node.writes_first[slot] || node.passes_gradient;
      const std::size_t branch_bytes = written ? 0 : bytes(node.inputs[slot]);
      branch.back().push_back(add(branch_bytes, back(i), back(i)));
    }
  }
  // The outputs are read after the last step; in training the loss reads them before the first backward step, and
  // writes their gradients.
  planner.extend(values.back(), training ? count : count - 1);
  for (const AuxiliaryOutput& output : program.auxiliary) {
    planner.extend(values[static_cast<std::size_t>(output.value)], training ? count : count - 1);
  }
  for (int value = program.output_value(); training && value >= 0; --value) {
    const auto v = static_cast<std::size_t>(value);
    if (value > 0 && made[v] < 0) continue;  // inside a fused node
    const int last = back(std::max(made[v], 0));
    const PlanNode* reader = last_read[v] < 0 ? nullptr : &nodes[static_cast<std::size_t>(last_read[v])];
    const std::size_t size = arena_bytes(program.batch_gradients, value);
    if (reader != nullptr && reader->passes_gradient && readers[v] == 1 && size > 0) {
      gradients[v] = gradients[static_cast<std::size_t>(reader->output)];  // it is not written any more
      planner.extend(gradients[v], last);
    }
    if (gradients[v] == kNoBuffer) {
      gradients[v] = add(size, reader == nullptr ? count - 1 : back(last_read[v]), last);
    }
  }
  if (by_segment) {
    planner.extend(gradients.front(), 2 * count);  // it is read after all segments
    if (program.segments.front().end == 0)
      planner.extend(values.front(), 2 * count);  // loaded before the first barrier
    planner.place(phases_of(program));
  } else {
    planner.place();
  }

  const auto offsets = [&](const std::vector<std::size_t>& handles) {
    std::vector<std::size_t> list;
    for (std::size_t handle : handles) list.push_back(planner.offset(handle));
    return list;
  };
  Layout layout{tile,
                planner.kept(),
                planner.total() - planner.kept(),
                offsets(values),
                offsets(gradients),
                offsets(saved),
                offsets(scratch),
                offsets(d_scratch),
                {},
                planner.buffers()};
  for (const auto& slots : branch) layout.branch.push_back(offsets(slots));
  return layout;
}

template <class T>
Index Plan<T>::choose_tile(const Program& program, bool training) const {
  const std::size_t most = std::clamp(program.packed_bytes, kMinTileBytes, kMaxTileBytes);
  Index tile = kMaxTile;
  while (tile > 1 && make_layout(program, training, tile).bytes > most)
    tile /= 2;  // shards of 16 images remain multiples of a tile
  return tile;
}

template <class T>
Index Plan<T>::shards(Index n) const {
  const std::size_t grad_bytes = static_cast<std::size_t>(training_.packed_grad_count) * sizeof(AccumulatorOf<T>);
  const auto affordable = static_cast<Index>(kShardGradBytes / std::max<std::size_t>(grad_bytes, 1));
  const Index wanted = std::clamp((n + kImagesPerShard - 1) / kImagesPerShard, kMinShards, kMaxShards);
  return std::max<Index>(1, std::min({wanted, affordable, n}));
}

template <class T>
int Plan<T>::threads_for(const Program& program, Index n, Index tasks) const {
  const Index useful = 1 + n * program.work / kWorkPerThread;
  return static_cast<int>(std::min<Index>({get_num_threads(), tasks, useful}));
}

template <class T>
Range Plan<T>::shard_images(Index n, Index shard) const {
  const Index count = shards(n);
  return {n * shard / count, n * (shard + 1) / count};
}

template <class T>
Index Plan<T>::first_tile(Index n, Index shard) const {
  Index tiles = 0;
  for (Index s = 0; s < shard; ++s) {
    const Range images = shard_images(n, s);
    tiles += (images.end - images.first + training_.layout.tile - 1) / training_.layout.tile;
  }
  return tiles;
}

template Plan<float>::Plan(const Graph&, const InputStage&, Isa, bool);
template Plan<float>::Plan(const Graph&, const InputStage&, const KernelTable<float>&, bool);
template GradientPath Plan<float>::path_without(const std::vector<Range>&) const;
template Index Plan<float>::shards(Index) const;
template int Plan<float>::threads_for(const Program&, Index, Index) const;
template Range Plan<float>::shard_images(Index, Index) const;
template Index Plan<float>::first_tile(Index, Index) const;
template Plan<double>::Plan(const Graph&, const InputStage&, Isa, bool);
template Plan<double>::Plan(const Graph&, const InputStage&, const KernelTable<double>&, bool);
template GradientPath Plan<double>::path_without(const std::vector<Range>&) const;
template Index Plan<double>::shards(Index) const;
template int Plan<double>::threads_for(const Program&, Index, Index) const;
template Range Plan<double>::shard_images(Index, Index) const;
template Index Plan<double>::first_tile(Index, Index) const;

}  // namespace cnnfast
