// Replaces kernels in a table of float32: of Conv2d (direct and lanewise), ConvTranspose2d and Linear by those with
// bfloat16 weights; of Conv2d (direct) and Linear by those with sums in float64, forward. Compiled once for each
// instruction set, with the flags of the kernels.
#include "kernels/instantiate/family.hpp"
#include "numbers/types.hpp"

#include "kernels/conv/conv2d_lanewise.hpp"
#include "kernels/conv/conv_transpose.hpp"
#include "kernels/conv/linear.hpp"

CNNFAST_KERNELS_BEGIN

namespace {

// Conv2d without Winograd's algorithm, whose transformed weights cannot be compared bit for bit.
template <class N>
struct Convolution {
  using T = ValueOf<N>;
  using G = PlannedConv;

  template <class F>
  static auto with_algorithm(const G& g, const F& f) {
    return g.algorithm.lanewise ? f(LanewiseConv2d<N>()) : f(DirectConv2d<N>());
  }
  static KernelSizes sizes(const G& g, Index n) {
    return with_algorithm(g, [&](auto a) { return a.sizes(g, n); });
  }
  static void pack(const G& g, const T* params, PackedOf<N>* packed, bool training, const Slice& slice) {
    with_algorithm(g, [&](auto a) { a.pack(g, params, packed, training, slice); });
  }
  static void unpack(const G& g, const AccumulatorOf<N>* packed_grads, T* grads, const Slice& slice) {
    with_algorithm(g, [&](auto a) { a.unpack(g, packed_grads, grads, slice); });
  }
  static void forward(const G& g, const ForwardArgs<T>& args) {
    with_algorithm(g, [&](auto a) { a.forward(g, args); });
  }
  static void backward(const G& g, const BackwardArgs<T>& args) {
    with_algorithm(g, [&](auto a) { a.backward(g, args); });
  }
};

template <class N>
struct DirectConvolution {
  using T = ValueOf<N>;
  using G = PlannedConv;

  static KernelSizes sizes(const G& g, Index n) { return DirectConv2d<N>::sizes(g, n); }
  static void pack(const G& g, const T* params, PackedOf<N>* packed, bool training, const Slice& slice) {
    DirectConv2d<N>::pack(g, params, packed, training, slice);
  }
  static void forward(const G& g, const ForwardArgs<T>& args) { DirectConv2d<N>::forward(g, args); }
};

}  // namespace

void use_bfloat16_weights(KernelTable<float>& table) {
  static_cast<OpKernels<float, PlannedConv>&>(table) = with_weights<Convolution, BFloat16Weights>();
  static_cast<OpKernels<float, ConvTranspose2d::Geometry>&>(table) =
      with_weights<ConvTranspose2dKernels, BFloat16Weights>();
  static_cast<OpKernels<float, Linear::Geometry>&>(table) =
      with_whole_batch_weight_grad<LinearKernels, BFloat16Weights>();
}

// Inference only: a plan adds packed gradients as its values.
template <template <class> class Kernels>
void use_wide_sums_in(KernelTable<float>& table) {
  using K = Kernels<WideSums>;
  using G = typename K::G;
  OpKernels<float, G>& kernels = table;
  kernels.sizes = K::sizes, kernels.pack = pack<K, WideSums>, kernels.forward = K::forward;
  kernels.unpack = nullptr, kernels.backward = nullptr;
  kernels.packed_element = sizeof(PackedOf<WideSums>);
}
void use_wide_sums(KernelTable<float>& table) {
  use_wide_sums_in<DirectConvolution>(table);
  use_wide_sums_in<LinearKernels>(table);
}

CNNFAST_KERNELS_END
