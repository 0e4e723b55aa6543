// What the suite of directories of members needs from an adapter. Each test program links the suite's source
// and defines member_directories(), so a new adapter is held to the same promises. Tests only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "messaging/member_directory.h"

namespace hearth::messaging {

struct DirectorySubject {
  std::shared_ptr<MemberDirectory> directory;
  // Runs the subject's loop until the condition holds; false when it does not in time.
  std::function<bool(std::function<bool()>)> run_until = [](const auto& condition) { return condition(); };
};

struct DirectoryBackend {
  std::string name;
  std::function<DirectorySubject()> make;
};

std::vector<DirectoryBackend> member_directories();

}  // namespace hearth::messaging
