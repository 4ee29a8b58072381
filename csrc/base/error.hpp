// How a check fails: one line that says who, what was wrong, what came and what would do.
// Shape and value errors become ValueError in Python, type errors TypeError.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace cnnfast {

// Wrong kind of thing (dtype, not an integer): TypeError at the border.
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
