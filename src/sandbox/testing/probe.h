// The commands of the probe, the program that the sandbox tests run inside. See probe.cc.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hearth::sandbox::probe {

using Arguments = std::vector<std::string>;  // argv
using Commands = std::map<std::string, std::function<int(const Arguments&)>>;

int number(const Arguments& arguments, std::size_t index);  // 0 when absent
// "what 0" or "what errno", a line.
void print_errno(const std::string& what, long result);

// Where the first word is "when-told", waits for a request and takes the word away; false when none comes.
bool when_told(Arguments& arguments);

void add_attempts(Commands& commands);      // probe_attempts.cc: what should be denied
void add_resources(Commands& commands);     // probe_resources.cc: what should be bounded
void add_floods(Commands& commands);        // probe_floods.cc: the same, up to a bound, for outside too
void add_system_calls(Commands& commands);  // probe_system_calls.cc: each by its number

}  // namespace hearth::sandbox::probe
