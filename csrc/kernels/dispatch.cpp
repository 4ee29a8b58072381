// Which variants there are, and which one runs.
#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "kernels/variants.hpp"
#include "variant_list.hpp"

namespace cnnfast {

namespace {

template <class T>
struct Variant {
  Isa isa;
  void (*fill)(KernelTable<T>&);
};

// CMake lists the variants it compiles in variant_list.hpp, X(name) for each, in rising preference.
template <class T>
const std::vector<Variant<T>>& variants();
#define CNNFAST_ENTRY(name) {Isa::name, name::fill_table},
template <>
const std::vector<Variant<float>>& variants() {
  static const std::vector<Variant<float>> list{CNNFAST_FLOAT_VARIANTS(CNNFAST_ENTRY)};
  return list;
}
template <>
const std::vector<Variant<double>>& variants() {
  static const std::vector<Variant<double>> list{CNNFAST_DOUBLE_VARIANTS(CNNFAST_ENTRY)};
  return list;
}
#undef CNNFAST_ENTRY

std::string names(const std::vector<Isa>& isas) {
  std::string text;
  for (Isa isa : isas) text += (text.empty() ? "" : ", ") + std::string(to_string(isa));
  return text;
}

}  // namespace

const std::vector<Isa>& built_isas() {
  static const std::vector<Isa> list = [] {
    std::vector<Isa> all;
    for (const auto& v : variants<float>()) all.push_back(v.isa);
    return all;
  }();
  return list;
}

const std::vector<Isa>& available_isas() {
  static const std::vector<Isa> list = [] {
    std::vector<Isa> usable;
    for (Isa isa : built_isas()) {
      if (cpu_supports(isa)) usable.push_back(isa);
    }
    return usable;
  }();
  return list;
}

Isa isa_from_name(const std::string& name) {
  for (Isa isa : available_isas()) {
    if (name == to_string(isa)) return isa;
  }
  fail("isa \"", name, "\" is not available; this build on this processor has: ", names(available_isas()));
}

Isa default_isa() {
  if (available_isas().empty()) {
    throw std::runtime_error("this processor runs none of the instruction sets this build has: " + names(built_isas()));
  }
  const char* wanted = std::getenv("CNNFAST_ISA");
  if (wanted == nullptr || *wanted == '\0') return available_isas().back();
  for (Isa isa : available_isas()) {
    if (wanted == std::string(to_string(isa))) return isa;
  }
  fail("the environment variable CNNFAST_ISA must be one of ", names(available_isas()), " on this processor, got \"",
       wanted, "\"");
}

// The gradients of an external layer are summed in the layout of its parameters. It has no weights to pack.
template <class T>
const OpKernels<T, External::Geometry>& external_kernels() {
  using G = External::Geometry;
  static constexpr OpKernels<T, G> kernels{
      [](const G& g, Index) { return KernelSizes{0, g.parameters, 0, 0}; },
      [](const G&, const T*, void*, bool, const Slice&) {},
      [](const G& g, const AccumulatorOf<T>* packed_grads, T* grads, const Slice& slice) {
        if (slice.first()) std::copy_n(packed_grads, g.parameters, grads);
      },
      [](const G&, const ForwardArgs<T>&) {},
      [](const G&, const BackwardArgs<T>&) {},
      sizeof(T)};
  return kernels;
}

template const OpKernels<float, External::Geometry>& external_kernels<float>();
template const OpKernels<double, External::Geometry>& external_kernels<double>();

template <class T>
const KernelTable<T>& kernel_table(Isa isa) {
  static const std::vector<KernelTable<T>> tables = [] {
    std::vector<KernelTable<T>> filled;
    for (const auto& v : variants<T>()) {
      if (!cpu_supports(v.isa)) continue;  // the filling itself is compiled for the variant
      filled.emplace_back();
      v.fill(filled.back());
    }
    return filled;
  }();
  const KernelTable<T>* best = nullptr;
  for (const auto& table : tables) {
    if (table.isa <= isa) best = &table;
  }
  if (best != nullptr && cpu_supports(isa)) return *best;
  fail("isa \"", to_string(isa), "\" is not available; this build on this processor has: ", names(available_isas()));
}

template const KernelTable<float>& kernel_table<float>(Isa);
template const KernelTable<double>& kernel_table<double>(Isa);

}  // namespace cnnfast
