#include "model/runtime.h"

#include <gtest/gtest.h>

namespace hearth::model {
namespace {

TEST(Runtime, IsFoundByItsName) {
  ASSERT_NE(find_runtime("node"), nullptr);
  EXPECT_EQ(find_runtime("python")->name, kPython);
  EXPECT_EQ(find_runtime("ruby"), nullptr);
  EXPECT_EQ(find_runtime(""), nullptr);
  EXPECT_EQ(runtimes().size(), 2U);
}

TEST(Runtime, KnowsTheFilesOfAHandler) {
  const Runtime& node = *find_runtime("node");
  const Runtime& python = *find_runtime("python");
  EXPECT_TRUE(has_source(node, {"a.txt", "lib/index.mjs"}, "lib/index"));
  EXPECT_FALSE(has_source(node, {"index.py"}, "index"));
  EXPECT_TRUE(has_source(python, {"index.py"}, "index"));
  EXPECT_FALSE(has_source(python, {"lib/index.py", "index.js", "index.pyc"}, "index"));
  EXPECT_EQ(sources_of(node, "index"), "index.js, index.mjs or index.cjs");
  EXPECT_EQ(sources_of(python, "lib/app"), "lib/app.py");
}

TEST(Runtime, TheFirstDotAfterTheLastSlashEndsTheFile) {
  EXPECT_EQ(handler_file("index"), "index");
  EXPECT_EQ(handler_file("index.one.two"), "index");
  EXPECT_EQ(handler_file("lib.d/orders.total"), "lib.d/orders");
}

}  // namespace
}  // namespace hearth::model
