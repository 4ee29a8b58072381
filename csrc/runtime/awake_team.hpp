// Whether a call with one image and little work is shared by several threads.
//
// The threads of a team stay awake for a moment after their work (python/cnnfast/_load.py). A caller who calls again at
// once finds them ready; one who does not would pay more for waking them than they save. Nor do they help where others
// use the cores: where several callers call at once, or beside busy processes. So calls that follow upon each other are
// timed, a few on one thread and a few by the team, and the faster way is kept for a while.
//
// Times decide only which threads compute, never what: results are the same bits.
#pragma once

#include <atomic>

namespace cnnfast {

// What a plan has found out. Used by one call at a time, see Call::alone_.
class AwakeTeam {
 public:
  class Call;

 private:
  static constexpr int kTrial = 16, kWaking = 4;          // calls of each way; and before those of the team, not timed
  static constexpr double kAwake = 20e-6, kKept = 64e-3;  // seconds

  bool use_team(double now) const { return now < kept_until_ ? team_is_faster_ : trials_ >= kTrial; }
  void took(double seconds, double now);

  int trials_ = 0;
  double single_ = 0, team_ = 0;  // seconds that the trials took
  bool team_is_faster_ = false;
  double kept_until_ = 0;
};

// One call, from its beginning to its end.
class AwakeTeam::Call {
 public:
  explicit Call(AwakeTeam& found);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool use_team() const { return use_team_; }

 private:
  static std::atomic<int> going_on_;  // of all plans
  static std::atomic<double> last_end_;

  AwakeTeam& found_;
  double start_;
  // No other call was going on when this one began. Since those that begin before it ends are not, one at most is.
  bool alone_;
  bool counts_ = false;  // it follows upon another
  bool use_team_ = false;
};

}  // namespace cnnfast
