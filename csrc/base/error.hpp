// How a check fails: a one-line message with the operation, the argument, the value and what was expected.
// Shape and value errors become ValueError in Python, type errors TypeError.
#pragma once

#include <initializer_list>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace cnnfast {

// Wrong type (dtype, not an integer): TypeError in Python.
class TypeMismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A part of a message: text or a number. Headers are full of messages, and streams would take long to compile there.
class TextPart {
 public:
  TextPart(const char* text) : text_(text) {}
  TextPart(const std::string& text) : text_(text) {}
  template <class Number, class = std::enable_if_t<std::is_arithmetic_v<Number>>>
  TextPart(Number number) : kind_(std::is_integral_v<Number> ? Kind::integer : Kind::real) {
    if constexpr (std::is_integral_v<Number>) {
      integer_ = static_cast<long long>(number);
    } else {
      real_ = static_cast<double>(number);
    }
  }
  void append_to(std::ostream& message) const;

 private:
  enum class Kind { text, integer, real };
  Kind kind_ = Kind::text;
  std::string_view text_;
  long long integer_ = 0;
  double real_ = 0;
};

using Parts = std::initializer_list<TextPart>;

std::string concat_parts(Parts parts);
[[noreturn]] void fail_with(Parts parts);
[[noreturn]] void fail_type_with(Parts parts);

template <class... T>
std::string concat(const T&... parts) {
  return concat_parts({parts...});
}
template <class... T>
[[noreturn]] void fail(const T&... parts) {
  fail_with({parts...});
}
template <class... T>
[[noreturn]] void fail_type(const T&... parts) {
  fail_type_with({parts...});
}

}  // namespace cnnfast
