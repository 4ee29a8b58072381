#include "plan/batch_loss.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace cnnfast {

template <class T>
BatchLoss<T>::BatchLoss(const KernelTable<T>& table, const Loss& loss, const Target<T>& target, const Batch& batch,
                        const Shape& output)
    : table_(table),
      loss_(loss),
      target_(target),
      batch_(batch),
      output_(output),
      weight_(loss.weight.begin(), loss.weight.end()) {
  check_loss(loss, output);
  if (target.classes == nullptr) {
    divisor_ = static_cast<double>(batch.n) * static_cast<double>(loss.of_classes() ? 1 : output.size());
    return;
  }
  for (Index i = 0; i < batch.n; ++i) {
    if (counts(i)) divisor_ += weight_.empty() ? 1.0 : loss.weight[static_cast<std::size_t>(label(i))];
  }
}

template <class T>
double BatchLoss<T>::operator()(Index i, const T* y, T* dy, T* each) const {
  LossArgs<T> a;
  a.n = output_.positions();
  a.c = output_.channels();
  a.x = y;
  a.weight = weight_.empty() ? nullptr : weight_.data();
  a.scale = scale_;
  a.each = each;
  a.dx = dy;
  if (target_.classes != nullptr) {
    a.classes = target_.classes + batch_.row(i);
  } else {
    const T* values = target_.values + batch_.row(i) * output_.size();
    if (a.n > 1) {
      table_.from_nchw(a.c, a.n, values, dy);  // read there before the gradient is written
      values = dy;
    }
    a.values = values;
  }
  return table_.loss(loss_, a);
}

template <class T>
bool BatchLoss<T>::right(Index i, const T* y) const {
  if (!loss_.of_classes() || !counts(i)) return false;
  const Index c = output_.size(), said = std::max_element(y, y + c) - y;
  if (target_.classes != nullptr) return said == label(i);
  const T* p = target_.values + batch_.row(i) * c;
  return said == std::max_element(p, p + c) - p;
}

template class BatchLoss<float>;
template class BatchLoss<double>;

}  // namespace cnnfast
