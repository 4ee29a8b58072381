// Softmax and log-softmax over channels.
#pragma once

#include "ops/op.hpp"

namespace cnnfast {

// exp(x) / sum exp(x) over the channels of each position.
struct Softmax : SameShape<Softmax> {
  static constexpr const char* kName = "Softmax";
  static constexpr bool kReadsY = true;
};

// x - log sum exp(x) over the channels of each position.
struct LogSoftmax : SameShape<LogSoftmax> {
  static constexpr const char* kName = "LogSoftmax";
  static constexpr bool kReadsY = true;
};

}  // namespace cnnfast
