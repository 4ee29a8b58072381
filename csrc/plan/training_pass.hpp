// One training pass over a batch by all threads of a team: segments one after the other, and within each of them shards
// in dynamic order. Where several processes compute one batch, each runs its own shards, and receives those of the
// others before they are combined or summed.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>

#include "plan/tile_run.hpp"
#include "runtime/threads.hpp"
#include "train/shard_exchange.hpp"

namespace cnnfast {

template <class T>
struct Plan<T>::TrainingPass {
  const Plan& plan;
  Workspace& w;
  const T* params;
  Index n;
  std::uint64_t seed;
  RequiresGrad wanted;
  ShardExchange* exchange = nullptr;  // null: this process computes all shards
  // Arenas of all tiles, of a tape or (with several segments) of the workspace. Null: each thread uses its own arena
  // for all of its tiles.
  std::byte* arenas = nullptr;
  T* statistics = nullptr;  // of the batch
  T* values = nullptr;      // batch buffers, of a tape or of the workspace
  std::vector<NodeTime>* times = nullptr;
  std::shared_ptr<const ExternalLayers<T>> external = nullptr;  // of a tape; else made by `reserve`

  const Program& program = plan.training_;
  const bool segmented = program.segments.size() > 1;
  const Index shards = plan.shards(n);
  const Range own = own_shards(exchange, shards);
  Tasks shard_tasks{static_cast<int>(own.end - own.first)};
  // For phases of even and of odd number.
  Tasks pack_tasks[2] = {Tasks(static_cast<int>(program.slices.size())),
                         Tasks(static_cast<int>(program.slices.size()))};
  bool with_backward = false;
  // Of the exchange or an external layer; written by one thread between two barriers.
  std::exception_ptr error = nullptr;

  // Memory for a pass on `threads` threads.
  void reserve(int threads, bool backward) {
    with_backward = backward;
    if (segmented && arenas == nullptr) {
      w.batch.reserve(static_cast<std::size_t>(plan.first_tile(n, shards)) * program.layout.bytes);
      arenas = w.batch.data();
    }
    if (values == nullptr) {
      w.batch_values.reserve(static_cast<std::size_t>(n * program.batch_values.count) * sizeof(T));
      values = w.batch_values.template at<T>(0);
    }
    if (backward) w.batch_gradients.reserve(static_cast<std::size_t>(n * program.batch_gradients.count) * sizeof(T));
    if (segmented && statistics == nullptr) {
      w.batch_statistics.reserve(static_cast<std::size_t>(program.statistics_count) * sizeof(T));
      statistics = w.batch_statistics.template at<T>(0);
    }
    if (static_cast<int>(w.tiles.size()) < threads) w.tiles.resize(static_cast<std::size_t>(threads));
    const std::size_t of_thread = arenas == nullptr ? program.layout.bytes : program.layout.thread_bytes;
    for (int t = 0; t < threads; ++t) w.tiles[static_cast<std::size_t>(t)].reserve(of_thread);
    if (external == nullptr && program.external_count > 0) {
      external = std::make_shared<ExternalLayers<T>>(program, n, true);
    }
    plan.reserve_packed(program, true, w.packed);
    const auto grads = static_cast<std::size_t>(shards * program.packed_grad_count);
    if (backward) w.shard_grads.reserve(grads * sizeof(AccumulatorOf<T>));
    if (program.statistics_count == 0) return;
    w.gradient_statistics.reserve(static_cast<std::size_t>(program.statistics_count) * sizeof(T));
    w.shard_statistics.reserve(static_cast<std::size_t>(shards * partial_size()) * sizeof(double));
  }
  Index partial_size() const { return program.shard_statistics_count; }
  double* partial(Index shard) const { return w.shard_statistics.template at<double>(0) + shard * partial_size(); }
  T* d_statistics() const { return program.statistics_count == 0 ? nullptr : w.gradient_statistics.template at<T>(0); }
  const std::byte* packed() const { return w.packed.data(); }
  BatchArrays batch_arrays() const { return {values, w.batch_gradients.template at<T>(0), n}; }

  // Calls f(tile, shard, first_in_shard) for all tiles of own shards, each shard on one thread.
  template <class F>
  void for_each_tile(const Team& team, const F& f) {
    const Layout& layout = program.layout;
    for (int task = 0; shard_tasks.next(task);) {
      const Index shard = own.first + task;
      const Range images = plan.shard_images(n, shard);
      std::byte* own_arena = w.tiles[static_cast<std::size_t>(team.thread())].data();
      std::byte* arena =
          arenas == nullptr ? own_arena : arenas + static_cast<std::size_t>(plan.first_tile(n, shard)) * layout.bytes;
      for (Index first = images.first; first < images.end; first += layout.tile) {
        f(TileRun{plan, program, arena, packed(), first, std::min(layout.tile, images.end - first), seed, statistics,
                  d_statistics(), times, batch_arrays(), own_arena, external.get()},
          shard, first == images.first);
        if (arenas != nullptr) arena += layout.bytes;
      }
    }
  }

  // Packs the weights for the phase that the pass begins with. Phase s is forward through segment s (with backward in
  // the last segment), phase 2 S - 2 - s backward through it.
  void begin(const Team& team, std::size_t phase) {
    pack(phase);
    team.barrier();
  }

  // Forward through all segments. `begin` and `finish` are called for every tile, before the first and after the last
  // segment.
  template <class Begin, class Finish>
  void forward(const Team& team, const Begin& begin, const Finish& finish) {
    const std::size_t count = program.segments.size();
    for (std::size_t s = 0; s < count; ++s) {
      for_each_tile(team, [&](const TileRun& run, Index shard, bool first_in_shard) {
        if (s == 0) begin(run);
        run.forward(program.segments[s]);
        if (s + 1 == count) return finish(run, shard, first_in_shard);
        if (first_in_shard) clear_partial(shard);
        run.collect(program.segments[s + 1].first, partial(shard));
      });
      if (s + 1 == count) return;
      const PlanNode& next = program.nodes[program.segments[s + 1].first];
      if (!reduce(team, s + 1, [&] { combine(next); })) return;
    }
  }

  // The gradients of the last segment, for a tile whose d_output is computed.
  void backward_last(const TileRun& run, Index shard, bool first_in_shard) {
    backward_segment(program.segments.size() - 1, run, shard, first_in_shard);
  }
  // ... and of the segments before it.
  void backward_rest(const Team& team) {
    const std::size_t count = program.segments.size();
    for (std::size_t s = count - 1; s-- > 0;) {
      if (program.segments[s + 1].first < first_node()) return;
      const PlanNode& next = program.nodes[program.segments[s + 1].first];
      if (!reduce(team, 2 * count - 2 - s, [&] { d_combine(next); })) return;
      for_each_tile(team, [&](const TileRun& run, Index shard, bool first_in_shard) {
        backward_segment(s, run, shard, first_in_shard);
      });
    }
  }
  // Prepares another loop over all tiles.
  void restart(const Team& team) {
    reduce(team, 2 * program.segments.size() - 1, [] {});
  }
  // The results of all processes, after backward. False, for all threads: a call has failed, and the pass ends.
  bool gather_results(const Team& team, ImageResult* results) {
    if (exchange == nullptr || error) return !error;
    return reduce(team, 2 * program.segments.size() - 1, [&] {
      const Range images{plan.shard_images(n, own.first).first, plan.shard_images(n, own.end).first};
      gather(plan.shard_grads(w, 0), program.packed_grad_count, shards, own);
      gather_buffers(program.batch_values, batch_arrays().values, images);
      gather_buffers(program.batch_gradients, batch_arrays().gradients, images);
      gather(results, 1, n, images);
    });
  }

 private:
  void clear_partial(Index shard) const { std::fill_n(partial(shard), partial_size(), 0.0); }
  // Rows of `size` elements.
  template <class E>
  void gather(E* rows, Index size, Index count, const Range& computed) const {
    if (exchange != nullptr && size > 0) {
      exchange->gather(rows, static_cast<std::size_t>(size) * sizeof(E), count, computed);
    }
  }
  void gather_buffers(const BatchBuffers& buffers, T* memory, const Range& images) const {
    for (std::size_t value = 0; value < program.shapes.size(); ++value) {
      const Index first = buffers.first[value];
      if (first >= 0) gather(memory + first * n, program.shapes[value].size(), n, images);
    }
  }

  // A segment without its first node if that needs statistics of the whole batch; and the first node of the next
  // segment.
  void backward_segment(std::size_t s, const TileRun& run, Index shard, bool first_in_shard) {
    const bool last = s + 1 == program.segments.size();
    const std::size_t end = last ? program.nodes.size() : program.segments[s + 1].first + 1;
    const std::size_t first = program.segments[s].first;
    run.backward({s > 0 ? first + 1 : first, end}, plan.shard_grads(w, shard), !first_in_shard, wanted);
    if (s == 0) return;
    if (first_in_shard) clear_partial(shard);
    if (run.wants(program.nodes[first].output, wanted)) run.d_collect(first, partial(shard));
  }
  const GradientPath& path() const { return wanted.path != nullptr ? *wanted.path : program.path; }
  // The first node whose backward is needed.
  std::size_t first_node() const { return wanted.path == nullptr ? 0 : wanted.path->first; }

  // The weights of all nodes before the first phase; or (packed_by_segment) those of the nodes of a phase.
  void pack(std::size_t phase) {
    const std::size_t count = program.segments.size();
    Segment nodes{0, program.nodes.size()};
    if (program.packed_by_segment) {
      if (phase >= 2 * count - 1) return;
      const bool back = phase >= count;
      const std::size_t s = back ? 2 * count - 2 - phase : phase;
      nodes = {program.segments[s].first, back ? program.segments[s + 1].first + 1 : program.segments[s].end};
    }
    const bool backward = with_backward && (phase + 1 >= count || !program.packed_by_segment);
    plan.pack(program, params, w.packed.data(), backward ? &path() : nullptr, nodes, pack_tasks[phase % 2]);
  }

  // Barrier; one thread calls f, the others pack the weights of the phase that follows, and wait for it. False, for all
  // threads, if f has thrown, now or before: an exception must not leave a parallel region.
  template <class F>
  bool reduce(const Team& team, std::size_t phase, const F& f) {
    if (error) return false;
    team.barrier();
    if (team.thread() == 0) {
      try {
        f();
      } catch (...) {
        error = std::current_exception();
      }
      shard_tasks.reset();
      pack_tasks[(phase + 1) % 2].reset();
    }
    if (program.packed_by_segment) pack(phase);
    team.barrier();
    return !error;
  }

  // The statistics of a node, from those of all shards; or the outputs of an external layer.
  void combine(const PlanNode& node) {
    if (node.external >= 0) return external->forward(node, params + node.params);
    gather(partial(0), partial_size(), shards, own);
    with_batch_statistics(node.op, [&](const auto& g) { plan.table_.statistics_of(g).combine(g, combine_args(node)); });
  }
  // Those of its gradient, and the gradients of its parameters, to the first shard.
  void d_combine(const PlanNode& node) {
    if (node.external >= 0 && !wanted.input && !path().values[static_cast<std::size_t>(node.output)]) return;
    if (node.external < 0) gather(partial(0), partial_size(), shards, own);
    for (Index shard = 0; shard < shards; ++shard) {
      std::memset(plan.shard_grads(w, shard) + node.packed_grads, 0,
                  static_cast<std::size_t>(node.packed_grad_count) * sizeof(AccumulatorOf<T>));
    }
    if (node.external >= 0) return d_external(node);
    with_batch_statistics(node.op,
                          [&](const auto& g) { plan.table_.statistics_of(g).d_combine(g, combine_args(node)); });
  }
  void d_external(const PlanNode& node) const {
    std::vector<T> grads(static_cast<std::size_t>(node.param_count));
    external->backward(node, grads.data());
    std::copy(grads.begin(), grads.end(), plan.shard_grads(w, 0) + node.packed_grads);
  }
  CombineArgs<T> combine_args(const PlanNode& node) const {
    CombineArgs<T> args;
    args.n = n;
    args.shards = shards;
    args.stride = partial_size();
    args.sums = partial(0);
    args.params = params + node.params;
    args.statistics = statistics + node.statistics;
    args.d_statistics = d_statistics() + node.statistics;
    args.packed_grads = plan.shard_grads(w, 0) + node.packed_grads;
    return args;
  }
};

}  // namespace cnnfast
