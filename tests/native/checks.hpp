// The parts of the self-test; each writes its lines to the report.
#pragma once

#include "kernels/table.hpp"
#include "report.hpp"

namespace cnnfast::selftest {

// Whether a variant has its own kernels for T; if not, those of the variant before it are used.
template <class T>
bool has_kernels(Isa isa) {
  return kernel_table<T>(isa).isa == isa;
}

// Relative to the largest result: sums of a few hundred terms, and formulas of a few roundings.
template <class T>
constexpr double kSumTolerance = sizeof(T) == 4 ? 1e-5 : 1e-13;
template <class T>
constexpr double kFormulaTolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;

void check_ops(Isa isa, Report& report);         // every operation's kernels, forward and backward
void check_vectors(Isa isa, Report& report);     // kernels over whole vectors and rows
void check_batch_norm(Isa isa, Report& report);  // what depends on the whole batch
void check_plans(Isa isa, Report& report);       // whole networks, as layers one by one and as the plan optimizes them
void check_numbers(Isa isa, Report& report);     // weights and sums in other types than values

}  // namespace cnnfast::selftest
