// What a run is at, on stderr: one line that is written over on a terminal, a line every few seconds
// elsewhere. One thread.
#pragma once

#include <chrono>
#include <string>

#include "cli/command.h"

namespace hearth::bench {

class Progress {
 public:
  explicit Progress(cli::Terminal& terminal) : terminal_(terminal) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  // The state now; shown at most some times a second.
  void show(const std::string& text);
  // A line that stays.
  void note(const std::string& text);
  void clear();

 private:
  cli::Terminal& terminal_;
  std::chrono::steady_clock::time_point next_{};
  bool shown_ = false;
};

}  // namespace hearth::bench
