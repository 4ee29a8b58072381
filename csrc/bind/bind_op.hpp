// How an operation becomes a Python class: its constructor follows from `arguments()` (csrc/ops/argument.hpp).
#pragma once

#include <utility>
#include <vector>

#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/op_handle.hpp"

namespace cnnfast::bind {

// An argument of a Python constructor; `fallback` is null where the argument is required.
struct Keyword {
  const char* name;
  py::object fallback;
};
template <class T>
Keyword keyword(const Argument<T, Required>& argument) {
  return {argument.name, {}};
}
template <class T>
Keyword keyword(const Argument<T, std::nullopt_t>& argument) {
  return {argument.name, py::none()};
}
template <class T, class Default>
Keyword keyword(const Argument<T, Default>& argument) {
  return {argument.name, py::cast(argument.fallback)};
}
struct Keywords {
  std::vector<Keyword> all;
};

}  // namespace cnnfast::bind

namespace pybind11::detail {

// Arguments that are known at run time, in place of an arg or arg_v for each.
template <>
struct process_attribute<cnnfast::bind::Keywords> : process_attribute_default<cnnfast::bind::Keywords> {
  static void init(const cnnfast::bind::Keywords& keywords, function_record* record) {
    for (const cnnfast::bind::Keyword& keyword : keywords.all) {
      if (keyword.fallback) {
        process_attribute<arg_v>::init(arg_v(keyword.name, keyword.fallback), record);
      } else {
        process_attribute<arg>::init(arg(keyword.name), record);
      }
    }
  }
};

}  // namespace pybind11::detail

namespace cnnfast::bind {

// A class without attributes of its own.
inline py::object subclass(py::module_& m, const py::object& base, const char* name) {
  py::dict members;
  members["__slots__"] = py::tuple();
  members["__module__"] = m.attr("__name__");
  const py::object type = py::type::of(base)(name, py::make_tuple(base), members);
  m.attr(name) = type;
  return type;
}

// Reads the arguments of a constructor.
using MakeOp = Op (*)(const py::handle* given);

template <class T, class Default>
auto read_next(const char* owner, const Argument<T, Default>& argument, const py::handle*& given) {
  return FromPython<T>::read({owner, argument.name}, *given++);
}

// Braces convert in the order in which the arguments are written, so that the first wrong one is the one named.
template <class O>
Op make_op(const py::handle* given) {
  return O::arguments([&](const auto&... argument) { return O{read_next(O::kName, argument, given)...}; });
}

template <std::size_t>
using Given = py::handle;

// Binds a subclass of `base`, the class of OpHandle. It depends on the number of arguments alone: a class_ and a
// function for each operation would take longer to compile than all the rest of the bindings.
template <std::size_t... I>
void bind_op(py::module_& m, const py::object& base, const char* name, const Keywords& keywords, MakeOp make,
             std::index_sequence<I...>) {
  const py::object type = subclass(m, base, name);
  const auto init = [make](py::detail::value_and_holder& self, Given<I>... given) {
    const py::handle all[] = {given..., py::handle()};
    self.value_ptr() = new OpHandle{make(all)};
  };
  type.attr("__init__") = py::cpp_function(init, py::name("__init__"), py::is_method(type),
                                           py::detail::is_new_style_constructor(), keywords);
}
template <class... Ops>
void bind_ops(py::module_& m, const py::object& base, TypeList<Ops...>) {
  const auto list = [](const auto&... argument) { return Keywords{{keyword(argument)...}}; };
  (bind_op(m, base, Ops::kName, Ops::arguments(list), make_op<Ops>, std::make_index_sequence<kArguments<Ops>>()), ...);
}

template <class T, class Default>
py::tuple described(const Argument<T, Default>& argument) {
  const Keyword k = keyword(argument);
  py::tuple all(k.fallback ? 3 : 2);
  all[0] = py::str(k.name);
  all[1] = py::str(FromPython<T>::type());
  if (k.fallback) all[2] = k.fallback;
  return all;
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
