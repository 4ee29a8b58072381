#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.hpp"

namespace cnnfast::selftest {

void Report::begin(Isa isa, const char* element, std::string subject, double tolerance) {
  variant_ = concat(to_string(isa), " ", element);
  subject_ = std::move(subject);
  tolerance_ = tolerance;
  worst_ = 0;
  cases_ = 0;
  before_ = mismatches_;
}

void Report::begin_case(std::string name) {
  case_ = std::move(name);
  ++cases_;
}

void Report::require(bool holds, const std::string& what) {
  if (holds) return;
  ++mismatches_;
  std::printf("MISMATCH %s %s: %s: %s\n", variant_.c_str(), subject_.c_str(), case_.c_str(), what.c_str());
}

void Report::require_bits_of(const Report& other) {
  bool same = all_.size() == other.all_.size();
  for (std::size_t i = 0; same && i < all_.size(); ++i) {
    const Values &got = all_[i].values, &there = other.all_[i].values;
    const bool equal =  // memcmp takes no null pointer, even for 0 bytes
        got.size() == there.size() &&
        (got.empty() || std::memcmp(got.data(), there.data(), got.size() * sizeof(double)) == 0);
    if (equal) continue;
    variant_ = all_[i].variant, subject_ = all_[i].subject, case_ = all_[i].name;
    require(false, concat(all_[i].what, " has other bits where the buffers lie elsewhere"));
  }
  if (!same) require(false, "not the same cases");
  std::printf("%zu results of kernels with their buffers close together: the bits compared\n", all_.size());
}

void Report::compare_values(const char* what, const Values& got, const Values& expected) {
  all_.push_back({variant_, subject_, case_, what, got});
  const double scale = std::max(largest(expected), 1e-30);
  double most = 0;
  std::size_t where = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    double error = std::abs(got[i] - expected[i]) / scale;
    if (std::isnan(error)) error = HUGE_VAL;
    if (error > most) {
      most = error;
      where = i;
    }
  }
  worst_ = std::max(worst_, most);
  if (most > tolerance_) {
    require(false, concat(what, "[", where, "] is ", got[where], ", expected ", expected[where], "; off by ", most,
                          " of the largest, at most ", tolerance_));
  }
}

void Report::end() {
  if (only_mismatches_) return;
  std::printf("%-17s %-24s %3d cases  largest error %7.1e of %7.1e  %s\n", variant_.c_str(), subject_.c_str(), cases_,
              worst_, tolerance_, mismatches_ == before_ ? "ok" : "FAILED");
  std::fflush(stdout);
}

}  // namespace cnnfast::selftest
