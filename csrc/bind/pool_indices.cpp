#include "bind/pool_indices.hpp"

#include <vector>

#include "bind/gil.hpp"
#include "kernels/table.hpp"
#include "plan/graph.hpp"
#include "plan/max_pool_indices.hpp"

namespace cnnfast::bind {

namespace {

using Geometry = MaxPool2d::Geometry;

Geometry geometry(const Op& op, const Shapes& inputs) {
  return visit(
      [&](const auto& o) -> Geometry {
        if constexpr (std::is_same_v<decltype(o.bind_shape(inputs)), Geometry>) {
          return o.bind_shape(inputs);
        } else {
          fail("max_pool_indices: ", op_name(op), " is no max-pool");
        }
      },
      op);
}

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
  std::int64_t* positions = indices.mutable_data();
  without_gil([&] { max_pool_indices(g, isa, n, pixels, values, positions); });
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
