#include "frontend/graph/compiled_runnable.h"

#include "compiler/compile.h"

namespace mica::internal {
namespace {

class CompiledRunnable : public Runnable {
 public:
  explicit CompiledRunnable(std::shared_ptr<const compiler::CompiledModel> model) : model_(std::move(model)) {}
  void run(std::span<const rt::Array> inputs, std::span<rt::VariableValue> variables,
           rt::RunResult& result) const override {
    // Only Variables that lent their storage are affected.
    model_->program().run(inputs, variables, result, /*donate=*/true);
  }

 private:
  std::shared_ptr<const compiler::CompiledModel> model_;
};

}  // namespace

std::shared_ptr<const Runnable> make_compiled(const ir::Graph& graph) {
  return std::make_shared<CompiledRunnable>(compiler::compile(graph));
}

}  // namespace mica::internal
