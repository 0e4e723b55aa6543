// What only the node runtime's shim must do: CommonJS and ES modules, callbacks, what JavaScript can throw,
// and what Node makes of errors outside of a handler.
#include "conformance.h"

namespace hearth::conformance {
namespace {

using model::OutcomeKind;
using testing::HasSubstr;

class Node : public Conformance {};

TEST_P(Node, AModuleThatIsNoFunctionOffersItsDefault) {
  load("default-default", "index");
  EXPECT_EQ(output("1"), R"("default export")");
}

TEST_P(Node, EsModuleByName) {
  load("esm-mjs", "index");
  EXPECT_EQ(output("1"), R"("default 1")");
}

TEST_P(Node, EsModuleNamedExport) {
  load("esm-mjs", "index.named");
  EXPECT_EQ(output("1"), R"("named")");
}

TEST_P(Node, EsModuleByPackage) {
  load("esm-package", "index");
  EXPECT_EQ(output("1"), R"("index.js")");
}

TEST_P(Node, CommonJsInAModulePackage) {
  load("esm-package", "dir/old");
  EXPECT_EQ(output("1"), R"("CommonJS in a module package")");
}

TEST_P(Node, FilesAreLookedForInOrder) {
  load("order", "index");
  EXPECT_EQ(output("1"), R"("mjs")");
}

TEST_P(Node, AnEmptyBodyIsUndefined) {
  load("kind");
  EXPECT_EQ(output(""), R"("undefined")");
  EXPECT_EQ(output("null"), R"("object")");
}

TEST_P(Node, ACallbackWithAnError) {
  load("callbackError");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "RangeError");
}

TEST_P(Node, ACallbackHandlerThatThrows) {
  load("callbackThrows");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).message, "before callback");
}

TEST_P(Node, ThrowingWhatIsNoError) {
  load("throwsText");
  const auto error = failure("1", OutcomeKind::kThrew);
  EXPECT_EQ(error.type, "string");
  EXPECT_EQ(error.message, "just text");
}

TEST_P(Node, ThrowingNothing) {
  load("throwsUndefined");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).type, "undefined");
}

TEST_P(Node, AHostileThen) {
  load("thenThrows");
  EXPECT_EQ(failure("1", OutcomeKind::kThrew).message, "hostile then");
}

TEST_P(Node, AManifestThatIsNotJson) { EXPECT_EQ(load_error("broken-type", "index").type, "SyntaxError"); }

TEST_P(Node, AStrayRejectionEndsTheProcess) {
  load("strayRejection");
  process_.send_invoke(++invocation_, "1");
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), 1);
  EXPECT_THAT(process_.take_err(), HasSubstr("stray rejection"));
}

TEST_P(Node, AStrayExceptionEndsTheProcess) {
  load("strayException");
  process_.send_invoke(++invocation_, "1");
  EXPECT_FALSE(process_.receive().has_value());
  EXPECT_EQ(process_.wait_exit(), 1);
  EXPECT_THAT(process_.take_err(), HasSubstr("stray exception"));
}

TEST_P(Node, AStrayRejectionAfterTheAnswerEndsTheProcessAtOnce) {
  load("strayRejectionAfter");
  EXPECT_EQ(output("1"), R"("answered")");
  EXPECT_EQ(process_.wait_exit(), 1);
  EXPECT_THAT(process_.take_err(), HasSubstr("stray after the answer"));
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Node, testing::Values(node()),
                         [](const auto& runtime) { return runtime.param.name; });

}  // namespace
}  // namespace hearth::conformance
