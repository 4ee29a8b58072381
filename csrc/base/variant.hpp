// A value of one of many types, with the interface of std::variant. libstdc++'s variant instantiates a constructor for
// each pair of types: for the operations, that was more than a third of all functions in the engine and the bindings.
// Here their number grows with that of the types. No type may throw when it is moved: there is always a value.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <new>
#include <type_traits>
#include <utility>

namespace cnnfast {

namespace variant_detail {

// How a type is copied, moved to other memory and destroyed. Functions are null where bytes can be copied.
struct Functions {
  std::size_t size;
  void (*copy)(const void* from, void* to);
  void (*move)(void* from, void* to);
  void (*destroy)(void* value);
};
template <class T>
constexpr Functions functions() {
  static_assert(std::is_nothrow_move_constructible_v<T>);
  if constexpr (std::is_trivially_copyable_v<T>) {
    return {sizeof(T), nullptr, nullptr, nullptr};
  } else {
    return {sizeof(T), [](const void* from, void* to) { new (to) T(*static_cast<const T*>(from)); },
            [](void* from, void* to) { new (to) T(std::move(*static_cast<T*>(from))); },
            [](void* value) { static_cast<T*>(value)->~T(); }};
  }
}

template <class R, class F, class Value, class Memory>
R call(const F& f, Memory* value) {
  return f(*static_cast<Value*>(value));
}

}  // namespace variant_detail

template <class First, class... Rest>
class Variant {
 public:
  // The position of T in the list; its length if T is not in it.
  template <class T>
  static constexpr std::size_t position() {
    constexpr bool same[] = {std::is_same_v<T, First>, std::is_same_v<T, Rest>...};
    std::size_t i = 0;
    while (i < 1 + sizeof...(Rest) && !same[i]) ++i;
    return i;
  }
  template <class T>
  static constexpr bool holds = position<T>() < 1 + sizeof...(Rest);

  Variant() : Variant(First()) {}
  template <class T, class = std::enable_if_t<holds<std::decay_t<T>>>>
  Variant(T&& value) : index_(position<std::decay_t<T>>()) {
    new (memory_) std::decay_t<T>(std::forward<T>(value));
  }
  Variant(const Variant& other) : index_(other.index_) {
    const auto& type = types()[index_];
    type.copy == nullptr ? void(std::memcpy(memory_, other.memory_, type.size)) : type.copy(other.memory_, memory_);
  }
  Variant(Variant&& other) noexcept { take(other); }
  Variant& operator=(Variant other) noexcept {
    destroy();
    take(other);
    return *this;
  }
  ~Variant() { destroy(); }

  std::size_t index() const { return index_; }
  const void* memory() const { return memory_; }
  void* memory() { return memory_; }

  template <class F>
  decltype(auto) visit(const F& f) const {
    return visit_as<const void, const First, const Rest...>(f, memory_);
  }
  template <class F>
  decltype(auto) visit(const F& f) {
    return visit_as<void, First, Rest...>(f, memory_);
  }

 private:
  static const variant_detail::Functions* types() {
    static constexpr variant_detail::Functions list[] = {variant_detail::functions<First>(),
                                                         variant_detail::functions<Rest>()...};
    return list;
  }
  void take(Variant& other) noexcept {
    index_ = other.index_;
    const auto& type = types()[index_];
    type.move == nullptr ? void(std::memcpy(memory_, other.memory_, type.size)) : type.move(other.memory_, memory_);
  }
  void destroy() noexcept {
    const auto& type = types()[index_];
    if (type.destroy != nullptr) type.destroy(memory_);
  }

  template <class Memory, class Value, class... Values, class F>
  decltype(auto) visit_as(const F& f, Memory* memory) const {
    using R = decltype(f(std::declval<Value&>()));
    static constexpr R (*calls[])(const F&, Memory*) = {variant_detail::call<R, F, Value, Memory>,
                                                        variant_detail::call<R, F, Values, Memory>...};
    return calls[index_](f, memory);
  }

  static constexpr std::size_t largest(std::initializer_list<std::size_t> sizes) {
    std::size_t most = 0;
    for (std::size_t size : sizes) most = size > most ? size : most;
    return most;
  }

  std::size_t index_;
  alignas(largest({alignof(First), alignof(Rest)...})) std::byte memory_[largest({sizeof(First), sizeof(Rest)...})];
};

template <class F, class... Types>
decltype(auto) visit(const F& f, const Variant<Types...>& variant) {
  return variant.visit(f);
}
template <class F, class... Types>
decltype(auto) visit(const F& f, Variant<Types...>& variant) {
  return variant.visit(f);
}

template <class T, class... Types>
bool holds_alternative(const Variant<Types...>& variant) {
  return variant.index() == Variant<Types...>::template position<T>();
}
template <class T, class... Types>
const T* get_if(const Variant<Types...>* variant) {
  return holds_alternative<T>(*variant) ? static_cast<const T*>(variant->memory()) : nullptr;
}
template <class T, class... Types>
T* get_if(Variant<Types...>* variant) {
  return holds_alternative<T>(*variant) ? static_cast<T*>(variant->memory()) : nullptr;
}
template <class T, class... Types>
const T& get(const Variant<Types...>& variant) {
  assert(holds_alternative<T>(variant));
  return *get_if<T>(&variant);
}

}  // namespace cnnfast
