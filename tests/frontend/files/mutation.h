// Mutants of a file: seeded damage of the kinds that find mistakes in readers. MICA_MUTANTS says how many of each file
// a test shall try (the target `mutants` sets 10,000).
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>

namespace mica::files {

inline int mutant_count(int otherwise) {
  const char* chosen = std::getenv("MICA_MUTANTS");
  return chosen != nullptr ? std::atoi(chosen) : otherwise;
}

class Mutator {
 public:
  Mutator(std::string whole, std::uint64_t seed) : whole_(std::move(whole)), random_(seed) {}

  // The whole file with one to four changes.
  std::string next() {
    std::string mutant = whole_;
    for (std::uint64_t left = 1 + below(4); left > 0 && !mutant.empty(); --left) change(&mutant);
    return mutant;
  }

 private:
  std::uint64_t below(std::uint64_t end) { return random_() % end; }

  void change(std::string* mutant) {
    const std::size_t at = below(mutant->size());
    switch (below(8)) {
      case 0:  // one bit
        (*mutant)[at] = static_cast<char>((*mutant)[at] ^ (1 << below(8)));
        break;
      case 1:  // one byte
        (*mutant)[at] = static_cast<char>(random_());
        break;
      case 2:
      case 3:
      case 4:  // a number at the edge of what it can be
        put_number(mutant, at);
        break;
      case 5: {  // bytes of elsewhere
        const std::size_t from = below(mutant->size());
        const std::size_t count = std::min({1 + below(64), mutant->size() - at, mutant->size() - from});
        mutant->replace(at, count, std::string(*mutant, from, count));
        break;
      }
      case 6:  // fewer bytes
        mutant->erase(at, 1 + below(16));
        break;
      default:  // more of them
        mutant->insert(at, 1 + below(16), static_cast<char>(random_()));
        break;
    }
  }

  void put_number(std::string* mutant, std::size_t at) {
    const std::uint64_t size = mutant->size();
    const std::uint64_t numbers[] = {0,      1,           0x7f,       0x80,       0xff,     0x7fff,
                                     0xffff, 1u << 31,    ~0u,        size,       size - 1, size - at,
                                     at,     below(size), 1ull << 62, 1ull << 63, ~0ull,    below(300)};
    const std::uint64_t number = numbers[below(std::size(numbers))];
    const std::size_t width = std::min<std::size_t>(std::size_t{1} << below(4), mutant->size() - at);
    for (std::size_t i = 0; i < width; ++i) (*mutant)[at + i] = static_cast<char>(number >> (8 * i));
  }

  std::string whole_;
  std::mt19937_64 random_;
};

}  // namespace mica::files
