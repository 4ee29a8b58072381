// Arguments of an operation's constructor, written down once: the Python constructor, its conversions and error texts,
// the stub and the functions of `cnnfast.functional` follow from them.
#pragma once

#include <array>
#include <cstddef>

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

// `arguments` and `values` of an operation pass what they have to a function that they take as a template argument.
// Tuples of their types would take longer to compile than the rest of the operations.

struct Count {
  template <class... T>
  constexpr std::size_t operator()(const T&...) const {
    return sizeof...(T);
  }
};
template <class O>
inline constexpr std::size_t kArguments = O::arguments(Count());

// Calls f(name, value) for each setting, in the order of the constructor.
template <class O, class F>
void for_each_setting(const O& op, const F& f) {
  const auto names = O::arguments(
      [](const auto&... argument) { return std::array<const char*, sizeof...(argument)>{argument.name...}; });
  op.values([&](const auto&... value) {
    static_assert(sizeof...(value) <= kArguments<O>, "a value has no argument");
    [[maybe_unused]] std::size_t i = 0;
    (f(names[i++], value), ...);
  });
}

}  // namespace cnnfast
