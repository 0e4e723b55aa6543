// What functions were changed to while they were called, held against what their callers were answered: no
// call that was sent after an acknowledgement sees what was before it, and none sees what nobody had asked
// for. Pure; one thread changes while others may not read.
//
// A target is what a call names: a function, or an alias of it. What it answers with is a word of the test's;
// kGone: that there is no such target.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace hearth::faults {

class ChangeHistory {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr const char* kGone = "gone";

  struct Call {
    std::string target;
    std::string answer;
    Clock::time_point began;
    Clock::time_point ended;
  };

  // A target is gone before its first change. The change may be seen from `when` on, and nothing older
  // from its acknowledgement on. One at a time of each target.
  void asked(const std::string& target, const std::string& answer, Clock::time_point when);
  void acknowledged(const std::string& target, Clock::time_point when);

  // A sentence; empty: it was answered as it must be.
  std::string violation(const Call& call) const;
  // The same of what was accepted for a function at some time between began and ended, and executed at any
  // time later, while this function was there: kGone when it went first.
  std::string violation_later(const Call& call) const;

 private:
  struct Change {
    std::string answer;
    Clock::time_point asked;
    Clock::time_point acknowledged = Clock::time_point::max();
  };

  std::vector<Change> seen_between(const std::string& target, Clock::time_point began,
                                   Clock::time_point ended) const;

  std::map<std::string, std::vector<Change>> changes_;
};

}  // namespace hearth::faults
