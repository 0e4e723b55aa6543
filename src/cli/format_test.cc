// The pure parts: how sizes, times, tables and JSON read, and which word was meant.
#include "cli/format.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/json_text.h"
#include "cli/suggestion.h"

namespace hearth::cli {
namespace {

using std::chrono::milliseconds;

TEST(Format, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1023), "1023 B");
  EXPECT_EQ(human_bytes(1024), "1.0 KB");
  EXPECT_EQ(human_bytes(12'000), "12 KB");
  EXPECT_EQ(human_bytes((1U << 20U) - 1), "1.0 MB") << "never 1024 KB";
  EXPECT_EQ(human_bytes(5ULL << 40U), "5.0 TB");
}

TEST(Format, Times) {
  EXPECT_EQ(human_milliseconds(0.423), "0.42 ms");
  EXPECT_EQ(human_milliseconds(12.34), "12.3 ms");
  EXPECT_EQ(human_milliseconds(999.7), "1.00 s");
  EXPECT_EQ(human_milliseconds(125'000), "2 min 5 s");
  EXPECT_EQ(human_seconds(119), "119 s");
  EXPECT_EQ(human_seconds(3'700), "61 min");
  EXPECT_EQ(human_seconds(400'000), "4 days");
}

TEST(Format, Durations) {
  EXPECT_EQ(*parse_milliseconds("500ms"), milliseconds(500));
  EXPECT_EQ(*parse_milliseconds("1.5s"), milliseconds(1'500));
  EXPECT_EQ(*parse_milliseconds("2m"), milliseconds(120'000));
  for (const auto* text : {"", "s", "0", "999us", "-1s", "10 s", "10"}) {
    EXPECT_FALSE(parse_milliseconds(text)) << text;
  }
}

TEST(Format, Rfc3339) {
  EXPECT_EQ(parse_time("1970-01-01T00:00:01Z"), 1'000);
  EXPECT_EQ(parse_time("2027-01-15T08:00:00.123456Z"), 1'800'000'000'123);
  for (const auto* text : {"", "now", "2027-01-15", "2027-01-15T08:00:00+01:00", "2027-xx-15T08:00:00Z"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
  EXPECT_EQ(human_age("1970-01-01T00:00:01Z", 6'000), "5 s ago");
  EXPECT_EQ(human_age("1970-01-01T00:00:09Z", 6'000), "0 s ago") << "clocks differ";
}

TEST(Format, TableAlignsByCharacters) {
  Table table({"A", "B"});
  table.add({"grün", "1"});
  table.add({"x", "22"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "A     B\ngrün  1\nx     22\n");
}

TEST(Format, ControlCharactersAreShown) {
  EXPECT_EQ(printable("a\033[2J\n\tb\x7Fü"), "a?[2J??b?ü");
  EXPECT_EQ(printable_lines("a\033[2J\n\tb\x7Fü"), "a?[2J\n\tb?ü");
}

TEST(JsonText, Pretty) {
  EXPECT_EQ(
      base::pretty_json(R"({"a":[1,{"b":"x, {y}\""}],"c":{},"d":[]})"),
      "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x, {y}\\\"\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}");
  EXPECT_EQ(base::pretty_json(" 1e400 "), "1e400");
  for (const auto* text : {"{", "}", "\"open", "[1"}) {
    EXPECT_EQ(base::pretty_json(text), text) << "not JSON: as it is";
  }
}

TEST(JsonText, Member) {
  const std::string text = R"( {"logs":{"output":1},"x":"}","output" : [1, {"a":2}] })";
  EXPECT_EQ(base::json_member(text, "output"), R"([1, {"a":2}])");
  EXPECT_EQ(base::json_member(text, "x"), R"("}")");
  EXPECT_FALSE(base::json_member(text, "a"));
  for (const auto* broken : {"", "[]", "{", R"({"a")", R"({"a":})", R"({"a":[1)", R"({"a":1 "b":2})"}) {
    EXPECT_FALSE(base::json_member(broken, "b")) << broken;
  }
}

TEST(Suggestion, NearWordsOnly) {
  const std::vector<std::string> words = {"deploy", "delete", "list", "logs"};
  EXPECT_EQ(suggest("dploy", words), "deploy");
  EXPECT_EQ(suggest("lsit", words), "list");
  EXPECT_EQ(suggest("del", words), "delete");
  EXPECT_FALSE(suggest("restart", words));
  EXPECT_FALSE(suggest("", words));
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace hearth::cli
