// The input stage of a plan: its steps for one element type and shape of image.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/shape.hpp"
#include "kernels/table.hpp"
#include "ops/input_stage.hpp"
#include "runtime/batch.hpp"

namespace cnnfast {

template <class T>
class BoundInputStage {
 public:
  // Fails where a step does not fit the image.
  BoundInputStage(const KernelTable<T>& table, const InputStage& stage, const Shape& image);

  // Writes image i of the batch to x, channels-last. Steps that draw use `key` and the image's row in the data set.
  void load(const Batch& batch, Index i, std::uint64_t key, T* x) const;

 private:
  struct BoundNormalize {
    std::vector<T> scale, shift;
  };
  BoundNormalize bind(const Normalize& step) const;
  void run(const BoundNormalize& step, const InputArgs<T>& image) const;

  const KernelTable<T>& table_;
  Shape image_;
  Index channels_, positions_;
  std::vector<std::variant<BoundNormalize>> steps_;
};

}  // namespace cnnfast
