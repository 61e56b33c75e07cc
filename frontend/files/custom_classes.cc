#include "frontend/files/custom_classes.h"

#include <deque>
#include <map>
#include <mutex>
#include <typeindex>

#include "absl/strings/str_cat.h"

namespace mica::internal {
namespace {

struct CustomClasses {
  std::mutex mutex;
  std::deque<CustomClass> all;  // addresses stay
  std::map<std::string, const CustomClass*, std::less<>> by_name;
  std::map<std::type_index, const CustomClass*> by_type;
};

CustomClasses& custom_classes() {
  static auto* classes = new CustomClasses();
  return *classes;
}

}  // namespace

void register_layer_class(std::string_view name, const std::type_info& type, std::function<Layer(const Config&)> make) {
  if (name.empty()) {
    throw Error({.where = "register_layer",
                 .expected = "the name that the class has in files, package>Name",
                 .received = "an empty one",
                 .hint = {}});
  }
  CustomClasses& classes = custom_classes();
  std::lock_guard lock(classes.mutex);
  const CustomClass* added = &classes.all.emplace_back(CustomClass{std::string(name), std::move(make)});
  classes.by_name[std::string(name)] = added;
  if (std::size_t separator = name.find('>'); separator != name.npos) {
    classes.by_name[std::string(name.substr(separator + 1))] = added;
  }
  classes.by_type[std::type_index(type)] = added;
}

const CustomClass* find_custom_class(std::string_view name) {
  CustomClasses& classes = custom_classes();
  std::lock_guard lock(classes.mutex);
  auto it = classes.by_name.find(name);
  return it == classes.by_name.end() ? nullptr : it->second;
}

const std::string* registered_name_of(const CustomLayer& layer) {
  CustomClasses& classes = custom_classes();
  std::lock_guard lock(classes.mutex);
  auto it = classes.by_type.find(std::type_index(typeid(layer)));
  return it == classes.by_type.end() ? nullptr : &it->second->registered_name;
}

}  // namespace mica::internal
