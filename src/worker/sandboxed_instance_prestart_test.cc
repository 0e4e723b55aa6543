// Instances that were booted before their function was known, over real pipes and processes.
#include "model/runtime.h"
#include "worker/testing/sandboxed_instance_fixture.h"

namespace hearth::worker {
namespace {

using model::OutcomeKind;

class PrestartedInstance : public SandboxedInstanceTest {
 protected:
  void prestart(const std::string& runtime) {
    version_.runtime = runtime;
    // A program without walls around it finds its code by its path.
    options_.programs.code = source_folder() + "/runtimes/conformance/fixtures/" + runtime + "/handlers";
    instance_ = factory().prestart({"waiting", kind_of(version_), 64}, events_);
    ASSERT_TRUE(run_until([this] { return events_.booted_count == 1 || events_.failed; }));
    ASSERT_FALSE(events_.failed) << events_.failed->outcome.error.message;
  }
  void assign(const std::string& code = "handlers") {
    version_.code_digest = code;
    version_.handler = "index.echo";
    version_.environment = {{"GREETING", "hello"}};
    instance_->assign({"i-1", "orders", std::make_shared<model::Version>(version_)});
    EXPECT_EQ(events_.loaded_count, 0);
    ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1 || events_.failed; }));
  }
};

class PrestartedRuntime : public PrestartedInstance, public testing::WithParamInterface<std::string_view> {};

TEST_P(PrestartedRuntime, BecomesAnInstanceOfAFunction) {
  prestart(std::string(GetParam()));
  EXPECT_EQ(host_.specs.at(0).name, "waiting");
  EXPECT_EQ(host_.specs.at(0).limits.memory_bytes, 64 * base::kMiB);
  assign();
  ASSERT_FALSE(events_.failed) << events_.failed->outcome.error.message;
  ASSERT_EQ(host_.assigned.size(), 1U);
  EXPECT_EQ(host_.assigned[0].first, "waiting");
  EXPECT_EQ(host_.assigned[0].second.memory_bytes, 256 * base::kMiB);
  EXPECT_TRUE(events_.steps.prestarted);
  EXPECT_EQ(call("[1]").outcome.output, "[1]");
  EXPECT_EQ(call("{}").outcome.output, "{}");
  instance_->stop();
  expect_end();
}

INSTANTIATE_TEST_SUITE_P(Runtimes, PrestartedRuntime, testing::Values(model::kNode, model::kPython),
                         [](const auto& param_info) { return std::string(param_info.param); });

TEST_F(PrestartedInstance, IsStoppedAndForgottenWhileItWaits) {
  prestart(std::string(model::kNode));
  instance_.reset();
  EXPECT_TRUE(run_until([this] { return host_.living() == 0; }));
}

TEST_F(PrestartedInstance, ACodeFolderThatIsNotThereEndsIt) {
  prestart(std::string(model::kNode));
  assign("missing");
  expect_failed(OutcomeKind::kStartFailed, "code: no such code");
}

TEST_F(PrestartedInstance, AnAssignmentThatFailsEndsIt) {
  prestart(std::string(model::kNode));
  host_.assign_result = base::Error{base::ErrorCode::kBusy, "more memory is in use"};
  assign();
  expect_failed(OutcomeKind::kStartFailed, "sandbox: more memory is in use");
}

TEST_F(PrestartedInstance, OneThatDoesNotComeUpSaysWhy) {
  host_.command = {"/bin/sh", "-c", "exit 3"};
  version_.runtime = model::kNode;
  instance_ = factory().prestart({"waiting", kind_of(version_), 64}, events_);
  expect_failed(OutcomeKind::kStartFailed, "exit code 3");
}

TEST_F(PrestartedInstance, ARuntimeThatIsNotThereIsRefused) {
  options_.programs.python.python.clear();
  version_.runtime = model::kPython;
  instance_ = factory().prestart({"waiting", kind_of(version_), 32}, events_);
  expect_failed(OutcomeKind::kStartFailed, "this host does not run python");
}

}  // namespace
}  // namespace hearth::worker
