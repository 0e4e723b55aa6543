#include "sandbox/spec_check.h"

#include <algorithm>

namespace hearth::sandbox {
namespace {

base::Error invalid(const std::string& message) {
  return base::Error{base::ErrorCode::kInvalidArgument, "sandbox " + message};
}

bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

bool valid_name_character(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }

bool valid_assignment(const std::string& text) {
  const auto equals = text.find('=');
  return equals != std::string::npos && equals > 0 && !has_nul(text);
}

}  // namespace

const char* to_string(ExitReason reason) {
  switch (reason) {
    case ExitReason::kExited:
      return "exited";
    case ExitReason::kSignaled:
      return "signaled";
    case ExitReason::kOutOfMemory:
      return "out_of_memory";
    case ExitReason::kRemoved:
      return "removed";
  }
  return "exited";
}

bool valid_name(const std::string& name) {
  return !name.empty() && name.size() <= kNameBytes &&
         std::all_of(name.begin(), name.end(), valid_name_character);
}

base::Result<void> check(const Limits& limits) {
  if (limits.memory_bytes < kMemoryMinBytes) {
    return invalid("memory_bytes is below 4 MiB");
  }
  if (limits.cpu_weight < 1 || limits.cpu_weight > kWeightMax) {
    return invalid("cpu_weight is not within 1 and 10,000");
  }
  if (limits.cpu_millicores != 0 && limits.cpu_millicores < kMillicoresMin) {
    return invalid("cpu_millicores is below 10 (0 means no cap)");
  }
  if (limits.processes == 0 || limits.tmp_bytes == 0 || limits.tmp_files == 0) {
    return invalid("processes, tmp_bytes and tmp_files must be at least 1");
  }
  if (limits.open_files < kOpenFilesMin) {
    return invalid("open_files is below 8");
  }
  return {};
}

base::Result<void> check(const Spec& spec, const Descriptors& descriptors) {
  if (!valid_name(spec.name)) {
    return invalid("name is not 1 to 63 of a-z, 0-9 and '-'");
  }
  if (spec.program.empty() || spec.program.front() != '/' || has_nul(spec.program)) {
    return invalid("program is not an absolute path");
  }
  if (std::any_of(spec.arguments.begin(), spec.arguments.end(), has_nul)) {
    return invalid("argument holds a NUL byte");
  }
  if (!std::all_of(spec.environment.begin(), spec.environment.end(), valid_assignment)) {
    return invalid("environment entry is not NAME=value");
  }
  if (!descriptors.requests.valid() || !descriptors.answers.valid() || !descriptors.out.valid() ||
      !descriptors.err.valid()) {
    return invalid("descriptors requests, answers, out and err must be open");
  }
  return check(spec.limits);
}

}  // namespace hearth::sandbox
