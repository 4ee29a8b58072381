// The number of threads, and parallel regions. The only file with OpenMP, with threads.cpp.
#pragma once

#include <atomic>
#include <cstdint>

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

// Dynamic scheduling: hands out 0 .. count - 1, each once.
class Tasks {
 public:
  explicit Tasks(int count) : count_(count) {}
  bool next(int& task) {
    task = next_.fetch_add(1, std::memory_order_relaxed);
    return task < count_;
  }
  // Starts again at 0; to be called between two barriers.
  void reset() { next_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<int> next_{0};
  int count_;
};

// One step of work in up to kMaxParts parts. Threads take parts and continue when all parts are done, without waiting
// for threads that have not arrived: a late or sleeping thread delays nobody, unlike at a barrier.
class alignas(64) WorkQueue {
 public:
  static constexpr int kMaxParts = 64;

  // Calls f(part) for parts that no thread has taken, then waits until all are done. A thread starts with the part of
  // its own number if it is free, since the weights of the last call are in its core's cache.
  template <class F>
  void run(int parts, int thread, const F& f) {
    for (int i = 0; i < parts; ++i) {
      const int part = (thread + i) % parts;
      const std::uint64_t bit = std::uint64_t{1} << part;
      if ((taken_.load(std::memory_order_relaxed) & bit) != 0) continue;
      if ((taken_.fetch_or(bit, std::memory_order_relaxed) & bit) != 0) continue;
      f(part);
      done_.fetch_add(1, std::memory_order_release);
    }
    for (int turns = 0; done_.load(std::memory_order_acquire) < parts; ++turns) {
      if (turns > kSpin) yield_core();
    }
  }

 private:
  static constexpr int kSpin = 2000;
  static void yield_core();

  std::atomic<std::uint64_t> taken_{0};
  std::atomic<int> done_{0};
};

}  // namespace cnnfast
