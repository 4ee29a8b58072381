#include "bind/shard_exchange.hpp"

#include <cstring>

#include "bind/arguments.hpp"
#include "bind/call_python.hpp"

namespace cnnfast::bind {

PyShardExchange::PyShardExchange(py::handle object)
    : own_(py::getattr(object, "own", py::none())), gather_(py::getattr(object, "gather", py::none())) {
  if (PyCallable_Check(own_.ptr()) != 0 && PyCallable_Check(gather_.ptr()) != 0) return;
  fail_type("exchange must have the methods own(shards) and gather(rows, first, end), got ",
            py::cast<std::string>(py::repr(object)));
}

Range PyShardExchange::own(Index shards) const {
  return with_gil([&] {
    const py::object range = call_python(own_, py::make_tuple(shards));
    if (!py::isinstance<py::tuple>(range) || py::len(range) != 2) {
      fail_type("exchange: own(", shards, ") must return (first, end), got ", py::cast<std::string>(py::repr(range)));
    }
    const auto ends = py::reinterpret_borrow<py::tuple>(range);
    return Range{integer({"exchange", "first of own()"}, ends[0]), integer({"exchange", "end of own()"}, ends[1])};
  });
}

void PyShardExchange::gather(void* rows, std::size_t row_bytes, Index count, const Range& computed) {
  with_gil([&] {
    py::array_t<std::uint8_t> copy({static_cast<py::ssize_t>(count), static_cast<py::ssize_t>(row_bytes)});
    auto* const bytes = static_cast<std::uint8_t*>(rows);
    std::uint8_t* const copied = copy.mutable_data();
    const std::size_t first = static_cast<std::size_t>(computed.first) * row_bytes;
    const std::size_t end = static_cast<std::size_t>(computed.end) * row_bytes;
    const std::size_t all = static_cast<std::size_t>(count) * row_bytes;
    std::memset(copied, 255, all);
    std::memcpy(copied + first, bytes + first, end - first);
    call_python(gather_, py::make_tuple(copy, computed.first, computed.end));
    std::memcpy(bytes, copied, first);
    std::memcpy(bytes + end, copied + end, all - end);
  });
}

}  // namespace cnnfast::bind
