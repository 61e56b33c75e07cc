#include "runtime/init_cache.h"

#include <algorithm>

namespace mica::rt {
namespace {

// Programs are shared by models of the same structure, each with its own variables.
constexpr std::size_t kMaxStates = 8;

bool same_variables(const InitState& a, const InitState& b) {
  return std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(), b.sources.end(),
                    [](const auto& x, const auto& y) { return x.id == y.id; });
}

}  // namespace

bool InitState::is_for(const Tables& tables, const std::string& wanted_layout,
                       std::span<const VariableValue> variables) const {
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const VariableValue& variable = variables[tables.init_variables()[i]];
    if (sources[i].id != variable.id || sources[i].version != variable.version) return false;
  }
  return layout == wanted_layout;
}

std::shared_ptr<const InitState> InitCache::get(const Tables& tables, const std::string& layout,
                                                std::span<const VariableValue> variables,
                                                const std::function<std::vector<Array>()>& make) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(states_.begin(), states_.end(),
                                  [&](const auto& state) { return state->is_for(tables, layout, variables); });
  if (found != states_.end()) {
    states_.splice(states_.begin(), states_, found);
    return states_.front();
  }
  auto state = std::make_shared<InitState>();
  state->layout = layout;
  for (const std::uint32_t i : tables.init_variables())
    state->sources.push_back({variables[i].id, variables[i].version});
  state->buffers = make();
  std::erase_if(states_, [&](const auto& old) {  // an older version is not asked for again
    return same_variables(*old, *state) && old->sources != state->sources;
  });
  states_.push_front(state);
  if (states_.size() > kMaxStates) states_.pop_back();
  return state;
}

}  // namespace mica::rt
