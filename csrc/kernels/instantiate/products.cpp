// Convolutions, matrix products and distances.
#include "kernels/instantiate/family.hpp"

#include "kernels/conv/conv2d_algorithms.hpp"
#include "kernels/conv/conv_transpose.hpp"
#include "kernels/conv/linear.hpp"
#include "kernels/conv/matmul.hpp"
#include "kernels/conv/rbf.hpp"

CNNFAST_KERNELS_BEGIN

template struct Conv2dKernels<CNNFAST_ELEMENT>;

void fill_products(KernelTable<CNNFAST_ELEMENT>& table) {
  static_cast<FamilyKernels<ProductOps>&>(table) = {
      with_weights<Conv2dKernels>(),
      with_weights<ConvTranspose2dKernels>(),
      with_whole_batch_weight_grad<LinearKernels>(),
      without_weights<MatMulKernels>(),
      with_weights<RBFKernels>(),
  };
  static_cast<WholeBatchKernels<CNNFAST_ELEMENT, Linear::Geometry>&>(table) = {LinearKernels<CNNFAST_ELEMENT>::weights};
}

CNNFAST_KERNELS_END
