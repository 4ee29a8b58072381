#include "train/optimizer_steps.hpp"

#include "runtime/ranges.hpp"

namespace cnnfast {

namespace {

template <class T>
T* at(T* start, Index i) {
  return start == nullptr ? nullptr : start + i;
}

}  // namespace

template <class T>
void sgd_step(Index size, const SgdSettings& s, T* params, const T* grads, T* momentum_buffer) {
  const KernelTable<T>& table = kernel_table<T>(default_isa());
  parallel_ranges(size, 1, [&](Index i, Index n) { table.sgd(n, s, params + i, grads + i, at(momentum_buffer, i)); });
}

template <class T>
void adam_step(Index size, const AdamSettings& s, T* params, const T* grads, T* exp_avg, T* exp_avg_sq,
               T* max_exp_avg_sq) {
  const KernelTable<T>& table = kernel_table<T>(default_isa());
  parallel_ranges(size, 1, [&](Index i, Index n) {
    table.adam(n, s, params + i, grads + i, exp_avg + i, exp_avg_sq + i, at(max_exp_avg_sq, i));
  });
}

template <class T>
void rmsprop_step(Index size, const RmspropSettings& s, T* params, const T* grads, T* square_avg, T* grad_avg,
                  T* momentum_buffer) {
  const KernelTable<T>& table = kernel_table<T>(default_isa());
  parallel_ranges(size, 1, [&](Index i, Index n) {
    table.rmsprop(n, s, params + i, grads + i, square_avg + i, at(grad_avg, i), at(momentum_buffer, i));
  });
}

template <class T>
void adagrad_step(Index size, const AdagradSettings& s, T* params, const T* grads, T* sum) {
  const KernelTable<T>& table = kernel_table<T>(default_isa());
  parallel_ranges(size, 1, [&](Index i, Index n) { table.adagrad(n, s, params + i, grads + i, sum + i); });
}

template void sgd_step(Index, const SgdSettings&, float*, const float*, float*);
template void adam_step(Index, const AdamSettings&, float*, const float*, float*, float*, float*);
template void rmsprop_step(Index, const RmspropSettings&, float*, const float*, float*, float*, float*);
template void adagrad_step(Index, const AdagradSettings&, float*, const float*, float*);
template void sgd_step(Index, const SgdSettings&, double*, const double*, double*);
template void adam_step(Index, const AdamSettings&, double*, const double*, double*, double*, double*);
template void rmsprop_step(Index, const RmspropSettings&, double*, const double*, double*, double*, double*);
template void adagrad_step(Index, const AdagradSettings&, double*, const double*, double*);

}  // namespace cnnfast
