#include "parallel.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "blas.h"

namespace cygnet::cpu {
namespace {

thread_local bool inside = false;

// Threads that sleep between jobs. One job at a time.
class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 0; i < workers; i++) threads_.emplace_back([this] { work(); });
  }

  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  // False when another thread's job is running.
  bool run(int count, void* body, detail::Call call) {
    std::unique_lock busy(busy_, std::try_to_lock);
    if (!busy) return false;
    {
      std::lock_guard lock(mutex_);
      count_ = count, body_ = body, call_ = call, next_ = 0, working_ = static_cast<int>(threads_.size()), job_++;
    }
    wake_.notify_all();
    take_items();
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return working_ == 0; });
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
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || job_ != seen; });
        if (stopping_) return;
        seen = job_;
      }
      take_items();
      std::lock_guard lock(mutex_);
      if (--working_ == 0) done_.notify_one();
    }
  }

  std::vector<std::thread> threads_;
  std::mutex busy_, mutex_;
  std::condition_variable wake_, done_;
  std::atomic<int> next_{0};
  int count_ = 0, working_ = 0;
  unsigned job_ = 0;
  void* body_ = nullptr;
  detail::Call call_ = nullptr;
  bool stopping_ = false;
};

#ifdef CYGNET_OPENBLAS
// The BLAS itself stays on its caller's thread: its own threads spin while they wait for one that the system holds up.
int initial_threads() {
  const int count = scipy_openblas_get_num_threads();
  scipy_openblas_set_num_threads(1);
  return count;
}
#else
int initial_threads() { return 1; }
#endif

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
