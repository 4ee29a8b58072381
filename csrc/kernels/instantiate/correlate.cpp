// The loops that convolutions, alone and fused, and Linear have in common.
#include "kernels/instantiate/family.hpp"

#include "kernels/conv/correlate_weights.hpp"

CNNFAST_KERNELS_BEGIN

using T = CNNFAST_ELEMENT;

template void correlate<T>(const Correlation&, const T*, const T*, const T*, T*, const Slice&);
template void bias_gradient(const Correlation&, const T*, T*, bool);
template void correlate_weights(const Correlation&, const T*, const T*, T*, bool);

CNNFAST_KERNELS_END
