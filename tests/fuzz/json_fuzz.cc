// Any bytes as JSON; what is read is written and read again, which must succeed.
#include <cstdint>
#include <cstdlib>

#include "frontend/files/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = mica::files::parse_json(text, "input");
  if (value.ok() && !mica::files::parse_json(value->to_json(), "output").ok()) std::abort();
  return 0;
}
