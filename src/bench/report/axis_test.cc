// Ticks are numbers that people call round, and values stand where the ticks say.
#include "bench/report/axis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace hearth::bench {
namespace {

std::vector<std::string> texts(const Axis& axis) {
  std::vector<std::string> found;
  for (const Tick& tick : axis.ticks) {
    found.push_back(tick.text);
  }
  return found;
}

using Texts = std::vector<std::string>;

// 1, 2 or 5 times a power of ten.
bool is_round(double step) {
  const double power = std::pow(10, std::floor(std::log10(step) + 1e-9));
  const double digit = step / power;
  return std::ranges::any_of(std::vector<double>{1, 2, 5},
                             [&](double d) { return std::abs(digit - d) < 1e-6; });
}

void expect_sound(const Axis& axis) {
  EXPECT_LT(axis.low, axis.high);
  ASSERT_GE(axis.ticks.size(), 2U);
  EXPECT_LE(axis.ticks.size(), 16U);
  for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
    const double at = axis.place(axis.ticks[i].value);
    EXPECT_TRUE(at >= -1e-6 && at <= 1 + 1e-6) << axis.ticks[i].text << " at " << at;
    EXPECT_TRUE(i == 0 || at > axis.place(axis.ticks[i - 1].value));
  }
}

TEST(EvenAxis, HasRoundStepsForAnyRange) {
  for (const double high : {0.003, 0.7, 1.0, 9.99, 15.0, 8497.0, 123'456.0, 7e9}) {
    const Axis axis = even_axis({high / 3, high}, Quantity::kNumber, true);
    expect_sound(axis);
    EXPECT_EQ(axis.low, 0);
    EXPECT_GE(axis.high, high * (1 - 1e-9));
    EXPECT_TRUE(is_round(axis.ticks[1].value - axis.ticks[0].value)) << high;
  }
}

TEST(EvenAxis, WritesItsTicksShort) {
  EXPECT_EQ(texts(even_axis({0, 8497}, Quantity::kNumber, true)),
            (Texts{"0", "2,000", "4,000", "6,000", "8,000", "10,000"}));
  EXPECT_EQ(texts(even_axis({0.92, 1.08}, Quantity::kNumber, false)),
            (Texts{"0.92", "0.94", "0.96", "0.98", "1", "1.02", "1.04", "1.06", "1.08"}));
  EXPECT_EQ(texts(even_axis({60'000, 1'800'000}, Quantity::kMilliseconds, true)),
            (Texts{"0", "5 min", "10 min", "15 min", "20 min", "25 min", "30 min"}));
}

TEST(EvenAxis, HoldsWithoutUsableValues) {
  for (const auto& values : std::vector<std::vector<double>>{
           {}, {NAN}, {INFINITY, -INFINITY}, {0}, {0, 0}, {5}, {-5}, {-3, 4}, {1e300}, {1, 1 + 1e-12}}) {
    expect_sound(even_axis(values, Quantity::kNumber, true));
    expect_sound(even_axis(values, Quantity::kNumber, false));
  }
}

TEST(TimesAxis, HasRoundTicksAroundTheValues) {
  EXPECT_EQ(texts(times_axis({230, 17'000}, Quantity::kMicroseconds)),
            (Texts{"200 µs", "500 µs", "1 ms", "2 ms", "5 ms", "10 ms", "20 ms"}));
  EXPECT_EQ(texts(times_axis({12, 3e6}, Quantity::kMicroseconds)),
            (Texts{"10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s", "10 s"}));
  EXPECT_EQ(texts(times_axis({10, 300'000}, Quantity::kMilliseconds)),
            (Texts{"10 ms", "100 ms", "1 s", "10 s", "1 min", "10 min"}));
  EXPECT_EQ(texts(times_axis({1024, 65536}, Quantity::kBytes)),
            (Texts{"1 KB", "2 KB", "4 KB", "8 KB", "16 KB", "32 KB", "64 KB"}));
}

TEST(TimesAxis, HoldsWithoutUsableValues) {
  for (const auto quantity :
       {Quantity::kNumber, Quantity::kMicroseconds, Quantity::kMilliseconds, Quantity::kBytes}) {
    for (const auto& values : std::vector<std::vector<double>>{
             {}, {NAN}, {-1}, {0}, {5}, {1000}, {1e-3, 1e12}, {0, 1024, 4096}, {1e300, 3}}) {
      expect_sound(times_axis(values, quantity));
    }
  }
}

TEST(TimesAxis, ShowsZeroAtItsLowEnd) {
  const Axis axis = times_axis({0, 1024, 1048576}, Quantity::kBytes);
  EXPECT_EQ(axis.ticks.front().text, "0");
  EXPECT_EQ(axis.place(0), 0);
  EXPECT_GT(axis.place(1024), 0.05);
}

TEST(Axis, PlacesByStepsOrByFactors) {
  const Axis even = even_axis({0, 10}, Quantity::kNumber, true);
  EXPECT_DOUBLE_EQ(even.place(2.5), 0.25);
  const Axis times = times_axis({1, 10'000}, Quantity::kNumber);
  EXPECT_DOUBLE_EQ(times.place(100), 0.5);
  EXPECT_DOUBLE_EQ(times.place(10'000), 1);
}

TEST(Axis, EndsAtTheValuesWhenAsked) {
  const Axis axis = ending_at(even_axis({1, 17}, Quantity::kNumber, true), {1, 17});
  EXPECT_EQ(axis.place(1), 0);
  EXPECT_EQ(axis.place(17), 1);
  EXPECT_EQ(texts(axis), (Texts{"5", "10", "15"}));
  EXPECT_EQ(ending_at(even_axis({8}, Quantity::kNumber, true), {8}).place(8), 0.5) << "one value: the middle";
  EXPECT_EQ(ending_at(times_axis({8}, Quantity::kNumber), {8}).place(8), 0.5);
}

TEST(Axis, TakesTheValuesAsTicksWhereThereIsRoom) {
  const Axis axis = even_axis({1, 15}, Quantity::kNumber, true);
  EXPECT_EQ(texts(with_ticks_at(axis, {3, 1, 15, 3}, Quantity::kNumber, 0.05)), (Texts{"1", "3", "15"}));
  EXPECT_EQ(with_ticks_at(axis, {1, 1.1, 15}, Quantity::kNumber, 0.05), axis) << "too close";
}

}  // namespace
}  // namespace hearth::bench
