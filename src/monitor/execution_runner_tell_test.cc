// What an execution's end brings with it: another function's execution, or a message to a webhook.
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "monitor/execution_runner_test_support.h"
#include "webhook/notice.h"

namespace hearth::monitor {
namespace {

using model::ExecutionKind;
using model::ExecutionState;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
namespace json = boost::json;

constexpr const char* kUrl = "https://hooks.example/";

model::Destination function(const std::string& name) { return {name, "", ""}; }
model::Destination webhook_at(const std::string& url, const std::string& secret = "") {
  return {"", url, secret};
}

class TellTest : public RunnerTest {
 protected:
  // What becomes of executions of f.
  void set(const model::AsyncPolicy& policy, const std::string& id = "f") {
    auto changed = std::make_shared<model::Function>(*functions_[id]);
    changed->async = policy;
    functions_[id] = changed;
  }
  void succeed_to(model::Destination destination) {
    model::AsyncPolicy policy;
    policy.on_success = std::move(destination);
    set(policy);
  }
  // As one that has ended had it.
  model::AsyncExecution last_followed() { return store().find(followed_.back().id).value(); }
  json::value record_of(const std::shared_ptr<const std::string>& input) { return json::parse(*input); }
  // The webhook's oldest message has this answer.
  void answer(base::Result<int> status) {
    ASSERT_THAT(webhooks_.posts, testing::Not(IsEmpty()));
    const auto done = std::move(webhooks_.posts.front().done);
    webhooks_.posts.erase(webhooks_.posts.begin());
    done(std::move(status));
    settle();
  }
  // One of f that is done, its message on its way.
  void done_and_posted() {
    start_webhooks();
    start();
    warm(1);
    submit(1);
    finish();
    ASSERT_TRUE(run_until([&] { return webhooks_.posts.size() == 1; }));
  }
};

TEST_F(TellTest, WhenItIsDoneAnotherFunctionIsExecutedWithItsRecord) {
  functions_["by name"] = functions_["g"];
  succeed_to(function("by name"));
  start();
  warm(1);
  warm(1, "g");
  submit(1);
  finish();
  ASSERT_TRUE(run_until([&] { return link_.running.size() == 1; }));
  EXPECT_EQ(link_.running[0].request.version->function_id, "g");
  const auto record = record_of(link_.running[0].request.body);
  EXPECT_EQ(record.at("executionId"), json::value(store::execution_id(1)));
  EXPECT_EQ(record.at("functionId"), "f");
  EXPECT_EQ(record.at("state"), "done");
  EXPECT_EQ(record.at("version"), 1);
  EXPECT_EQ(record.at("attempts"), 1);
  EXPECT_EQ(record.at("input"), json::parse(R"({"number":1})"));
  EXPECT_EQ(record.at("output"), 1);
  EXPECT_EQ(last_followed().function_id, "g");
  EXPECT_EQ(last_followed().parent_id, store::execution_id(1));
  EXPECT_EQ(last_followed().depth, 1U);
  finish();
  EXPECT_EQ(last_followed().state, ExecutionState::kDone);
  EXPECT_THAT(followed_, SizeIs(1)) << "g has no destination";
}

TEST_F(TellTest, WhenItIsDeadAndNotBeforeTheOneForFailuresIs) {
  model::AsyncPolicy policy;
  policy.retries = 1;
  policy.on_success = function("nobody");
  policy.on_failure = function("g");
  set(policy);
  start();
  warm(1);
  submit(1);
  finish(model::OutcomeKind::kThrew, "no luck");
  EXPECT_THAT(followed_, IsEmpty()) << "it is tried again";
  now_ms_ += 1'000;
  warm(1);  // the first may have been given back meanwhile
  ASSERT_TRUE(run_until([&] { return link_.running.size() == 1; }));
  finish(model::OutcomeKind::kThrew, "no luck");
  EXPECT_EQ(find(1).state, ExecutionState::kDead);
  ASSERT_THAT(followed_, SizeIs(1));
  const auto record = record_of(followed_[0].input);
  EXPECT_EQ(record.at("state"), "dead");
  EXPECT_EQ(record.at("attempts"), 2);
  EXPECT_EQ(record.at("error").at("code"), "function_error");
  EXPECT_EQ(record.at("error").at("message"), "no luck");
  EXPECT_FALSE(record.as_object().contains("output"));
}

TEST_F(TellTest, WhoLostItsLeaseTellsNobody) {
  succeed_to(function("g"));
  start();
  warm(1);
  submit(1);
  ASSERT_THAT(*store().claim({now_ms_ + 60'000, now_ms_ + 90'000, 10, 10, UINT64_MAX, "", {}}), SizeIs(1));
  finish();
  EXPECT_THAT(followed_, IsEmpty());
  EXPECT_THAT(*store().list({}), SizeIs(1));
}

TEST_F(TellTest, OfADestinationThatThereIsNotTheExecutionIsDeadUntilItIsMade) {
  succeed_to(function("later"));
  start();
  warm(1);
  warm(1, "g");
  submit(1);
  finish();
  ASSERT_TRUE(run_until([&] { return last_followed().state == ExecutionState::kDead; }));
  EXPECT_EQ(last_followed().function_id, "later");
  EXPECT_EQ(last_followed().result.error_code, "not_found");
  EXPECT_THAT(last_followed().result.error.message, HasSubstr("\"later\""));
  functions_["later"] = functions_["g"];
  ASSERT_TRUE(store().redrive(followed_.back().id, now_ms_).ok());
  runner_->wake();
  EXPECT_TRUE(run_until([&] { return link_.running.size() == 1; }));
}

TEST_F(TellTest, ALoopIsStoppedAtItsDepthAndIsInTheDeadList) {
  options_.max_depth = 3;
  model::AsyncPolicy policy;
  policy.on_success = function("f");
  policy.on_failure = function("f");
  set(policy);
  start();
  warm(1);
  submit(1);
  std::size_t executed = 0;
  while (run_until([&] { return !link_.running.empty(); }, std::chrono::milliseconds(500))) {
    finish();
    warm(1);
    ASSERT_LE(++executed, 4U);
  }
  EXPECT_EQ(executed, 4U) << "of the depths 0 to 3";
  EXPECT_EQ(last_followed().state, ExecutionState::kDead);
  EXPECT_EQ(last_followed().result.error_code, "loop_detected");
  EXPECT_EQ(last_followed().depth, 4U);
  EXPECT_THAT(*store().list({}), SizeIs(5)) << "nothing follows that";
}

TEST_F(TellTest, TheFunctionsOwnRetriesAndAgeCount) {
  model::AsyncPolicy policy;
  policy.retries = 0;
  set(policy);
  start();
  warm(1);
  submit(1);
  finish(model::OutcomeKind::kThrew);
  EXPECT_EQ(find(1).state, ExecutionState::kDead);
  policy = {};
  policy.max_age_s = 1;
  set(policy);
  warm(1);
  submit(2);
  now_ms_ += 1'001;
  finish(model::OutcomeKind::kThrew);
  EXPECT_EQ(find(2).state, ExecutionState::kDead);
  set({});
  warm(1);
  submit(3);
  now_ms_ += 1'001;
  finish(model::OutcomeKind::kThrew);
  EXPECT_EQ(find(3).state, ExecutionState::kPending) << "the server's";
}

TEST_F(TellTest, AWebhookIsToldAndThatIsAnExecution) {
  succeed_to(webhook_at("https://hooks.example/?token=1", "secret"));
  done_and_posted();
  const auto& message = webhooks_.posts[0].message;
  EXPECT_EQ(message.url, "https://hooks.example/?token=1");
  EXPECT_EQ(record_of(message.body).at("output"), 1);
  EXPECT_THAT(message.headers, Contains("X-Hearth-Event: execution.done"));
  EXPECT_THAT(message.headers, Contains("X-Hearth-Execution-Id: " + store::execution_id(1)));
  EXPECT_THAT(message.headers, Contains("X-Hearth-Delivery-Id: " + followed_[0].id));
  EXPECT_THAT(message.headers, Contains("X-Hearth-Signature: " +
                                        webhook::signature("secret", now_ms_ / 1'000, *message.body)));
  EXPECT_EQ(last_followed().kind, ExecutionKind::kWebhook);
  EXPECT_EQ(last_followed().function_id, "f");
  EXPECT_EQ(last_followed().state, ExecutionState::kRunning);
  answer(204);
  EXPECT_EQ(last_followed().state, ExecutionState::kDone);
  EXPECT_EQ(last_followed().result.output, R"({"status":204})");
  EXPECT_EQ(last_followed().executed_version, 0U);
  EXPECT_EQ(webhook_runner_->counts().done, 1U);
  EXPECT_EQ(runner_->counts().done, 1U);
  EXPECT_THAT(followed_, SizeIs(1)) << "nobody is told of that";
}

TEST_F(TellTest, AWebhookThatFailsIsAskedAgainWhereItIsThen) {
  succeed_to(webhook_at(kUrl));
  done_and_posted();
  answer(500);
  EXPECT_EQ(last_followed().state, ExecutionState::kPending);
  ASSERT_THAT(last_followed().attempts, SizeIs(1));
  EXPECT_EQ(last_followed().attempts[0].code, "webhook_failed");
  EXPECT_EQ(last_followed().attempts[0].message, "HTTP 500");
  EXPECT_TRUE(last_followed().attempts[0].counts);
  EXPECT_GE(last_followed().due_ms, now_ms_ + 50);
  succeed_to(webhook_at("https://mended.example/"));
  now_ms_ += 150;
  ASSERT_TRUE(run_until([&] { return webhooks_.posts.size() == 1; }));
  EXPECT_EQ(webhooks_.posts[0].message.url, "https://mended.example/");
  EXPECT_THAT(webhooks_.posts[0].message.headers, Contains("X-Hearth-Attempt: 2"));
  answer(base::Error{base::ErrorCode::kTimeout, "it took too long"});
  EXPECT_EQ(last_followed().attempts.at(1).message, "it took too long");
}

TEST_F(TellTest, ItsRetriesUsedUpAMessageIsDeadAndNobodyIsToldOfThat) {
  model::AsyncPolicy policy;
  policy.retries = 100;  // of its calls
  policy.on_success = policy.on_failure = webhook_at(kUrl);
  set(policy);
  start_webhooks(/*retries=*/1);
  start();
  warm(1);
  submit(1);
  finish();
  for (const int status : {302, 404}) {
    ASSERT_TRUE(run_until([&] { return webhooks_.posts.size() == 1; }));
    answer(status);
    now_ms_ += 1'000;
  }
  EXPECT_EQ(last_followed().state, ExecutionState::kDead);
  EXPECT_EQ(last_followed().result.error_code, "webhook_failed");
  EXPECT_EQ(last_followed().result.error.message, "HTTP 404");
  EXPECT_THAT(followed_, SizeIs(1));
  EXPECT_EQ(webhook_runner_->counts().dead, 1U);
}

TEST_F(TellTest, OfAWebhookThatWasRemovedTheMessageIsDeadAndSaysSo) {
  succeed_to(webhook_at(kUrl));
  done_and_posted();
  answer(500);
  set({});
  now_ms_ += 1'000;
  ASSERT_TRUE(run_until([&] { return last_followed().state == ExecutionState::kDead; }));
  EXPECT_EQ(last_followed().result.error_code, "not_found");
  EXPECT_THAT(last_followed().result.error.message, HasSubstr("no webhook for what is done"));
  functions_.erase("f");
  ASSERT_TRUE(store().redrive(followed_.back().id, now_ms_).ok());
  webhook_runner_->wake();
  ASSERT_TRUE(run_until([&] { return last_followed().state == ExecutionState::kDead; }));
  EXPECT_THAT(last_followed().result.error.message, HasSubstr("no function"));
}

TEST_F(TellTest, WebhooksThatHangTakeNoPlaceOfCallsNorOfOtherFunctions) {
  succeed_to(webhook_at(kUrl));
  set(functions_["f"]->async, "g");
  store::ExecutionStore::Writes writes;
  for (int number = 1; number <= 20; ++number) {
    writes.submissions.push_back(store::sample_execution(number, number <= 19 ? "f" : "g"));
    writes.submissions.back().kind = ExecutionKind::kWebhook;
  }
  ASSERT_TRUE(store().write(writes).ok());
  start_webhooks();
  ASSERT_TRUE(run_until([&] { return webhooks_.posts.size() == 3; })) << "of f half of four";
  start();
  warm(2);
  submit(30);
  submit(31);
  EXPECT_THAT(link_.running, SizeIs(2));
  EXPECT_EQ(webhook_runner_->executing(), 3U);
}

TEST_F(TellTest, ADrainWaitsForTheMessageThatIsOnItsWay) {
  succeed_to(webhook_at(kUrl));
  done_and_posted();
  bool drained = false;
  webhook_runner_->drain([&] { drained = true; });
  EXPECT_FALSE(drained);
  answer(200);
  EXPECT_TRUE(drained);
  EXPECT_EQ(last_followed().state, ExecutionState::kDone);
}

}  // namespace
}  // namespace hearth::monitor
