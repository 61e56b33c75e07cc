#include "frontend/graph/signature.h"

#include <algorithm>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "compiler/ops/op_def.h"
#include "frontend/graph/trace.h"

namespace mica::internal {
namespace {

class Hasher {
 public:
  void add(std::uint64_t word) { hash_ = (std::rotl(hash_, 23) ^ word) * 0x9E3779B97F4A7C15; }
  void add(double number) { add(std::bit_cast<std::uint64_t>(number)); }
  void add(bool truth) { add(std::uint64_t{truth}); }
  void add(std::int64_t number) { add(static_cast<std::uint64_t>(number)); }
  void add(DType dtype) { add(std::uint64_t{dtype.kind()}); }
  void add(const std::string& text) { add(static_cast<std::uint64_t>(absl::HashOf(text))); }
  void add(const ir::Dim& dim) { add(dim.is_static() ? dim.value() : std::int64_t{-1}); }
  template <class T>
  void add(const std::vector<T>& list) {
    add(std::uint64_t{list.size()});
    for (const T& item : list) add(item);
  }
  void add(const ir::TensorType& type) {
    add(type.dtype);
    add(type.dims);
  }
  std::uint64_t get() const { return hash_ ^ (hash_ >> 32); }

 private:
  std::uint64_t hash_ = 0;
};

// A use as it was written: the key of the table.
struct Use {
  const ir::OpDef* op;
  ir::Attrs attrs;
  std::vector<std::string> bodies;  // their structure
  ir::Types operands;
};

std::uint64_t hash_of(const ir::OpDef& op, const ir::Attrs& attrs, const std::vector<std::string>& bodies,
                      const std::vector<ValueRef>& operands) {
  Hasher hasher;
  hasher.add(reinterpret_cast<std::uintptr_t>(&op));
  for (const auto& [name, value] : attrs.items()) {
    hasher.add(name);
    std::visit([&](const auto& of_kind) { hasher.add(of_kind); }, value);
  }
  hasher.add(bodies);
  for (const ValueRef& operand : operands) hasher.add(operand->type);
  return hasher.get();
}

bool matches(const Use& use, const ir::OpDef& op, const ir::Attrs& attrs, const std::vector<std::string>& bodies,
             const std::vector<ValueRef>& operands) {
  return use.op == &op && use.attrs == attrs && use.bodies == bodies &&
         std::equal(use.operands.begin(), use.operands.end(), operands.begin(), operands.end(),
                    [](const ir::TensorType& type, const ValueRef& operand) { return type == operand->type; });
}

// Infers the result types as a graph would, and fills the attributes' defaults.
Signature inferred(const ir::OpDef& op, ir::Attrs attrs, const Bodies& bodies, const std::vector<ValueRef>& operands) {
  ir::Graph scratch;
  ir::Values values;
  for (const ValueRef& operand : operands) values.push_back(scratch.input(operand->type, ""));
  absl::StatusOr<ir::Node*> node = scratch.try_add(op, std::move(values), std::move(attrs), clones_of(bodies));
  if (!node.ok()) throw_op_error(op, std::string(node.status().message()));
  const ir::Types& results = (*node)->result_types();
  bool floating =
      std::any_of(results.begin(), results.end(), [](const auto& type) { return type.dtype.is_floating(); });
  bool differentiable = floating && op.no_gradient.empty() && op.name != "stop_gradient";
  return {&op, (*node)->attrs(), bodies, results, 0, differentiable};
}

struct Entry {
  Use use;
  Signature signature;
};

class Table {
 public:
  const Signature& find_or_add(const ir::OpDef& op, ir::Attrs attrs, const Bodies& bodies,
                               const std::vector<ValueRef>& operands) {
    std::vector<std::string> structures;
    for (const auto& body : bodies) structures.push_back(body->structural_key());
    std::uint64_t hash = hash_of(op, attrs, structures, operands);
    std::lock_guard lock(mutex_);
    std::vector<std::unique_ptr<Entry>>& entries = entries_[hash];
    for (const auto& entry : entries) {
      if (matches(entry->use, op, attrs, structures, operands)) return entry->signature;
    }
    ir::Types types;
    for (const ValueRef& operand : operands) types.push_back(operand->type);
    Use use{&op, attrs, std::move(structures), std::move(types)};
    Signature signature = inferred(op, std::move(attrs), bodies, operands);
    signature.id = ++count_;
    entries.push_back(std::make_unique<Entry>(Entry{std::move(use), std::move(signature)}));
    return entries.back()->signature;
  }

 private:
  std::mutex mutex_;
  absl::flat_hash_map<std::uint64_t, std::vector<std::unique_ptr<Entry>>> entries_;
  std::uint32_t count_ = 0;
};

}  // namespace

const Signature& signature_of(const ir::OpDef& op, ir::Attrs attrs, const Bodies& bodies,
                              const std::vector<ValueRef>& operands) {
  static auto* table = new Table();
  return table->find_or_add(op, std::move(attrs), bodies, operands);
}

}  // namespace mica::internal
