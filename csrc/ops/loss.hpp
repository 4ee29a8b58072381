// Settings of a loss. No loops.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/shape.hpp"

namespace cnnfast {

enum class LossKind { cross_entropy, nll, mse, l1, smooth_l1, huber, bce_with_logits };

// The numbers that kernels read.
struct LossRule {
  LossKind kind = LossKind::cross_entropy;
  double label_smoothing = 0;        // cross_entropy: fraction of each target spread over all classes
  std::int64_t ignore_index = -100;  // cross_entropy, nll: rows of this class do not count
  double delta = 1;                  // huber's delta, smooth_l1's beta: where the parabola ends

  // Targets are classes, one for each position of the output (or their probabilities); else numbers of its shape.
  bool targets_are_classes() const { return kind == LossKind::cross_entropy || kind == LossKind::nll; }
};

struct Loss : LossRule {
  std::vector<double> weight;  // of each class; of positive targets, for bce_with_logits; empty: all 1

  Loss() = default;
  Loss(LossKind kind_) { kind = kind_; }  // NOLINT(google-explicit-constructor): a plain loss is its kind
};

inline LossKind loss_kind(const std::string& name) {
  constexpr const char* names[] = {"cross_entropy", "nll", "mse", "l1", "smooth_l1", "huber", "bce_with_logits"};
  int number = 0;
  for (const char* known : names) {
    if (name == known) return static_cast<LossKind>(number);
    ++number;
  }
  std::string list;
  for (const char* known : names) list += concat(list.empty() ? "\"" : ", \"", known, "\"");
  fail("loss must be one of ", list, ", got \"", name, "\"");
}

// Fails unless the loss can be applied to an output of `shape`.
inline void check_loss(const Loss& loss, const Shape& shape) {
  if (!loss.weight.empty() && static_cast<Index>(loss.weight.size()) != shape.channels()) {
    fail("loss: ", loss.targets_are_classes() ? "weight" : "pos_weight", " has ", loss.weight.size(),
         " entries, one is needed ", "for each of the ", shape.channels(), " outputs");
  }
}

}  // namespace cnnfast
