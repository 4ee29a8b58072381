// The engine's self-test without Python: every variant this processor supports, compared with plain loops in double.
// The exit code is 1 if something differs.
#include <cstdio>
#include <exception>

#include "checks.hpp"
#include "guarded.hpp"
#include "kernels/table.hpp"
#include "runtime/threads.hpp"

namespace {

int run() {
  using namespace cnnfast;
  set_num_threads(2);  // parallel regions on a machine of any size
  for (Isa isa : built_isas()) {
    std::printf("%s: built, %s\n", to_string(isa), cpu_supports(isa) ? "runs here" : "not run: the processor lacks it");
  }
  if (available_isas().empty()) {
    std::printf("FAILED: this processor runs none of the variants\n");
    return 1;
  }
  // Kernels twice, the second time with adjacent buffers: the bits of a result must not depend on addresses.
  selftest::Report report, moved(true);
  for (Isa isa : available_isas()) {
    selftest::check_ops(isa, report);
    selftest::check_vectors(isa, report);
  }
  selftest::crowded = true;
  for (Isa isa : available_isas()) {
    selftest::check_ops(isa, moved);
    selftest::check_vectors(isa, moved);
  }
  moved.require_bits_of(report);
  for (Isa isa : available_isas()) {
    selftest::check_batch_norm(isa, report);
    selftest::check_plans(isa, report);
    selftest::check_numbers(isa, report);
  }
  const int mismatches = report.mismatches() + moved.mismatches();
  if (mismatches > 0) std::printf("FAILED: %d mismatches\n", mismatches);
  return mismatches > 0 ? 1 : 0;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
}
