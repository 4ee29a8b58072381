// The entry point of each variant: fills a table with its kernels. Defined in instantiate/vectors.cpp, once per
// variant.
#pragma once

#include "kernels/table.hpp"

#define CNNFAST_DECLARE_VARIANT(isa)           \
  namespace cnnfast::isa {                     \
  void fill_table(KernelTable<float>& table);  \
  void fill_table(KernelTable<double>& table); \
  }

CNNFAST_DECLARE_VARIANT(baseline)
CNNFAST_DECLARE_VARIANT(avx2)
CNNFAST_DECLARE_VARIANT(avx512)
CNNFAST_DECLARE_VARIANT(neon)

#undef CNNFAST_DECLARE_VARIANT
