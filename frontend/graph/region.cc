#include "frontend/graph/region.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "compiler/passes/checkpoint.h"
#include "frontend/graph/invoke.h"
#include "frontend/graph/layer_state.h"
#include "frontend/graph/scope.h"
#include "runtime/error.h"

namespace mica {
namespace internal {
namespace {

thread_local RegionRef current_region;
thread_local std::vector<std::shared_ptr<const RematMode>> remat_scopes;

constexpr std::pair<const char*, RematMode::Kind> kModes[] = {{"full", RematMode::kFull},
                                                              {"activations", RematMode::kActivations},
                                                              {"larger_than", RematMode::kLargerThan},
                                                              {"list_of_layers", RematMode::kListedLayers}};

RematMode::Kind mode_named(const std::string& name) {
  std::string known;
  for (const auto& [mode, kind] : kModes) {
    if (name == mode) return kind;
    absl::StrAppend(&known, known.empty() ? "" : ", ", mode);
  }
  throw Error({.where = "RematScope",
               .expected = absl::StrCat("one of the modes ", known, ", or none"),
               .received = absl::StrCat("\"", name, "\""),
               .hint = {}});
}

// Elements of all results; an open dim counts as 1.
std::int64_t output_size(const LayerRef& layer, const CallArguments& arguments) {
  RegionScope decided;  // layers inside need not be asked
  std::int64_t size = 0;
  for (const ir::TensorType& type : infer_call(layer, arguments)) {
    std::int64_t elements = 1;
    for (const ir::Dim& dim : type.dims) elements *= dim.is_static() ? dim.value() : 1;
    size += elements;
  }
  return size;
}

}  // namespace

RegionScope::RegionScope() : RegionScope(std::make_shared<const Region>()) {}
RegionScope::RegionScope(RegionRef of) : outermost_(!current_region) {
  if (outermost_) current_region = std::move(of);
}
RegionScope::~RegionScope() {
  if (outermost_) current_region = nullptr;
}
const RegionRef& RegionScope::current() { return current_region; }

void RegionNodes::add(const RegionRef& region, const ir::Graph& graph, std::size_t first) {
  auto known = std::find_if(regions_.rbegin(), regions_.rend(), [&](const auto& item) { return item.first == region; });
  if (known == regions_.rend()) {
    regions_.emplace_back(region, std::vector<ir::Node*>());
    known = regions_.rbegin();
  }
  for (std::size_t i = first; i < graph.nodes().size(); ++i) known->second.push_back(graph.nodes()[i].get());
}

void RegionNodes::outline(ir::Graph& graph) const {
  auto is_gradient = [](const auto& node) { return node->is("gradient"); };
  if (regions_.empty() || std::none_of(graph.nodes().begin(), graph.nodes().end(), is_gradient)) return;
  for (const auto& [region, nodes] : regions_) ir::make_checkpoint(graph, nodes);
  graph.sort_and_sweep();
}

std::shared_ptr<const RematMode> current_remat_mode() { return remat_scopes.empty() ? nullptr : remat_scopes.back(); }

bool is_region(const LayerRef& layer, const CallArguments& arguments) {
  const LayerState& state = state_of(*layer);
  const RematMode* mode = state.remat.get();
  if (!mode || RegionScope::current()) return false;
  switch (mode->kind) {
    case RematMode::kFull:
      return true;
    case RematMode::kLargerThan:
      return output_size(layer, arguments) > mode->options.output_size_threshold;
    case RematMode::kListedLayers: {
      const std::vector<std::string>& names = mode->options.layer_names;
      return std::find(names.begin(), names.end(), state.name) != names.end();
    }
    case RematMode::kActivations:
      break;
  }
  return false;
}

bool activation_is_region() {
  const LayerScope* scope = LayerScope::current();
  if (!scope) return false;
  const RematMode* mode = state_of(scope->layer()).remat.get();
  return mode && mode->kind == RematMode::kActivations;
}

}  // namespace internal

RematScope::RematScope(std::optional<std::string> mode, RematScopeOptions options) {
  std::shared_ptr<internal::RematMode> wanted;
  if (mode) {
    wanted = std::make_shared<internal::RematMode>(internal::mode_named(*mode), std::move(options));
  }
  internal::remat_scopes.push_back(std::move(wanted));
}
RematScope::~RematScope() { internal::remat_scopes.pop_back(); }

std::function<Tensor(const Tensor&)> remat(std::function<Tensor(const Tensor&)> f) {
  return [f = std::move(f)](const Tensor& x) {
    internal::RegionScope region;
    return f(x);
  };
}

std::function<Tensors(const Tensors&)> remat(std::function<Tensors(const Tensors&)> f) {
  return [f = std::move(f)](const Tensors& xs) {
    internal::RegionScope region;
    return f(xs);
  };
}

namespace utils {

Tensor checkpoint_sequential(const std::vector<Layer>& functions, int segments, const Tensor& x) {
  const int count = static_cast<int>(functions.size());
  if (segments < 1 || segments > count) {
    throw Error({.where = "checkpoint_sequential",
                 .expected = absl::StrCat("from 1 to ", count, " segments, as many as functions"),
                 .received = absl::StrCat(segments),
                 .hint = {}});
  }
  const int size = count / segments;
  auto run = [&](int begin, int end, Tensor value) {
    for (int i = begin; i < end; ++i) value = functions[static_cast<std::size_t>(i)](value);
    return value;
  };
  Tensor value = x;
  const int last = (segments - 1) * size;
  for (int begin = 0; begin < last; begin += size) {
    internal::RegionScope region;
    value = run(begin, begin + size, value);
  }
  return run(last, count, value);
}

Tensor checkpoint_sequential(const Layer& sequential, int segments, const Tensor& x) {
  return checkpoint_sequential(sequential.children(), segments, x);
}

}  // namespace utils
}  // namespace mica
