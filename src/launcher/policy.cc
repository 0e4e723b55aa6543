#include "launcher/policy.h"

#include <sys/stat.h>

#include <algorithm>
#include <string_view>

#include "launcher/codec.h"

namespace hearth::launcher {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyz0123456789-";

Error invalid(std::string message) { return Error{ErrorCode::kInvalidArgument, std::move(message)}; }

struct Bound {
  std::string_view field;
  std::uint64_t value;
  std::uint64_t least;
  std::uint64_t most;
};

// A NUL would end the string early for the kernel: what was checked is then not what is run.
bool has_nul(const std::string& text) { return text.find('\0') != std::string::npos; }

bool is_variable(const std::string& text) {
  const std::size_t equals = text.find('=');
  return equals != std::string::npos && equals != 0 && !has_nul(text);
}

bool is_stream(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 &&
         (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode));
}

bool is_folder(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

Result<void> check_name(const std::string& name) {
  if (name.empty() || name.size() > kMaxNameBytes ||
      name.find_first_not_of(kNameLetters) != std::string::npos) {
    return invalid("sandbox name: must be 1 to 63 of a-z, 0-9 and '-'");
  }
  return {};
}

Result<void> check_limits(const sandbox::Limits& limits, const sandbox::Limits& maxima) {
  const Bound bounds[] = {
      {"memory_bytes", limits.memory_bytes, 1, maxima.memory_bytes},
      {"cpu_weight", limits.cpu_weight, 1, maxima.cpu_weight},
      {"cpu_millicores", limits.cpu_millicores, 0, maxima.cpu_millicores},
      {"processes", limits.processes, 1, maxima.processes},
      {"open_files", limits.open_files, 1, maxima.open_files},
      {"tmp_bytes", limits.tmp_bytes, 0, maxima.tmp_bytes},
      {"tmp_files", limits.tmp_files, 0, maxima.tmp_files},
  };
  for (const Bound& bound : bounds) {
    if (bound.value < bound.least || bound.value > bound.most) {
      return invalid("sandbox " + std::string(bound.field) + ": " + std::to_string(bound.value) +
                     " is not within " + std::to_string(bound.least) + " and " + std::to_string(bound.most) +
                     ", the launcher's bounds");
    }
  }
  return {};
}

Result<void> check_spec(const sandbox::Spec& spec, const Policy& policy) {
  if (auto name = check_name(spec.name); !name) {
    return name;
  }
  if (std::ranges::find(policy.programs, spec.program) == policy.programs.end()) {
    return invalid("sandbox program: not one of the runtimes' programs that the launcher was started with");
  }
  if (std::ranges::any_of(spec.arguments, has_nul)) {
    return invalid("sandbox arguments: one holds a NUL");
  }
  if (!std::ranges::all_of(spec.environment, is_variable)) {
    return invalid("sandbox environment: each entry must be NAME=value without a NUL");
  }
  return check_limits(spec.limits, policy.maxima);
}

Result<void> check_descriptors(const sandbox::Descriptors& descriptors) {
  if (descriptors.code_folder.valid() && !is_folder(descriptors.code_folder.get())) {
    return invalid("sandbox code folder: not a folder");
  }
  for (const base::UniqueFd* fd :
       {&descriptors.requests, &descriptors.answers, &descriptors.out, &descriptors.err}) {
    if (fd->valid() && !is_stream(fd->get())) {
      return invalid(
          "sandbox requests, answers, out and err: each must be a socket, a pipe or a character device");
    }
  }
  return {};
}

}  // namespace hearth::launcher
