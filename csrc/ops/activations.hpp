// Elementwise functions: their settings as users write them, and the one form that kernels use.
//
// To add one: settings here, a name in ActivationOps below, a Function::Kind, and its formula in
// csrc/kernels/pointwise/functions.hpp. It then runs alone or fused with the convolution before it.
#pragma once

#include <cmath>
#include <string>

#include "ops/op.hpp"

namespace cnnfast {

// A formula and its constants, applied by a kernel to every element.
struct Function {
  enum class Kind {
    identity,
    relu,
    leaky_relu,  // a: slope below 0
    elu,         // a: alpha, b: scale
    gelu,
    gelu_tanh,
    silu,
    mish,
    sigmoid,
    tanh,
    scaled_tanh,  // a: alpha, b: beta
    softplus,     // a: beta, b: threshold
    hardswish,
    hardsigmoid,  // a: alpha, b: beta
    clamp,        // a: lower bound, b: upper bound
    softsign,
  };
  Kind kind = Kind::identity;
  double a = 0, b = 0;

  // The derivative follows from y alone, so that x need not be kept.
  bool slope_from_y() const { return kind == Kind::relu; }
  // The function needs an exponential: forward computes the derivative with it and saves that instead of x.
  bool slope_from_exponential() const {
    switch (kind) {
      case Kind::elu:
      case Kind::gelu:
      case Kind::gelu_tanh:
      case Kind::silu:
      case Kind::mish:
      case Kind::sigmoid:
      case Kind::tanh:
      case Kind::scaled_tanh:
      case Kind::softplus: return true;
      default: return false;
    }
  }
  // Non-decreasing, so that max pooling may be applied before or after it.
  bool is_monotonic() const {
    switch (kind) {
      case Kind::relu:
      case Kind::sigmoid:
      case Kind::tanh:
      case Kind::hardsigmoid:
      case Kind::clamp: return true;
      case Kind::leaky_relu: return a > 0;  // 0 makes NaN of -inf
      case Kind::elu: return a >= 0 && b >= 0;
      case Kind::scaled_tanh: return a > 0 && b > 0;  // 0 makes NaN of infinity
      default: return false;
    }
  }
};

// The kernel operation behind all of those below. Not built by users.
struct Elementwise : OpBase {
  static constexpr const char* kName = "Elementwise";
  struct Geometry : Rows {
    Function function;
  };
};

inline double check_finite(const char* op, const char* setting, double value) {
  if (!std::isfinite(value)) fail(op, ": ", setting, " must be finite, got ", value);
  return value;
}

// An operation that applies `Tag::function()`; `KeepsSlope` is that function's slope_from_exponential().
template <class Tag, bool KeepsSlope = false>
struct ElementwiseOp : OpBase {
  static constexpr bool kReadsX = !KeepsSlope;
  static constexpr int kSaved = KeepsSlope ? 1 : 0;
  Shape output_shape(const Shapes& inputs) const { return inputs[0]; }
  Elementwise::Geometry bind_shape(const Shapes& inputs) const {
    return {rows_of(inputs[0]), static_cast<const Tag&>(*this).function()};
  }
};

// max(x, 0); NaN stays NaN.
struct ReLU : ElementwiseOp<ReLU> {
  static constexpr const char* kName = "ReLU";
  static constexpr bool kReadsX = false;
  static constexpr bool kReadsY = true;
  Function function() const { return {Function::Kind::relu}; }
};

// x above 0, negative_slope * x below. Maas, Hannun & Ng 2013.
struct LeakyReLU : ElementwiseOp<LeakyReLU> {
  static constexpr const char* kName = "LeakyReLU";
  explicit LeakyReLU(double slope) : negative_slope(check_finite(kName, "negative_slope", slope)) {}
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("negative_slope", 0.01));
  }
  template <class List>
  auto values(const List& list) const {
    return list(negative_slope);
  }
  Function function() const { return {Function::Kind::leaky_relu, negative_slope}; }

  double negative_slope;
};

// x above 0, alpha (exp(x) - 1) below. Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289.
struct ELU : ElementwiseOp<ELU, true> {
  static constexpr const char* kName = "ELU";
  explicit ELU(double alpha_) : alpha(check_finite(kName, "alpha", alpha_)) {}
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("alpha", 1.0));
  }
  template <class List>
  auto values(const List& list) const {
    return list(alpha);
  }
  Function function() const { return {Function::Kind::elu, alpha, 1}; }

  double alpha;
};

// gamma ELU(alpha); by default the two numbers keep mean 0 and variance 1. Klambauer et al. 2017, arXiv:1706.02515.
struct SELU : ElementwiseOp<SELU, true> {
  static constexpr const char* kName = "SELU";
  static constexpr double kAlpha = 1.6732632423543772, kGamma = 1.0507009873554805;
  explicit SELU(double alpha_ = kAlpha, double gamma_ = kGamma)
      : alpha(check_finite(kName, "alpha", alpha_)), gamma(check_finite(kName, "gamma", gamma_)) {}
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("alpha", kAlpha), argument<double>("gamma", kGamma));
  }
  template <class List>
  auto values(const List& list) const {
    return list(alpha, gamma);
  }
  Function function() const { return {Function::Kind::elu, alpha, gamma}; }

  double alpha, gamma;
};

// x Phi(x), Phi the normal distribution function; or its tanh form. Hendrycks & Gimpel 2016, arXiv:1606.08415.
struct GELU : ElementwiseOp<GELU, true> {
  static constexpr const char* kName = "GELU";
  explicit GELU(const std::string& approximate) : tanh(approximate == "tanh") {
    if (approximate != "none" && approximate != "tanh") {
      fail(kName, ": approximate must be \"none\" or \"tanh\", got \"", approximate, "\"");
    }
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<std::string>("approximate", "none"));
  }
  template <class List>
  auto values(const List& list) const {
    return list(std::string(tanh ? "tanh" : "none"));
  }
  Function function() const { return {tanh ? Function::Kind::gelu_tanh : Function::Kind::gelu}; }

  bool tanh;
};

// x s(x), s the logistic function. Elfwing, Uchibe & Doya 2018, arXiv:1702.03118.
struct SiLU : ElementwiseOp<SiLU, true> {
  static constexpr const char* kName = "SiLU";
  Function function() const { return {Function::Kind::silu}; }
};

// x tanh(log(1 + exp(x))). Misra 2020, arXiv:1908.08681.
struct Mish : ElementwiseOp<Mish, true> {
  static constexpr const char* kName = "Mish";
  Function function() const { return {Function::Kind::mish}; }
};

// 1 / (1 + exp(-x)).
struct Sigmoid : ElementwiseOp<Sigmoid, true> {
  static constexpr const char* kName = "Sigmoid";
  Function function() const { return {Function::Kind::sigmoid}; }
};

struct Tanh : ElementwiseOp<Tanh, true> {
  static constexpr const char* kName = "Tanh";
  Function function() const { return {Function::Kind::tanh}; }
};

// alpha tanh(beta x); by default with the constants of LeCun et al. 1998, Gradient-based learning applied to document
// recognition: close to 1 at 1 and to -1 at -1.
struct ScaledTanh : ElementwiseOp<ScaledTanh, true> {
  static constexpr const char* kName = "ScaledTanh";
  static constexpr double kAlpha = 1.7159, kBeta = 2.0 / 3;
  ScaledTanh(double alpha_, double beta_)
      : alpha(check_finite(kName, "alpha", alpha_)), beta(check_finite(kName, "beta", beta_)) {}
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("alpha", kAlpha), argument<double>("beta", kBeta));
  }
  template <class List>
  auto values(const List& list) const {
    return list(alpha, beta);
  }
  Function function() const { return {Function::Kind::scaled_tanh, alpha, beta}; }

  double alpha, beta;
};

// log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold. Dugas et al. 2000.
struct Softplus : ElementwiseOp<Softplus, true> {
  static constexpr const char* kName = "Softplus";
  Softplus(double beta_, double threshold_)
      : beta(check_finite(kName, "beta", beta_)), threshold(check_finite(kName, "threshold", threshold_)) {
    if (beta <= 0) fail(kName, ": beta must be above 0, got ", beta);
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("beta", 1.0), argument<double>("threshold", 20.0));
  }
  template <class List>
  auto values(const List& list) const {
    return list(beta, threshold);
  }
  Function function() const { return {Function::Kind::softplus, beta, threshold}; }

  double beta, threshold;
};

// x min(max(x + 3, 0), 6) / 6. Howard et al. 2019, arXiv:1905.02244.
struct Hardswish : ElementwiseOp<Hardswish> {
  static constexpr const char* kName = "Hardswish";
  Function function() const { return {Function::Kind::hardswish}; }
};

// min(max(alpha x + beta, 0), 1).
struct Hardsigmoid : ElementwiseOp<Hardsigmoid> {
  static constexpr const char* kName = "Hardsigmoid";
  explicit Hardsigmoid(double alpha_ = 1.0 / 6, double beta_ = 0.5)
      : alpha(check_finite(kName, "alpha", alpha_)), beta(check_finite(kName, "beta", beta_)) {
    if (alpha <= 0) fail(kName, ": alpha must be above 0, got ", alpha);
    if (std::abs(beta) + 1 > alpha * kFarthest) {
      fail(kName, ": with alpha ", alpha, " and beta ", beta, " the output would not reach both 0 and 1 for |x| < ",
           kFarthest);
    }
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("alpha", 1.0 / 6), argument<double>("beta", 0.5));
  }
  template <class List>
  auto values(const List& list) const {
    return list(alpha, beta);
  }
  Function function() const { return {Function::Kind::hardsigmoid, alpha, beta}; }

  static constexpr double kFarthest = 1e30;  // where the straight line ends, in float32 too
  double alpha, beta;
};

// min(max(x, min_val), max_val).
struct Hardtanh : ElementwiseOp<Hardtanh> {
  static constexpr const char* kName = "Hardtanh";
  Hardtanh(double min_val_, double max_val_)
      : min_val(check_finite(kName, "min_val", min_val_)), max_val(check_finite(kName, "max_val", max_val_)) {
    if (min_val >= max_val) fail(kName, ": min_val must be below max_val, got ", min_val, " and ", max_val);
  }
  template <class List>
  static constexpr auto arguments(const List& list) {
    return list(argument<double>("min_val", -1.0), argument<double>("max_val", 1.0));
  }
  template <class List>
  auto values(const List& list) const {
    return list(min_val, max_val);
  }
  Function function() const { return {Function::Kind::clamp, min_val, max_val}; }

  double min_val, max_val;
};

// min(max(x, 0), 6). Krizhevsky 2010, Convolutional deep belief networks on CIFAR-10.
struct ReLU6 : ElementwiseOp<ReLU6> {
  static constexpr const char* kName = "ReLU6";
  Function function() const { return {Function::Kind::clamp, 0, 6}; }
};

// x / (1 + |x|). Turian, Bergstra & Bengio 2009, Quadratic features and deep architectures for chunking.
struct Softsign : ElementwiseOp<Softsign> {
  static constexpr const char* kName = "Softsign";
  Function function() const { return {Function::Kind::softsign}; }
};

// All of the operations above.
using ActivationOps = TypeList<ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Mish, Sigmoid, Tanh, ScaledTanh, Softplus,
                               Hardswish, Hardsigmoid, Hardtanh, ReLU6, Softsign>;

}  // namespace cnnfast
