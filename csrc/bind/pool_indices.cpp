#include "bind/pool_indices.hpp"

#include <algorithm>
#include <vector>

#include "bind/gil.hpp"
#include "kernels/table.hpp"
#include "plan/graph.hpp"
#include "runtime/threads.hpp"

namespace cnnfast::bind {

namespace {

using Geometry = MaxPool2d::Geometry;

// Comparisons a thread must have to be worth waking.
constexpr Index kWorkPerThread = Index{1} << 18;

Geometry geometry(const Op& op, const Shapes& inputs) {
  return std::visit(
      [&](const auto& o) -> Geometry {
        if constexpr (std::is_same_v<decltype(o.place(inputs)), Geometry>) {
          return o.place(inputs);
        } else {
          fail("max_pool_indices: ", op_name(op), " is no max-pool");
        }
      },
      op);
}

// The place in its channel of the pixel that has `number` in the window of output `position`.
std::int64_t place(const Geometry& g, Index position, Index number) {
  const Index row = g.rows().origin(position / g.w_out) + number / g.kernel.w * g.dilation.h;
  const Index col = g.cols().origin(position % g.w_out) + number % g.kernel.w * g.dilation.w;
  return row * g.w + col;
}

// The arrays of one image, channels-last.
template <class T>
class Image {
 public:
  Image(const KernelTable<T>& table, const Geometry& g)
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
        indices[c * positions + p] = place(g_, p, number);
      }
    }
  }

 private:
  const KernelTable<T>& table_;
  const Geometry& g_;
  std::vector<T> x_, y_, numbers_;
};

template <class T>
py::tuple indices_of(const Op& op, const py::array& given, Isa isa) {
  const auto x = contiguous<T>(given);
  const std::vector<Index> dims = shape_of(given).dims();
  const Shape shape(std::vector<Index>(dims.begin() + 1, dims.end()));
  const Shape out = output_shape(op, {shape});
  const Geometry g = geometry(op, {shape});
  const Index n = dims.front();
  py::array_t<T> y = new_array<T>(n, out);
  py::array_t<std::int64_t> indices = new_array<std::int64_t>(n, out);
  const T* pixels = x.data();
  T* values = y.mutable_data();
  std::int64_t* places = indices.mutable_data();
  without_gil([&] {
    const Index useful = 1 + n * (shape.size() + out.size()) / kWorkPerThread;
    const auto threads = static_cast<int>(std::min<Index>({get_num_threads(), useful, std::max<Index>(n, 1)}));
    std::vector<Image<T>> images(static_cast<std::size_t>(threads), Image<T>(kernel_table<T>(isa), g));
    Tasks tasks(static_cast<int>(n));
    parallel(threads, [&](const Team& team) {
      Image<T>& image = images[static_cast<std::size_t>(team.thread())];
      for (int i = 0; tasks.next(i);) {
        image.pool(pixels + i * shape.size(), values + i * out.size(), places + i * out.size());
      }
    });
  });
  return py::make_tuple(std::move(y), std::move(indices));
}

}  // namespace

py::tuple max_pool_indices(const OpHandle& pool, py::handle value, const std::optional<std::string>& isa_name) {
  const Isa isa = isa_name ? isa_from_name(*isa_name) : default_isa();
  const py::array x = array("x", value);
  if (x.ndim() < 2) fail("x: expected shape (n, ...), got ", to_string(shape_of(x)));
  if (has_dtype<float>(x)) return indices_of<float>(pool.op, x, isa);
  if (has_dtype<double>(x)) return indices_of<double>(pool.op, x, isa);
  fail_type("x: expected dtype float32 or float64, got ", dtype_of(x), "; use x.astype(np.float32)");
}

}  // namespace cnnfast::bind
