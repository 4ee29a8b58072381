// Normalization and dropout.
#include "kernels/instantiate/family.hpp"
#include "kernels/norm/batch_norm.hpp"
#include "kernels/norm/group_norm.hpp"
#include "kernels/norm/local_response_norm.hpp"
#include "kernels/pointwise/dropout.hpp"

CNNFAST_KERNELS_BEGIN

void fill_normalization(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<NormalizationOps>&>(table) = {
      with_weights<BatchNormKernels>(),  with_weights<GroupNormKernels>(),
      with_weights<LayerNormKernels>(),  without_weights<LocalResponseNormKernels>(),
      without_weights<DropoutKernels>(),
  };
  with_statistics<BatchNormKernels>(table);
}

CNNFAST_KERNELS_END
