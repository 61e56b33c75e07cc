// What a recurrent layer tells the library, besides what every layer does.
#pragma once
#include <cstddef>

namespace mica::internal {

class Recurrent {
 public:
  virtual ~Recurrent() = default;
  // How many of its results are outputs: the states after them carry no mask.
  virtual std::size_t num_outputs() const = 0;
  // Zeroes the states that a stateful layer keeps from run to run.
  virtual void reset_states() = 0;
};

}  // namespace mica::internal
