// Max pooling with the indices of the maxima.
#pragma once

#include <pybind11/stl.h>

#include <optional>

#include "bind/arrays.hpp"
#include "bind/op_handle.hpp"

namespace cnnfast::bind {

// (y, indices) of any max-pool: `indices` has the shape of y; it counts the pixels of a channel row by row.
py::tuple max_pool_indices(const OpHandle& pool, py::handle x, const std::optional<std::string>& isa_name);

}  // namespace cnnfast::bind
