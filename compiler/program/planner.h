// Planner: how plan.cc makes a Plan; plan_loops.cc adds the steps of loops.
#pragma once
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "compiler/program/library_call.h"
#include "compiler/program/order.h"
#include "compiler/program/plan.h"

namespace mica::program {

class Planner {
 public:
  Planner(const ir::Graph& graph, const LowerFn& lower);
  absl::StatusOr<Plan> run();

 private:
  int add_buffer(std::string name, MicaSpace space, const ir::TensorType& type, int link = -1);
  PlanBuffer& buffer(int i) { return plan_.buffers[static_cast<std::size_t>(i)]; }
  // The buffer whose storage buffer i lies in.
  int storage_of(int i);

  // Operands and results of the program.
  void add_operands();
  void add_bounds(const ir::Graph& graph);
  void find_owners(const ir::Graph& graph);
  int home_of(const ir::Output& output);
  int result_buffer(ir::Value value, bool init, const std::string& name);
  int buffer_of(ir::Value value);
  void add_outputs();
  int copy_of(const ir::Output& output, MicaSpace space);
  void add_copy(const ir::Output& output, int source, int copy);

  // Steps.
  bool is_fixed(ir::Value value) const;
  bool is_init(const ir::Node& node) const;
  std::vector<PlanStep>& part(bool init) { return init ? plan_.init : *steps_; }
  absl::Status add_steps(const StepOrder& order);
  absl::Status add_step(const ir::Node& node, const StepOrder& order);
  void add_result(const ir::Node& node, int i, bool init, PlanStep& step);
  // A kernel of the plan, and over what a step runs it.
  struct KernelUse {
    int number;
    std::vector<const ir::Symbol*> symbols;
    ir::Dim extent;
  };
  absl::StatusOr<KernelUse> kernel_of(const ir::Node& node, const std::string& name);
  absl::Status add_kernel(const ir::Node& node, PlanStep& step, bool init);
  void add_call(LibraryCall call, const ir::Node& node, PlanStep step, bool init);
  void pack(LibraryCall& call, ir::Value weights, PlanStep& step, MicaLibraryKind kind);

  // Loops: the body's inputs and outputs are rows and states that the loop moves.
  absl::Status add_loop(const ir::Node& node, PlanStep step);
  void bind_loop_inputs(const ir::Node& node, const PlanStep& step, PlanLoop& loop);
  void bind_loop_outputs(const ir::Node& node, const PlanStep& step, PlanLoop& loop);

  // Storage.
  void allow_overwriting(const ir::Node& node, int result, const StepOrder& order);
  void share_storage(std::vector<PlanStep>& steps, int first_buffer);
  void find_live_ranges();
  void include_use(int i, std::uint32_t run_step);
  void include_loop(const PlanLoop& loop, std::uint32_t run_step);

  const ir::Graph& graph_;
  const LowerFn& lower_;
  std::unordered_set<const ir::Node*> fixed_;  // variables that are not updated, and what init steps make of them
  Plan plan_;
  std::vector<PlanStep>* steps_;  // of the run, or of the loop being planned
  std::map<ir::Value, int> buffers_;
  std::map<ir::Value, const ir::Output*> owners_;
  std::unordered_map<const ir::Output*, int> loop_homes_;         // where loops want the outputs of their bodies
  std::unordered_map<const ir::Output*, int> output_buffers_;     // of outputs that own their storage
  std::unordered_map<std::string, int> kernel_numbers_;           // by structural key
  std::unordered_map<std::string, KernelUse> kernels_of_groups_;  // by the text of the group
  std::unordered_set<std::string> bounds_;                        // slack and text of those of the plan
  std::unordered_set<int> used_;                                  // buffers with a live range
};

}  // namespace mica::program
