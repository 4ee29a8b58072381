// Normalisation and dropout.
#include "kernels/batch_norm.hpp"
#include "kernels/dropout.hpp"
#include "kernels/family.hpp"
#include "kernels/group_norm.hpp"
#include "kernels/local_response_norm.hpp"

CNNFAST_KERNELS_BEGIN

void fill_normalization(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<NormalizationOps>&>(table) = {
      with_weights<BatchNormKernels>(),  with_weights<GroupNormKernels>(),
      with_weights<LayerNormKernels>(),  without_weights<LocalResponseNormKernels>(),
      without_weights<DropoutKernels>(),
  };
  table.collect = BatchNormKernels<CNNFAST_ELEMENT>::collect;
  table.d_collect = BatchNormKernels<CNNFAST_ELEMENT>::d_collect;
}

CNNFAST_KERNELS_END
