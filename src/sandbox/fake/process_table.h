// A look at the host's processes: whose child each is and how much memory it holds. Used by the fake
// backend to add up trees. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace hearth::sandbox {

struct ProcessEntry {
  std::string name;  // comm, at most 15 characters
  int parent = 0;
  char state = '?';
  std::uint64_t resident_bytes = 0;
};

using ProcessTable = std::map<int, ProcessEntry>;

ProcessTable read_process_table();

// Of everything below `ancestor`, without itself.
std::uint64_t resident_below(const ProcessTable& table, int ancestor);

}  // namespace hearth::sandbox
