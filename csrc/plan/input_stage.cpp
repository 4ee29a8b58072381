#include "plan/input_stage.hpp"

#include "base/error.hpp"
#include "plan/augment_batch.hpp"

namespace cnnfast {

namespace {

template <class T>
std::vector<T> per_channel(const char* argument, const std::vector<double>& given, double fallback, Index channels) {
  if (given.empty()) return std::vector<T>(static_cast<std::size_t>(channels), static_cast<T>(fallback));
  if (given.size() != 1 && static_cast<Index>(given.size()) != channels) {
    fail("Plan: ", argument, " must have 1 or ", channels, " entries (one a channel), got ", given.size());
  }
  std::vector<T> all(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < all.size(); ++c) all[c] = static_cast<T>(given[given.size() == 1 ? 0 : c]);
  return all;
}

}  // namespace

template <class T>
BoundInputStage<T>::BoundInputStage(const KernelTable<T>& table, const InputStage& stage, const Shape& image)
    : table_(table), image_(image), channels_(image.channels()), positions_(image.positions()) {
  if (stage.steps.empty()) fail("Plan: the input stage needs a step that reads bytes; add Normalize");
  for (const InputStep& step : stage.steps) {
    steps_.push_back(std::visit([this](const auto& s) { return bind(s); }, step));
  }
}

template <class T>
typename BoundInputStage<T>::BoundNormalize BoundInputStage<T>::bind(const Normalize& step) const {
  return {per_channel<T>("scale", step.scale, 1.0 / 255, channels_),
          per_channel<T>("shift", step.shift, 0.0, channels_)};
}

template <class T>
void BoundInputStage<T>::run(const BoundNormalize& step, const InputArgs<T>& image) const {
  table_.normalize(step.scale.data(), step.shift.data(), image);
}

template <class T>
void BoundInputStage<T>::load(const Batch& batch, Index i, std::uint64_t key, T* x) const {
  const Index first = batch.row(i) * channels_ * positions_;
  if (!batch.is_u8) return table_.from_nchw(channels_, positions_, static_cast<const T*>(batch.images) + first, x);
  const auto* bytes = static_cast<const std::uint8_t*>(batch.images) + first;
  InputArgs<T> image{channels_, positions_, bytes, x, {key, batch.data_set_row(i)}};
  if (batch.augmentation != nullptr) {
    augment_image(table_, batch, i, image_, x);
    image.bytes = nullptr;
  }
  for (const auto& step : steps_) {
    std::visit([&](const auto& s) { run(s, image); }, step);
    image.bytes = nullptr;
  }
}

template class BoundInputStage<float>;
template class BoundInputStage<double>;

}  // namespace cnnfast
