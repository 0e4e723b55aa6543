#include "bench/run/progress.h"

#include <ostream>

#include "cli/format.h"

namespace hearth::bench {
namespace {

constexpr std::chrono::milliseconds kRewrite{150};
constexpr std::chrono::seconds kLine{5};

}  // namespace

void Progress::show(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) {
    return;
  }
  if (terminal_.err_is_terminal) {
    terminal_.err << "\r\033[K" << cli::printable(text) << std::flush;
    next_ = now + kRewrite;
  } else {
    terminal_.err << "... " << cli::printable(text) << std::endl;
    next_ = now + kLine;
  }
  shown_ = true;
}

void Progress::note(const std::string& text) {
  clear();
  terminal_.err << text << std::endl;
}

void Progress::clear() {
  if (shown_ && terminal_.err_is_terminal) {
    terminal_.err << "\r\033[K" << std::flush;
  }
  shown_ = false;
}

}  // namespace hearth::bench
