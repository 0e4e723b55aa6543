#include "sandbox/fake/process_table.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

namespace hearth::sandbox {
namespace {

constexpr int kLinksMax = 1'000;  // ends the walk if the table, which is not a snapshot, has a circle

// "pid (name) state parent ... rss", proc(5): rss is the 24th field.
bool parse_stat(const std::string& text, ProcessEntry& entry) {
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos) {
    return false;
  }
  entry.name = text.substr(open + 1, close - open - 1);
  std::istringstream rest(text.substr(close + 1));
  rest >> entry.state >> entry.parent;
  std::string skipped;
  for (int field = 5; field < 24; ++field) {
    rest >> skipped;
  }
  std::int64_t pages = 0;
  rest >> pages;
  entry.resident_bytes = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(::getpagesize());
  return !rest.fail();
}

bool is_below(const ProcessTable& table, int pid, int ancestor) {
  for (int links = 0; links < kLinksMax; ++links) {
    const auto found = table.find(pid);
    if (found == table.end()) {
      return false;
    }
    pid = found->second.parent;
    if (pid == ancestor) {
      return true;
    }
  }
  return false;
}

}  // namespace

ProcessTable read_process_table() {
  ProcessTable table;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  while (const dirent* each = folder == nullptr ? nullptr : ::readdir(folder.get())) {
    const int pid = std::atoi(each->d_name);
    std::string text;
    ProcessEntry entry;
    std::ifstream in(pid > 0 ? "/proc/" + std::to_string(pid) + "/stat" : "");
    if (std::getline(in, text) && parse_stat(text, entry)) {
      table.emplace(pid, std::move(entry));
    }
  }
  return table;
}

std::uint64_t resident_below(const ProcessTable& table, int ancestor) {
  std::uint64_t bytes = 0;
  for (const auto& [pid, entry] : table) {
    if (is_below(table, pid, ancestor)) {
      bytes += entry.resident_bytes;
    }
  }
  return bytes;
}

}  // namespace hearth::sandbox
