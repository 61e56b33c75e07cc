// mica convert: the ending of the destination says the form.
#include "frontend/files/keras_training.h"
#include "frontend/mica/io.h"
#include "frontend/mica/model.h"
#include "tools/mica/commands.h"

namespace mica::tool {

void convert(const std::string& from, const std::string& to, bool with_optimizer) {
  const Model model = load_model(from);
  if (to.ends_with(".keras")) {
    model.save(to);
  } else if (with_optimizer && to.ends_with(".npz")) {
    save_npz(to, files::variables_by_path(model, true));
  } else if (with_optimizer && to.ends_with(".safetensors")) {
    save_safetensors(to, files::variables_by_path(model, true));
  } else {
    model.save_weights(to);
  }
}

}  // namespace mica::tool
