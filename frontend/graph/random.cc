#include "frontend/graph/random.h"

#include <atomic>
#include <cmath>
#include <numbers>

#include "frontend/graph/trace.h"

namespace mica {
namespace internal {
namespace {

std::atomic<std::uint64_t> seed{0x6d696361};
std::atomic<std::uint64_t> draws{0};

void philox(std::uint32_t counter[4], std::uint32_t key0, std::uint32_t key1) {
  for (int round = 0; round < 10; ++round) {
    std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0], b = std::uint64_t{0xCD9E8D57} * counter[2];
    std::uint32_t next[4] = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(b),
                             static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(a)};
    for (int i = 0; i < 4; ++i) counter[i] = next[i];
    key0 += 0x9E3779B9;
    key1 += 0xBB67AE85;
  }
}

}  // namespace

RandomStream::RandomStream(std::optional<std::uint64_t> own_seed)
    : key_(own_seed.value_or(seed)), stream_(own_seed ? ~std::uint64_t{0} : draws++) {}

void RandomStream::refill() {
  block_[0] = static_cast<std::uint32_t>(counter_);
  block_[1] = static_cast<std::uint32_t>(counter_ >> 32);
  block_[2] = static_cast<std::uint32_t>(stream_);
  block_[3] = static_cast<std::uint32_t>(stream_ >> 32);
  philox(block_, static_cast<std::uint32_t>(key_), static_cast<std::uint32_t>(key_ >> 32));
  ++counter_;
  used_ = 0;
}

std::uint32_t RandomStream::next_u32() {
  if (used_ == 4) refill();
  return block_[used_++];
}

std::uint64_t RandomStream::next_u64() {
  const std::uint64_t high = next_u32();
  return (high << 32) | next_u32();
}

double RandomStream::uniform() { return (next_u32() >> 8) * 0x1p-24; }

double RandomStream::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double radius = std::sqrt(-2 * std::log(1 - uniform())), angle = 2 * std::numbers::pi * uniform();
  spare_ = radius * std::sin(angle);
  has_spare_ = true;
  return radius * std::cos(angle);
}

Config RandomPosition::to_config() const {
  return {{"seed", static_cast<std::int64_t>(seed)}, {"draws", static_cast<std::int64_t>(draws)}};
}

RandomPosition RandomPosition::from_config(const Config& config) {
  return {static_cast<std::uint64_t>(config.get<std::int64_t>("seed")),
          static_cast<std::uint64_t>(config.get<std::int64_t>("draws"))};
}

RandomPosition random_position() { return {seed, draws}; }

void set_random_position(const RandomPosition& position) {
  seed = position.seed;
  draws = position.draws;
}

rt::Array next_random_state(std::optional<std::int64_t> own_seed) {
  rt::Array array = rt::Array::uninitialized(kInt64, {2});
  array.as<std::int64_t>()[0] = own_seed ? *own_seed : static_cast<std::int64_t>(seed.load());
  array.as<std::int64_t>()[1] = static_cast<std::int64_t>(draws++);
  return array;
}

Tensor random_state(std::optional<std::int64_t> own_seed) {
  if (Trace* trace = Trace::current()) return trace->random_state(own_seed);
  ValueRef state = make_computed(next_random_state(own_seed));
  state->draw = true;
  state->draw_seed = own_seed;
  return Tensor::of(std::move(state));
}

}  // namespace internal

void manual_seed(std::uint64_t value) {
  internal::seed = value;
  internal::draws = 0;
}
void set_random_seed(std::uint64_t value) { manual_seed(value); }

}  // namespace mica
