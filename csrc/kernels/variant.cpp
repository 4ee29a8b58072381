// All kernels of one instruction set and element type, gathered into a table. CMake compiles this file once
// for each pair, with -DCNNFAST_ISA=<variant> -DCNNFAST_ELEMENT=<float|double> and the variant's flags.
#include "kernels/isa.hpp"

#include "kernels/activations.hpp"
#include "kernels/bias.hpp"
#include "kernels/conv2d.hpp"
#include "kernels/conv_activation.hpp"
#include "kernels/conv_pool.hpp"
#include "kernels/linear.hpp"
#include "kernels/max_pool2d.hpp"
#include "kernels/optimizers.hpp"
#include "kernels/softmax.hpp"
#include "kernels/structure.hpp"
#include "kernels/variants.hpp"

CNNFAST_KERNELS_BEGIN

namespace {

using T = CNNFAST_ELEMENT;

template <class G>
void nothing_to_pack(const G&, const T*, T*, bool, const Slice&) {}
template <class G>
void nothing_to_unpack(const G&, const T*, T*, const Slice&) {}

template <class Kernels>
constexpr OpKernels<T, typename Kernels::G> with_weights() {
  return {Kernels::sizes, Kernels::pack, Kernels::unpack, Kernels::forward, Kernels::backward};
}
template <class Kernels>
constexpr OpKernels<T, typename Kernels::G> without_weights() {
  using G = typename Kernels::G;
  return {Kernels::sizes, nothing_to_pack<G>, nothing_to_unpack<G>, Kernels::forward, Kernels::backward};
}

void add(Index size, const T* x, T* y) {
  map(size, y, [](const auto& u, const auto& v) { return ei::padd(u, v); }, y, x);
}

void sum(Index size, Index count, Index stride, const T* x, T* y) {
  constexpr Index lanes = kLanes<Packet<T>>;
  Index i = 0;
  for (; i + lanes <= size; i += lanes) {
    auto total = load<Packet<T>>(x + i);
    for (Index k = 1; k < count; ++k) total = ei::padd(total, load<Packet<T>>(x + k * stride + i));
    store(y + i, total);
  }
  for (; i < size; ++i) {
    T total = x[i];
    for (Index k = 1; k < count; ++k) total += x[k * stride + i];
    y[i] = total;
  }
}

// x - x is 0 for what is finite and NaN for the rest; NaN stays in a sum.
bool all_finite(Index size, const T* x) {
  using V = Packet<T>;
  V differences = zero<V>();
  for_each_group<V>(size, [&](Index i, Index count) {
    const V v = load_upto<V>(x + i, count);
    differences = ei::padd(differences, V(ei::psub(v, v)));
  });
  return ei::predux(differences) == 0;
}

// Twelve independent chains on registers: enough to cover latency x throughput of any multiply-add unit.
double fma_loop(double flops) {
  using V = Packet<T>;
  constexpr int chains = kRegisters == 32 ? 16 : 12;
  V acc[chains];
  CNNFAST_UNROLL
  for (int i = 0; i < chains; ++i) acc[i] = broadcast<V>(static_cast<T>(i));
  const V a = broadcast<V>(static_cast<T>(0.999)), b = broadcast<V>(static_cast<T>(1e-3));
  const double per_turn = 2.0 * chains * kLanes<V>;
  const Index turns = static_cast<Index>(flops / per_turn) + 1;
  for (Index turn = 0; turn < turns; ++turn) {
    CNNFAST_UNROLL
    for (int i = 0; i < chains; ++i) acc[i] = ei::pmadd(acc[i], a, b);
  }
  V total = acc[0];
  CNNFAST_UNROLL
  for (int i = 1; i < chains; ++i) total = ei::padd(total, acc[i]);
  volatile T sink = ei::predux(total);  // keeps the loop
  (void)sink;
  return per_turn * static_cast<double>(turns);
}

// In the order of KernelList.
constexpr OpKernelsOf<T, KernelList> op_kernels{
    with_weights<Conv2dKernels<T>>(),         without_weights<MaxPool2dKernels<T>>(),
    with_weights<LinearKernels<T>>(),         with_weights<ChannelBiasKernels<T>>(),
    with_weights<PositionBiasKernels<T>>(),   without_weights<ReLUKernels<T>>(),
    without_weights<GELUKernels<T>>(),        without_weights<SoftmaxKernels<T>>(),
    without_weights<LogSoftmaxKernels<T>>(),  without_weights<FlattenKernels<T>>(),
    without_weights<AddKernels<T>>(),         with_weights<ConvPoolKernels<T>>(),
    with_weights<ConvActivationKernels<T>>(),
};

constexpr VectorKernels<T> vector_kernels{
    from_nchw<T>, from_nchw_u8<T>, to_nchw<T>, row_losses<T>, add, sum, all_finite, sgd<T>, adam<T>, fma_loop,
};

}  // namespace

void fill_table(KernelTable<T>& table) {
  static_cast<OpKernelsOf<T, KernelList>&>(table) = op_kernels;
  static_cast<VectorKernels<T>&>(table) = vector_kernels;
  table.isa = Isa::CNNFAST_ISA;
  table.lanes = kLanes<Packet<T>>;
}

CNNFAST_KERNELS_END
