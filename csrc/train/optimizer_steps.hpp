// Optimizer steps over a flat block of parameters, in place and on all threads where it is large. Buffers that the
// settings do not use are null.
#pragma once

#include "kernels/table.hpp"

namespace cnnfast {

template <class T>
void sgd_step(Index size, const SgdSettings& s, T* params, const T* grads, T* momentum_buffer);

template <class T>
void adam_step(Index size, const AdamSettings& s, T* params, const T* grads, T* exp_avg, T* exp_avg_sq,
               T* max_exp_avg_sq);

template <class T>
void rmsprop_step(Index size, const RmspropSettings& s, T* params, const T* grads, T* square_avg, T* grad_avg,
                  T* momentum_buffer);

template <class T>
void adagrad_step(Index size, const AdagradSettings& s, T* params, const T* grads, T* sum);

}  // namespace cnnfast
