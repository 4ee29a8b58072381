// The 2x2 windows of a fused convolution and pool, image by image and row by row.
#pragma once

#include "kernels/conv/correlate.hpp"
#include "kernels/simd/math.hpp"
#include "ops/conv_pool.hpp"

CNNFAST_KERNELS_BEGIN

// One window, and the positions of its four convolution outputs; those beyond the edge repeat the first, which
// they never exceed.
class PoolWindow {
 public:
  explicit PoolWindow(const ConvPool::Geometry& g, Index image = 0) : g_(&g), image_(image) {}

  void next() {
    left_ += 2;
    if (left_ < 2 * g_->w_out) return;
    left_ = 0;
    top_ += 2;
    if (top_ < 2 * g_->h_out) return;
    top_ = 0;
    ++image_;
  }

  // Index of output j in a buffer with these strides.
  Index offset(int j, Index image, Index row, Index pixel) const {
    const Index down = j / 2, right = j % 2;
    const bool inside = top_ + down < g_->conv.h_out && left_ + right < g_->conv.w_out;
    const Index first = image_ * image + top_ * row + left_ * pixel;
    return inside ? first + down * row + right * pixel : first;
  }

 private:
  const ConvPool::Geometry* g_;
  Index image_, top_ = 0, left_ = 0;
};

// The largest of four candidates and its index; ties go to the first, NaN always wins.
template <class T, class V>
CNNFAST_INLINE void largest_of_four(const V& x0, const V& x1, const V& x2, const V& x3, V& best, V& at) {
  best = x0, at = zero<V>();
  update_max(x1, broadcast<V>(T(1)), best, at);
  update_max(x2, broadcast<V>(T(2)), best, at);
  update_max(x3, broadcast<V>(T(3)), best, at);
}

CNNFAST_KERNELS_END
