// Event files, as TensorBoard reads them: records with a checksum (TFRecord), each an Event message of protobuf with a
// step and one summary.
#pragma once
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace mica::internal {

class EventFile {
 public:
  // A new file in `folder`, which is made when it is not there.
  explicit EventFile(const std::string& folder);
  void add_scalar(std::string_view tag, double value, std::int64_t step);
  // For a plugin of TensorBoard: "graph_keras_model" draws the JSON of a model.
  void add_text(std::string_view tag, std::string_view plugin, std::string_view text, std::int64_t step);
  // How often values lie in each of 30 intervals of equal width.
  void add_histogram(std::string_view tag, const std::vector<double>& values, std::int64_t step);

 private:
  void add_event(std::int64_t step, std::string_view summary_value);
  void write_record(std::string_view content);
  std::string path_;
  std::ofstream file_;
};

}  // namespace mica::internal
