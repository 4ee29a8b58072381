// The only home of OpenMP: how many threads, and one parallel region.
#pragma once

#include <atomic>

namespace cnnfast {

// Threads a run may use. Default: OMP_NUM_THREADS, else the cores this process may use (affinity and
// container quota); threadpoolctl's limits on OpenMP are respected. One in a forked child of a process
// that has already run threads: OpenMP's pool does not survive a fork.
int get_num_threads();
void set_num_threads(int n);
bool openmp_built();

class Team {
 public:
  Team(int thread, int size) : thread_(thread), size_(size) {}
  int thread() const { return thread_; }
  int size() const { return size_; }
  void barrier() const;

 private:
  int thread_, size_;
};

// A callable that outlives the call it is passed to. Not std::function, which would allocate at every step.
class TeamBody {
 public:
  template <class F>
  TeamBody(const F& f)  // NOLINT: converts on purpose
      : object_(&f), call_([](const void* object, const Team& team) { (*static_cast<const F*>(object))(team); }) {}
  void operator()(const Team& team) const { call_(object_, team); }

 private:
  const void* object_;
  void (*call_)(const void*, const Team&);
};

// Calls body(team) on `threads` threads (fewer where the system gives fewer), without a region for one.
void parallel(int threads, const TeamBody& body);

// Hands out 0 .. count - 1, each once, to whoever asks next.
class Tasks {
 public:
  explicit Tasks(int count) : count_(count) {}
  bool next(int& task) {
    task = next_.fetch_add(1, std::memory_order_relaxed);
    return task < count_;
  }
  // From the beginning; between two barriers.
  void reset() { next_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<int> next_{0};
  int count_;
};

}  // namespace cnnfast
