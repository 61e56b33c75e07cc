// The step of an optimizer for one weight: composites, so that hand-written training records one operation a weight.
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/ops/builder.h"
#include "compiler/ops/families.h"
#include "compiler/ops/infer.h"
#include "compiler/ops/op_def.h"

namespace mica::ir {
namespace {

enum AdamOperand {
  kWeight,
  kGradient,
  kFirst,
  kSecond,
  kRate1,
  kKeep2,
  kRate2,
  kStep,
  kCorrection,
  kEpsilon,
  kLargest
};

bool is_number(std::size_t operand) { return operand >= kRate1 && operand <= kEpsilon; }

// The weight and its moments, all of the weight's type.
absl::StatusOr<Types> infer_adam_update(const InferContext& c) {
  const TensorType& weight = c.operand(kWeight);
  for (std::size_t i = 0; i < c.operands.size(); ++i) {
    const TensorType wanted = is_number(i) ? TensorType{weight.dtype, {}} : weight;
    if (c.operands[i] != wanted) return expected(wanted.to_string(), c.operands[i].to_string());
  }
  return Types(c.operands.size() > kLargest ? 4 : 3, weight);
}

Values decompose_adam_update(Builder& b, const Node& n) {
  const Value weight = n.operand(kWeight), gradient = n.operand(kGradient);
  const Value first = n.operand(kFirst) + (gradient - n.operand(kFirst)) * n.operand(kRate1);
  const Value second = n.operand(kSecond) * n.operand(kKeep2) + gradient * gradient * n.operand(kRate2);
  Values results = {weight, first, second};
  if (n.num_operands() > kLargest) results.push_back(b.max(n.operand(kLargest), second));
  const Value scale = b.sqrt(results.back()) / n.operand(kCorrection) + n.operand(kEpsilon);
  results[0] = weight - first * n.operand(kStep) / scale;
  return results;
}

}  // namespace

void add_update_ops(Registry& r) {
  Op adam("adam_update");
  for (const char* sizes : {"[3,5]", "[17]", "[]", "[0,2]"}) {
    const std::string tensor = absl::StrCat("f32", sizes), number = "f32[]";
    Sample sample{.operands = {tensor, tensor, tensor, tensor, number, number, number, number, number, number},
                  .low = 0.1,
                  .high = 1};
    adam.sample(sample);
    sample.operands.push_back(tensor);
    adam.sample(sample);
  }
  r.add(adam.doc("A step of Adam: the weight, first, second and, where it is given, largest after it.")
            .mirrors("torch.optim.Adam")
            .input("weight", "float")
            .input("gradient", "float")
            .input("first", "float", "mean of the gradient")
            .input("second", "float", "mean of its square")
            .input("rate_1", "float", "1 - beta_1")
            .input("keep_2", "float", "beta_2")
            .input("rate_2", "float", "1 - beta_2")
            .input("step", "float", "the learning rate over 1 - beta_1^t")
            .input("correction", "float", "sqrt(1 - beta_2^t)")
            .input("epsilon", "float")
            .optional_input("largest", "float", "the largest mean of squares so far: AMSGrad")
            .fusion(FusionClass::kElementwise)
            .infer(infer_adam_update)
            .decompose(decompose_adam_update)
            .not_differentiable("an optimizer's step is outside of what is differentiated")
            .fixture("hand:adam_update"));
}

}  // namespace mica::ir
