// Results written and read again, and a cut run taken up.
#include "bench/result_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>

#include "bench/run/outputs.h"
#include "bench/target/server_process.h"

namespace hearth::bench {
namespace {

using testing::HasSubstr;

RunResult full_result() {
  Sample sample;
  sample.target = "hearth \"1\"";
  sample.repeat = 3;
  sample.x = 2.5;
  sample.label = "µ";
  sample.calls = (1ULL << 53U) + 1;
  sample.errors = 2;
  sample.errors_by_reason = {{"503 no_capacity", 2}};
  sample.cold = 4;
  sample.seconds = 0.1;
  sample.per_second = 1.0 / 3;
  sample.megabytes_per_second = 1e-9;
  sample.latency = {7, 1.5, 1, 2, 3, 4, 5, 6};
  sample.server_cpu_us_per_call = 8.25;
  sample.server_cpu = 0.5;
  sample.client_cpu = 0.9;
  sample.client_limited = true;
  sample.cut = true;
  sample.figures = {{"slowdown_p50", 1.25}};
  CallRecord call{"node", 1, 2, 1'800'000'000'000, 3.5, 1.25, 2.25, "i-1", 200, Start::kCold, "{}\n"};
  RunResult result;
  result.test = "concurrency";
  result.x_name = "concurrent calls";
  result.x_unit = "ms";
  result.started_at = "2027-01-15T08:00:00Z";
  result.hearth_version = "1.2.3";
  result.command = "hearth bench";
  result.machine = {"CPU", 2, 4096, "6.1", "v2", "v20", 0.5};
  result.settings = {{"levels", "1..3"}, {"step", "1s"}};
  result.samples = {sample, Sample{}};
  result.calls = {call, CallRecord{}};
  result.calls_left_out = 9;
  return result;
}

TEST(ResultJson, RoundTrip) {
  const RunResult result = full_result();
  const auto again = from_json(to_json(result));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, result);
}

TEST(ResultJson, MissingFieldsKeepTheirDefaults) {
  const auto result = from_json(R"({"test":"backoff","samples":[{"x":1}],"added_later":{}})");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->samples.at(0).x, 1);
  EXPECT_EQ(result->samples.at(0).calls, 0U);
}

TEST(ResultJson, OtherJsonIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"test":1})", R"({"test":"a","samples":{}})",
                           R"({"test":"a","samples":[{"calls":-1}]})"}) {
    const auto result = from_json(text);
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(result.error().message, HasSubstr("no result of hearth bench"));
  }
}

TEST(ResultJson, CallsHaveTheShapeOfThePapersTool) {
  const auto value = boost::json::parse(calls_to_json(full_result().calls));
  const auto& call = value.as_array().at(0).as_object();
  ASSERT_EQ(call.size(), 6U);
  EXPECT_EQ(call.at("executionOverhead"), 2.25);
  EXPECT_EQ(call.at("requestStart"), 1'800'000'000'000);
  EXPECT_EQ(call.at("requestDuration"), 3.5);
  EXPECT_EQ(call.at("functionDuration"), 1.25);
  EXPECT_EQ(call.at("instanceId"), "i-1");
  EXPECT_EQ(call.at("body"), "{}\n");
}

TEST(Resume, TakesTheSamplesOver) {
  RunResult earlier = full_result();
  earlier.samples[0].cut = false;
  RunResult now;
  now.test = earlier.test;
  now.settings = earlier.settings;
  now.started_at = "later";
  ASSERT_TRUE(resume_from(earlier, now));
  EXPECT_EQ(now.samples, earlier.samples);
  EXPECT_EQ(now.calls, earlier.calls);
  EXPECT_EQ(now.calls_left_out, 9U);
  EXPECT_EQ(now.started_at, earlier.started_at);
}

TEST(Resume, MeasuresACutSampleAgain) {
  RunResult now = full_result();
  ASSERT_TRUE(resume_from(full_result(), now));
  EXPECT_EQ(now.samples, std::vector<Sample>{Sample{}}) << "the first was cut";
}

TEST(Resume, RefusesAnotherRun) {
  const RunResult earlier = full_result();
  RunResult other_test = earlier;
  other_test.test = "backoff";
  EXPECT_FALSE(resume_from(earlier, other_test));
  RunResult other_setting = earlier;
  other_setting.settings["step"] = "2s";
  const auto refused = resume_from(earlier, other_setting);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("step '1s', and this one has '2s'"));
  RunResult added_setting = earlier;
  added_setting.settings["rate"] = "5";
  EXPECT_FALSE(resume_from(earlier, added_setting));
}

TEST(Outputs, AreWrittenWholeAndReadAgain) {
  const TemporaryFolder folder;
  OutputOptions options;
  options.json = folder.path() + "/run.json";
  options.csv = folder.path() + "/run.csv";
  options.calls = folder.path() + "/calls.json";
  options.report = folder.path() + "/run.html";
  ASSERT_TRUE(check_outputs(options));
  ASSERT_TRUE(write_outputs(full_result(), options));
  EXPECT_EQ(read_result(options.json).value(), full_result());
  EXPECT_FALSE(read_result(folder.path() + "/none.json"));
  EXPECT_FALSE(read_result(options.csv));
}

TEST(Outputs, AFolderThatIsNotThereIsToldBeforeTheRun) {
  OutputOptions options;
  options.csv = "/no/such/folder/run.csv";
  const auto checked = check_outputs(options);
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, HasSubstr("/no/such/folder"));
  options.csv = "/tmp";
  EXPECT_FALSE(check_outputs(options));
}

}  // namespace
}  // namespace hearth::bench
