// How an operation becomes a Python class: its constructor follows from `arguments()` (csrc/ops/argument.hpp).
#pragma once

#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/op_handle.hpp"

namespace cnnfast::bind {

template <class T>
py::arg keyword(const Argument<T, Required>& argument) {
  return py::arg(argument.name);
}
template <class T>
py::arg_v keyword(const Argument<T, std::nullopt_t>& argument) {
  return py::arg(argument.name) = py::none();
}
template <class T, class Default>
py::arg_v keyword(const Argument<T, Default>& argument) {
  return py::arg(argument.name) = argument.fallback;
}

template <class>
using Given = const py::object&;

// Braces convert in the order in which the arguments are written, so that the first wrong one is the one named.
template <class O, class... T, class... Default, std::size_t... I>
void bind_op(py::module_& m, const std::tuple<Argument<T, Default>...>& arguments, std::index_sequence<I...>) {
  const auto build = [](Given<T>... given) {
    std::tuple<T...> values{FromPython<T>::read({O::kName, std::get<I>(arguments_of<O>()).name}, given)...};
    return Bound<O>(std::make_from_tuple<O>(std::move(values)));
  };
  std::apply(
      [&](const auto&... argument) {
        py::class_<Bound<O>, OpHandle>(m, O::kName).def(py::init(build), keyword(argument)...);
      },
      arguments);
}
template <class... Ops>
void bind_ops(py::module_& m, TypeList<Ops...>) {
  (bind_op<Ops>(m, arguments_of<Ops>(), IndicesOf<decltype(arguments_of<Ops>())>()), ...);
}

template <class T>
py::tuple described(const Argument<T, Required>& argument) {
  return py::make_tuple(argument.name, FromPython<T>::type());
}
template <class T>
py::tuple described(const Argument<T, std::nullopt_t>& argument) {
  return py::make_tuple(argument.name, FromPython<T>::type(), py::none());
}
template <class T, class Default>
py::tuple described(const Argument<T, Default>& argument) {
  return py::make_tuple(argument.name, FromPython<T>::type(), argument.fallback);
}
// Of every operation: (name, type, and default if there is one) of each argument.
template <class... Ops>
py::dict described(TypeList<Ops...>) {
  py::dict all;
  const auto list = [](const auto&... argument) {
    py::list arguments;
    (arguments.append(described(argument)), ...);
    return arguments;
  };
  ((all[Ops::kName] = Ops::arguments(list)), ...);
  return all;
}

}  // namespace cnnfast::bind
