// Arguments of an operation's constructor, written down once: the Python constructor, its conversions and error texts,
// the stub and the functions of `cnnfast.functional` follow from them.
#pragma once

#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace cnnfast {

struct Required {};

// T: what the constructor takes. `fallback`: what it is where a user leaves it out, as a user would write it.
template <class T, class Default>
struct Argument {
  const char* name;
  Default fallback;
};

template <class T>
constexpr Argument<T, Required> argument(const char* name) {
  return {name, {}};
}
template <class T, class Default>
constexpr Argument<T, Default> argument(const char* name, Default fallback) {
  return {name, fallback};
}

// What `arguments` and `values` of an operation pass to `list`, as a tuple. They take `list` as a template argument
// because only few files need the tuples: to compile all of their types would take longer than the rest of the
// operations.
struct AsTuple {
  template <class... T>
  constexpr std::tuple<T...> operator()(T... items) const {
    return std::tuple<T...>(std::move(items)...);
  }
};
template <class O>
constexpr auto arguments_of() {
  return O::arguments(AsTuple());
}
template <class O>
auto values_of(const O& op) {
  return op.values(AsTuple());
}

template <class Tuple>
using IndicesOf = std::make_index_sequence<std::tuple_size_v<Tuple>>;

// Calls f(name, value) for each setting, in the order of the constructor.
template <class O, class F, std::size_t... I>
void for_each_setting([[maybe_unused]] const O& op, [[maybe_unused]] const F& f, std::index_sequence<I...>) {
  [[maybe_unused]] const auto values = values_of(op);
  (f(std::get<I>(arguments_of<O>()).name, std::get<I>(values)), ...);
}
template <class O, class F>
void for_each_setting(const O& op, const F& f) {
  using Values = decltype(values_of(op));
  static_assert(std::tuple_size_v<Values> <= std::tuple_size_v<decltype(arguments_of<O>())>, "a value has no argument");
  for_each_setting(op, f, IndicesOf<Values>());
}

}  // namespace cnnfast
