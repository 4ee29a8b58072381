// Seconds of each node, on one thread.
#include <optional>

#include "plan/training_pass.hpp"
#include "train/batch_loss.hpp"

namespace cnnfast {

template <class T>
std::vector<NodeTime> Plan<T>::profile(const Batch& batch, const Target<T>* target, const Loss& loss, const T* params,
                                       int repeats, RequiresGrad wanted) const {
  check_statistics(batch.n);
  std::vector<NodeTime> times(training_.nodes.size());
  const WorkspaceLease workspace(workspaces_);
  TrainingPass pass{*this, *workspace, params, batch.n, 0, wanted};
  pass.times = &times;
  pass.reserve(1, true);
  std::optional<BatchLoss<T>> loss_of;
  if (target != nullptr) loss_of.emplace(table_, loss, *target, batch, output_shape());
  const Index size = output_shape().size();
  std::vector<T> grads(static_cast<std::size_t>(parameter_count()));
  const Team alone(0, 1);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    if (repeat == 0 || training_.packed_by_segment) pass.begin(alone, 0);
    pass.forward(
        alone, [&](const TileRun& run) { run.load(batch); },
        [&](const TileRun& run, Index shard, bool first_in_shard) {
          if (!loss_of) {
            std::memcpy(run.d_output(), run.output(), static_cast<std::size_t>(run.n * size) * sizeof(T));
            run.clear_auxiliary_gradients();
          }
          for (Index i = 0; loss_of && i < run.n; ++i) image_loss(*loss_of, run, i);
          pass.backward_last(run, shard, first_in_shard);
        });
    pass.backward_rest(alone);
    if (pass.error) std::rethrow_exception(pass.error);
    for (const NodeSlice& task : training_.slices) {
      const PlanNode& node = training_.nodes[task.node];
      if (!wanted.parameters || !node.whole_batch_weight_grad) continue;
      const double start = seconds();
      whole_batch_weight_grad(node, pass.batch_arrays(), grads.data(), task.slice);
      times[task.node].backward += seconds() - start;
    }
    pass.restart(alone);
  }
  return times;
}

template std::vector<NodeTime> Plan<float>::profile(const Batch&, const Target<float>*, const Loss&, const float*, int,
                                                    RequiresGrad) const;
template std::vector<NodeTime> Plan<double>::profile(const Batch&, const Target<double>*, const Loss&, const double*,
                                                     int, RequiresGrad) const;

}  // namespace cnnfast
