#include "gateway/settings.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace hearth::gateway {
namespace {

base::Result<Settings> parse(std::string_view text) {
  return parse_settings(boost::json::parse(text).as_object(), model::FunctionLimits{});
}

TEST(Settings, TakesThePrototypesFieldsAndIgnoresUnknownOnes) {
  const auto settings = parse(R"({"displayName":"My function","memorySize":512,"somethingElse":[1]})");
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->display_name, "My function");
  EXPECT_EQ(settings->memory_mb, 512U);
  EXPECT_FALSE(settings->name);
}

TEST(Settings, TakesEveryField) {
  const auto settings =
      parse(R"({"name":"orders-1","runtime":"node","handler":"lib/orders.total","memorySize":128.0,
                                  "timeout":1500,"concurrency":1,"environment":{"A_1":"x","b":""}})");
  ASSERT_TRUE(settings) << settings.error().message;
  model::Version version;
  apply(*settings, version);
  EXPECT_EQ(version.handler, "lib/orders.total");
  EXPECT_EQ(version.timeout_ms, 1500U);
  EXPECT_EQ(version.environment.at("A_1"), "x");
}

TEST(Settings, NullIsAsGoodAsAbsent) { EXPECT_EQ(*parse(R"({"name":null,"memorySize":null})"), Settings{}); }

TEST(Settings, NamesTheFieldThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"name":""})", "\"name\""},
      {R"({"name":"-a"})", "\"name\""},
      {R"({"name":"a b"})", "\"name\""},
      {R"({"name":"../x"})", "\"name\""},
      {R"({"name":7})", "\"name\" is a string"},
      {R"({"name":"f81d4fae-7dec-41d0-a765-00a0c91e6bf6"})", "function id"},
      {R"({"memorySize":64})", "128 to 1024"},
      {R"({"memorySize":1025})", "128 to 1024"},
      {R"({"memorySize":"512"})", "\"memorySize\""},
      {R"({"memorySize":128.5})", "\"memorySize\""},
      {R"({"memorySize":-1})", "\"memorySize\""},
      {R"({"memorySize":1e300})", "\"memorySize\""},
      {R"({"timeout":0})", "\"timeout\""},
      {R"({"timeout":900001})", "\"timeout\""},
      {R"({"concurrency":101})", "\"concurrency\""},
      {R"({"runtime":"ruby"})", "\"runtime\" is one of \"node\", \"python\""},
      {R"({"handler":"../index"})", "\"handler\""},
      {R"({"handler":"/index"})", "\"handler\""},
      {R"({"handler":"a;b"})", "\"handler\""},
      {R"({"displayName":"a\nb"})", "\"displayName\""},
      {R"({"environment":[]})", "\"environment\""},
      {R"({"environment":{"A":1}})", "\"environment\""},
      {R"({"environment":{"1A":"x"}})", "\"environment\""},
      {R"({"environment":{"A=B":"x"}})", "\"environment\""},
      {R"({"environment":{"LD_PRELOAD":"x"}})", "LD_PRELOAD is reserved"},
      {R"({"environment":{"NODE_OPTIONS":"x"}})", "reserved"},
      {R"({"environment":{"A":"x\u0000y"}})", "NUL"},
  };
  for (const auto& [text, reason] : cases) {
    const auto settings = parse(text);
    ASSERT_FALSE(settings) << text;
    EXPECT_EQ(settings.error().code, base::ErrorCode::kInvalidArgument);
    EXPECT_NE(settings.error().message.find(reason), std::string::npos)
        << text << ": " << settings.error().message;
  }
}

TEST(Settings, BoundsTheEnvironment) {
  const std::string large = R"({"environment":{"A":")" + std::string(4096, 'x') + "\"}}";
  ASSERT_FALSE(parse(large));
  EXPECT_NE(parse(large).error().message.find("4096"), std::string::npos);
}

TEST(Settings, PythonIsRefusedWhereTheHostHasNone) {
  model::FunctionLimits limits;
  const boost::json::object fields{{"runtime", "python"}};
  EXPECT_EQ(parse_settings(fields, limits)->runtime, "python");
  limits.python = false;
  const auto refused = parse_settings(fields, limits);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("--python PATH"), std::string::npos);
  EXPECT_TRUE(parse_settings({{"runtime", "node"}}, limits).ok());
}

}  // namespace
}  // namespace hearth::gateway
