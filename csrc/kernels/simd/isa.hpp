// Included first in a variant file. Gives every symbol of the variant, Eigen's templates included, a name
// of its own: the same template compiled with two sets of flags would otherwise be one weak symbol, and
// the linker would choose which instructions the process runs.
#pragma once

#ifndef CNNFAST_ISA
#error "compile kernel files with -DCNNFAST_ISA=<variant>"
#endif

#define CNNFAST_JOIN_(a, b) a##b
#define CNNFAST_JOIN(a, b) CNNFAST_JOIN_(a, b)

#define Eigen CNNFAST_JOIN(Eigen_, CNNFAST_ISA)
#define EIGEN_DONT_PARALLELIZE
#define EIGEN_FAST_MATH 0  // the exact square root
#define EIGEN_NO_IO
#if defined(__MINGW32__) && defined(__clang__)
// clang states the ABI of GCC 4.2, in which registers of 128 and 256 bits could not be told apart. Eigen would avoid
// that by wrapping them, which its AVX-512 functions cannot handle.
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wbuiltin-macro-redefined"
#undef __GXX_ABI_VERSION
#define __GXX_ABI_VERSION 1004
#pragma clang diagnostic pop
#endif
#include <Eigen/Packets>  // made by cmake/find_eigen.cmake

#define CNNFAST_KERNELS_BEGIN \
  namespace cnnfast {         \
  namespace CNNFAST_ISA {
#define CNNFAST_KERNELS_END \
  }                         \
  }

#if defined(_MSC_VER) && !defined(__clang__)
#define CNNFAST_INLINE __forceinline
#define CNNFAST_UNROLL
#else
#define CNNFAST_INLINE inline __attribute__((always_inline))
// GCC keeps an array of accumulators on the stack unless every loop over it is unrolled completely.
#define CNNFAST_UNROLL _Pragma("GCC unroll 16")
#endif
