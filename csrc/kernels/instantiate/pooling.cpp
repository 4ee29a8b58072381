// Pools.
#include "kernels/instantiate/family.hpp"

#include "kernels/pool/avg_pool.hpp"
#include "kernels/pool/max_pool.hpp"

CNNFAST_KERNELS_BEGIN

void fill_pooling(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<PoolingOps>&>(table) = {
      without_weights<MaxPool2dKernels>(),
      without_weights<AvgPool2dKernels>(),
  };
}

CNNFAST_KERNELS_END
