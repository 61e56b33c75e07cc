// CSVLogger.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "frontend/mica/model.h"

namespace mica {
namespace {

class CsvLoggerImpl : public CustomCallback {
 public:
  CsvLoggerImpl(std::string_view filename, char separator, bool append)
      : filename_(filename), separator_(separator), append_(append) {}

  void on_train_begin() override {
    const bool goes_on = append_ && std::filesystem::exists(filename_) && std::filesystem::file_size(filename_) > 0;
    has_header_ = goes_on;
    columns_.clear();
    file_.open(filename_, append_ ? std::ios::app : std::ios::trunc);
    check();
  }

  void on_epoch_end(int epoch, Logs& logs) override {
    if (columns_.empty()) choose_columns(logs);
    file_ << epoch;
    for (const std::string& column : columns_) {
      file_ << separator_ << (logs.contains(column) ? Config::Value(logs[column]).to_json() : "NA");
    }
    file_ << "\n" << std::flush;
    check();
  }

  void on_train_end() override { file_.close(); }

  // A training that is resumed goes on in the file.
  void restore(const CallbackState&) override {
    file_.close();
    append_ = true;
    on_train_begin();
  }

 private:
  void check() const {
    if (file_) return;
    throw Error({.where = "CSVLogger", .expected = "to write " + filename_, .received = "an error", .hint = {}});
  }

  void choose_columns(const Logs& logs) {
    columns_ = logs.keys();
    std::sort(columns_.begin(), columns_.end());
    if (has_header_) return;
    file_ << "epoch";
    for (const std::string& column : columns_) file_ << separator_ << column;
    file_ << "\n";
    has_header_ = true;
  }

  std::string filename_;
  char separator_;
  bool append_, has_header_ = false;
  std::vector<std::string> columns_;
  std::ofstream file_;
};

}  // namespace

CSVLogger::CSVLogger(std::string_view filename, char separator, bool append)
    : Callback(std::make_shared<CsvLoggerImpl>(filename, separator, append)) {}

}  // namespace mica
