#include "runtime/parallel.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/error.h"
#include "runtime/openmp.h"

namespace mica::rt {
namespace {

constexpr int kMaxThreads = 256;
constexpr int kPiecesPerThread = 4;  // what may be left over for others to steal when a thread is late
constexpr auto kSpin = std::chrono::microseconds(100);

void pause_cpu() { __builtin_ia32_pause(); }

// Waits until done() for kSpin at most; says whether it came true.
template <class Done>
bool spin_until(Done done) {
  constexpr int kChecksPerClock = 64;  // reading the clock costs as much as a few dozen checks
  const auto deadline = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kChecksPerClock; ++i) {
      if (done()) return true;
      pause_cpu();
    }
  } while (std::chrono::steady_clock::now() < deadline);
  return done();
}

// True on workers, and on a caller inside its parallel_for: work started there stays on the thread.
thread_local bool inside_parallel = false;

// The pieces that one thread starts with; the others take from it when they have done theirs. One word holds the number
// of the job, the next piece and the end, so that a claim by compare-and-swap can only succeed while that job is
// unfinished: whoever holds a piece may read the job's description, and a late thread that still looks at an older job
// gets nothing.
struct alignas(64) Share {
  std::atomic<std::uint64_t> word{0};

  static constexpr int kPieceBits = 12;
  static constexpr std::uint64_t kPieceMask = (1u << kPieceBits) - 1;
  static std::uint64_t pack(std::uint64_t job, std::uint64_t next, std::uint64_t end) {
    return job << (2 * kPieceBits) | next << kPieceBits | end;
  }
  static std::uint64_t next(std::uint64_t word) { return word >> kPieceBits & kPieceMask; }
  static std::uint64_t end(std::uint64_t word) { return word & kPieceMask; }
};
static_assert(kMaxThreads * kPiecesPerThread <= 1 << Share::kPieceBits);

// Atomics, because a late thread may read them while the next job is described; its claim then fails and it forgets
// what it read.
struct Job {
  std::atomic<RangeFn> body{nullptr};
  std::atomic<void*> state{nullptr};
  std::atomic<std::int64_t> size{0};
  std::atomic<std::int64_t> pieces{0};
};

int threads_from_environment() {
  const char* text = std::getenv("MICA_NUM_THREADS");
  if (text != nullptr && *text != '\0') {
    char* end = nullptr;
    const long threads = std::strtol(text, &end, 10);
    if (*end != '\0' || threads < 1 || threads > kMaxThreads) {
      throw Error({.where = "MICA_NUM_THREADS",
                   .expected = "a number from 1 to " + std::to_string(kMaxThreads),
                   .received = "\"" + std::string(text) + "\"",
                   .hint = {}});
    }
    return static_cast<int>(threads);
  }
  const cpu_set_t processors = processors_of_process();
  if (CPU_COUNT(&processors) == 0) {
    return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, static_cast<unsigned>(kMaxThreads)));
  }
  return std::clamp(CPU_COUNT(&processors), 1, kMaxThreads);
}

class Pool {
 public:
  Pool() : threads_(threads_from_environment()), shares_(kMaxThreads) {}

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  void set_threads(int threads) {
    enter_waiting();
    stop_workers();
    threads_.store(threads, std::memory_order_relaxed);
    leave();
  }

  void run(std::int64_t size, std::int64_t pieces, RangeFn body, void* state) {
    if (busy_.exchange(true, std::memory_order_acquire)) {  // another caller has the workers
      body(state, 0, size);
      return;
    }
    inside_parallel = true;
    start_workers();
    publish(size, pieces, body, state);
    work(0);
    wait_for_pieces();
    inside_parallel = false;
    leave();
  }

  void shut_down() {
    enter_waiting();
    stop_workers();
    threads_.store(1, std::memory_order_relaxed);  // a late caller, in a destructor at exit, works alone
    leave();
  }

 private:
  void enter_waiting() {
    while (busy_.exchange(true, std::memory_order_acquire)) busy_.wait(true);
  }
  void leave() {
    busy_.store(false);
    busy_.notify_one();
  }

  void start_workers() {
    const int wanted = threads() - 1;
    if (static_cast<int>(workers_.size()) == wanted && owner_ == getpid()) return;
    forget_workers_of_parent();
    owner_ = getpid();
    stopping_.store(false, std::memory_order_relaxed);
    try {
      while (static_cast<int>(workers_.size()) < wanted) {
        const int index = static_cast<int>(workers_.size()) + 1;
        workers_.emplace_back([this, index, seen = job_.load()] { serve(index, seen); });
      }
    } catch (const std::system_error&) {
      // The system gives no more threads: those that run, or the caller alone, take all pieces.
    }
  }

  void stop_workers() {
    forget_workers_of_parent();
    stopping_.store(true, std::memory_order_relaxed);
    job_.fetch_add(1);
    job_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  // After fork() the child has the handles but not the threads.
  void forget_workers_of_parent() {
    if (workers_.empty() || owner_ == getpid()) return;
    for (std::thread& worker : workers_) worker.detach();
    workers_.clear();
  }

  void publish(std::int64_t size, std::int64_t pieces, RangeFn body, void* state) {
    current_.body.store(body, std::memory_order_relaxed);
    current_.state.store(state, std::memory_order_relaxed);
    current_.size.store(size, std::memory_order_relaxed);
    current_.pieces.store(pieces, std::memory_order_relaxed);
    remaining_.store(static_cast<int>(pieces), std::memory_order_relaxed);
    const std::uint32_t job = job_.load(std::memory_order_relaxed) + 1;
    const int threads = this->threads();
    active_shares_.store(threads, std::memory_order_relaxed);
    for (int i = 0; i < threads; ++i) {
      const auto begin = static_cast<std::uint64_t>(pieces * i / threads);
      const auto end = static_cast<std::uint64_t>(pieces * (i + 1) / threads);
      shares_[static_cast<std::size_t>(i)].word.store(Share::pack(job, begin, end), std::memory_order_release);
    }
    job_.store(job);
    job_.notify_all();  // no system call while nobody sleeps
  }

  void work(int self) {
    const int shares = active_shares_.load(std::memory_order_relaxed);
    for (int i = 0; i < shares; ++i) {
      Share& share = shares_[static_cast<std::size_t>((self + i) % shares)];
      while (take_piece(share)) {
      }
    }
  }

  bool take_piece(Share& share) {
    std::uint64_t word = share.word.load(std::memory_order_acquire);
    while (Share::next(word) < Share::end(word)) {
      const RangeFn body = current_.body.load(std::memory_order_relaxed);
      void* const state = current_.state.load(std::memory_order_relaxed);
      const std::int64_t size = current_.size.load(std::memory_order_relaxed);
      const std::int64_t pieces = current_.pieces.load(std::memory_order_relaxed);
      const auto piece = static_cast<std::int64_t>(Share::next(word));
      const std::uint64_t claimed = word + (std::uint64_t{1} << Share::kPieceBits);
      if (!share.word.compare_exchange_weak(word, claimed, std::memory_order_acq_rel, std::memory_order_acquire)) {
        continue;
      }
      body(state, size * piece / pieces, size * (piece + 1) / pieces);
      if (remaining_.fetch_sub(1) == 1) remaining_.notify_one();
      return true;
    }
    return false;
  }

  // All pieces are taken; the last ones may still run on workers.
  void wait_for_pieces() {
    if (spin_until([this] { return remaining_.load(std::memory_order_acquire) == 0; })) return;
    for (int left = remaining_.load(); left != 0; left = remaining_.load()) remaining_.wait(left);
  }

  void serve(int index, std::uint32_t seen) {
    inside_parallel = true;
    const cpu_set_t processors = processors_of_process();
    if (CPU_COUNT(&processors) > 0) sched_setaffinity(0, sizeof processors, &processors);
    for (;;) {
      const auto changed = [this, seen] { return job_.load(std::memory_order_acquire) != seen; };
      if (!spin_until(changed)) job_.wait(seen);
      seen = job_.load(std::memory_order_acquire);
      if (stopping_.load(std::memory_order_relaxed)) return;
      work(index);
    }
  }

  std::atomic<int> threads_;
  std::atomic<bool> busy_{false}, stopping_{false};
  std::vector<std::thread> workers_;  // guarded by busy_
  pid_t owner_ = 0;                   // the process that started them
  std::vector<Share> shares_;
  Job current_;
  std::atomic<int> active_shares_{0};
  alignas(64) std::atomic<std::uint32_t> job_{0};  // what workers spin and sleep on
  alignas(64) std::atomic<int> remaining_{0};      // what the caller spins and sleeps on
};

// The pool outlives every static object; its threads are joined before the process's own destructors are done.
Pool& pool() {
  static Pool& instance = *new Pool;
  static const struct Joiner {
    ~Joiner() { instance.shut_down(); }
  } joiner;
  return instance;
}

}  // namespace

int num_threads() { return pool().threads(); }

void set_num_threads(int threads) {
  if (threads < 1 || threads > kMaxThreads) {
    throw Error({.where = "set_num_threads",
                 .expected = "a number from 1 to " + std::to_string(kMaxThreads),
                 .received = std::to_string(threads),
                 .hint = {}});
  }
  MICA_CHECK(!inside_parallel) << "set_num_threads inside parallel_for";
  if (threads != num_threads()) pool().set_threads(threads);
}

void parallel_for(std::int64_t n, std::int64_t grain, RangeFn body, void* state) {
  if (n <= 0) return;
  const std::int64_t worthwhile = grain <= 0 ? 1 : n / grain;
  if (worthwhile <= 1 || inside_parallel || num_threads() == 1) {
    body(state, 0, n);
    return;
  }
  pool().run(n, std::min<std::int64_t>(worthwhile, num_threads() * kPiecesPerThread), body, state);
}

}  // namespace mica::rt
