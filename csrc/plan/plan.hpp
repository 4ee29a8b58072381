// A network compiled for one type of values and one kernel table: offsets of parameters, arena offsets from
// lifetimes, and the kernels. Immutable, so that any number of threads may run it at once;
// what a run writes lies in a Workspace that it leases.
//
// A batch is cut into shards, and a shard into tiles of images that go through the whole network while
// they stay in a core's cache. Shards follow from the batch, tiles from the network, and shards are summed
// in order: any number of threads gives the same bits.
//
// Batch normalization needs the whole batch in training, an external layer always: there the nodes are divided into
// segments with a barrier between them, and each tile keeps its values in an arena of its own.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "base/range.hpp"
#include "kernels/table.hpp"
#include "plan/graph.hpp"
#include "plan/input_stage.hpp"
#include "plan/lifetimes.hpp"
#include "plan/simplify.hpp"
#include "runtime/batch.hpp"
#include "runtime/spinning_team.hpp"
#include "runtime/workspace.hpp"
#include "train/shard_exchange.hpp"

namespace cnnfast {

template <class T>
class BatchLoss;

struct NamedShape {
  std::string name;
  Shape shape;
  bool trained = true;
};

struct PlanNode {
  BoundOp op;
  std::string name;       // of the layer; of fused layers, separated by "+"
  std::string op_name;    // likewise
  std::string algorithm;  // of the kernels
  std::vector<int> inputs;
  int output = 0;
  double auxiliary = 0;  // weight of the loss of its output, see GraphNode
  std::vector<NamedShape> parameters;
  Index macs = 0;      // for one image, by definition
  Index executed = 0;  // ... and by the algorithm, forward
  Index params = 0;    // offset in the flat block, and number of elements
  Index param_count = 0;
  std::size_t packed = 0;  // offset among the packed weights, in bytes
  Index packed_grads = 0;  // offset among the packed gradients
  Index packed_grad_count = 0;
  bool reads_x = false, reads_y = false;
  bool passes_gradient = false;          // of its output to all inputs, as it is
  int saved = 0;                         // elements saved for backward, per output element
  int external = -1;                     // number among the external layers; negative: it is none
  Index statistics = -1;                 // offset of its statistics of the batch; negative: it has none
  bool whole_batch_weight_grad = false;  // computed from all images of the batch, see BatchBuffers
  // In backward, input slot i is the first to write the gradient of its value (later ones add to it).
  std::vector<bool> writes_first;
};

// A value whose loss is added to that of the output, times a weight.
struct AuxiliaryOutput {
  int value = 0;
  double weight = 0;
};

// Byte offsets in the arena of one tile; kNoBuffer where a buffer does not exist. Offsets from `bytes` on lie in memory
// that a thread uses for all of its tiles: with several segments, what no barrier separates from its last reader.
struct Layout {
  Index tile = 1;                                // images
  std::size_t bytes = 0;                         // of each tile
  std::size_t thread_bytes = 0;                  // of each thread
  std::vector<std::size_t> values;               // by value
  std::vector<std::size_t> gradients;            // by value
  std::vector<std::size_t> saved;                // by node
  std::vector<std::size_t> scratch;              // by node, forward
  std::vector<std::size_t> d_scratch;            // by node, backward
  std::vector<std::vector<std::size_t>> branch;  // by node and input slot: gradient to be added to one already written
  std::vector<LifetimePlanner::Buffer> buffers;  // all of them
};

// A slice of a node's weights, packed or unpacked by one thread.
struct NodeSlice {
  std::size_t node;
  Slice slice;
};

// Nodes first .. end - 1, between two barriers for all tiles.
struct Segment {
  std::size_t first, end;
};

// Values kept for all images of the batch, contiguous, instead of in the arena of a tile: the operands of
// whole-batch weight gradients.
struct BatchBuffers {
  std::vector<Index> first;  // by value: offset for one image; negative: the value is in the arenas
  Index count = 0;           // elements of an image

  void add(std::size_t value, Index size) {
    if (first[value] >= 0) return;
    first[value] = count;
    count += size;
  }
};

// What a backward pass has to compute for parameters that are trained.
struct GradientPath {
  std::vector<bool> values;  // by value: its gradient
  std::vector<bool> nodes;   // by node: the gradient of its parameters
  std::size_t first = 0;     // the first node that takes part
};

// The compiled nodes for inference or for training.
struct Program {
  std::vector<PlanNode> nodes;
  std::vector<Shape> shapes;  // by value
  std::vector<Segment> segments;
  std::vector<NodeSlice> slices;  // in the order of nodes
  std::vector<AuxiliaryOutput> auxiliary;
  std::vector<Range> trained;  // all parameters but buffers, a few thousand at a time
  std::vector<ParameterStep>
      steps;                  // from the plan's parameters to those of the nodes, see simplify.hpp; empty: the same
  GradientPath path;          // of all parameters
  Index parameter_count = 0;  // of the nodes
  std::size_t packed_bytes = 0;
  bool packed_by_segment = false;  // packed weights of segments share memory, see share_packed
  Index packed_grad_count = 0;
  int external_count = 0;                      // nodes that are external layers
  Index statistics_count = 0;                  // of the batch, all nodes
  Index shard_statistics_count = 0;            // of a shard, at most
  BatchBuffers batch_values, batch_gradients;  // of values, of gradients; in training
  Index work = 0;  // for one image: multiply-accumulates, and a few operations for each element of each value
  Layout layout;

  int output_value() const { return static_cast<int>(shapes.size()) - 1; }
};

// A flat block of parameters. Equal versions mean equal values; negative: they may change at any time.
template <class T>
struct Parameters {
  const T* values = nullptr;
  std::int64_t version = -1;
};

// Weights in the layout of the forward kernels, cached between calls. Immutable.
template <class T>
struct Packed {
  Parameters<T> of;
  Arena memory;
};

template <class T>
class ExternalLayers;

// What forward_train saves for backward: the arena of every tile, the batch statistics, and the external layers
// (ExternalLayers<T>; null if there are none).
struct Tape {
  Index n = 0;
  const void* plan = nullptr;
  Arena memory, batch_values, statistics;
  std::shared_ptr<const void> external;
};

// What the loss gives for one image.
struct ImageResult {
  double loss;
  Index correct;
};

struct NodeTime {
  double forward = 0, backward = 0;  // seconds
};

// The gradients that a backward pass computes.
struct RequiresGrad {
  bool input = true, parameters = true;
  const GradientPath* path = nullptr;  // null: that of all parameters
};

struct StepResult {
  double loss = 0;     // mean; NaN if every target is ignored
  Index correct = 0;   // for class targets
  double weight = 0;   // the divisor of the mean: 0 if every target is ignored
  Index counted = 0;   // targets that are not ignored
  double largest = 0;  // magnitude of a gradient; NaN if one is not finite
};

// The nodes of a graph, before offsets: one per layer, with direct kernels (`exact`); or fused, and each convolution
// with the best algorithm for vectors of `lanes`.
std::vector<PlanNode> make_nodes(const Graph& graph, bool exact, int lanes);

// Bytes that calls with a batch need, besides parameters, gradients and the arrays of the caller.
struct PlanMemory {
  std::size_t packed = 0;  // weights in the layout of the kernels
  std::size_t folded = 0;  // parameters of a simplified program, until they are packed
  std::size_t arenas = 0;  // values, their gradients and scratch memory
  std::size_t shards = 0;  // gradients of the parameters, of each shard
  std::size_t batch = 0;   // BatchBuffers and statistics
};

template <class T>
class Plan {
 public:
  // exact: one node per layer, with direct kernels, so that results equal those of the single layers bit for bit.
  Plan(const Graph& graph, const InputStage& stage, Isa isa, bool exact);
  // The table must outlive the plan.
  Plan(const Graph& graph, const InputStage& stage, const KernelTable<T>& table, bool exact);

  const Program& program(bool training) const { return training ? training_ : inference_; }
  const Shape& input_shape() const { return training_.shapes.front(); }
  const Shape& output_shape() const { return training_.shapes.back(); }
  Index parameter_count() const { return training_.parameter_count; }
  Isa isa() const { return table_.isa; }
  Index shards(Index n) const;
  // Of a batch of n images, with the number of threads of now.
  PlanMemory memory(Index n, bool training) const;

  // Random numbers in training follow from `seed`. For buffers, `grads` holds the statistics of this batch instead of
  // a gradient, until `update_buffers` applies them to the parameters.
  void forward(const Batch& batch, const Parameters<T>& params, T* y) const;
  Tape forward_train(const Batch& batch, const T* params, std::uint64_t seed, T* y) const;
  void backward(const T* dy, const Tape& tape, const T* params, T* grads, T* dx) const;
  // The gradients of `frozen` parameters are set to 0; backward ends at the first layer with others. With an
  // `exchange`, this process computes a part of the shards.
  StepResult loss_and_grad(const Batch& batch, const Target<T>& target, const Loss& loss, const T* params,
                           std::uint64_t seed, const std::vector<Range>& frozen, T* grads,
                           ShardExchange* exchange = nullptr) const;
  // The smallest batch for training: 2 where batch normalization would have a single value per channel.
  Index smallest_batch() const;
  // Running averages: p = (1 - momentum) p + momentum statistic, unless a statistic is not finite: a batch with NaN
  // changes none of them. Sets their part of `grads` to zero.
  bool has_external_layers() const { return training_.external_count > 0; }
  bool has_buffers() const { return training_.statistics_count > 0; }
  Index buffer_count() const;  // elements of the parameters that are buffers
  void update_buffers(T* params, T* grads) const;
  // Writes the batch statistics of a forward pass to the buffers' part of `grads`.
  void store_batch_statistics(const Tape& tape, T* grads) const {
    store_batch_statistics(tape.statistics.template at<T>(0), grads);
  }
  // Without a target (null), the output is used as its own gradient.
  std::vector<NodeTime> profile(const Batch& batch, const Target<T>* target, const Loss& loss, const T* params,
                                int repeats, RequiresGrad wanted) const;

 private:
  struct TileRun;
  struct TrainingPass;
  struct InferenceCall;
  // The memory of BatchBuffers; null in inference, where all values are in arenas.
  struct BatchArrays {
    T* values = nullptr;
    T* gradients = nullptr;
    Index n = 0;  // images of the batch
  };

  Program make_program(const Graph& graph, bool exact) const;
  Layout make_layout(const Program& program, bool training, Index tile, bool by_segment = false) const;
  Index choose_tile(const Program& program, bool training) const;

  // Images of a shard; its tiles start at its first image. `first_tile` counts tiles over shards.
  Range shard_images(Index n, Index shard) const;
  Index first_tile(Index n, Index shard) const;
  AccumulatorOf<T>* shard_grads(const Workspace& w, Index shard) const;

  // Number of threads for n images in `tasks` tasks: a parallel region with a barrier costs some microseconds.
  int threads_for(const Program& program, Index n, Index tasks) const;

  GradientPath path_without(const std::vector<Range>& frozen) const;

  // Bytes of a node's packed weights that forward reads.
  std::size_t forward_bytes(const PlanNode& node) const;
  // Memory for packed weights, large ones in large pages.
  void reserve_packed(const Program& program, bool training, Arena& memory) const;
  void pack(const Program& program, const T* params, std::byte* packed, const GradientPath* backward, Segment nodes,
            class Tasks& tasks) const;
  void sum_shards(const Workspace& w, Index shards, Index first, class Tasks& tasks) const;
  void finish_gradients(const Workspace& w, const BatchArrays& rows, const GradientPath& path, T* grads,
                        class Tasks& tasks) const;
  void whole_batch_weight_grad(const PlanNode& node, const BatchArrays& rows, T* grads, const Slice& slice) const;
  ImageResult image_loss(const BatchLoss<T>& loss_of, const TileRun& run, Index i) const;
  T check_gradients(const std::vector<Range>& frozen, T* grads, class Tasks& tasks) const;
  int sum_tasks(Index shards, Index first) const;

  void forward_segments(const Batch& batch, const Parameters<T>& params, T* y) const;
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
  BoundInputStage<T> input_stage_;

  mutable std::mutex mutex_;
  mutable std::shared_ptr<const Packed<T>> kept_;  // guarded by mutex_
  mutable WorkspacePool workspaces_;
  mutable SpinningTeam spinning_team_;
};

}  // namespace cnnfast
