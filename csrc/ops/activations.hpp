// Elementwise nonlinearities and the two soft maxima over channels.
#pragma once

#include <string>

#include "ops/op.hpp"

namespace cnnfast {

// max(x, 0); NaN stays NaN.
struct ReLU : SameShape<ReLU> {
  static constexpr const char* kName = "ReLU";
  static constexpr bool kReadsY = true;
};

// x Phi(x), Phi the normal distribution function; or its tanh form. Hendrycks & Gimpel 2016, arXiv:1606.08415.
struct GELU : OpBase {
  static constexpr const char* kName = "GELU";
  static constexpr bool kReadsX = true;
  struct Geometry : Rows {
    bool tanh = false;
  };

  explicit GELU(const std::string& approximate) : tanh(approximate == "tanh") {
    if (approximate != "none" && approximate != "tanh") {
      fail(kName, ": approximate must be \"none\" or \"tanh\", got \"", approximate, "\"");
    }
  }
  template <class F>
  void settings(const F& f) const {
    f("approximate", std::string(tanh ? "tanh" : "none"));
  }
  Shape output_shape(const Shapes& inputs) const { return inputs[0]; }
  Geometry place(const Shapes& inputs) const { return {rows_of(inputs[0]), tanh}; }

  bool tanh;
};

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
