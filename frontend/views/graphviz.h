// Graphviz' library behind one function. It keeps global state, so that calls take turns.
#pragma once
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace mica::views {

// The picture of DOT text in a format that Graphviz writes: "svg", "png", "pdf". Errors name `where`.
absl::StatusOr<std::string> render_dot(const std::string& dot, const std::string& format, std::string_view where);

}  // namespace mica::views
