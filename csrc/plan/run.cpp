// Running a plan: a tile of images through all nodes, tiles over threads, shards summed in order.
#include <algorithm>
#include <chrono>
#include <cstring>

#include "base/error.hpp"
#include "plan/plan.hpp"
#include "plan/threads.hpp"

namespace cnnfast {

namespace {

constexpr Index kSumElements = Index{1} << 13;

double seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

}  // namespace

// One tile of n images in one arena.
template <class T>
struct Plan<T>::TileRun {
  const Plan& plan;
  const Layout& layout;
  std::byte* arena;
  const T* packed;
  Index n;
  std::vector<NodeTime>* times = nullptr;

  T* at(std::size_t offset) const { return offset == kNoBuffer ? nullptr : reinterpret_cast<T*>(arena + offset); }
  T* value(int v) const { return at(layout.values[static_cast<std::size_t>(v)]); }
  T* gradient(int v) const { return at(layout.gradients[static_cast<std::size_t>(v)]); }
  T* output() const { return value(plan.output_value()); }
  T* d_output() const { return gradient(plan.output_value()); }
  Index size(int v) const { return plan.shapes_[static_cast<std::size_t>(v)].size(); }

  // Images first .. first + n of the batch, channels-last and normalised.
  void load(const Batch& batch, Index first) const {
    const Shape& shape = plan.input_shape();
    const Index pixels = shape.size();
    for (Index i = 0; i < n; ++i) {
      const Index row = batch.row(first + i) * pixels;
      T* x = value(0) + i * pixels;
      if (batch.is_u8) {
        plan.table_.from_nchw_u8(shape.channels(), shape.positions(),
                                 static_cast<const std::uint8_t*>(batch.images) + row, plan.scale_.data(),
                                 plan.shift_.data(), x);
      } else {
        plan.table_.from_nchw(shape.channels(), shape.positions(), static_cast<const T*>(batch.images) + row, x);
      }
    }
  }
  // A value out to (or, gradient, in from) NCHW.
  void store(int v, const T* from, T* to) const {
    const Shape& shape = plan.shapes_[static_cast<std::size_t>(v)];
    for (Index i = 0; i < n; ++i) {
      plan.table_.to_nchw(shape.channels(), shape.positions(), from + i * shape.size(), to + i * shape.size());
    }
  }
  void load_d_output(const T* dy) const {
    const Shape& shape = plan.output_shape();
    for (Index i = 0; i < n; ++i) {
      plan.table_.from_nchw(shape.channels(), shape.positions(), dy + i * shape.size(), d_output() + i * shape.size());
    }
  }

  void forward() const {
    for (std::size_t i = 0; i < plan.nodes_.size(); ++i) {
      const double start = times != nullptr ? seconds() : 0;
      const PlanNode& node = plan.nodes_[i];
      ForwardArgs<T> args;
      args.n = n;
      args.x = value(node.inputs[0]);
      if (node.inputs.size() > 1) args.x2 = value(node.inputs[1]);
      args.packed = packed + node.packed;
      args.y = value(node.output);
      args.saved = layout.saved.empty() ? nullptr : at(layout.saved[i]);
      args.scratch = at(layout.scratch[i]);
      std::visit([&](const auto& g) { plan.table_.of(g).forward(g, args); }, node.op);
      if (times != nullptr) (*times)[i].forward += seconds() - start;
    }
  }

  // Adds to packed_grads, or (fresh) overwrites them.
  void backward(T* packed_grads, bool fresh, Wanted wanted) const {
    for (std::size_t i = plan.nodes_.size(); i-- > 0;) {
      const double start = times != nullptr ? seconds() : 0;
      const PlanNode& node = plan.nodes_[i];
      if (wanted.input || plan.needs_gradient_[static_cast<std::size_t>(node.output)]) {
        backward_node(i, node, packed_grads, fresh, wanted);
      }
      if (times != nullptr) (*times)[i].backward += seconds() - start;
    }
  }

  void backward_node(std::size_t i, const PlanNode& node, T* packed_grads, bool fresh, Wanted wanted) const {
    const auto wants = [&](std::size_t slot) {
      return slot < node.inputs.size() &&
             (wanted.input || plan.needs_gradient_[static_cast<std::size_t>(node.inputs[slot])]);
    };
    const auto target = [&](std::size_t slot) -> T* {
      if (!wants(slot)) return nullptr;
      return node.writes_first[slot] ? gradient(node.inputs[slot]) : at(layout.branch[i][slot]);
    };
    BackwardArgs<T> args;
    args.n = n;
    args.x = value(node.inputs[0]);
    args.y = value(node.output);
    args.saved = at(layout.saved[i]);
    args.packed = packed + node.packed;
    args.dy = gradient(node.output);
    args.dx = target(0);
    args.dx2 = target(1);
    if (wanted.parameters) args.packed_grads = packed_grads + node.packed_grads;
    args.fresh = fresh;
    args.scratch = at(layout.d_scratch[i]);
    std::visit([&](const auto& g) { plan.table_.of(g).backward(g, args); }, node.op);
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      if (wants(slot) && !node.writes_first[slot]) {
        plan.table_.add(n * size(node.inputs[slot]), at(layout.branch[i][slot]), gradient(node.inputs[slot]));
      }
    }
  }
};

// A workspace out of the plan's idle ones, given back at the end.
template <class T>
struct Plan<T>::Loan {
  explicit Loan(const Plan& owner) : plan(owner), workspace(owner.borrow()) {}
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() { plan.give_back(std::move(workspace)); }
  Workspace* operator->() const { return workspace.get(); }
  Workspace& operator*() const { return *workspace; }

  // Room for `threads` arenas of a layout, packed weights, and the gradients of `shards`.
  void reserve(int threads, std::size_t arena, Index shards) {
    if (static_cast<int>(workspace->tiles.size()) < threads) workspace->tiles.resize(static_cast<std::size_t>(threads));
    for (int t = 0; t < threads; ++t) workspace->tiles[static_cast<std::size_t>(t)].reserve(arena);
    workspace->packed.reserve(static_cast<std::size_t>(plan.packed_count_) * sizeof(T));
    workspace->shard_grads.reserve(static_cast<std::size_t>(shards * plan.packed_grad_count_) * sizeof(T));
  }
  T* packed() const { return workspace->packed.template at<T>(0); }

  const Plan& plan;
  std::unique_ptr<Workspace> workspace;
};

template <class T>
std::unique_ptr<Workspace> Plan<T>::borrow() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.empty()) return std::make_unique<Workspace>();
  auto workspace = std::move(idle_.back());
  idle_.pop_back();
  return workspace;
}

template <class T>
void Plan<T>::give_back(std::unique_ptr<Workspace> workspace) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(workspace));
}

template <class T>
T* Plan<T>::shard_grads(const Workspace& w, Index shard) const {
  return w.shard_grads.template at<T>(0) + shard * packed_grad_count_;
}

// Tasks are slices of nodes.
template <class T>
void Plan<T>::pack(const T* params, T* packed, bool training, Tasks& tasks) const {
  for (int i = 0; tasks.next(i);) {
    const NodeSlice& task = slices_[static_cast<std::size_t>(i)];
    const PlanNode& node = nodes_[task.node];
    std::visit(
        [&](const auto& g) { table_.of(g).pack(g, params + node.params, packed + node.packed, training, task.slice); },
        node.op);
  }
}

template <class T>
int Plan<T>::sum_tasks(Index shards) const {
  return shards == 1 ? 0 : static_cast<int>((packed_grad_count_ + kSumElements - 1) / kSumElements);
}

// Sums the shards in order, onto the first. Tasks are ranges of elements.
template <class T>
void Plan<T>::sum_shards(const Workspace& w, Index shards, Tasks& tasks) const {
  for (int i = 0; tasks.next(i);) {
    const Index first = i * kSumElements;
    T* sum = shard_grads(w, 0) + first;
    table_.sum(std::min(kSumElements, packed_grad_count_ - first), shards, packed_grad_count_, sum, sum);
  }
}

// Brings the sum to the layout of the parameters. Tasks are slices of nodes.
template <class T>
void Plan<T>::unpack(const Workspace& w, T* grads, Tasks& tasks) const {
  for (int i = 0; tasks.next(i);) {
    const NodeSlice& task = slices_[static_cast<std::size_t>(i)];
    const PlanNode& node = nodes_[task.node];
    const T* sum = shard_grads(w, 0) + node.packed_grads;
    std::visit([&](const auto& g) { table_.of(g).unpack(g, sum, grads + node.params, task.slice); }, node.op);
  }
}

// The weights of the last version asked for. Threads that ask for a new one at once may each make it.
template <class T>
std::shared_ptr<const Packed<T>> Plan<T>::packed_once(const Parameters<T>& params) const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (kept_ && kept_->of.values == params.values && kept_->of.version == params.version) return kept_;
  }
  auto packed = std::make_shared<Packed<T>>();
  packed->of = params;
  packed->memory.reserve(static_cast<std::size_t>(packed_count_) * sizeof(T));
  Tasks tasks(static_cast<int>(slices_.size()));
  pack(params.values, packed->memory.template at<T>(0), false, tasks);
  const std::lock_guard<std::mutex> lock(mutex_);
  kept_ = packed;
  return packed;
}

template <class T>
void Plan<T>::forward(const Batch& batch, const Parameters<T>& params, T* y) const {
  if (batch.n == 0) return;
  const int threads = threads_for(batch.n, batch.n);
  // Smaller tiles where that keeps all threads busy: forward results do not depend on the tile.
  const Index tile_images = std::min(inference_.tile, (batch.n + threads - 1) / threads);
  const Index count = (batch.n + tile_images - 1) / tile_images;
  Loan loan(*this);
  loan.reserve(threads, inference_.bytes, 0);
  const std::shared_ptr<const Packed<T>> kept = params.version < 0 ? nullptr : packed_once(params);
  const T* packed = kept ? kept->memory.template at<T>(0) : loan.packed();
  Tasks pack_tasks(static_cast<int>(slices_.size())), tile_tasks(static_cast<int>(count));
  parallel(threads, [&](const Team& team) {
    if (!kept) {
      pack(params.values, loan.packed(), false, pack_tasks);
      team.barrier();
    }
    std::byte* arena = loan->tiles[static_cast<std::size_t>(team.thread())].data();
    for (int tile = 0; tile_tasks.next(tile);) {
      const Index first = tile * tile_images;
      const TileRun run{*this, inference_, arena, packed, std::min(tile_images, batch.n - first)};
      run.load(batch, first);
      run.forward();
      run.store(output_value(), run.output(), y + first * output_shape().size());
    }
  });
}

template <class T>
Tape Plan<T>::forward_train(const Batch& batch, const T* params, T* y) const {
  Tape tape;
  tape.n = batch.n;
  tape.plan = this;
  if (batch.n == 0) return tape;
  const Index shard_count = shards(batch.n);
  tape.memory.reserve(static_cast<std::size_t>(first_tile(batch.n, shard_count)) * training_.bytes);
  const int threads = threads_for(batch.n, shard_count);
  Loan loan(*this);
  loan.reserve(threads, 0, 0);
  Tasks pack_tasks(static_cast<int>(slices_.size())), shard_tasks(static_cast<int>(shard_count));
  parallel(threads, [&](const Team& team) {
    pack(params, loan.packed(), false, pack_tasks);
    team.barrier();
    for (int shard = 0; shard_tasks.next(shard);) {
      std::byte* arena = tape.memory.data() + static_cast<std::size_t>(first_tile(batch.n, shard)) * training_.bytes;
      const Range images = shard_images(batch.n, shard);
      for (Index first = images.first; first < images.end; first += training_.tile, arena += training_.bytes) {
        const TileRun run{*this, training_, arena, loan.packed(), std::min(training_.tile, images.end - first)};
        run.load(batch, first);
        run.forward();
        run.store(output_value(), run.output(), y + first * output_shape().size());
      }
    }
  });
  return tape;
}

template <class T>
void Plan<T>::backward(const T* dy, const Tape& tape, const T* params, T* grads, T* dx) const {
  if (tape.plan != this) fail("backward: the tape was made by another plan");
  std::fill_n(grads, parameter_count_, T(0));
  if (tape.n == 0) return;
  const Index shard_count = shards(tape.n);
  const int threads = threads_for(tape.n, shard_count);
  Loan loan(*this);
  loan.reserve(threads, training_.bytes, shard_count);
  const int slices = static_cast<int>(slices_.size());
  Tasks pack_tasks(slices), shard_tasks(static_cast<int>(shard_count)), sum_parts(sum_tasks(shard_count)),
      unpack_tasks(slices);
  parallel(threads, [&](const Team& team) {
    pack(params, loan.packed(), true, pack_tasks);
    team.barrier();
    std::byte* arena = loan->tiles[static_cast<std::size_t>(team.thread())].data();
    for (int shard = 0; shard_tasks.next(shard);) {
      T* packed_grads = shard_grads(*loan, shard);
      const std::byte* source =
          tape.memory.data() + static_cast<std::size_t>(first_tile(tape.n, shard)) * training_.bytes;
      const Range images = shard_images(tape.n, shard);
      for (Index first = images.first; first < images.end; first += training_.tile, source += training_.bytes) {
        // A copy, because gradients take the place of values that are no longer needed.
        std::memcpy(arena, source, training_.bytes);
        const TileRun run{*this, training_, arena, loan.packed(), std::min(training_.tile, images.end - first)};
        run.load_d_output(dy + first * output_shape().size());
        run.backward(packed_grads, first == images.first, {true, true});
        run.store(0, run.gradient(0), dx + first * input_shape().size());
      }
    }
    team.barrier();
    sum_shards(*loan, shard_count, sum_parts);
    team.barrier();
    unpack(*loan, grads, unpack_tasks);
  });
}

template <class T>
StepResult Plan<T>::loss_and_grad(const Batch& batch, const std::int64_t* target, Loss loss, const T* params,
                                  T* grads) const {
  const Index classes = output_shape().size();
  const Index shard_count = shards(batch.n);
  const int threads = threads_for(batch.n, shard_count);
  Loan loan(*this);
  loan.reserve(threads, training_.bytes, shard_count);
  loan->losses.reserve(static_cast<std::size_t>(batch.n) * sizeof(T));
  T* losses = loan->losses.template at<T>(0);
  const T weight = static_cast<T>(1.0 / static_cast<double>(batch.n));
  const int slices = static_cast<int>(slices_.size());
  Tasks pack_tasks(slices), shard_tasks(static_cast<int>(shard_count)), sum_parts(sum_tasks(shard_count)),
      unpack_tasks(slices);
  std::atomic<Index> correct{0};
  parallel(threads, [&](const Team& team) {
    pack(params, loan.packed(), true, pack_tasks);
    team.barrier();
    std::byte* arena = loan->tiles[static_cast<std::size_t>(team.thread())].data();
    Index right = 0;
    for (int shard = 0; shard_tasks.next(shard);) {
      T* packed_grads = shard_grads(*loan, shard);
      const Range images = shard_images(batch.n, shard);
      for (Index first = images.first; first < images.end; first += training_.tile) {
        const TileRun run{*this, training_, arena, loan.packed(), std::min(training_.tile, images.end - first)};
        run.load(batch, first);
        run.forward();
        std::int64_t labels[64];
        for (Index i = 0; i < run.n; ++i) {
          labels[i] = target[batch.row(first + i)];
          const T* row = run.output() + i * classes;
          right += std::max_element(row, row + classes) - row == labels[i] ? 1 : 0;
        }
        table_.loss(loss, run.n, classes, run.output(), labels, weight, losses + first, run.d_output());
        run.backward(packed_grads, first == images.first, {false, true});
      }
    }
    correct += right;
    team.barrier();
    sum_shards(*loan, shard_count, sum_parts);
    team.barrier();
    unpack(*loan, grads, unpack_tasks);
  });
  double sum = 0;
  for (Index i = 0; i < batch.n; ++i) sum += static_cast<double>(losses[i]);
  return {sum / static_cast<double>(batch.n), correct};
}

template <class T>
std::vector<NodeTime> Plan<T>::profile(const Batch& batch, const std::int64_t* target, Loss loss, const T* params,
                                       int repeats, Wanted wanted) const {
  std::vector<NodeTime> times(nodes_.size());
  Loan loan(*this);
  loan.reserve(1, training_.bytes, 1);
  Tasks pack_tasks(static_cast<int>(slices_.size()));
  pack(params, loan.packed(), true, pack_tasks);
  T* packed_grads = shard_grads(*loan, 0);
  std::vector<T> losses(static_cast<std::size_t>(training_.tile));
  const Index classes = output_shape().size();
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (Index first = 0; first < batch.n; first += training_.tile) {
      const TileRun run{
          *this, training_, loan->tiles[0].data(), loan.packed(), std::min(training_.tile, batch.n - first), &times};
      run.load(batch, first);
      run.forward();
      if (target != nullptr) {
        std::int64_t labels[64];
        for (Index i = 0; i < run.n; ++i) labels[i] = target[batch.row(first + i)];
        table_.loss(loss, run.n, classes, run.output(), labels, T(1), losses.data(), run.d_output());
        run.backward(packed_grads, first == 0, wanted);
      } else {
        std::memcpy(run.d_output(), run.output(), static_cast<std::size_t>(run.n * classes) * sizeof(T));
        run.backward(packed_grads, first == 0, wanted);
      }
    }
  }
  return times;
}

template class Plan<float>;
template class Plan<double>;

}  // namespace cnnfast
