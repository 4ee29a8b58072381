// The kernels of one instruction set, as a value that is passed as an argument. T is the type of values; each operation
// chooses the type of its packed weights, which no one else reads (base/numbers.hpp).
//
// Inside the engine a value of n images lies channels-last: n x positions x channels, images one after
// the other. Kernels are stateless, allocation-free and single-threaded. Every function that reads
// weights reads them packed (see `pack`), every gradient of weights is summed packed, and `unpack`
// brings the sum back to the layout of the parameter.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/cpu.hpp"
#include "base/numbers.hpp"
#include "ops/augmentation.hpp"
#include "ops/loss.hpp"
#include "ops/op_list.hpp"

namespace cnnfast {

// Memory of an operation besides its values, in elements (not bytes): of packed weights, of accumulators, of values.
struct KernelSizes {
  Index packed = 0;            // weights in kernel layout, for forward and backward
  Index packed_grads = 0;      // their gradient
  Index forward_scratch = 0;   // for `n` images
  Index backward_scratch = 0;  // for `n` images
};

// One thread's part of work that several threads share: every `parts`-th item from `part` on. Kernels that cannot be
// divided do everything in part 0.
struct Slice {
  int part = 0, parts = 1;
  bool takes(Index item) const { return item % parts == part; }
  bool first() const { return part == 0; }
};

// Counter-based random numbers: they depend on the key, on the image (its index in the batch; in the input stage, its
// row in the data set) and on the element, never on threads or tiles.
struct Noise {
  std::uint64_t key = 0;
  Index first_image = 0;
};

// An image in the input stage. The first step reads bytes, NCHW, and writes x, channels-last; the others change x.
template <class T>
struct InputArgs {
  Index channels = 1, positions = 1;
  const std::uint8_t* bytes = nullptr;  // null after the first step
  T* x = nullptr;
  Noise noise;
};

// An image to augment, and the image mixed into it where an augmentation mixes: bytes, NCHW, and rows in the data set.
// y: values from 0 to 255, channels-last.
template <class T>
struct AugmentArgs {
  Index channels = 1, h = 1, w = 1;
  const std::uint8_t *bytes = nullptr, *other_bytes = nullptr;
  Index row = 0, other_row = 0;
  AugmentationKey key;
  Mix mix;
  T* y = nullptr;
  T* scratch = nullptr;

  // Elements of scratch: two images, positions and displacements, and the larger of a plane with a pixel around it and
  // the coefficients of displacements, before and after the splines along x: 2 r (k + w), with r <= 0.58 h + 3.5 and
  // k <= 0.58 w + 3.5, since sigma is at least 1.
  Index scratch_size() const { return (2 * channels + 4) * h * w + 2 * (h + 6) * (w + 4); }
};

template <class T>
struct InputKernels {
  void (*normalize)(const T* scale, const T* shift, const InputArgs<T>&);  // x * scale + shift, by channel
  void (*augment)(const Augmentation&, const AugmentArgs<T>&);
  Mix (*draw_mix)(const Augmentation&, const AugmentationKey&, Index row, Index h, Index w);
};

template <class T>
struct ForwardArgs {
  Index n = 0;                   // images
  const T* x = nullptr;          // the input, or the first of several
  const T* const* xs = nullptr;  // all inputs
  const void* packed = nullptr;  // see packed_as
  T* y = nullptr;
  T* saved = nullptr;  // null in inference
  T* scratch = nullptr;
  const T* statistics = nullptr;  // of the batch, see StatisticsKernels; null in inference
  Noise noise;
  // Where several threads share one image, see plan/node_parts.hpp:
  Slice slice;             // the part of y to compute, for kernels that divide their work; others get a smaller y
  Index first_output = 0;  // of the image: index of the first element of y
};

template <class T>
struct BackwardArgs {
  Index n = 0;
  const T* x = nullptr;
  const T* const* xs = nullptr;  // all inputs
  const T* y = nullptr;
  const T* saved = nullptr;
  const void* packed = nullptr;
  const T* dy = nullptr;
  T* dx = nullptr;                           // overwritten; null if not needed
  T* const* dxs = nullptr;                   // likewise for all inputs, one by one
  AccumulatorOf<T>* packed_grads = nullptr;  // null if not needed
  bool accumulate = true;                    // add to packed_grads, else overwrite them
  T* scratch = nullptr;
  const T* statistics = nullptr;    // as in forward
  const T* d_statistics = nullptr;  // ... and those of the gradient
};

// The packed weights, in the type of the kernel that packed them.
template <class Packed, class Args>
const Packed* packed_as(const Args& a) {
  return static_cast<const Packed*>(a.packed);
}

template <class T, class Geometry>
struct OpKernels {
  KernelSizes (*sizes)(const Geometry&, Index n);
  void (*pack)(const Geometry&, const T* params, void* packed, bool training, const Slice&);
  void (*unpack)(const Geometry&, const AccumulatorOf<T>* packed_grads, T* grads, const Slice&);
  void (*forward)(const Geometry&, const ForwardArgs<T>&);
  void (*backward)(const Geometry&, const BackwardArgs<T>&);
  std::size_t packed_element;  // bytes of a packed weight
};

template <class T, class List>
struct OpKernelsOf;
template <class T, class... Ops>
struct OpKernelsOf<T, TypeList<Ops...>> : OpKernels<T, PlannedGeometry<typename Ops::Geometry>>... {};

struct SgdSettings {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, first;
  bool maximize = false;
};

struct AdamSettings {
  double lr, beta1, beta2, eps, weight_decay;
  double bias_correction1, bias_correction2;  // 1 - beta^step
  bool decoupled;
  bool maximize = false;
};

// n rows of c outputs x, and their targets: a class per row, class probabilities c x n, or n x c numbers.
template <class T>
struct LossArgs {
  Index n = 1, c = 1;
  const T* x = nullptr;
  const std::int64_t* classes = nullptr;
  const T* values = nullptr;
  const T* weight = nullptr;  // c numbers, or null
  T scale = 1;                // of the gradient
  T* each = nullptr;          // receives the losses: of rows for class targets, else of elements; may be null
  T* dx = nullptr;
};
struct RmspropSettings {
  double lr, alpha, eps, weight_decay, momentum;
  bool maximize = false;
};

struct AdagradSettings {
  double lr, eps, weight_decay;  // lr after decay
  bool maximize = false;
};

// Kernels over whole vectors and rows rather than over one operation's geometry.
template <class T>
struct VectorKernels {
  // Interface of the engine: NCHW to channels-last and back, one image.
  void (*from_nchw)(Index channels, Index positions, const T* x, T* y);
  void (*to_nchw)(Index channels, Index positions, const T* x, T* y);
  double (*loss)(const LossRule&, const LossArgs<T>&);  // the sum of the losses
  void (*add)(Index size, const T* x, T* y);            // y += x
  // y = x[0] + x[stride] + ..., in order: of packed gradients.
  void (*sum)(Index size, Index count, Index stride, const AccumulatorOf<T>* x, AccumulatorOf<T>* y);
  T (*magnitude)(Index size, const T* x);
  void (*sgd)(Index size, const SgdSettings&, T* params, const T* grads, T* momentum);
  void (*adam)(Index size, const AdamSettings&, T* params, const T* grads, T* exp_avg, T* exp_avg_sq,
               T* max_exp_avg_sq);
  void (*rmsprop)(Index size, const RmspropSettings&, T* params, const T* grads, T* square_avg, T* grad_avg,
                  T* momentum);
  void (*adagrad)(Index size, const AdagradSettings&, T* params, const T* grads, T* sum);
  double (*squared_norm)(Index size, const T* x);  // sum of x[i]^2, in double
  // Multiply-adds on registers only: performs and returns at least `flops` of them.
  double (*fma_loop)(double flops);
};

// The sums that the shards of a batch collected, and what they are combined to.
template <class T>
struct CombineArgs {
  Index n = 0;                   // images of the batch
  Index shards = 0, stride = 0;  // sums of shard i: at sums + i * stride
  const double* sums = nullptr;
  const T* params = nullptr;  // of the operation
  T* statistics = nullptr;
  T* d_statistics = nullptr;  // in d_combine, with the gradients of the parameters, packed
  AccumulatorOf<T>* packed_grads = nullptr;
};

// Statistics of the whole batch: sums over the images of a tile, added to those of a shard, and combined over shards in
// order at a barrier, after which `forward` and `backward` read them.
template <class T, class Geometry>
struct StatisticsKernels {
  void (*collect)(const Geometry&, const ForwardArgs<T>&, double* shard);
  void (*combine)(const Geometry&, const CombineArgs<T>&);
  void (*d_collect)(const Geometry&, const BackwardArgs<T>&, double* shard);
  void (*d_combine)(const Geometry&, const CombineArgs<T>&);
};

template <class T, class List>
struct StatisticsKernelsOf;
template <class T, class... Ops>
struct StatisticsKernelsOf<T, TypeList<Ops...>> : StatisticsKernels<T, typename Ops::Geometry>... {};

// The gradient of weights and bias, in the layout of the parameters, from the inputs and the gradients of all images of
// a batch: contiguous rows. Up to one vector past the last row may be read.
template <class T, class Geometry>
struct WholeBatchKernels {
  void (*weight_grad)(const Geometry&, Index n, const T* x, const T* dy, T* grads, const Slice&);
};

template <class T, class List>
struct WholeBatchKernelsOf;
template <class T, class... Ops>
struct WholeBatchKernelsOf<T, TypeList<Ops...>> : WholeBatchKernels<T, typename Ops::Geometry>... {};

// Those of an external layer only concern its parameters; it is computed elsewhere.
template <class T>
const OpKernels<T, External::Geometry>& external_kernels();

template <class T>
struct KernelTable : OpKernelsOf<T, ProductOps>,
                     OpKernelsOf<T, PoolingOps>,
                     OpKernelsOf<T, PointwiseOps>,
                     OpKernelsOf<T, NormalizationOps>,
                     OpKernelsOf<T, ElementwiseOps>,
                     OpKernelsOf<T, StructureOps>,
                     OpKernelsOf<T, FusedOps>,
                     StatisticsKernelsOf<T, StatisticsOps>,
                     WholeBatchKernelsOf<T, WholeBatchOps>,
                     InputKernels<T>,
                     VectorKernels<T> {
  Isa isa = Isa::baseline;
  int lanes = 1;  // elements in a vector register

  template <class Geometry>
  const OpKernels<T, Geometry>& of(const Geometry&) const {
    return *this;
  }
  const OpKernels<T, External::Geometry>& of(const External::Geometry&) const { return external_kernels<T>(); }
  template <class Geometry>
  const StatisticsKernels<T, Geometry>& statistics_of(const Geometry&) const {
    return *this;
  }
  template <class Geometry>
  const WholeBatchKernels<T, Geometry>& whole_batch_of(const Geometry&) const {
    return *this;
  }
};

// Variants this build holds and this processor can run, in rising order of preference.
const std::vector<Isa>& available_isas();
const std::vector<Isa>& built_isas();

// The variant used where none is named: CNNFAST_ISA in the environment, else the last available.
Isa default_isa();
Isa isa_from_name(const std::string& name);  // fails with the list of what is available

// The variant of that name or, where it was not built for T, the last one before it.
template <class T>
const KernelTable<T>& kernel_table(Isa isa);

}  // namespace cnnfast
