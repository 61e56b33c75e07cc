// Who touched an element of a buffer last, and whether the next touch races with it.
#pragma once
#include <cstdint>
#include <vector>

namespace mica::loop {

// A thread between two barriers. CPU: an iteration of the parallel loop, block 0, phase 0.
struct Actor {
  std::int64_t thread = 0;
  std::int64_t block = 0;
  std::int64_t phase = 0;  // grows at each barrier and from block to block
};

class RaceChecker {
 public:
  explicit RaceChecker(std::int64_t numel) : cells_(static_cast<std::size_t>(numel)) {}

  // False when the access races with an earlier one.
  bool read(std::int64_t element, const Actor& actor);
  bool write(std::int64_t element, const Actor& actor);

 private:
  struct Cell {
    Actor writer{-1, -1, -1}, reader{-1, -1, -1};
    bool many_readers = false;  // in the reader's phase
    bool many_blocks = false;   // read by more than one block
  };
  // Nothing orders `earlier` before `actor`.
  static bool races(const Actor& earlier, const Actor& actor) {
    if (earlier.block != actor.block) return true;
    return earlier.phase == actor.phase && earlier.thread != actor.thread;
  }
  std::vector<Cell> cells_;
};

}  // namespace mica::loop
