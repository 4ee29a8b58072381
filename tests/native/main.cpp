// The engine's self-test without Python: every variant this processor runs against plain loops in double.
// Exit code 1 when something differs.
#include <cstdio>
#include <exception>

#include "checks.hpp"
#include "kernels/table.hpp"
#include "plan/threads.hpp"

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
  selftest::Report report;
  for (Isa isa : available_isas()) {
    selftest::check_ops(isa, report);
    selftest::check_vectors(isa, report);
    selftest::check_batch_norm(isa, report);
    selftest::check_plans(isa, report);
  }
  if (!report.good()) std::printf("FAILED: %d mismatches\n", report.mismatches());
  return report.good() ? 0 : 1;
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
