// What a family's file needs to put its kernels into a table. CMake compiles each of csrc/kernels/instantiate/ once
// for each pair of instruction set and element type, with -DCNNFAST_ISA=<variant> -DCNNFAST_ELEMENT=<float|double>
// and the variant's flags.
#pragma once

#include "kernels/simd/isa.hpp"
#include "kernels/simd/packet.hpp"
#include "kernels/table.hpp"
#include "kernels/variants.hpp"

CNNFAST_KERNELS_BEGIN

void fill_products(KernelTable<CNNFAST_ELEMENT>& table);
void fill_pooling(KernelTable<CNNFAST_ELEMENT>& table);
void fill_pointwise(KernelTable<CNNFAST_ELEMENT>& table);
void fill_normalization(KernelTable<CNNFAST_ELEMENT>& table);
void fill_structure(KernelTable<CNNFAST_ELEMENT>& table);
void fill_fused(KernelTable<CNNFAST_ELEMENT>& table);

template <class T, class G>
void nothing_to_pack(const G&, const T*, void*, bool, const Slice&) {}
template <class T, class G>
void nothing_to_unpack(const G&, const T*, T*, const Slice&) {}

template <class K, class N>
void pack(const typename K::G& g, const ValueOf<N>* params, void* packed, bool training, const Slice& slice) {
  K::pack(g, params, static_cast<PackedOf<N>*>(packed), training, slice);
}

// Kernels of the numbers N, for a table of their values.
template <template <class> class Kernels, class N = CNNFAST_ELEMENT>
constexpr auto with_weights() {
  using K = Kernels<N>;
  return OpKernels<ValueOf<N>, typename K::G>{K::sizes,   pack<K, N>,  K::unpack,
                                              K::forward, K::backward, sizeof(PackedOf<N>)};
}
// Weights whose gradient is not summed tile by tile.
template <template <class> class Kernels, class N = CNNFAST_ELEMENT>
constexpr auto with_whole_batch_weight_grad() {
  using K = Kernels<N>;
  using T = ValueOf<N>;
  using G = typename K::G;
  return OpKernels<T, G>{K::sizes, pack<K, N>, nothing_to_unpack<T, G>, K::forward, K::backward, sizeof(PackedOf<N>)};
}
template <template <class> class Kernels>
constexpr auto without_weights() {
  using T = CNNFAST_ELEMENT;
  using K = Kernels<T>;
  using G = typename K::G;
  return OpKernels<T, G>{K::sizes, nothing_to_pack<T, G>, nothing_to_unpack<T, G>, K::forward, K::backward, sizeof(T)};
}

template <template <class> class Kernels>
void with_statistics(KernelTable<CNNFAST_ELEMENT>& table) {
  using K = Kernels<CNNFAST_ELEMENT>;
  static_cast<StatisticsKernels<CNNFAST_ELEMENT, typename K::G>&>(table) = {K::collect, K::combine, K::d_collect,
                                                                            K::d_combine};
}

// The kernels of a family, in the order of its list.
template <class Family>
using FamilyKernels = OpKernelsOf<CNNFAST_ELEMENT, Family>;

CNNFAST_KERNELS_END
