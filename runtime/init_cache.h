// The results of the init steps (packed and folded weights): kept until the variables they were made from change.
#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "runtime/program.h"
#include "runtime/tables.h"

namespace mica::rt {

struct InitState {
  struct Source {
    std::uint64_t id = 0, version = 0;
    bool operator==(const Source&) const = default;
  };
  std::string layout;           // Binding::init_layout
  std::vector<Source> sources;  // the variables of Tables::init_variables()
  std::vector<Array> buffers;   // of Tables::init_buffers(), as bytes

  bool is_for(const Tables& tables, const std::string& wanted_layout, std::span<const VariableValue> variables) const;
};

class InitCache {
 public:
  // The state for these variables; made by `make` when there is none. One thread makes, others that need it wait.
  std::shared_ptr<const InitState> get(const Tables& tables, const std::string& layout,
                                       std::span<const VariableValue> variables,
                                       const std::function<std::vector<Array>()>& make);

 private:
  std::mutex mutex_;
  std::list<std::shared_ptr<const InitState>> states_;  // the last used first
};

}  // namespace mica::rt
