// A network made runnable for one element type and instruction set: parameter windows, arena offsets from
// lifetimes, and the kernels. Immutable once built, so that any number of threads may run it at once;
// what a run writes lies in a Workspace that it leases.
//
// A batch is cut into shards, and a shard into tiles of images that go through the whole network while
// they stay in a core's cache. Shards follow from the batch, tiles from the network, and shards are summed
// in order: any number of threads gives the same bits.
//
// Batch normalization needs the whole batch in training: there the nodes are cut into segments, between which all
// tiles wait for each other, each with its values in an arena of its own.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "kernels/table.hpp"
#include "plan/graph.hpp"
#include "plan/lifetimes.hpp"
#include "plan/simplify.hpp"
#include "runtime/awake_team.hpp"
#include "runtime/batch.hpp"
#include "runtime/workspace.hpp"

namespace cnnfast {

struct NamedShape {
  std::string name;
  Shape shape;
  bool trained = true;
};

struct PlanNode {
  BoundOp op;
  std::string name;       // of the layer; of the layers, joined by "+", where several became one
  std::string op_name;    // likewise
  std::string algorithm;  // of the kernels
  std::vector<int> inputs;
  int output = 0;
  std::vector<NamedShape> parameters;
  Index macs = 0;      // for one image, by definition
  Index executed = 0;  // ... and by the algorithm, forward
  Index params = 0;    // offset in the flat block, and number of elements
  Index param_count = 0;
  Index packed = 0;        // offset among the packed weights
  Index packed_grads = 0;  // offset among the packed gradients
  Index packed_grad_count = 0;
  bool reads_x = false, reads_y = false;
  bool passes_gradient = false;          // of its output to all inputs, as it is
  int saved = 0;                         // elements kept for backward, per output element
  Index statistics = -1;                 // offset of its statistics of the batch; negative: it has none
  bool whole_batch_weight_grad = false;  // their gradient is made from all images of the batch, see BatchArrays
  // In backward, input slot i is the first to write the gradient of its value (later ones add to it).
  std::vector<bool> writes_first;
};

// Byte offsets in the arena of one tile; kNoBuffer where a buffer does not exist.
struct Layout {
  Index tile = 1;  // images
  std::size_t bytes = 0;
  std::vector<std::size_t> values;               // by value
  std::vector<std::size_t> gradients;            // by value
  std::vector<std::size_t> saved;                // by node
  std::vector<std::size_t> scratch;              // by node, forward
  std::vector<std::size_t> d_scratch;            // by node, backward
  std::vector<std::vector<std::size_t>> branch;  // by node and input slot: gradient to be added to one already written
};

// A share of a node's weights, to be packed or unpacked by one thread.
struct NodeSlice {
  std::size_t node;
  Slice slice;
};

// Nodes first .. end, between two meetings of all tiles.
struct Segment {
  std::size_t first, end;
};

// Values that lie in rows, all images of the batch one after the other, rather than in a tile's arena: what
// gradients of weights are made from that wait for the whole batch.
struct BatchBuffers {
  std::vector<Index> first;  // by value: its elements begin behind so many of each image; negative: it lies in arenas
  Index count = 0;           // elements of an image

  void add(std::size_t value, Index size) {
    if (first[value] >= 0) return;
    first[value] = count;
    count += size;
  }
};

// What a plan runs for one purpose, inference or training.
struct Program {
  std::vector<PlanNode> nodes;
  std::vector<Shape> shapes;  // by value
  std::vector<Segment> segments;
  std::vector<NodeSlice> slices;
  std::vector<ParameterStep> steps;  // to the parameters the nodes read, see simplify.hpp; none: they are the plan's
  std::vector<bool> needs_gradient;  // by value: some parameter lies before it
  Index parameter_count = 0;         // what the nodes read
  Index packed_count = 0, packed_grad_count = 0;
  Index statistics_count = 0;
  BatchBuffers batch_values, batch_gradients;  // of values, of gradients; in training
  Index work = 0;  // for one image: multiply-accumulates, and a few operations for each element of each value
  Layout layout;

  int output_value() const { return static_cast<int>(shapes.size()) - 1; }
};

// A flat block of parameters; while `version` is the same, so are they. Negative: they may change at any time.
template <class T>
struct Parameters {
  const T* values = nullptr;
  std::int64_t version = -1;
};

// Weights in the layout of the forward kernels, kept between calls; never changed once made.
template <class T>
struct Packed {
  Parameters<T> of;
  Arena memory;
};

// What forward_train remembers: the arena of every tile, and the statistics of the batch.
struct Tape {
  Index n = 0;
  const void* plan = nullptr;
  Arena memory, batch_values, statistics;
};

struct NodeTime {
  double forward = 0, backward = 0;  // seconds
};

// Which gradients a backward pass computes: those of the network's input, those of the parameters.
struct RequiresGrad {
  bool input = true, parameters = true;
};

struct StepResult {
  double loss = 0;    // mean; NaN where nothing counts
  Index correct = 0;  // of targets that are classes
  double weight = 0;  // what the mean divides by: 0 where no row of the batch counts
  Index counted = 0;  // targets that are not ignored, as `correct` counts them
};

// The nodes of a graph, before offsets: layers one by one and direct kernels (`exact`); or neighbors fused, and
// each convolution with the algorithm that is best on vectors of `lanes`.
std::vector<PlanNode> make_nodes(const Graph& graph, bool exact, int lanes);

template <class T>
class Plan {
 public:
  // scale, shift: x = u8 * scale + shift, one entry a channel.
  // exact: every layer by itself, with direct kernels, so that results equal the chain of single layers
  // bit for bit.
  Plan(const Graph& graph, std::vector<double> scale, std::vector<double> shift, Isa isa, bool exact);

  const Program& program(bool training) const { return training ? training_ : inference_; }
  const Shape& input_shape() const { return training_.shapes.front(); }
  const Shape& output_shape() const { return training_.shapes.back(); }
  Index parameter_count() const { return training_.parameter_count; }
  Isa isa() const { return table_.isa; }
  Index shards(Index n) const;

  // What is drawn in training follows from `seed`. Where a parameter is a buffer, `grads` holds what its operation
  // found in this batch instead of a gradient, until `update_buffers` puts it into the parameters.
  void forward(const Batch& batch, const Parameters<T>& params, T* y) const;
  Tape forward_train(const Batch& batch, const T* params, std::uint64_t seed, T* y) const;
  void backward(const T* dy, const Tape& tape, const T* params, T* grads, T* dx) const;
  StepResult loss_and_grad(const Batch& batch, const Target<T>& target, const Loss& loss, const T* params,
                           std::uint64_t seed, T* grads) const;
  // Images a training pass needs: two where batch normalization would find a single value a channel.
  Index smallest_batch() const;
  // Running averages: p = (1 - momentum) p + momentum found, unless some of what was found is not finite: a batch with
  // NaN moves none of them. Then zeros to `grads`.
  bool has_buffers() const { return training_.statistics_count > 0; }
  Index buffer_count() const;  // elements of the parameters that are buffers
  void update_buffers(T* params, T* grads) const;
  // The buffers' share of `grads` from a forward pass.
  void store_batch_statistics(const Tape& tape, T* grads) const {
    store_batch_statistics(tape.statistics.template at<T>(0), grads);
  }
  // Without a target (null), the output stands for its own gradient.
  std::vector<NodeTime> profile(const Batch& batch, const Target<T>* target, const Loss& loss, const T* params,
                                int repeats, RequiresGrad wanted) const;

 private:
  struct TileRun;
  struct TrainingPass;
  struct InferenceCall;
  // The memory of a batch's rows; null in inference, where all lies in arenas.
  struct BatchArrays {
    T* values = nullptr;
    T* gradients = nullptr;
    Index n = 0;  // images of the batch
  };
  struct Range {
    Index first, end;
  };

  Program make_program(const Graph& graph, bool exact) const;
  Layout make_layout(const Program& program, bool training, Index tile) const;
  Index choose_tile(const Program& program, bool training) const;

  // Images of a shard; its tiles start at its first image. `first_tile` counts tiles over shards.
  Range shard_images(Index n, Index shard) const;
  Index first_tile(Index n, Index shard) const;
  T* shard_grads(const Workspace& w, Index shard) const;

  // Threads worth waking for n images cut into `tasks`: a region with a barrier costs some microseconds.
  int threads_for(const Program& program, Index n, Index tasks) const;

  void pack(const Program& program, const T* params, T* packed, bool training, class Tasks& tasks) const;
  void sum_shards(const Workspace& w, Index shards, class Tasks& tasks) const;
  void finish_gradients(const Workspace& w, const BatchArrays& rows, T* grads, class Tasks& tasks) const;
  void whole_batch_weight_grad(const PlanNode& node, const BatchArrays& rows, T* grads, const Slice& slice) const;
  int sum_tasks(Index shards) const;

  void forward_tiles(const Batch& batch, const Parameters<T>& params, T* y) const;
  void forward_as_team(const Batch& batch, const Parameters<T>& params, int threads, T* y) const;
  const T* inference_parameters(const T* params, Arena& made) const;
  void check_statistics(Index n) const;
  void store_batch_statistics(const T* statistics, T* grads) const;
  template <class F>
  void for_each_average(const F& f) const;

  std::shared_ptr<const Packed<T>> packed_once(const Parameters<T>& params) const;

  const KernelTable<T>& table_;
  Program inference_, training_;
  std::vector<T> scale_, shift_;

  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Packed<T>> kept_;  // guarded by mutex_
  mutable WorkspacePool workspaces_;
  mutable AwakeTeam awake_team_;
};

}  // namespace cnnfast
