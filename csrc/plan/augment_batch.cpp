#include "plan/augment_batch.hpp"

#include <algorithm>

#include "base/arena.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

namespace {

template <class T>
AugmentArgs<T> arguments(const Batch& batch, Index i, const Shape& shape) {
  const auto* bytes = static_cast<const std::uint8_t*>(batch.images);
  const Index next = batch.next(i);
  AugmentArgs<T> args;
  args.channels = shape[0];
  args.h = shape[1];
  args.w = shape[2];
  args.bytes = bytes + batch.row(i) * shape.size();
  args.other_bytes = bytes + batch.row(next) * shape.size();
  args.row = batch.data_set_row(i);
  args.other_row = batch.data_set_row(next);
  args.key = batch.augmentation_key;
  if (batch.mixes != nullptr) args.mix = batch.mixes[i];
  return args;
}

}  // namespace

template <class T>
void augment_image(const KernelTable<T>& table, const Batch& batch, Index i, const Shape& shape, T* y) {
  // An image and a half of memory for each thread, which is not worth a place in the workspace of every plan.
  thread_local Arena scratch;
  AugmentArgs<T> args = arguments<T>(batch, i, shape);
  scratch.reserve(static_cast<std::size_t>(args.scratch_size()) * sizeof(T));
  args.y = y;
  args.scratch = scratch.at<T>(0);
  table.augment(*batch.augmentation, args);
}

template <class T>
void augment_batch(const KernelTable<T>& table, const Batch& batch, const Shape& shape, T* y) {
  const Index size = shape.size();
  Tasks tasks(static_cast<int>(batch.n));
  parallel(static_cast<int>(std::min<Index>(get_num_threads(), batch.n)), [&](const Team&) {
    Arena channels_last(static_cast<std::size_t>(size) * sizeof(T));
    T* x = channels_last.at<T>(0);
    for (int i = 0; tasks.next(i);) {
      augment_image(table, batch, i, shape, x);
      table.to_nchw(shape[0], shape[1] * shape[2], x, y + i * size);
    }
  });
}

std::vector<Mix> draw_mixes(const Batch& batch, const Shape& shape) {
  std::vector<Mix> mixes;
  if (batch.augmentation->mixing.kind == Mixing::Kind::none) return mixes;
  const KernelTable<float>& table = kernel_table<float>(default_isa());
  for (Index i = 0; i < batch.n; ++i) {
    const Index row = batch.data_set_row(i);
    mixes.push_back(table.draw_mix(*batch.augmentation, batch.augmentation_key, row, shape[1], shape[2]));
  }
  return mixes;
}

template void augment_image(const KernelTable<float>&, const Batch&, Index, const Shape&, float*);
template void augment_image(const KernelTable<double>&, const Batch&, Index, const Shape&, double*);
template void augment_batch(const KernelTable<float>&, const Batch&, const Shape&, float*);

}  // namespace cnnfast
