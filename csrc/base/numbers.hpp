// The element types that a kernel computes with. One name, N, stands for all of them; for float and double they are
// N itself. docs/architecture.md ("Extension points") says how to add another.
#pragma once

namespace cnnfast {

template <class N>
struct Numbers {
  using Value = N;        // activations and parameters: arrays, arenas, scratch
  using Packed = N;       // weights in the layout of the kernels
  using Accumulator = N;  // sums in registers, and the packed gradients of weights
};

template <class N>
using ValueOf = typename Numbers<N>::Value;
template <class N>
using PackedOf = typename Numbers<N>::Packed;
template <class N>
using AccumulatorOf = typename Numbers<N>::Accumulator;

}  // namespace cnnfast
