#include "train/batch_loss.hpp"

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
    counted_ = batch.n * (loss.targets_are_classes() ? output.positions() : output.size());
    if (batch.weights == nullptr) {
      divisor_ = static_cast<double>(counted_);
    } else {
      const double each = static_cast<double>(counted_ / batch.n);
      for (Index i = 0; i < batch.n; ++i) divisor_ += each * batch.weight(i);
    }
    return;
  }
  for (Index i = 0; i < batch.n; ++i) {
    const std::int64_t* label = labels(i);
    for (Index at = 0; at < output.positions(); ++at) {
      if (label[at] == loss.ignore_index) continue;
      ++counted_;
      divisor_ += batch.weight(i) * (weight_.empty() ? 1.0 : loss.weight[static_cast<std::size_t>(label[at])]);
    }
  }
}

template <class T>
double BatchLoss<T>::operator()(Index i, const T* y, T* dy, T* each) const {
  const double own = batch_.own_weight(i);
  if (own >= 1) return single(i, i, batch_.weight(i), y, dy, each);
  // The weighted mean of the losses for both images' classes.
  thread_local std::vector<T> other;
  other.resize(static_cast<std::size_t>(output_.size()));
  const double loss = single(i, i, own, y, dy, nullptr) + single(i, batch_.next(i), 1 - own, y, other.data(), nullptr);
  table_.add(output_.size(), other.data(), dy);
  return loss;
}

template <class T>
double BatchLoss<T>::single(Index i, Index target, double weight, const T* y, T* dy, T* each) const {
  LossArgs<T> a;
  a.n = output_.positions();
  a.c = output_.channels();
  a.x = y;
  a.weight = weight_.empty() ? nullptr : weight_.data();
  a.scale = weight == 1 ? scale_ : static_cast<T>(weight * static_cast<double>(scale_));
  a.each = each;
  a.dx = dy;
  if (target_.classes != nullptr) {
    a.classes = labels(target);
  } else {
    const T* values = target_.values + batch_.row(i) * output_.size();
    if (a.n > 1 && !loss_.targets_are_classes()) {
      table_.from_nchw(a.c, a.n, values, dy);  // read there before the gradient is written
      values = dy;
    }
    a.values = values;
  }
  return weight * table_.loss(loss_, a);
}

template <class T>
void BatchLoss<T>::nchw(const T* x, T* losses, T* dx) const {
  const Index channels = output_.channels(), positions = output_.positions(), size = output_.size();
  const bool of_rows = loss_.targets_are_classes();
  const Index losses_size = of_rows ? positions : size;
  std::vector<T> inside(positions > 1 ? static_cast<std::size_t>(3 * size) : 0);
  T *y = inside.data(), *dy = y + size, *each = dy + size;
  for (Index i = 0; i < batch_.n; ++i, x += size, dx += size, losses += losses_size) {
    if (positions == 1) {
      (*this)(i, x, dx, losses);
      continue;
    }
    table_.from_nchw(channels, positions, x, y);
    (*this)(i, y, dy, of_rows ? losses : each);
    table_.to_nchw(channels, positions, dy, dx);
    if (!of_rows) table_.to_nchw(channels, positions, each, losses);
  }
}

template <class T>
Index BatchLoss<T>::right(Index i, const T* y) const {
  if (!loss_.targets_are_classes()) return 0;
  const Index c = output_.channels(), n = output_.positions();
  const std::int64_t* label = labels(i);
  Index count = 0;
  for (Index at = 0; at < n; ++at) {
    const T* x = y + at * c;
    Index wanted = 0;
    if (label != nullptr) {
      if (label[at] == loss_.ignore_index) continue;
      wanted = label[at];
    } else {
      const T* p = target_.values + batch_.row(i) * c * n + at;
      for (Index k = 1; k < c; ++k) wanted = p[k * n] > p[wanted * n] ? k : wanted;
    }
    count += std::max_element(x, x + c) - x == wanted ? 1 : 0;
  }
  return count;
}

template class BatchLoss<float>;
template class BatchLoss<double>;

}  // namespace cnnfast
