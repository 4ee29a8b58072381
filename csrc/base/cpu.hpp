// What this processor can run: the instruction-set variants, in rising order of preference.
#pragma once

#include <string>
#include <vector>

namespace cnnfast {

enum class Isa { baseline, avx2, avx512, neon };

const char* to_string(Isa isa);

// True when the processor and the operating system support the variant.
bool cpu_supports(Isa isa);

// Cores this process may use: affinity mask, bounded by the container's CPU quota (cgroup v1 and v2).
int usable_cores();

}  // namespace cnnfast
