// torch.* functions that move elements, and products of matrices.
#include <algorithm>
#include <numeric>

#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }
int positive(std::int64_t given, int rank) { return static_cast<int>(given < 0 ? given + rank : given); }

Dims shape_of(const Ints& given, Value x) {
  Dims dims(given.begin(), given.end());
  Dim known(1);
  for (std::int64_t size : given) known = size < 0 ? known : known * Dim(size);
  for (Dim& dim : dims) dim = dim.value() < 0 ? *Dim::exact_div(x.type().numel(), known) : dim;
  return dims;
}

Value flip(Builder& b, Value x, int dim) { return b.slice(x, dim, x.type().dim(dim) - 1, -1, -1); }

Value roll(Builder& b, Value x, int dim, std::int64_t shift) {
  std::int64_t size = size_of(x, dim), cut = ((size - shift) % size + size) % size;
  return b.concat({b.slice(x, dim, cut, size), b.slice(x, dim, 0, cut)}, dim);
}

Ints swapped(int rank, int a, int c) {
  Ints order(at(rank));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[at(a)], order[at(c)]);
  return order;
}

Value tile(Builder& b, Value x, Ints repeats) {
  while (static_cast<int>(repeats.size()) < x.rank()) repeats.insert(repeats.begin(), 1);
  while (x.rank() < static_cast<int>(repeats.size())) x = b.expand_dims(x, 0);
  for (std::size_t i = 0; i < repeats.size(); ++i) x = b.concat(Values(at(repeats[i]), x), static_cast<int>(i));
  return x;
}

void add_views(Table& t) {
  t["torch.reshape"] = {{"input", "shape"}, [](Call& c) -> Values {
                          Value x = c.tensor("input");
                          return {c.b.reshape(x, shape_of(c.ints("shape"), x))};
                        }};
  t["torch.flatten"] = {{"input", "start_dim", "end_dim"}, [](Call& c) -> Values {
                          Value x = c.tensor("input");
                          auto first = x.dims().begin() + axis(c, "start_dim", x, 0),
                               last = x.dims().begin() + axis(c, "end_dim", x, -1) + 1;
                          Dims dims(x.dims().begin(), first);
                          dims.push_back(ir::product({first, last}));
                          dims.insert(dims.end(), last, x.dims().end());
                          return {c.b.reshape(x, dims)};
                        }};
  t["torch.unflatten"] = {{"input", "dim", "sizes"}, [](Call& c) -> Values {
                            Value x = c.tensor("input");
                            int dim = axis(c, "dim", x, 0);
                            Ints sizes = c.ints("sizes"), dims;
                            for (int i = 0; i < x.rank(); ++i) {
                              if (i == dim) {
                                dims.insert(dims.end(), sizes.begin(), sizes.end());
                              } else {
                                dims.push_back(size_of(x, i));
                              }
                            }
                            return {c.b.reshape(x, shape_of(dims, x))};
                          }};
  t["torch.squeeze"] = {{"input", "dim"}, [](Call& c) -> Values {
                          Value x = c.tensor("input");
                          if (c.has("dim")) return {c.b.squeeze(x, axis(c, "dim", x, 0))};
                          Dims dims = x.dims();
                          std::erase_if(dims, [](const Dim& dim) { return dim.is(1); });
                          return {c.b.reshape(x, dims)};
                        }};
  t["torch.unsqueeze"] = {{"input", "dim"}, [](Call& c) -> Values {
                            return {c.b.expand_dims(c.tensor("input"), static_cast<int>(c.integer("dim", 0)))};
                          }};
  t["torch.permute"] = {{"input", "dims"},
                        [](Call& c) -> Values { return {c.b.transpose(c.tensor("input"), c.ints("dims"))}; }};
  t["torch.transpose"] = {{"input", "dim0", "dim1"}, [](Call& c) -> Values {
                            Value x = c.tensor("input");
                            return {c.b.transpose(x, swapped(x.rank(), axis(c, "dim0", x, 0), axis(c, "dim1", x, 1)))};
                          }};
  t["torch.movedim"] = {{"input", "source", "destination"}, [](Call& c) -> Values {
                          Value x = c.tensor("input");
                          Ints order(at(x.rank()));
                          std::iota(order.begin(), order.end(), 0);
                          int from = axis(c, "source", x, 0), to = axis(c, "destination", x, 0);
                          order.erase(order.begin() + from);
                          order.insert(order.begin() + to, from);
                          return {c.b.transpose(x, order)};
                        }};
  t["torch.broadcast_to"] = {{"input", "size"}, [](Call& c) -> Values {
                               Ints size = c.ints("size");
                               return {c.b.broadcast_to(c.tensor("input"), Dims(size.begin(), size.end()))};
                             }};
  t["Tensor.expand"] = t["torch.broadcast_to"];
  t["torch.tile"] = {{"input", "dims"},
                     [](Call& c) -> Values { return {tile(c.b, c.tensor("input"), c.ints("dims"))}; }};
  t["Tensor.repeat"] = t["torch.tile"];
  t["torch.repeat_interleave"] = {{"input", "repeats", "dim"}, [](Call& c) -> Values {
                                    Value x = c.tensor("input");
                                    int dim = axis(c, "dim", x, 0);
                                    Dims spread = x.dims(), joined = x.dims();
                                    spread.insert(spread.begin() + dim + 1, Dim(c.integer("repeats", 1)));
                                    joined[at(dim)] = joined[at(dim)] * Dim(c.integer("repeats", 1));
                                    return {c.b.reshape(c.b.broadcast_to(c.b.expand_dims(x, dim + 1), spread), joined)};
                                  }};
}

void add_cuts(Table& t) {
  t["torch.cat"] = {{"tensors", "dim"}, [](Call& c) -> Values {
                      return {c.b.concat(c.tensor_list("tensors"), static_cast<int>(c.integer("dim", 0)))};
                    }};
  t["torch.stack"] = {{"tensors", "dim"}, [](Call& c) -> Values {
                        Values parts = c.tensor_list("tensors");
                        int dim = static_cast<int>(c.integer("dim", 0));
                        for (Value& part : parts) part = c.b.expand_dims(part, dim);
                        return {c.b.concat(parts, dim)};
                      }};
  t["torch.split"] = {{"tensor", "split_size_or_sections", "dim"}, [](Call& c) -> Values {
                        Value x = c.tensor("tensor");
                        int dim = axis(c, "dim", x, 0);
                        Ints sizes = c.ints("split_size_or_sections");
                        Values parts;
                        std::int64_t start = 0, end = size_of(x, dim);
                        for (std::size_t i = 0; start < end; ++i) {
                          std::int64_t stop =
                              std::min(end, start + (c.is_list("split_size_or_sections") ? sizes[i] : sizes[0]));
                          parts.push_back(c.b.slice(x, dim, start, stop));
                          start = stop;
                        }
                        return parts;
                      }};
  t["torch.chunk"] = {{"input", "chunks", "dim"}, [](Call& c) -> Values {
                        Value x = c.tensor("input");
                        int dim = axis(c, "dim", x, 0);
                        std::int64_t end = size_of(x, dim),
                                     step = (end + c.integer("chunks", 1) - 1) / c.integer("chunks", 1);
                        Values parts;
                        for (std::int64_t i = 0; i < end; i += step)
                          parts.push_back(c.b.slice(x, dim, i, std::min(end, i + step)));
                        return parts;
                      }};
  t["torch.unbind"] = {{"input", "dim"}, [](Call& c) -> Values {
                         Value x = c.tensor("input");
                         int dim = axis(c, "dim", x, 0);
                         Values parts;
                         for (std::int64_t i = 0; i < size_of(x, dim); ++i)
                           parts.push_back(c.b.squeeze(c.b.slice(x, dim, i, i + 1), dim));
                         return parts;
                       }};
  t["torch.select"] = {{"input", "dim", "index"}, [](Call& c) -> Values {
                         Value x = c.tensor("input");
                         int dim = axis(c, "dim", x, 0);
                         std::int64_t i = c.integer("index", 0);
                         return {c.b.squeeze(c.b.slice(x, dim, i, i + 1), dim)};
                       }};
  t["torch.narrow"] = {{"input", "dim", "start", "length"}, [](Call& c) -> Values {
                         Value x = c.tensor("input");
                         std::int64_t start = c.integer("start", 0);
                         return {c.b.slice(x, axis(c, "dim", x, 0), start, start + c.integer("length", 0))};
                       }};
  t["torch.flip"] = {{"input", "dims"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       for (std::int64_t dim : c.ints("dims")) x = flip(c.b, x, positive(dim, x.rank()));
                       return {x};
                     }};
  t["torch.roll"] = {{"input", "shifts", "dims"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       Ints shifts = c.ints("shifts"), dims = c.ints("dims");
                       if (dims.empty())
                         return {c.b.reshape(roll(c.b, c.b.reshape(x, {x.type().numel()}), 0, shifts[0]), x.dims())};
                       for (std::size_t i = 0; i < dims.size(); ++i)
                         x = roll(c.b, x, positive(dims[i], x.rank()), shifts[i]);
                       return {x};
                     }};
  t["torch.rot90"] = {{"input", "k", "dims"}, [](Call& c) -> Values {
                        Value x = c.tensor("input");
                        Ints dims = c.ints("dims", {0, 1});
                        for (std::int64_t i = 0; i < c.integer("k", 1); ++i) {
                          x = c.b.transpose(
                              flip(c.b, x, positive(dims[1], x.rank())),
                              swapped(x.rank(), positive(dims[0], x.rank()), positive(dims[1], x.rank())));
                        }
                        return {x};
                      }};
  t["torch.diff"] = {{"input", "n", "dim"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       int dim = axis(c, "dim", x, -1);
                       std::int64_t size = size_of(x, dim);
                       return {c.b.slice(x, dim, 1, size) - c.b.slice(x, dim, 0, size - 1)};
                     }};
  for (const char* op : {"tril", "triu"}) {
    t[std::string("torch.") + op] = {
        {"input", "diagonal"}, [op](Call& c) -> Values {
          return {c.b.call(op, {c.tensor("input")}, {{"diagonal", c.integer("diagonal", 0)}})};
        }};
  }
}

void add_gathers(Table& t) {
  t["torch.index_select"] = {
      {"input", "dim", "index"}, [](Call& c) -> Values {
        return {gather(c.b, c.tensor("input"), c.tensor("index"), static_cast<int>(c.integer("dim", 0)))};
      }};
  t["torch.gather"] = {
      {"input", "dim", "index"}, [](Call& c) -> Values {
        return {gather_elements(c.b, c.tensor("input"), c.tensor("index"), static_cast<int>(c.integer("dim", 0)))};
      }};
  t["torch.take_along_dim"] = {
      {"input", "indices", "dim"}, [](Call& c) -> Values {
        return {gather_elements(c.b, c.tensor("input"), c.tensor("indices"), static_cast<int>(c.integer("dim", 0)))};
      }};
  t["torch.take"] = {{"input", "index"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       return {gather(c.b, c.b.reshape(x, {x.type().numel()}), c.tensor("index"), 0)};
                     }};
  t["torch.index_add"] = {{"input", "dim", "index", "source", "alpha"}, [](Call& c) -> Values {
                            Value source = c.tensor("source") * c.number("alpha", 1);
                            return {c.b.call("scatter_add", {c.tensor("input"), c.tensor("index"), source},
                                             {{"axis", c.integer("dim", 0)}})};
                          }};
  t["torch.scatter_add"] = {
      {"input", "dim", "index", "src"}, [](Call& c) -> Values {
        Value x = c.tensor("input"), index = c.tensor("index"), source = c.tensor("src");
        for (int i = 0; i < source.rank(); ++i) source = c.b.slice(source, i, 0, index.dims()[at(i)]);
        return {c.b.call("scatter_elements_add", {x, index, source}, {{"axis", c.integer("dim", 0)}})};
      }};
}

void add_products(Table& t) {
  for (const auto& [torch, op] : {std::pair("torch.linalg.cholesky", "cholesky"),
                                  std::pair("torch.linalg.inv", "inverse"), std::pair("torch.linalg.det", "det")}) {
    t[torch] = {{"A"}, [op = op](Call& c) -> Values { return {c.b.unary(op, c.tensor("A"))}; }};
  }
  t["torch.linalg.solve"] = {{"A", "B"},
                             [](Call& c) -> Values { return {c.b.call("solve", {c.tensor("A"), c.tensor("B")})}; }};
  t["torch.matmul"] = {{"input", "other"}, [](Call& c) -> Values {
                         Value x = c.tensor("input"), y = c.tensor("other");
                         bool row = x.rank() == 1, column = y.rank() == 1;
                         Value product =
                             c.b.matmul(row ? c.b.expand_dims(x, 0) : x, column ? c.b.expand_dims(y, 1) : y);
                         if (column) product = c.b.squeeze(product, -1);
                         return {row ? c.b.squeeze(product, column ? -1 : -2) : product};
                       }};
  t["torch.bmm"] = {{"input", "mat2"},
                    [](Call& c) -> Values { return {c.b.matmul(c.tensor("input"), c.tensor("mat2"))}; }};
  t["torch.dot"] = {{"input", "other"},
                    [](Call& c) -> Values { return {c.b.sum(c.tensor("input") * c.tensor("other"))}; }};
  t["torch.outer"] = {{"input", "vec2"}, [](Call& c) -> Values {
                        return {c.b.expand_dims(c.tensor("input"), 1) * c.b.expand_dims(c.tensor("vec2"), 0)};
                      }};
  t["torch.addmm"] = {{"input", "mat1", "mat2"}, [](Call& c) -> Values {
                        Value product = c.b.matmul(c.tensor("mat1"), c.tensor("mat2"));
                        return {c.tensor("input") * c.number("beta", 1) + product * c.number("alpha", 1)};
                      }};
  t["torch.baddbmm"] = {{"input", "batch1", "batch2"}, [](Call& c) -> Values {
                          Value product = c.b.matmul(c.tensor("batch1"), c.tensor("batch2"));
                          return {c.tensor("input") * c.number("beta", 1) + product * c.number("alpha", 1)};
                        }};
}

}  // namespace

void add_shape_functions(Table& table) {
  add_views(table);
  add_cuts(table);
  add_gathers(table);
  add_products(table);
}

}  // namespace mica::torch_fixtures
