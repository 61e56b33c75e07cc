#include "frontend/files/keras_checkpoint.h"

#include "absl/strings/str_cat.h"
#include "frontend/files/file_error.h"
#include "frontend/files/json.h"
#include "frontend/files/keras_model.h"
#include "frontend/files/keras_training.h"
#include "frontend/files/npy.h"
#include "frontend/files/zip_reader.h"
#include "frontend/graph/execute.h"

namespace mica::files {
namespace {

using internal::FitState;

constexpr const char* kState = "mica/state.json";
constexpr const char* kCallbacks = "callbacks";

std::string tensor_member(std::size_t callback, const std::string& name) {
  return absl::StrCat("mica/callbacks/", callback, "/", name, ".npy");
}

std::string npy_content(const Tensor& tensor) {
  const rt::Array array = internal::compute(internal::defined_node(tensor, "checkpoint"));
  std::string content = npy_preamble(array.dtype(), array.dims());
  content.append(array.as<char>(), static_cast<std::size_t>(array.bytes()));
  return content;
}

ArchiveMembers members_of(const FitState& state) {
  ArchiveMembers members(1);
  std::vector<Config::Value> callbacks;
  for (std::size_t i = 0; i < state.callbacks.size(); ++i) {
    std::vector<Config::Value> tensors;
    for (const auto& [name, tensor] : state.callbacks[i].tensors) {
      tensors.emplace_back(name);
      members.emplace_back(tensor_member(i, name), npy_content(tensor));
    }
    callbacks.emplace_back(Config{{"values", state.callbacks[i].values}, {"tensors", tensors}});
  }
  Config values = state.values;
  values.set(kCallbacks, callbacks);
  members[0] = {kState, values.to_json()};
  return members;
}

class StateReader {
 public:
  explicit StateReader(const std::string& path) : zip_(value_or_throw(ZipReader::open(path))) {}

  FitState read() const {
    const std::vector<std::byte> bytes = read_member(kState);
    const Config::Value value =
        value_or_throw(parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, where(kState)));
    if (value.kind() != Config::Value::Kind::kObject) fail("an object", value.to_json());
    FitState state{.values = value.object()};
    if (!state.values.contains(kCallbacks)) fail("the key \"callbacks\"", "none");
    for (const Config::Value& callback : state.values.at(kCallbacks).list())
      state.callbacks.push_back(read_callback(callback, state.callbacks.size()));
    return state;
  }

 private:
  std::string where(const std::string& member) const { return absl::StrCat(zip_.file()->path(), ":", member); }

  [[noreturn]] void fail(std::string expected, std::string received) const {
    throw Error({.where = where(kState), .expected = std::move(expected), .received = std::move(received), .hint = {}});
  }

  std::vector<std::byte> read_member(const std::string& name) const {
    const ZipMember* member = zip_.find(name);
    if (!member) {
      throw Error({.where = zip_.file()->path(),
                   .expected = absl::StrCat("a checkpoint, with the member ", name),
                   .received = "an archive without it",
                   .hint = {}});
    }
    throw_if_error(check_fits_in_memory(member->size, where(name)));
    return value_or_throw(zip_.read(*member));
  }

  CallbackState read_callback(const Config::Value& value, std::size_t number) const {
    if (value.kind() != Config::Value::Kind::kObject) fail("callbacks to be objects", value.to_json());
    CallbackState callback{.values = value.object().get<Config>("values")};
    for (const Config::Value& name : value.object().at("tensors").list()) {
      auto content = std::make_shared<std::vector<std::byte>>(read_member(tensor_member(number, name.text())));
      const std::string member = where(tensor_member(number, name.text()));
      callback.tensors.set(name.text(),
                           Tensor::of(internal::make_computed(value_or_throw(read_npy(*content, content, member)))));
    }
    return callback;
  }

  ZipReader zip_;
};

}  // namespace

void save_checkpoint(const Model& model, const FitState& state, const std::string& path) {
  throw_if_error(write_model(model, path, members_of(state)));
}

FitState load_checkpoint(const Model& model, const std::string& path) {
  FitState state = StateReader(path).read();
  model.load_weights(path);
  load_optimizer(model, value_or_throw(open_keras(path)).weights);
  return state;
}

}  // namespace mica::files
