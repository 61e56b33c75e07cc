#include "frontend/training/optim/schedule_state.h"

#include "absl/strings/str_cat.h"

namespace mica::internal {

ScheduleState ScheduleState::below(std::string_view prefix) const {
  ScheduleState part = *this;
  absl::StrAppend(&part.prefix_, std::string(prefix), ".");
  return part;
}

template <class T>
void ScheduleState::exchange(std::string_view name, std::vector<T>& values, bool is_scalar) {
  const std::string key = absl::StrCat(prefix_, std::string(name));
  if (given_) {
    values = given_->at(key).to_vector<T>();
  } else {
    saved_->set(key, tensor(values, is_scalar ? Shape{} : Shape{static_cast<std::int64_t>(values.size())}));
  }
}

void ScheduleState::number(std::string_view name, double& value) {
  std::vector<double> one{value};
  exchange(name, one, true);
  value = one.at(0);
}
void ScheduleState::number(std::string_view name, std::int64_t& value) {
  std::vector<std::int64_t> one{value};
  exchange(name, one, true);
  value = one.at(0);
}
void ScheduleState::numbers(std::string_view name, std::vector<double>& values) { exchange(name, values, false); }
void ScheduleState::numbers(std::string_view name, std::vector<std::int64_t>& values) { exchange(name, values, false); }

void ScheduleState::shared(std::string_view name, double& value, std::size_t groups) {
  std::vector<double> values(groups, value);
  exchange(name, values, false);
  value = values.at(0);
}

void ScheduleState::saved_only(std::string_view name, std::vector<double> values) {
  if (saved_) exchange(name, values, false);
}

void check_same_numbers(const TensorDict& own, const TensorDict& given) {
  for (const auto& [key, value] : own) {
    const Tensor& other = given.at(key);
    if (other.numel() == value.numel()) continue;
    throw Error({.where = "lr_scheduler",
                 .expected = absl::StrCat("\"", key, "\" of ", value.numel(), " numbers, as here"),
                 .received = absl::StrCat(other.numel()),
                 .hint = "Load what state_dict() of a scheduler of the same class and groups gave."});
  }
}

}  // namespace mica::internal
