// Threads, instruction sets, how this build was made, and the speed of the processor's multiply-adds.
#include <pybind11/stl.h>

#include <cstdlib>
#include <optional>

#include "base/error.hpp"
#include "bind/arguments.hpp"
#include "bind/gil.hpp"
#include "bind/module.hpp"
#include "kernels/table.hpp"
#include "runtime/fma_peak.hpp"
#include "runtime/threads.hpp"

namespace cnnfast::bind {

using namespace pybind11::literals;

namespace {

std::vector<std::string> names(const std::vector<Isa>& isas) {
  std::vector<std::string> list;
  for (Isa isa : isas) list.emplace_back(to_string(isa));
  return list;
}

std::string reason() {
  const char* wanted = std::getenv("CNNFAST_ISA");
  if (wanted != nullptr && *wanted != '\0') return "asked for by CNNFAST_ISA";
  return "the widest of the built variants that this processor runs";
}

py::dict build_info() {
  return py::dict("version"_a = CNNFAST_VERSION, "compiler"_a = CNNFAST_COMPILER, "build_type"_a = CNNFAST_BUILD_TYPE,
                  "eigen"_a = CNNFAST_EIGEN_VERSION, "openmp"_a = openmp_built(), "isas_built"_a = names(built_isas()),
                  "isas_available"_a = names(available_isas()), "isa"_a = to_string(default_isa()),
                  "isa_reason"_a = reason(), "usable_cores"_a = usable_cores());
}

}  // namespace

void register_system(py::module_& m) {
  m.def("available_isas", [] { return names(available_isas()); });
  m.def("build_info", &build_info);
  m.def("get_num_threads", &get_num_threads);
  m.def(
      "set_num_threads",
      [](const py::object& n) {
        const Index threads = integer({"set_num_threads", "n"}, n);
        if (threads < 1 || threads > 1024) fail("set_num_threads: n must be from 1 to 1024, got ", threads);
        set_num_threads(static_cast<int>(threads));
      },
      "n"_a);
  m.def(
      "fma_peak",
      [](const std::optional<std::string>& isa_name, const std::string& dtype, double seconds) {
        const Isa isa = isa_name ? isa_from_name(*isa_name) : default_isa();
        if (dtype != "float32" && dtype != "float64") {
          fail("fma_peak: dtype must be \"float32\" or \"float64\", got \"", dtype, "\"");
        }
        if (!(seconds > 0 && seconds <= 60)) fail("fma_peak: seconds must be above 0 and at most 60, got ", seconds);
        return without_gil(
            [&] { return dtype == "float32" ? fma_peak<float>(isa, seconds) : fma_peak<double>(isa, seconds); });
      },
      "isa"_a = py::none(), "dtype"_a = "float32", "seconds"_a = 0.1);
}

}  // namespace cnnfast::bind
