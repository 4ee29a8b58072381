// How a check fails: a one-line message with the operation, the argument, the value and what was expected.
// Shape and value errors become ValueError in Python, type errors TypeError.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace cnnfast {

// Wrong type (dtype, not an integer): TypeError in Python.
class TypeMismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <class... Parts>
std::string concat(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw std::invalid_argument(concat(parts...));
}

template <class... Parts>
[[noreturn]] void fail_type(const Parts&... parts) {
  throw TypeMismatch(concat(parts...));
}

}  // namespace cnnfast
