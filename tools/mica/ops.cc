// mica ops: the page of an operation follows from its record.
#include <cstdio>

#include "compiler/ops/op_def.h"
#include "runtime/error.h"
#include "tools/mica/commands.h"

namespace mica::tool {
namespace {

const char* kind_of(const ir::OpDef& def) {
  if (def.is_composite()) return "composite";
  return def.libraries.empty() ? "primitive" : "library";
}

std::string signature(const ir::OpDef& def) {
  std::string text = def.name + "(";
  for (const ir::OperandDef& operand : def.operands) {
    if (text.back() != '(') text += ", ";
    text += operand.name + ": " + operand.dtypes;
    if (operand.kind == ir::OperandDef::kOptional) text += "?";
    if (operand.kind == ir::OperandDef::kVariadic) text += "…";
  }
  return text + ")";
}

void print_page(const ir::OpDef& def) {
  std::printf("## %s\n\n    %s\n\n%s\n\n", def.name.c_str(), signature(def).c_str(), def.doc.c_str());
  for (const ir::OperandDef& operand : def.operands) {
    if (!operand.doc.empty()) std::printf("- `%s`: %s\n", operand.name.c_str(), operand.doc.c_str());
  }
  for (const ir::AttrDef& attr : def.attrs) {
    std::string fallback = attr.required ? "required" : "default " + ir::to_string(attr.fallback);
    std::printf("- `%s` (%s): %s\n", attr.name.c_str(), fallback.c_str(), attr.doc.c_str());
  }
  std::printf("\nKind: %s.", kind_of(def));
  if (!def.mirrors.empty()) std::printf(" Mirrors `%s`.", def.mirrors.c_str());
  if (!def.no_gradient.empty()) std::printf(" No gradient: %s.", def.no_gradient.c_str());
  for (const ir::LibraryBinding& library : def.libraries) std::printf(" Library: `%s`.", library.name.c_str());
  std::printf("\n\n");
}

}  // namespace

void ops(const std::string& name) {
  if (!name.empty()) {
    const ir::OpDef* def = ir::registry().find(name);
    if (!def)
      throw Error({.where = "ops",
                   .expected = "the name of an operation",
                   .received = "\"" + name + "\"",
                   .hint = "`mica ops` lists them."});
    return print_page(*def);
  }
  std::printf("# Operations\n\n");
  for (const ir::OpDef* def : ir::registry().all()) {
    if (!def->internal) print_page(*def);
  }
}

}  // namespace mica::tool
