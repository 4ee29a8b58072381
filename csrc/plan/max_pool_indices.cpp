#include "plan/max_pool_indices.hpp"

#include <algorithm>
#include <vector>

#include "kernels/table.hpp"
#include "runtime/threads.hpp"

namespace cnnfast {

namespace {

// Comparisons a thread must have to be worth waking.
constexpr Index kWorkPerThread = Index{1} << 18;

// Index within its channel of the pixel that has `number` in the window of output `position`.
std::int64_t pixel_of(const MaxPool2d::Geometry& g, Index position, Index number) {
  const Index row = g.rows().origin(position / g.w_out) + number / g.kernel.w * g.dilation.h;
  const Index col = g.cols().origin(position % g.w_out) + number % g.kernel.w * g.dilation.w;
  return row * g.w + col;
}

// The arrays of one image, channels-last.
template <class T>
class Image {
 public:
  Image(const KernelTable<T>& table, const MaxPool2d::Geometry& g)
      : table_(table),
        g_(g),
        x_(static_cast<std::size_t>(g.h * g.w * g.channels)),
        y_(static_cast<std::size_t>(g.h_out * g.w_out * g.channels)),
        numbers_(y_.size()) {}

  void pool(const T* x, T* y, std::int64_t* indices) {
    table_.from_nchw(g_.channels, g_.h * g_.w, x, x_.data());
    ForwardArgs<T> args;
    args.n = 1, args.x = x_.data(), args.y = y_.data(), args.saved = numbers_.data();
    table_.of(g_).forward(g_, args);
    const Index positions = g_.h_out * g_.w_out;
    table_.to_nchw(g_.channels, positions, y_.data(), y);
    for (Index p = 0; p < positions; ++p) {
      for (Index c = 0; c < g_.channels; ++c) {
        const auto number = static_cast<Index>(numbers_[static_cast<std::size_t>(p * g_.channels + c)]);
        indices[c * positions + p] = pixel_of(g_, p, number);
      }
    }
  }

 private:
  const KernelTable<T>& table_;
  const MaxPool2d::Geometry& g_;
  std::vector<T> x_, y_, numbers_;
};

}  // namespace

template <class T>
void max_pool_indices(const MaxPool2d::Geometry& g, Isa isa, Index n, const T* x, T* y, std::int64_t* indices) {
  const Index x_size = g.channels * g.h * g.w, y_size = g.channels * g.h_out * g.w_out;
  const Index useful = 1 + n * (x_size + y_size) / kWorkPerThread;
  const auto threads = static_cast<int>(std::min<Index>({get_num_threads(), useful, std::max<Index>(n, 1)}));
  std::vector<Image<T>> images(static_cast<std::size_t>(threads), Image<T>(kernel_table<T>(isa), g));
  Tasks tasks(static_cast<int>(n));
  parallel(threads, [&](const Team& team) {
    Image<T>& image = images[static_cast<std::size_t>(team.thread())];
    for (int i = 0; tasks.next(i);) image.pool(x + i * x_size, y + i * y_size, indices + i * y_size);
  });
}

template void max_pool_indices(const MaxPool2d::Geometry&, Isa, Index, const float*, float*, std::int64_t*);
template void max_pool_indices(const MaxPool2d::Geometry&, Isa, Index, const double*, double*, std::int64_t*);

}  // namespace cnnfast
