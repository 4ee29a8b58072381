#include "bind/arguments.hpp"

#include "base/error.hpp"

namespace cnnfast::bind {

namespace {

std::string shown(py::handle value) { return py::cast<std::string>(py::repr(value)); }

[[noreturn]] void wrong_type(const Where& where, const char* expected, py::handle value) {
  fail_type(where.owner, ": ", where.argument, " must be ", expected, ", got ", shown(value));
}

// Python and NumPy integers, but not bool.
bool is_integer(py::handle value) { return !py::isinstance<py::bool_>(value) && PyIndex_Check(value.ptr()) != 0; }

// Python and NumPy integers and floats, but neither bools, texts nor arrays.
bool is_number(py::handle value) {
  const bool numeric = !py::isinstance<py::bool_>(value) && py::hasattr(value, "__float__");
  return numeric && !py::hasattr(value, "__len__");
}

bool is_sequence(py::handle value, std::size_t size) {
  return (py::isinstance<py::tuple>(value) || py::isinstance<py::list>(value)) && py::len(value) == size;
}

py::object item(py::handle sequence, std::size_t i) { return py::reinterpret_borrow<py::sequence>(sequence)[i]; }

constexpr const char* kPaddingForms = "an int, (h, w) or ((top, bottom), (left, right))";

}  // namespace

Index integer(const Where& where, py::handle value) {
  if (!is_integer(value)) wrong_type(where, "an int", value);
  const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!index) throw py::error_already_set();
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0) fail(where.owner, ": ", where.argument, " is out of range, got ", shown(value));
  if (number == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return static_cast<Index>(number);
}

double number(const Where& where, py::handle value) {
  if (!is_number(value)) wrong_type(where, "a number", value);
  const double result = PyFloat_AsDouble(value.ptr());
  if (result == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
  return result;
}

bool boolean(const Where& where, py::handle value) {
  if (!py::isinstance<py::bool_>(value)) wrong_type(where, "True or False", value);
  return py::cast<bool>(value);
}

std::string text(const Where& where, py::handle value) {
  if (!py::isinstance<py::str>(value)) wrong_type(where, "a string", value);
  return py::cast<std::string>(value);
}

Extent pair(const Where& where, py::handle value) {
  if (is_integer(value)) {
    const Index both = integer(where, value);
    return {both, both};
  }
  if (!is_sequence(value, 2) || !is_integer(item(value, 0)) || !is_integer(item(value, 1))) {
    wrong_type(where, "an int or a pair (h, w)", value);
  }
  return {integer(where, item(value, 0)), integer(where, item(value, 1))};
}

Padding padding(const Where& where, py::handle value) {
  if (is_integer(value)) {
    const Index all = integer(where, value);
    return {all, all, all, all};
  }
  if (!is_sequence(value, 2)) wrong_type(where, kPaddingForms, value);
  const py::object vertical = item(value, 0), horizontal = item(value, 1);
  if (is_integer(vertical) && is_integer(horizontal)) {
    const Index h = integer(where, vertical), w = integer(where, horizontal);
    return {h, h, w, w};
  }
  for (const py::object& side : {vertical, horizontal}) {
    if (!is_sequence(side, 2) || !is_integer(item(side, 0)) || !is_integer(item(side, 1))) {
      wrong_type(where, kPaddingForms, value);
    }
  }
  return {integer(where, item(vertical, 0)), integer(where, item(vertical, 1)), integer(where, item(horizontal, 0)),
          integer(where, item(horizontal, 1))};
}

Ends ends(const Where& where, py::handle value) {
  if (is_integer(value)) {
    const Index both = integer(where, value);
    return {both, both};
  }
  if (!is_sequence(value, 2) || !is_integer(item(value, 0)) || !is_integer(item(value, 1))) {
    wrong_type(where, "an int or (before, after)", value);
  }
  return {integer(where, item(value, 0)), integer(where, item(value, 1))};
}

bool is_same(const Where& where, py::handle value) {
  const std::string name = py::cast<std::string>(value);
  if (name != "same" && name != "valid") {
    fail(where.owner, ": padding must be \"same\", \"valid\" or numbers, got \"", name, "\"");
  }
  return name == "same";
}

Sides sides(const Where& where, py::handle value) {
  if (is_integer(value)) {
    const Index all = integer(where, value);
    return {all, all, all, all};
  }
  const bool four = is_sequence(value, 4);
  for (std::size_t i = 0; i < 4; ++i) {
    if (!four || !is_integer(item(value, i))) wrong_type(where, "an int or (left, right, top, bottom)", value);
  }
  const auto side = [&](std::size_t i) { return integer(where, item(value, i)); };
  return {side(0), side(1), side(2), side(3)};
}

Scale scale(const Where& where, py::handle value) {
  if (is_number(value)) {
    const double both = number(where, value);
    return {both, both};
  }
  if (!is_sequence(value, 2) || !is_number(item(value, 0)) || !is_number(item(value, 1))) {
    wrong_type(where, "a number or a pair (h, w)", value);
  }
  return {number(where, item(value, 0)), number(where, item(value, 1))};
}

Shape shape(const Where& where, py::handle value) {
  if (!py::isinstance<py::tuple>(value) && !py::isinstance<py::list>(value)) {
    wrong_type(where, "a tuple of ints such as (1, 28, 28)", value);
  }
  std::vector<Index> dims;
  for (py::handle extent : value) {
    if (!is_integer(extent)) wrong_type(where, "a tuple of ints such as (1, 28, 28)", value);
    dims.push_back(integer(where, extent));
  }
  return Shape(std::move(dims));
}

py::tuple to_tuple(const Shape& shape) {
  py::tuple result(static_cast<std::size_t>(shape.rank()));
  for (int i = 0; i < shape.rank(); ++i) result[static_cast<std::size_t>(i)] = py::int_(shape[i]);
  return result;
}

py::tuple to_tuple(const Extent& extent) { return py::make_tuple(extent.h, extent.w); }

py::tuple to_tuple(const Padding& padding) {
  return py::make_tuple(py::make_tuple(padding.top, padding.bottom), py::make_tuple(padding.left, padding.right));
}

py::tuple to_tuple(const Ends& ends) { return py::make_tuple(ends.before, ends.after); }

py::tuple to_tuple(const Sides& sides) { return py::make_tuple(sides.left, sides.right, sides.top, sides.bottom); }

py::tuple to_tuple(const Scale& scale) { return py::make_tuple(scale.h, scale.w); }

}  // namespace cnnfast::bind
