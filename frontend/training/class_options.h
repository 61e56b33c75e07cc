// ClassOptions: the options of an object of Keras (a loss, a metric) by name. Each is asked for once, with its default;
// from that follow what a file may say, what is written, and the errors.
#pragma once
#include <string>
#include <string_view>

#include "frontend/layers/fields.h"

namespace mica::internal {

class ClassOptions {
 public:
  // `given` outlives this object; errors name `where`.
  ClassOptions(const Config& given, std::string_view where)
      : where_(where), given_(given), reader_(given, where), writer_(complete_) {}

  // The value that was given, else `value`. Error for one of another kind.
  template <class T>
  T get(std::string_view name, T value) {
    reader_.field(name, value);
    writer_.field(name, value);
    return value;
  }
  // Of an option without a default.
  template <class T>
  T required(std::string_view name) {
    T value{};
    reader_.required(name, value);
    writer_.field(name, value);
    return value;
  }
  // Of an option that is written only where it was given.
  template <class T>
  T optional(std::string_view name, T value) {
    return given_.contains(name) ? get(name, std::move(value)) : unwritten(name, std::move(value));
  }
  // Of an option that is not written: Keras derives it, or leaves it out of its files.
  template <class T>
  T unwritten(std::string_view name, T value) {
    reader_.field(name, value);
    return value;
  }
  // Error unless it holds.
  void require(bool holds, std::string_view expected, const std::string& received) const;
  // All options, defaults included; Error for one that nobody asked for.
  Config finish() const;

 private:
  std::string where_;
  const Config& given_;
  Config complete_;
  ConfigReader reader_;
  ConfigWriter writer_;
};

}  // namespace mica::internal
