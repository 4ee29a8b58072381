#include "base/cpu.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(_MSC_VER) && !defined(__clang__) && defined(_M_X64)
#define CNNFAST_MSVC_X64
#include <immintrin.h>
#include <intrin.h>
#endif

namespace cnnfast {

const char* to_string(Isa isa) {
  switch (isa) {
    case Isa::baseline: return "baseline";
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::neon: return "neon";
  }
  return "unknown";
}

#if defined(CNNFAST_MSVC_X64)
namespace {

// What __builtin_cpu_supports knows elsewhere: bits of the instruction CPUID, and whether the operating system saves
// the wide registers (XGETBV). Intel's manual, volume 2, CPUID; volume 1, 13.3.
bool has_bits(int value, int bits) { return (value & bits) == bits; }

bool msvc_supports(Isa isa) {
  int leaf1[4] = {}, leaf7[4] = {};  // eax, ebx, ecx, edx
  __cpuid(leaf1, 0);
  const int largest = leaf1[0];
  __cpuid(leaf1, 1);
  if (largest >= 7) __cpuidex(leaf7, 7, 0);
  constexpr int sse42 = 1 << 20, fma = 1 << 12, osxsave = 1 << 27, avx = 1 << 28;  // leaf 1, ecx
  constexpr int avx2 = 1 << 5, bmi = 1 << 3, bmi2 = 1 << 8;                        // leaf 7, ebx
  constexpr int avx512 = 1 << 16 | 1 << 17 | 1 << 30 | INT_MIN;                    // f, dq, bw, vl, the same
  constexpr int ymm_saved = 0x6, zmm_saved = 0xe6;
  if (isa == Isa::baseline) return has_bits(leaf1[2], sse42);
  if (!has_bits(leaf1[2], fma | osxsave | avx) || !has_bits(leaf7[1], avx2 | bmi | bmi2)) return false;
  const int saved = static_cast<int>(_xgetbv(0));
  if (isa == Isa::avx2) return has_bits(saved, ymm_saved);
  return isa == Isa::avx512 && has_bits(saved, zmm_saved) && has_bits(leaf7[1], avx512);
}

}  // namespace
#endif

bool cpu_supports(Isa isa) {
#if defined(CNNFAST_MSVC_X64)
  return msvc_supports(isa);
#elif defined(__x86_64__)
  __builtin_cpu_init();
  switch (isa) {
    case Isa::baseline: return __builtin_cpu_supports("sse4.2") != 0;
    case Isa::avx2: return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
             __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
             __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
    case Isa::neon: return false;
  }
  return false;
#elif defined(__aarch64__) || defined(_M_ARM64)
  return isa == Isa::neon || isa == Isa::baseline;  // Advanced SIMD is part of AArch64
#else
  return isa == Isa::baseline;
#endif
}

namespace {

int affinity_cores() {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Cores the control group allows, or a large number without a limit.
double quota_cores() {
  const double unlimited = 1e9;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period) {
    if (quota == "max" || period <= 0) return unlimited;
    return std::strtod(quota.c_str(), nullptr) / period;
  }
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double microseconds = 0;
  if (quota_file >> microseconds && period_file >> period && microseconds > 0 && period > 0) {
    return microseconds / period;
  }
  return unlimited;
}

}  // namespace

int usable_cores() {
  const double quota = quota_cores();
  const int cores = affinity_cores();
  if (quota >= cores) return cores;
  return std::max(1, static_cast<int>(std::ceil(quota)));
}

}  // namespace cnnfast
