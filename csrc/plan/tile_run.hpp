// Runs the nodes of a plan on a tile of images, in one arena.
#pragma once

#include <algorithm>
#include <cstring>

#include "base/clock.hpp"
#include "plan/external_layers.hpp"
#include "plan/node_parts.hpp"
#include "plan/plan.hpp"

namespace cnnfast {

// One tile in one arena: images first .. first + n of the batch.
template <class T>
struct Plan<T>::TileRun {
  const Plan& plan;
  const Program& program;
  std::byte* arena;
  const std::byte* packed;
  Index first, n;
  std::uint64_t seed = 0;
  const T* statistics = nullptr;    // of the batch; null in inference
  const T* d_statistics = nullptr;  // of its gradient
  std::vector<NodeTime>* times = nullptr;
  BatchArrays batch_arrays{};
  std::byte* thread_arena = nullptr;            // see Layout
  const ExternalLayers<T>* external = nullptr;  // null if the program has none

  T* at(std::size_t offset) const {
    if (offset == kNoBuffer) return nullptr;
    const std::size_t kept = program.layout.bytes;
    return reinterpret_cast<T*>(offset < kept ? arena + offset : thread_arena + (offset - kept));
  }
  T* value(int v) const { return find(v, program.batch_values, batch_arrays.values, program.layout.values); }
  T* gradient(int v) const {
    return find(v, program.batch_gradients, batch_arrays.gradients, program.layout.gradients);
  }
  T* find(int v, const BatchBuffers& buffers, T* memory, const std::vector<std::size_t>& offsets) const {
    const auto value = static_cast<std::size_t>(v);
    if (memory == nullptr || buffers.first[value] < 0) return at(offsets[value]);
    return memory + buffers.first[value] * batch_arrays.n + first * size(v);
  }
  T* output() const { return value(program.output_value()); }
  T* d_output() const { return gradient(program.output_value()); }
  Index size(int v) const { return program.shapes[static_cast<std::size_t>(v)].size(); }

  // The images, through the input stage to value 0.
  void load(const Batch& batch) const {
    const std::uint64_t key = noise_key(seed, 0);
    T* x = value(0);
    for (Index i = 0; i < n; ++i) plan.input_stage_.load(batch, first + i, key, x + i * size(0));
  }
  // Converts a value to NCHW.
  void store(int v, const T* from, T* to) const {
    const Shape& shape = program.shapes[static_cast<std::size_t>(v)];
    for (Index i = 0; i < n; ++i) {
      plan.table_.to_nchw(shape.channels(), shape.positions(), from + i * shape.size(), to + i * shape.size());
    }
  }
  // ... and back.
  void load_nchw(int v, const T* from, T* to) const {
    const Shape& shape = program.shapes[static_cast<std::size_t>(v)];
    for (Index i = 0; i < n; ++i) {
      plan.table_.from_nchw(shape.channels(), shape.positions(), from + i * shape.size(), to + i * shape.size());
    }
    clear_auxiliary_gradients();
  }
  // For a pass without a loss.
  void clear_auxiliary_gradients() const {
    for (const AuxiliaryOutput& output : program.auxiliary) {
      std::fill_n(gradient(output.value), n * size(output.value), T(0));
    }
  }
  void load_d_output(const T* dy) const { load_nchw(program.output_value(), dy, d_output()); }

  // The array that `xs` of a kernel's arguments points to.
  struct Inputs {
    const T* values[kMaxInputs];
  };
  void find_inputs(const PlanNode& node, Inputs& inputs) const {
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) inputs.values[slot] = value(node.inputs[slot]);
  }
  ForwardArgs<T> forward_args(std::size_t i, Inputs& inputs) const {
    const PlanNode& node = program.nodes[i];
    find_inputs(node, inputs);
    ForwardArgs<T> args;
    args.n = n;
    args.x = inputs.values[0];
    args.xs = inputs.values;
    args.packed = packed + node.packed;
    args.y = value(node.output);
    args.saved = program.layout.saved.empty() ? nullptr : at(program.layout.saved[i]);
    args.scratch = at(program.layout.scratch[i]);
    args.statistics = statistics_of(statistics, node);
    args.noise = {noise_key(seed, node.output), first};
    return args;
  }
  static const T* statistics_of(const T* all, const PlanNode& node) {
    return all == nullptr || node.statistics < 0 ? nullptr : all + node.statistics;
  }

  // Part `part` of `parts` of node i, with the scratch of the calling thread.
  void forward_part(std::size_t i, Index part, Index parts, const TileRun& own) const {
    const PlanNode& node = program.nodes[i];
    const NodePart range = part_of(node.op, part, parts);
    Inputs inputs;
    ForwardArgs<T> args = forward_args(i, inputs);
    args.scratch = own.at(program.layout.scratch[i]);
    args.x += range.x;
    args.y += range.y;
    args.first_output = range.y;
    args.slice = range.slice;
    if (node.inputs.size() > 1) inputs.values[1] += range.y;  // a residual has the layout of y
    visit([&](const auto& g) { plan.table_.of(g).forward(g, args); }, range.op);
  }
  void forward(const Segment& nodes) const {
    for (std::size_t i = nodes.first; i < nodes.end; ++i) {
      const double start = times != nullptr ? seconds() : 0;
      forward_node(i);
      if (times != nullptr) (*times)[i].forward += seconds() - start;
    }
  }

  void forward_node(std::size_t i) const {
    const PlanNode& node = program.nodes[i];
    if (node.external >= 0) {
      load_nchw(node.output, external->out(node) + first * size(node.output), value(node.output));
      return;
    }
    Inputs inputs;
    const ForwardArgs<T> args = forward_args(i, inputs);
    visit([&](const auto& g) { plan.table_.of(g).forward(g, args); }, node.op);
  }

  // Adds to packed_grads, or overwrites them.
  void backward(const Segment& nodes, AccumulatorOf<T>* packed_grads, bool accumulate, RequiresGrad wanted) const {
    for (std::size_t i = nodes.end; i-- > nodes.first;) {
      const double start = times != nullptr ? seconds() : 0;
      const PlanNode& node = program.nodes[i];
      if (wants(node.output, wanted)) backward_node(i, packed_grads, accumulate, wanted);
      if (times != nullptr) (*times)[i].backward += seconds() - start;
    }
  }
  // Whether the gradient of a value is computed.
  bool wants(int v, RequiresGrad wanted) const {
    return wanted.input || path(wanted).values[static_cast<std::size_t>(v)];
  }
  const GradientPath& path(const RequiresGrad& wanted) const {
    return wanted.path != nullptr ? *wanted.path : program.path;
  }

  BackwardArgs<T> backward_args(std::size_t i, Inputs& inputs) const {
    const PlanNode& node = program.nodes[i];
    find_inputs(node, inputs);
    BackwardArgs<T> args;
    args.n = n;
    args.x = inputs.values[0];
    args.xs = inputs.values;
    args.y = value(node.output);
    args.saved = at(program.layout.saved[i]);
    args.packed = packed + node.packed;
    args.dy = gradient(node.output);
    args.scratch = at(program.layout.d_scratch[i]);
    args.statistics = statistics_of(statistics, node);
    args.d_statistics = statistics_of(d_statistics, node);
    return args;
  }
  void backward_node(std::size_t i, AccumulatorOf<T>* packed_grads, bool accumulate, RequiresGrad wanted) const {
    const PlanNode& node = program.nodes[i];
    const auto target = [&](std::size_t slot) -> T* {
      if (!wants(node.inputs[slot], wanted)) return nullptr;
      if (!node.writes_first[slot]) return at(program.layout.branch[i][slot]);
      T* to = gradient(node.inputs[slot]);
      return to == gradient(node.output) ? nullptr : to;  // the same memory
    };
    T* dxs[kMaxInputs];
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) dxs[slot] = target(slot);
    Inputs inputs;
    BackwardArgs<T> args = backward_args(i, inputs);
    args.dx = dxs[0];
    args.dxs = dxs;
    if (wanted.parameters && path(wanted).nodes[i]) args.packed_grads = packed_grads + node.packed_grads;
    args.accumulate = accumulate;
    if (node.external < 0) {
      visit([&](const auto& g) { plan.table_.of(g).backward(g, args); }, node.op);
    } else if (args.dx != nullptr) {
      load_nchw(node.inputs[0], external->out(node) + first * size(node.inputs[0]), args.dx);
    }
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      if (wants(node.inputs[slot], wanted) && !node.writes_first[slot]) {
        const T* added = node.passes_gradient ? gradient(node.output) : at(program.layout.branch[i][slot]);
        plan.table_.add(n * size(node.inputs[slot]), added, gradient(node.inputs[slot]));
      }
    }
  }

  // Adds the statistics of this tile for node i to those of its shard; for an external layer, copies its inputs.
  void collect(std::size_t i, double* shard) const {
    const PlanNode& node = program.nodes[i];
    if (node.external >= 0) {
      store(node.inputs[0], value(node.inputs[0]), external->in(node) + first * size(node.inputs[0]));
      return;
    }
    const double start = times != nullptr ? seconds() : 0;
    Inputs inputs;
    const ForwardArgs<T> args = forward_args(i, inputs);
    with_batch_statistics(node.op, [&](const auto& g) { plan.table_.statistics_of(g).collect(g, args, shard); });
    if (times != nullptr) (*times)[i].forward += seconds() - start;
  }
  void d_collect(std::size_t i, double* shard) const {
    const PlanNode& node = program.nodes[i];
    if (node.external >= 0) {
      store(node.output, gradient(node.output), external->in(node) + first * size(node.output));
      return;
    }
    const double start = times != nullptr ? seconds() : 0;
    Inputs inputs;
    const BackwardArgs<T> args = backward_args(i, inputs);
    with_batch_statistics(node.op, [&](const auto& g) { plan.table_.statistics_of(g).d_collect(g, args, shard); });
    if (times != nullptr) (*times)[i].backward += seconds() - start;
  }

  // Random numbers differ from node to node and from step to step. Steele, Lea & Flood 2014, Fast splittable
  // pseudorandom number generators: the mixing function of SplitMix64.
  static std::uint64_t noise_key(std::uint64_t seed, int node) {
    std::uint64_t z = seed + 0x9e3779b97f4a7c15U * static_cast<std::uint64_t>(node + 1);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
};

}  // namespace cnnfast
