#include "frontend/views/plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "frontend/views/graphviz.h"
#include "tests/frontend/files/file_testing.h"

namespace mica::views {
namespace {

using files::error_of;
using files::read_text;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// image -> [encoder: conv1 -> code] -> logits
PlotGraph nested_graph() {
  const PlotGraph encoder{
      .name = "encoder",
      .nodes = {{.id = "conv1",
                 .name = "conv1",
                 .class_name = "Conv2D",
                 .input_shape = "(None, 28, 28, 1)",
                 .output_shape = "(None, 26, 26, 32)",
                 .dtype = "float32",
                 .activation = "relu",
                 .trainable = Trainable::kNo},
                {.id = "code", .name = "code", .class_name = "Flatten", .output_shape = "(None, 21632)"}},
      .edges = {{"conv1", "code"}}};
  return {.name = "digits \"1\"",
          .nodes = {{.id = "image",
                     .name = "image",
                     .class_name = "InputLayer",
                     .role = PlotRole::kInput,
                     .output_shape = "(None, 28, 28, 1)"},
                    {.id = "logits",
                     .name = "a<b>&c",
                     .class_name = "Dense",
                     .role = PlotRole::kOutput,
                     .output_shape = "(None, 10)",
                     .trainable = Trainable::kYes}},
          .clusters = {encoder},
          .edges = {{"image", "conv1"}, {"code", "logits"}}};
}

class PlotTest : public files::TempFolder {};

TEST_F(PlotTest, DotNamesNodesClustersAndEdges) {
  const std::string dot = to_dot(nested_graph());
  EXPECT_THAT(dot, StartsWith("digraph \"digits \\\"1\\\"\" {\n"));
  EXPECT_THAT(dot, HasSubstr("subgraph cluster_1 {\n    label=\"encoder\""));
  EXPECT_THAT(dot, HasSubstr("    \"conv1\" -> \"code\";\n"));
  EXPECT_THAT(dot, HasSubstr("  \"image\" -> \"conv1\";\n"));
  EXPECT_THAT(dot, HasSubstr("<b>a&lt;b&gt;&amp;c</b>")) << "names are escaped";
  EXPECT_THAT(dot, HasSubstr("(None, 26, 26, 32)"));
  EXPECT_THAT(dot, Not(HasSubstr("float32")));
  EXPECT_THAT(dot, Not(HasSubstr("relu")));
}

TEST_F(PlotTest, StyleChoosesWhatIsShown) {
  const std::string dot = to_dot(nested_graph(), {.show_shapes = false,
                                                  .show_dtype = true,
                                                  .show_layer_names = false,
                                                  .rankdir = "LR",
                                                  .show_layer_activations = true,
                                                  .show_trainable = true});
  EXPECT_THAT(dot, HasSubstr("rankdir=LR"));
  EXPECT_THAT(dot, HasSubstr("float32"));
  EXPECT_THAT(dot, HasSubstr("relu"));
  EXPECT_THAT(dot, HasSubstr("frozen"));
  EXPECT_THAT(dot, HasSubstr("<b>Conv2D</b>"));
  EXPECT_THAT(dot, Not(HasSubstr("<b>conv1</b>")));
  EXPECT_THAT(dot, Not(HasSubstr("(None, 26, 26, 32)")));
}

TEST_F(PlotTest, WritesEveryFormat) {
  const std::pair<const char*, const char*> kinds[] = {
      {"a.svg", "<?xml"}, {"a.png", "\x89PNG"}, {"a.pdf", "%PDF"}, {"a.dot", "digraph"}};
  for (const auto& [name, start] : kinds) {
    const absl::Status status = write_plot(path(name), nested_graph());
    ASSERT_TRUE(status.ok()) << status;
    EXPECT_THAT(read_text(path(name)), StartsWith(start));
  }
  const std::string svg = read_text(path("a.svg"));
  for (const char* text : {"conv1", "encoder", "logits", "(None, 26, 26, 32)", "a&lt;b&gt;&amp;c"})
    EXPECT_THAT(svg, HasSubstr(text));
  EXPECT_EQ(file_count(), 4u);
}

TEST_F(PlotTest, RefusesOtherEndingsAndStyles) {
  EXPECT_EQ(error_of(write_plot(path("a.jpg"), nested_graph())),
            path("a.jpg") + ": expected a name ending in .svg, .png, .pdf or .dot, received '.jpg'.");
  EXPECT_EQ(error_of(write_plot(path("a.svg"), nested_graph(), {.rankdir = "up"})),
            path("a.svg") + ": expected rankdir TB, BT, LR or RL, received 'up'.");
  EXPECT_EQ(file_count(), 0u);
}

TEST_F(PlotTest, SaysWhatGraphvizCannotRead) {
  EXPECT_THAT(error_of(render_dot("digraph {", "svg", "here")),
              StartsWith("here: expected a graph in the DOT language"));
}

TEST_F(PlotTest, ThreadsTakeTurns) {
  std::vector<std::thread> threads;
  std::vector<int> done(4);
  for (int& flag : done) {
    threads.emplace_back([&flag] { flag = render_dot(to_dot(nested_graph()), "svg", "here").ok() ? 1 : 0; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(done, testing::Each(1));
}

}  // namespace
}  // namespace mica::views
