// Backward hooks of layers. A call of a layer that has some stands between gates: the layer computes with copies of its
// inputs, and what follows with copies of its outputs. Gradients end at the copies; backward() hands them to the hooks
// and goes on from the originals with what these give.
#pragma once
#include <map>
#include <memory>
#include <vector>

#include "frontend/graph/value.h"

namespace mica::internal {

struct GatedCall {
  std::weak_ptr<CustomLayer> layer;
  bool has_input_gate = false;
  std::size_t num_inputs = 0;
  Tensors grad_outputs;  // what the hooks saw at the outputs, while the gradients are on their way to the inputs
};

// Some values of a call, undefined where no gradient flows, and their copies, which hold the gate.
struct GradientGate {
  std::shared_ptr<GatedCall> call;  // null: a gate without hooks
  bool at_inputs = false;
  std::uint64_t sequence = 0;  // in order of recording: what lies behind a gate has passed all gates of larger numbers
  Tensors originals;
  std::vector<std::weak_ptr<ValueNode>> copies;
};

// Of lazy code: before the call and after it. Null where the layer has no backward hooks or nothing is differentiated.
std::shared_ptr<GatedCall> gate_inputs(const LayerRef& layer, Tensors& inputs);
void gate_outputs(const std::shared_ptr<GatedCall>& call, Tensors& outputs);

// The gradients that have arrived at gates during one backward().
class GateQueue {
 public:
  // With `create_graph` the gradients can be differentiated themselves.
  explicit GateQueue(bool create_graph) : create_graph_(create_graph) {}
  ~GateQueue();
  GateQueue(const GateQueue&) = delete;
  GateQueue& operator=(const GateQueue&) = delete;
  // `copy` holds a gate. What arrives at gates that the queue made itself is forgotten.
  void arrive(const ValueRef& copy, const Tensor& gradient);
  // Calls the hooks of the gate that was recorded last, and gives a scalar whose gradients are those of what lies
  // behind the gate. Undefined: no gates are left.
  Tensor next();

 private:
  struct Arrived {
    std::shared_ptr<GradientGate> gate;
    Tensors gradients;
  };
  // Gradients that one backward() multiplies by are constants for it, but not for a later one: they stand behind gates.
  Tensors constants(Tensors gradients);

  bool create_graph_;
  std::vector<std::shared_ptr<GradientGate>> own_;
  std::vector<std::shared_ptr<GatedCall>> passed_;  // calls whose outputs were passed
  std::map<std::uint64_t, Arrived> arrived_;        // by sequence
};

}  // namespace mica::internal
