// Plan: a Program before it has machine code. Buffers and steps in the terms of runtime/abi.h, owned and typed.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/graph/graph.h"
#include "compiler/loop/kernel.h"
#include "runtime/abi.h"

namespace mica::program {

struct PlanBuffer {
  std::string name;
  MicaSpace space = MICA_ARENA;
  ir::TensorType type;
  int link = -1;                                // MICA_VIEW: what it views; MICA_UPDATE: its variable
  bool in_place = false;                        // MICA_UPDATE: may take the storage of its variable
  std::uint32_t first_step = 0, last_step = 0;  // MICA_ARENA, in run steps
};

// What the program asks of the sizes of its inputs: `slack` is not negative. See ir::Bound.
struct PlanBound {
  ir::Dim slack, received;
  std::string expected, layer;
};

// A call of a library; `call.first_epilogue` and `num_epilogues` are set by assembly.
struct PlanCall {
  MicaLibraryCall call = {};
  std::vector<MicaEpilogue> epilogues;
};

struct PlanStep {
  MicaStepKind kind = MICA_KERNEL;
  int callee = -1;        // in Plan::kernels, Plan::calls or Plan::loops
  std::vector<int> args;  // buffers
  std::string name, layer;
  std::string expected = {};      // of the indices that it reports
  std::vector<bool> writes = {};  // of args: results
  // Kernels: what their symbols and their parallel loop are here. Steps that share a kernel may differ in both.
  std::vector<const ir::Symbol*> symbols = {};
  ir::Dim extent = 1;
  bool split_by_tap = false;
};

// A loop: its steps run `trips` times. See MicaLoop.
struct PlanLoop {
  ir::Dim trips;
  bool reverse = false;
  std::vector<PlanStep> steps = {};
  std::vector<MicaLoopSlice> slices = {};
  std::vector<MicaLoopCarry> carries = {};
};

struct Plan {
  std::string name;
  std::vector<PlanBuffer> buffers;
  std::vector<PlanStep> init, run;
  std::vector<loop::Kernel> kernels;  // scheduled, without duplicates
  std::vector<PlanCall> calls;
  std::vector<PlanLoop> loops;
  std::vector<PlanBound> bounds;
  std::vector<int> inputs, variables, results, updates;  // buffers
  std::vector<std::string> result_names;
};

// Lowers and schedules one step of the graph.
using LowerFn = std::function<absl::StatusOr<loop::Kernel>(const ir::Node&)>;

// The plan of a fused graph (kFused). What depends only on variables that the graph does not update becomes the init
// part; weights that a library reads there are packed. Fails for symbols that no input shows, and where `lower` fails.
absl::StatusOr<Plan> make_plan(const ir::Graph& graph, const LowerFn& lower);

// The text of architecture.md §10: buffers, init and run steps with layers and kernel keys.
std::string print(const Plan& plan);
const char* space_name(MicaSpace space);                        // "arena"
std::string step_name(const Plan& plan, const PlanStep& step);  // "kernel add_relu", "onednn.matmul", "copy"
// The text of its kernels.
std::string print_kernels(const Plan& plan);

}  // namespace mica::program
