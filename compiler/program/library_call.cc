#include "compiler/program/library_call.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "compiler/ops/op_def.h"
#include "runtime/error.h"

namespace mica::program {
namespace {

using ir::Node;
using ir::Value;

// The calls of the ABI by the names that the records' bindings use.
struct CallKind {
  const char* library;
  MicaLibraryKind kind;
  int pack_kind;
};
constexpr CallKind kCalls[] = {
    {"onednn.matmul", MICA_MATMUL, MICA_PACK_MATMUL},
    {"onednn.conv", MICA_CONV, MICA_PACK_CONV},
    {"onednn.conv_grad_input", MICA_CONV_GRAD_INPUT, -1},
    {"onednn.conv_grad_kernel", MICA_CONV_GRAD_KERNEL, -1},
};

// Epilogues with parameters: which attributes are alpha and beta. Those not listed have none.
struct EpilogueAttrs {
  const char* op;
  const char *alpha, *beta;
};
constexpr EpilogueAttrs kEpilogueAttrs[] = {
    {"leaky_relu", "negative_slope", nullptr},
    {"elu", "alpha", nullptr},
    {"clip", "min", "max"},
};

MicaEpilogue make_epilogue(const Node& node) {
  MicaEpilogue epilogue = {};
  epilogue.kind = node.num_operands() == 1 ? MICA_EPILOGUE_UNARY : MICA_EPILOGUE_BINARY;
  std::string name = node.op().name;
  const ir::Attr* approximate = node.attrs().find("approximate");
  if (approximate && std::get<bool>(*approximate)) name += "_tanh";
  MICA_CHECK(name.size() < sizeof(epilogue.op)) << "epilogue " << name;
  std::memcpy(epilogue.op, name.c_str(), name.size() + 1);
  for (const EpilogueAttrs& attrs : kEpilogueAttrs) {
    if (!node.is(attrs.op)) continue;
    epilogue.alpha = static_cast<float>(node.attrs().number(attrs.alpha));
    if (attrs.beta) epilogue.beta = static_cast<float>(node.attrs().number(attrs.beta));
  }
  return epilogue;
}

void copy_window(const Node& node, MicaLibraryCall& call) {
  const int rank = node.operand(0).rank() - 2;
  call.spatial_rank = static_cast<std::uint8_t>(rank);
  auto copy = [&](const char* name, std::int64_t(&to)[3], std::int64_t fallback) {
    const ir::Ints& values = node.attrs().ints(name);
    for (int i = 0; i < rank; ++i) {
      to[i] = values.empty() ? fallback : values[static_cast<std::size_t>(i)];
    }
  };
  copy("strides", call.strides, 1);
  copy("dilations", call.dilations, 1);
  copy("pad_low", call.pad_low, 0);
  copy("pad_high", call.pad_high, 0);
  call.groups = node.attrs().integer("groups");
}

int position_of(const ir::Graph& body, Value value) {
  auto it = std::find(body.inputs().begin(), body.inputs().end(), value.node);
  MICA_CHECK(it != body.inputs().end()) << "a library call reads a value made inside its group";
  return static_cast<int>(it - body.inputs().begin());
}

// The operand beside the value that the epilogue is applied to.
Value other_operand(const Node& node, Value value) {
  return node.operand(0) == value ? node.operand(1) : node.operand(0);
}

bool is_bias(const Node& node, Value value) {
  return node.is("add") && node.num_operands() == 2 && other_operand(node, value).dims() != value.dims();
}

}  // namespace

absl::StatusOr<LibraryCall> library_call(const Node& group) {
  const std::string& library = group.attrs().text("library");
  const CallKind* kind =
      std::find_if(std::begin(kCalls), std::end(kCalls), [&](const CallKind& k) { return library == k.library; });
  if (kind == std::end(kCalls)) return absl::UnimplementedError(absl::StrCat("no call is known for ", library));
  const ir::Graph& body = group.body();
  LibraryCall result;
  MicaLibraryCall& call = result.call.call;
  call.kind = kind->kind;
  call.groups = 1;
  result.pack_kind = kind->pack_kind;
  Value value;
  for (const auto& node : body.nodes()) {
    if (node->is("input")) continue;
    if (!value) {  // the call itself comes first
      if (kind->kind == MICA_MATMUL) {
        call.transpose_a = node->attrs().flag("transpose_a");
        call.transpose_b = node->attrs().flag("transpose_b");
      } else {
        copy_window(*node, call);
      }
      for (const Value& operand : node->operands()) result.operands.push_back(position_of(body, operand));
    } else if (result.call.epilogues.empty() && !call.has_bias && is_bias(*node, value)) {
      call.has_bias = 1;
      result.operands.push_back(position_of(body, other_operand(*node, value)));
    } else {
      result.call.epilogues.push_back(make_epilogue(*node));
      if (node->num_operands() == 2) result.operands.push_back(position_of(body, other_operand(*node, value)));
    }
    value = node->result();
  }
  return result;
}

}  // namespace mica::program
