// Operations that rearrange or combine values.
#include "kernels/instantiate/family.hpp"

#include "kernels/pointwise/pad.hpp"
#include "kernels/pointwise/resample.hpp"
#include "kernels/pointwise/resize.hpp"
#include "kernels/pointwise/structure.hpp"

CNNFAST_KERNELS_BEGIN

void fill_structure(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<StructureOps>&>(table) = {
      without_weights<ReshapeKernels>(),
      without_weights<AddKernels>(),
      without_weights<MulKernels>(),
      without_weights<ConcatKernels>(),
      without_weights<SelectChannelsKernels>(),
      without_weights<Upsample2dKernels>(),
      without_weights<Pad2dKernels>(),
      without_weights<Resize2dKernels>(),
  };
}

CNNFAST_KERNELS_END
