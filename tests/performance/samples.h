// What the measurements have alike: times and their percentiles, the steps that an answer tells, rows of a
// table.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <vector>

namespace hearth::test {

using Clock = std::chrono::steady_clock;

inline double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

inline double percentile(std::vector<double> values, double part) {
  std::sort(values.begin(), values.end());
  return values.empty()
             ? 0
             : values[static_cast<std::size_t>(std::lround(part * static_cast<double>(values.size() - 1)))];
}
inline double median(const std::vector<double>& values) { return percentile(values, 0.5); }

inline void row(const std::string& what, const std::string& bar, const std::string& measured) {
  std::cout << fmt::format("| {} | {} | {} |\n", what, bar, measured) << std::flush;
}

// How often each is measured: HEARTH_ROUNDS, or 100 times, so that a p99 is not the worst of all.
inline int rounds() {
  const char* const text = std::getenv("HEARTH_ROUNDS");
  return text != nullptr ? std::atoi(text) : 100;
}

using Steps = std::map<std::string, std::vector<double>>;  // milliseconds, by the step's name

inline void add_steps(const boost::json::value& log, Steps& steps) {
  steps[std::string(log.at("name").as_string())].push_back(log.at("duration").to_number<double>());
  for (const auto& inner : log.at("subLogs").as_array()) {
    add_steps(inner, steps);
  }
}

inline std::string medians_of(const Steps& steps) {
  std::string text;
  for (const auto* name : {"code", "sandbox", "assign", "boot", "init", "run", "handler", "invoke"}) {
    if (const auto found = steps.find(name); found != steps.end()) {
      text += fmt::format("{}{} {:.2f}", text.empty() ? "" : ", ", name, median(found->second));
    }
  }
  return text;
}

}  // namespace hearth::test
