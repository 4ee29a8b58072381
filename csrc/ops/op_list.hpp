// The list of operations, by family. Kernel table, plan and the registry test all follow from it.
#pragma once

#include "base/variant.hpp"
#include "ops/activations.hpp"
#include "ops/avg_pool.hpp"
#include "ops/batch_norm.hpp"
#include "ops/bias.hpp"
#include "ops/conv1d.hpp"
#include "ops/conv2d.hpp"
#include "ops/conv_pool.hpp"
#include "ops/conv_transpose.hpp"
#include "ops/dropout.hpp"
#include "ops/external.hpp"
#include "ops/group_norm.hpp"
#include "ops/linear.hpp"
#include "ops/local_response_norm.hpp"
#include "ops/matmul.hpp"
#include "ops/max_pool.hpp"
#include "ops/pad.hpp"
#include "ops/planned_conv.hpp"
#include "ops/prelu.hpp"
#include "ops/rbf.hpp"
#include "ops/resample.hpp"
#include "ops/resize.hpp"
#include "ops/softmax.hpp"
#include "ops/structure.hpp"
#include "ops/traits.hpp"

namespace cnnfast {

// A family's kernels are compiled together: csrc/kernels/instantiate/.
using ProductOps = TypeList<Conv2d, ConvTranspose2d, Linear, MatMul, RBF>;
using PoolingOps = TypeList<MaxPool2d, AvgPool2d>;
using PointwiseOps = TypeList<ChannelBias, PositionBias, PReLU, Softmax, LogSoftmax>;
using NormalizationOps = TypeList<BatchNorm2d, GroupNorm, LayerNorm, LocalResponseNorm, Dropout>;
using StructureOps = TypeList<Reshape, Add, Mul, Concat, SelectChannels, Upsample2d, Pad2d, Resize2d>;
// Fused by a plan from several layers.
using FusedOps = TypeList<ConvPool, ConvActivation>;
// Elementwise functions (ActivationOps, csrc/ops/activations.hpp) have one kernel.
using ElementwiseOps = TypeList<Elementwise>;
// Operations without kernels of their own: `bind_shape` returns the Geometry of one of those above.
using AliasOps = TypeList<Flatten, Conv1d, ConvTranspose1d, Upsample1d, Downsample1d, Downsample2d, BatchNorm1d,
                          Dropout2d, Pad1d, Resize1d, MaxPool1d, AvgPool1d, AdaptiveMaxPool1d, AdaptiveMaxPool2d,
                          AdaptiveAvgPool1d, AdaptiveAvgPool2d>;

using OpList = decltype(join(ProductOps(), PoolingOps(), PointwiseOps(), ActivationOps(), NormalizationOps(),
                             StructureOps(), AliasOps()));
using KernelList = decltype(join(ProductOps(), PoolingOps(), PointwiseOps(), ElementwiseOps(), NormalizationOps(),
                                 StructureOps(), FusedOps()));

// Those whose Geometry declares a trait, see traits.hpp.
template <class... Ops>
constexpr auto statistics_ops(TypeList<Ops...>) {
  return join(std::conditional_t<kHasBatchStatistics<typename Ops::Geometry>, TypeList<Ops>, TypeList<>>()...);
}
template <class... Ops>
constexpr auto whole_batch_ops(TypeList<Ops...>) {
  return join(std::conditional_t<kHasWholeBatchWeightGrad<typename Ops::Geometry>, TypeList<Ops>, TypeList<>>()...);
}
using StatisticsOps = decltype(statistics_ops(KernelList()));
using WholeBatchOps = decltype(whole_batch_ops(KernelList()));

template <class... Types>
Variant<PlannedGeometry<typename Types::Geometry>...> geometries(TypeList<Types...>);
template <class... Types>
Variant<Types...> variant_of(TypeList<Types...>);

// Settings, as users compose them.
using Op = decltype(variant_of(join(OpList(), TypeList<External>())));
// Settings bound to an input shape, as kernels compute them.
using BoundOp = decltype(geometries(join(KernelList(), TypeList<External>())));

// Calls f(geometry) if the operation needs statistics of the whole batch.
template <class F>
void with_batch_statistics(const BoundOp& op, const F& f) {
  visit(
      [&](const auto& g) {
        if constexpr (kHasBatchStatistics<std::decay_t<decltype(g)>>) f(g);
      },
      op);
}

}  // namespace cnnfast
