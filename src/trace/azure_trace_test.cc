// Files in the format of the Azure trace: what is read, and what is said of what cannot be.
#include "trace/azure_trace.h"

#include <gtest/gtest.h>

namespace hearth::trace {
namespace {

constexpr std::string_view kInvocations =
    "HashOwner,HashApp,HashFunction,Trigger,480,481,482\n"
    "o1,a1,f1,timer,1,0,1\n"
    "o1,a1,f2,http,0,25,0\n";
constexpr std::string_view kDurations =
    "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum,percentile_Average_0,percentile_Average_1,"
    "percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,"
    "percentile_Average_100\n"
    "o1,a1,f1,71,288,0.0,1458.0,0,0,1,2,1,1265.5,1458\n";
constexpr std::string_view kMemory =
    "HashFunction,HashOwner,HashApp,SampleCount,AverageAllocatedMb,AverageAllocatedMb_pct100\n"
    "f2,o1,a1,20,9.5,12.25\n";
constexpr std::string_view kMemoryOfApps =
    "HashOwner,HashApp,SampleCount,AverageAllocatedMb,AverageAllocatedMb_pct100\n"
    "o1,a1,20,100,200\n";

base::Result<Trace> parse(std::string_view invocations) {
  return parse_trace({{"i.csv", invocations}, std::nullopt, std::nullopt});
}

std::string error_of(std::string_view invocations) {
  const auto trace = parse(invocations);
  return trace ? "none" : trace.error().message;
}

TEST(AzureTrace, ReadsCallsRunTimesAndMemory) {
  const auto trace =
      parse_trace({{"i.csv", kInvocations}, NamedText{"d.csv", kDurations}, NamedText{"m.csv", kMemory}});
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->first_minute, 480U);
  EXPECT_EQ(trace->minutes, 3U);
  const RunTimes runs{71, {0, 0, 1, 2, 2, 1265.5, 1458}};  // put in order
  EXPECT_EQ(trace->functions,
            (std::vector<TracedFunction>{
                {"o1", "a1", "f1", "timer", {{0, 1}, {2, 1}}, runs, std::nullopt},
                {"o1", "a1", "f2", "http", {{1, 25}}, std::nullopt, MemoryUse{9.5, 12.25}}}));
}

TEST(AzureTrace, MemoryOfAnAppIsThatOfEachOfItsFunctions) {
  const auto trace = parse_trace({{"i.csv", kInvocations}, std::nullopt, NamedText{"m.csv", kMemoryOfApps}});
  ASSERT_TRUE(trace) << trace.error().message;
  for (const TracedFunction& function : trace->functions) {
    EXPECT_EQ(function.memory, (MemoryUse{100, 200}));
  }
}

TEST(AzureTrace, LinesMayEndAsOnWindowsAndTheLastWithoutAnEnd) {
  const auto trace = parse("HashOwner,HashApp,HashFunction,Trigger,1\r\no,a,f,http,7\r\n\r\no,a,g,http,8");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->functions.size(), 2U);
  EXPECT_EQ(trace->functions[1].calls, (std::vector<MinuteCalls>{{0, 8}}));
}

TEST(AzureTrace, SaysWhereAFieldIsWrong) {
  const std::string head = "HashOwner,HashApp,HashFunction,Trigger,1,2\n";
  EXPECT_EQ(error_of(head + "o,a,f,http,1,1\no,a,f,http,12,x"),
            "i.csv:3:15: column 2: \"x\" is no whole number");
  EXPECT_EQ(error_of(head + "o,a,f,http,-1,1"), "i.csv:2:12: column 1: \"-1\" is no whole number");
  EXPECT_EQ(error_of(head + "o,a,f,http,,1"), "i.csv:2:12: column 1: \"\" is no whole number");
  EXPECT_EQ(error_of(head + "o,a,f,http,1.5,1"), "i.csv:2:12: column 1: \"1.5\" is no whole number");
  EXPECT_EQ(error_of(head + "o,a,f,http,100000001,1"),
            "i.csv:2:12: column 1: \"100000001\" is more than 100000000");
  EXPECT_EQ(error_of(head + "o,a,f,http,\n1"), "i.csv:2:12: 5 fields, where 6 are expected");
  EXPECT_EQ(error_of(head + "o,a,f,http,1,2,3"), "i.csv:2:16: 7 fields, where 6 are expected");
  EXPECT_EQ(error_of(head + "o,\"a\",f,http,1,2"), "i.csv:2:3: a quoted field: this format has none");
}

TEST(AzureTrace, SaysWhatIsWrongWithTheColumns) {
  EXPECT_EQ(error_of(""), "i.csv:1:1: the file is empty");
  EXPECT_EQ(error_of("HashApp,HashFunction,Trigger,1\n"), "i.csv:1:1: there is no column \"HashOwner\"");
  EXPECT_EQ(error_of("HashOwner,HashApp,Trigger,1\n"), "i.csv:1:1: there is no column \"HashFunction\"");
  EXPECT_EQ(error_of("HashOwner,HashApp,HashFunction,Trigger\n"),
            "i.csv:1:39: there is no column of a minute");
  EXPECT_EQ(error_of("HashOwner,HashApp,HashFunction,Trigger,1,3\n"),
            "i.csv:1:42: the columns after Trigger are minutes, one after the other");
  EXPECT_EQ(error_of("HashOwner,HashApp,HashFunction,Trigger,1\n"), "i.csv:1:41: there is no function");
}

TEST(AzureTrace, SaysWhichFileIsWrong) {
  const auto durations = parse_trace({{"i.csv", kInvocations}, NamedText{"d.csv", kMemory}, std::nullopt});
  ASSERT_FALSE(durations);
  EXPECT_EQ(durations.error().message, "d.csv:1:1: there is no column \"Average\"");
  const std::string wrong = std::string(kMemory) + "f1,o1,a1,20,nan,1\n";
  const auto memory = parse_trace({{"i.csv", kInvocations}, std::nullopt, NamedText{"m.csv", wrong}});
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().message,
            "m.csv:3:13: column AverageAllocatedMb: \"nan\" is no number, or a negative one");
}

TEST(AzureTrace, MessagesShowNoMoreThanTheBeginningOfAField) {
  const std::string text =
      "HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http," + std::string(1'000, 'x') + "\n";
  EXPECT_LT(error_of(text).size(), 120U);
  EXPECT_EQ(error_of("HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http,\x1b[2J"),
            "i.csv:2:12: column 1: \"?[2J\" is no whole number");
}

TEST(AzureTrace, HasBounds) {
  std::string columns = "HashOwner,HashApp,HashFunction,Trigger";
  for (std::uint32_t minute = 0; minute <= kMostMinutes; ++minute) {
    columns += "," + std::to_string(minute);
  }
  EXPECT_NE(error_of(columns).find("more than 20160 minutes"), std::string::npos) << error_of(columns);
  EXPECT_NE(error_of(std::string(2 * Table::kMostColumns, ',')).find("more than 24576 columns"),
            std::string::npos);
  std::string functions = "HashOwner,HashApp,HashFunction,Trigger,1\n";
  for (std::size_t i = 0; i <= kMostFunctions; ++i) {
    functions += "o,a,f,t,0\n";
  }
  EXPECT_EQ(error_of(functions), "i.csv:200002:1: more than 200000 functions");
}

}  // namespace
}  // namespace hearth::trace
