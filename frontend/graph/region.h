// Regions: what this thread records or traces while a RegionScope (mica/remat.h) lives. A gradient computes the values
// of a region once more instead of keeping them. Calls of models and of lazy code remember theirs, graphs that are made
// of them collect its nodes.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compiler/graph/graph.h"
#include "frontend/graph/value.h"
#include "frontend/mica/remat.h"

namespace mica::internal {

struct Region {};  // an identity
using RegionRef = std::shared_ptr<const Region>;

// The nodes of a graph by the regions that they were made in.
class RegionNodes {
 public:
  // The nodes from number `first` on were made in the region.
  void add(const RegionRef& region, const ir::Graph& graph, std::size_t first);
  // Each region becomes a `checkpoint` node, where the graph asks for gradients.
  void outline(ir::Graph& graph) const;

 private:
  std::vector<std::pair<RegionRef, std::vector<ir::Node*>>> regions_;
};

// What a RematScope wants of the layers that are made in it.
struct RematMode {
  enum Kind { kFull, kActivations, kLargerThan, kListedLayers } kind = kFull;
  RematScopeOptions options;
};
// That of the innermost RematScope of this thread; null: none.
std::shared_ptr<const RematMode> current_remat_mode();

// Whether the mode of the layer makes a region of this call, or of the activation of the layer that is running.
bool is_region(const LayerRef& layer, const CallArguments& arguments);
bool activation_is_region();

}  // namespace mica::internal
