#include "cluster/wire.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "cluster/fields.h"

namespace hearth::cluster {
namespace {

model::ExecuteRequest request_of(const std::string& version, const std::string& id, bool retired) {
  auto made = std::make_shared<model::Version>();
  made->id = version;
  return {made, "f", id, nullptr, retired};
}

const model::Allocation kPlace{"http://10.0.0.1:1", "instance-1", 4'294'967'295U, UINT64_MAX, 128};

TEST(Targets, ACallsComesBack) {
  for (const Ask ask : {Ask::kExecute, Ask::kBehind}) {
    for (const bool retired : {false, true}) {
      const std::string target = execute_target(ask, kPlace, request_of("version", "request", retired));
      const auto read = read_instance_target(target);
      ASSERT_TRUE(read) << target;
      EXPECT_EQ(*read, (InstanceRequest{ask, "instance-1", 4'294'967'295U, UINT64_MAX, "version", "request",
                                        retired}));
    }
  }
}

TEST(Targets, TheTimeThatRemainsComesBack) {
  for (const bool retired : {false, true}) {
    const std::string target = execute_target(Ask::kBehind, kPlace, request_of("version", "request", retired),
                                              std::chrono::milliseconds(90'000));
    const auto read = read_instance_target(target);
    ASSERT_TRUE(read) << target;
    EXPECT_EQ(read->remaining, std::chrono::milliseconds(90'000));
    EXPECT_EQ(read->retired, retired);
  }
  EXPECT_EQ(read_instance_target("/execute/i/0/1/v/r")->remaining, std::nullopt);
}

TEST(Targets, TakingBackComesBack) {
  const std::string target = take_back_target(kPlace);
  const auto read = read_instance_target(target);
  ASSERT_TRUE(read) << target;
  EXPECT_EQ(*read,
            (InstanceRequest{Ask::kTakeBack, "instance-1", 4'294'967'295U, UINT64_MAX, "", "", false}));
}

TEST(Targets, WhatIsMalformedIsRefused) {
  for (const std::string& target : std::vector<std::string>{
           "",
           "/",
           "/execute",
           "/execute/",
           "/execute/i",
           "/execute/i/0/1",
           "/execute/i/0/1/v",
           "/execute/i/0/1/v/",
           "/execute//0/1/v/r",
           "/execute/i//1/v/r",
           "/execute/i/-1/1/v/r",
           "/execute/i/4294967296/1/v/r",
           "/execute/i/0/18446744073709551616/v/r",
           "/execute/i/0/1x/v/r",
           "/execute/i/0/1//r",
           "/execute/i/0/1/v/r/retire",
           "/execute/i/0/1/v/r/-1",
           "/execute/i/0/1/v/r/1x",
           "/execute/i/0/1/v/r/1/2",
           "/execute/i/0/1/v/r/retired/1",
           "/execute/i/0/1/v/r/retired/",
           "/execute/i/0/1/v/r?x",
           "/execute/i/0/1/v%20/r",
           "/execute/" + std::string(65, 'i') + "/0/1/v/r",
           "/execute/i/0/1/" + std::string(65, 'v') + "/r",
           "/execute/i/0/1/v/" + std::string(65, 'r'),
           "/Execute/i/0/1/v/r",
           "/take-back/i/0",
           "/take-back/i/0/1/v",
           "/other/i/0/1/v/r",
       }) {
    EXPECT_FALSE(read_instance_target(target)) << target;
  }
  EXPECT_TRUE(read_instance_target("/execute/" + std::string(64, 'i') + "/0/1/v/r"));
}

TEST(Names, AreShortAndPlain) {
  EXPECT_TRUE(is_name("Gateway-1_of.many"));
  EXPECT_TRUE(is_name(std::string(64, 'x')));
  for (const std::string& text : {std::string(), std::string(65, 'x'), std::string("a b"), std::string("a/b"),
                                  std::string("a\n"), std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_name(text)) << text;
  }
}

model::Version full_version() {
  model::Version version;
  version.id = "version-id";
  version.function_id = "function-id";
  version.number = 4'000'000'000U;
  version.runtime = "node";
  version.handler = "folder/index.run";
  version.memory_mb = 1'024;
  version.timeout_ms = 900'000;
  version.concurrency = 100;
  version.environment = {{"A", ""}, {"B", "x=y=z"}, {"C", "line\nline 3\n"}, {"D", "\xff\x01"}};
  version.code_digest = std::string(64, 'd');
  version.code_bytes = UINT64_MAX;
  return version;
}

TEST(Versions, ComeBackWhole) {
  const auto told = read_version("version-id", to_body(full_version(), "a name \n=\xff"));
  ASSERT_TRUE(told);
  EXPECT_EQ(*told->version, full_version());
  EXPECT_EQ(told->function_name, "a name \n=\xff");
}

TEST(Versions, WithNothingInTheirTextsComeBackToo) {
  model::Version version;
  version.id = "v";
  version.runtime.clear();
  version.handler.clear();
  const auto told = read_version("v", to_body(version, ""));
  ASSERT_TRUE(told);
  EXPECT_EQ(*told->version, version);
  EXPECT_EQ(told->function_name, "");
}

// A release that knows more may tell one that knows less.
TEST(Versions, WhatIsNotKnownIsPassedOver) {
  std::string body;
  add_field(body, "colour", "blue\n7");
  body += to_body(full_version(), "f");
  add_field(body, "memory", "0");
  const auto told = read_version("version-id", body);
  ASSERT_TRUE(told);
  EXPECT_EQ(*told->version, full_version());
}

// The most that the environment's bound allows: names of one and two characters, without values.
TEST(Versions, MayHaveAsManyVariablesAsAnEnvironmentHolds) {
  const std::string first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  const std::string later = first + "0123456789";
  model::Version version = full_version();
  version.environment.clear();
  std::size_t bytes = 0;
  for (const char one : first) {
    version.environment[std::string(1, one)] = "";
    ++bytes;
  }
  for (std::size_t i = 0; bytes + 2 <= 4'096; ++i, bytes += 2) {
    version.environment[std::string{first[i / later.size()], later[i % later.size()]}] = "";
  }
  ASSERT_GT(version.environment.size(), 2'000U);
  const auto told = read_version("version-id", to_body(version, "f"));
  ASSERT_TRUE(told);
  EXPECT_EQ(*told->version, version);
}

TEST(Versions, WhatIsMalformedIsRefused) {
  const std::string good = to_body(full_version(), "f");
  EXPECT_FALSE(read_version("", good));
  EXPECT_FALSE(read_version("a/b", good));
  EXPECT_FALSE(read_version("v", good.substr(0, good.size() - 1)));
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"number", "x"},
                                                                                    {"number", "4294967296"},
                                                                                    {"memory-mb", "0"},
                                                                                    {"memory-mb", ""},
                                                                                    {"timeout-ms", "0"},
                                                                                    {"timeout-ms", "-5"},
                                                                                    {"concurrency", "0"},
                                                                                    {"code-bytes", "many"}}) {
    std::string body = good;
    add_field(body, name, value);
    EXPECT_FALSE(read_version("v", body)) << name << " " << value;
  }
  std::string many;
  for (int i = 0; i < 10'000; ++i) {
    add_field(many, "x", "");
  }
  EXPECT_FALSE(read_version("v", many));
}

TEST(Releases, ComeBackInTheirOrder) {
  std::string body;
  add_release(body, kPlace, model::ReleaseKind::kKeep);
  add_release(body, {"", "other", 0, 0, 0}, model::ReleaseKind::kRemove);
  const auto read = read_releases(body);
  ASSERT_TRUE(read);
  const model::Allocation first{"", "instance-1", 4'294'967'295U, UINT64_MAX, 0};
  EXPECT_EQ(*read, (std::vector<Release>{{first, model::ReleaseKind::kKeep},
                                         {{"", "other", 0, 0, 0}, model::ReleaseKind::kRemove}}));
  EXPECT_TRUE(read_releases("")->empty()) << "it says that the gateway lives";
}

TEST(Releases, WhatIsMalformedIsRefused) {
  for (const std::string_view body :
       {"\n", "keep\n", "keep i\n", "keep i 0\n", "keep i 0 x\n", "keep i 0 1 2\n", "keep i 0 1 \n",
        "keep  0 1\n", "keep i -1 1\n", "lost i 0 1\n", "Keep i 0 1\n", " i 0 1\n", "keep a/b 0 1\n",
        "keep i 0 1\r\n", "keep i 0 1\n\nkeep i 0 1\n", "keep i 0 1\nkeep"}) {
    EXPECT_FALSE(read_releases(body)) << body;
  }
}

TEST(Refusals, EachHasItsTextAndStatus) {
  using model::Refusal;
  for (const Refusal refusal :
       {Refusal::kGone, Refusal::kTooSmall, Refusal::kDraining, Refusal::kNoAnswer, Refusal::kBusy}) {
    EXPECT_EQ(read_refusal(to_string(refusal)), refusal);
    EXPECT_EQ(status_of(refusal), refusal == Refusal::kGone ? 410 : 503);
  }
  for (const std::string_view meta : {"", "Gone", "gone ", "unknown", "unknown_version", "malformed"}) {
    EXPECT_FALSE(read_refusal(meta)) << meta;
  }
}

}  // namespace
}  // namespace hearth::cluster
