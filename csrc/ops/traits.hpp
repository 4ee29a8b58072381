// What a plan asks of an operation besides its kernels. A Geometry declares it by members; without them the answer is
// no.
//
//   kBatchStatistics = true           training needs sums over the whole batch (StatisticsKernels). It has
//                                     statistics(), shard_statistics(), smallest_batch(), check_batch(n, where) and
//                                     running(), see BatchNorm2d
//   kWholeBatchWeightGrad = true      the gradient of its parameters is one product over all images of the batch
//                                     (WholeBatchKernels), not a sum over tiles
//   kFusesResidualAndActivation = true    its kernels may add a second input and apply a function: `residual`,
//                                     `activation`, activated(), keeps_slope()
//   passes_gradient()                 the gradient of each input is that of the output
#pragma once

#include <type_traits>
#include <utility>

namespace cnnfast {

template <class G, class = void>
inline constexpr bool kHasBatchStatistics = false;
template <class G>
inline constexpr bool kHasBatchStatistics<G, std::enable_if_t<G::kBatchStatistics>> = true;

template <class G, class = void>
inline constexpr bool kHasWholeBatchWeightGrad = false;
template <class G>
inline constexpr bool kHasWholeBatchWeightGrad<G, std::enable_if_t<G::kWholeBatchWeightGrad>> = true;

template <class G, class = void>
inline constexpr bool kHasResidualAndActivation = false;
template <class G>
inline constexpr bool kHasResidualAndActivation<G, std::enable_if_t<G::kFusesResidualAndActivation>> = true;

template <class G, class = void>
inline constexpr bool kMayPassGradient = false;
template <class G>
inline constexpr bool kMayPassGradient<G, std::void_t<decltype(std::declval<const G&>().passes_gradient())>> = true;

}  // namespace cnnfast
