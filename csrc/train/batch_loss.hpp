// The loss of a batch, image by image. The divisor of the mean is computed first, so that gradients do not depend
// on the order in which threads take images.
#pragma once

#include <vector>

#include "kernels/table.hpp"
#include "runtime/batch.hpp"

namespace cnnfast {

template <class T>
class BatchLoss {
 public:
  // Fails where loss, target and output do not fit.
  BatchLoss(const KernelTable<T>& table, const Loss& loss, const Target<T>& target, const Batch& batch,
            const Shape& output);

  // The divisor of the mean: the sum of the weights of the targets, or the number of rows or elements.
  double divisor() const { return divisor_; }
  // How many rows or positions are not ignored.
  Index counted() const { return counted_; }
  // Where every row is ignored, gradients are 0.
  void divide_gradients() { scale_ = divisor_ > 0 ? static_cast<T>(1 / divisor_) : T(0); }

  // The loss of image i of the batch, whose output is y: channels-last, as its gradient `dy`. `each` receives
  // the single losses, if not null.
  double operator()(Index i, const T* y, T* dy, T* each = nullptr) const;

  // The losses of all rows of the batch and their gradients, outputs and gradients being NCHW.
  void nchw(const T* x, T* losses, T* dx) const;

  // The number of positions of image i whose largest output is the target class, or the most probable one.
  Index right(Index i, const T* y) const;

 private:
  // Of the positions of image i; null for other targets.
  const std::int64_t* labels(Index i) const {
    return target_.classes == nullptr ? nullptr : target_.classes + batch_.row(i) * output_.positions();
  }

  // The loss of image i for the target of another one, times a weight.
  double single(Index i, Index target, double weight, const T* y, T* dy, T* each) const;

  const KernelTable<T>& table_;
  const Loss& loss_;
  const Target<T>& target_;
  const Batch& batch_;
  const Shape& output_;
  std::vector<T> weight_;
  double divisor_ = 0;
  Index counted_ = 0;
  T scale_ = 1;
};

}  // namespace cnnfast
