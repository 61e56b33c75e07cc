// JSON as Python's json module writes it (NaN and Infinity too), to and from Config values. Integers stay integers;
// those beyond 64 bits become real numbers. Text is UTF-8 and is checked.
#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "frontend/mica/layer.h"

namespace mica::files {

// Lists and objects may lie in each other this deep, and a text may hold this many values: what models need, with room,
// and little enough for any stack and memory.
inline constexpr int kMaxJsonDepth = 256;
inline constexpr int kMaxJsonValues = 2'000'000;

// Errors name `where`, the line and the column.
absl::StatusOr<Config::Value> parse_json(std::string_view text, std::string_view where);

}  // namespace mica::files
