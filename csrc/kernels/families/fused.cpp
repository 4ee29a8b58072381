// Several layers as one node.
#include "kernels/family.hpp"

#include "kernels/conv_activation.hpp"
#include "kernels/conv_pool.hpp"

CNNFAST_KERNELS_BEGIN

void fill_fused(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<FusedOps>&>(table) = {
      with_weights<ConvPoolKernels>(),
      with_weights<ConvActivationKernels>(),
  };
}

CNNFAST_KERNELS_END
