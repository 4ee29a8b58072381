// Training: shards over threads, their gradients summed in order.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <optional>

#include "base/error.hpp"
#include "plan/training_pass.hpp"
#include "runtime/ranges.hpp"
#include "runtime/threads.hpp"
#include "train/batch_loss.hpp"
#include "train/reductions.hpp"

namespace cnnfast {

namespace {

constexpr Index kSumElements = Index{1} << 13;

}  // namespace

template <class T>
AccumulatorOf<T>* Plan<T>::shard_grads(const Workspace& w, Index shard) const {
  return w.shard_grads.template at<AccumulatorOf<T>>(0) + shard * training_.packed_grad_count;
}

template <class T>
int Plan<T>::sum_tasks(Index shards, Index first) const {
  return shards == 1 ? 0 : static_cast<int>((training_.packed_grad_count - first + kSumElements - 1) / kSumElements);
}

// Sums the shards in order, onto the first, from the element `start` on. Tasks are ranges of elements.
template <class T>
void Plan<T>::sum_shards(const Workspace& w, Index shards, Index start, Tasks& tasks) const {
  const Index all = training_.packed_grad_count;
  for (int i = 0; tasks.next(i);) {
    const Index first = start + i * kSumElements;
    AccumulatorOf<T>* sum = shard_grads(w, 0) + first;
    table_.sum(std::min(kSumElements, all - first), shards, all, sum, sum);
  }
}

// Unpacks the sums to the layout of the parameters, and computes whole-batch weight gradients, of nodes on the path.
// Tasks are slices of nodes.
template <class T>
void Plan<T>::finish_gradients(const Workspace& w, const BatchArrays& arrays, const GradientPath& path, T* grads,
                               Tasks& tasks) const {
  for (int i = 0; tasks.next(i);) {
    const NodeSlice& task = training_.slices[static_cast<std::size_t>(i)];
    const PlanNode& node = training_.nodes[task.node];
    if (!path.nodes[task.node]) continue;
    if (node.whole_batch_weight_grad) {
      whole_batch_weight_grad(node, arrays, grads, task.slice);
    } else {
      const AccumulatorOf<T>* sum = shard_grads(w, 0) + node.packed_grads;
      visit([&](const auto& g) { table_.of(g).unpack(g, sum, grads + node.params, task.slice); }, node.op);
    }
  }
}

template <class T>
void Plan<T>::whole_batch_weight_grad(const PlanNode& node, const BatchArrays& arrays, T* grads,
                                      const Slice& slice) const {
  const Index x = training_.batch_values.first[static_cast<std::size_t>(node.inputs[0])];
  const Index dy = training_.batch_gradients.first[static_cast<std::size_t>(node.output)];
  visit(
      [&](const auto& g) {
        if constexpr (kHasWholeBatchWeightGrad<std::decay_t<decltype(g)>>) {
          table_.whole_batch_of(g).weight_grad(g, arrays.n, arrays.values + x * arrays.n,
                                               arrays.gradients + dy * arrays.n, grads + node.params, slice);
        }
      },
      node.op);
}

// Sets the gradients of frozen parameters to 0. Returns the largest magnitude of a gradient; NaN if one is not finite.
// Tasks are ranges of parameters that are no buffers.
template <class T>
T Plan<T>::check_gradients(const std::vector<Range>& frozen, T* grads, Tasks& tasks) const {
  T largest = 0;
  for (int i = 0; tasks.next(i);) {
    const Range& range = training_.trained[static_cast<std::size_t>(i)];
    for (const Range& part : frozen) {
      const Index first = std::max(part.first, range.first), end = std::min(part.end, range.end);
      if (first < end) std::fill(grads + first, grads + end, T(0));
    }
    largest = larger(largest, table_.magnitude(range.end - range.first, grads + range.first));
  }
  return largest;
}

template <class T>
void Plan<T>::check_statistics(Index n) const {
  for (const PlanNode& node : training_.nodes) {
    with_batch_statistics(node.op, [&](const auto& g) {
      if (n < g.smallest_batch()) g.check_batch(n, node.name.empty() ? "" : "layer \"" + node.name + "\": ");
    });
  }
}

template <class T>
Index Plan<T>::smallest_batch() const {
  Index smallest = 1;
  for (const PlanNode& node : training_.nodes) {
    with_batch_statistics(node.op, [&](const auto& g) { smallest = std::max(smallest, g.smallest_batch()); });
  }
  return smallest;
}

template <class T>
Tape Plan<T>::forward_train(const Batch& batch, const T* params, std::uint64_t seed, T* y) const {
  Tape tape;
  tape.n = batch.n;
  tape.plan = this;
  tape.statistics.reserve(static_cast<std::size_t>(training_.statistics_count) * sizeof(T));
  if (batch.n == 0) return tape;
  check_statistics(batch.n);
  const Index shard_count = shards(batch.n);
  tape.memory.reserve(static_cast<std::size_t>(first_tile(batch.n, shard_count)) * training_.layout.bytes);
  tape.batch_values.reserve(static_cast<std::size_t>(batch.n * training_.batch_values.count) * sizeof(T));
  const int threads = threads_for(training_, batch.n, shard_count);
  const WorkspaceLease workspace(workspaces_);
  TrainingPass pass{*this,
                    *workspace,
                    params,
                    batch.n,
                    seed,
                    {},
                    nullptr,
                    tape.memory.data(),
                    tape.statistics.template at<T>(0),
                    tape.batch_values.template at<T>(0)};
  pass.reserve(threads, false);
  parallel(threads, [&](const Team& team) {
    pass.begin(team, 0);
    pass.forward(
        team, [&](const TileRun& run) { run.load(batch); },
        [&](const TileRun& run, Index, bool) {
          run.store(training_.output_value(), run.output(), y + run.first * output_shape().size());
        });
  });
  if (pass.error) std::rethrow_exception(pass.error);
  tape.external = pass.external;
  return tape;
}

template <class T>
void Plan<T>::backward(const T* dy, const Tape& tape, const T* params, T* grads, T* dx) const {
  if (tape.plan != this) fail("backward: the tape was made by another plan");
  std::fill_n(grads, parameter_count(), T(0));
  if (tape.n == 0) return;
  const Index shard_count = shards(tape.n);
  const int threads = threads_for(training_, tape.n, shard_count);
  const std::size_t bytes = training_.layout.bytes;
  const WorkspaceLease workspace(workspaces_);
  // Backward overwrites values that it no longer needs, so that tiles are copied.
  T* statistics = const_cast<T*>(tape.statistics.template at<T>(0));
  TrainingPass pass{*this,        *workspace, params,  tape.n,     0,
                    {true, true}, nullptr,    nullptr, statistics, tape.batch_values.template at<T>(0)};
  if (tape.external) {
    pass.external = std::make_shared<ExternalLayers<T>>(*static_cast<const ExternalLayers<T>*>(tape.external.get()));
  }
  pass.reserve(threads, true);
  const int slices = static_cast<int>(training_.slices.size());
  Tasks sum_parts(sum_tasks(shard_count, 0)), finish_tasks(slices);
  parallel(threads, [&](const Team& team) {
    pass.begin(team, training_.segments.size() - 1);
    pass.for_each_tile(team, [&](const TileRun& run, Index shard, bool first_in_shard) {
      const Index in_shard = (run.first - shard_images(tape.n, shard).first) / training_.layout.tile;
      std::memcpy(run.arena,
                  tape.memory.data() + static_cast<std::size_t>(first_tile(tape.n, shard) + in_shard) * bytes, bytes);
      run.load_d_output(dy + run.first * output_shape().size());
      pass.backward_last(run, shard, first_in_shard);
      if (!pass.segmented) run.store(0, run.gradient(0), dx + run.first * input_shape().size());
    });
    pass.backward_rest(team);
    if (pass.error) return;  // the same for all threads
    if (pass.segmented) {
      pass.restart(team);
      pass.for_each_tile(team, [&](const TileRun& run, Index, bool) {
        run.store(0, run.gradient(0), dx + run.first * input_shape().size());
      });
    }
    team.barrier();
    sum_shards(*workspace, shard_count, 0, sum_parts);
    team.barrier();
    finish_gradients(*workspace, pass.batch_arrays(), training_.path, grads, finish_tasks);
  });
  if (pass.error) std::rethrow_exception(pass.error);
}

// The loss of image i of a tile, with those of auxiliary outputs; writes the gradients of all of them.
template <class T>
ImageResult Plan<T>::image_loss(const BatchLoss<T>& loss_of, const TileRun& run, Index i) const {
  const Index size = output_shape().size(), at = i * size, image = run.first + i;
  ImageResult result{loss_of(image, run.output() + at, run.d_output() + at), loss_of.right(image, run.output() + at)};
  for (const AuxiliaryOutput& output : training_.auxiliary) {
    T* gradient = run.gradient(output.value) + at;
    result.loss += output.weight * loss_of(image, run.value(output.value) + at, gradient);
    for (Index j = 0; j < size; ++j) gradient[j] *= static_cast<T>(output.weight);
  }
  return result;
}

template <class T>
StepResult Plan<T>::loss_and_grad(const Batch& batch, const Target<T>& target, const Loss& loss, const T* params,
                                  std::uint64_t seed, const std::vector<Range>& frozen, T* grads,
                                  ShardExchange* exchange) const {
  if (exchange != nullptr && has_external_layers()) {
    fail(
        "loss_and_grad: several processes cannot compute a batch of a network with layers computed outside of the "
        "engine");
  }
  check_statistics(batch.n);
  BatchLoss<T> loss_of(table_, loss, target, batch, output_shape());
  loss_of.divide_gradients();
  const Index shard_count = shards(batch.n);
  const int threads = threads_for(training_, batch.n, shard_count);
  const WorkspaceLease workspace(workspaces_);
  std::optional<GradientPath> trainable;
  const GradientPath& path = frozen.empty() ? training_.path : trainable.emplace(path_without(frozen));
  const Index first_grad = path.first < training_.nodes.size() ? training_.nodes[path.first].packed_grads : 0;
  TrainingPass pass{*this, *workspace, params, batch.n, seed, {false, true, &path}, exchange};
  pass.reserve(threads, true);
  workspace->results.reserve(static_cast<std::size_t>(batch.n) * sizeof(ImageResult));
  ImageResult* results = workspace->results.template at<ImageResult>(0);
  const int slices = static_cast<int>(training_.slices.size());
  Tasks sum_parts(sum_tasks(shard_count, first_grad)), finish_tasks(slices);
  Tasks check_tasks(static_cast<int>(training_.trained.size()));
  std::atomic<int> finished{0};
  std::mutex mutex;
  T largest = 0;  // guarded by mutex
  parallel(threads, [&](const Team& team) {
    pass.begin(team, 0);
    pass.forward(
        team, [&](const TileRun& run) { run.load(batch); },
        [&](const TileRun& run, Index shard, bool first_in_shard) {
          for (Index i = 0; i < run.n; ++i) results[run.first + i] = image_loss(loss_of, run, i);
          pass.backward_last(run, shard, first_in_shard);
        });
    pass.backward_rest(team);
    if (!pass.gather_results(team, results)) return;  // an error, the same for all threads
    team.barrier();
    sum_shards(*workspace, shard_count, first_grad, sum_parts);
    team.barrier();
    finish_gradients(*workspace, pass.batch_arrays(), path, grads, finish_tasks);
    // All threads check many gradients; few are checked by the last thread to finish, so that none waits.
    if (parameter_count() >= kElementsPerThread) {
      team.barrier();
    } else if (++finished < team.size()) {
      return;
    }
    const T found = check_gradients(frozen, grads, check_tasks);
    const std::lock_guard<std::mutex> guard(mutex);
    largest = larger(largest, found);
  });
  if (pass.error) std::rethrow_exception(pass.error);
  store_batch_statistics(pass.statistics, grads);
  double sum = 0;
  Index correct = 0;
  for (Index i = 0; i < batch.n; ++i) {
    sum += results[i].loss;
    correct += results[i].correct;
  }
  return {sum / loss_of.divisor(), correct, loss_of.divisor(), loss_of.counted(), static_cast<double>(largest)};
}

// Calls f(running averages, offset of the node's buffers among the parameters, statistics of the batch) for each node
// that keeps running averages.
template <class T>
template <class F>
void Plan<T>::for_each_average(const F& f) const {
  for (const PlanNode& node : training_.nodes) {
    with_batch_statistics(node.op, [&](const auto& g) {
      const RunningAverages running = g.running();
      f(running, node.params + running.first, node.statistics);
    });
  }
}

template <class T>
void Plan<T>::store_batch_statistics(const T* statistics, T* grads) const {
  for_each_average([&](const RunningAverages& running, Index buffers, Index from) {
    std::copy_n(statistics + from, running.count, grads + buffers);
  });
}

template <class T>
Index Plan<T>::buffer_count() const {
  Index count = 0;
  for_each_average(
      [&](const RunningAverages& running, Index, Index) { count += running.count + (running.cumulative ? 1 : 0); });
  return count;
}

template <class T>
void Plan<T>::update_buffers(T* params, T* grads) const {
  bool finite = true;
  for_each_average([&](const RunningAverages& running, Index buffers, Index) {
    finite = finite && std::isfinite(table_.magnitude(running.count, grads + buffers));
  });
  for_each_average([&](const RunningAverages& running, Index buffers, Index) {
    const Index end = buffers + running.count;
    if (!finite || running.frozen) return std::fill(grads + buffers, grads + end, T(0));
    if (running.cumulative) params[end] += T(1);
    const double momentum = running.cumulative ? 1 / static_cast<double>(params[end]) : running.momentum;
    for (Index i = buffers; i < end; ++i) {
      params[i] =
          static_cast<T>((1 - momentum) * static_cast<double>(params[i]) + momentum * static_cast<double>(grads[i]));
      grads[i] = T(0);
    }
  });
}

template AccumulatorOf<float>* Plan<float>::shard_grads(const Workspace&, Index) const;
template void Plan<float>::whole_batch_weight_grad(const PlanNode&, const BatchArrays&, float*, const Slice&) const;
template ImageResult Plan<float>::image_loss(const BatchLoss<float>&, const TileRun&, Index) const;
template void Plan<float>::check_statistics(Index) const;
template Index Plan<float>::smallest_batch() const;
template Tape Plan<float>::forward_train(const Batch&, const float*, std::uint64_t, float*) const;
template void Plan<float>::backward(const float*, const Tape&, const float*, float*, float*) const;
template StepResult Plan<float>::loss_and_grad(const Batch&, const Target<float>&, const Loss&, const float*,
                                               std::uint64_t, const std::vector<Range>&, float*, ShardExchange*) const;
template void Plan<float>::store_batch_statistics(const float*, float*) const;
template Index Plan<float>::buffer_count() const;
template void Plan<float>::update_buffers(float*, float*) const;
template AccumulatorOf<double>* Plan<double>::shard_grads(const Workspace&, Index) const;
template void Plan<double>::whole_batch_weight_grad(const PlanNode&, const BatchArrays&, double*, const Slice&) const;
template ImageResult Plan<double>::image_loss(const BatchLoss<double>&, const TileRun&, Index) const;
template void Plan<double>::check_statistics(Index) const;
template Index Plan<double>::smallest_batch() const;
template Tape Plan<double>::forward_train(const Batch&, const double*, std::uint64_t, double*) const;
template void Plan<double>::backward(const double*, const Tape&, const double*, double*, double*) const;
template StepResult Plan<double>::loss_and_grad(const Batch&, const Target<double>&, const Loss&, const double*,
                                                std::uint64_t, const std::vector<Range>&, double*,
                                                ShardExchange*) const;
template void Plan<double>::store_batch_statistics(const double*, double*) const;
template Index Plan<double>::buffer_count() const;
template void Plan<double>::update_buffers(double*, double*) const;

}  // namespace cnnfast
