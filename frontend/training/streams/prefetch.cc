// prefetch: a thread that reads batches ahead.
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "frontend/training/streams/row_batches.h"

namespace mica {
namespace {

class Prefetch : public BatchSource {
 public:
  Prefetch(std::shared_ptr<BatchSource> source, int batches)
      : source_(std::move(source)), ahead_(static_cast<std::size_t>(batches)) {}
  ~Prefetch() override { stop(); }
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  std::optional<Batch> next() override {
    if (!worker_.joinable()) start();
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return !ready_.empty() || is_at_end_; });
    if (ready_.empty()) {
      if (error_) std::rethrow_exception(error_);
      return std::nullopt;
    }
    Batch batch = std::move(ready_.front());
    ready_.pop_front();
    room_.notify_one();
    return batch;
  }

  void restart() override {
    stop();
    source_->restart();
  }
  std::optional<std::int64_t> num_batches() const override { return source_->num_batches(); }

 private:
  void start() {
    is_stopped_ = is_at_end_ = false;
    error_ = nullptr;
    worker_ = std::thread([this] { read(); });
  }

  void stop() {
    if (!worker_.joinable()) return;
    {
      std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    room_.notify_one();
    worker_.join();
    ready_.clear();
  }

  void read() {
    while (has_room()) {
      std::optional<Batch> batch;
      std::exception_ptr error;
      try {
        batch = source_->next();
      } catch (...) {
        error = std::current_exception();
      }
      std::lock_guard lock(mutex_);
      if (batch) ready_.push_back(*std::move(batch));
      is_at_end_ = !batch;
      error_ = error;
      arrived_.notify_one();
      if (is_at_end_) return;
    }
  }

  // Waits for it; false when nobody wants more.
  bool has_room() {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return is_stopped_ || ready_.size() < ahead_; });
    return !is_stopped_;
  }

  const std::shared_ptr<BatchSource> source_;
  const std::size_t ahead_;
  std::thread worker_;  // runs from the first next() to the end of the pass or restart()
  std::mutex mutex_;    // of what follows
  std::condition_variable room_, arrived_;
  std::deque<Batch> ready_;
  bool is_stopped_ = false, is_at_end_ = false;
  std::exception_ptr error_;
};

}  // namespace

std::shared_ptr<BatchSource> prefetch(std::shared_ptr<BatchSource> source, int batches) {
  internal::check_option("prefetch", "batches", batches, 1);
  return std::make_shared<Prefetch>(std::move(source), batches);
}

}  // namespace mica
