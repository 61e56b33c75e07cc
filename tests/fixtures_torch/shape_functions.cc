// torch.* functions that move elements.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

void add_views(Table& t) {
  t["torch.reshape"] = {{"input", "shape"},
                        [](Call& c) -> Tensors { return {reshape(c.tensor("input"), c.shape("shape"))}; }};
  t["torch.flatten"] = {{"input", "start_dim", "end_dim"}, [](Call& c) -> Tensors {
                          return {flatten(c.tensor("input"), c.dim("start_dim", 0), c.dim("end_dim", -1))};
                        }};
  t["torch.unflatten"] = {{"input", "dim", "sizes"},
                          [](Call& c) -> Tensors { return {unflatten(c.tensor("input"), c.dim(), c.shape("sizes"))}; }};
  t["torch.squeeze"] = {{"input", "dim"}, [](Call& c) -> Tensors {
                          return {c.has("dim") ? squeeze(c.tensor("input"), c.dim()) : squeeze(c.tensor("input"))};
                        }};
  t["torch.unsqueeze"] = {{"input", "dim"}, [](Call& c) -> Tensors { return {unsqueeze(c.tensor("input"), c.dim())}; }};
  t["torch.permute"] = {{"input", "dims"},
                        [](Call& c) -> Tensors { return {permute(c.tensor("input"), c.list("dims"))}; }};
  t["torch.transpose"] = {{"input", "dim0", "dim1"}, [](Call& c) -> Tensors {
                            return {transpose(c.tensor("input"), c.dim("dim0"), c.dim("dim1"))};
                          }};
  t["torch.movedim"] = {{"input", "source", "destination"}, [](Call& c) -> Tensors {
                          return {movedim(c.tensor("input"), c.dim("source"), c.dim("destination"))};
                        }};
  t["torch.broadcast_to"] = {{"input", "size"},
                             [](Call& c) -> Tensors { return {broadcast_to(c.tensor("input"), c.shape("size"))}; }};
  t["Tensor.expand"] = {{"input", "size"},
                        [](Call& c) -> Tensors { return {c.tensor("input").expand(c.shape("size"))}; }};
  t["torch.tile"] = {{"input", "dims"}, [](Call& c) -> Tensors { return {tile(c.tensor("input"), c.list("dims"))}; }};
  t["Tensor.repeat"] = {{"input", "times"},
                        [](Call& c) -> Tensors { return {c.tensor("input").repeat(c.shape("times"))}; }};
  t["torch.repeat_interleave"] = {{"input", "repeats", "dim"}, [](Call& c) -> Tensors {
                                    return {repeat_interleave(c.tensor("input"), c.integer("repeats", 1), c.dim())};
                                  }};
  t["Tensor.unfold"] = {
      {"input", "dimension", "size", "step"}, [](Call& c) -> Tensors {
        return {unfold(c.tensor("input"), c.dim("dimension"), c.integer("size", 1), c.integer("step", 1))};
      }};
  t["torch.meshgrid"] = {{"a", "b"}, [](Call& c) -> Tensors {
                           return meshgrid({c.tensor("a"), c.tensor("b")}, c.text("indexing", "ij"));
                         }};
}

void add_cuts(Table& t) {
  t["torch.cat"] = {{"tensors", "dim"},
                    [](Call& c) -> Tensors { return {cat(c.tensor_list("tensors"), c.dim("dim", 0))}; }};
  t["torch.stack"] = {{"tensors", "dim"},
                      [](Call& c) -> Tensors { return {stack(c.tensor_list("tensors"), c.dim("dim", 0))}; }};
  t["torch.split"] = {{"tensor", "split_size_or_sections", "dim"}, [](Call& c) -> Tensors {
                        std::vector<std::int64_t> sections = c.list("split_size_or_sections");
                        if (c.is_list("split_size_or_sections")) return split(c.tensor("tensor"), sections, c.dim());
                        return split(c.tensor("tensor"), sections[0], c.dim("dim", 0));
                      }};
  t["torch.chunk"] = {{"input", "chunks", "dim"}, [](Call& c) -> Tensors {
                        return chunk(c.tensor("input"), static_cast<int>(c.integer("chunks", 1)), c.dim("dim", 0));
                      }};
  t["torch.unbind"] = {{"input", "dim"}, [](Call& c) -> Tensors { return unbind(c.tensor("input"), c.dim("dim", 0)); }};
  t["torch.select"] = {{"input", "dim", "index"},
                       [](Call& c) -> Tensors { return {select(c.tensor("input"), c.dim(), c.integer("index", 0))}; }};
  t["torch.narrow"] = {{"input", "dim", "start", "length"}, [](Call& c) -> Tensors {
                         return {narrow(c.tensor("input"), c.dim(), c.integer("start", 0), c.integer("length", 0))};
                       }};
  t["torch.flip"] = {{"input", "dims"}, [](Call& c) -> Tensors { return {flip(c.tensor("input"), c.list("dims"))}; }};
  t["torch.roll"] = {{"input", "shifts", "dims"}, [](Call& c) -> Tensors {
                       if (!c.has("dims")) return {roll(c.tensor("input"), c.integer("shifts", 0))};
                       return {roll(c.tensor("input"), c.list("shifts"), c.list("dims"))};
                     }};
  t["torch.rot90"] = {
      {"input", "k", "dims"}, [](Call& c) -> Tensors {
        std::vector<std::int64_t> dims = c.list("dims");
        return {rot90(c.tensor("input"), c.integer("k", 1), {static_cast<int>(dims[0]), static_cast<int>(dims[1])})};
      }};
  t["torch.diff"] = {{"input", "n", "dim"},
                     [](Call& c) -> Tensors { return {diff(c.tensor("input"), c.integer("n", 1), c.dim())}; }};
  t["torch.tril"] = {{"input", "diagonal"},
                     [](Call& c) -> Tensors { return {tril(c.tensor("input"), c.dim("diagonal", 0))}; }};
  t["torch.triu"] = {{"input", "diagonal"},
                     [](Call& c) -> Tensors { return {triu(c.tensor("input"), c.dim("diagonal", 0))}; }};
}

}  // namespace

void add_shape_functions(Table& table) {
  add_views(table);
  add_cuts(table);
}

}  // namespace mica::torch_fixtures
