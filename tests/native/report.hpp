// The output of the self-test: a line for each operation and variant, and a line for each mismatch.
#pragma once

#include <string>
#include <vector>

#include "base/cpu.hpp"
#include "reference.hpp"

namespace cnnfast::selftest {

template <class T>
constexpr const char* kElement = sizeof(T) == 4 ? "float32" : "float64";

class Report {
 public:
  explicit Report(bool only_mismatches = false) : only_mismatches_(only_mismatches) {}
  // The comparisons that follow belong to `subject` on this variant; errors are relative to the largest value
  // expected.
  void begin(Isa isa, const char* element, std::string subject, double tolerance);
  void begin_case(std::string name);
  template <class T>
  void compare(const char* what, const T* got, const Values& expected) {
    compare_values(what, Values(got, got + expected.size()), expected);
  }
  void require(bool holds, const std::string& what);
  // Checks that every value compared has the same bits as in `other`, a report of the same cases.
  void require_bits_of(const Report& other);
  void end();

  int mismatches() const { return mismatches_; }

 private:
  void compare_values(const char* what, const Values& got, const Values& expected);

  bool only_mismatches_;
  std::string variant_, subject_, case_;
  double tolerance_ = 0, worst_ = 0;
  int cases_ = 0, mismatches_ = 0, before_ = 0;
  struct Compared {
    std::string variant, subject, name, what;
    Values values;
  };
  std::vector<Compared> all_;
};

}  // namespace cnnfast::selftest
