#include "parallel.h"

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace cygnet::cpu {
namespace {

thread_local bool inside = false;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// About 40 µs: longer than from one kernel of a model to the next, shorter than anything another program would miss.
constexpr int kSpins = 1000;

template <typename Ready>
bool spin(Ready&& ready) {
  for (int i = 0; i < kSpins; i++) {
    if (ready()) return true;
    pause();
  }
  return false;
}

// Threads that wait a moment for the next job and then sleep. One job at a time.
class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 0; i < workers; i++) threads_.emplace_back([this] { work(); });
  }

  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
      job_++;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // False when another thread's job is running.
  bool run(int count, void* body, detail::Call call) {
    std::unique_lock busy(busy_, std::try_to_lock);
    if (!busy) return false;
    count_ = count, body_ = body, call_ = call;
    next_.store(0, std::memory_order_relaxed);
    working_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);
      job_++;
    }
    if (sleeping_.load() > 0) wake_.notify_all();
    take_items();
    const auto done = [this] { return working_.load(std::memory_order_acquire) == 0; };
    if (!spin(done)) {
      std::unique_lock lock(mutex_);
      done_.wait(lock, done);
    }
    return true;
  }

 private:
  void take_items() {
    inside = true;
    for (int i = next_++; i < count_; i = next_++) call_(body_, i);
    inside = false;
  }

  void work() {
    for (unsigned seen = 0;;) {
      const auto called = [&] { return job_.load(std::memory_order_acquire) != seen; };
      if (!spin(called)) {
        std::unique_lock lock(mutex_);
        sleeping_++;
        wake_.wait(lock, called);
        sleeping_--;
      }
      if (stopping_) return;
      seen = job_.load(std::memory_order_acquire);
      take_items();
      if (working_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        std::lock_guard lock(mutex_);
        done_.notify_one();
      }
    }
  }

  std::vector<std::thread> threads_;
  std::mutex busy_, mutex_;
  std::condition_variable wake_, done_;
  std::atomic<int> next_{0}, working_{0}, sleeping_{0};
  std::atomic<unsigned> job_{0};
  std::atomic<bool> stopping_{false};
  int count_ = 0;
  void* body_ = nullptr;
  detail::Call call_ = nullptr;
};

// Processors that this process may run on.
int processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(CPU_COUNT(&set), 1);
#endif
  return std::max<int>(std::thread::hardware_concurrency(), 1);
}

// Processors' worth of time that the control group grants: "quota period" in microseconds, or "max".
double quota() {
  double limit = 1e9;
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "r")) {
    double time, period;
    if (std::fscanf(file, "%lf %lf", &time, &period) == 2 && period > 0) limit = time / period;
    std::fclose(file);
  }
  return limit;
}

int initial_threads() {
  if (const char* wanted = std::getenv("CYGNET_CPU_THREADS"); wanted && std::atoi(wanted) > 0) return std::atoi(wanted);
  return std::clamp(static_cast<int>(std::ceil(std::min(quota(), 1e6))), 1, processors());
}

// Never destroyed: threads of MLX may still compute while the process ends.
struct State {
  std::mutex mutex;
  int threads = initial_threads();
  Pool* pool = nullptr;
};
State& state() {
  static State* shared = new State;
  return *shared;
}

Pool* pool() {
  State& s = state();
  std::lock_guard lock(s.mutex);
  if (!s.pool && s.threads > 1) s.pool = new Pool(s.threads - 1);
  return s.pool;
}

}  // namespace

int threads() { return state().threads; }

void set_threads(int count) {
  State& s = state();
  std::lock_guard lock(s.mutex);
  delete s.pool;
  s.pool = nullptr;
  s.threads = std::max(count, 1);
}

void detail::run_items(int count, void* body, Call call) {
  Pool* workers = count > 1 && !inside ? pool() : nullptr;
  if (workers && workers->run(count, body, call)) return;
  for (int i = 0; i < count; i++) call(body, i);
}

}  // namespace cygnet::cpu
