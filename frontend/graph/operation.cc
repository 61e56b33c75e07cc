#include "frontend/graph/operation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "frontend/graph/naming.h"
#include "frontend/graph/region.h"
#include "frontend/graph/scope.h"
#include "frontend/graph/trace.h"
#include "runtime/error.h"

namespace mica::internal {
namespace {

// Every tensor among the arguments, lists walked in order.
template <class Fn>
void for_each_tensor(Argument& argument, const Fn& fn) {
  if (auto* tensor = std::get_if<Tensor>(&argument.value)) {
    fn(*tensor);
  } else if (auto* list = std::get_if<Argument::List>(&argument.value)) {
    for (Argument& item : *list) for_each_tensor(item, fn);
  }
}

template <class Fn>
void for_each_tensor(Arguments& arguments, const Fn& fn) {
  for (auto& [name, argument] : arguments.items()) for_each_tensor(argument, fn);
}

// A list of numbers, nested or not, row-major.
struct Numbers {
  std::vector<double> values;
  bool integral = true, truths = true;
};

bool collect(const Argument& argument, std::size_t depth, Shape& shape, Numbers& numbers) {
  if (const auto* list = argument.get_if<Argument::List>()) {
    std::vector<std::int64_t> sizes(shape.begin(), shape.end());
    auto size = static_cast<std::int64_t>(list->size());
    if (depth == sizes.size() && numbers.values.empty()) {
      sizes.push_back(size);
      shape = Shape(sizes);
    } else if (depth >= sizes.size() || sizes[depth] != size) {
      return false;
    }
    return std::all_of(list->begin(), list->end(),
                       [&](const Argument& item) { return collect(item, depth + 1, shape, numbers); });
  }
  if (depth != static_cast<std::size_t>(shape.rank())) return false;
  if (const auto* truth = argument.get_if<bool>()) {
    numbers.values.push_back(*truth);
  } else if (const auto* integer = argument.get_if<std::int64_t>()) {
    numbers.values.push_back(static_cast<double>(*integer));
    numbers.truths = false;
  } else if (const auto* real = argument.get_if<double>()) {
    numbers.values.push_back(*real);
    numbers.integral = numbers.truths = false;
  } else {
    return false;
  }
  return true;
}

Arguments filled(const OperationUse& use, const Tensors& tensors) {
  Arguments arguments = use.arguments;
  std::size_t next = 0;
  for_each_tensor(arguments, [&](Tensor& tensor) { tensor = tensors[next++]; });
  return arguments;
}

ir::Types infer_operation(const OperationUse& use, const std::vector<ValueRef>& inputs) {
  TraceOptions options;
  options.name = std::string(use.def->class_name);
  Trace trace(std::move(options));
  Tensors placeholders;
  for (const ValueRef& input : inputs) {
    bool symbolic = input->kind == ValueKind::kSymbolic;
    placeholders.push_back(symbolic ? trace.input(input->type, "") : Tensor::of(input));
  }
  return types_of(run_operation(*use.def, filled(use, placeholders)));
}

}  // namespace

Argument::Argument(Scalar number) {
  if (number.is_bool) {
    value = number.value != 0;
  } else if (number.is_integral) {
    value = static_cast<std::int64_t>(number.value);
  } else {
    value = number.value;
  }
}

Argument::Argument(const Tensors& list) : value(List(list.begin(), list.end())) {}
Argument::Argument(const std::vector<std::int64_t>& list) : value(List(list.begin(), list.end())) {}

Argument::Argument(const Shape& shape) {
  List list;
  for (std::int64_t dim : shape) {
    list.emplace_back();
    if (dim != kAny) list.back().value = dim;
  }
  value = std::move(list);
}

Argument::Argument(const Axes& axes) {
  const std::vector<std::int64_t>& list = axes.list();
  if (list.size() == 1) {
    value = list[0];
  } else if (!list.empty()) {
    value = List(list.begin(), list.end());
  }
}

void Arguments::set(std::string_view name, Argument value) {
  auto it = std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.first == name; });
  if (it == items_.end()) {
    items_.emplace_back(std::string(name), std::move(value));
  } else {
    it->second = std::move(value);
  }
}

const Argument* Arguments::find(std::string_view name) const {
  for (const auto& [key, argument] : items_) {
    if (key == name) return argument.is_none() ? nullptr : &argument;
  }
  return nullptr;
}

void Arguments::fail(std::string_view name, std::string_view expected) const {
  const Argument* argument = find(name);
  constexpr std::string_view kKinds[] = {"None",    "a bool",      "an integer", "a number", "a string",
                                         "a slice", "an ellipsis", "a dtype",    "a tensor", "a list"};
  throw Error({.where = std::string(where_),
               .expected = absl::StrCat(std::string(name), " to be ", std::string(expected)),
               .received = argument ? std::string(kKinds[argument->value.index()]) : "nothing",
               .hint = {}});
}

const Argument& Arguments::required(std::string_view name) const {
  const Argument* argument = find(name);
  if (!argument) fail(name, "given");
  return *argument;
}

Tensor Arguments::tensor(std::string_view name) const {
  const Argument& argument = required(name);
  if (const auto* given = argument.get_if<Tensor>()) return *given;
  Shape shape;
  Numbers numbers;
  if (!collect(argument, 0, shape, numbers)) fail(name, "a tensor, a number or a list of numbers");
  DType dtype = numbers.truths ? kBool : numbers.integral ? kInt32 : kFloat32;
  return mica::tensor(numbers.values, shape, {.dtype = dtype});
}

Tensors Arguments::tensors(std::string_view name) const {
  const auto* list = required(name).get_if<Argument::List>();
  if (!list) fail(name, "a list of tensors");
  Tensors tensors;
  for (std::size_t i = 0; i < list->size(); ++i) {
    Arguments item{{std::string(name), (*list)[i]}};
    item.where_ = where_;
    tensors.push_back(item.tensor(name));
  }
  return tensors;
}

std::int64_t Arguments::integer(std::string_view name, std::optional<std::int64_t> fallback) const {
  const Argument* argument = find(name);
  if (!argument && fallback) return *fallback;
  const auto* number = argument ? argument->get_if<std::int64_t>() : nullptr;
  if (!number) fail(name, "an integer");
  return *number;
}

double Arguments::real(std::string_view name, std::optional<double> fallback) const {
  const Argument* argument = find(name);
  if (!argument && fallback) return *fallback;
  if (argument) {
    if (const auto* number = argument->get_if<double>()) return *number;
    if (const auto* number = argument->get_if<std::int64_t>()) return static_cast<double>(*number);
  }
  fail(name, "a number");
}

bool Arguments::truth(std::string_view name, bool fallback) const {
  const Argument* argument = find(name);
  if (!argument) return fallback;
  const auto* truth = argument->get_if<bool>();
  if (!truth) fail(name, "a bool");
  return *truth;
}

std::string Arguments::text(std::string_view name, std::string_view fallback) const {
  const Argument* argument = find(name);
  if (!argument) return std::string(fallback);
  const auto* text = argument->get_if<std::string>();
  if (!text) fail(name, "a string");
  return *text;
}

std::vector<std::int64_t> Arguments::integers(std::string_view name) const {
  const Argument& argument = required(name);
  if (const auto* one = argument.get_if<std::int64_t>()) return {*one};
  const auto* list = argument.get_if<Argument::List>();
  if (!list) fail(name, "an integer or a list of integers");
  std::vector<std::int64_t> integers;
  for (const Argument& item : *list) {
    const auto* integer = item.get_if<std::int64_t>();
    if (!integer) fail(name, "a list of integers");
    integers.push_back(*integer);
  }
  return integers;
}

Shape Arguments::shape(std::string_view name) const {
  const auto* list = required(name).get_if<Argument::List>();
  if (!list) return Shape(integers(name));
  std::vector<std::int64_t> dims;
  for (const Argument& item : *list) {
    const auto* dim = item.get_if<std::int64_t>();
    if (!dim && !item.is_none()) fail(name, "a list of dims");
    dims.push_back(dim ? *dim : kAny);
  }
  return Shape(dims);
}

std::optional<DType> Arguments::dtype(std::string_view name) const {
  const Argument* argument = find(name);
  if (!argument) return {};
  if (const auto* dtype = argument->get_if<DType>()) return *dtype;
  const auto* text = argument->get_if<std::string>();
  if (!text) fail(name, "the name of a dtype");
  return DType(text->c_str());
}

Tensors run_operation(const OperationDef& def, const Arguments& arguments) {
  Arguments named = arguments;
  named.where_ = def.class_name;
  return def.compute(named);
}

bool is_recorded(const Tensor& tensor) {
  return tensor.defined() && tensor.node()->kind == ValueKind::kSymbolic && !Trace::current();
}

Tensors use_operation(const OperationDef& def, Arguments arguments, std::string name) {
  std::vector<ValueRef> inputs;
  bool symbolic = false;
  for_each_tensor(arguments, [&](Tensor& tensor) {
    inputs.push_back(defined_node(tensor, def.class_name));
    symbolic = symbolic || inputs.back()->kind == ValueKind::kSymbolic;
  });
  if (Trace::current() || !symbolic) return run_operation(def, arguments);
  auto call = std::make_shared<Call>();
  auto use = std::make_shared<OperationUse>(OperationUse{&def, std::move(arguments)});
  call->result_types = infer_operation(*use, inputs);
  // The Call holds the tensors; the use keeps their places only.
  for_each_tensor(use->arguments, [](Tensor& tensor) { tensor = Tensor(); });
  call->operation = std::move(use);
  for (ValueRef& input : inputs) call->add_input(std::move(input));
  call->loc = LayerScope::current_path();
  call->region = RegionScope::current();
  call->name = name.empty() ? unique_name(snake_case(def.class_name)) : std::move(name);
  Tensors results = results_of(call, ValueKind::kSymbolic);
  for (const Tensor& result : results) result.node()->name = call->name;
  return results;
}

Tensor use_operation(std::string_view class_name, Arguments arguments) {
  const OperationDef* def = find_operation(class_name);
  MICA_CHECK(def != nullptr) << "no operation " << class_name;
  return use_operation(*def, std::move(arguments))[0];
}

Tensors repeat_operation(const Call& call, const Tensors& tensors) {
  return use_operation(*call.operation->def, filled(*call.operation, tensors), call.name);
}

}  // namespace mica::internal
