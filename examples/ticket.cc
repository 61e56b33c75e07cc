// Several inputs, several outputs: tickets come with a title, a body and tags, and are given a priority and a
// department.
#include "models/ticket.h"

#include <cstdio>
#include <iostream>

using namespace mica;

int main() {
  set_random_seed(1);
  Model model = examples::ticket();
  std::cout << model.summary();

  // Tickets whose first word decides the department and whose tags decide the priority.
  const std::int64_t tickets = 256;
  Tensor title = randint(0, 60, {tickets, 10}).to(kInt32), body = randint(0, 60, {tickets, 30}).to(kInt32);
  Tensor tags = randint(0, 2, {tickets, 12}).to(kFloat32);
  Tensor department = F::one_hot(title.select(1, 0).to(kInt64) % 4, 4).to(kFloat32);
  Tensor priority = (tags.sum(1, {.keepdim = true}) > 6.0).to(kFloat32);

  model.compile({.optimizer = Adam(1e-2),
                 .loss = {{"priority", BinaryCrossentropy({.from_logits = true})},
                          {"department", CategoricalCrossentropy({.from_logits = true})}},
                 .loss_weights = {{"priority", 1.0}, {"department", 0.2}},
                 .metrics = {{"department", {"accuracy"}}}});
  History history = model.fit({{"title", title}, {"body", body}, {"tags", tags}},
                              {{"priority", priority}, {"department", department}}, {.epochs = 12});

  TensorDict predicted = model.predict_dict({{"title", title}, {"body", body}, {"tags", tags}});
  std::printf("first ticket: department %d, priority logit %.2f\n",
              static_cast<int>(predicted["department"][0].argmax().item()), predicted["priority"][0][0].item());
  std::printf("%s", model.dump(Stage::kProgram).c_str());
  return history["loss"].back() < history["loss"].front() ? 0 : 1;
}
