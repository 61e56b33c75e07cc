// torch.* functions that sort and search.
#include "tests/fixtures_torch/functional_case.h"

namespace mica::torch_fixtures {
namespace {

Value order(Call& c, Value x, int along, bool descending = false) {
  return c.b.call("argsort", {x}, {{"axis", std::int64_t{along}}, {"descending", descending}, {"dtype", kInt64}});
}

Values sort(Call& c) {
  Value x = c.tensor("input");
  const int along = axis(c, "dim", x, -1);
  Attrs attrs = {{"axis", std::int64_t{along}}, {"descending", c.flag("descending")}};
  return {c.b.call("sort", {x}, attrs), order(c, x, along, c.flag("descending"))};
}

// The element that `place` others stand before, and its position.
Values element_in_order(Call& c, Value x, int along, std::int64_t place) {
  Value index = c.b.slice(order(c, x, along), along, place, place + 1);
  return {c.b.squeeze(gather_elements(c.b, x, index, along), along), c.b.squeeze(index, along)};
}

// Of an even number the lower one in the middle.
Values median(Call& c) {
  Value x = c.tensor("input");
  if (c.has("dim")) {
    const int along = axis(c, "dim", x, -1);
    return element_in_order(c, x, along, (size_of(x, along) - 1) / 2);
  }
  Value flat = c.b.reshape(x, {x.type().numel()});
  return {element_in_order(c, flat, 0, (size_of(flat, 0) - 1) / 2)[0]};
}

Values places(Call& c, const char* sequence, const char* values) {
  Attrs attrs = {{"right", c.flag("right")}, {"dtype", kInt64}};
  return {c.b.call("searchsorted", {c.tensor(sequence), c.tensor(values)}, attrs)};
}

}  // namespace

void add_order_functions(Table& t) {
  t["torch.sort"] = {{"input", "dim"}, sort};
  t["torch.argsort"] = {{"input", "dim"}, [](Call& c) -> Values {
                          Value x = c.tensor("input");
                          return {order(c, x, axis(c, "dim", x, -1), c.flag("descending"))};
                        }};
  t["torch.topk"] = {{"input", "k", "dim", "largest"}, [](Call& c) -> Values {
                       Value x = c.tensor("input");
                       return c.b.call_all("top_k", {x},
                                           {{"k", c.integer("k", 1)},
                                            {"axis", std::int64_t{axis(c, "dim", x, -1)}},
                                            {"largest", c.flag("largest", true)},
                                            {"dtype", kInt64}});
                     }};
  t["torch.kthvalue"] = {{"input", "k", "dim"}, [](Call& c) -> Values {
                           Value x = c.tensor("input");
                           return element_in_order(c, x, axis(c, "dim", x, -1), c.integer("k", 1) - 1);
                         }};
  t["torch.median"] = {{"input", "dim"}, median};
  t["torch.searchsorted"] = {{"sorted_sequence", "values"},
                             [](Call& c) { return places(c, "sorted_sequence", "values"); }};
  t["torch.bucketize"] = {{"input", "boundaries"}, [](Call& c) { return places(c, "boundaries", "input"); }};
  t["torch.cummax"] = {{"input", "dim"}, [](Call& c) -> Values {
                         Value x = c.tensor("input");
                         Attrs attrs = {{"axis", std::int64_t{axis(c, "dim", x, -1)}}};
                         Value largest = c.b.call("cummax", {x}, attrs);
                         Value here = positions(c.b, x.dims(), axis(c, "dim", x, -1), kInt64);
                         Value raised = c.b.where(c.b.eq(x, largest), here, c.b.like(0, here));
                         return {largest, c.b.call("cummax", {raised}, attrs)};
                       }};
}

}  // namespace mica::torch_fixtures
