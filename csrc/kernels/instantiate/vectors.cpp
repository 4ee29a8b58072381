// Kernels of the input stage, of whole vectors and rows, and the door of the variant.
#include "kernels/instantiate/family.hpp"

#include "kernels/input/augment.hpp"
#include "kernels/input/normalize.hpp"
#include "kernels/pointwise/bias.hpp"
#include "kernels/train/losses.hpp"
#include "kernels/train/optimizers.hpp"

CNNFAST_KERNELS_BEGIN

namespace {

using T = CNNFAST_ELEMENT;

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
T magnitude(Index size, const T* x) {
  using V = Packet<T>;
  V differences = zero<V>(), largest = zero<V>();
  for_each_group<V>(size, [&](Index i, Index count) {
    const V v = load_upto<V>(x + i, count);
    differences = ei::padd(differences, V(ei::psub(v, v)));
    largest = ei::pmax(largest, V(ei::pabs(v)));
  });
  const T invalid = ei::predux(differences);
  return invalid == 0 ? ei::predux_max(largest) : invalid;
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

}  // namespace

void fill_table(KernelTable<T>& table) {
  fill_products(table);
  fill_pooling(table);
  fill_pointwise(table);
  fill_normalization(table);
  fill_structure(table);
  fill_fused(table);
  static_cast<InputKernels<T>&>(table) = {normalize<T>, augment<T>, draw_mix};
  static_cast<VectorKernels<T>&>(table) = {
      from_nchw<T>, to_nchw<T>, losses<T>,       add,      sum, magnitude, sgd<T>, adam<T>,
      rmsprop<T>,   adagrad<T>, squared_norm<T>, fma_loop,
  };
  table.isa = Isa::CNNFAST_ISA;
  table.lanes = kLanes<Packet<T>>;
}

CNNFAST_KERNELS_END
