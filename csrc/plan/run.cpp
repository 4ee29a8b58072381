// Running a plan: tiles over threads, shards summed in order.
#include <algorithm>
#include <cstring>

#include "base/error.hpp"
#include "plan/threads.hpp"
#include "plan/tile_run.hpp"

namespace cnnfast {

namespace {

constexpr Index kSumElements = Index{1} << 13;

}  // namespace

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

template class Plan<float>;
template class Plan<double>;

}  // namespace cnnfast
