// einsum: operands are brought to [batch labels, own labels, summed labels] and multiplied as matrices, two at a time.
#include <algorithm>
#include <cctype>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "frontend/graph/apply.h"
#include "frontend/mica/functions.h"

namespace mica {
namespace {

using internal::apply;
using internal::dims_of;

struct Labelled {
  Tensor tensor;
  std::string labels;  // one a dim
};

bool has(const std::string& labels, char label) { return labels.find(label) != std::string::npos; }

class Einsum {
 public:
  Einsum(std::string_view equation, const Tensors& operands) : equation_(equation) { parse(operands); }

  Tensor run() {
    Labelled product = reduced(operands_[0], rest_of(1));
    for (std::size_t i = 1; i < operands_.size(); ++i) {
      std::string later = rest_of(i + 1);
      product = contract(product, reduced(operands_[i], later + product.labels), later);
    }
    return ordered(product, output_);
  }

 private:
  [[noreturn]] void fail(const std::string& expected, const std::string& received) const {
    throw Error({.where = "einsum",
                 .expected = expected,
                 .received = received,
                 .hint = absl::StrCat("The equation is \"", equation_, "\".")});
  }

  void parse(const Tensors& operands) {
    std::string text;
    for (char c : equation_) {
      if (c != ' ') text += c;
    }
    std::size_t arrow = text.find("->");
    std::vector<std::string> labels = absl::StrSplit(text.substr(0, arrow), ',');
    if (labels.size() != operands.size()) fail(absl::StrCat(labels.size(), " operands"), absl::StrCat(operands.size()));
    int hidden = 0;  // the most axes that an ellipsis stands for
    for (std::size_t i = 0; i < labels.size(); ++i) hidden = std::max(hidden, hidden_axes(labels[i], operands[i]));
    for (std::size_t i = 0; i < labels.size(); ++i) {
      labels[i] = spelled(labels[i], hidden_axes(labels[i], operands[i]), hidden);
      add_operand(operands[i], labels[i]);
    }
    output_ = arrow == std::string::npos ? implicit_output(absl::StrJoin(labels, ","))
                                         : spelled(text.substr(arrow + 2), hidden, hidden);
    for (char label : output_) {
      if (!sizes_.count(label)) fail("output labels that are input labels", std::string(1, label));
    }
    for (Labelled& operand : operands_) {  // axes of 1 under an ellipsis
      ir::Dims dims = dims_of_labels(operand.labels);
      if (dims_of(operand.tensor) != dims) operand.tensor = apply("broadcast_to", {operand.tensor}, {{"shape", dims}});
    }
  }

  static bool has_ellipsis(const std::string& labels) { return labels.find("...") != std::string::npos; }
  static int hidden_axes(const std::string& labels, const Tensor& operand) {
    return has_ellipsis(labels) ? operand.dim() - static_cast<int>(labels.size() - 3) : 0;
  }

  // An ellipsis as labels of its own, digits, which count from the right: "...ij" of rank 4 is "01ij".
  std::string spelled(const std::string& labels, int count, int most) const {
    std::string letters = labels, digits;
    std::size_t at = labels.find("...");
    if (at != std::string::npos) {
      for (int i = most - count; i < most; ++i) digits += static_cast<char>('0' + i);
      letters.erase(at, 3);
    }
    for (char c : letters) {
      if (!std::isalpha(static_cast<unsigned char>(c))) fail("letters and at most one ellipsis", std::string(1, c));
    }
    return at == std::string::npos ? letters : letters.insert(at, digits);
  }

  void add_operand(const Tensor& tensor, const std::string& labels) {
    const ir::Dims& dims = dims_of(tensor);
    if (dims.size() != labels.size())
      fail(absl::StrCat("an operand of rank ", labels.size()), internal::describe(tensor));
    for (std::size_t i = 0; i < dims.size(); ++i) {
      auto [it, is_new] = sizes_.try_emplace(labels[i], dims[i]);
      bool of_ellipsis = std::isdigit(static_cast<unsigned char>(labels[i])) != 0;
      if (of_ellipsis && it->second.is(1)) it->second = dims[i];
      if (of_ellipsis && dims[i].is(1)) continue;  // broadcast
      if (!is_new && !(it->second == dims[i])) {
        fail(absl::StrCat("axes labelled ", std::string(1, labels[i]), " of one size, ", it->second.to_string()),
             dims[i].to_string());
      }
    }
    operands_.push_back(without_repeats({tensor, labels}));
  }

  // A label that an operand has twice stands for its diagonal.
  static Labelled without_repeats(Labelled operand) {
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      std::size_t again = operand.labels.find(operand.labels[i], i + 1);
      if (again == std::string::npos) continue;
      char label = operand.labels[i];
      Tensor along = diagonal(operand.tensor, 0, static_cast<int>(i), static_cast<int>(again));
      std::string labels = operand.labels.erase(again, 1).erase(i, 1);
      return without_repeats({along, labels + label});
    }
    return operand;
  }

  // The axes of ellipses, then the labels that occur once, in alphabetical order.
  static std::string implicit_output(const std::string& inputs) {
    std::string output;
    for (char label : inputs) {
      bool of_ellipsis = std::isdigit(static_cast<unsigned char>(label)) && !has(output, label);
      bool once = label != ',' && std::count(inputs.begin(), inputs.end(), label) == 1;
      if (of_ellipsis || once) output += label;
    }
    std::sort(output.begin(), output.end());
    return output;
  }

  // Labels that operands from i on, or the output, still need.
  std::string rest_of(std::size_t i) const {
    std::string labels = output_;
    for (; i < operands_.size(); ++i) labels += operands_[i].labels;
    return labels;
  }

  // Labels that nobody needs are summed at once.
  static Labelled reduced(const Labelled& operand, const std::string& needed) {
    ir::Ints axes;
    std::string kept;
    for (std::size_t i = 0; i < operand.labels.size(); ++i) {
      if (has(needed, operand.labels[i])) {
        kept += operand.labels[i];
      } else {
        axes.push_back(static_cast<std::int64_t>(i));
      }
    }
    if (axes.empty()) return operand;
    return {apply("reduce_sum", {operand.tensor}, {{"axes", axes}}), kept};
  }

  static Tensor ordered(const Labelled& operand, const std::string& labels) {
    std::vector<std::int64_t> order;
    for (char label : labels) order.push_back(static_cast<std::int64_t>(operand.labels.find(label)));
    return std::is_sorted(order.begin(), order.end()) ? operand.tensor : operand.tensor.permute(order);
  }

  ir::Dims dims_of_labels(const std::string& labels) const {
    ir::Dims dims;
    for (char label : labels) dims.push_back(sizes_.at(label));
    return dims;
  }

  Tensor matrices(const Labelled& operand, const std::string& batch, const std::string& rows,
                  const std::string& columns) const {
    ir::Dims dims = dims_of_labels(batch);
    dims.push_back(ir::product(dims_of_labels(rows)));
    dims.push_back(ir::product(dims_of_labels(columns)));
    return internal::reshape_dims(ordered(operand, batch + rows + columns), std::move(dims));
  }

  Labelled contract(const Labelled& a, const Labelled& b, const std::string& later) const {
    std::string batch, rows, columns, summed;
    for (char label : a.labels) {
      bool shared = has(b.labels, label);
      (!shared ? rows : has(later, label) ? batch : summed) += label;
    }
    for (char label : b.labels) {
      if (!has(a.labels, label)) columns += label;
    }
    // The last label stays last where it can: rows are copied whole.
    bool transposed = !summed.empty() && has(summed, b.labels.back());
    Tensor right = transposed ? matrices(b, batch, columns, summed) : matrices(b, batch, summed, columns);
    Tensor product = apply("matmul", {matrices(a, batch, rows, summed), right}, {{"transpose_b", transposed}});
    std::string labels = batch + rows + columns;
    return {internal::reshape_dims(product, dims_of_labels(labels)), labels};
  }

  std::string equation_, output_;
  std::vector<Labelled> operands_;
  std::map<char, ir::Dim> sizes_;
};

}  // namespace

Tensor einsum(std::string_view equation, const Tensors& operands) {
  DType dtype = kBool;
  for (const Tensor& operand : operands) dtype = ir::promote(dtype, internal::type_of(operand).dtype);
  Tensors converted;
  for (const Tensor& operand : operands) converted.push_back(internal::cast(operand, dtype));
  return Einsum(equation, converted).run();
}

}  // namespace mica
