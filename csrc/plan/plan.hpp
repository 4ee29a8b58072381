// A network made runnable for one element type and instruction set: parameter windows, arena offsets from
// lifetimes, and the kernels. Immutable once built, so that any number of threads may run it at once;
// what a run writes lies in a Workspace it borrows.
//
// A batch is cut into shards, and a shard into tiles of images that go through the whole network while
// they stay in a core's cache. Shards follow from the batch, tiles from the network, and shards are summed
// in order: any number of threads gives the same bits.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/arena.hpp"
#include "kernels/table.hpp"
#include "plan/graph.hpp"
#include "plan/lifetimes.hpp"

namespace cnnfast {

struct NamedShape {
  std::string name;
  Shape shape;
};

struct PlanNode {
  PlacedOp op;
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
  int saved = 0;  // elements kept for backward, per output element
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

// The images of a call: uint8 or the plan's element type, C-contiguous NCHW; `index` picks rows, or is null.
struct Batch {
  const void* images = nullptr;
  bool is_u8 = false;
  Index n = 0;
  const std::int64_t* index = nullptr;
  Index row(Index i) const { return index == nullptr ? i : index[i]; }
};

// The memory of one run. Grows to what the largest run needed and is kept for the next.
struct Workspace {
  Arena packed;
  Arena shard_grads;
  Arena losses;
  std::vector<Arena> tiles;  // by thread
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

// What forward_train remembers: the arena of every tile.
struct Tape {
  Index n = 0;
  const void* plan = nullptr;
  Arena memory;
};

struct NodeTime {
  double forward = 0, backward = 0;  // seconds
};

// Which gradients a backward pass computes: those of the network's input, those of the parameters.
struct Wanted {
  bool input = true, parameters = true;
};

struct StepResult {
  double loss = 0;  // mean
  Index correct = 0;
};

// The nodes of a graph, before offsets: layers one by one and direct kernels (`exact`); or neighbours fused, and
// each convolution with the algorithm that is best on vectors of `lanes`.
std::vector<PlanNode> make_nodes(const Graph& graph, bool exact, int lanes);

template <class T>
class Plan {
 public:
  // scale, shift: x = u8 * scale + shift, one entry a channel.
  // exact: every layer by itself, with direct kernels, so that results equal the chain of single layers
  // bit for bit.
  Plan(const Graph& graph, std::vector<double> scale, std::vector<double> shift, Isa isa, bool exact);

  const std::vector<PlanNode>& nodes() const { return nodes_; }
  const std::vector<Shape>& shapes() const { return shapes_; }
  const Shape& input_shape() const { return shapes_.front(); }
  const Shape& output_shape() const { return shapes_.back(); }
  Index parameter_count() const { return parameter_count_; }
  Index packed_count() const { return packed_count_; }
  Isa isa() const { return table_.isa; }
  const Layout& layout(bool training) const { return training ? training_ : inference_; }
  Index shards(Index n) const;

  void forward(const Batch& batch, const Parameters<T>& params, T* y) const;
  Tape forward_train(const Batch& batch, const T* params, T* y) const;
  void backward(const T* dy, const Tape& tape, const T* params, T* grads, T* dx) const;
  StepResult loss_and_grad(const Batch& batch, const std::int64_t* target, Loss loss, const T* params, T* grads) const;
  std::vector<NodeTime> profile(const Batch& batch, const std::int64_t* target, Loss loss, const T* params, int repeats,
                                Wanted wanted) const;

 private:
  struct TileRun;
  struct Loan;
  struct Range {
    Index first, end;
  };
  // A share of a node's weights, to be packed or unpacked by one thread.
  struct NodeSlice {
    std::size_t node;
    Slice slice;
  };

  void add_nodes(const Graph& graph, bool exact);
  int output_value() const { return static_cast<int>(shapes_.size()) - 1; }
  void find_gradient_paths();
  Layout make_layout(bool training, Index tile) const;
  Index choose_tile(bool training) const;

  // Images of a shard; its tiles start at its first image. `first_tile` counts tiles over shards.
  Range shard_images(Index n, Index shard) const;
  Index first_tile(Index n, Index shard) const;
  T* shard_grads(const Workspace& w, Index shard) const;

  // Threads worth waking for n images cut into `tasks`: a region with a barrier costs some microseconds.
  int threads_for(Index n, Index tasks) const;

  void pack(const T* params, T* packed, bool training, class Tasks& tasks) const;
  void sum_shards(const Workspace& w, Index shards, class Tasks& tasks) const;
  void unpack(const Workspace& w, T* grads, class Tasks& tasks) const;
  int sum_tasks(Index shards) const;

  std::shared_ptr<const Packed<T>> packed_once(const Parameters<T>& params) const;

  std::unique_ptr<Workspace> borrow() const;
  void give_back(std::unique_ptr<Workspace> workspace) const;

  const KernelTable<T>& table_;
  std::vector<PlanNode> nodes_;
  std::vector<NodeSlice> slices_;
  std::vector<Shape> shapes_;
  std::vector<bool> needs_gradient_;  // by value: some parameter lies before it
  std::vector<T> scale_, shift_;
  Index parameter_count_ = 0;
  Index packed_count_ = 0;
  Index work_ = 0;  // for one image: multiply-accumulates, and a few operations for each element of each value
  Index packed_grad_count_ = 0;
  Layout inference_, training_;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> idle_;
  mutable std::shared_ptr<const Packed<T>> kept_;
};

}  // namespace cnnfast
