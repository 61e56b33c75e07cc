#include "frontend/graph/compiled_runnable.h"

#include "compiler/compile.h"

namespace mica::internal {
namespace {

class CompiledRunnable : public Runnable {
 public:
  explicit CompiledRunnable(std::shared_ptr<const compiler::CompiledModel> model) : model_(std::move(model)) {}
  rt::RunResult run(std::span<const rt::Array> inputs, std::span<rt::VariableValue> variables) const override {
    return model_->program().run(inputs, variables,
                                 /*donate=*/true);  // only Variables that lent their storage are affected
  }

 private:
  std::shared_ptr<const compiler::CompiledModel> model_;
};

}  // namespace

std::shared_ptr<const Runnable> make_compiled(const ir::Graph& graph) {
  return std::make_shared<CompiledRunnable>(compiler::compile(graph));
}

}  // namespace mica::internal
