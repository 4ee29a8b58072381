// Seconds of each node, on one thread.
#include "plan/threads.hpp"
#include "plan/tile_run.hpp"

namespace cnnfast {

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
