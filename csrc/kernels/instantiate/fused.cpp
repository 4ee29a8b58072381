// Several layers as one node.
#include "kernels/instantiate/family.hpp"

#include "kernels/conv/conv_activation.hpp"
#include "kernels/conv/conv_pool.hpp"

CNNFAST_KERNELS_BEGIN

void fill_fused(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<FusedOps>&>(table) = {
      with_weights<ConvPoolKernels>(),
      with_weights<ConvActivationKernels>(),
  };
}

CNNFAST_KERNELS_END
