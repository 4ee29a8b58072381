// Whether a call with one image and little work uses several threads.
//
// OpenMP threads spin for some microseconds after a parallel region (python/cnnfast/_load.py). A call that follows at
// once finds them spinning; for a later one, waking them would cost more than they save. Nor do they help where several
// callers or other processes use the cores. So calls in quick succession are timed, a few on one thread and a few on
// the team, and the faster way is used for a while.
//
// Times decide only which threads compute, never what: results are the same bits.
#pragma once

#include <atomic>

namespace cnnfast {

// What a plan has measured. Used by one call at a time, see Call::alone_.
class SpinningTeam {
 public:
  class Call;

 private:
  static constexpr int kTrial = 16, kWaking = 4;          // timed calls each; and untimed calls that wake the team
  static constexpr double kAwake = 20e-6, kKept = 64e-3;  // seconds

  bool use_team(double now) const { return now < kept_until_ ? team_is_faster_ : trials_ >= kTrial; }
  void took(double seconds, double now);

  int trials_ = 0;
  double single_ = 0, team_ = 0;  // total seconds of the trials
  bool team_is_faster_ = false;
  double kept_until_ = 0;
};

// One call, from its beginning to its end.
class SpinningTeam::Call {
 public:
  explicit Call(SpinningTeam& found);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool use_team() const { return use_team_; }

 private:
  static std::atomic<int> going_on_;  // of all plans
  static std::atomic<double> last_end_;

  SpinningTeam& found_;
  double start_;
  // No other call was running when this one began: true of at most one call at a time.
  bool alone_;
  bool counts_ = false;  // it directly follows another
  bool use_team_ = false;
};

}  // namespace cnnfast
