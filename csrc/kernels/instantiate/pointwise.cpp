// Biases, activations and soft maxima.
#include "kernels/instantiate/family.hpp"

#include "kernels/norm/softmax.hpp"
#include "kernels/pointwise/activations.hpp"
#include "kernels/pointwise/bias.hpp"
#include "kernels/pointwise/prelu.hpp"

CNNFAST_KERNELS_BEGIN

template void activate(const Function&, Index, const CNNFAST_ELEMENT*, const CNNFAST_ELEMENT*, const CNNFAST_ELEMENT*,
                       CNNFAST_ELEMENT*, CNNFAST_ELEMENT*);

void fill_pointwise(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<PointwiseOps>&>(table) = {
      with_weights<ChannelBiasKernels>(), with_weights<PositionBiasKernels>(),  with_weights<PReLUKernels>(),
      without_weights<SoftmaxKernels>(),  without_weights<LogSoftmaxKernels>(),
  };
  static_cast<FamilyKernels<ElementwiseOps>&>(table) = {without_weights<ElementwiseKernels>()};
}

CNNFAST_KERNELS_END
