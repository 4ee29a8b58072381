#include "runtime/threads.hpp"

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "base/cpu.hpp"
#include "base/error.hpp"

#if defined(CNNFAST_STD_THREADS)
#include <condition_variable>
#include <vector>
#elif defined(_OPENMP)
#include <omp.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace cnnfast {

namespace {

std::atomic<int> chosen{0};  // by set_num_threads; 0: the default

#if defined(_OPENMP) && !defined(CNNFAST_STD_THREADS)
std::atomic<bool> pool_used{false};  // a region with several threads has run in this process
std::atomic<bool> pool_lost{false};  // ... in the process this one was forked from

void watch_forks() {
#if defined(__unix__) || defined(__APPLE__)
  static std::once_flag once;
  std::call_once(once, [] {
    pthread_atfork(nullptr, nullptr, [] {
      if (pool_used) pool_lost = true;
    });
  });
#endif
}
#endif

}  // namespace

bool openmp_built() {
#if defined(_OPENMP)
  return true;
#else
  return false;
#endif
}

int get_num_threads() {
#if defined(CNNFAST_STD_THREADS)
  return chosen > 0 ? chosen.load() : usable_cores();
#elif defined(_OPENMP)
  if (pool_lost) return 1;
  if (chosen > 0) return chosen;
  const int allowed = omp_get_max_threads();  // OMP_NUM_THREADS and threadpoolctl
  static const bool set_by_user = std::getenv("OMP_NUM_THREADS") != nullptr;
  static const int cores = usable_cores();
  return std::max(1, set_by_user ? allowed : std::min(allowed, cores));
#else
  return 1;
#endif
}

void set_num_threads(int n) {
  if (n < 1 || n > 1024) fail("set_num_threads: n must be from 1 to 1024, got ", n);
  chosen = n;
}

void WorkQueue::yield_core() { std::this_thread::yield(); }

#if defined(CNNFAST_STD_THREADS)

// Threads of the standard library, created for each region: ThreadSanitizer understands them, which it does not do
// with GNU's OpenMP.
namespace {

class Barrier {
 public:
  explicit Barrier(int size) : size_(size) {}
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    const int phase = phase_;
    if (++waiting_ == size_) {
      waiting_ = 0;
      ++phase_;
      all_here_.notify_all();
    } else {
      all_here_.wait(lock, [&] { return phase_ != phase; });
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  int size_, waiting_ = 0, phase_ = 0;
};

thread_local Barrier* barrier_of_team = nullptr;

}  // namespace

void Team::barrier() const {
  if (size_ > 1) barrier_of_team->wait();
}

void parallel(int threads, const TeamBody& body) {
  Barrier barrier(threads);
  const auto run = [&](int thread) {
    barrier_of_team = &barrier;
    body(Team(thread, threads));
  };
  std::vector<std::thread> others;
  for (int thread = 1; thread < threads; ++thread) others.emplace_back(run, thread);
  run(0);
  for (std::thread& other : others) other.join();
}

#elif defined(_OPENMP)

void Team::barrier() const {
  if (size_ > 1) {
#pragma omp barrier
  }
}

void parallel(int threads, const TeamBody& body) {
  if (threads <= 1) {
    body(Team(0, 1));
    return;
  }
  watch_forks();
  pool_used = true;
#pragma omp parallel num_threads(threads)
  body(Team(omp_get_thread_num(), omp_get_num_threads()));
}

#else  // one thread

void Team::barrier() const {}

void parallel(int, const TeamBody& body) { body(Team(0, 1)); }

#endif

}  // namespace cnnfast
