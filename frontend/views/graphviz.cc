#include "frontend/views/graphviz.h"

#include <gvc.h>

#include <memory>
#include <mutex>

#include "frontend/files/file_error.h"

namespace mica::views {
namespace {

struct FreeGraph {
  void operator()(Agraph_t* graph) const { agclose(graph); }
};

// One for the process, never freed: Graphviz' text layout keeps a pointer to the last font's name, which is the
// context's, and reads it when the next graph is laid out.
GVC_t* graphviz_context() {
  static GVC_t* const context = gvContext();
  return context;
}

// Messages of the parser and the layout, collected instead of printed. Guarded by the caller's lock.
std::string& messages() {
  static std::string text;
  return text;
}

int collect_message(char* text) {
  messages() += text;
  return 0;
}

absl::Status graphviz_error(std::string_view where, const std::string& expected) {
  const std::string& text = messages();
  return files::content_error(where, expected, "'" + text.substr(0, text.find('\n')) + "' from Graphviz");
}

}  // namespace

absl::StatusOr<std::string> render_dot(const std::string& dot, const std::string& format, std::string_view where) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  messages().clear();
  agseterr(AGERR);
  agseterrf(collect_message);
  GVC_t* const context = graphviz_context();
  const std::unique_ptr<Agraph_t, FreeGraph> graph(agmemread(dot.c_str()));
  if (graph == nullptr) return graphviz_error(where, "a graph in the DOT language");
  if (gvLayout(context, graph.get(), "dot") != 0) return graphviz_error(where, "a graph that can be laid out");
  char* data = nullptr;
  unsigned int size = 0;
  const int result = gvRenderData(context, graph.get(), format.c_str(), &data, &size);
  std::string picture(data == nullptr ? "" : data, data == nullptr ? 0 : size);
  gvFreeRenderData(data);
  gvFreeLayout(context, graph.get());
  if (result != 0 || picture.empty()) return graphviz_error(where, "a Graphviz that writes " + format);
  return picture;
}

}  // namespace mica::views
