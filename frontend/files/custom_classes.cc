#include "frontend/files/custom_classes.h"

#include <deque>
#include <map>
#include <mutex>
#include <typeindex>

#include "absl/strings/str_cat.h"

namespace mica::internal {
namespace {

// The classes of one kind of object; one for the process.
template <class Handle>
class CustomClasses {
 public:
  static CustomClasses& instance() {
    static auto* classes = new CustomClasses();
    return *classes;
  }

  void add(std::string_view name, const std::type_info& type, std::function<Handle(const Config&)> make,
           const char* registration) {
    if (name.empty()) {
      throw Error({.where = registration,
                   .expected = "the name that the class has in files, package>Name",
                   .received = "an empty one",
                   .hint = {}});
    }
    std::lock_guard lock(mutex_);
    const CustomClassOf<Handle>* added = &all_.emplace_back(CustomClassOf<Handle>{std::string(name), std::move(make)});
    by_name_[std::string(name)] = added;
    if (std::size_t separator = name.find('>'); separator != name.npos) {
      by_name_[std::string(name.substr(separator + 1))] = added;
    }
    by_type_[std::type_index(type)] = added;
  }

  const CustomClassOf<Handle>* find(std::string_view name) {
    std::lock_guard lock(mutex_);
    auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : it->second;
  }

  const std::string* name_of(const std::type_info& type) {
    std::lock_guard lock(mutex_);
    auto it = by_type_.find(std::type_index(type));
    return it == by_type_.end() ? nullptr : &it->second->registered_name;
  }

 private:
  std::mutex mutex_;
  std::deque<CustomClassOf<Handle>> all_;  // addresses stay
  std::map<std::string, const CustomClassOf<Handle>*, std::less<>> by_name_;
  std::map<std::type_index, const CustomClassOf<Handle>*> by_type_;
};

}  // namespace

void register_layer_class(std::string_view name, const std::type_info& type, std::function<Layer(const Config&)> make) {
  CustomClasses<Layer>::instance().add(name, type, std::move(make), "register_layer");
}
void register_metric_class(std::string_view name, const std::type_info& type,
                           std::function<Metric(const Config&)> make) {
  CustomClasses<Metric>::instance().add(name, type, std::move(make), "register_metric");
}
void register_optimizer_class(std::string_view name, const std::type_info& type,
                              std::function<Optimizer(const Config&)> make) {
  CustomClasses<Optimizer>::instance().add(name, type, std::move(make), "register_optimizer");
}

const CustomClass* find_custom_class(std::string_view name) { return CustomClasses<Layer>::instance().find(name); }
const CustomClassOf<Metric>* find_custom_metric(std::string_view name) {
  return CustomClasses<Metric>::instance().find(name);
}
const CustomClassOf<Optimizer>* find_custom_optimizer(std::string_view name) {
  return CustomClasses<Optimizer>::instance().find(name);
}

const std::string* registered_name_of(const CustomLayer& layer) {
  return CustomClasses<Layer>::instance().name_of(typeid(layer));
}
const std::string* registered_name_of(const CustomMetric& metric) {
  return CustomClasses<Metric>::instance().name_of(typeid(metric));
}
const std::string* registered_name_of(const CustomOptimizer& optimizer) {
  return CustomClasses<Optimizer>::instance().name_of(typeid(optimizer));
}

Config::Value custom_value(const std::string* registered_name, const std::string& class_name, const Config& config,
                           const char* registration) {
  if (!registered_name) {
    throw Error({.where = "save",
                 .expected = "losses, metrics and optimizers that files can name",
                 .received = absl::StrCat("the class ", class_name),
                 .hint = absl::StrCat("Register it before: ", registration, "<", class_name, ">(\"package>", class_name,
                                      "\").")});
  }
  return Config{{"module", {}}, {"class_name", class_name}, {"config", config}, {"registered_name", *registered_name}};
}

}  // namespace mica::internal
