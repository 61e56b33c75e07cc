// StackedRNNCells: cells on top of each other, as one cell. The states are those of the cells, the lowest first.
#include <map>

#include "absl/strings/str_cat.h"
#include "frontend/graph/apply.h"
#include "frontend/layers/rnn.h"

namespace mica {
inline namespace layers {
namespace {

using namespace internal;

class StackedCellsLayer final : public CellLayer {
 public:
  StackedCellsLayer() : CellLayer(Common{"StackedRNNCells", {}}) {}
  StackedCellsLayer(std::vector<Layer> cells, const NameOptions& o)
      : CellLayer(Common{"StackedRNNCells", o.name, o.trainable, o.dtype}), cells_(std::move(cells)) {
    settle();
  }

  void fields(FieldVisitor& v) override { v.required("cells", cells_); }

  void settle() override {
    if (cells_.empty()) fail("at least one cell", "none");
    // Keras keeps a list of layers as a group of items that are named by their class.
    std::map<std::string, int> items;
    state().sublayers.clear();
    for (const Layer& cell : cells_) {
      state_sizes(cell);  // it is a cell
      std::string item = snake_case(cell.class_name());
      if (int earlier = items[item]++; earlier > 0) absl::StrAppend(&item, "_", earlier);
      state().sublayers.emplace_back(absl::StrCat("cells/", item), cell);
    }
  }

  std::vector<Shape> state_size() const override {
    std::vector<Shape> all;
    for (const Layer& cell : cells_) {
      std::vector<Shape> own = state_sizes(cell);
      all.insert(all.end(), own.begin(), own.end());
    }
    return all;
  }
  Shape output_size() const override { return cells_.back().get_if<RNNCell>()->output_size(); }

  std::shared_ptr<CellLayer> copy() const override {
    std::vector<Layer> copies;
    for (const Layer& cell : cells_) copies.push_back(copy_of_cell(cell));
    return std::make_shared<StackedCellsLayer>(std::move(copies), NameOptions{.name = name(), .dtype = dtype_policy()});
  }

  CellRun start(const ir::Dim& batch, bool training) const override {
    std::vector<CellRun> runs;
    for (const Layer& cell : cells_) runs.push_back(start_cell(cell, batch, training));
    auto project = runs[0].project;  // the input of the others comes from a step
    auto advance = [this, runs = std::move(runs)](const Tensor& projected, const Tensors& states) {
      Tensors results{projected};
      auto state = states.begin();
      for (std::size_t i = 0; i < runs.size(); ++i) {
        auto end = state + static_cast<std::ptrdiff_t>(state_sizes(cells_[i]).size());
        Tensor x = i == 0 ? projected : runs[i].project(results[0]);
        Tensors of_cell = runs[i].advance(x, Tensors(std::vector<Tensor>(state, end)));
        results[0] = of_cell[0];
        results.insert(results.end(), of_cell.begin() + 1, of_cell.end());
        state = end;
      }
      return results;
    };
    return {project, advance};
  }

 protected:
  void make_weights(const std::vector<Shape>& inputs) override {
    Shape input = inputs[0];
    for (const Layer& cell : cells_) {
      build_sublayer(cell, {input});
      std::vector<std::int64_t> next{inputs[0][0]};
      for (std::int64_t dim : cell.get_if<RNNCell>()->output_size()) next.push_back(dim);
      input = Shape(std::move(next));
    }
  }

 private:
  std::vector<Layer> cells_;
};

}  // namespace

StackedRNNCells::StackedRNNCells(std::initializer_list<Layer> cells, NameOptions options)
    : Layer(std::make_shared<StackedCellsLayer>(std::vector<Layer>(cells), options)) {}

}  // namespace layers

std::vector<internal::LayerClass> internal::stacked_cells_layers() {
  return {{"StackedRNNCells", make_default<layers::StackedCellsLayer>}};
}

}  // namespace mica
