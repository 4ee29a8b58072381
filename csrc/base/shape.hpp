// Shape of one image's tensor inside a network, without the batch axis: (c, h, w) or (features,).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace cnnfast {

using Index = std::int64_t;

// Larger extents are rejected everywhere, so that products of a few of them cannot overflow.
constexpr Index kMaxExtent = Index{1} << 28;
constexpr Index kMaxElements = Index{1} << 40;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<Index> dims) : dims_(dims) {}
  explicit Shape(std::vector<Index> dims) : dims_(std::move(dims)) {}

  int rank() const { return static_cast<int>(dims_.size()); }
  Index operator[](int axis) const { return dims_[static_cast<std::size_t>(axis)]; }
  const std::vector<Index>& dims() const { return dims_; }

  Index size() const {
    Index product = 1;
    for (Index d : dims_) product *= d;
    return product;
  }
  // Channels are the first axis of any rank: lanes run over them, the rest are positions.
  Index channels() const { return dims_.empty() ? 1 : dims_.front(); }
  Index positions() const {
    Index product = 1;
    for (std::size_t i = 1; i < dims_.size(); ++i) product *= dims_[i];
    return product;
  }

  friend bool operator==(const Shape& a, const Shape& b) { return a.dims_ == b.dims_; }
  friend bool operator!=(const Shape& a, const Shape& b) { return !(a == b); }

 private:
  std::vector<Index> dims_;
};

// "(1, 28, 28)"; one axis prints as Python does, "(10,)".
std::string to_string(const Shape& shape);

}  // namespace cnnfast
