// mica convert: the ending of the destination says the form.
#include "frontend/mica/model.h"
#include "tools/mica/commands.h"

namespace mica::tool {

void convert(const std::string& from, const std::string& to) {
  const Model model = load_model(from);
  to.ends_with(".keras") ? model.save(to) : model.save_weights(to);
}

}  // namespace mica::tool
