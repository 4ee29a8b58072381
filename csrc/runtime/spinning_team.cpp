#include "runtime/spinning_team.hpp"

#include "base/clock.hpp"

namespace cnnfast {

std::atomic<int> SpinningTeam::Call::going_on_{0};
std::atomic<double> SpinningTeam::Call::last_end_{0};

SpinningTeam::Call::Call(SpinningTeam& found)
    : found_(found), start_(seconds()), alone_(going_on_.fetch_add(1, std::memory_order_acq_rel) == 0) {
  counts_ = alone_ && start_ - last_end_.load(std::memory_order_relaxed) < kAwake;
  use_team_ = counts_ && found_.use_team(start_);
}

SpinningTeam::Call::~Call() {
  const double end = seconds();
  if (counts_) found_.took(end - start_, end);
  last_end_.store(end, std::memory_order_relaxed);
  going_on_.fetch_sub(1, std::memory_order_acq_rel);
}

// A trial of the team ends as soon as it takes longer.
void SpinningTeam::took(double seconds, double now) {
  if (now < kept_until_) return;
  ++trials_;
  if (trials_ <= kTrial) {
    single_ += seconds;
  } else if (trials_ > kTrial + kWaking) {
    team_ += seconds;
  }
  if (trials_ < 2 * kTrial + kWaking && team_ <= single_) return;
  team_is_faster_ = team_ < single_;
  kept_until_ = now + kKept;
  trials_ = 0;
  single_ = team_ = 0;
}

}  // namespace cnnfast
