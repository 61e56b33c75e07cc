// Objects of Keras' files, {"module", "class_name", "config", "registered_name", …}, as layers and models, and back.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <typeindex>

#include "frontend/mica/model.h"

namespace mica::files {

// A layer, built-in, registered or a model, from its object. Errors name the layer; one that nobody registered, or that
// is code of Python, is refused by its class.
Layer read_layer(const Config& object);

// The object of a layer. Error for one's own class that was not registered.
Config layer_object(const Layer& layer);
// The same of a whole model: layers that several models in it share are marked, so that they are read as one.
Config model_object(const Layer& model);

// The "name" in an object's config, or its class name: what errors call it.
std::string name_in(const Config& object);

// The value under `key` when it is of the kind, else Error: `where` lacks it or has another kind.
const std::string& text_at(const Config& object, std::string_view key, std::string_view where);
const Config& object_at(const Config& object, std::string_view key, std::string_view where);
const std::vector<Config::Value>& list_at(const Config& object, std::string_view key, std::string_view where);

// While it lives, one file is read on this thread: objects that the file marks with the same id are one object, and new
// weights have no values, which come from the file.
class FileScope {
 public:
  FileScope();
  ~FileScope();
  FileScope(const FileScope&) = delete;
  FileScope& operator=(const FileScope&) = delete;

  static FileScope* current();
  std::map<std::int64_t, Layer>& shared() { return shared_; }

 private:
  FileScope* outer_;
  std::map<std::int64_t, Layer> shared_;
};

}  // namespace mica::files
