// What Winograd's algorithm does for convolutions, alone and fused with a pool.
#include "kernels/instantiate/family.hpp"

#include "kernels/conv/winograd.hpp"

CNNFAST_KERNELS_BEGIN

using T = CNNFAST_ELEMENT;

template struct WinogradWeights<T, 2, 3>;
template struct WinogradWeights<T, 2, 5>;
template struct WinogradWeights<T, 4, 3>;
template struct Winograd<T, 2, 3>;
template struct Winograd<T, 2, 5>;
template struct Winograd<T, 4, 3>;

CNNFAST_KERNELS_END
